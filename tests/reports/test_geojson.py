import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from argus.reports import as_geojson
from tests.reports.report_data import finding, plain_picture, report_data

CLOCKWISE = [[-21.4, 64.0], [-21.4, 64.1], [-21.3, 64.1], [-21.3, 64.0], [-21.4, 64.0]]


def read(body: bytes) -> dict[str, Any]:
    return json.loads(body.decode())


def located(geometry: object, number: int = 1) -> dict[str, Any]:
    known = finding(number, location={"polygon": [[0, 0], [4, 0], [4, 4]], "wgs84": geometry})
    return read(as_geojson.build(report_data(known)))


def signed_area(ring: list[list[float]]) -> float:
    return sum(a[0] * b[1] - b[0] * a[1] for a, b in pairwise(ring)) / 2


def test_a_finding_is_a_feature_with_its_pixels_in_the_properties() -> None:
    known = finding(4)

    (feature,) = read(as_geojson.build(report_data(known, picture=plain_picture())))["features"]

    assert feature["type"] == "Feature"
    assert feature["id"] == known.fingerprint
    assert feature["properties"]["number"] == 1
    assert feature["properties"]["severity"] == known.severity.value
    assert feature["properties"]["location"]["polygon"] == known.location["polygon"]
    assert feature["properties"]["evidence"] == known.evidence


def test_a_finding_without_wgs84_has_no_geometry_and_the_collection_no_bbox() -> None:
    collection = read(as_geojson.build(report_data(finding(1))))

    assert collection["features"][0]["geometry"] is None
    assert "bbox" not in collection


def test_rings_are_closed_and_outer_ones_run_counterclockwise() -> None:
    hole = [[-21.38, 64.02], [-21.36, 64.02], [-21.36, 64.04], [-21.38, 64.04]]

    outer, inner = located({"type": "Polygon", "coordinates": [CLOCKWISE[:-1], hole]})["features"][0]["geometry"][
        "coordinates"
    ]

    assert outer == CLOCKWISE[::-1]
    assert signed_area(outer) > 0 > signed_area(inner)
    assert inner[0] == inner[-1]


def test_coordinates_have_seven_decimals_at_most() -> None:
    geometry = located({"type": "Point", "coordinates": [-21.123456789, 64.000000049, 120.12345]})

    assert geometry["features"][0]["geometry"]["coordinates"] == [-21.1234568, 64.0, 120.123]


def test_the_bbox_contains_every_geometry() -> None:
    geometries = (
        {"type": "Point", "coordinates": [10, 50]},
        {"type": "LineString", "coordinates": [[11.5, 49], [12, 48.5]]},
        {"type": "MultiPolygon", "coordinates": [[[[9, 47], [9.5, 47], [9.5, 47.5]]]]},
    )
    findings = [finding(number, location={"wgs84": geometry}) for number, geometry in enumerate(geometries)]

    assert read(as_geojson.build(report_data(*findings)))["bbox"] == [9.0, 47.0, 12.0, 50.0]


@pytest.mark.parametrize(
    "geometry",
    (
        None,
        "POINT(1 2)",
        {"type": "Point"},
        {"type": "Point", "coordinates": [181, 0]},
        {"type": "Point", "coordinates": [float("nan"), 0]},
        {"type": "Point", "coordinates": ["east", "north"]},
        {"type": "Polygon", "coordinates": []},
        {"type": "Polygon", "coordinates": [[[0, 0], [1, 1]]]},
        {"type": "LineString", "coordinates": [[0, 0]]},
        {"type": "MultiPoint", "coordinates": []},
        {"type": "Circle", "coordinates": [0, 0]},
    ),
    ids=str,
)
def test_an_invalid_geometry_is_null(geometry: object) -> None:
    assert located(geometry)["features"][0]["geometry"] is None


json_values = st.recursive(
    st.none() | st.floats() | st.integers(-200, 200) | st.just(10**400) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["x", "y", "0"]), inner, max_size=2),
    max_leaves=12,
)
kinds = st.sampled_from(["Point", "LineString", "Polygon", "MultiPoint", "MultiLineString", "MultiPolygon", "Feature"])


@settings(max_examples=100, deadline=None)
@given(kinds, json_values, st.text(st.characters(codec=None)))
def test_no_location_or_text_breaks_the_collection(kind: str, coordinates: object, text: str) -> None:
    location = {"wgs84": {"type": kind, "coordinates": coordinates}, "polygon": coordinates, text: text}

    body = as_geojson.build(report_data(finding(1, title=text, location=location)))

    assert len(read(body)["features"]) == 1


longitudes, latitudes = st.floats(-179, 179), st.floats(-85, 85)


@settings(max_examples=100, deadline=None)
@given(longitudes, latitudes, st.floats(1e-4, 1), st.booleans(), st.integers(0, 3))
def test_a_ring_in_any_direction_becomes_counterclockwise(
    west: float, south: float, size: float, backwards: bool, start: int
) -> None:
    corners = [[west, south], [west + size, south], [west + size, south + size], [west, south + size]]
    ring = corners[start:] + corners[:start]

    features = located({"type": "Polygon", "coordinates": [ring[::-1] if backwards else ring]})["features"]

    (written,) = features[0]["geometry"]["coordinates"]
    middle_x, middle_y = west + size / 2, south + size / 2
    assert signed_area([[x - middle_x, y - middle_y] for x, y in written]) > 0
