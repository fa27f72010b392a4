"""FLIR radiometric JPEGs and FFF files, created from counts. Layouts as documented by ExifTool's FLIR tags."""

import io
import math
import random
import struct
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from services.local.demo.scenes.pipeline import Leak, Truth, pipeline

KELVIN = 273.15
TAKEN_AT = datetime(2025, 5, 14, 6, 20, tzinfo=UTC)
_PAETH = 4
_NEIGHBOURS = (np.s_[1:, :-2], np.s_[:-1, 2:], np.s_[:-1, :-2])  # left, above, and both; a sample has two bytes
SITE = (64.0370, -21.4010)  # a fictional plant on a real heath


@dataclass(frozen=True)
class Settings:
    """Scene settings and calibration (of a T640), and the forward formula from celsius to counts."""

    emissivity: float = 0.95
    distance_metres: float = 30.0
    reflected_celsius: float = 5.0
    atmospheric_celsius: float = 10.0
    window_celsius: float = 20.0
    window_transmission: float = 1.0
    relative_humidity: float = 0.6
    r1: float = 15848.85
    b: float = 1414.9
    f: float = 1.0
    o: int = -4405
    r2: float = 0.014533
    air: tuple[float, float, float, float, float] = (0.006569, 0.01262, -0.002276, -0.00667, 1.9)
    # The lowest and the highest temperature, °C, and count; None: the camera does not state them.
    set_range: tuple[float, float] | None = (-40.0, 150.0)
    clip: tuple[float, float] | None = (-60.0, 160.0)
    saturated: tuple[float, float] | None = (-60.0, 180.0)
    raw_range: tuple[int, int] | None = None

    def counts(self, celsius: NDArray[np.float64]) -> NDArray[np.uint16]:
        """The counts of this camera's detector for a scene of these temperatures."""
        tau = self._transmission()
        own = self._black_body(celsius)
        reflected, air, window = (
            float(self._black_body(np.float64(each)))
            for each in (self.reflected_celsius, self.atmospheric_celsius, self.window_celsius)
        )
        at_window = tau * (self.emissivity * own + (1 - self.emissivity) * reflected) + (1 - tau) * air
        behind = self.window_transmission * at_window + (1 - self.window_transmission) * window
        return np.clip(np.rint(tau * behind + (1 - tau) * air), 0, 65535).astype(np.uint16)

    def _black_body(self, celsius: NDArray[np.float64] | np.float64) -> NDArray[np.float64]:
        return self.r1 / (self.r2 * (np.exp(self.b / (celsius + KELVIN)) - self.f)) - self.o

    def _transmission(self) -> float:
        """The transmission of half of the distance."""
        a1, a2, b1, b2, x = self.air
        t = self.atmospheric_celsius
        water = math.sqrt(
            self.relative_humidity * math.exp(1.5587 + 0.06939 * t - 0.00027816 * t * t + 6.8455e-7 * t**3)
        )
        path = math.sqrt(self.distance_metres / 2)
        return x * math.exp(-path * (a1 + b1 * water)) + (1 - x) * math.exp(-path * (a2 + b2 * water))


@dataclass(frozen=True, eq=False)
class FlirFile:
    """The contents of a valid FLIR file. Byte orders are "<" and ">", as in struct."""

    counts: NDArray[np.uint16]
    settings: Settings = field(default_factory=Settings)
    record: Literal["png", "raw"] = "png"
    directory_order: str = ">"  # of header and directory
    record_order: str = "<"  # of the camera record and raw counts
    png_order: str = "<"  # of the counts in a PNG; PNG requires ">", most cameras write "<"
    part_bytes: int = 65_000
    shuffled: bool = False
    model: str = "FLIR T640"
    serial: str = "55900001"
    lens: str = "FOL25"
    position: tuple[float, float, float] | None = (*SITE, 380.0)  # latitude, longitude, metres
    gps_record: bool = True  # otherwise the position is only in EXIF
    gps_order: str = "<"
    gps_references: tuple[bytes, bytes] | None = None  # None: those of the position
    gps: Mapping[int, object] | None = None  # the GPS directory of EXIF; None: that of the position
    orientation: int | None = None  # in EXIF
    taken_at: datetime = TAKEN_AT

    def jpeg(self, celsius: NDArray[np.float64] | None = None) -> bytes:
        """The radiometric JPEG; its visible picture shows these temperatures, or the counts."""
        picture = visible(self.counts if celsius is None else celsius, self.exif())
        cut = _end_of_application_segments(picture)
        return picture[:cut] + b"".join(self.parts()) + picture[cut:]

    def parts(self) -> list[bytes]:
        """The FFF file as APP1 segments."""
        fff = self.fff()
        parts = [fff[at : at + self.part_bytes] for at in range(0, len(fff), self.part_bytes)]
        segments = [
            segment(0xE1, b"FLIR\0\1" + bytes([index, len(parts) - 1]) + part) for index, part in enumerate(parts)
        ]
        if self.shuffled:
            random.Random(1).shuffle(segments)
        return segments

    def fff(self) -> bytes:
        """Header, directory of 14 entries, records."""
        records = [(0x20, 1, self.camera_record()), (0x01, *self.counts_record())]
        if self.position and self.gps_record:
            records.append((0x2B, 1, self.position_record(self.position)))
        order, entries, body, at = self.directory_order, [], b"", 64 + 14 * 32
        for kind, subtype, data in records:
            entries.append(struct.pack(order + "HHIIII12x", kind, subtype, 100, 1, at + len(body), len(data)))
            body += data
        header = struct.pack(order + "4s16sIIII", b"FFF\0", b"ARGUS SCENE", 100, 64, 14, 2)
        return header.ljust(64, b"\0") + b"".join(entries).ljust(14 * 32, b"\0") + body

    def counts_record(self) -> tuple[int, bytes]:
        """(subtype, record)."""
        height, width = self.counts.shape
        header = struct.pack(self.record_order + "HHH", 2, width, height).ljust(32, b"\0")
        if self.record == "png":
            return 3, header + png16(self.counts if self.png_order == ">" else self.counts.byteswap())
        return (2 if self.record_order == "<" else 1), header + self.counts.astype(self.record_order + "u2").tobytes()

    def camera_record(self) -> bytes:
        record, s, order = bytearray(0x9AC), self.settings, self.record_order
        height, width = self.counts.shape
        struct.pack_into(order + "HHH", record, 0, 2, width, height)
        kelvins = [KELVIN + each for each in (s.reflected_celsius, s.atmospheric_celsius, s.window_celsius)]
        struct.pack_into(order + "6f", record, 0x20, s.emissivity, s.distance_metres, *kelvins, s.window_transmission)
        struct.pack_into(order + "f", record, 0x3C, s.relative_humidity)
        struct.pack_into(order + "3f", record, 0x58, s.r1, s.b, s.f)
        struct.pack_into(order + "5f", record, 0x70, *s.air)
        for at, size, text in ((0xD4, 32, self.model), (0x104, 16, self.serial), (0x170, 32, self.lens)):
            record[at : at + size] = text.encode().ljust(size, b"\0")
        struct.pack_into(order + "if", record, 0x308, s.o, s.r2)
        for at, span in ((0x90, s.set_range), (0x98, s.clip), (0xA8, s.saturated)):
            if span:
                struct.pack_into(order + "2f", record, at, span[1] + KELVIN, span[0] + KELVIN)
        struct.pack_into(order + "2H", record, 0x310, *(s.raw_range or (0, 0)))
        milliseconds = self.taken_at.microsecond // 1000
        struct.pack_into(order + "IIh", record, 0x384, int(self.taken_at.timestamp()), milliseconds, 0)
        return bytes(record)

    def position_record(self, position: tuple[float, float, float]) -> bytes:
        latitude, longitude, altitude = position
        north, east = b"N" if latitude >= 0 else b"S", b"E" if longitude >= 0 else b"W"
        north, east = self.gps_references or (north, east)
        values = abs(latitude), abs(longitude), altitude
        head = struct.pack(self.gps_order + "I4x2s2s4xddf", 1, north, east, *values)
        return head.ljust(0xB8, b"\0")

    def exif(self) -> Image.Exif:
        exif = Image.Exif()
        exif[271], exif[272] = "FLIR Systems AB", self.model
        exif[306] = self.taken_at.strftime("%Y:%m:%d %H:%M:%S")
        if self.orientation:
            exif[274] = self.orientation
        if self.gps or self.position:
            exif[34853] = dict(self.gps) if self.gps else gps_ifd(*(self.position or (0, 0, 0)))
        return exif


def flir_scene(
    *,
    seed: int = 0,
    width: int = 640,
    height: int = 512,
    leaks: int | Sequence[Leak] = 3,
    angle_degrees: float | None = None,
    settings: Settings | None = None,
    **fields: object,
) -> tuple[bytes, Truth]:
    """A FLIR radiometric JPEG of a pipeline, and its truth; `fields` are fields of FlirFile.

    Counts are integers, so the file's temperatures differ from `truth.celsius` by up to half a count: 0.005 °C at 10
    °C.
    """
    celsius, actual_leaks = pipeline(seed=seed, width=width, height=height, leaks=leaks, angle_degrees=angle_degrees)
    settings = settings or Settings()
    counts = settings.counts(celsius)
    file = replace(FlirFile(counts, settings=settings), **fields)  # type: ignore[arg-type]  # fields of FlirFile, checked by replace
    return file.jpeg(celsius), Truth(actual_leaks, celsius, counts)


def segment(marker: int, payload: bytes) -> bytes:
    """One JPEG marker segment."""
    return struct.pack(">BBH", 0xFF, marker, len(payload) + 2) + payload


def png16(samples: NDArray[np.uint16]) -> bytes:
    """A 16-bit greyscale PNG whose rows have the Paeth filter, as cameras write it (PNG, third edition, 9.4)."""
    height, width = samples.shape
    framed = np.zeros((height + 1, 2 * width + 2), np.uint8)  # zero outside the edges
    framed[1:, 2:] = samples.astype(">u2").view(np.uint8)
    left, above, corner = (framed[place].astype(np.int16) for place in _NEIGHBOURS)
    to_left, to_above, to_corner = abs(above - corner), abs(left - corner), abs(left + above - 2 * corner)
    predicted = np.where(
        (to_left <= to_above) & (to_left <= to_corner), left, np.where(to_above <= to_corner, above, corner)
    )
    rows = np.full((height, 1 + 2 * width), _PAETH, np.uint8)
    rows[:, 1:] = framed[1:, 2:] - predicted.astype(np.uint8)
    return png_of(width, height, zlib.compress(rows.data))


def png_of(width: int, height: int, stream: bytes, *chunks: tuple[bytes, bytes]) -> bytes:
    """A PNG with this size and compressed stream, which need not match; `chunks` come before the stream."""
    ihdr = struct.pack(">II5B", width, height, 16, 0, 0, 0, 0)
    parts = [(b"IHDR", ihdr), *chunks, (b"IDAT", stream), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))
        for name, content in parts
    )


def visible(values: NDArray[np.float64] | NDArray[np.uint16], exif: Image.Exif) -> bytes:
    """The visible picture, dark blue to bright yellow over the range of the values."""
    low, high = float(values.min()), float(values.max())
    grey = Image.fromarray(((values - low) * (255 / max(high - low, 1e-9))).astype(np.uint8))
    out = io.BytesIO()
    ImageOps.colorize(grey, (0, 0, 40), (255, 255, 200), (200, 50, 75)).save(out, "JPEG", quality=85, exif=exif)
    return out.getvalue()


def gps_ifd(latitude: float, longitude: float, altitude_metres: float) -> dict[int, object]:
    """EXIF's GPS directory."""
    return {
        1: "N" if latitude >= 0 else "S",
        2: _sexagesimal(latitude),
        3: "E" if longitude >= 0 else "W",
        4: _sexagesimal(longitude),
        5: b"\0",
        6: altitude_metres,
    }


def _sexagesimal(degrees: float) -> tuple[float, float, float]:
    whole, rest = divmod(abs(degrees) * 3600, 3600)
    minutes, seconds = divmod(rest, 60)
    return whole, minutes, round(seconds, 4)


def _end_of_application_segments(jpeg: bytes) -> int:
    at = 2
    while jpeg[at] == 0xFF and jpeg[at + 1] in range(0xE0, 0xF0):
        at += 2 + int.from_bytes(jpeg[at + 2 : at + 4], "big")
    return at
