"""The outline of a region as a polygon: traced along pixel edges, then simplified."""

import heapq
import itertools
import math
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float64]
Coordinates = NDArray[np.signedinteger[Any]]

MAX_POINTS = 200  # of a ring, including the repeated last point
TOLERANCE_CELLS = 1.0  # above the steps of a slanted edge: 0.71 high, they lengthen it by a fifth
MAX_TRACED_CELLS = 512 * 512  # of a bounding box; a larger region is traced on a coarser grid


def outline(mask: NDArray[np.bool_]) -> Points:
    """The outer boundary of the single 8-connected region of a mask, (n, 2) as x, y of pixel corners.

    The ring is closed, clockwise on screen, and has at most MAX_POINTS points. Holes are ignored. Where a region is
    connected only diagonally, the ring touches itself.
    """
    y, x = np.nonzero(mask)
    return outline_of([(x, y)], box=(0, 0, mask.shape[1], mask.shape[0]))


def outline_of(pixels: Iterable[tuple[Coordinates, Coordinates]], *, box: tuple[int, int, int, int]) -> Points:
    """The same for a region whose pixels come in parts, within its bounding box x0, y0, x1, y1.

    A large box is traced on a coarser grid: a cell is set if any of its pixels belongs to the region, so that
    neighbours stay neighbours.
    """
    left, top, right, bottom = box
    width, height = right - left, bottom - top
    factor = math.ceil(math.sqrt(width * height / MAX_TRACED_CELLS))
    cells = np.zeros((-(-height // factor), -(-width // factor)), np.bool_)
    for x, y in pixels:
        cells[(y - top) // factor, (x - left) // factor] = True
    # Simplified in units of cells, since the steps of a slanted edge grow with the cells.
    ring: Points = np.minimum(_simplified(_traced(cells)) * factor, (width, height)) + np.array((left, top))
    return ring


def perimeter(ring: Points) -> float:
    """The length of a closed ring."""
    return float(np.hypot(*np.diff(ring, axis=0).T).sum())


def _traced(mask: NDArray[np.bool_]) -> Points:
    """The corners where the boundary turns, starting and ending at the top left corner of the first pixel."""
    height, width = mask.shape
    padded = np.zeros((height + 2, width + 2), np.bool_)
    padded[1:-1, 1:-1] = mask
    cells, stride = padded.tobytes(), width + 2
    # Offsets of the two cells ahead of a corner, left and right, by heading. Corner (x, y) is the top left corner of
    # the padded cell (x + 1, y + 1).
    ahead = ((-stride, 0), (0, -1), (-1, -1 - stride), (-1 - stride, -stride))
    moves = (1, stride, -1, -stride)
    start = at = int(mask[0].argmax()) + 1 + stride
    heading = 0
    corners = [start]
    while True:
        at += moves[heading]
        left, right = ahead[heading]
        if cells[at + left]:
            heading = (heading - 1) % 4
        elif not cells[at + right]:
            heading = (heading + 1) % 4
        else:
            continue
        corners.append(at)
        if at == start and heading == 0:
            break
    y, x = np.divmod(np.array(corners), stride)
    return np.column_stack((x - 1, y - 1)).astype(np.float64)


def _simplified(ring: Points) -> Points:
    """Simplify by Douglas and Peucker, farthest point first, so that MAX_POINTS can stop it at any time."""
    farthest = int(np.hypot(*(ring - ring[0]).T).argmax())
    chosen = {0, farthest, len(ring) - 1}
    serial = itertools.count()  # orders points at equal distance
    segments: list[tuple[float, int, int, int, int]] = []

    def add_segment(first: int, last: int) -> None:
        distance, middle = _farthest(ring, first, last)
        heapq.heappush(segments, (-distance, next(serial), first, middle, last))

    add_segment(0, farthest)
    add_segment(farthest, len(ring) - 1)
    while segments and len(chosen) < MAX_POINTS:
        negative_distance, _, first, middle, last = heapq.heappop(segments)
        # A ring needs three different corners to enclose an area.
        if -negative_distance <= TOLERANCE_CELLS and len(chosen) > 3:
            break
        chosen.add(middle)
        add_segment(first, middle)
        add_segment(middle, last)
    return ring[sorted(chosen)]


def _farthest(ring: Points, first: int, last: int) -> tuple[float, int]:
    """The largest distance of the boundary from the line between two of its points, and the index of that point."""
    if last - first < 2:
        return 0.0, first
    start, along = ring[first], ring[last] - ring[first]
    offsets = ring[first + 1 : last] - start
    length = float(np.hypot(*along))
    if length:
        share = np.minimum(np.maximum(offsets @ along / length**2, 0), 1)
        offsets = offsets - share[:, np.newaxis] * along
    squares = np.einsum("ij,ij->i", offsets, offsets)
    middle = int(squares.argmax())
    return float(squares[middle]) ** 0.5, first + 1 + middle
