"""Statistics and histogram of an image's temperatures. NaN and infinite pixels are ignored."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from argus.core.errors import Invalid
from argus.imagery.model import Histogram, Statistics


class NoTemperatures(Invalid):
    """No pixel of the image has a temperature."""


def statistics(celsius: NDArray[np.float32]) -> Statistics:
    """The statistics of an array of any shape. Raises NoTemperatures."""
    values = finite(celsius)
    p5, p95 = quantiles(values, (0.05, 0.95))
    return Statistics(
        min_celsius=float(values.min()),
        max_celsius=float(values.max()),
        mean_celsius=float(values.mean(dtype=np.float64)),
        p5_celsius=p5,
        p95_celsius=p95,
    )


def histogram(celsius: NDArray[np.float32], bins: int = 64) -> Histogram:
    """`bins` bins of equal width from the coldest to the hottest pixel. Raises NoTemperatures.

    If all pixels have the same temperature, the bins cover one degree around it.
    """
    values = finite(celsius)
    # In float64, as adjacent float32 numbers leave no room for the edges between them.
    bounds = np.float64(values.min()), np.float64(values.max())
    counts, edges = np.histogram(values, bins, bounds)
    return Histogram(tuple(counts.tolist()), tuple(edges.tolist()))


def finite(celsius: NDArray[np.float32]) -> NDArray[np.float32]:
    """The finite temperatures: the array itself if all are finite. Raises NoTemperatures."""
    with np.errstate(invalid="ignore"):
        all_finite = math.isfinite(celsius.sum(dtype=np.float64))  # one pass, without a mask
    values = celsius if all_finite else celsius[np.isfinite(celsius)]
    if not values.size:
        raise NoTemperatures
    return values


def quantiles(values: NDArray[np.float32], fractions: Sequence[float]) -> list[float]:
    """Quantiles of finite values, linear between neighbours, like numpy.quantile in float64, but with one partition."""
    positions = [fraction * (values.size - 1) for fraction in fractions]
    neighbours = sorted({index for position in positions for index in (math.floor(position), math.ceil(position))})
    ordered = np.partition(values, neighbours, axis=None)
    lower = [float(ordered[math.floor(position)]) for position in positions]
    upper = [float(ordered[math.ceil(position)]) for position in positions]
    return [a + (b - a) * (position % 1) for a, b, position in zip(lower, upper, positions, strict=True)]
