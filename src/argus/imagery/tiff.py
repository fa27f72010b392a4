"""Single-band TIFFs of 16-bit counts that are linear in temperature, or of floating-point temperatures.

The caller declares the scale, or GDAL's metadata in the file does (tag 42112, items with the roles `scale`, `offset`
and `unittype`; see GDAL's raster data model and GeoTIFF driver). A TIFF of counts without a scale is refused, because
public conventions (0.04 K per count, 0.01 K, tenths of a degree …) contradict each other. Floating-point numbers
without a unit are taken as °C if they can only be that.

Pixels are in the order in which the file stores them: the orientation tag is not obeyed (docs/decisions/pixels.md).
"""

import io
import math
import re
import struct
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from argus.core.languages import Message
from argus.imagery import notes
from argus.imagery.geotiff import georeference
from argus.imagery.model import Accuracy, AccuracyKind, Capture, LinearScale, Parameters
from argus.imagery.planck import KELVIN
from argus.imagery.tags import MAX_DIRECTORIES, MAX_ENTRIES, TYPES, Exif, Tags
from argus.imagery.thermogram import (
    Counts,
    Damaged,
    Implausible,
    Limits,
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
FILL_ORDER, PLANES, PREDICTOR = 266, 284, 317
SUBFILE, OLD_SUBFILE = 254, 255  # the kind of a directory
REDUCED, MASK, OLD_REDUCED = 1, 4, 2
LONG = 4  # a type of tag
STRIP_POSITIONS, STRIP_ROWS, STRIP_SIZES, TILE_POSITIONS, TILE_SIZES = 273, 278, 279, 324, 325
PIXEL_TAGS = frozenset(
    {WIDTH, HEIGHT, BITS, COMPRESSION, PHOTOMETRIC, SAMPLES, SAMPLE_FORMAT, FILL_ORDER, PLANES, PREDICTOR}
    | {STRIP_POSITIONS, STRIP_ROWS, STRIP_SIZES, TILE_WIDTH, TILE_HEIGHT, TILE_POSITIONS, TILE_SIZES}
)
UNSIGNED, SIGNED, FLOAT = 1, 2, 3
CODES = {UNSIGNED: "u", SIGNED: "i", FLOAT: "f"}  # of numpy
MAX_NUMBER = 2**32 - 1
HOTTEST_WITHOUT_UNIT = 150.0  # the highest median that can only be °C: in kelvin it would be no scene
# Units without degree signs, spaces and underscores.
KELVINS = ("k", "kelvin", "kelvins", "degk", "degreek", "degreesk")
CELSIUSES = ("c", "celsius", "degc", "degreec", "degreesc", "degreecelsius", "degreescelsius")
IMAGE_DEPTH, DESCRIPTION = 32997, 270
STACK = re.compile(r"^images=(\d{1,9})", re.MULTILINE)  # in a description of ImageJ: images without a directory
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
    nodata: float | None = None
    valid: NDArray[np.bool_] | None = field(default=None, compare=False)  # the mask in the file

    adjustable = False
    rises = False

    def limits(self, _parameters: Parameters, /) -> Limits:
        return Limits()

    def accuracy(self, _counts: Counts, _parameters: Parameters, /) -> Accuracy:
        """The file states temperatures, which float32 rounds."""
        return Accuracy(AccuracyKind.EXACT, 0.001)

    def celsius(self, counts: Counts, _parameters: Parameters, /) -> Temperatures:
        with np.errstate(over="ignore", invalid="ignore"):
            celsius = (counts * np.float64(self.scale.factor) + self.scale.offset).astype(np.float32)
            if self.nodata is not None:
                celsius[counts == (np.float32(self.nodata) if counts.dtype.kind == "f" else self.nodata)] = np.nan
        if self.valid is not None:
            celsius[~self.valid] = np.nan
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
    is_float = _number(tags, SAMPLE_FORMAT, UNSIGNED) == FLOAT
    _check_pages(tags)
    _check_kind(tags)
    _check_blocks(tags)
    scale = declared_scale or _stored_scale(tags)
    if scale is None and not is_float:
        raise NoTemperatureScale
    if scale and not (np.isfinite([scale.factor, scale.offset]).all() and scale.factor > 0):
        raise Implausible("scale", factor=scale.factor, offset=scale.offset)
    exif = Exif(tags)
    counts = _samples(tags, width=width, height=height)
    nodata = _nodata(tags)
    found: tuple[Message, ...] = ()
    linear = Linear(scale or LinearScale(1.0), nodata, _mask(tags, width=width, height=height))
    if is_float and not declared_scale and not _unit(tags):
        _check_celsius(linear.celsius(counts, Parameters()))
        found = (notes.note("unit_assumed"),)
    placed, omitted = georeference(tags)
    capture = Capture(
        format="tiff_float" if is_float else "tiff16",
        width=width,
        height=height,
        accuracy=linear.accuracy(counts, Parameters()),
        camera=exif.camera,
        parameters=Parameters(),
        position=exif.position,
        taken_at=exif.taken_at,
        taken_at_local=exif.taken_at_local,
        georeference=placed,
        notes=(*found, *omitted, *notes.orientation(exif)),
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
    return _samples(tags, width=width, height=height)


def _check_kind(tags: Tags) -> None:
    bits, kind = _number(tags, BITS, 1), _number(tags, SAMPLE_FORMAT, UNSIGNED)
    bands = max(_number(tags, SAMPLES, 1), len(tags.numbers(BITS)))
    if bits <= 8:
        raise NotRadiometric("tiff")
    if bands != 1:
        raise Unsupported("tiff_bands", bands=bands)
    if (kind, bits) not in ((UNSIGNED, 16), (SIGNED, 16), (FLOAT, 32), (FLOAT, 64)):
        raise Unsupported("tiff_samples")
    if _number(tags, PHOTOMETRIC, 1) != 1:
        raise Unsupported("tiff_photometric")
    compression = _number(tags, COMPRESSION, 1)
    if compression not in COMPRESSIONS:
        supported = ", ".join(dict.fromkeys(COMPRESSIONS.values()))
        raise Unsupported("tiff_compression", compression=compression, supported=supported)
    if TILE_WIDTH in tags.entries:
        check_size(_number(tags, TILE_WIDTH), _number(tags, TILE_HEIGHT))


def _check_pages(tags: Tags) -> None:
    """Raise Unsupported if the file has several images. Overviews and masks of the first are none."""
    if _number(tags, SUBFILE) & (REDUCED | MASK):
        raise Unsupported("tiff_first")
    description = tags.raw(DESCRIPTION).decode("latin-1")
    stack = STACK.search(description) if description.startswith("ImageJ=") else None
    others = list(tags.others())
    if (stack and int(stack[1]) > 1) or _number(tags, IMAGE_DEPTH, 1) > 1 or len(others) >= MAX_DIRECTORIES:
        raise Unsupported("tiff_pages")
    for page in others:
        kind = _number(page, SUBFILE)
        if WIDTH in page.entries and not kind & (REDUCED | MASK) and _number(page, OLD_SUBFILE) != OLD_REDUCED:
            raise Unsupported("tiff_pages")


def _check_blocks(tags: Tags) -> None:
    """Raise Unsupported if some strips or tiles are not in the file: writers leave out those without data."""
    for tag in (STRIP_POSITIONS, STRIP_SIZES, TILE_POSITIONS, TILE_SIZES):
        if not all(tags.numbers(tag)):
            raise Unsupported("tiff_sparse")


def _mask(tags: Tags, *, width: int, height: int) -> NDArray[np.bool_] | None:
    """Which pixels are valid, by the mask of the image; None if there is none."""
    for page in tags.others():
        if _number(page, SUBFILE) == MASK and (_number(page, WIDTH), _number(page, HEIGHT)) == (width, height):
            pixels = _pixels(_only_pixels(page), width=width, height=height, kinds="bu")
            return pixels.astype(np.bool_)
    return None


def _samples(tags: Tags, *, width: int, height: int) -> Counts:
    """The pixels as the file stores them, floating-point numbers of 64 bits rounded to 32.

    Pillow reads them as pixels of a byte each, since it swaps the bytes of some compressed big-endian types, and reads
    no floating-point numbers of 64 bits. Only a predictor needs their size.
    """
    kind, size = _number(tags, SAMPLE_FORMAT, UNSIGNED), _number(tags, BITS) // 8
    stored, used = f"{tags.order}{CODES[kind]}{size}", np.dtype(f"{CODES[kind]}{min(size, 4)}")
    if _number(tags, PREDICTOR, 1) == 1:
        as_bytes = {WIDTH: size * width, BITS: 8, SAMPLE_FORMAT: UNSIGNED}
        if TILE_WIDTH in tags.entries:
            as_bytes[TILE_WIDTH] = size * _number(tags, TILE_WIDTH)
        samples = _pixels(_only_pixels(tags, as_bytes), width=size * width, height=height, kinds="u")
        with np.errstate(over="ignore", invalid="ignore"):
            return samples.astype(np.uint8, copy=False).view(stored).astype(used)
    if kind == FLOAT:
        if (size, tags.order) != (4, "<"):
            raise Unsupported("tiff_predictor")
        return _pixels(_only_pixels(tags), width=width, height=height, kinds="f").astype(used, copy=False)
    unsigned = _pixels(_only_pixels(tags, {SAMPLE_FORMAT: UNSIGNED}), width=width, height=height, kinds="iu")
    return unsigned.astype(np.uint16).view(used)


def _check_celsius(values: Temperatures) -> None:
    """Raise NoTemperatureScale if values without a unit could be kelvin."""
    known = values[np.isfinite(values)]
    if known.size and float(np.median(known)) > HOTTEST_WITHOUT_UNIT:
        raise NoTemperatureScale("float")


def _only_pixels(tags: Tags, replaced: Mapping[int, int] = MappingProxyType({})) -> bytes:
    """The TIFF with a new directory, of the tags that the pixels depend on, some with other numbers.

    Before 13.0, Pillow copies the data of every tag: a file of 20 MB with many tags that share their data would take
    gigabytes (GHSA-wqgw-9xfh-qf2g). It also follows pointers to other directories.
    """
    entries = []
    # Pillow takes white as zero if a file does not say otherwise.
    replaced = {PHOTOMETRIC: 1, **replaced}
    for tag in sorted(PIXEL_TAGS & tags.entries.keys() | replaced.keys()):
        if tag in replaced:
            entries.append(struct.pack(tags.order + "HHII", tag, LONG, 1, replaced[tag]))
            continue
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
    """The scale in GDAL's metadata; None if it states none, and no unit. Raises Damaged, NotRadiometric."""
    items = _items(tags)
    unit = _unit(tags)
    if unit and unit not in KELVINS + CELSIUSES:
        raise NotRadiometric("unit", unit=items["unittype"][:20])
    states_unit = bool(unit) and _number(tags, SAMPLE_FORMAT, UNSIGNED) == FLOAT  # of floating-point temperatures
    if "scale" not in items and not states_unit:
        return None
    try:
        factor, offset = float(items.get("scale", 1)), float(items.get("offset", 0))
    except ValueError as error:
        raise Damaged("tiff_scale") from error
    return LinearScale(factor, offset - KELVIN if unit in KELVINS else offset)


def _items(tags: Tags) -> dict[str, str]:
    """The items of GDAL's metadata by role."""
    items: dict[str, str] = {}
    for attributes, value in ITEM.findall(tags.text(GDAL_METADATA)):
        role = ROLE.search(attributes)
        if role:
            items.setdefault(role[1], value)
    return items


def _unit(tags: Tags) -> str:
    """The unit in GDAL's metadata in its plainest form; empty if there is none."""
    unit = _items(tags).get("unittype", "").lower().replace("℃", "c")
    return re.sub(r"[°\s_]", "", unit)


def _nodata(tags: Tags) -> float | None:
    try:
        return float(tags.text(GDAL_NODATA))
    except ValueError:
        return None


def _number(tags: Tags, tag: int, default: int = 0) -> int:
    number = next(iter(tags.numbers(tag)), default)
    # Clamped to 32 bits, as these tags have: a DOUBLE could give a number that DynamoDB does not store.
    return int(min(max(number, 0), MAX_NUMBER)) if math.isfinite(number) else default
