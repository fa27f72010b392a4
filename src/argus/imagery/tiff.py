"""16-bit single-band TIFFs whose counts are linear in temperature.

The caller declares the scale, or GDAL's metadata in the file does (tag 42112, items with the roles `scale`, `offset`
and `unittype`; see GDAL's raster data model and GeoTIFF driver). A TIFF without a scale is refused, because public
conventions (0.04 K per count, 0.01 K, tenths of a degree …) contradict each other.
"""

import io
import math
import re
import struct
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from argus.imagery.model import Accuracy, AccuracyKind, Capture, LinearScale, Parameters
from argus.imagery.planck import KELVIN
from argus.imagery.tags import MAX_ENTRIES, TYPES, Exif, Tags
from argus.imagery.thermogram import (
    Counts,
    Damaged,
    Implausible,
    NoTemperatureScale,
    NotRadiometric,
    Temperatures,
    Thermogram,
    Unsupported,
    check_size,
    develop,
)

MAGICS = (b"II*\0", b"MM\0*")
BIG_MAGICS = (b"II+\0", b"MM\0+")

WIDTH, HEIGHT, BITS, COMPRESSION, PHOTOMETRIC, SAMPLES = 256, 257, 258, 259, 262, 277
TILE_WIDTH, TILE_HEIGHT, SAMPLE_FORMAT, GDAL_METADATA, GDAL_NODATA = 322, 323, 339, 42112, 42113
FILL_ORDER, ORIENTATION, PLANES, PREDICTOR = 266, 274, 284, 317
STRIP_POSITIONS, STRIP_ROWS, STRIP_SIZES, TILE_POSITIONS, TILE_SIZES = 273, 278, 279, 324, 325
PIXEL_TAGS = frozenset(
    {WIDTH, HEIGHT, BITS, COMPRESSION, PHOTOMETRIC, SAMPLES, SAMPLE_FORMAT, FILL_ORDER, ORIENTATION, PLANES, PREDICTOR}
    | {STRIP_POSITIONS, STRIP_ROWS, STRIP_SIZES, TILE_WIDTH, TILE_HEIGHT, TILE_POSITIONS, TILE_SIZES}
)
UNSIGNED, SIGNED, FLOAT = 1, 2, 3
MAX_NUMBER = 2**32 - 1
COMPRESSIONS = {1: "none", 5: "LZW", 8: "deflate", 32773: "PackBits", 32946: "deflate"}

# Pillow raises these on damaged TIFFs.
PILLOW_ERRORS = (
    Image.DecompressionBombError,
    ArithmeticError,
    AttributeError,
    EOFError,
    LookupError,
    MemoryError,
    OSError,
    RuntimeError,
    SyntaxError,
    TypeError,
    ValueError,
    struct.error,
)

ITEM = re.compile(r"""<Item\s([^<>]{1,200})>\s{0,20}([^<>]{1,60}?)\s{0,20}</Item>""")
ROLE = re.compile(r"""\brole=["'](\w{1,20})["']""")


@dataclass(frozen=True)
class Linear:
    """Counts that are linear in temperature, with the count for no data. Implements Radiometry."""

    scale: LinearScale
    nodata: int | None = None

    adjustable = False

    def accuracy(self, _counts: Counts, _parameters: Parameters, /) -> Accuracy:
        """The file states temperatures, which float32 rounds."""
        return Accuracy(AccuracyKind.EXACT, 0.001)

    def celsius(self, counts: Counts, _parameters: Parameters, /) -> Temperatures:
        celsius = (counts * np.float64(self.scale.factor) + self.scale.offset).astype(np.float32)
        if self.nodata is not None:
            celsius[counts == self.nodata] = np.nan
        return celsius


def decode_tiff(data: bytes, declared_scale: LinearScale | None) -> Thermogram:
    """The thermogram of a TIFF, with the caller's scale or else that of the file. Raises Undecodable."""
    tags = Tags.first(data)
    if not tags.entries:
        raise Damaged("tiff_directory")
    if tags.ambiguous:
        raise Damaged("tiff_tags", max_tags=MAX_ENTRIES)
    width, height = _number(tags, WIDTH), _number(tags, HEIGHT)
    check_size(width, height)
    _check_kind(tags)
    scale = declared_scale or _stored_scale(tags)
    if scale is None:
        raise NoTemperatureScale
    if not (np.isfinite([scale.factor, scale.offset]).all() and scale.factor > 0):
        raise Implausible("scale", factor=scale.factor, offset=scale.offset)
    exif = Exif(tags)
    signed = _number(tags, SAMPLE_FORMAT, UNSIGNED) == SIGNED
    samples = _pixels(_only_pixels(tags), width=width, height=height, kinds="iu")
    # Pillow widens signed samples to 32 bits; their values fit into 16.
    counts: Counts = samples.astype(np.int16) if signed else samples.astype(np.uint16)
    linear = Linear(scale, _nodata(tags))
    capture = Capture(
        format="tiff16",
        width=width,
        height=height,
        accuracy=linear.accuracy(counts, Parameters()),
        camera=exif.camera,
        parameters=Parameters(),
        position=exif.position,
        taken_at=exif.taken_at,
        taken_at_local=exif.taken_at_local,
    )
    return develop(capture, counts, linear)


def read_celsius(data: bytes, *, width: int, height: int) -> Temperatures:
    """The temperatures in a TIFF of float32 °C with one band. Raises Damaged for anything else."""
    tags = Tags.first(data)
    if (
        tags.ambiguous
        or (_number(tags, WIDTH), _number(tags, HEIGHT)) != (width, height)
        or (_number(tags, BITS), _number(tags, SAMPLE_FORMAT), _number(tags, SAMPLES, 1)) != (32, FLOAT, 1)
        or _number(tags, COMPRESSION, 1) not in COMPRESSIONS
    ):
        raise Damaged("tiff_mismatch")
    return _pixels(_only_pixels(tags), width=width, height=height, kinds="f").astype(np.float32)


def _check_kind(tags: Tags) -> None:
    if _number(tags, SAMPLE_FORMAT, UNSIGNED) == FLOAT and _number(tags, SAMPLES, 1) == 1:
        raise Unsupported("tiff_float")
    if _number(tags, BITS, 1) != 16 or _number(tags, SAMPLES, 1) != 1 or len(tags.numbers(BITS)) > 1:
        raise NotRadiometric("tiff")
    if _number(tags, SAMPLE_FORMAT, UNSIGNED) not in (UNSIGNED, SIGNED):
        raise Unsupported("tiff_samples")
    if _number(tags, PHOTOMETRIC, 1) != 1:
        raise Unsupported("tiff_photometric")
    compression = _number(tags, COMPRESSION, 1)
    if compression not in COMPRESSIONS:
        supported = ", ".join(dict.fromkeys(COMPRESSIONS.values()))
        raise Unsupported("tiff_compression", compression=compression, supported=supported)
    if TILE_WIDTH in tags.entries:
        check_size(_number(tags, TILE_WIDTH), _number(tags, TILE_HEIGHT))


def _only_pixels(tags: Tags) -> bytes:
    """The TIFF with a new directory, of the tags that the pixels depend on.

    Before 13.0, Pillow copies the data of every tag: a file of 20 MB with many tags that share their data would take
    gigabytes (GHSA-wqgw-9xfh-qf2g). It also follows pointers to other directories.
    """
    entries = []
    for tag in sorted(PIXEL_TAGS & tags.entries.keys()):
        kind, count, start = tags.entries[tag]
        inline = TYPES[kind][1] * count <= 4
        value = tags.data[start : start + 4] if inline else struct.pack(tags.order + "I", start)
        entries.append(struct.pack(tags.order + "HHI", tag, kind, count) + value)
    directory = struct.pack(tags.order + "H", len(entries)) + b"".join(entries) + bytes(4)
    position = struct.pack(tags.order + "I", len(tags.data))
    return tags.data[:4] + position + tags.data[8:] + directory


def _pixels(data: bytes, *, width: int, height: int, kinds: str) -> NDArray[Any]:
    """The pixels, of one of these kinds of numpy, read by Pillow after size and kind were checked. Raises Damaged."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about metadata that does not affect the pixels
            with Image.open(io.BytesIO(data), formats=("TIFF",)) as image:
                if image.size != (width, height):
                    raise Damaged("tiff_mismatch")
                samples = np.array(image)
    except PILLOW_ERRORS as error:
        raise Damaged("tiff_pixels") from error
    if samples.shape != (height, width) or samples.dtype.kind not in kinds:
        raise Damaged("tiff_mismatch")
    return samples


def _stored_scale(tags: Tags) -> LinearScale | None:
    items: dict[str, str] = {}
    for attributes, value in ITEM.findall(tags.text(GDAL_METADATA)):
        role = ROLE.search(attributes)
        if role:
            items.setdefault(role[1], value)
    if "scale" not in items:
        return None
    try:
        factor, offset = float(items["scale"]), float(items.get("offset", 0))
    except ValueError as error:
        raise Damaged("tiff_scale") from error
    unit = items.get("unittype", "").lower().strip("°")
    if unit in ("k", "kelvin", "degk"):
        return LinearScale(factor, offset - KELVIN)
    if unit in ("", "c", "celsius", "degc", "deg c", "degree celsius", "degrees celsius"):
        return LinearScale(factor, offset)
    raise NotRadiometric("unit", unit=unit[:20])


def _nodata(tags: Tags) -> int | None:
    try:
        return int(float(tags.text(GDAL_NODATA)))
    except (ValueError, OverflowError):
        return None


def _number(tags: Tags, tag: int, default: int = 0) -> int:
    number = next(iter(tags.numbers(tag)), default)
    # Clamped to 32 bits, as these tags have: a DOUBLE could give a number that DynamoDB does not store.
    return int(min(max(number, 0), MAX_NUMBER)) if math.isfinite(number) else default
