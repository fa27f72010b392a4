"""Tags and directories of a little-endian TIFF, with those for georeference, GPS and temperature scale.

Sources: TIFF 6.0 (Adobe, 1992), sections 2 and 15; GeoTIFF 1.1 (OGC 19-008r4), 7.1 and annex C; EXIF 2.32 (CIPA
DC-008), 4.6.6, for GPS; GDAL's "GTiff" driver page for tags 42112 and 42113.
"""

import re
import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import IntEnum
from xml.sax.saxutils import escape

from argus.imagery.model import Georeference, LinearScale, Position

GDAL_METADATA, GDAL_NODATA = 42112, 42113
GPS_DIRECTORY = 34853

_HIGHEST_METRES = 100_000.0
_LONGEST_VALUE = 256  # characters of a metadata item, enough for camera names
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.-]*")
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class Type(IntEnum):
    """The type of a tag's values; TIFF 6.0, section 2."""

    BYTE = 1
    ASCII = 2
    SHORT = 3
    LONG = 4
    RATIONAL = 5
    DOUBLE = 12


@dataclass(frozen=True)
class Tag:
    """One entry of a directory; `data` contains `count` values of `type`, little-endian."""

    code: int
    type: Type
    count: int
    data: bytes


def byte(code: int, *values: int) -> Tag:
    return Tag(code, Type.BYTE, len(values), bytes(values))


def text(code: int, value: str) -> Tag:
    data = value.encode() + b"\0"
    return Tag(code, Type.ASCII, len(data), data)


def short(code: int, *values: int) -> Tag:
    return Tag(code, Type.SHORT, len(values), struct.pack(f"<{len(values)}H", *values))


def long(code: int, *values: int) -> Tag:
    return Tag(code, Type.LONG, len(values), struct.pack(f"<{len(values)}L", *values))


def rational(code: int, *fractions: tuple[int, int]) -> Tag:
    numbers = [number for fraction in fractions for number in fraction]
    return Tag(code, Type.RATIONAL, len(fractions), struct.pack(f"<{len(numbers)}L", *numbers))


def double(code: int, *values: float) -> Tag:
    return Tag(code, Type.DOUBLE, len(values), struct.pack(f"<{len(values)}d", *values))


def directory(tags: Iterable[Tag], *, offset: int, following: int) -> bytes:
    """The bytes of the directory at `offset` in the file, followed by values of more than 4 bytes.

    Arrays of LONG come last: only they grow with the image, so the start of the file contains all other values.
    `following` is the offset of the next directory, 0 for none. The length depends only on the tags' lengths.
    """
    entries = sorted(tags, key=lambda tag: tag.code)
    values, offsets = bytearray(), dict[int, int]()
    start = offset + 2 + 12 * len(entries) + 4
    for tag in sorted(entries, key=lambda tag: tag.type == Type.LONG):
        if len(tag.data) > 4:
            offsets[tag.code] = start + len(values)
            values += tag.data + b"\0" * (len(tag.data) % 2)  # values start at even offsets
    rows = [
        struct.pack("<HHL", tag.code, tag.type, tag.count)
        + (struct.pack("<L", offsets[tag.code]) if tag.code in offsets else tag.data.ljust(4, b"\0"))
        for tag in entries
    ]
    return b"".join([struct.pack("<H", len(rows)), *rows, struct.pack("<L", following), values])


def temperature(scale: LinearScale, *, nodata: int, metadata: Mapping[str, str]) -> list[Tag]:
    """GDAL's tags: the scale from counts to degrees, the count for no temperature, and `metadata` as named items.

    The scale comes first, so that the start of the file contains it. Values are untrusted: they are cut at 256
    characters, and characters that XML does not allow are removed. Names have letters, digits and ``_.-``.
    """
    items = [
        f'<Item name="SCALE" sample="0" role="scale">{scale.factor!r}</Item>',
        f'<Item name="OFFSET" sample="0" role="offset">{scale.offset!r}</Item>',
        '<Item name="UNITTYPE" sample="0" role="unittype">degC</Item>',
    ]
    for name, value in metadata.items():
        if not _NAME.fullmatch(name):
            raise ValueError(f"metadata item {name!r}: not a name")
        clean = _NOT_XML.sub("", value[:_LONGEST_VALUE])
        items.append(
            f'<Item name="{name}">{escape(escape(clean))}</Item>'
        )  # GDAL escapes twice when writing and reading
    return [text(GDAL_METADATA, f"<GDALMetadata>{''.join(items)}</GDALMetadata>"), text(GDAL_NODATA, str(nodata))]


def georeference(reference: Georeference) -> list[Tag]:
    """GeoTIFF tags: the affine as scale and tie point, or as a matrix if it rotates or shears, and the EPSG code."""
    north_up = not reference.b and not reference.d and reference.a > 0 > reference.e
    affine = (
        [double(33550, reference.a, -reference.e, 0), double(33922, 0, 0, 0, reference.c, reference.f, 0)]
        if north_up
        else [
            double(
                34264, reference.a, reference.b, 0, reference.c, reference.d, reference.e, 0, reference.f, *([0] * 7), 1
            )
        ]
    )
    model, key = (2, 2048) if reference.geographic else (1, 3072)  # GTModelType; GeodeticCRS or ProjectedCRS
    pixel_is_area = (1025, 0, 1, 1)
    return [*affine, short(34735, 1, 1, 0, 3, 1024, 0, 1, model, *pixel_is_area, key, 0, 1, reference.epsg)]


def gps(position: Position) -> list[Tag]:
    """The entries of an EXIF GPS directory; none for an impossible position, which damaged metadata may contain."""
    if not (abs(position.latitude) <= 90 and abs(position.longitude) <= 180):  # NaN too
        return []
    tags = [
        byte(0, 2, 3, 0, 0),
        text(1, "S" if position.latitude < 0 else "N"),
        rational(2, *_degrees_minutes_seconds(position.latitude)),
        text(3, "W" if position.longitude < 0 else "E"),
        rational(4, *_degrees_minutes_seconds(position.longitude)),
    ]
    if position.altitude_metres is not None and abs(position.altitude_metres) < _HIGHEST_METRES:
        millimetres = round(abs(position.altitude_metres) * 1000)
        tags += [byte(5, position.altitude_metres < 0), rational(6, (millimetres, 1000))]
    return tags


def _degrees_minutes_seconds(angle: float) -> tuple[tuple[int, int], ...]:
    """Degrees, minutes and seconds to a millionth, which is less than a tenth of a millimetre on the ground."""
    millionths = 1_000_000
    minutes, seconds = divmod(round(abs(angle) * 3600 * millionths), 60 * millionths)
    return (minutes // 60, 1), (minutes % 60, 1), (seconds, millionths)
