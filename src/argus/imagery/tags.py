"""A small reader of the tag directories of TIFF and EXIF (TIFF 6.0 section 2; Exif 2.32 section 4.6).

It reads only the requested tags and never allocates memory for sizes that a file claims: an entry that does not fit
into the file is treated as absent. Pillow's reader is not used on untrusted metadata, as it raises two dozen kinds of
errors.
"""

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from math import isfinite

from argus.core.text import JOINERS, MISLEADING
from argus.imagery.jpeg import EXIF, Segment
from argus.imagery.model import MAX_CAMERA_TEXT, Camera, Position

# Field type: (struct code, size in bytes). 5 and 10 are fractions of two integers.
TYPES = {
    1: ("B", 1), 2: ("s", 1), 3: ("H", 2), 4: ("I", 4), 5: ("II", 8), 6: ("b", 1), 7: ("s", 1),
    8: ("h", 2), 9: ("i", 4), 10: ("ii", 8), 11: ("f", 4), 12: ("d", 8),
}  # fmt: skip
SIZES = {kind: size for kind, (_, size) in TYPES.items()}
MAX_ENTRIES = 512
MAX_DIRECTORIES = 64  # of a file that are looked at
MAX_VALUE_BYTES = 262_144  # the positions of the smallest tiles, 16 by 16 pixels, of the largest image

MAKE, MODEL, ORIENTATION, DATE_TIME, EXIF_IFD, GPS_IFD = 0x010F, 0x0110, 0x0112, 0x0132, 0x8769, 0x8825
ORIGINAL_AT, OFFSET_ORIGINAL, SERIAL, LENS = 0x9003, 0x9011, 0xA431, 0xA434
LATITUDE_REF, LATITUDE, LONGITUDE_REF, LONGITUDE, ALTITUDE_REF, ALTITUDE = 1, 2, 3, 4, 5, 6
GPS_TIME, GPS_DATE = 7, 29

_INVISIBLE = re.compile(f"[{MISLEADING}{JOINERS}]")
FIRST_YEAR, LAST_YEAR = 1990, 2100  # in which an image can have been taken


@dataclass(frozen=True)
class Tags:
    """One directory: the position of each tag's value. `order` is "<" or ">", as in struct."""

    data: bytes = b""
    order: str = "<"
    entries: dict[int, tuple[int, int, int]] = field(default_factory=dict)  # tag: (type, count, position)
    ambiguous: bool = (
        False  # a tag is repeated, or there are more than MAX_ENTRIES: other readers may read other values
    )
    following: int = 0  # the position of the next directory, 0 for none

    @classmethod
    def first(cls, data: bytes) -> "Tags":
        """The first directory of a TIFF structure; empty if there is no readable directory."""
        order = {b"II*\0": "<", b"MM\0*": ">"}.get(data[:4])
        if order is None or len(data) < 8:
            return cls()
        return cls._at(data, order, struct.unpack_from(order + "I", data, 4)[0])

    @classmethod
    def _at(cls, data: bytes, order: str, position: int) -> "Tags":
        entries: dict[int, tuple[int, int, int]] = {}
        tags: set[int] = set()
        if not 0 <= position <= len(data) - 2:
            return cls(data, order)
        (count,) = struct.unpack_from(order + "H", data, position)
        ambiguous = count > MAX_ENTRIES
        first = position + 2
        rows = data[first : first + 12 * min(count, MAX_ENTRIES)]
        whole = rows[: len(rows) - len(rows) % 12]
        for row, (tag, kind, number, value) in enumerate(struct.iter_unpack(order + "HHII", whole)):
            ambiguous |= tag in tags
            tags.add(tag)
            size = SIZES.get(kind, 0) * number
            start = first + 12 * row + 8 if size <= 4 else value
            if 0 < size <= MAX_VALUE_BYTES and start + size <= len(data):
                entries.setdefault(tag, (kind, number, start))
        end = position + 2 + 12 * count
        (following,) = struct.unpack_from(order + "I", data, end) if end + 4 <= len(data) else (0,)
        return cls(data, order, entries, ambiguous, following)

    def others(self) -> "Iterator[Tags]":
        """The readable directories after this one, as far as MAX_DIRECTORIES, each once."""
        position, seen = self.following, set[int]()
        while position and position not in seen and len(seen) < MAX_DIRECTORIES:
            seen.add(position)
            found = self._at(self.data, self.order, position)
            if found.entries != self.entries:  # a loop to this one
                yield found
            position = found.following

    def directory(self, tag: int) -> "Tags":
        """The directory to which a tag points; empty if there is none."""
        match self.numbers(tag):
            case (int(position), *_):
                return self._at(self.data, self.order, position)
        return Tags()

    def numbers(self, tag: int) -> tuple[float, ...]:
        """The numbers of a tag, fractions as quotients; empty if it is absent or not numeric."""
        kind, count, start = self.entries.get(tag, (0, 0, 0))
        code = TYPES.get(kind, ("s", 0))[0]
        if code == "s":
            return ()
        values = struct.unpack_from(f"{self.order}{count * len(code)}{code[0]}", self.data, start)
        if len(code) == 1:
            return values
        return tuple(above / below if below else float("nan") for above, below in zip(*[iter(values)] * 2, strict=True))

    def raw(self, tag: int) -> bytes:
        """The bytes of a text or opaque tag; empty if it is absent."""
        kind, count, start = self.entries.get(tag, (0, 0, 0))
        return self.data[start : start + count] if kind in (2, 7) else b""

    def text(self, tag: int) -> str:
        return text(self.raw(tag))


def text(raw: bytes) -> str:
    """The printable text of a fixed-size field, up to the first NUL and trimmed."""
    line = raw.partition(b"\0")[0].decode("utf-8", "replace")
    if line.isascii() and line.isprintable():  # nearly always; the rest takes ten times as long
        return line.strip()
    legible = _INVISIBLE.sub("", "".join(filter(str.isprintable, line)).replace("\N{REPLACEMENT CHARACTER}", ""))
    return legible.strip()


@dataclass(frozen=True)
class Exif:
    """The EXIF metadata of an image."""

    main: Tags = Tags()

    @classmethod
    def among(cls, segments: list[Segment]) -> "Exif":
        """The metadata in the first EXIF segment of a JPEG; empty if there is none."""
        for segment in segments:
            if segment.starts_with(EXIF):
                return cls(Tags.first(bytes(segment.payload[len(EXIF) :])))
        return cls()

    @property
    def camera(self) -> Camera:
        details = self.main.directory(EXIF_IFD)
        texts = (self.main.text(MAKE), self.main.text(MODEL), details.text(SERIAL), details.text(LENS))
        make, model, serial, lens = (text[:MAX_CAMERA_TEXT].strip() for text in texts)
        return Camera(make=make, model=model, serial=serial, lens=lens)

    @property
    def orientation(self) -> int:
        """How viewers should turn the picture, 1 to 8; 1 if it is not stated."""
        stated = next(iter(self.main.numbers(ORIENTATION)), 1)
        return int(stated) if stated in range(1, 9) else 1

    @property
    def position(self) -> Position | None:
        gps = self.main.directory(GPS_IFD)
        latitude = signed(_degrees(gps.numbers(LATITUDE)), gps.text(LATITUDE_REF), "north", "south")
        longitude = signed(_degrees(gps.numbers(LONGITUDE)), gps.text(LONGITUDE_REF), "east", "west")
        if latitude is None or longitude is None:
            return None
        altitude = next(iter(gps.numbers(ALTITUDE)), None)
        # 1 and 3 mean below the reference surface; DJI writes the reference as text.
        below = bytes(gps.raw(ALTITUDE_REF)[:1]) in (b"\1", b"\3") or gps.numbers(ALTITUDE_REF)[:1] in ((1,), (3,))
        return position(latitude, longitude, -altitude if below and altitude is not None else altitude)

    @property
    def taken_at(self) -> datetime | None:
        """The time of capture; None if it is unknown. A time without a time zone is ignored; GPS times are UTC."""
        details, gps = self.main.directory(EXIF_IFD), self.main.directory(GPS_IFD)
        local = details.text(ORIGINAL_AT) or self.main.text(DATE_TIME)
        offset = details.text(OFFSET_ORIGINAL)
        if offset:
            return _parsed(local + offset, "%Y:%m:%d %H:%M:%S%z")
        match gps.numbers(GPS_TIME):  # always UTC
            case (hours, minutes, seconds) if all(map(isfinite, (hours, minutes, seconds))):
                clock = f"{int(hours):02}:{int(minutes):02}:{int(seconds):02}"
                return _parsed(f"{gps.text(GPS_DATE)} {clock}+00:00", "%Y:%m:%d %H:%M:%S%z")
        return None

    @property
    def taken_at_local(self) -> str | None:
        """The time of capture by the camera's clock, YYYY-MM-DDThh:mm:ss, without a time zone; None if unknown."""
        local = self.main.directory(EXIF_IFD).text(ORIGINAL_AT) or self.main.text(DATE_TIME)
        at = _parsed(local.replace("-", ":", 2) + "+00:00", "%Y:%m:%d %H:%M:%S%z")
        return f"{at:%Y-%m-%dT%H:%M:%S}" if at else None


def position(latitude: float, longitude: float, altitude_metres: float | None) -> Position | None:
    """A position, if it is valid. Cameras write 0, 0 when they have no fix."""
    if not (abs(latitude) <= 90 and abs(longitude) <= 180) or (latitude == 0 and longitude == 0):
        return None
    known = altitude_metres is not None and isfinite(altitude_metres) and abs(altitude_metres) < 100_000
    return Position(latitude, longitude, altitude_metres if known else None)


def signed(degrees: float | None, reference: str, positive: str, negative: str) -> float | None:
    """Degrees with the sign of their reference: a word or its first letter. None if it is unknown, or contradicts them.

    An unknown reference must not put an image into the other hemisphere.
    """
    if degrees is None:
        return None
    named = reference.strip(". ").lower()
    if named in (negative, negative[0]):
        return -abs(degrees)
    return degrees if named in (positive, positive[0]) and degrees >= 0 else None


def _degrees(parts: tuple[float, ...]) -> float | None:
    """Degrees from up to three numbers: degrees, minutes and seconds, of which the last may have decimals."""
    if not 1 <= len(parts) <= 3 or not all(map(isfinite, parts)):
        return None
    return sum(part / unit for part, unit in zip(parts, (1, 60, 3600), strict=False))


def moment(at: datetime) -> datetime | None:
    """The time, if it is plausible. The clock of a camera without a battery starts in 1970 or 1980."""
    return at if FIRST_YEAR <= at.year <= LAST_YEAR else None


def _parsed(text: str, form: str) -> datetime | None:
    try:
        return moment(datetime.strptime(text, form).astimezone(UTC))
    except (ValueError, OverflowError):
        return None
