"""Turns an uploaded file into products: decode, measure, write. Runs only in the worker, as it imports numpy."""

import logging
import time

from argus.core import metrics
from argus.core.errors import Invalid
from argus.core.objects import NewObject, NoSuchObject, Objects
from argus.imagery import cog, preview
from argus.imagery.colour_bar import colour_bar
from argus.imagery.decode import decode_file
from argus.imagery.external import ExternalDecoder
from argus.imagery.model import COG, Image, Products
from argus.imagery.palettes import PALETTES
from argus.imagery.png import CONTENT_TYPE as PNG
from argus.imagery.png import with_colour_bar
from argus.imagery.stats import Distribution
from argus.imagery.thermogram import Thermogram

_log = logging.getLogger("argus.imagery")


class WrongSize(Invalid):
    """The uploaded file does not have the size that was announced."""

    in_responses = False


class UploadMissing(Invalid):
    """The uploaded file was deleted before it was read."""

    in_responses = False


def process(
    image: Image, objects: Objects, *, size_bytes: int, max_bytes: int, dji_decoder: ExternalDecoder | None = None
) -> Products:
    """Create and store every product of an image. Raises a subclass of Invalid for a file that cannot be processed."""
    if size_bytes != image.file.size_bytes:
        raise WrongSize(size_bytes=size_bytes, expected_bytes=image.file.size_bytes)
    started = time.perf_counter()
    try:
        data = objects.get(image.original_key, max_bytes=max_bytes, version_id=image.object_version or None)
    except NoSuchObject as error:
        raise UploadMissing from error
    read = time.perf_counter()
    thermogram = decode_file(image.file, data, dji_decoder)
    metrics.record({"decode_ms": round((time.perf_counter() - read) * 1000, 1)})
    products, files = create_products(image, thermogram)
    objects.put_all(files)
    _log.info("image processed", extra={"image": image.id, "ms": round((time.perf_counter() - started) * 1000, 1)})
    return products


def create_products(image: Image, thermogram: Thermogram) -> tuple[Products, list[NewObject]]:
    """The facts about a thermogram and its files: COG, and preview with colour bar."""
    celsius = thermogram.celsius
    temperatures = Distribution.of(celsius)
    bounds = preview.bounds(temperatures)
    products = Products(
        capture=thermogram.capture,
        statistics=temperatures.statistics(),
        histogram=temperatures.histogram(),
        bounds=bounds,
        palettes=PALETTES,
    )
    palette, ends = products.stored_palette, {"low": bounds.low_celsius, "high": bounds.high_celsius}
    picture = with_colour_bar(preview.write(celsius, palette, **ends), colour_bar(palette, **ends))
    files = [
        NewObject(image.product_key(COG), cog.write(celsius, position=thermogram.capture.position).data, "image/tiff"),
        NewObject(image.product_key(products.stored_preview), picture, PNG),
    ]
    return products, files
