"""Statistics and histogram of an image's temperatures; pixels that are NaN or infinite do not count."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from argus.core.errors import Invalid
from argus.imagery.model import Histogram, Statistics


class NoTemperatures(Invalid):
    """No pixel of the image has a temperature."""


def statistics(celsius: NDArray[np.float32]) -> Statistics:
    """Over all pixels of an array of any shape. Raises NoTemperatures."""
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

    An image of one temperature gets bins over one degree around it.
    """
    values = finite(celsius)
    # In float64: between neighbours in float32 there is no room for the edges of bins.
    ends = np.float64(values.min()), np.float64(values.max())
    counts, edges = np.histogram(values, bins, ends)
    return Histogram(tuple(counts.tolist()), tuple(edges.tolist()))


def finite(celsius: NDArray[np.float32]) -> NDArray[np.float32]:
    """The temperatures there are: the array itself when all are. Raises NoTemperatures."""
    with np.errstate(invalid="ignore"):
        all_finite = math.isfinite(celsius.sum(dtype=np.float64))  # one pass and no mask
    values = celsius if all_finite else celsius[np.isfinite(celsius)]
    if not values.size:
        raise NoTemperatures
    return values


def quantiles(values: NDArray[np.float32], fractions: Sequence[float]) -> list[float]:
    """Of finite values, linear between neighbours, as numpy.quantile in float64; one partition for all of them."""
    places = [fraction * (values.size - 1) for fraction in fractions]
    neighbours = sorted({index for place in places for index in (math.floor(place), math.ceil(place))})
    ordered = np.partition(values, neighbours, axis=None)
    lower = [float(ordered[math.floor(place)]) for place in places]
    upper = [float(ordered[math.ceil(place)]) for place in places]
    return [a + (b - a) * (place % 1) for a, b, place in zip(lower, upper, places, strict=True)]
