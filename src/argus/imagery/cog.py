"""Writes temperatures as a Cloud-Optimised GeoTIFF: one int16 band, tiled, with overviews, deflated.

A viewer or the API reads any part of the file by HTTP ranges: all directories are at the start, followed by the tiles,
the smallest overview first. Counts are hundredths of a degree; if the image exceeds ±327.67 °C, the declared scale is
coarser. -32768 means no temperature.

A camera's position is not the position of a pixel: an oblique image has no affine georeference, and an invented one
would show it at the wrong place on every map. So a position alone becomes an EXIF GPS directory, which GDAL and
ExifTool read, and only a `Georeference` becomes GeoTIFF tags.

Sources: TIFF 6.0 sections 14 (predictor) and 15 (tiles), and Adobe's "TIFF Technical Note 3" (deflate); OGC 21-026
Cloud Optimized GeoTIFF; for the text after the header and the lengths around tiles, "Header ghost area" on the page of
GDAL's COG driver.
"""

import math
import struct
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from deflate import zlib_compress
from isal import igzip_lib
from numpy.typing import NDArray

from argus.core.errors import Invalid
from argus.imagery import tiff_tags
from argus.imagery.model import Georeference, LinearScale, Position
from argus.imagery.tiff_tags import Tag

NODATA = -32768
TILE_SIZE = 256
MAX_BYTES = 2**32 - 1  # offsets have 32 bits; larger files require BigTIFF
MAX_METADATA_BYTES = 8 * 1024  # of all items, so that the first 16 KiB contain the directory

# ISA-L takes half of libdeflate's time, and its result is larger if neighbours often have the same few differences. A
# sample of rows decides: docs/decisions/compression.md has the measurements.
_SAMPLE_ROWS = 16
_ACCEPTED_GROWTH = 1.015

_COUNTS_PER_DEGREE = (100, 50, 20, 10, 5, 2, 1)
_LARGEST_COUNT = 32767.25  # still rounds to 32767, also after a multiplication in float32
_STRUCTURE = (
    b"LAYOUT=IFDS_BEFORE_DATA\nBLOCK_ORDER=ROW_MAJOR\nBLOCK_LEADER=SIZE_AS_UINT4\n"
    b"BLOCK_TRAILER=LAST_4_BYTES_REPEATED\nKNOWN_INCOMPATIBLE_EDITION=NO\n "
)
_GHOST = b"GDAL_STRUCTURAL_METADATA_SIZE=%06d bytes\n" % len(_STRUCTURE) + _STRUCTURE
_LEADER_BYTES = 4


class NotRepresentable(Invalid):
    """The temperatures do not fit into a GeoTIFF."""

    in_responses = False


@dataclass(frozen=True)
class Cog:
    """A COG file, and the scale from its counts to temperatures."""

    data: bytes
    scale: LinearScale


@dataclass(frozen=True)
class _Level:
    """One resolution: its size and its tiles, deflated, in row-major order."""

    width: int
    height: int
    tiles: list[bytes]


def write(
    celsius: NDArray[np.float32],
    *,
    position: Position | None = None,
    georeference: Georeference | None = None,
    metadata: Mapping[str, str] | None = None,
    tile_size: int = TILE_SIZE,
) -> Cog:
    """Write temperatures, (height, width), NaN for no temperature; `metadata` becomes GDAL metadata items.

    `tile_size` is a multiple of 16. Overviews halve the image, averaging pixels that are not NaN, until it fits into
    one tile. Raises NotRepresentable for an empty or infinite image, for more than ±32767 °C, and for a file over 4
    GiB.
    """
    if celsius.ndim != 2 or not celsius.size:
        raise NotRepresentable("empty", shape=str(celsius.shape))
    if tile_size <= 0 or tile_size % 16:
        raise ValueError(f"tile size {tile_size}: not a multiple of 16")
    scale, masked = _scale(celsius)
    temperature_tags = tiff_tags.temperature(scale, nodata=NODATA, metadata=metadata or {})
    if sum(len(tag.data) for tag in temperature_tags) > MAX_METADATA_BYTES:
        raise ValueError(f"metadata items exceed {MAX_METADATA_BYTES} bytes")
    levels = [_level(plane, scale, tile_size, masked=masked) for plane in _pyramid(celsius, tile_size, masked=masked)]
    georeference_tags = tiff_tags.georeference(georeference) if georeference else []
    tags = [[*temperature_tags, *(georeference_tags if index == 0 else [])] for index in range(len(levels))]
    return Cog(_assemble(levels, tags, tiff_tags.gps(position) if position else [], tile_size), scale)


def _scale(celsius: NDArray[np.float32]) -> tuple[LinearScale, bool]:
    """The finest scale that can represent the image, and whether any pixel is NaN."""
    low, high = float(celsius.min()), float(celsius.max())
    masked = math.isnan(low)
    if masked:
        low, high = float(np.fmin.reduce(celsius, axis=None)), float(np.fmax.reduce(celsius, axis=None))
    extreme = 0.0 if math.isnan(low) else max(abs(low), abs(high))
    for per_degree in _COUNTS_PER_DEGREE:
        if extreme * per_degree <= _LARGEST_COUNT:
            return LinearScale(1 / per_degree), masked
    raise NotRepresentable("range", celsius=extreme)


def _pyramid(celsius: NDArray[np.float32], tile_size: int, *, masked: bool) -> Iterable[NDArray[np.float32]]:
    """The image and its overviews, each half as wide and high, rounded up, until one fits into a tile."""
    yield celsius
    while max(celsius.shape) > tile_size:
        celsius = _halved(celsius, masked=masked)
        yield celsius


def _halved(celsius: NDArray[np.float32], *, masked: bool) -> NDArray[np.float32]:
    """Means of two by two pixels, without those that are NaN; NaN if all four are."""
    odd_rows, odd_columns = celsius.shape[0] % 2, celsius.shape[1] % 2
    if odd_rows or odd_columns:  # repeating the last pixel keeps its value as the mean
        celsius = np.pad(celsius, ((0, odd_rows), (0, odd_columns)), mode="edge")
    if not masked:
        return _sum_of_four(celsius) * np.float32(0.25)
    valid = ~np.isnan(celsius)
    total = _sum_of_four(np.where(valid, celsius, np.float32(0)))
    with np.errstate(invalid="ignore"):  # 0 / 0 gives the intended NaN
        return total / _sum_of_four(valid.astype(np.float32))


def _sum_of_four(plane: NDArray[np.float32]) -> NDArray[np.float32]:
    rows = plane[0::2] + plane[1::2]
    return rows[:, 0::2] + rows[:, 1::2]


def _level(celsius: NDArray[np.float32], scale: LinearScale, tile_size: int, *, masked: bool) -> _Level:
    """Converts one row of tiles at a time, which then stays in the processor's cache. Rows from the middle decide about
    the compressor."""
    height, width = celsius.shape
    deflate = _compressor(_differences(_counts(celsius[height // 2 :][:_SAMPLE_ROWS], scale, masked=masked)))
    tiles: list[bytes] = []
    for top in range(0, height, tile_size):
        counts = _counts(celsius[top : top + tile_size], scale, masked=masked)
        tiles += map(deflate, _row_of_tiles(counts, tile_size))
    return _Level(width, height, tiles)


def _counts(celsius: NDArray[np.float32], scale: LinearScale, *, masked: bool) -> NDArray[np.uint16]:
    """Rounded counts as unsigned two's complement in 16 bits, so that differences wrap as the predictor requires."""
    scaled = celsius * np.float32(round(1 / scale.factor))
    np.rint(scaled, out=scaled)
    if masked:
        scaled[np.isnan(scaled)] = NODATA
    return scaled.astype("<i2").view("<u2")


def _row_of_tiles(counts: NDArray[np.uint16], tile_size: int) -> Iterator[NDArray[np.uint16]]:
    """Tiles with horizontal differencing.

    To the right of the image, differences stay zero (the last pixel repeated), and below it all is zero: deflate
    compresses both to almost nothing.
    """
    height, width = counts.shape
    for left in range(0, width, tile_size):
        tile = np.zeros((tile_size, tile_size), "<u2")
        part = counts[:, left : left + tile_size]
        tile[:height, : part.shape[1]] = _differences(part)
        yield tile


def _differences(counts: NDArray[np.uint16]) -> NDArray[np.uint16]:
    """The first count of each row, and the differences to the left neighbours."""
    differences = counts.copy()
    differences[:, 1:] -= counts[:, :-1]
    return differences


def _compressor(sample: NDArray[np.uint16]) -> Callable[[NDArray[np.uint16]], bytes]:
    """The faster compressor, unless its result is clearly larger."""
    growth = len(_by_isal(sample)) / len(_by_libdeflate(sample))
    return _by_isal if growth <= _ACCEPTED_GROWTH else _by_libdeflate


def _by_isal(counts: NDArray[np.uint16]) -> bytes:
    return igzip_lib.compress(counts.data, 2, igzip_lib.COMP_ZLIB)


def _by_libdeflate(counts: NDArray[np.uint16]) -> bytes:
    return bytes(zlib_compress(counts.data, 1))


def _assemble(levels: list[_Level], extra: list[list[Tag]], gps: list[Tag], tile_size: int) -> bytes:
    """Header, ghost area, directories from large to small, and tiles from the smallest level to the largest."""
    starts = [[0] * len(level.tiles) for level in levels]
    first = 8 + len(_GHOST)
    length = first + len(_directories(levels, extra, gps, starts, tile_size, first))
    for level, offsets in reversed(list(zip(levels, starts, strict=True))):
        for index, tile in enumerate(level.tiles):
            offsets[index] = length + _LEADER_BYTES
            length += _LEADER_BYTES + len(tile) + 4
    if length > MAX_BYTES:
        raise NotRepresentable("size", size_bytes=length)
    parts = [struct.pack("<2sHL", b"II", 42, first), _GHOST]
    parts.append(_directories(levels, extra, gps, starts, tile_size, first))
    for level in reversed(levels):
        for tile in level.tiles:
            parts += [struct.pack("<L", len(tile)), tile, tile[-4:]]
    return b"".join(parts)


def _directories(
    levels: list[_Level], extra: list[list[Tag]], gps: list[Tag], starts: list[list[int]], tile_size: int, first: int
) -> bytes:
    """All directories, starting at offset `first`; the GPS directory, if any, is the last."""
    tags = [
        [*_image_tags(level, offsets, tile_size, is_overview=index > 0), *more]
        for index, (level, offsets, more) in enumerate(zip(levels, starts, extra, strict=True))
    ]
    if gps:
        tags[0].append(tiff_tags.long(tiff_tags.GPS_DIRECTORY, 0))
    offset = first
    offsets = []
    for entries in tags:
        offsets.append(offset)
        offset += len(tiff_tags.directory(entries, offset=0, following=0))
    if gps:
        tags[0][-1] = tiff_tags.long(tiff_tags.GPS_DIRECTORY, offset)
    data = b"".join(
        tiff_tags.directory(entries, offset=start, following=following)
        for entries, start, following in zip(tags, offsets, [*offsets[1:], 0], strict=True)
    )
    return data + (tiff_tags.directory(gps, offset=offset, following=0) if gps else b"")


def _image_tags(level: _Level, offsets: list[int], tile_size: int, *, is_overview: bool) -> list[Tag]:
    """Baseline, tile, predictor and sample format tags; TIFF 6.0 sections 8, 14, 15, 19."""
    reduced = [tiff_tags.long(254, 1)] if is_overview else []
    return [
        *reduced,
        tiff_tags.long(256, level.width),
        tiff_tags.long(257, level.height),
        tiff_tags.short(258, 16),  # bits per sample
        tiff_tags.short(259, 8),  # compression: deflate
        tiff_tags.short(262, 1),  # photometric: black is zero
        tiff_tags.short(277, 1),  # samples per pixel
        tiff_tags.short(284, 1),  # planar configuration
        tiff_tags.short(317, 2),  # predictor: horizontal differencing
        tiff_tags.long(322, tile_size),
        tiff_tags.long(323, tile_size),
        tiff_tags.long(324, *offsets),
        tiff_tags.long(325, *map(len, level.tiles)),
        tiff_tags.short(339, 2),  # sample format: signed integer
    ]
