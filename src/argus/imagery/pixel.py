"""Reads one temperature from a stored temperature GeoTIFF by byte ranges, without numpy.

It usually takes two reads: the start of the file with its directories, and one tile, which is inflated only up to the
pixel. It reads only the layout that `argus.imagery.cog` writes; any other file under that key is an internal error.
"""

import math
import re
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass

from argus.core.errors import ArgusError, Invalid, located
from argus.imagery.model import LinearScale

HEADER_BYTES = 16 * 1024

_SHORT, _LONG = 3, 4  # TIFF 6.0, section 2
_WIDTH, _HEIGHT = 256, 257
_TILE_WIDTH, _TILE_HEIGHT, _OFFSETS, _SIZES = 322, 323, 324, 325
_METADATA, _NODATA = 42112, 42113  # GDAL's
# bits per sample, deflate, samples per pixel, horizontal differencing, signed integers
_LAYOUT = {258: 16, 259: 8, 277: 1, 317: 2, 339: 2}
_LARGEST_TILE = 4096  # pixels a side
_ITEM = re.compile(rb'<Item name="(SCALE|OFFSET)" sample="0" role="(?:scale|offset)">([-+.0-9e]{1,32})</Item>')

Fetch = Callable[[int, int], bytes]


class OutsideImage(Invalid):
    """The pixel is outside the image."""


class UnreadableTemperatures(ArgusError):
    """The stored temperatures of an image cannot be read."""


@dataclass(frozen=True)
class _Entry:
    """A directory entry; `value` is the raw four bytes: the value itself, or the offset of the values."""

    type: int
    count: int
    value: bytes

    @property
    def number(self) -> int:
        """The single SHORT or LONG in the entry."""
        if self.count != 1 or self.type not in (_SHORT, _LONG):
            raise UnreadableTemperatures("a tag does not contain exactly one number")
        return int.from_bytes(self.value[: 2 if self.type == _SHORT else 4], "little")

    @property
    def offset(self) -> int:
        return int.from_bytes(self.value, "little")


def temperature_at(fetch: Fetch, x: int, y: int) -> float | None:
    """Degrees Celsius at column `x` and row `y` of the full image, from the upper left; None if the pixel has none.

    `fetch(first, last)` returns the bytes of that inclusive range, fewer at the end of the file, like an HTTP Range
    request. Raises OutsideImage, and UnreadableTemperatures for a file that `argus.imagery.cog` has not written.
    """
    header = fetch(0, HEADER_BYTES - 1)
    entries = _directory(header)
    width, height = _number(entries, _WIDTH), _number(entries, _HEIGHT)
    if not (0 <= x < width and 0 <= y < height):
        with located(parameter="y" if 0 <= x < width else "x"):
            raise OutsideImage(x=x, y=y, width=width, height=height)
    for code, expected in _LAYOUT.items():
        if _number(entries, code) != expected:
            raise UnreadableTemperatures(f"tag {code} is not {expected}: unknown layout")
    tile_width, tile_height = _number(entries, _TILE_WIDTH), _number(entries, _TILE_HEIGHT)
    if not (0 < tile_width <= _LARGEST_TILE and 0 < tile_height <= _LARGEST_TILE):
        raise UnreadableTemperatures(f"tiles of {tile_width} by {tile_height}: unknown layout")
    scale, nodata = _scale(_text(entries, _METADATA, header)), _nodata(_text(entries, _NODATA, header))

    index = y // tile_height * -(-width // tile_width) + x // tile_width
    tile = _tile(fetch, header, entries, index, largest=2 * tile_width * tile_height)
    count = _count(tile, tile_width, x % tile_width, y % tile_height)
    return None if count == nodata else round(count * scale.factor + scale.offset, 6)


def _directory(header: bytes) -> dict[int, _Entry]:
    """The entries of the first directory, by tag code."""
    if len(header) < 8 or header[:4] != b"II*\0":
        raise UnreadableTemperatures("not a little-endian TIFF")
    try:
        (start,) = struct.unpack_from("<L", header, 4)
        (length,) = struct.unpack_from("<H", header, start)
        rows = [struct.unpack_from("<HHL4s", header, start + 2 + 12 * row) for row in range(length)]
    except struct.error as error:
        raise UnreadableTemperatures(f"no directory in the first {len(header)} bytes") from error
    return {code: _Entry(kind, count, value) for code, kind, count, value in rows}


def _entry(entries: dict[int, _Entry], code: int) -> _Entry:
    if code not in entries:
        raise UnreadableTemperatures(f"tag {code} is missing: unknown layout")
    return entries[code]


def _number(entries: dict[int, _Entry], code: int) -> int:
    return _entry(entries, code).number


def _text(entries: dict[int, _Entry], code: int, header: bytes) -> bytes:
    entry = _entry(entries, code)
    return header[entry.offset : entry.offset + entry.count]


def _scale(metadata: bytes) -> LinearScale:
    """The scale in GDAL's items: count * SCALE + OFFSET."""
    items = dict(_ITEM.findall(metadata))
    try:
        scale = LinearScale(float(items[b"SCALE"]), float(items[b"OFFSET"]))
    except (KeyError, ValueError) as error:
        raise UnreadableTemperatures("no scale and offset: unknown layout") from error
    if not (math.isfinite(scale.factor) and math.isfinite(scale.offset) and scale.factor > 0):
        raise UnreadableTemperatures(f"impossible scale {scale.factor} and offset {scale.offset}")
    return scale


def _nodata(text: bytes) -> int:
    if not re.fullmatch(rb"-?[0-9]{1,5}\0", text):
        raise UnreadableTemperatures("no count for no temperature: unknown layout")
    return int(text[:-1])


def _tile(fetch: Fetch, header: bytes, entries: dict[int, _Entry], index: int, *, largest: int) -> bytes:
    """The deflated bytes of a tile that inflates to `largest` bytes."""
    start = _element(fetch, header, _entry(entries, _OFFSETS), index)
    size = _element(fetch, header, _entry(entries, _SIZES), index)
    if not 0 < size <= largest + largest // 1000 + 64:  # deflate never grows data by more
        raise UnreadableTemperatures(f"tile {index} has {size} bytes")
    return _read(fetch, header, start, size)


def _element(fetch: Fetch, header: bytes, entry: _Entry, index: int) -> int:
    """One number of an array of LONGs; the array of a large mosaic may follow the header."""
    if entry.type != _LONG or index >= entry.count:
        raise UnreadableTemperatures(f"no tile {index}")
    if entry.count == 1:
        return entry.offset
    return int.from_bytes(_read(fetch, header, entry.offset + 4 * index, 4), "little")


def _read(fetch: Fetch, header: bytes, start: int, size: int) -> bytes:
    last = start + size - 1
    data = header[start : last + 1] if last < len(header) else fetch(start, last)
    if len(data) != size:
        raise UnreadableTemperatures(f"the file ends before byte {last}")
    return data


def _count(tile: bytes, tile_width: int, column: int, row: int) -> int:
    """The count of a pixel: each row is a first count and then differences, modulo 2**16; TIFF 6.0, section 14."""
    needed = 2 * (row * tile_width + column + 1)
    try:
        plain = zlib.decompressobj().decompress(tile, needed)
    except zlib.error as error:
        raise UnreadableTemperatures("a tile does not inflate") from error
    if len(plain) < needed:
        raise UnreadableTemperatures("a tile ends early")
    differences: tuple[int, ...] = struct.unpack_from(f"<{column + 1}H", plain, 2 * row * tile_width)
    unsigned = sum(differences) & 0xFFFF
    return unsigned - 0x10000 if unsigned & 0x8000 else unsigned
