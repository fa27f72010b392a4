"""Matching positions of this scan with those of earlier ones, so that a small shift makes no new finding.

A rounded coordinate would jump at the edge of its cell. Instead the first detection names the position, and a later one
within its tolerance takes that name.
"""

import math
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import product

Position = tuple[float, float]
Grid = dict[tuple[float, float], list[Position]]  # column and row, and the positions there

_NAME = re.compile(r"(-?\d{1,15}\.\d),(-?\d{1,15}\.\d)")
_FARTHEST = 1e12  # beyond, a float has no tenths left to distinguish neighbours
_EVERYWHERE = 1e16  # farther than any two positions are apart


@dataclass(frozen=True)
class Detection:
    """Where a rule is broken now, and how far from there an earlier detection may lie and be the same thing.

    All three in one unit of the plugin's choice; a tenth of it makes a difference.
    """

    x: float
    y: float
    tolerance: float

    def __post_init__(self) -> None:
        if not all(math.isfinite(value) for value in (self.x, self.y, self.tolerance)):
            raise ValueError(f"({self.x}, {self.y}) ± {self.tolerance} is no position")
        if max(abs(self.x), abs(self.y)) > _FARTHEST or self.tolerance < 0:
            raise ValueError(f"({self.x}, {self.y}) ± {self.tolerance} is too far out, or its tolerance is negative")


@dataclass(frozen=True)
class PositionMatcher:
    """The positions where a rule was broken before. No name is given twice in a run: two findings never share a
    fingerprint."""

    known: tuple[Position, ...] = ()
    taken: set[Position] = field(default_factory=set)
    _grids: dict[float, Grid] = field(default_factory=dict, init=False, repr=False)  # by the side of their cells

    @classmethod
    def of(cls, names: Iterable[str]) -> "PositionMatcher":
        """The positions behind names that were given earlier. Other names, of an older version say, are passed over."""
        found = (_NAME.fullmatch(name) for name in names)
        return cls(tuple(sorted((float(match[1]), float(match[2])) for match in found if match)))

    def match(self, x: float, y: float, *, tolerance: float) -> str:
        """The name of the position at (x, y)."""
        (name,) = self.match_all([Detection(x, y, tolerance)])
        return name

    def match_all(self, detections: Sequence[Detection]) -> list[str]:
        """A name for each detection, in their order.

        The closest pairs of detection and known position are matched first: a newcomer near an old position does not
        take its name from the one that is still there.
        """
        pairs = sorted(
            (distance, position, index)
            for index, detection in enumerate(detections)
            for position in self._around(detection)
            if (distance := math.dist(position, (detection.x, detection.y))) <= detection.tolerance
        )
        matched: dict[int, Position] = {}
        for _distance, position, index in pairs:
            if index not in matched and position not in self.taken:
                matched[index] = position
                self.taken.add(position)
        for index, detection in enumerate(detections):
            if index not in matched:
                matched[index] = self._free(detection)
                self.taken.add(matched[index])
        return [f"{x:.1f},{y:.1f}" for x, y in (matched[index] for index in range(len(detections)))]

    def _around(self, detection: Detection) -> Iterator[Position]:
        """Every known position within the tolerance, and a few that are not: there may be thousands farther away.

        The cells are a little wider than the tolerance, so that those next to the detection's own hold all it may take.
        Their sides are powers of two, by which a coordinate is divided exactly, and of which there are few.
        """
        side = math.ldexp(1, math.frexp(1.01 * min(max(detection.tolerance, 0.1), _EVERYWHERE))[1])
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
    def _ever_known(self) -> frozenset[Position]:
        return frozenset(self.known)

    def _free(self, detection: Detection) -> Position:
        """The nearest tenth at or right of the detection that nothing else has or had."""
        tenths, y = round(detection.x * 10), round(detection.y * 10) / 10
        while (position := (tenths / 10, y)) in self.taken or position in self._ever_known:
            tenths += 1
        return position
