"""Statistics, histogram and quantiles of an image's temperatures. NaN and infinite pixels are ignored."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from argus.core.errors import Invalid
from argus.imagery.model import Histogram, Statistics


class NoTemperatures(Invalid):
    """No pixel of the image has a temperature."""

    in_responses = False


@dataclass(frozen=True, eq=False)
class Distribution:
    """The finite temperatures of an image, sorted: at least one.

    All results follow from one sort. With AVX2 or NEON, numpy sorts a frame in less time than `numpy.partition` takes.
    """

    values: NDArray[np.float32]

    @classmethod
    def of(cls, celsius: NDArray[np.float32]) -> "Distribution":
        """The distribution of an array of any shape. Raises NoTemperatures."""
        with np.errstate(invalid="ignore"):
            all_finite = math.isfinite(celsius.sum(dtype=np.float64))  # one pass, without a mask
        values = celsius if all_finite else celsius[np.isfinite(celsius)]
        if not values.size:
            raise NoTemperatures
        return cls(np.sort(values, axis=None))

    def quantile(self, fraction: float) -> float:
        """Linear between neighbours, like numpy.quantile in float64."""
        position = fraction * (self.values.size - 1)
        below, above = float(self.values[math.floor(position)]), float(self.values[math.ceil(position)])
        return below + (above - below) * (position % 1)

    def statistics(self) -> Statistics:
        return Statistics(
            min_celsius=float(self.values[0]),
            max_celsius=float(self.values[-1]),
            mean_celsius=float(self.values.mean(dtype=np.float64)),
            p5_celsius=self.quantile(0.05),
            p95_celsius=self.quantile(0.95),
        )

    def outside(self, low: float, high: float) -> int:
        """How many temperatures are below `low` or above `high`."""
        colder = int(np.searchsorted(self.values, low, side="left"))
        return colder + self.values.size - int(np.searchsorted(self.values, high, side="right"))

    def histogram(self, bins: int = 64) -> Histogram:
        """`bins` bins of equal width from the coldest to the hottest pixel; only the last contains its upper edge.

        If all pixels have the same temperature, the bins cover one degree around it.
        """
        low, high = float(self.values[0]), float(self.values[-1])
        if low == high:
            low, high = low - 0.5, high + 0.5
        # In float64, as adjacent float32 numbers leave no room for the edges between them.
        edges = np.linspace(low, high, bins + 1, dtype=np.float64)
        below = np.searchsorted(self.values, _rounded_up(edges[1:-1]))
        counts = np.diff(below, prepend=0, append=self.values.size)
        return Histogram(tuple(counts.tolist()), tuple(edges.tolist()))


def _rounded_up(numbers: NDArray[np.float64]) -> NDArray[np.float32]:
    """For each number, the smallest float32 that is not below it. A float32 is below both or below none."""
    nearest = numbers.astype(np.float32)
    return np.where(nearest < numbers, np.nextafter(nearest, np.float32(np.inf)), nearest)
