"""Finds the connected regions of a mask, with their area and temperatures.

Components are built from runs (horizontal sequences of pixels) rather than pixels. Touching runs of adjacent rows are
edges of a graph, which is contracted in array operations, so that a checkerboard needs a few passes and no recursion. A
region stores its runs, not a mask of its bounding box: thin diagonals across a large image have few pixels each, but
their boxes together may have a thousand times the pixels of the image.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .background import Temperatures

Mask = NDArray[np.bool_]
Indices = NDArray[np.signedinteger[Any]]  # int32 for large arrays: no image has 2**31 pixels

PIXELS_AT_ONCE = 2**18  # of a region, rounded up to whole runs; an image that is hot everywhere is one region


@dataclass(frozen=True, eq=False)
class Runs:
    """Horizontal sequences of true pixels: row, first column, and the column after the last."""

    row: Indices
    start: Indices
    end: Indices

    @property
    def lengths(self) -> Indices:
        return self.end - self.start

    def __getitem__(self, which: slice | Indices) -> "Runs":
        return Runs(self.row[which], self.start[which], self.end[which])


@dataclass(frozen=True, eq=False)
class Region:
    """Connected pixels. Coordinates are (column, row) from the top left corner; a pixel's centre is at +0.5."""

    runs: Runs  # in reading order
    bounding_box: tuple[int, int, int, int]  # x0, y0, x1, y1: corners, so that x1 - x0 is the width
    area_pixels: int
    peak_celsius: float
    mean_celsius: float
    min_celsius: float
    hottest_pixel: tuple[int, int]  # the first in reading order if there are several
    background_celsius: float  # at the hottest pixel
    centroid: tuple[
        float, float
    ]  # weighted by the temperature over the background, so that it moves less than the outline

    @property
    def delta_celsius(self) -> float:
        return self.peak_celsius - self.background_celsius

    def pixels(self) -> Iterator[tuple[Indices, Indices]]:
        """Columns and rows of its pixels in reading order, in batches."""
        return _pixels(self.runs)


def regions(
    mask: Mask, celsius: Temperatures, background: Temperatures, *, min_area: int, limit: int
) -> Iterator[Region]:
    """The regions of a mask, 8-connected, hottest first, at most `limit` of at least `min_area` pixels.

    `celsius` must be finite where the mask is true.
    """
    runs, component, count = _components(mask)
    lengths = runs.lengths
    areas = np.bincount(component, weights=lengths, minlength=count)  # integers, which a float64 represents exactly
    chosen = np.flatnonzero(areas >= min_area)
    if not chosen.size:
        return
    peaks = np.full(count, -np.inf, np.float32)
    np.maximum.at(peaks, component, np.maximum.reduceat(celsius[mask], np.cumsum(lengths) - lengths))
    # Components are numbered in reading order, so equally hot ones stay in that order.
    chosen = chosen[np.argsort(-peaks[chosen], kind="stable")][:limit]

    # The runs of the chosen components by region, within a region in reading order.
    rank = np.full(count, -1, np.int32)
    rank[chosen] = np.arange(chosen.size)
    ranks = rank[component]
    selected = np.flatnonzero(ranks >= 0)
    ranks = ranks[selected]
    runs = runs[selected[np.argsort(ranks, kind="stable")]]
    ends = np.cumsum(np.bincount(ranks))
    for first, after in zip([0, *ends[:-1]], ends, strict=True):
        yield _region(runs[first:after], celsius, background)


def label(mask: Mask) -> tuple[Indices, int]:
    """The component of each true pixel, in reading order, and the number of components.

    Components are numbered by their first pixel in reading order.
    """
    runs, component, count = _components(mask)
    return np.repeat(component, runs.lengths), count


def _components(mask: Mask) -> tuple[Runs, Indices, int]:
    """The runs of a mask in reading order, the component of each run, and the number of components."""
    runs = _runs(mask)
    root = _contract(runs.row.size, *_touching(runs, stride=mask.shape[1] + 2))
    is_root = root == np.arange(root.size)
    number = np.cumsum(is_root, dtype=np.int32) - 1
    return runs, number[root], int(np.count_nonzero(is_root))


def _runs(mask: Mask) -> Runs:
    """The runs of true pixels in reading order."""
    height, width = mask.shape
    flat = np.zeros(height * (width + 1) + 1, np.bool_)  # a false column before each row separates rows
    flat[:-1].reshape(height, width + 1)[:, 1:] = mask
    edges = np.flatnonzero(flat[1:] != flat[:-1]).astype(np.int32)
    row: Indices = edges[::2] // np.int32(width + 1)
    before = row * np.int32(width + 1)
    return Runs(row, edges[::2] - before, edges[1::2] - before)


def _touching(runs: Runs, *, stride: int) -> tuple[Indices, Indices]:
    """Pairs of touching runs of adjacent rows, including diagonals."""
    here, below = runs.row * np.int32(stride), (runs.row + 1) * np.int32(stride)
    low = np.searchsorted(here + runs.end, below + runs.start, side="left").astype(np.int32)
    high = np.searchsorted(here + runs.start, below + runs.end, side="right").astype(np.int32)
    count = np.maximum(high - low, 0)
    before = np.cumsum(count, dtype=np.int32) - count
    first = np.repeat(np.arange(runs.row.size, dtype=np.int32), count)
    return first, np.arange(first.size, dtype=np.int32) + (low - before)[first]


def _contract(count: int, first: Indices, second: Indices) -> Indices:
    """The smallest node of each node's component. Each pass attaches roots to smaller neighbours and flattens."""
    root: Indices = np.arange(count, dtype=np.int32)
    while first.size:
        np.minimum.at(root, np.maximum(first, second), np.minimum(first, second))
        while not np.array_equal(higher := root[root], root):
            root = higher
        first, second = root[first], root[second]
        apart = first != second
        first, second = first[apart], second[apart]
    return root


def _pixels(runs: Runs) -> Iterator[tuple[Indices, Indices]]:
    """Columns and rows of the pixels of runs, in batches of PIXELS_AT_ONCE, rounded up to whole runs."""
    ends = np.cumsum(runs.lengths)
    first = 0
    while first < ends.size:
        done = ends[first - 1] if first else 0
        after = int(np.searchsorted(ends, done + PIXELS_AT_ONCE)) + 1
        part = runs[first:after]
        lengths = part.lengths
        x = np.repeat(part.start - (np.cumsum(lengths) - lengths), lengths)
        x += np.arange(x.size)
        yield x, np.repeat(part.row, lengths)
        first = after


def _region(runs: Runs, celsius: Temperatures, background: Temperatures) -> Region:
    area, lowest, peak = 0, np.inf, -np.inf
    heat_sum = weight_sum = x_sum = y_sum = 0.0
    hottest = (0, 0)
    for x, y in _pixels(runs):
        heat = celsius[y, x]
        top = int(heat.argmax())
        if heat[top] > peak:
            peak, hottest = float(heat[top]), (int(x[top]), int(y[top]))
        lowest = min(lowest, float(heat.min()))
        # A region over an absolute limit may not be warmer than its surroundings: the minimum keeps weights positive.
        weights = np.maximum(heat.astype(np.float64) - background[y, x], 1e-3)
        area += heat.size
        heat_sum += float(heat.sum(dtype=np.float64))
        weight_sum += float(weights.sum())
        x_sum += float(x @ weights)
        y_sum += float(y @ weights)
    return Region(
        runs=runs,
        bounding_box=(int(runs.start.min()), int(runs.row[0]), int(runs.end.max()), int(runs.row[-1]) + 1),
        area_pixels=area,
        peak_celsius=peak,
        mean_celsius=heat_sum / area,
        min_celsius=lowest,
        hottest_pixel=hottest,
        background_celsius=float(background[hottest[1], hottest[0]]),
        centroid=(x_sum / weight_sum + 0.5, y_sum / weight_sum + 0.5),
    )
