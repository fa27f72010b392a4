"""Reading the shapes in a finding's location. Plugins write it, so nothing in it is taken for granted.

`polygon` is a list of (x, y) in pixels, `centroid` one (x, y), `wgs84` a GeoJSON geometry. What cannot be read is
None, so that one odd location does not cost the whole report.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

Point = tuple[float, float]

DECIMALS = 7  # of a degree: a centimetre

_MAX_CORNERS = 100_000
_FARTHEST = 1e9  # pixels or metres


def polygon(location: Mapping[str, Any]) -> list[Point] | None:
    """The outline in pixels, without a repeated last point."""
    ring = _points(location.get("polygon"))
    if ring and ring[0] == ring[-1]:
        ring = ring[:-1]
    return ring if ring and len(ring) >= 3 else None


def centroid(location: Mapping[str, Any]) -> Point | None:
    """The middle in pixels; that of the polygon's corners when the location does not tell it."""
    told = _point(location.get("centroid"))
    ring = polygon(location)
    if told or not ring:
        return told
    return sum(x for x, _ in ring) / len(ring), sum(y for _, y in ring) / len(ring)


def position(location: Mapping[str, Any]) -> Point | None:
    """Longitude and latitude of the middle of the place's bounding box."""
    geometry = wgs84(location)
    if not geometry:
        return None
    west, south, east, north = bounds([geometry])
    return round((west + east) / 2, DECIMALS), round((south + north) / 2, DECIMALS)


def wgs84(location: Mapping[str, Any]) -> dict[str, Any] | None:
    """The place on Earth as RFC 7946 wants it: rings closed, outer ones counterclockwise, at most seven decimals."""
    geometry = location.get("wgs84")
    if not isinstance(geometry, Mapping) or geometry.get("type") not in _READERS:
        return None
    kind = str(geometry["type"])
    try:
        return {"type": kind, "coordinates": _READERS[kind](geometry.get("coordinates"))}
    except (TypeError, ValueError, OverflowError):
        return None


def bounds(geometries: Sequence[Mapping[str, Any]]) -> list[float]:
    """West, south, east, north of geometries that `wgs84` made; there is at least one."""
    positions = [position for geometry in geometries for position in _positions(geometry["coordinates"])]
    longitudes, latitudes = ([position[axis] for position in positions] for axis in (0, 1))
    return [min(longitudes), min(latitudes), max(longitudes), max(latitudes)]


def _points(value: Any) -> list[Point] | None:
    if not isinstance(value, Sequence) or isinstance(value, str | bytes) or len(value) > _MAX_CORNERS:
        return None
    points = [_point(item) for item in value]
    return [point for point in points if point is not None] if all(points) else None


def _point(value: Any) -> Point | None:
    match value:
        case [int() | float() as x, int() | float() as y] if _usable(x) and _usable(y):
            return float(x), float(y)
        case {"x": int() | float() as x, "y": int() | float() as y} if _usable(x) and _usable(y):
            return float(x), float(y)
    return None


def _usable(number: float) -> bool:
    """Neither NaN nor infinite, nor an integer too large to become a float."""
    return not isinstance(number, bool) and -_FARTHEST < number < _FARTHEST


def _position(value: Any) -> list[float]:
    longitude, latitude, *altitude = (float(number) for number in value)
    if not (abs(longitude) <= 180 and abs(latitude) <= 90) or not all(map(_usable, altitude)):
        raise ValueError("not a place on Earth")
    return [round(longitude, DECIMALS), round(latitude, DECIMALS), *(round(metres, 3) for metres in altitude[:1])]


def _line(value: Any) -> list[list[float]]:
    line = [_position(item) for item in value]
    if len(line) < 2:
        raise ValueError("a line has two positions or more")
    return line


def _polygon(value: Any) -> list[list[list[float]]]:
    rings = [_ring(ring, counterclockwise=index == 0) for index, ring in enumerate(value)]
    if not rings:
        raise ValueError("a polygon has an outer ring")
    return rings


def _ring(value: Any, *, counterclockwise: bool) -> list[list[float]]:
    ring = [_position(item) for item in value]
    if ring and ring[0] != ring[-1]:
        ring.append(ring[0])
    if len(ring) < 4:
        raise ValueError("a ring has three corners or more")
    return ring if (_twice_area(ring) >= 0) == counterclockwise else ring[::-1]


def _twice_area(ring: list[list[float]]) -> float:
    """Positive when the ring runs counterclockwise. Taken from the first corner, as degrees are large beside a ring."""
    (x0, y0, *_) = ring[0]
    return sum((a[0] - x0) * (b[1] - y0) - (b[0] - x0) * (a[1] - y0) for a, b in pairwise(ring))


def _several(one: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def read(value: Any) -> list[Any]:
        several = [one(item) for item in value]
        if not several:
            raise ValueError("an empty geometry")
        return several

    return read


_READERS: dict[str, Callable[[Any], Any]] = {
    "Point": _position,
    "LineString": _line,
    "Polygon": _polygon,
    "MultiPoint": _several(_position),
    "MultiLineString": _several(_line),
    "MultiPolygon": _several(_polygon),
}


def _positions(coordinates: Any) -> Iterator[list[float]]:
    if isinstance(coordinates[0], float):
        yield coordinates
    else:
        for item in coordinates:
            yield from _positions(item)
