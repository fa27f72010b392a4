"""Reads the shapes in pixels of the location of a finding. Plugins write it, so it is fully validated.

`polygon` is a list of (x, y), `centroid` one (x, y). An invalid shape is None, so that one invalid location does not
fail the whole report.
"""

from collections.abc import Mapping, Sequence
from typing import Any

Point = tuple[float, float]

_MAX_CORNERS = 100_000
_MAX_COORDINATE = 1e9


def polygon(location: Mapping[str, Any]) -> list[Point] | None:
    """The outline in pixels, without a repeated last point."""
    ring = _points(location.get("polygon"))
    if ring and ring[0] == ring[-1]:
        ring = ring[:-1]
    return ring if ring and len(ring) >= 3 else None


def centroid(location: Mapping[str, Any]) -> Point | None:
    """The centroid in pixels; if the location has none, the mean of the corners of its polygon."""
    given = _point(location.get("centroid"))
    ring = polygon(location)
    if given or not ring:
        return given
    return sum(x for x, _ in ring) / len(ring), sum(y for _, y in ring) / len(ring)


def _points(value: Any) -> list[Point] | None:
    if not isinstance(value, Sequence) or isinstance(value, str | bytes) or len(value) > _MAX_CORNERS:
        return None
    points = [_point(item) for item in value]
    return [point for point in points if point is not None] if all(points) else None


def _point(value: Any) -> Point | None:
    match value:
        case [int() | float() as x, int() | float() as y] if _is_usable(x) and _is_usable(y):
            return float(x), float(y)
        case {"x": int() | float() as x, "y": int() | float() as y} if _is_usable(x) and _is_usable(y):
            return float(x), float(y)
    return None


def _is_usable(number: float) -> bool:
    """Not NaN, not infinite, and not an integer too large for a float."""
    return not isinstance(number, bool) and -_MAX_COORDINATE < number < _MAX_COORDINATE
