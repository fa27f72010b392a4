"""Turns an uploaded file into products: decode, measure, write. Runs only in the worker, as it imports numpy."""

import logging
import math
import time
from dataclasses import replace
from datetime import timedelta

import numpy as np
from numpy.typing import NDArray

from argus.core import metrics
from argus.core.errors import Invalid
from argus.core.objects import NewObject, NoSuchObject, Objects
from argus.imagery import cog, preview
from argus.imagery.colour_bar import colour_bar
from argus.imagery.decode import decode_file
from argus.imagery.external import ExternalDecoder
from argus.imagery.model import COG, STATES, Capture, Image, PixelCounts, PixelState, Products
from argus.imagery.palettes import PALETTES
from argus.imagery.png import CONTENT_TYPE as PNG
from argus.imagery.png import with_colour_bar
from argus.imagery.stats import Distribution
from argus.imagery.thermogram import Thermogram

_log = logging.getLogger("argus.imagery")

# A camera whose image is later than the request for its upload has a wrong clock. A day for time zones.
_CLOCKS = timedelta(days=1)
_INDEX = {state: index for index, state in enumerate(PixelState)}


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
    celsius, capture = thermogram.celsius, thermogram.capture
    temperatures = Distribution.of(celsius)
    bounds = preview.bounds(temperatures)
    products = Products(
        capture=_without_future(capture, image),
        statistics=temperatures.statistics(),
        histogram=temperatures.histogram(),
        bounds=bounds,
        palettes=PALETTES,
        pixels=_pixels(thermogram, temperatures),
    )
    palette, ends = products.stored_palette, {"low": bounds.low_celsius, "high": bounds.high_celsius}
    drawn = preview.write(celsius, palette, **ends, below=thermogram.below, above=thermogram.above)
    picture = with_colour_bar(drawn, colour_bar(palette, **ends))
    placed = cog.write(celsius, position=capture.position, georeference=capture.georeference)
    files = [
        NewObject(image.product_key(COG), placed.data, "image/tiff"),
        NewObject(image.product_key(products.stored_preview), picture, PNG),
    ]
    if len(products.pixels.reasons) > 1:
        states = cog.write(_states(thermogram))
        files.append(NewObject(image.product_key(STATES), states.data, "image/tiff"))
    return products, files


def _without_future(capture: Capture, image: Image) -> Capture:
    """The capture without a time that is later than the request for the upload."""
    latest = image.created_at + _CLOCKS
    if capture.taken_at and capture.taken_at > latest:
        capture = replace(capture, taken_at=None)
    if capture.taken_at_local and capture.taken_at_local > f"{latest:%Y-%m-%dT%H:%M:%S}":
        capture = replace(capture, taken_at_local=None)
    return capture


def _pixels(thermogram: Thermogram, temperatures: Distribution) -> PixelCounts:
    below, above = (0 if mask is None else int(np.count_nonzero(mask)) for mask in (thermogram.below, thermogram.above))
    measured, span = temperatures.values.size, thermogram.capture.set_range
    low, high = (span.low_celsius, span.high_celsius) if span else (None, None)
    outside = temperatures.outside(-math.inf if low is None else low, math.inf if high is None else high)
    without = thermogram.celsius.size - measured - below - above
    return PixelCounts(measured, below, above, without, outside)


def _states(thermogram: Thermogram) -> NDArray[np.float32]:
    """The state of each pixel as its index in PixelState."""
    states = np.full(thermogram.celsius.shape, _INDEX[PixelState.MEASURED], np.float32)
    states[np.isnan(thermogram.celsius)] = _INDEX[PixelState.WITHOUT]
    for mask, state in ((thermogram.below, PixelState.BELOW_RANGE), (thermogram.above, PixelState.ABOVE_RANGE)):
        if mask is not None:
            states[mask] = _INDEX[state]
    return states
