"""What a plugin may touch: its tools. A plugin is `run(target, tools, options)` yielding `Finding`s."""

import logging
import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from itertools import product
from typing import TYPE_CHECKING, Any, Protocol

from argus.core.errors import ArgusError, Forbidden
from argus.scanning.model import Finding, Target

if TYPE_CHECKING:
    from argus.imagery.thermogram import Thermogram

Place = tuple[float, float]
Grid = dict[tuple[float, float], list[Place]]  # column and row, and the places there
Run = Callable[[Target, "Tools", Mapping[str, Any]], Iterator[Finding]]

_PLACE = re.compile(r"(-?\d{1,15}\.\d),(-?\d{1,15}\.\d)")
_FARTHEST = 1e12  # beyond, a float has no tenths left to tell neighbours apart by
_EVERYWHERE = 1e16  # farther than any two places are apart


class BudgetSpent(ArgusError):
    """The plugin used up the requests or seconds its manifest allows."""


class ImageReader(Protocol):
    """Reads the caller's own images."""

    def thermogram(self, image_id: str) -> "Thermogram": ...


@dataclass(frozen=True)
class Sighting:
    """Where a rule is broken now, and how far from there an earlier sighting may lie and be the same thing.

    All three in one unit of the plugin's choice; a tenth of it is told apart.
    """

    x: float
    y: float
    tolerance: float

    def __post_init__(self) -> None:
        if not all(math.isfinite(value) for value in (self.x, self.y, self.tolerance)):
            raise ValueError(f"({self.x}, {self.y}) ± {self.tolerance} is no place")
        if max(abs(self.x), abs(self.y)) > _FARTHEST or self.tolerance < 0:
            raise ValueError(f"({self.x}, {self.y}) ± {self.tolerance} is too far out, or its tolerance is negative")


@dataclass(frozen=True)
class Places:
    """The places where a rule was broken before, so that a small shift does not make a new finding.

    A rounded coordinate would jump at the edge of its cell; instead the first sighting names the place, and a later
    one within the tolerance takes that name. No name is given twice in a run: two findings never share a fingerprint.
    """

    known: tuple[Place, ...] = ()
    taken: set[Place] = field(default_factory=set)
    _grids: dict[float, Grid] = field(default_factory=dict, init=False, repr=False)  # by the side of their cells

    @classmethod
    def of(cls, names: Iterable[str]) -> "Places":
        """The places behind names that were given earlier. Other names, of an older version say, are passed over."""
        found = (_PLACE.fullmatch(name) for name in names)
        return cls(tuple(sorted((float(match[1]), float(match[2])) for match in found if match)))

    def settle(self, x: float, y: float, *, tolerance: float) -> str:
        """The name of the place at (x, y)."""
        (name,) = self.settle_all([Sighting(x, y, tolerance)])
        return name

    def settle_all(self, sightings: Sequence[Sighting]) -> list[str]:
        """A name for each sighting, in their order.

        The closest pairs of sighting and known place find each other first: a newcomer near an old place does not
        take its name from the one that still sits on it.
        """
        pairs = sorted(
            (distance, place, index)
            for index, sighting in enumerate(sightings)
            for place in self._around(sighting)
            if (distance := math.dist(place, (sighting.x, sighting.y))) <= sighting.tolerance
        )
        settled: dict[int, Place] = {}
        for _distance, place, index in pairs:
            if index not in settled and place not in self.taken:
                settled[index] = place
                self.taken.add(place)
        for index, sighting in enumerate(sightings):
            if index not in settled:
                settled[index] = self._free(sighting)
                self.taken.add(settled[index])
        return [f"{x:.1f},{y:.1f}" for x, y in (settled[index] for index in range(len(sightings)))]

    def _around(self, sighting: Sighting) -> Iterator[Place]:
        """Every known place within the tolerance, and a few that are not: there may be thousands farther away.

        The cells are a little wider than the tolerance, so that those next to the sighting's own hold all it may take.
        Their sides are powers of two, by which a coordinate is divided exactly, and of which there are few.
        """
        side = math.ldexp(1, math.frexp(1.01 * min(max(sighting.tolerance, 0.1), _EVERYWHERE))[1])
        column, row = sighting.x // side, sighting.y // side
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
    def _ever_known(self) -> frozenset[Place]:
        return frozenset(self.known)

    def _free(self, sighting: Sighting) -> Place:
        """The nearest tenth at or right of the sighting that nothing else has or had."""
        tenths, y = round(sighting.x * 10), round(sighting.y * 10) / 10
        while (place := (tenths / 10, y)) in self.taken or place in self._ever_known:
            tenths += 1
        return place


@dataclass(frozen=True)
class Tools:
    """All that a plugin may touch. What its manifest does not ask for under `permissions` is refused."""

    now: Callable[[], datetime]
    log: logging.Logger
    progress: Callable[[float], None]  # 0..1; also where a cancelled scan stops
    places: Callable[[str], Places]  # by rule
    incomplete: Callable[[str], None]  # this rule was not looked for, or not all is told: what goes unsaid is not fixed
    granted: Mapping[str, Any] = field(default_factory=dict)  # a tool for each permission of the manifest

    @property
    def images(self) -> ImageReader:
        reader: ImageReader = self._tool("imagery")
        return reader

    def _tool(self, permission: str) -> Any:
        if permission not in self.granted:
            raise Forbidden(f"the manifest does not ask for the permission {permission}")
        return self.granted[permission]
