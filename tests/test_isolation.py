"""No one gets in where they do not belong: every route as no one, as another tenant and with a weaker role."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from werkzeug.routing import Rule

from argus.container import Container
from argus.identity.model import KEY_SCOPES, SCOPES, Role
from tests.conftest import Person, Workers
from tests.imagery.front_door import uploaded
from tests.scenes import flir_scene

API_KEY = {"name": "for tests", "scopes": ["images:read"]}
FILE = {"name": "a.jpg", "size": 10, "content_type": "image/jpeg"}


@pytest.fixture
def things(owner: Person, workers: Workers) -> dict[str, str]:
    """Something of the owner's behind every id that a route takes."""
    data, _ = flir_scene(seed=3, width=80, height=60, leaks=1)
    image_id = uploaded(owner, workers, data)["id"]
    body = {"target": {"kind": "image", "id": image_id}, "plugins": [{"id": "thermal_hotspots"}]}
    scan_id = owner.post("/scans", body).get_json()["id"]
    workers.work()
    report_id = owner.post("/reports", {"scan_id": scan_id, "format": "json"}).get_json()["id"]
    workers.work()
    key_id = owner.post("/api-keys", API_KEY).get_json()["id"]
    return {
        "image_id": image_id,
        "scan_id": scan_id,
        "report_id": report_id,
        "plugin_id": "thermal_hotspots",
        "key_id": key_id,
    }


def _bodies(things: dict[str, str]) -> dict[str, Any]:
    return {
        "imagery.request_uploads": {"files": [FILE]},
        "scanning.request_scan": {
            "target": {"kind": "image", "id": things["image_id"]},
            "plugins": [{"id": "thermal_hotspots"}],
        },
        "scanning.cancel_scan": None,
        "reports.request_report": {"scan_id": things["scan_id"], "format": "csv"},
        "keys.create_api_key": API_KEY,
    }


def _calls(app: Flask, things: dict[str, str]) -> list[tuple[str, Rule, str, Any]]:
    """(method, rule, address with the owner's ids, body) of every operation that is not public."""
    bodies = _bodies(things)
    calls = []
    for rule in app.url_map.iter_rules():
        if vars(app.view_functions[rule.endpoint])["argus_scope"] is None:
            continue
        address = re.sub(r"<(?:\w+:)?(\w+)>", lambda found: things[found[1]], str(rule))
        if rule.endpoint == "imagery.get_temperature":
            address += "?x=0&y=0"
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            assert method != "POST" or rule.endpoint in bodies, f"{rule.endpoint} has no body here"
            calls.append((method, rule, address, bodies.get(rule.endpoint)))
    return sorted(calls, key=lambda call: call[0] == "DELETE")  # last, or the rest would prove nothing


@pytest.fixture
def calls(owner: Person, things: dict[str, str]) -> list[tuple[str, Rule, str, Any]]:
    return _calls(owner.http.application, things)


def _ask(person: Person, method: str, address: str, body: Any) -> Any:
    return person.call(method, address, json=body) if body is not None else person.call(method, address)


def test_no_one_gets_in_without_a_token(nobody: Person, calls: list[tuple[str, Rule, str, Any]]) -> None:
    for method, _rule, address, body in calls:
        answer = _ask(nobody, method, address, body)
        assert (answer.status_code, answer.get_json()["code"]) == (401, "unauthenticated"), f"{method} {address}"


def test_another_tenant_finds_nothing_of_ours(
    stranger: Person, owner: Person, things: dict[str, str], calls: list[tuple[str, Rule, str, Any]]
) -> None:
    ours = {value for name, value in things.items() if name != "plugin_id"} | {owner.organisation_id}
    for method, rule, address, body in calls:
        answer = _ask(stranger, method, address, body)
        names_ours = any(thing in f"{address}{body}" for thing in ours)
        assert answer.status_code == 404 if names_ours else answer.status_code < 300, f"{method} {address}"
        if not names_ours:
            assert not [thing for thing in ours if thing in answer.get_data(as_text=True)], rule.endpoint
    assert owner.get(f"/images/{things['image_id']}").status_code == 200


def test_a_viewer_looks_and_changes_nothing(viewer: Person, calls: list[tuple[str, Rule, str, Any]]) -> None:
    for method, rule, address, body in calls:
        scope = vars(viewer.http.application.view_functions[rule.endpoint])["argus_scope"]
        answer = _ask(viewer, method, address, body)
        if scope.endswith(":write") or scope.startswith("keys:"):
            assert (answer.status_code, answer.get_json()["code"]) == (403, "missing_scope"), f"{method} {address}"
        else:
            assert answer.status_code == 200, f"{method} {address}"


@pytest.fixture
def keyed() -> Callable[[Person, list[str]], Person]:
    """Whoever holds a new key of a person's organisation."""

    def make(person: Person, scopes: list[str]) -> Person:
        made = person.post("/api-keys", {"name": "for tests", "scopes": scopes}).get_json()
        return Person(person.http, {"X-API-Key": made["key"]}, person.organisation_id)

    return make


Keyed = Callable[[Person, list[str]], Person]
EVERY_SCOPE = sorted(SCOPES[Role.OWNER] - KEY_SCOPES)


def test_a_key_of_another_tenant_finds_nothing_of_ours(
    stranger: Person, keyed: Keyed, things: dict[str, str], calls: list[tuple[str, Rule, str, Any]]
) -> None:
    key = keyed(stranger, EVERY_SCOPE)
    ours = {value for name, value in things.items() if name != "plugin_id"}
    for method, rule, address, body in calls:
        answer = _ask(key, method, address, body)
        if rule.endpoint.startswith("keys."):
            assert (answer.status_code, answer.get_json()["code"]) == (403, "missing_scope"), f"{method} {address}"
        elif any(thing in f"{address}{body}" for thing in ours):
            assert answer.status_code == 404, f"{method} {address}"
        else:
            assert answer.status_code < 300, f"{method} {address}"
            assert not [thing for thing in ours if thing in answer.get_data(as_text=True)], rule.endpoint


@pytest.mark.parametrize("scope", [None, *EVERY_SCOPE])
def test_a_key_opens_what_its_scope_says_and_nothing_else(
    owner: Person, keyed: Keyed, calls: list[tuple[str, Rule, str, Any]], scope: str | None
) -> None:
    key = keyed(owner, [scope] if scope else EVERY_SCOPE)
    for method, rule, address, body in calls:
        needed = vars(owner.http.application.view_functions[rule.endpoint])["argus_scope"]
        answer = _ask(key, method, address, body)
        if needed in KEY_SCOPES or (scope and needed != scope):
            assert (answer.status_code, answer.get_json()["code"]) == (403, "missing_scope"), f"{method} {address}"
        else:
            assert answer.status_code < 300 or rule.endpoint == "scanning.cancel_scan", f"{method} {address}"


def test_the_owner_may_do_all_of_it(owner: Person, calls: list[tuple[str, Rule, str, Any]]) -> None:
    for method, rule, address, body in calls:
        expected = {409} if rule.endpoint == "scanning.cancel_scan" else {200, 201, 202, 204}
        assert _ask(owner, method, address, body).status_code in expected, f"{method} {address}"


def _stored(argus: Container) -> set[tuple[str, str]]:
    """Table and partition key of every item, by a scan, which the application itself has no means to make."""
    client = argus.aws.client("dynamodb")
    return {
        (capability, item["pk"]["S"])
        for capability in ("identity", "imagery", "scanning", "reports", "notify", "requests")
        for page in client.get_paginator("scan").paginate(TableName=argus.settings.table(capability))
        for item in page["Items"]
    }


@pytest.fixture
def stored_before(argus: Container) -> set[tuple[str, str]]:
    """What other tests left; some make up keys of their own."""
    return _stored(argus)


def test_every_stored_key_begins_with_the_organisation(
    argus: Container, stored_before: set[tuple[str, str]], owner: Person, things: dict[str, str]
) -> None:
    assert owner.post("/uploads", {"files": [FILE]}, headers={"Idempotency-Key": "isolated-upload"}).status_code == 201
    token = owner.headers["Authorization"].removeprefix("Bearer ")
    argus.notify.connect(argus.identity.authenticate(token), "isolated=")
    stored = _stored(argus) - stored_before
    assert {capability for capability, _ in stored} >= {
        "identity",
        "imagery",
        "scanning",
        "reports",
        "notify",
        "requests",
    }
    for capability, key in stored:
        # How a caller's organisation is found, and how often someone asked: both hold nothing of a tenant's.
        exempt = capability == "identity" and key.startswith("subject#")
        exempt = exempt or (capability == "requests" and key.startswith("limit#"))
        assert exempt or re.match(r"org_[0-9a-z]{26}#", key), (capability, key)
    listed = argus.aws.client("s3").list_objects_v2(
        Bucket=argus.settings.media_bucket, Prefix=f"{owner.organisation_id}/"
    )
    assert {entry["Key"].split("/")[1] for entry in listed["Contents"]} == {"images", "reports"}
