"""The georeference of a TIFF: GeoTIFF 1.1 (OGC 19-008r4), sections 7.1 and 7.2, and annex B.6 for the raster type."""

import math

from argus.core.languages import Message
from argus.imagery import notes
from argus.imagery.model import Georeference
from argus.imagery.tags import Tags

PIXEL_SCALE, TIE_POINT, TRANSFORMATION, GEO_KEYS = 33550, 33922, 34264, 34735
MODEL_TYPE, RASTER_TYPE, GEODETIC_CRS, PROJECTED_CRS, LINEAR_UNIT = 1024, 1025, 2048, 3072, 3076
METRE = 9001
PROJECTED, GEOGRAPHIC = 1, 2
PIXEL_IS_POINT = 2
CODES = range(1024, 32767)  # of the EPSG registry; 32767 is a definition of the user's own
MAX_COORDINATE = 1e9


def georeference(tags: Tags) -> tuple[Georeference | None, tuple[Message, ...]]:
    """The georeference of a file, and a note if it has one that Argus cannot keep."""
    transform = _transform(tags)
    keys = _keys(tags)
    if transform is None:
        return None, ((notes.note("not_placed", "control_points"),) if TIE_POINT in tags.entries else ())
    a, b, c, d, e, f = transform
    if not all(math.isfinite(value) and abs(value) < MAX_COORDINATE for value in transform) or a * e == b * d:
        return None, (notes.note("not_placed", "transform"),)
    kind = keys.get(MODEL_TYPE, PROJECTED if PROJECTED_CRS in keys else GEOGRAPHIC)
    code = keys.get(GEODETIC_CRS if kind == GEOGRAPHIC else PROJECTED_CRS, 0)
    if kind not in (PROJECTED, GEOGRAPHIC) or code not in CODES:
        return None, (notes.note("not_placed", "no_code"),)
    if kind == PROJECTED and keys.get(LINEAR_UNIT, METRE) != METRE:
        return None, (notes.note("not_placed", "unit"),)
    if keys.get(RASTER_TYPE) == PIXEL_IS_POINT:  # the transform is of the middle of a pixel
        c, f = c - (a + b) / 2, f - (d + e) / 2
    return Georeference(a, b, c, d, e, f, code, geographic=kind == GEOGRAPHIC), ()


def _keys(tags: Tags) -> dict[int, int]:
    """The keys whose value is a number in the directory of keys itself."""
    numbers = [int(number) if math.isfinite(number) else 0 for number in tags.numbers(GEO_KEYS)]
    rows = [numbers[at : at + 4] for at in range(4, len(numbers) - 3, 4)]
    return {key: value for key, location, _, value in rows if location == 0}


def _transform(tags: Tags) -> tuple[float, ...] | None:
    """a to f of `Georeference`; None if there is no affine transform."""
    match tags.numbers(TRANSFORMATION):
        case (a, b, _, c, d, e, _, f, *rest) if len(rest) == 8:
            return a, b, c, d, e, f
    match tags.numbers(PIXEL_SCALE), tags.numbers(TIE_POINT):
        case (width, height, *_), (column, row, _, x, y, _, *_):  # the first tie point counts, as in GDAL
            height = abs(height)
            return width, 0.0, x - column * width, 0.0, -height, y + row * height
    return None
