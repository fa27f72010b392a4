"""Reads the shapes in the location of a finding. Plugins write it, so it is fully validated.

`polygon` is a list of (x, y) in pixels, `centroid` one (x, y), `wgs84` a GeoJSON geometry. An invalid shape is None, so
that one invalid location does not fail the whole report.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

Point = tuple[float, float]

DECIMALS = 7  # of a degree: a centimetre

_MAX_CORNERS = 100_000
_MAX_COORDINATE = 1e9  # pixels or metres


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


def position(location: Mapping[str, Any]) -> Point | None:
    """Longitude and latitude of the centre of the bounding box of the geometry."""
    geometry = wgs84(location)
    if not geometry:
        return None
    west, south, east, north = bounds([geometry])
    return round((west + east) / 2, DECIMALS), round((south + north) / 2, DECIMALS)


def wgs84(location: Mapping[str, Any]) -> dict[str, Any] | None:
    """The geometry per RFC 7946: closed rings, outer ones counterclockwise, at most seven decimals."""
    geometry = location.get("wgs84")
    if not isinstance(geometry, Mapping) or geometry.get("type") not in _READERS:
        return None
    kind = str(geometry["type"])
    try:
        return {"type": kind, "coordinates": _READERS[kind](geometry.get("coordinates"))}
    except (TypeError, ValueError, OverflowError):
        return None


def bounds(geometries: Sequence[Mapping[str, Any]]) -> list[float]:
    """West, south, east and north of one or more geometries from `wgs84`."""
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
        case [int() | float() as x, int() | float() as y] if _is_usable(x) and _is_usable(y):
            return float(x), float(y)
        case {"x": int() | float() as x, "y": int() | float() as y} if _is_usable(x) and _is_usable(y):
            return float(x), float(y)
    return None


def _is_usable(number: float) -> bool:
    """Not NaN, not infinite, and not an integer too large for a float."""
    return not isinstance(number, bool) and -_MAX_COORDINATE < number < _MAX_COORDINATE


def _position(value: Any) -> list[float]:
    longitude, latitude, *altitude = (float(number) for number in value)
    if not (abs(longitude) <= 180 and abs(latitude) <= 90) or not all(map(_is_usable, altitude)):
        raise ValueError("not a position on Earth")
    return [round(longitude, DECIMALS), round(latitude, DECIMALS), *(round(metres, 3) for metres in altitude[:1])]


def _line(value: Any) -> list[list[float]]:
    line = [_position(item) for item in value]
    if len(line) < 2:
        raise ValueError("a line has at least two positions")
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
        raise ValueError("a ring has at least three corners")
    return ring if (_twice_area(ring) >= 0) == counterclockwise else ring[::-1]


def _twice_area(ring: list[list[float]]) -> float:
    """Positive if the ring is counterclockwise. Relative to the first corner, which keeps the numbers small."""
    (x0, y0, *_) = ring[0]
    return sum((a[0] - x0) * (b[1] - y0) - (b[0] - x0) * (a[1] - y0) for a, b in pairwise(ring))


def _list_of(read_item: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def read(value: Any) -> list[Any]:
        items = [read_item(item) for item in value]
        if not items:
            raise ValueError("an empty geometry")
        return items

    return read


_READERS: dict[str, Callable[[Any], Any]] = {
    "Point": _position,
    "LineString": _line,
    "Polygon": _polygon,
    "MultiPoint": _list_of(_position),
    "MultiLineString": _list_of(_line),
    "MultiPolygon": _list_of(_polygon),
}


def _positions(coordinates: Any) -> Iterator[list[float]]:
    if isinstance(coordinates[0], float):
        yield coordinates
    else:
        for item in coordinates:
            yield from _positions(item)
