"""Examples of operations that no capability has yet."""

from pathlib import Path
from typing import Any

import pytest

from argus.core.openapi import examples_in, with_shared_parts

Json = dict[str, Any]
EXAMPLES = {
    "box_id": "box_1",
    "PartOut": {"id": "part_1", "order": {"ids": ["ord_1"]}},
    "BoxOut": {"id": "box_1"},
    "Plain": {"name": "no id"},
}
SCHEMAS = {name: {"properties": {}} for name in ("PartOut", "BoxOut", "Plain", "Free")}
POST = "/boxes/{box_id}/parts"
JSON = "application/json"


def named(name: str) -> Json:
    return {"schema": {"$ref": f"#/components/schemas/{name}"}}


def document(post: Json, examples: Json | None = None) -> Json:
    """A document with the response of a POST."""
    ids = [{"in": "path", "name": "box_id", "required": True, "schema": {"type": "string"}}]
    get = {"operationId": "get_order", "responses": {"200": {"content": {JSON: named("BoxOut")}}}, "parameters": []}
    operations = {
        POST: {"post": {"operationId": "request_part", "responses": {"202": post}, "parameters": ids}},
        "/orders/{order_id}": {
            "get": {**get, "parameters": [{"in": "path", "name": "order_id", "schema": {"type": "string"}}]}
        },
        "/boxes/{box_id}": {"get": {**get, "operationId": "get_box", "parameters": ids}},
    }
    for each in operations.values():
        for operation in each.values():
            operation |= {"tags": ["box"], "security": []}
    entries = {**EXAMPLES, "order_id": "ord_7"} if examples is None else examples
    return with_shared_parts({"paths": operations, "components": {"schemas": SCHEMAS}}, {"box": entries})


def location(response: Json) -> str:
    headers = document(response)["paths"][POST]["post"]["responses"]["202"]["headers"]
    return str(headers["Location"]["example"])


@pytest.mark.parametrize(
    ("links", "expected"),
    [
        ({}, "/boxes/box_1/parts/part_1"),
        ({"cancel": {"operationId": "cancel_order", "parameters": {}}}, "/boxes/box_1/parts/part_1"),
        (
            {"get_order": {"operationId": "get_order", "parameters": {"order_id": "$response.body#/order/ids/0"}}},
            "/orders/ord_1",
        ),
        ({"get_box": {"operationId": "get_box", "parameters": {"box_id": "$request.path.box_id"}}}, "/boxes/box_1"),
    ],
    ids=["no link", "no get", "body", "path"],
)
def test_location_is_the_path_of_the_resource_that_the_response_links_to(links: Json, expected: str) -> None:
    assert location({"content": {JSON: named("PartOut")}, "links": links}) == expected


@pytest.mark.parametrize(
    ("response", "problem"),
    [
        ({"content": {JSON: named("Plain")}}, "Location, a header of request_part, has no example"),
        ({"content": {}}, "Location, a header of request_part, has no example"),
        ({}, "Location, a header of request_part, has no example"),
        (
            {"content": {JSON: named("PartOut")}, "links": {"get_order": {"operationId": "get_order",
             "parameters": {"order_id": "$response.body#/order/nothing"}}}},
            "Location, a header of request_part, has no example",
        ),
        ({"content": {JSON: {"schema": {"type": "object"}}}}, "application/json, a body of request_part, has no ex"),
        ({"content": {JSON: named("Free")}}, "Free, a schema of request_part, has no example"),
    ],
)  # fmt: skip
def test_what_has_no_example_is_named(response: Json, problem: str) -> None:
    with pytest.raises(LookupError, match=problem):
        location(response)


def test_a_capability_without_examples_lacks_the_first(tmp_path: Path) -> None:
    with pytest.raises(LookupError, match="box_id, a parameter of request_part, has no example"):
        document({"content": {JSON: named("PartOut")}}, examples_in(str(tmp_path)))


def test_a_file_has_no_example() -> None:
    binary: Json = {"schema": {"type": "string", "format": "binary"}}
    links = {"get_box": {"operationId": "get_box", "parameters": {"box_id": "$request.path.box_id"}}}
    written = document({"content": {"application/pdf": binary}, "links": links})

    (media,) = written["paths"][POST]["post"]["responses"]["202"]["content"].values()
    assert "example" not in media


def test_a_parameter_that_operations_share_can_have_an_example_of_one() -> None:
    shared = {"in": "path", "name": "box_id", "required": True, "schema": {"type": "string"}}
    operations = {
        "parameters": [shared],
        **{
            method: {
                "operationId": f"{method}_box",
                "responses": {"200": {"content": {JSON: named("BoxOut")}}},
                "tags": ["box"],
                "security": [],
            }
            for method in ("get", "patch")
        },
    }
    written = with_shared_parts(
        {"paths": {"/boxes/{box_id}": operations}, "components": {"schemas": SCHEMAS}},
        {"box": {**EXAMPLES, "box_id.patch_box": "box_2"}},
    )

    described = written["paths"]["/boxes/{box_id}"]
    assert described["parameters"] == [{**shared, "example": "box_1"}]
    assert described["patch"]["parameters"] == [{**shared, "example": "box_2"}]
    assert "parameters" not in described["get"]
