"""Previews of an image's temperatures: 8-bit PNGs in a palette.

Pixels that are out of the camera's range are hatched in every palette: the first colour with rising lines of the last
one if they are too cold, the last colour with falling lines of the first one if they are too hot. Pixels without a
temperature for another reason are transparent.
"""

import numpy as np
from numpy.typing import NDArray

from argus.imagery import indexed_png, palettes
from argus.imagery.model import Bounds
from argus.imagery.stats import Distribution
from argus.imagery.thermogram import Mask

# Ignores one pixel in a thousand at either end: dead pixels, a reflection of the sun or one hot bolt would otherwise
# take up most of the colours.
_TAILS = (0.001, 0.999)
_NARROWEST_CELSIUS = 1.0  # in a narrower range, colours would show the detector's noise
_HATCHING_PIXELS, _LINE_PIXELS = 8, 2  # from line to line, and the width of a line
_COLDEST, _HOTTEST = 1, palettes.SIZE - 1


def bounds(temperatures: Distribution) -> Bounds:
    """The temperature range for palettes: percentiles 0.1 to 99.9, at least one degree."""
    low, high = map(temperatures.quantile, _TAILS)
    missing = max(0.0, _NARROWEST_CELSIUS - (high - low))
    return Bounds(low - missing / 2, high + missing / 2)


def write(
    celsius: NDArray[np.float32],
    palette: str,
    *,
    low: float,
    high: float,
    below: Mask | None = None,
    above: Mask | None = None,
) -> bytes:
    """A PNG file in a palette, linear from `low` to `high` degrees Celsius, in the size of the image.

    Temperatures outside the range get the first or last colour; pixels without one are transparent, and those `below`
    and `above` the camera's range hatched. Raises UnknownPalette.
    """
    colours = palettes.table(palette)
    indices, has_holes = _indices(celsius, low=low, high=high)
    if below is not None:
        _hatch(indices, below, colour=_COLDEST, line=_HOTTEST, rises=True)
    if above is not None:
        _hatch(indices, above, colour=_HOTTEST, line=_COLDEST, rises=False)
    return indexed_png.write(indices, colours, first_is_transparent=has_holes)


def _hatch(indices: NDArray[np.uint8], mask: Mask, *, colour: int, line: int, rises: bool) -> None:
    """Fill the pixels of a mask with a colour and diagonal lines."""
    height, width = mask.shape
    rows, columns = (np.arange(size) % _HATCHING_PIXELS for size in (height, width))
    steps = (rows if rises else -rows % _HATCHING_PIXELS).astype(np.uint8)[:, np.newaxis] + columns.astype(np.uint8)
    indices[mask] = np.where(steps[mask] % _HATCHING_PIXELS < _LINE_PIXELS, np.uint8(line), np.uint8(colour))


def _indices(celsius: NDArray[np.float32], *, low: float, high: float) -> tuple[NDArray[np.uint8], bool]:
    """(1 to 255 from low to high and 0 for NaN, whether any pixel is NaN)."""
    if not low < high:
        raise ValueError(f"palette from {low} to {high} °C: low must be below high")
    steps = palettes.SIZE - 2
    scaled = celsius * np.float32(steps / (high - low))
    scaled += np.float32(1.5 - low * steps / (high - low))  # half a step up, as the cast below truncates
    np.clip(scaled, 1, palettes.SIZE - 1, out=scaled)
    has_holes = bool(np.isnan(scaled.min()))  # clip keeps NaN, and min returns it
    if has_holes:
        scaled[np.isnan(scaled)] = 0
    return scaled.astype(np.uint8), has_holes
