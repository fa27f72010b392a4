"""Estimates the temperature that each pixel of an image would have without the hot regions around it.

The background of a pixel is the median of the square around it, excluding pixels that exceed the median by the
threshold (outliers). The median alone ignores hot regions that fill less than half of the square. Excluding outliers
keeps it from drifting along the slope of the surroundings when a hot region fills almost half. A region that fills more
than half of the square becomes the background: the square must be at least twice as wide as the widest hot region.

The square is sampled with up to `SAMPLES` pixels along each side: the median of about 120 temperatures is accurate to a
tenth of their spread. Medians are computed around every sample and interpolated between samples.
"""

import numpy as np
from numpy.typing import NDArray

Temperatures = NDArray[np.float32]

SAMPLES = 11  # along each side of the square
_MIN_SHARE = 0.1


def background(celsius: Temperatures, *, share: float, threshold: float) -> Temperatures:
    """The local background, shape (height, width); NaN only if the whole image is NaN.

    `celsius` has NaN where there is no temperature. `share` is the side of the square as a share of the longer side of
    the image; it is at least 0.1, as time and memory grow with its inverse square. `threshold` is in kelvin: pixels
    that exceed the background by it are outliers.
    """
    height, width = celsius.shape
    window_pixels = round(max(share, _MIN_SHARE) * max(height, width))
    step = max(1, -(-window_pixels // SAMPLES))
    half = max(1, window_pixels // step // 2)
    rows, columns = (np.arange(min(step // 2, side - 1), side, step) for side in (height, width))
    samples = celsius[np.ix_(rows, columns)]

    medians = _medians(samples, half)
    medians[np.isnan(medians)] = _median(samples)
    outliers = samples - medians >= threshold
    if outliers.any():
        without_outliers = _medians(np.where(outliers, np.float32(np.nan), samples), half)
        medians = np.where(np.isnan(without_outliers), medians, without_outliers)
    return _interpolated(_interpolated(medians.T, columns, width).T, rows, height)


def _medians(samples: Temperatures, half: int) -> Temperatures:
    """The median of the square of 2·half + 1 samples around each sample; NaN if it has no temperature."""
    side = 2 * half + 1
    squares = np.lib.stride_tricks.sliding_window_view(np.pad(samples, half, constant_values=np.nan), (side, side))
    ordered = np.sort(squares.reshape(*samples.shape, side * side), axis=-1)  # NaN sorts last
    count = np.count_nonzero(~np.isnan(ordered), axis=-1, keepdims=True)
    lower = np.take_along_axis(ordered, np.maximum(count - 1, 0) // 2, axis=-1)
    upper = np.take_along_axis(ordered, count // 2, axis=-1)
    medians: Temperatures = ((lower + upper) * np.float32(0.5))[..., 0]
    return medians


def _median(samples: Temperatures) -> np.float32:
    known = samples[~np.isnan(samples)]
    return np.float32(np.median(known) if known.size else np.nan)


def _interpolated(values: Temperatures, nodes: NDArray[np.int64], size: int) -> Temperatures:
    """Interpolate rows 0..size - 1 from `values`, the rows at `nodes`; constant outside the first and last node."""
    if len(nodes) == 1:
        return np.repeat(values, size, axis=0)
    position = np.clip((np.arange(size) - nodes[0]) / (nodes[1] - nodes[0]), 0, len(nodes) - 1)
    below = np.minimum(position.astype(np.intp), len(nodes) - 2)
    share = (position - below).astype(np.float32)[:, np.newaxis]
    result: Temperatures = values[below] + share * np.diff(values, axis=0)[below]
    return result
