"""FLIR's radiometric JPEG and FFF files.

A radiometric JPEG contains an FFF file, split into APP1 segments: `FLIR\\0`, 1, index, last index, part. An FFF file
has a header (`FFF\\0`, creator, version, directory position and length), a directory of 32-byte entries, and records.
Read here are type 0x01 (counts), 0x20 (calibration, settings and camera) and 0x2b (GPS).

Source of the layouts: ExifTool, lib/Image/ExifTool/FLIR.pm (tables FLIR::FFF, RawData, CameraInfo, GPSInfo). Byte
orders differ: header and directory are big-endian on most cameras, little-endian on the Tau cores of DJI's XT and XT2.
Each record has its own byte order, which its first word reveals, as that is a small number.
"""

import math
import struct
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from argus.imagery import flight, notes
from argus.imagery.jpeg import APP1, Segment
from argus.imagery.model import Camera, Capture, DistanceSource, Parameters, Position, Span
from argus.imagery.planck import KELVIN, Atmosphere, Path, Planck
from argus.imagery.png import SIGNATURE
from argus.imagery.png16 import read_png16
from argus.imagery.tags import Exif, moment, position, signed, text
from argus.imagery.thermogram import (
    HOTTEST_CELSIUS,
    Damaged,
    NotRadiometric,
    Thermogram,
    Unsupported,
    check_size,
    develop,
)
from argus.imagery.xmp import Xmp

PREFIX = b"FLIR\0"
PART_HEADER = 8  # prefix, version, index, last index
MAGICS = (b"FFF\0", b"AFF\0")
HEADER_SIZE, ENTRY_SIZE, MAX_RECORDS = 64, 32, 1024
COUNTS, CAMERA_INFO, GPS = 0x01, 0x20, 0x2B
COUNTS_HEADER = 32
SUBTYPE_ORDER = {1: ">", 2: "<"}  # of the counts record; 3 means PNG

JPEG_LS = b"\xff\xd8\xff\xf7"  # the first bytes of such an image

UNSET = -1.0  # in the GPS record

# In the camera record: the set range, the clip range and the saturated range, each with its maximum first, in kelvin.
SET_RANGE, CLIP, SATURATED = 0x90, 0x98, 0xA8
RAW_RANGE = 0x310  # the lowest and the highest count
# Kelvin per count. Cameras have 0.004 and more; below this, counts do not depend on temperature.
SMALLEST_STEP = 0.0004
LOWEST_LIMIT = -200.0  # °C; cameras that do not state a range write 0 K


@dataclass(frozen=True)
class Record:
    """The bytes of a record, with its subtype and byte order ("<" or ">")."""

    subtype: int
    data: memoryview
    order: str

    @classmethod
    def read(cls, subtype: int, data: memoryview) -> "Record":
        # The first word is a small version number; in the wrong byte order it is at least 0x100.
        return cls(subtype, data, "<" if len(data) < 2 or data[1] == 0 else ">")

    def unpack(self, form: str, at: int) -> tuple[float, ...]:
        """Values at an offset. Raises Damaged if the record ends before."""
        try:
            return struct.unpack_from(self.order + form, self.data, at)
        except struct.error as error:
            raise Damaged("flir_record_short", position=at) from error

    def number(self, at: int) -> float:
        return self.unpack("f", at)[0]

    def text(self, at: int, size: int) -> str:
        return text(bytes(self.data[at : at + size]))


def is_part(segment: Segment) -> bool:
    """Whether a JPEG segment contains a part of an FFF file."""
    return segment.marker == APP1 and segment.starts_with(PREFIX) and len(segment.payload) >= PART_HEADER


def decode_rjpeg(segments: list[Segment]) -> Thermogram:
    """The thermogram in a JPEG's segments. Raises Undecodable."""
    fff = join([each.payload for each in segments if is_part(each)])
    return _decode("flir_rjpeg", fff, Exif.among(segments), Xmp.among(segments))


def decode_fff(data: bytes) -> Thermogram:
    """The thermogram of an FFF file. Raises Undecodable."""
    if _has_frames_after(data):
        raise Unsupported("flir_frames")
    return _decode("flir_fff", data, Exif(), Xmp())


def join(parts: list[memoryview]) -> bytes:
    """The FFF file of these parts, which may be in any order. Raises Damaged for gaps and duplicates."""
    last = parts[0][7]
    if any(part[7] != last for part in parts):
        raise Damaged("flir_part_count")
    numbered = {part[6]: part for part in parts}
    if len(numbered) < len(parts):
        raise Damaged("flir_part_repeated")
    if sorted(numbered) != list(range(last + 1)):
        raise Damaged("flir_part_missing", present=len(numbered), expected=last + 1)
    return b"".join(numbered[index][PART_HEADER:] for index in range(last + 1))


def _decode(form: str, fff: bytes, exif: Exif, xmp: Xmp) -> Thermogram:
    records = _records(fff)
    if COUNTS not in records:
        raise NotRadiometric("flir_record")
    if CAMERA_INFO not in records:
        raise Damaged("flir_calibration")
    info = records[CAMERA_INFO]
    counts = _counts(records[COUNTS])
    height, width = counts.shape
    parameters, planck = _parameters(info), _planck(info)
    path = planck.path(parameters)
    _check_core(counts, planck, path)
    set_range = _span(info, SET_RANGE)
    taken_at = _taken_at(info) or flight.taken_at(xmp) or exif.taken_at
    capture = Capture(
        format=form,
        width=width,
        height=height,
        accuracy=planck.accuracy(counts, parameters),
        camera=_camera(info, exif),
        parameters=parameters,
        position=_position(records.get(GPS)) or flight.position(xmp) or exif.position,
        taken_at=taken_at,
        taken_at_local=None if taken_at else exif.taken_at_local,
        flight=flight.flight(xmp),
        set_range=set_range,
        notes=notes.orientation(exif),
    )
    return develop(capture, counts, _limited(planck, info, set_range, path))


def _directory(fff: bytes) -> list[tuple[int, int, int, int]]:
    """Type, subtype, position and size of each record. Raises Damaged, Unsupported."""
    if fff[:4] not in MAGICS or len(fff) < HEADER_SIZE:
        raise Damaged("fff_header")
    order = next((each for each in "><" if 100 <= struct.unpack_from(each + "I", fff, 20)[0] < 200), None)
    if order is None:
        raise Unsupported("fff_version")
    start, count = struct.unpack_from(order + "II", fff, 24)
    if count > MAX_RECORDS or start + count * ENTRY_SIZE > len(fff):
        raise Damaged("fff_directory", records=count)
    positions = range(start, start + count * ENTRY_SIZE, ENTRY_SIZE)
    return [struct.unpack_from(order + "HH8xII", fff, at) for at in positions]


def _has_frames_after(fff: bytes) -> bool:
    """Whether another FFF file follows the last record, as in SEQ recordings. Raises Damaged, Unsupported."""
    ends = [offset + size for kind, _, offset, size in _directory(fff) if kind and offset + size <= len(fff)]
    return any(fff.find(magic, max([HEADER_SIZE, *ends])) >= 0 for magic in MAGICS)


def _records(fff: bytes) -> dict[int, Record]:
    """The records by type. Raises Damaged, Unsupported."""
    view, records = memoryview(fff), dict[int, Record]()
    for kind, subtype, offset, size in _directory(fff):
        if kind not in (COUNTS, CAMERA_INFO, GPS):
            continue
        if offset + size > len(fff):
            raise Damaged("flir_record_end", record=kind, size_bytes=size)
        if kind in records:
            raise Unsupported("flir_sequence", record=kind)
        records[kind] = Record.read(subtype, view[offset : offset + size])
    return records


def _counts(record: Record) -> NDArray[np.uint16]:
    width, height = (int(value) for value in record.unpack("HH", 2))
    check_size(width, height)
    pixels = record.data[COUNTS_HEADER:]
    if pixels[: len(SIGNATURE)] == SIGNATURE:
        return _in_likely_byte_order(read_png16(pixels, width=width, height=height))
    if pixels[: len(JPEG_LS)] == JPEG_LS:
        raise Unsupported("flir_jpeg_ls")
    if len(pixels) < 2 * width * height:
        raise Damaged("flir_pixels", size_bytes=len(pixels), width=width, height=height)
    order = SUBTYPE_ORDER.get(record.subtype, record.order)
    counts = np.frombuffer(pixels, order + "u2", width * height).reshape(height, width)
    return counts.astype(np.uint16)


def _in_likely_byte_order(counts: NDArray[np.uint16]) -> NDArray[np.uint16]:
    """The counts in the byte order in which neighbours differ less.

    PNG is big-endian, but most cameras write little-endian counts, and the file does not state the order. The wrong
    order turns a scene into noise. The camera's stored median would also reveal the order, but is wrong on the FLIR
    ONE.
    """
    little_endian = counts.view("<u2")
    likely = little_endian if _roughness(little_endian) <= _roughness(counts) else counts
    return likely.astype(np.uint16, copy=False)


def _roughness(counts: NDArray[np.uint16]) -> int:
    """The sum of differences between neighbours, in a sample of the rows."""
    rows = counts[:: max(1, counts.shape[0] // 32)].astype(np.int32)
    return int(np.abs(rows[:, 1:] - rows[:, :-1]).sum(dtype=np.int64))


def _planck(info: Record) -> Planck:
    r1, b, f = info.unpack("3f", 0x58)
    alpha1, alpha2, beta1, beta2, x = info.unpack("5f", 0x70)
    (o,), (r2,) = info.unpack("i", 0x308), info.unpack("f", 0x30C)
    return Planck(r1=r1, b=b, f=f, o=o, r2=r2, atmosphere=Atmosphere(alpha1, alpha2, beta1, beta2, x))


def _limited(planck: Planck, info: Record, set_range: Span | None, path: Path) -> Planck:
    """The calibration with the camera's limits: the clip range, the saturated range and the range of raw values.

    The camera compares temperatures under its own settings with the clip range, so its ends are counts from then on. A
    range that does not contain the set range is not what it seems to be, and is ignored.
    """

    def counts(span: Span | None) -> tuple[float, float]:
        low, high = (span.low_celsius, span.high_celsius) if span else (None, None)
        return (
            -math.inf if low is None else planck.count(low, path),
            math.inf if high is None else planck.count(high, path),
        )

    lowest_set, highest_set = counts(set_range)
    lowest, highest = -math.inf, math.inf
    for low, high in (counts(_span(info, CLIP)), counts(_span(info, SATURATED)), _raw_range(info)):
        contains_lowest = low <= lowest_set or math.isinf(lowest_set)
        if contains_lowest and (highest_set <= high or math.isinf(highest_set)):
            lowest, highest = max(low, lowest), min(high, highest)
    return replace(planck, lowest=lowest, highest=highest)


def _span(info: Record, at: int) -> Span | None:
    """A range, whose maximum comes first; None if the camera does not state it."""
    high, low = (_celsius(kelvin) for kelvin in info.unpack("2f", at))
    known_low, known_high = (celsius if LOWEST_LIMIT <= celsius <= HOTTEST_CELSIUS else None for celsius in (low, high))
    if (known_low is None and known_high is None) or not low < high:
        return None
    return Span(known_low, known_high)


def _raw_range(info: Record) -> tuple[float, float]:
    if len(info.data) < RAW_RANGE + 4:
        return -math.inf, math.inf
    lowest, highest = info.unpack("2H", RAW_RANGE)
    return (lowest, highest) if lowest < highest else (-math.inf, math.inf)


def _check_core(counts: NDArray[np.uint16], planck: Planck, path: Path) -> None:
    """Raise NotRadiometric if temperatures hardly depend on counts: a core without radiometry fills in constants."""
    lowest, highest = int(counts.min()), int(counts.max())
    coldest, hottest = planck.at(lowest, path), planck.at(highest, path)
    if hottest - coldest < SMALLEST_STEP * (highest - lowest):
        raise NotRadiometric("flir_core", celsius=round(hottest, 1))


def _parameters(info: Record) -> Parameters:
    emissivity, distance, reflected, air, window, transmission = info.unpack("6f", 0x20)
    humidity = info.number(0x3C)
    return Parameters(
        emissivity=_plain(emissivity),
        distance_metres=_plain(distance),
        reflected_celsius=_celsius(reflected),
        atmospheric_celsius=_celsius(air),
        relative_humidity=_plain(humidity / 100 if humidity > 2 else humidity),  # some store per cent (ExifTool)
        window_celsius=_celsius(window),
        window_transmission=_plain(transmission),
        distance_source=DistanceSource.FILE,
    )


def _plain(value: float) -> float:
    """A float32 as the decimal that was entered: 0.95, not 0.949999988."""
    return round(value, 6)


def _celsius(kelvin: float) -> float:
    """Celsius from float32 kelvin, which are exact to about 0.00002; further digits are noise."""
    return round(kelvin - KELVIN, 4) + 0.0  # not -0.0


def _camera(info: Record, exif: Exif) -> Camera:
    # A FLIR ONE writes "*" in fields without a value.
    exif_camera = exif.camera
    return Camera(
        make=exif_camera.make or "FLIR",
        model=_value(info.text(0xD4, 32)) or _value(exif_camera.model),
        serial=_value(info.text(0x104, 16)) or exif_camera.serial,
        lens=_value(info.text(0x170, 32)) or exif_camera.lens,
    )


def _value(text: str) -> str:
    return "" if text == "*" else text


def _position(gps: Record | None) -> Position | None:
    if gps is None or len(gps.data) < 0x24 or gps.data[:4] == bytes(4):  # no fix
        return None
    # The first word is a flag of four bytes, 1.
    latitude, longitude, altitude = struct.unpack_from(("<" if gps.data[0] else ">") + "ddf", gps.data, 0x10)
    north = signed(latitude, text(bytes(gps.data[8:10])), "north", "south")
    east = signed(longitude, text(bytes(gps.data[10:12])), "east", "west")
    if north is None or east is None:
        return None
    return position(north, east, None if altitude == UNSET else altitude)


def _taken_at(info: Record) -> datetime | None:
    """Seconds since 1970 in UTC, and milliseconds, of which cameras write the lower half."""
    if len(info.data) < 0x38C:
        return None
    seconds, milliseconds = map(int, info.unpack("2I", 0x384))
    milliseconds &= 0xFFFF
    if not seconds or milliseconds > 999:
        return None
    return moment(datetime.fromtimestamp(seconds, UTC) + timedelta(milliseconds=milliseconds))
