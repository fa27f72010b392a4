"""Previews of an image's temperatures: 8-bit PNGs in a palette."""

import numpy as np
from numpy.typing import NDArray

from argus.imagery import indexed_png, palettes
from argus.imagery.model import Bounds
from argus.imagery.stats import Distribution

# Ignores one pixel in a thousand at either end: dead pixels, a reflection of the sun or one hot bolt would otherwise
# take up most of the colours.
_TAILS = (0.001, 0.999)
_NARROWEST_CELSIUS = 1.0  # in a narrower range, colours would show the detector's noise


def bounds(temperatures: Distribution) -> Bounds:
    """The temperature range for palettes: percentiles 0.1 to 99.9, at least one degree."""
    low, high = map(temperatures.quantile, _TAILS)
    missing = max(0.0, _NARROWEST_CELSIUS - (high - low))
    return Bounds(low - missing / 2, high + missing / 2)


def write(celsius: NDArray[np.float32], palette: str, *, low: float, high: float) -> bytes:
    """A PNG file in a palette, linear from `low` to `high` degrees Celsius, in the size of the image.

    Temperatures outside the range get the first or last colour; pixels without one are transparent. Raises
    UnknownPalette.
    """
    colours = palettes.table(palette)
    indices, has_holes = _indices(celsius, low=low, high=high)
    return indexed_png.write(indices, colours, first_is_transparent=has_holes)


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
