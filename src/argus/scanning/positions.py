"""Matches the positions of a scan with those of earlier scans, so that a small shift does not make a new finding.

Rounding coordinates to a grid would fail at the edges of the cells. Instead the first detection names the position, and
a later detection within its tolerance takes that name.
"""

import math
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import product

Position = tuple[float, float]
Grid = dict[tuple[float, float], list[Position]]  # positions by column and row

_NAME = re.compile(r"(-?\d{1,15}\.\d),(-?\d{1,15}\.\d)")
_MAX_COORDINATE = 1e12  # larger floats cannot distinguish tenths
_MAX_DISTANCE = 1e16  # no two positions are farther apart


@dataclass(frozen=True)
class Detection:
    """A position where a rule is violated, and the maximum distance to an earlier detection of the same finding.

    All three are in one unit, which the plugin chooses; positions are compared in tenths of it.
    """

    x: float
    y: float
    tolerance: float

    def __post_init__(self) -> None:
        if not all(math.isfinite(value) for value in (self.x, self.y, self.tolerance)):
            raise ValueError(f"({self.x}, {self.y}) ± {self.tolerance} is no position")
        if max(abs(self.x), abs(self.y)) > _MAX_COORDINATE or self.tolerance < 0:
            raise ValueError(f"({self.x}, {self.y}) ± {self.tolerance} is too far out, or its tolerance is negative")


@dataclass(frozen=True)
class PositionMatcher:
    """The positions where a rule was violated before.

    A name is given only once in a run, so that two findings never share a fingerprint: a step has one matcher per rule.
    """

    known: tuple[Position, ...] = ()
    taken: set[Position] = field(default_factory=set)
    _grids: dict[float, Grid] = field(default_factory=dict, init=False, repr=False)  # by side of the cells

    @classmethod
    def of(cls, names: Iterable[str]) -> "PositionMatcher":
        """The positions of names given earlier. Names in another format, such as an older version's, are ignored."""
        found = (_NAME.fullmatch(name) for name in names)
        return cls(tuple(sorted((float(match[1]), float(match[2])) for match in found if match)))

    def match(self, x: float, y: float, *, tolerance: float) -> str:
        """The name of the position at (x, y)."""
        (name,) = self.match_all([Detection(x, y, tolerance)])
        return name

    def match_all(self, detections: Sequence[Detection]) -> list[str]:
        """A name for each detection, in the same order.

        The closest pairs of detection and known position are matched first, so that a new detection near a known
        position does not take the name of one that is still present.
        """
        pairs = sorted(
            (distance, position, index)
            for index, detection in enumerate(detections)
            for position in self._candidates(detection)
            if (distance := math.dist(position, (detection.x, detection.y))) <= detection.tolerance
        )
        matched: dict[int, Position] = {}
        for _distance, position, index in pairs:
            if index not in matched and position not in self.taken:
                matched[index] = position
                self.taken.add(position)
        for index, detection in enumerate(detections):
            if index not in matched:
                matched[index] = self._unused(detection)
                self.taken.add(matched[index])
        return [f"{x:.1f},{y:.1f}" for x, y in (matched[index] for index in range(len(detections)))]

    def _candidates(self, detection: Detection) -> Iterator[Position]:
        """Every known position within the tolerance, and a few others; thousands of distant positions are skipped.

        The cells are slightly wider than the tolerance, so that the cell of the detection and its neighbours hold every
        match. Their sides are powers of two: division by them is exact, and only few grids are needed.
        """
        side = math.ldexp(1, math.frexp(1.01 * min(max(detection.tolerance, 0.1), _MAX_DISTANCE))[1])
        column, row = detection.x // side, detection.y // side
        grid = self._grid(side)
        for dx, dy in product((-1, 0, 1), repeat=2):
            yield from grid.get((column + dx, row + dy), ())

    def _grid(self, side: float) -> Grid:
        if side not in self._grids:
            grid = self._grids.setdefault(side, {})
            for x, y in self.known:
                grid.setdefault((x // side, y // side), []).append((x, y))
        return self._grids[side]

    @cached_property
    def _known_set(self) -> frozenset[Position]:
        return frozenset(self.known)

    def _unused(self, detection: Detection) -> Position:
        """The nearest tenth at or to the right of the detection that is neither taken nor known."""
        tenths, y = round(detection.x * 10), round(detection.y * 10) / 10
        while (position := (tenths / 10, y)) in self.taken or position in self._known_set:
            tenths += 1
        return position
