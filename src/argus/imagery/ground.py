"""Where regions of a georeferenced image are on the ground: on its map, and in WGS84 if the map is in it.

The inverse transverse Mercator projection is that of Krüger, to the fourth power of the third flattening, which is
exact to a micrometre within a zone. Source: C. F. F. Karney, "Transverse Mercator with an accuracy of a few
nanometers", Journal of Geodesy 85 (2011), equations 7, 11, 35 and 36; the ellipsoid and the zones: NGA.SIG.0012, "The
universal grids" (2014).
"""

from collections.abc import Iterable
from math import asin, atan2, cos, cosh, degrees, sin, sinh
from typing import Any

from argus.imagery.model import Georeference

WGS84 = 4326
WIDEST_METRES = 1_000_000.0  # from the central meridian: farther away, the series is not exact
UTM_NORTH, UTM_SOUTH = range(32601, 32661), range(32701, 32761)  # of WGS84, by zone

_RADIUS_METRES, _FLATTENING = 6_378_137.0, 1 / 298.257223563
_SCALE, _EASTING, _SOUTHERN_NORTHING = 0.9996, 500_000.0, 10_000_000.0
_N = _FLATTENING / (2 - _FLATTENING)
_RECTIFYING = _RADIUS_METRES / (1 + _N) * (1 + _N**2 / 4 + _N**4 / 64)
_BETA = (
    _N / 2 - 2 * _N**2 / 3 + 37 * _N**3 / 96 - _N**4 / 360,
    _N**2 / 48 + _N**3 / 15 - 437 * _N**4 / 1440,
    17 * _N**3 / 480 - 37 * _N**4 / 840,
    4397 * _N**4 / 161280,
)
_DELTA = (
    2 * _N - 2 * _N**2 / 3 - 2 * _N**3 + 116 * _N**4 / 45,
    7 * _N**2 / 3 - 8 * _N**3 / 5 - 227 * _N**4 / 45,
    56 * _N**3 / 15 - 136 * _N**4 / 35,
    4279 * _N**4 / 630,
)


def location(
    georeference: Georeference, centroid: tuple[float, float], ring: Iterable[tuple[float, float]]
) -> dict[str, Any]:
    """Members of the location of a finding: `map` with its centroid, and its outline as `wgs84`, a GeoJSON geometry.

    Centroid and ring are in pixels. Without a known way to WGS84 there is only `map`.
    """
    x, y = georeference.at(*centroid)
    digits = 8 if georeference.geographic else 3
    found: dict[str, Any] = {"map": {"epsg": georeference.epsg, "x": round(x, digits), "y": round(y, digits)}}
    corners = [wgs84(georeference.epsg, *georeference.at(column, row)) for column, row in ring]
    known = [corner for corner in corners if corner is not None]
    if corners and len(known) == len(corners):
        found["wgs84"] = {"type": "Polygon", "coordinates": [[list(corner) for corner in known]]}
    return found


def wgs84(epsg: int, x: float, y: float) -> tuple[float, float] | None:
    """Longitude and latitude of a position on a map; None if the way to WGS84 is not known."""
    if epsg == WGS84:
        return (x, y) if abs(x) <= 180 and abs(y) <= 90 else None
    for zones, northing in ((UTM_NORTH, 0.0), (UTM_SOUTH, _SOUTHERN_NORTHING)):
        if epsg in zones and abs(x - _EASTING) <= WIDEST_METRES and abs(y) <= _SOUTHERN_NORTHING:
            longitude, latitude = _from_mercator(x - _EASTING, y - northing)
            return 6.0 * zones.index(epsg) - 177.0 + longitude, latitude
    return None


def _from_mercator(easting: float, northing: float) -> tuple[float, float]:
    """Degrees from the central meridian, and latitude."""
    xi, eta = northing / (_SCALE * _RECTIFYING), easting / (_SCALE * _RECTIFYING)
    powers = list(enumerate(_BETA, start=1))
    up = xi - sum(beta * sin(2 * j * xi) * cosh(2 * j * eta) for j, beta in powers)
    across = eta - sum(beta * cos(2 * j * xi) * sinh(2 * j * eta) for j, beta in powers)
    conformal = asin(sin(up) / cosh(across))
    latitude = conformal + sum(delta * sin(2 * j * conformal) for j, delta in enumerate(_DELTA, start=1))
    return degrees(atan2(sinh(across), cos(up))), degrees(latitude)
