"""Reads the position on Earth in the location of a finding: `wgs84`, a GeoJSON geometry.

Plugins write it, so it is fully validated. An invalid geometry is None, so that one invalid location does not fail the
whole report.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

DECIMALS = 7  # of a degree: a centimetre

_MAX_ALTITUDE_METRES = 1e9


def position(location: Mapping[str, Any]) -> tuple[float, float] | None:
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


def _position(value: Any) -> list[float]:
    longitude, latitude, *altitude = (float(number) for number in value)
    is_on_earth = abs(longitude) <= 180 and abs(latitude) <= 90
    if not is_on_earth or not all(abs(metres) < _MAX_ALTITUDE_METRES for metres in altitude):
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
