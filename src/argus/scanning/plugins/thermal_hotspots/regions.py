"""Connected regions of a mask: which there are, how large, how hot.

Components are found by runs (stretches of a row) rather than by pixels: runs that touch a run of the next row are
edges of a graph, and the graph is contracted in whole-array steps, so that a checkerboard costs a few passes instead
of a recursion. A region keeps its runs, and never a picture of its bounding box: thin diagonals across a large picture
have few pixels each, but boxes that together are a thousand times the picture.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .background import Temperatures

Mask = NDArray[np.bool_]
Indices = NDArray[np.signedinteger[Any]]  # int32 wherever many are kept: no image has 2**31 pixels

PIXELS_AT_ONCE = 2**18  # of a region, as far as its runs allow; a picture that is hot all over is one region


@dataclass(frozen=True, eq=False)
class Runs:
    """Stretches of true pixels: row, first column, and column after the last."""

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
    """Pixels that touch. Coordinates are (column, row) from the top left corner; a pixel's centre is at +0.5."""

    runs: Runs  # in reading order
    bounding_box: tuple[int, int, int, int]  # x0, y0, x1, y1: corners, so that x1 - x0 is the width
    area_pixels: int
    peak_celsius: float
    mean_celsius: float
    min_celsius: float
    hottest_pixel: tuple[int, int]  # the first in reading order, if there are several
    background_celsius: float  # at the hottest pixel
    centroid: tuple[float, float]  # weighted by the warmth over the background: it moves less than the outline does

    @property
    def delta_celsius(self) -> float:
        return self.peak_celsius - self.background_celsius

    def pixels(self) -> Iterator[tuple[Indices, Indices]]:
        """Columns and rows of its pixels in reading order, some at a time."""
        return _pixels(self.runs)


def regions(
    mask: Mask, celsius: Temperatures, background: Temperatures, *, min_area: int, limit: int
) -> Iterator[Region]:
    """The regions of a mask, 8-connected, hottest first, at most `limit` of at least `min_area` pixels.

    `celsius` must be finite where the mask is true.
    """
    runs, component, count = _components(mask)
    lengths = runs.lengths
    areas = np.bincount(component, weights=lengths, minlength=count)  # whole numbers, that a float64 holds exactly
    chosen = np.flatnonzero(areas >= min_area)
    if not chosen.size:
        return
    peaks = np.full(count, -np.inf, np.float32)
    np.maximum.at(peaks, component, np.maximum.reduceat(celsius[mask], np.cumsum(lengths) - lengths))
    # Components are numbered in reading order: of equally hot ones the first stays first.
    chosen = chosen[np.argsort(-peaks[chosen], kind="stable")][:limit]

    # The runs of the chosen by region, and within it in reading order.
    rank = np.full(count, -1, np.int32)
    rank[chosen] = np.arange(chosen.size)
    ranks = rank[component]
    mine = np.flatnonzero(ranks >= 0)
    ranks = ranks[mine]
    runs = runs[mine[np.argsort(ranks, kind="stable")]]
    ends = np.cumsum(np.bincount(ranks))
    for first, after in zip([0, *ends[:-1]], ends, strict=True):
        yield _region(runs[first:after], celsius, background)


def label(mask: Mask) -> tuple[Indices, int]:
    """The component of each true pixel, in reading order, and how many components there are.

    Components are numbered by their first pixel in reading order.
    """
    runs, component, count = _components(mask)
    return np.repeat(component, runs.lengths), count


def _components(mask: Mask) -> tuple[Runs, Indices, int]:
    """The runs of a mask in reading order, the component of each, and how many components there are."""
    runs = _runs(mask)
    root = _contract(runs.row.size, *_touching(runs, stride=mask.shape[1] + 2))
    is_root = root == np.arange(root.size)
    number = np.cumsum(is_root, dtype=np.int32) - 1
    return runs, number[root], int(np.count_nonzero(is_root))


def _runs(mask: Mask) -> Runs:
    """The stretches of true pixels in reading order."""
    height, width = mask.shape
    flat = np.zeros(height * (width + 1) + 1, np.bool_)  # a false column before each row keeps rows apart
    flat[:-1].reshape(height, width + 1)[:, 1:] = mask
    edges = np.flatnonzero(flat[1:] != flat[:-1]).astype(np.int32)
    row: Indices = edges[::2] // np.int32(width + 1)
    before = row * np.int32(width + 1)
    return Runs(row, edges[::2] - before, edges[1::2] - before)


def _touching(runs: Runs, *, stride: int) -> tuple[Indices, Indices]:
    """Pairs of runs of neighbouring rows that touch, diagonals included."""
    here, below = runs.row * np.int32(stride), (runs.row + 1) * np.int32(stride)
    low = np.searchsorted(here + runs.end, below + runs.start, side="left").astype(np.int32)
    high = np.searchsorted(here + runs.start, below + runs.end, side="right").astype(np.int32)
    count = np.maximum(high - low, 0)
    before = np.cumsum(count, dtype=np.int32) - count
    first = np.repeat(np.arange(runs.row.size, dtype=np.int32), count)
    return first, np.arange(first.size, dtype=np.int32) + (low - before)[first]


def _contract(count: int, first: Indices, second: Indices) -> Indices:
    """The smallest node of each node's component. Each pass hooks roots onto smaller neighbours and flattens."""
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
    """Columns and rows of the pixels of runs, PIXELS_AT_ONCE or a run more at a time."""
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
        # Over an absolute limit a region may be no warmer than its surroundings: the floor keeps weights positive.
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
