"""Every route without a token, as another tenant, in every role, and with keys of every scope."""

import os
import re
from collections.abc import Callable

import pytest

from argus import capabilities
from argus.container import Container
from argus.identity.model import Role, Subject
from tests.conftest import ISSUER, Issuer, Person, Workers
from tests.resources import CONFLICTS, SHARED, Call, Resources
from tests.resources import calls as calls_of

KEY_SCOPES = sorted(
    scope.name for capability in capabilities.installed() for scope in capability.scopes if scope.for_keys
)


@pytest.fixture
def resources(owner: Person, workers: Workers) -> Resources:
    return Resources(owner, workers)


@pytest.fixture
def calls(owner: Person, resources: Resources) -> list[Call]:
    return calls_of(owner.http.application, resources)


@pytest.fixture
def owned_ids(resources: Resources, calls: list[Call]) -> set[str]:
    """Ids of the owner's resources."""
    return {resource_id for name, resource_id in resources.made.items() if name not in SHARED}


def _scope(person: Person, call: Call) -> str:
    scope: str = vars(person.http.application.view_functions[call.rule.endpoint])["argus_scope"]
    return scope


def _is_refused(person: Person, call: Call) -> None:
    response = call.by(person)
    assert (response.status_code, response.get_json()["code"]) == (403, "missing_scope"), call.name


def _is_admitted(person: Person, call: Call) -> None:
    status = call.by(person).status_code
    assert status == 409 if call.rule.endpoint in CONFLICTS else status < 300, (call.name, status)


def test_every_route_rejects_a_request_without_a_token(anonymous: Person, calls: list[Call]) -> None:
    for call in calls:
        response = call.by(anonymous)
        assert (response.status_code, response.get_json()["code"]) == (401, "unauthenticated"), call.name


def test_another_tenant_finds_none_of_the_owners_resources(
    stranger: Person, owner: Person, resources: Resources, calls: list[Call], owned_ids: set[str]
) -> None:
    owned_ids |= {owner.organisation_id}
    for call in calls:
        response = call.by(stranger)
        if any(resource_id in f"{call.address}{call.body}" for resource_id in owned_ids):
            assert response.status_code == 404, call.name
        else:
            assert response.status_code < 300, call.name
            assert not [each for each in owned_ids if each in response.text], call.name
    assert owner.get(f"/images/{resources['image_id']}").status_code == 200


@pytest.mark.parametrize("role", Role)
def test_a_role_can_call_exactly_the_routes_of_its_scopes(
    owner: Person, argus: Container, issuer: Issuer, calls: list[Call], role: Role
) -> None:
    subject = f"{role}-{os.urandom(8).hex()}"
    argus.identity.add_member(Subject(ISSUER, subject), owner.organisation_id, role)
    member = Person(owner.http, {"Authorization": f"Bearer {issuer.token(subject)}"})
    for call in calls:
        allowed = _scope(owner, call) in argus.role_scopes[role]
        (_is_admitted if allowed else _is_refused)(member, call)


def test_a_viewer_changes_nothing(argus: Container, calls: list[Call], owner: Person) -> None:
    changing = {_scope(owner, call) for call in calls if call.method != "GET"}
    assert not changing & argus.role_scopes[Role.VIEWER]
    assert not {"keys:read", "keys:write"} & (argus.role_scopes[Role.VIEWER] | argus.role_scopes[Role.ANALYST])


def test_the_owner_can_call_every_route(owner: Person, calls: list[Call]) -> None:
    for call in calls:
        _is_admitted(owner, call)


@pytest.fixture
def keyed() -> Callable[[Person, list[str]], Person]:
    """Creates a key of a person's organisation, and returns its client."""

    def make(person: Person, scopes: list[str]) -> Person:
        key = person.post("/api-keys", {"name": "for tests", "scopes": scopes}).get_json()
        return Person(person.http, {"X-API-Key": key["key"]}, person.organisation_id)

    return make


Keyed = Callable[[Person, list[str]], Person]


def test_a_key_of_another_tenant_finds_none_of_the_owners_resources(
    stranger: Person, keyed: Keyed, calls: list[Call], owned_ids: set[str]
) -> None:
    key = keyed(stranger, KEY_SCOPES)
    for call in calls:
        if _scope(stranger, call) not in KEY_SCOPES:
            _is_refused(key, call)
            continue
        response = call.by(key)
        if any(resource_id in f"{call.address}{call.body}" for resource_id in owned_ids):
            assert response.status_code == 404, call.name
        else:
            assert response.status_code < 300, call.name
            assert not [each for each in owned_ids if each in response.text], call.name


@pytest.mark.parametrize("scope", [None, *KEY_SCOPES])
def test_a_key_can_call_exactly_the_routes_of_its_scopes(
    owner: Person, keyed: Keyed, calls: list[Call], scope: str | None
) -> None:
    key = keyed(owner, [scope] if scope else KEY_SCOPES)
    for call in calls:
        needed = _scope(owner, call)
        admitted = needed == scope if scope else needed in KEY_SCOPES
        (_is_admitted if admitted else _is_refused)(key, call)


def _stored(argus: Container) -> set[tuple[str, str]]:
    """Table and partition key of every item, by a scan, which the application itself cannot make."""
    client = argus.aws.client("dynamodb")
    return {
        (table.name, item["pk"]["S"])
        for table in capabilities.tables()
        for page in client.get_paginator("scan").paginate(TableName=argus.settings.table(table.name))
        for item in page["Items"]
    }


@pytest.fixture
def stored_before(argus: Container) -> set[tuple[str, str]]:
    """The items of other tests, some of which have invented keys."""
    return _stored(argus)


def test_every_stored_key_begins_with_the_organisation(
    argus: Container, stored_before: set[tuple[str, str]], owner: Person, calls: list[Call]
) -> None:
    (upload,) = [call for call in calls if call.name == "POST /uploads"]
    assert owner.post("/uploads", upload.body, headers={"Idempotency-Key": "isolated-upload"}).status_code == 201
    token = owner.headers["Authorization"].removeprefix("Bearer ")
    argus.notify.connect(argus.identity.authenticate(token), "isolated=")
    stored = _stored(argus) - stored_before
    prefixes = {table.name: tuple(table.prefixes_without_organisation) for table in capabilities.tables()}
    assert {name for name, _ in stored} == set(prefixes)
    for name, key in stored:
        assert key.startswith(prefixes[name]) or re.match(r"org_[0-9a-z]{26}#", key), (name, key)
    listed = argus.aws.client("s3").list_objects_v2(
        Bucket=argus.settings.media_bucket, Prefix=f"{owner.organisation_id}/"
    )
    assert {entry["Key"].split("/")[1] for entry in listed["Contents"]} >= {"images", "reports"}
