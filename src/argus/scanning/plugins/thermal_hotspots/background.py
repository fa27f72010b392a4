"""How warm each pixel of a picture would be without the hot things around it.

The background at a place is the median of the square around it, without the pixels that stand out by the threshold
themselves. A median alone already ignores hot things that fill less than half of the square; leaving out what stands
out keeps it from drifting up the slope of the surroundings when a hot thing fills nearly that much. What fills more
than half of the square is the background: the square must be at least twice as wide as the widest hot thing.

The square is sampled, not read whole: up to `SAMPLES` pixels along each side, as the middle of some 120 temperatures is
known to a tenth of their spread. Medians are taken around every sample and interpolated between them.
"""

import numpy as np
from numpy.typing import NDArray

Temperatures = NDArray[np.float32]

SAMPLES = 11  # along a side of the square
_LEAST_SHARE = 0.1


def background(celsius: Temperatures, *, share: float, threshold: float) -> Temperatures:
    """The local background, of the same shape (height, width); NaN only when the whole picture is.

    `celsius` may have NaN where there is no temperature. `share` is the side of the square as a share of the picture's
    longer side; as work and memory go with its inverse square, it is at least 0.1. `threshold` is in kelvin; what
    exceeds the background by it is left out of the background.
    """
    height, width = celsius.shape
    window_pixels = round(max(share, _LEAST_SHARE) * max(height, width))
    step = max(1, -(-window_pixels // SAMPLES))
    half = max(1, window_pixels // step // 2)
    rows, columns = (np.arange(min(step // 2, side - 1), side, step) for side in (height, width))
    samples = celsius[np.ix_(rows, columns)]

    medians = _medians(samples, half)
    medians[np.isnan(medians)] = _median(samples)
    standing_out = samples - medians >= threshold
    if standing_out.any():
        without = _medians(np.where(standing_out, np.float32(np.nan), samples), half)
        medians = np.where(np.isnan(without), medians, without)
    return _between(_between(medians.T, columns, width).T, rows, height)


def _medians(samples: Temperatures, half: int) -> Temperatures:
    """Medians of the squares of 2·half + 1 samples around every sample; NaN where a square has no temperature."""
    side = 2 * half + 1
    squares = np.lib.stride_tricks.sliding_window_view(np.pad(samples, half, constant_values=np.nan), (side, side))
    ordered = np.sort(squares.reshape(*samples.shape, side * side), axis=-1)  # NaN comes last
    known = np.count_nonzero(~np.isnan(ordered), axis=-1, keepdims=True)
    lower = np.take_along_axis(ordered, np.maximum(known - 1, 0) // 2, axis=-1)
    upper = np.take_along_axis(ordered, known // 2, axis=-1)
    medians: Temperatures = ((lower + upper) * np.float32(0.5))[..., 0]
    return medians


def _median(samples: Temperatures) -> np.float32:
    known = samples[~np.isnan(samples)]
    return np.float32(np.median(known) if known.size else np.nan)


def _between(values: Temperatures, nodes: NDArray[np.int64], size: int) -> Temperatures:
    """Rows 0..size - 1 between the rows of `values`, which are those at `nodes`; level beyond the first and last."""
    if len(nodes) == 1:
        return np.repeat(values, size, axis=0)
    position = np.clip((np.arange(size) - nodes[0]) / (nodes[1] - nodes[0]), 0, len(nodes) - 1)
    below = np.minimum(position.astype(np.intp), len(nodes) - 2)
    share = (position - below).astype(np.float32)[:, np.newaxis]
    interpolated: Temperatures = values[below] + share * np.diff(values, axis=0)[below]
    return interpolated
