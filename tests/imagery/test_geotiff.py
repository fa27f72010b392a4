"""GeoTIFFs keep their coordinate system and transform: in the image, its COG, findings and reports."""

import json

import numpy as np
import pytest
import requests
from rasterio.io import MemoryFile
from rasterio.transform import Affine
from rasterio.warp import transform

from argus.imagery import tiff_tags
from argus.imagery.decode import decode
from argus.imagery.geotiff import GEO_KEYS, PIXEL_SCALE, TIE_POINT, TRANSFORMATION
from argus.imagery.ground import wgs84
from argus.imagery.model import Georeference, LinearScale
from argus.imagery.tiff_tags import Tag
from services.local.demo.scenes import plain_tiff
from tests.conftest import Person, Workers
from tests.imagery.uploads import uploaded

COUNTS = (28315 + np.arange(48 * 64) % 1000).reshape(48, 64).astype(np.uint16)
CENTIKELVIN = LinearScale(0.01, -273.15)
UTM_29 = 32629


def keys(*entries: tuple[int, int], code: int = UTM_29, kind: int = 1) -> Tag:
    """A directory of keys: model type, raster type (pixel is area), and the coordinate system."""
    stated = {1024: kind, 1025: 1, (3072 if kind == 1 else 2048): code, **dict(entries)}
    numbers = [number for key, value in sorted(stated.items()) for number in (key, 0, 1, value)]
    return tiff_tags.short(GEO_KEYS, 1, 1, 0, len(stated), *numbers)


SCALE = tiff_tags.double(PIXEL_SCALE, 0.05, 0.05, 0)
TIED = tiff_tags.double(TIE_POINT, 0, 0, 0, 500000, 4649776, 0)
TURNED = tiff_tags.double(TRANSFORMATION, 0.04, 0.03, 0, 500000, 0.03, -0.04, 0, 4649776, 0, 0, 0, 0, 0, 0, 0, 1)


def placed(*tags: Tag) -> tuple[Georeference | None, list[str]]:
    capture = decode(plain_tiff(COUNTS, tags=tags), declared_scale=CENTIKELVIN).capture
    return capture.georeference, [note.key for note in capture.notes]


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        (
            (SCALE, tiff_tags.double(TIE_POINT, 0, 0, 0, 500000, 4649776, 0, *range(6)), keys()),
            Georeference(0.05, 0, 500000, 0, -0.05, 4649776, UTM_29),
        ),
        (
            (tiff_tags.double(PIXEL_SCALE, 0.05, -0.05, 0), TIED, keys()),
            Georeference(0.05, 0, 500000, 0, -0.05, 4649776, UTM_29),
        ),
        (
            (SCALE, TIED, tiff_tags.short(GEO_KEYS, 1, 1, 0, 1, 3072, 0, 1, UTM_29)),
            Georeference(0.05, 0, 500000, 0, -0.05, 4649776, UTM_29),
        ),
        ((SCALE, TIED, keys()), Georeference(0.05, 0, 500000, 0, -0.05, 4649776, UTM_29)),
        (
            (SCALE, tiff_tags.double(TIE_POINT, 10, 20, 0, 500000, 4649776, 0), keys()),
            Georeference(0.05, 0, 499999.5, 0, -0.05, 4649777, UTM_29),
        ),
        ((TURNED, keys()), Georeference(0.04, 0.03, 500000, 0.03, -0.04, 4649776, UTM_29)),
        (
            (SCALE, TIED, keys((1025, 2))),  # the tie point is the middle of a pixel
            Georeference(0.05, 0, 499999.975, 0, -0.05, 4649776.025, UTM_29),
        ),
        (
            (
                tiff_tags.double(PIXEL_SCALE, 1e-6, 1e-6, 0),
                tiff_tags.double(TIE_POINT, 0, 0, 0, -9, 42, 0),
                keys(code=4326, kind=2),
            ),
            Georeference(1e-6, 0, -9, 0, -1e-6, 42, 4326, geographic=True),
        ),
    ],
    ids=[
        "tie points",
        "upside down",
        "no model type",
        "tie point",
        "another tie point",
        "turned",
        "pixel is point",
        "geographic",
    ],
)
def test_the_coordinate_system_and_the_transform_are_kept(tags: tuple[Tag, ...], expected: Georeference) -> None:
    found, notes = placed(*tags)
    assert found == expected
    assert notes == []


@pytest.mark.parametrize(
    ("tags", "note"),
    [
        ((SCALE, TIED), "no_code"),
        ((SCALE, TIED, keys((3076, 9003))), "unit"),
        ((SCALE, tiff_tags.double(TIE_POINT, 0, 0, 0, 9e11, 0, 0), keys()), "transform"),
        ((SCALE, TIED, tiff_tags.double(GEO_KEYS, 1, 1, 0, 1, float("nan"), 0, 1, float("inf"))), "no_code"),
        ((SCALE, TIED, keys(code=32767)), "no_code"),
        ((SCALE, TIED, keys(kind=3)), "no_code"),
        ((tiff_tags.double(TIE_POINT, *range(24)), keys()), "control_points"),
        ((tiff_tags.double(PIXEL_SCALE, 0, 0, 0), TIED, keys()), "transform"),
        ((tiff_tags.double(PIXEL_SCALE, float("nan"), 1, 0), TIED, keys()), "transform"),
        ((tiff_tags.double(PIXEL_SCALE, 1e300, 1e300, 0), TIED, keys()), "transform"),
    ],
    ids=[
        "no keys",
        "feet",
        "too far",
        "keys of no number",
        "defined by the user",
        "geocentric",
        "control points",
        "no size",
        "no number",
        "too large",
    ],
)
def test_a_georeference_that_cannot_be_kept_is_noted(tags: tuple[Tag, ...], note: str) -> None:
    assert placed(*tags) == (None, [note])


def test_a_plain_tiff_has_none() -> None:
    assert placed() == (None, [])
    assert placed(keys()) == (None, [])


@pytest.mark.parametrize("numbers", [(), (1,), (1, 1, 0, 5), (1, 1, 0, 9, 1024, 0, 1)])
def test_damaged_keys_are_no_error(numbers: tuple[int, ...]) -> None:
    assert placed(SCALE, TIED, tiff_tags.short(GEO_KEYS, *numbers)) == (None, ["no_code"])


@pytest.mark.parametrize("epsg", [4326, 32601, 32629, 32660, 32701, 32756, 32760])
def test_positions_in_wgs84_are_those_of_proj(epsg: int) -> None:
    random = np.random.default_rng(epsg)
    if epsg == 4326:
        xs, ys = random.uniform(-180, 180, 200), random.uniform(-90, 90, 200)
    else:
        xs, ys = random.uniform(1e5, 9e5, 200), random.uniform(1e6, 9.3e6, 200)
    longitudes, latitudes = transform(f"EPSG:{epsg}", "EPSG:4326", xs, ys)
    found = np.array([wgs84(epsg, x, y) for x, y in zip(xs, ys, strict=True)])
    np.testing.assert_allclose(found[:, 1], latitudes, atol=1e-10)
    np.testing.assert_allclose((found[:, 0] - longitudes + 180) % 360 - 180, 0, atol=1e-10)


@pytest.mark.parametrize(
    ("epsg", "x", "y"), [(4326, 500.0, 40.0), (4326, 5.0, 400.0), (32629, 9e8, 1e6), (32629, 5e5, 2e7)]
)
def test_impossible_positions_are_none_in_wgs84(epsg: int, x: float, y: float) -> None:
    assert wgs84(epsg, x, y) is None


@pytest.mark.parametrize("epsg", [3857, 25832, 4258, 32600, 32661])
def test_other_maps_have_no_known_way_to_wgs84(epsg: int) -> None:
    assert wgs84(epsg, 500000.0, 5000000.0) is None


def test_findings_of_a_geotiff_are_on_the_map_and_its_cog_is_placed(owner: Person, workers: Workers) -> None:
    counts = COUNTS % 5 + 28315
    counts[20:28, 40:50] += 4000
    image = uploaded(
        owner,
        workers,
        plain_tiff(counts.astype(np.uint16), tags=(SCALE, TIED, keys())),
        name="a.tif",
        content_type="image/tiff",
        scale={"factor": 0.01, "offset": -273.15},
    )
    assert image["georeference"] == {
        "epsg": UTM_29, "geographic": False, "a": 0.05, "b": 0, "c": 500000, "d": 0, "e": -0.05, "f": 4649776
    }  # fmt: skip
    with MemoryFile(requests.get(image["links"]["cog"]["url"], timeout=100).content) as file, file.open() as cog:
        assert cog.crs.to_epsg() == UTM_29
        assert cog.transform == Affine(0.05, 0, 500000, 0, -0.05, 4649776)
    body = {"target": {"kind": "image", "id": image["id"]}, "plugins": [{"id": "thermal_hotspots"}]}
    scan_id = owner.post("/scans", body).get_json()["id"]
    workers.work()
    (finding,) = owner.get(f"/scans/{scan_id}/findings").get_json()["items"]
    place = finding["location"]["map"]
    assert (place["epsg"], place["x"], place["y"]) == (UTM_29, pytest.approx(500002.25), pytest.approx(4649774.8))
    report = owner.post("/reports", {"scan_id": scan_id, "format": "geojson"}).headers["Location"]
    workers.work()
    document = requests.get(owner.get(report).get_json()["link"]["url"], timeout=100).content
    (ring,) = json.loads(document)["features"][0]["geometry"]["coordinates"]
    xs, ys = transform("EPSG:4326", f"EPSG:{UTM_29}", *zip(*ring, strict=True))
    assert {(round(x, 1), round(y, 1)) for x, y in zip(xs, ys, strict=True)} == {
        (x, y) for x in (500002.0, 500002.5) for y in (4649774.6, 4649775.0)
    }
