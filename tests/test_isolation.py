"""No one gets in where they do not belong: every route as no one, as another tenant, in every role, with every key."""

import os
import re
from collections.abc import Callable

import pytest

from argus import capabilities
from argus.container import Container
from argus.identity.model import Role, Subject
from tests.conftest import ISSUER, Issuer, Person, Workers
from tests.things import CONFLICTS, SHARED, Call, Things
from tests.things import calls as calls_of

KEY_SCOPES = sorted(
    scope.name for capability in capabilities.installed() for scope in capability.scopes if scope.for_keys
)


@pytest.fixture
def things(owner: Person, workers: Workers) -> Things:
    return Things(owner, workers)


@pytest.fixture
def calls(owner: Person, things: Things) -> list[Call]:
    return calls_of(owner.http.application, things)


@pytest.fixture
def ours(things: Things, calls: list[Call]) -> set[str]:
    """Ids of the owner's things."""
    return {thing for name, thing in things.made.items() if name not in SHARED}


def _scope(person: Person, call: Call) -> str:
    scope: str = vars(person.http.application.view_functions[call.rule.endpoint])["argus_scope"]
    return scope


def _is_refused(person: Person, call: Call) -> None:
    answer = call.by(person)
    assert (answer.status_code, answer.get_json()["code"]) == (403, "missing_scope"), call.name


def _is_admitted(person: Person, call: Call) -> None:
    status = call.by(person).status_code
    assert status == 409 if call.rule.endpoint in CONFLICTS else status < 300, (call.name, status)


def test_no_one_gets_in_without_a_token(nobody: Person, calls: list[Call]) -> None:
    for call in calls:
        answer = call.by(nobody)
        assert (answer.status_code, answer.get_json()["code"]) == (401, "unauthenticated"), call.name


def test_another_tenant_finds_nothing_of_ours(
    stranger: Person, owner: Person, things: Things, calls: list[Call], ours: set[str]
) -> None:
    ours |= {owner.organisation_id}
    for call in calls:
        answer = call.by(stranger)
        if any(thing in f"{call.address}{call.body}" for thing in ours):
            assert answer.status_code == 404, call.name
        else:
            assert answer.status_code < 300, call.name
            assert not [thing for thing in ours if thing in answer.get_data(as_text=True)], call.name
    assert owner.get(f"/images/{things['image_id']}").status_code == 200


@pytest.mark.parametrize("role", Role)
def test_a_role_opens_what_its_scopes_say_and_nothing_else(
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


def test_the_owner_may_do_all_of_it(owner: Person, calls: list[Call]) -> None:
    for call in calls:
        _is_admitted(owner, call)


@pytest.fixture
def keyed() -> Callable[[Person, list[str]], Person]:
    """The holder of a new key of a person's organisation."""

    def make(person: Person, scopes: list[str]) -> Person:
        made = person.post("/api-keys", {"name": "for tests", "scopes": scopes}).get_json()
        return Person(person.http, {"X-API-Key": made["key"]}, person.organisation_id)

    return make


Keyed = Callable[[Person, list[str]], Person]


def test_a_key_of_another_tenant_finds_nothing_of_ours(
    stranger: Person, keyed: Keyed, calls: list[Call], ours: set[str]
) -> None:
    key = keyed(stranger, KEY_SCOPES)
    for call in calls:
        if _scope(stranger, call) not in KEY_SCOPES:
            _is_refused(key, call)
            continue
        answer = call.by(key)
        if any(thing in f"{call.address}{call.body}" for thing in ours):
            assert answer.status_code == 404, call.name
        else:
            assert answer.status_code < 300, call.name
            assert not [thing for thing in ours if thing in answer.get_data(as_text=True)], call.name


@pytest.mark.parametrize("scope", [None, *KEY_SCOPES])
def test_a_key_opens_what_its_scope_says_and_nothing_else(
    owner: Person, keyed: Keyed, calls: list[Call], scope: str | None
) -> None:
    key = keyed(owner, [scope] if scope else KEY_SCOPES)
    for call in calls:
        needed = _scope(owner, call)
        admitted = needed == scope if scope else needed in KEY_SCOPES
        (_is_admitted if admitted else _is_refused)(key, call)


def _stored(argus: Container) -> set[tuple[str, str]]:
    """Table and partition key of every item, by a scan, which the application itself has no means to make."""
    client = argus.aws.client("dynamodb")
    return {
        (table.name, item["pk"]["S"])
        for table in capabilities.tables()
        for page in client.get_paginator("scan").paginate(TableName=argus.settings.table(table.name))
        for item in page["Items"]
    }


@pytest.fixture
def stored_before(argus: Container) -> set[tuple[str, str]]:
    """What other tests left; some make up keys of their own."""
    return _stored(argus)


def test_every_stored_key_begins_with_the_organisation(
    argus: Container, stored_before: set[tuple[str, str]], owner: Person, calls: list[Call]
) -> None:
    (upload,) = [call for call in calls if call.name == "POST /uploads"]
    assert owner.post("/uploads", upload.body, headers={"Idempotency-Key": "isolated-upload"}).status_code == 201
    token = owner.headers["Authorization"].removeprefix("Bearer ")
    argus.notify.connect(argus.identity.authenticate(token), "isolated=")
    stored = _stored(argus) - stored_before
    shared = {table.name: tuple(table.shared) for table in capabilities.tables()}
    assert {name for name, _ in stored} == set(shared)
    for name, key in stored:
        assert key.startswith(shared[name]) or re.match(r"org_[0-9a-z]{26}#", key), (name, key)
    listed = argus.aws.client("s3").list_objects_v2(
        Bucket=argus.settings.media_bucket, Prefix=f"{owner.organisation_id}/"
    )
    assert {entry["Key"].split("/")[1] for entry in listed["Contents"]} >= {"images", "reports"}
