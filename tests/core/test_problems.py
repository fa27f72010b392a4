"""Where in the request an error is: JSON Pointers into the body, and names of query parameters."""

from typing import Any

import pytest

from argus.core.errors import FieldError, Invalid, located
from services.local.demo.scenes import flir_scene
from tests.conftest import Person, Workers
from tests.core.conftest import FILE
from tests.imagery.uploads import uploaded
from tests.problems import at_parameters, at_pointers

IMAGE = {"kind": "image", "id": "img_00000000000000000000000000"}
HOTSPOTS = {"id": "thermal_hotspots"}
KEY = {"name": "n", "scopes": ["plugins:read"]}


@pytest.mark.parametrize(
    ("path", "body", "pointers"),
    [
        ("/uploads", {}, {"#/files"}),
        ("/uploads", {"files": 1}, {"#/files"}),
        ("/uploads", {"files": [FILE, {**FILE, "size": 0}, 7]}, {"#/files/1/size", "#/files/2"}),
        ("/uploads", {"files": [{**FILE, "scale": {"factor": 0}}]}, {"#/files/0/scale/factor"}),
        ("/uploads", {"files": [FILE], "a/b": 1, "c~d": 1, 'é %"': 1}, {"#/a~1b", "#/c~0d", "#/%C3%A9%20%25%22"}),
        ("/uploads", [], {"#"}),
        ("/scans", {"target": {"kind": "image"}, "plugins": [HOTSPOTS]}, {"#/target"}),
        ("/scans", {"target": {"kind": "image", "value": "x"}, "plugins": [HOTSPOTS]}, {"#/target/value"}),
        ("/scans", {"target": {**IMAGE, "kind": "moon"}, "plugins": [HOTSPOTS]}, {"#/target/kind"}),
        ("/scans", {"target": IMAGE, "plugins": [HOTSPOTS]}, {"#/target/id"}),
        ("/reports", {"scan_id": "scan_0", "format": "pdf"}, {"#/scan_id"}),
        ("/reports", {"scan_id": "scan_0", "format": "doc"}, {"#/format"}),
        ("/api-keys", {**KEY, "tier": "endless"}, {"#/tier"}),
        ("/api-keys", {**KEY, "scopes": []}, {"#/scopes"}),
        ("/api-keys", {**KEY, "scopes": ["plugins:read", "moon:read"]}, {"#/scopes/1"}),
    ],
)
def test_an_error_of_the_body_has_a_pointer(owner: Person, path: str, body: Any, pointers: set[str]) -> None:
    response = owner.post(path, body)
    assert response.status_code in (404, 422)
    assert set(at_pointers(response)) == pointers
    assert all(at_pointers(response).values())


def test_an_error_of_one_plugin_names_its_position(owner: Person, workers: Workers) -> None:
    target = {"kind": "image", "id": uploaded(owner, workers, flir_scene(seed=9, width=160, height=120)[0])["id"]}
    unknown = owner.post("/scans", {"target": target, "plugins": [HOTSPOTS, {"id": "moon"}]})
    assert (unknown.status_code, at_pointers(unknown)) == (404, {"#/plugins/1/id": unknown.get_json()["detail"]})
    twice = owner.post("/scans", {"target": target, "plugins": [HOTSPOTS, HOTSPOTS]})
    assert (twice.status_code, set(at_pointers(twice))) == (422, {"#/plugins/1"})


@pytest.mark.parametrize(
    ("path", "parameters"),
    [
        ("/images?limit=0&colour=red", {"limit", "colour"}),
        ("/images?state=ready,deleting", {"state"}),
        ("/findings?severity=grave&plugin=A", {"severity", "plugin"}),
        ("/findings?target=image:img_0", {"target"}),
        ("/images?cursor=abc", {"cursor"}),
        ("/pictures", {"token"}),
    ],
)
def test_an_error_of_the_query_names_its_parameter(owner: Person, path: str, parameters: set[str]) -> None:
    response = owner.get(path)
    assert response.status_code == 422
    assert set(at_parameters(response)) == parameters


def test_an_error_without_a_place_has_no_list(owner: Person) -> None:
    assert "errors" not in owner.get("/nothing").get_json()
    assert "errors" not in owner.get("/images/img_0").get_json()


def test_places_are_nested() -> None:
    with pytest.raises(Invalid) as raised, located("a"), located(0, "b"):
        raise Invalid(errors=(FieldError(("c",), sentence="c."), FieldError(("d", 1))))
    assert raised.value.errors == (FieldError(("a", 0, "b", "c"), sentence="c."), FieldError(("a", 0, "b", "d", 1)))
