"""Every route without a token, as another tenant, in every role, and with keys of every scope."""

import os
import re
from collections.abc import Callable, Collection, Iterator
from typing import Any

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


CanCallExactly = Callable[[Person, Collection[str]], None]


@pytest.fixture(scope="module")
def written(argus: Container) -> Iterator[set[tuple[str, str]]]:
    """Table and partition key of every item that Argus writes during the tests of this module."""
    keys: set[tuple[str, str]] = set()

    def record(params: Any, model: Any, **_: Any) -> None:
        if model.name not in ("GetItem", "BatchGetItem", "Query"):
            keys.update(_partition_keys(params))

    clients = [argus.aws.client("dynamodb", fail_fast=fail_fast) for fail_fast in (False, True)]
    for client in clients:
        client.meta.events.register("provide-client-params.dynamodb", record)
    yield keys
    for client in clients:
        client.meta.events.unregister("provide-client-params.dynamodb", record)


def _partition_keys(parameters: Any, table: str = "") -> Iterator[tuple[str, str]]:
    """Of every item or key in the parameters of a call to DynamoDB, which name the table above it."""
    if isinstance(parameters, list):
        for entry in parameters:
            yield from _partition_keys(entry, table)
    elif isinstance(parameters, dict):
        table = parameters.get("TableName", table)
        if "pk" in parameters:
            yield table, parameters["pk"]["S"]
        batch = parameters.get("RequestItems")  # by table
        for name, value in (batch or parameters).items():
            yield from _partition_keys(value, name if batch else table)


@pytest.fixture(scope="module")
def owner(written: set[tuple[str, str]], new_owner: Callable[[], Person]) -> Person:
    """Of the resources that all tests share."""
    return new_owner()


@pytest.fixture(scope="module")
def _made() -> dict[str, str]:
    return {}


@pytest.fixture
def resources(owner: Person, workers: Workers, _made: dict[str, str]) -> Resources:
    """Shared by the tests: calls that delete have their own."""
    return Resources(owner, workers, _made)


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


@pytest.fixture
def can_call_exactly(owner: Person, workers: Workers, calls: list[Call]) -> CanCallExactly:
    """Fails unless the person can call the routes of these scopes, and no others."""

    def check(person: Person, scopes: Collection[str]) -> None:
        own = Resources(owner, workers)
        for call in calls:
            if _scope(owner, call) not in scopes:
                _is_refused(person, call)
            else:
                _is_admitted(person, call.on(own) if call.method == "DELETE" else call)

    return check


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
    owner: Person, argus: Container, issuer: Issuer, can_call_exactly: CanCallExactly, role: Role
) -> None:
    subject = f"{role}-{os.urandom(8).hex()}"
    argus.identity.add_member(Subject(ISSUER, subject), owner.organisation_id, role)
    member = Person(owner.http, {"Authorization": f"Bearer {issuer.token(subject)}"})
    can_call_exactly(member, argus.role_scopes[role])


def test_a_viewer_changes_nothing(argus: Container, calls: list[Call], owner: Person) -> None:
    changing = {_scope(owner, call) for call in calls if call.method != "GET"}
    assert not changing & argus.role_scopes[Role.VIEWER]
    assert not {"keys:read", "keys:write"} & (argus.role_scopes[Role.VIEWER] | argus.role_scopes[Role.ANALYST])


def test_an_owner_can_call_every_route(argus: Container, calls: list[Call], owner: Person) -> None:
    assert {_scope(owner, call) for call in calls} <= argus.role_scopes[Role.OWNER]
    assert owner.get("/me").get_json()["role"] == Role.OWNER


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
    owner: Person, keyed: Keyed, can_call_exactly: CanCallExactly, scope: str | None
) -> None:
    scopes = [scope] if scope else KEY_SCOPES
    can_call_exactly(keyed(owner, scopes), scopes)


def test_every_stored_key_begins_with_the_organisation(
    argus: Container, written: set[tuple[str, str]], owner: Person, calls: list[Call]
) -> None:
    (upload,) = [call for call in calls if call.name == "POST /uploads"]
    assert owner.post("/uploads", upload.body, headers={"Idempotency-Key": "isolated-upload"}).status_code == 201
    token = owner.headers["Authorization"].removeprefix("Bearer ")
    argus.notify.connect(argus.identity.authenticate(token), "isolated=")
    prefixes = {
        argus.settings.table(table.name): tuple(table.prefixes_without_organisation) for table in capabilities.tables()
    }
    assert {name for name, _ in written} == set(prefixes)
    for name, key in written:
        assert key.startswith(prefixes[name]) or re.match(r"org_[0-9a-z]{26}#", key), (name, key)
    listed = argus.aws.client("s3").list_objects_v2(
        Bucket=argus.settings.media_bucket, Prefix=f"{owner.organisation_id}/"
    )
    assert {entry["Key"].split("/")[1] for entry in listed["Contents"]} >= {"images", "reports"}
