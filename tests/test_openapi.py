"""The OpenAPI document is consistent, and live responses match it and its examples."""

import json
import re
from collections.abc import Collection, Iterable, Iterator
from http import HTTPStatus
from itertools import chain
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from jsonschema import Draft202012Validator, FormatChecker
from marshmallow import Schema
from referencing import Registry, Resource
from werkzeug.test import TestResponse

from argus.app import create_app
from argus.container import Container
from argus.core import text
from argus.core.settings import Settings
from argus.identity import key_text
from argus.imagery.pictures import palette_colours
from services.api import openapi
from services.local.demo.scenes import flir_scene
from tests.conftest import Person, Workers
from tests.imagery.uploads import send
from tests.resources import Resources, calls

Json = Any
Operation = dict[str, Any]

SRC = Path(__file__).parents[1] / "src" / "argus"
APP = create_app(Container(Settings.from_env({})))
DOCUMENT = openapi.document()
URI = "urn:openapi"
REGISTRY: Registry = Registry().with_resource(
    URI, Resource.from_contents({"$schema": "https://json-schema.org/draft/2020-12/schema", **DOCUMENT})
)


def _operations() -> Iterator[tuple[str, Operation]]:
    for path, operations in DOCUMENT["paths"].items():
        shared = operations.get("parameters", [])
        for method, operation in operations.items():
            if method != "parameters":
                yield (
                    f"{method.upper()} {path}",
                    {**operation, "parameters": [*shared, *operation.get("parameters", [])]},
                )


ID = re.compile(r"[a-z]+_[0-9a-hjkmnp-tv-z]{26}")
OPERATIONS = dict(_operations())
EACH = pytest.mark.parametrize("name", OPERATIONS)


def _resolved(thing: Json) -> Json:
    while "$ref" in thing:
        found: Json = DOCUMENT
        for part in thing["$ref"].removeprefix("#/").split("/"):
            found = found[part]
        thing = found
    return thing


def _check(value: Json, schema: Json) -> None:
    """Raise unless a schema of the document accepts the value."""
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **_absolute(schema)}
    Draft202012Validator(schema, registry=REGISTRY, format_checker=FormatChecker()).validate(value)


def _absolute(schema: Json) -> Json:
    if isinstance(schema, dict):
        return {key: f"{URI}{value}" if key == "$ref" else _absolute(value) for key, value in schema.items()}
    return [_absolute(part) for part in schema] if isinstance(schema, list) else schema


def _bodies(operation: Operation) -> Iterator[tuple[str, Json]]:
    """Every media type with a schema: of the request, and of each response."""
    if "requestBody" in operation:
        yield from (("request", media) for media in operation["requestBody"]["content"].values())
    for status, response in operation["responses"].items():
        yield from ((status, media) for media in _resolved(response).get("content", {}).values())


# ---------------------------------------------------------------- descriptions


def _says_nothing(description: str | None, name: str) -> bool:
    words = re.sub(r"[^a-z]+", " ", (description or "").lower()).split()
    return not [word for word in words if word not in {"a", "an", "the", *name.lower().split("_")}]


def _parts(schema: Json, where: str) -> Iterator[tuple[str, str, Json]]:
    """The place, the name and the schema of every property, at any depth."""
    for name, part in schema.get("properties", {}).items():
        yield f"{where}.{name}", name, part
        yield from _parts(part, f"{where}.{name}")
    for key in ("items", "additionalProperties"):
        if isinstance(schema.get(key), dict):
            yield from _parts(schema[key], f"{where}.{key}")
    for key in ("oneOf", "anyOf", "allOf"):
        for part in schema.get(key, []):
            yield from _parts(part, f"{where}.{key}")


@EACH
def test_an_operation_and_its_parameters_are_described(name: str) -> None:
    operation = OPERATIONS[name]
    assert re.fullmatch(r"[A-Z][^.]+", operation["summary"]), "a short sentence without a full stop"
    assert re.search(r"[.`]$", operation["description"]), "sentences"
    assert not [
        each["name"] for each in operation["parameters"] if _says_nothing(each.get("description"), each["name"])
    ]
    for status, response in operation["responses"].items():
        described = _resolved(response)
        assert described["description"], status
        assert status == "204" or described["description"] != HTTPStatus(int(status)).phrase, status
        headers = described.get("headers", {})
        assert not [each for each, header in headers.items() if not _resolved(header).get("description")]


def test_every_schema_and_every_property_is_described() -> None:
    schemas = DOCUMENT["components"]["schemas"]
    bodies = {name: media["schema"] for name in OPERATIONS for _, media in _bodies(OPERATIONS[name])}
    parts = [part for name, schema in {**schemas, **bodies}.items() for part in _parts(schema, name)]
    assert len(parts) > 250
    assert [name for name, schema in schemas.items() if not schema.get("description", "").endswith((".", "`"))] == []
    assert [where for where, name, part in parts if _says_nothing(part.get("description"), name)] == []


def test_every_tag_and_way_to_authenticate_is_described() -> None:
    described = [*DOCUMENT["tags"], *DOCUMENT["components"]["securitySchemes"].values()]
    assert all(each["description"].endswith(".") for each in described)


def test_tags_follow_the_work() -> None:
    names = ["sign-in", "images", "plugins", "scans", "findings", "reports", "api-keys", "health"]
    tags = [tag["name"] for tag in DOCUMENT["tags"]]
    used = [operation["tags"] for operation in OPERATIONS.values()]
    assert [tag for tag in tags if tag in names] == names
    assert list(dict.fromkeys(chain.from_iterable(used))) == tags


def test_every_schema_is_used() -> None:
    used = set(re.findall(r"#/components/schemas/(\w+)", json.dumps(DOCUMENT)))
    assert set(DOCUMENT["components"]["schemas"]) == used


# ---------------------------------------------------------------- consistency


@EACH
def test_every_body_has_an_example_that_its_schema_accepts(name: str) -> None:
    for where, media in _bodies(OPERATIONS[name]):
        if media["schema"].get("format") == "binary":
            continue  # a file
        assert "example" in media, f"{name} {where}"
        _check(media["example"], media["schema"])


@EACH
def test_examples_of_parameters_and_headers_are_valid(name: str) -> None:
    operation = OPERATIONS[name]
    headers = [
        header for response in operation["responses"].values() for header in _resolved(response)["headers"].values()
    ]
    for described in map(_resolved, [*operation["parameters"], *headers]):
        if "example" in described or described.get("in") == "path":
            _check(described["example"], described["schema"])
        if "example" in described["schema"]:
            _check(described["schema"]["example"], described["schema"])


@EACH
def test_every_operation_documents_its_errors(name: str) -> None:
    operation = OPERATIONS[name]
    statuses = set(operation["responses"])
    assert "default" not in statuses
    assert operation["operationId"]
    if operation["security"]:
        assert statuses >= {"400", "401", "403", "429", "503"}
    if "requestBody" in operation:
        assert statuses >= {"413", "415", "422"}
    if "{" in name:
        assert "404" in statuses
    for status in statuses:
        response = _resolved(operation["responses"][status])
        assert "X-Request-ID" in response["headers"]
        if status.startswith(("4", "5")):
            assert list(response["content"]) == ["application/problem+json"]


@EACH
def test_a_request_loads_its_examples(name: str) -> None:
    operation = OPERATIONS[name]
    examples = {each["name"]: each["example"] for each in operation["parameters"] if "example" in each}
    schemas = list(_request_schemas(operation["operationId"]))
    queries = [each for each in operation["parameters"] if each["in"] == "query"]
    assert {part for part, _ in schemas} == {*["json"] * ("requestBody" in operation), *["query"] * bool(queries)}
    for part, schema in schemas:
        if part == "json":
            schema.load(operation["requestBody"]["content"]["application/json"]["example"])
        else:
            given = {key: value for key, value in examples.items() if key in schema.fields}
            schema.load(
                {key: ",".join(value) if isinstance(value, list) else str(value) for key, value in given.items()}
            )


def _request_schemas(operation_id: str) -> Iterator[tuple[str, Schema]]:
    """The schemas that a view loads, each with its part of the request: `json` or `query`."""
    (view,) = (view for view in APP.view_functions.values() if view.__name__ == operation_id)
    for described in vars(view)["_apidoc"].get("arguments", {}).get("parameters", []):
        yield described["in"], described["schema"]()


def _values(example: Json) -> set[str]:
    """The texts in an example, without those of fields like `created_by`, which may refer to anyone."""
    match example:
        case dict():
            return set().union(*(_values(part) for name, part in example.items() if not name.endswith("_by")))
        case list():
            return set().union(*map(_values, example))
    return {str(example)}


def _values_of_bodies(operations: Iterable[Operation], *, requests: bool) -> set[str]:
    return set().union(
        *(
            _values(media["example"])
            for operation in operations
            for where, media in _bodies(operation)
            if "example" in media and (where == "request") == requests
        )
    )


def wrong_ids(operations: Collection[Operation]) -> dict[str, str]:
    """Ids that refer to nothing, with the operation that has them: an id in a path is in a body of its capability, and
    an id in a request is in a response."""
    responses = _values_of_bodies(operations, requests=False)
    wrong = {}
    for operation in operations:
        siblings = [each for each in operations if each["tags"] == operation["tags"]]
        known = _values_of_bodies(siblings, requests=True) | _values_of_bodies(siblings, requests=False)
        in_path = {each["example"] for each in operation["parameters"] if each["in"] == "path"}
        in_request = {value for value in _values_of_bodies([operation], requests=True) if ID.fullmatch(value)}
        wrong |= dict.fromkeys(in_path - known | in_request - responses, operation["operationId"])
    return wrong


def test_ids_in_examples_refer_to_resources_in_examples() -> None:
    assert wrong_ids(OPERATIONS.values()) == {}


@pytest.mark.parametrize(
    ("path_id", "requested", "shown", "wrong"),
    [
        ("box_1", "box_1", {"id": "box_1"}, set()),
        ("box_1", "box_1", {"items": [{"id": "box_1"}, {"id": "box_2"}], "created_by": "box_3"}, set()),
        ("box_2", "box_1", {"id": "box_1"}, {"box_2"}),
        ("box_1", "box_2", {"id": "box_1"}, {"box_2"}),
        ("box_1", "box_1", {"id": "box_2", "created_by": "box_1"}, {"box_1"}),
    ],
    ids=["equal", "a second one", "in a path", "in a request", "only in created_by"],
)
def test_an_id_that_refers_to_nothing_is_found(path_id: str, requested: str, shown: Json, wrong: set[str]) -> None:
    def full(example: Json) -> Json:
        return json.loads(re.sub(r"box_(\d)", lambda found: f"box_{found[1] * 26}", json.dumps(example)))

    operation = {
        "operationId": "open_box",
        "tags": ["box"],
        "parameters": [{"in": "path", "example": full(path_id)}],
        "requestBody": {"content": {"json": {"example": full({"box_id": requested})}}},
        "responses": {"200": {"content": {"json": {"example": full(shown)}}}},
    }

    assert wrong_ids([operation]).keys() == set(map(full, wrong))


class Entries(dict[str, Json]):
    """The entries of an `examples.json`, and which of them the document contains."""

    def __init__(self, entries: Json) -> None:
        super().__init__(entries)
        self.used: set[str] = set()

    def __getitem__(self, name: str) -> Json:
        self.used.add(name)
        return super().__getitem__(name)


@pytest.fixture
def files(monkeypatch: pytest.MonkeyPatch) -> dict[Path, Entries]:
    """Every `examples.json`, which a document generated by the test uses."""
    files = {path: Entries(json.loads(path.read_text())) for path in SRC.glob("*/examples.json")}
    monkeypatch.setattr("argus.core.openapi.examples_in", lambda folder: files[Path(folder, "examples.json")])
    return files


def test_every_example_is_used(files: dict[Path, Entries]) -> None:
    openapi.document()
    unused = [
        f"{path.parent.name}: {name}" for path, entries in files.items() for name in entries.keys() - entries.used
    ]
    assert unused == []


@pytest.mark.parametrize(
    ("entry", "problem"),
    [
        ("ScanIn", "ScanIn, a schema of request_scan, has no example"),
        ("FindingOut", "FindingOut, a schema of list_scan_findings, has no example"),
        ("scan_id", "scan_id, a parameter of get_scan, has no example"),
    ],
)
def test_a_missing_example_is_an_error(files: dict[Path, Entries], entry: str, problem: str) -> None:
    del files[SRC / "scanning" / "examples.json"][entry]
    with pytest.raises(LookupError, match=problem):
        openapi.document()


def test_the_example_of_a_plugin_is_the_plugin() -> None:
    operation = OPERATIONS["GET /api/v1/plugins/{plugin_id}"]
    (plugin_id,) = (each["example"] for each in operation["parameters"] if each["name"] == "plugin_id")
    wire = Container(Settings.from_env({})).catalogue.get(plugin_id).as_wire()

    assert operation["responses"]["200"]["content"]["application/json"]["example"] == json.loads(json.dumps(wire))


def test_the_example_of_a_palette_is_the_palette() -> None:
    content = OPERATIONS["GET /api/v1/palettes"]["responses"]["200"]["content"]
    (example,) = content["application/json"]["example"]["items"]

    assert example == palette_colours()[0]


def test_the_example_of_an_api_key_has_its_ids_and_an_invalid_checksum() -> None:
    """Secret scanners and readers see that it is no key. docs/decisions/api-keys.md"""
    created = OPERATIONS["POST /api/v1/api-keys"]["responses"]["201"]["content"]["application/json"]["example"]
    organisation = OPERATIONS["GET /api/v1/me"]["responses"]["200"]["content"]["application/json"]["example"]

    assert re.fullmatch(key_text.PATTERN, created["key"])
    assert key_text.parse(created["key"]) is None
    organisation_id = organisation["organisation"]["id"].removeprefix("org_")
    assert created["key"].startswith(f"{key_text.start(created['id'])}{organisation_id}")
    assert created["start"] == key_text.start(created["id"])


def test_the_example_of_a_missing_scope_is_one_that_writes() -> None:
    forbidden = DOCUMENT["components"]["responses"]["FORBIDDEN"]["content"]["application/problem+json"]["example"]

    assert ":write" in forbidden["detail"]


def test_operation_ids_are_unique() -> None:
    names = [operation["operationId"] for operation in OPERATIONS.values()]
    assert len(set(names)) == len(names)


def test_the_document_has_a_licence_a_description_and_servers() -> None:
    assert DOCUMENT["info"]["license"]["identifier"] == "Apache-2.0"
    assert "Idempotency-Key" in DOCUMENT["info"]["description"]
    assert DOCUMENT["servers"]


def test_values_from_short_lists_are_enumerated() -> None:
    silent = [
        f"{name}.{field}"
        for name, schema in DOCUMENT["components"]["schemas"].items()
        for field, about in schema.get("properties", {}).items()
        if field in {"state", "status", "severity", "role", "format", "kind", "outcome"}
        and "enum" not in about
        and not (name.endswith("Problem") and field == "status")
    ]
    assert not silent


# Texts of requests that are looked up, or compared with the names of plugins and kinds of target.
LOOKED_UP = {"TargetIn.id", "TargetIn.value", "PluginSelectionIn.id", "ReportIn.scan_id"}


def _texts(schema: Json, name: str) -> Iterator[tuple[str, Json]]:
    """The texts of a request body, at any depth, except those from a list of values."""
    name = schema.get("$ref", name).rpartition("/")[2]
    schema = _resolved(schema)
    if schema.get("type") == "string" and "enum" not in schema:
        yield name, schema
    for field, about in schema.get("properties", {}).items():
        yield from _texts(about, f"{name}.{field}")
    for part in [*schema.get("anyOf", []), *([schema["items"]] if "items" in schema else [])]:
        yield from _texts(part, name)


def test_every_text_of_a_request_is_looked_up_or_has_a_pattern() -> None:
    bodies = (media["schema"] for each in OPERATIONS.values() for where, media in _bodies(each) if where == "request")
    texts = dict(chain.from_iterable(_texts(schema, "") for schema in bodies))

    assert {name for name, schema in texts.items() if "pattern" not in schema} == LOOKED_UP
    names = {name for name, schema in texts.items() if schema.get("pattern") in (text.NAME, text.NAME_OR_EMPTY)}
    survey = {
        f"{schema}.{field}" for schema in ("FileIn", "UploadsIn") for field in ("site", "sector", "period", "pad")
    }
    assert names == {"ApiKeyIn.name", "FileIn.name"} | survey


def test_times_and_urls_have_formats() -> None:
    for name, schema in DOCUMENT["components"]["schemas"].items():
        for field, about in schema.get("properties", {}).items():
            if field.endswith("_at"):
                assert about["format"] == "date-time", f"{name}.{field}"
            if field == "url":
                assert about["format"] == "uri", f"{name}.{field}"


# ---------------------------------------------------------------- live responses


_OF_PLUGINS = {"options", "rules", "location", "evidence"}  # defined by each version of each plugin


def _shape(value: Json) -> Json:
    """The keys and types of a value; of a list, and of links by palette, those of the first element."""
    match value:
        case {"iron": link}:
            return {"iron": _shape(link)}
        case dict():
            return {key: "its own" if key in _OF_PLUGINS else _shape(part) for key, part in sorted(value.items())}
        case list():
            return [_shape(value[0])] if value else []
        case bool() | None:
            return type(value).__name__
        case int() | float():
            return "number"
    return type(value).__name__


class Journey:
    """Calls the API and compares every response with the document."""

    def __init__(self, person: Person) -> None:
        self.person = person
        self.made: set[str] = set()

    def call(self, name: str, body: Json = None, query: str = "", shape: bool = True, **ids: str) -> TestResponse:
        method, _, path = name.partition(" ")
        where = re.sub(r"{(\w+)}", lambda found: ids[found[1]], path)
        address = where if where.startswith("/api") else f"http://localhost{where}"
        sent = {} if body is None else {"json": body}
        response = self.person.http.open(f"{address}{query}", method=method, headers=self.person.headers, **sent)
        self.compare(name, response, shape=shape)
        return response

    def compare(self, name: str, response: TestResponse, *, shape: bool) -> None:
        documented = _resolved(OPERATIONS[name]["responses"][str(response.status_code)])
        for header, about in documented["headers"].items():
            if header in response.headers:
                _check(response.headers[header], {**_resolved(about)["schema"], "type": "string"})
            else:
                assert not _resolved(about).get("required"), f"{name}: {header}"
        if "content" not in documented:
            assert not response.data
        else:
            media = documented["content"][response.content_type]
            _check(response.get_json(), media["schema"])
            if shape:
                assert _shape(response.get_json()) == _shape(media["example"]), response.text
        self.made.add(name)


def test_live_responses_have_the_shape_of_the_examples(owner: Person, workers: Workers) -> None:
    journey = Journey(owner)
    call = journey.call
    data, _ = flir_scene(seed=1, width=160, height=120, leaks=2)
    call("GET /health")
    call("GET /ready")
    call("GET /api/v1/me")
    call("GET /api/v1/sign-in")
    example = OPERATIONS["POST /api/v1/api-keys"]["requestBody"]["content"]["application/json"]["example"]
    key = call("POST /api/v1/api-keys", example).get_json()["id"]
    call("GET /api/v1/api-keys")
    call("GET /api/v1/api-keys/{key_id}", key_id=key)
    call("DELETE /api/v1/api-keys/{key_id}", key_id=key)
    call("GET /api/v1/plugins")
    call("GET /api/v1/plugins/{plugin_id}", plugin_id="thermal_hotspots")

    example = OPERATIONS["POST /api/v1/uploads"]["requestBody"]["content"]["application/json"]["example"]
    (file,) = example["files"]
    body = {**example, "files": [{**file, "size": len(data)}]}
    (item,) = call("POST /api/v1/uploads", body).get_json()["items"]
    send(item, data)
    workers.work()
    image = item["image_id"]
    call("GET /api/v1/images", query="?state=ready")
    call("GET /api/v1/images/{image_id}", image_id=image)
    call("GET /api/v1/images/{image_id}/temperature", query="?x=51&y=70", image_id=image)
    picture = owner.get(f"/images/{image}").get_json()["links"]["previews"]["medical"]["url"]
    call("GET /api/v1/pictures", query=f"?{urlsplit(picture).query}")

    example = OPERATIONS["POST /api/v1/scans"]["requestBody"]["content"]["application/json"]["example"]
    body = {**example, "target": {"kind": "image", "id": image}}
    queued = call("POST /api/v1/scans", body).get_json()["id"]
    call("POST /api/v1/scans/{scan_id}/cancel", {}, scan_id=queued)
    scan = call("POST /api/v1/scans", body).get_json()["id"]
    workers.work()
    call("GET /api/v1/scans")
    call("GET /api/v1/scans/{scan_id}", scan_id=scan)
    call("GET /api/v1/scans/{scan_id}/findings", scan_id=scan)
    call("GET /api/v1/findings", query=f"?target=image:{image}&severity=critical,high&sort=-first_seen_at")
    call("GET /api/v1/findings/counts", query=f"?target=image:{image}")

    report = call("POST /api/v1/reports", {"scan_id": scan, "format": "pdf"}).get_json()["id"]
    workers.work()
    call("GET /api/v1/reports")
    call("GET /api/v1/reports/{report_id}", report_id=report)
    call("DELETE /api/v1/images/{image_id}", image_id=image)
    for one in calls(owner.http.application, Resources(owner, workers)):
        template = re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", str(one.rule))
        if f"{one.method} {template}" not in journey.made:
            journey.compare(f"{one.method} {template}", one.by(owner), shape=True)
    assert journey.made == set(OPERATIONS), "an operation without a live response"


@pytest.mark.parametrize(
    ("name", "query", "body", "status"),
    [
        ("GET /api/v1/images/{image_id}", "", None, 404),
        ("DELETE /api/v1/images/{image_id}", "", None, 404),
        ("GET /api/v1/pictures", "?token=altered", None, 403),
        ("GET /api/v1/pictures", "", None, 422),
        ("GET /api/v1/scans", "?limit=0", None, 422),
        ("GET /api/v1/findings", "?target=nothing", None, 422),
        ("GET /api/v1/findings/counts", "?rule=nothing", None, 422),
        ("POST /api/v1/uploads", "", {"files": []}, 422),
        ("POST /api/v1/reports", "", {"scan_id": "scan_0", "format": "pdf"}, 404),
        ("POST /api/v1/scans/{scan_id}/cancel", "", {"surplus": 1}, 422),
        ("POST /api/v1/api-keys", "", {"name": "n", "scopes": ["keys:write"]}, 422),
        ("GET /api/v1/api-keys/{key_id}", "", None, 404),
        ("DELETE /api/v1/api-keys/{key_id}", "", None, 404),
    ],
)
def test_live_errors_are_as_documented(owner: Person, name: str, query: str, body: Json, status: int) -> None:
    response = Journey(owner).call(
        name, body, query=query, shape=False, image_id="img_0", scan_id="scan_0", key_id="key_0"
    )
    assert response.status_code == status


def test_a_request_without_a_token_gets_the_documented_error(anonymous: Person) -> None:
    assert Journey(anonymous).call("GET /api/v1/me", shape=False).status_code == 401
