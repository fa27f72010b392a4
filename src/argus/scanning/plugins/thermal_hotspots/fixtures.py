"""Test cases of `thermal_hotspots`: cool ground with regions that are hot, or only seem to be.

The accuracy on many generated scenes is measured in `tests/scanning/test_thermal_hotspots.py`.
"""

from collections.abc import Collection, Mapping

import numpy as np
from numpy.typing import NDArray

from argus.scanning.model import Target
from argus.scanning.testkit import Case, World, thermogram

GROUND_CELSIUS = 10.0
_ROWS, _COLUMNS = np.indices((120, 160))


def _disc(x: float, y: float, radius: float) -> NDArray[np.bool_]:
    disc: NDArray[np.bool_] = np.hypot(_COLUMNS - x, _ROWS - y) <= radius
    return disc


def _image(*regions: tuple[NDArray[np.bool_], float]) -> NDArray[np.float64]:
    """Ground that gets slightly warmer to the right, with regions, each at its own temperature."""
    celsius: NDArray[np.float64] = GROUND_CELSIUS + 2 * _COLUMNS / _COLUMNS.max()
    for mask, temperature in regions:
        celsius[mask] = temperature
    return celsius


def _case(
    name: str,
    celsius: NDArray[np.float64],
    *,
    hotspot: int,
    over_limit: int = 0,
    known_positions: Mapping[str, tuple[str, ...]] | None = None,
    not_tested: Collection[str] = (),
    **options: float,
) -> Case:
    """Without `absolute_celsius` the rule `over_limit` is not tested."""
    untested = frozenset(() if "absolute_celsius" in options else ("over_limit",))
    world = World(images={"img_1": thermogram(celsius)}, known_positions=known_positions or {})
    expects = {"hotspot": hotspot, "over_limit": over_limit}
    return Case(name, Target("image", "img_1"), world, expects, options, untested.union(not_tested))


_PIPE = np.abs(_ROWS - 60) <= 6
_LEAK = _disc(40, 30, 5)
_OTHER_LEAK = _disc(120, 90, 4)

CASES = (
    _case("bare ground", _image(), hotspot=0),
    _case("a leak", _image((_LEAK, 35.0)), hotspot=1),
    _case("two leaks", _image((_LEAK, 35.0), (_OTHER_LEAK, 60.0)), hotspot=2),
    _case("an intact pipe, warm but below the threshold", _image((_PIPE, 17.0)), hotspot=0),
    _case("a leak on an intact pipe", _image((_PIPE, 17.0), (_disc(80, 60, 4), 45.0)), hotspot=1),
    _case("a pipe that has lost its insulation", _image((_PIPE, 70.0)), hotspot=1),
    _case("a spot below the minimum area", _image((_disc(40, 30, 1), 80.0)), hotspot=0),
    _case("a leak beside pixels without temperature", _image((_LEAK, 35.0), (_OTHER_LEAK, np.nan)), hotspot=1),
    _case("a lower threshold finds the warm pipe", _image((_PIPE, 17.0)), hotspot=1, delta_celsius=4),
    _case("a known leak", _image((_LEAK, 35.0)), hotspot=1, known_positions={"hotspot": ("42.0,29.0",)}),
    _case("below the limit", _image((_LEAK, 35.0)), hotspot=1, over_limit=0, absolute_celsius=36),
    _case("over the limit", _image((_LEAK, 35.0)), hotspot=1, over_limit=1, absolute_celsius=34),
    _case("over the limit everywhere", _image() + 50, hotspot=0, over_limit=1, absolute_celsius=55),
    _case(
        "more leaks than findings allowed",
        _image((_LEAK, 35.0), (_OTHER_LEAK, 60.0)),
        hotspot=1,
        over_limit=1,
        not_tested={"hotspot", "over_limit"},
        absolute_celsius=30,
        max_findings=1,
    ),
)
