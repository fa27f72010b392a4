"""API keys: authentication, storage, expiry, limits and tiers."""

import json
import os
import time
import zlib
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from argus.app import create_app
from argus.container import Container
from argus.core.dynamo import ConditionFailed, Table, TransactionConflict
from argus.core.ids import Ids
from argus.core.observability import current_request_id
from argus.identity import key_text, keys
from argus.identity.key_store import KeyStore
from argus.identity.keys import InvalidKey, KeysBeingChanged, TierNotAllowed
from argus.identity.model import Role, Subject
from infra.embedded.aws import EmbeddedAws
from tests.conftest import ISSUER, ORIGIN, Issuer, MovableClock, Person
from tests.problems import at_pointers

BODY = {"name": "nightly survey", "scopes": ["profile:read", "plugins:read"]}

UNKNOWN = "The API key is mistyped, unknown or revoked. Check it, or create a new one."

Json = dict[str, Any]


def create_key(person: Person, **changes: Any) -> Json:
    response = person.post("/api-keys", {**BODY, **changes})
    assert response.status_code == 201, response.get_json()
    return dict(response.get_json())


def holder(person: Person, key: Json) -> Person:
    return Person(person.http, {"X-API-Key": key["key"]}, person.organisation_id)


def refusal(person: Person) -> str:
    """The detail of the error for an invalid key."""
    response = person.get("/plugins")
    assert (response.status_code, response.get_json()["code"]) == (401, "invalid_key")
    assert response.headers["WWW-Authenticate"] == 'Bearer realm="argus"'
    return str(response.get_json()["detail"])


@pytest.fixture(scope="module")
def customer(new_owner: Callable[[], Person]) -> Person:
    """An owner for tests that do not count keys."""
    return new_owner()


@pytest.fixture(scope="module")
def key_to_damage(customer: Person) -> str:
    return str(create_key(customer)["key"])


# ---------------------------------------------------------------- authentication


def test_a_key_acts_for_its_creator_within_its_own_scopes(owner: Person) -> None:
    key = create_key(owner)
    program, maker = holder(owner, key), owner.get("/me").get_json()
    me = program.get("/me").get_json()
    assert (me["user"], me["organisation"]) == (maker["user"], maker["organisation"])
    assert (me["role"], me["issuer"], me["scopes"]) == (None, None, ["plugins:read", "profile:read"])
    assert me["key"] == {name: key[name] for name in ("id", "name", "tier", "expires_at")}
    assert program.get("/plugins").status_code == 200
    assert program.get("/images").get_json()["code"] == "missing_scope"


def test_resources_of_a_key_belong_to_its_creator(owner: Person) -> None:
    program = holder(owner, create_key(owner, scopes=["images:write", "images:read"]))
    file = {"name": "a.jpg", "size": 10, "content_type": "image/jpeg"}
    (item,) = program.post("/uploads", {"files": [file]}).get_json()["items"]
    assert owner.get(f"/images/{item['image_id']}").status_code == 200


def test_two_keys_may_use_the_same_idempotency_key(owner: Person) -> None:
    body = {"files": [{"name": "a.jpg", "size": 10, "content_type": "image/jpeg"}]}
    responses = [
        holder(owner, create_key(owner, scopes=["images:write"])).post(
            "/uploads", body, headers={"Idempotency-Key": "same"}
        )
        for _ in range(2)
    ]
    assert [response.headers.get("Idempotent-Replayed") for response in responses] == [None, None]


def test_a_token_together_with_a_key_is_rejected(owner: Person) -> None:
    key = create_key(owner)
    response = owner.get("/plugins", headers={"X-API-Key": key["key"]})
    assert (response.status_code, response.get_json()["detail"]) == (
        401,
        "Send either Authorization or X-API-Key, not both.",
    )


def test_cors_does_not_allow_api_keys(owner: Person) -> None:
    preflight = {
        "Origin": ORIGIN,
        "Access-Control-Request-Method": "GET",
        "Access-Control-Request-Headers": "X-API-Key",
    }
    response = owner.call("OPTIONS", "/plugins", headers=preflight)
    assert "x-api-key" not in response.headers.get("Access-Control-Allow-Headers", "").lower()


# ---------------------------------------------------------------- storage


def _kept(argus: Container, aws: EmbeddedAws) -> str:
    """Every item of the tables with data of keys, by a scan, which the application cannot make."""
    client = aws.client("dynamodb")
    pages = [
        page
        for name in ("identity", "requests")
        for page in client.get_paginator("scan").paginate(TableName=argus.settings.table(name))
    ]
    return json.dumps(pages, default=lambda deflated: zlib.decompress(deflated).decode())


def test_a_key_is_shown_once_and_only_its_hash_is_stored(argus: Container, aws: EmbeddedAws, owner: Person) -> None:
    response = owner.post("/api-keys", BODY, headers={"Idempotency-Key": os.urandom(8).hex()})
    assert response.headers["Cache-Control"] == "no-store"
    key = response.get_json()
    secret = key["key"].removeprefix(key["start"])[26:]
    seen = owner.get("/api-keys").text + owner.get(f"/api-keys/{key['id']}").text
    assert secret not in seen + _kept(argus, aws)
    assert "digest" not in seen
    assert key_text.digest(key["key"]) in _kept(argus, aws)


def test_a_repeated_request_creates_no_second_key_and_does_not_show_the_first_again(owner: Person) -> None:
    idempotency = {"Idempotency-Key": os.urandom(8).hex()}
    first, second = (owner.post("/api-keys", BODY, headers=idempotency) for _ in range(2))
    assert second.headers["Idempotent-Replayed"] == "true"
    assert second.get_json() == {**first.get_json(), "key": None}
    assert len(owner.get("/api-keys").get_json()["items"]) == 1


def test_a_list_shows_each_key_newest_first_page_by_page(owner: Person) -> None:
    keys_made = [create_key(owner, name=f"number {number}") for number in range(3)]
    first = owner.get("/api-keys?limit=2").get_json()
    second = owner.get(f"/api-keys?limit=2&cursor={first['next_cursor']}").get_json()
    shown = [{name: value for name, value in key.items() if name != "key"} for key in reversed(keys_made)]
    assert (first["items"] + second["items"], second["next_cursor"]) == (shown, None)


def test_a_key_read_again_has_not_changed(owner: Person) -> None:
    address = f"/api-keys/{create_key(owner)['id']}"
    assert owner.get(address, headers={"If-None-Match": owner.get(address).headers["ETag"]}).status_code == 304


# ---------------------------------------------------------------- invalid keys


class _Unasked:
    """A store that must not be called."""

    def __getattr__(self, verb: str) -> Any:
        raise AssertionError(f"the store was called: {verb}")


@given(data=st.data())
def test_one_changed_character_is_detected_without_a_lookup(argus: Container, data: st.DataObject) -> None:
    ids = Ids(random_bits=lambda bits: data.draw(st.integers(0, 2**bits - 1)))
    text = key_text.compose(ids.new("key"), ids.new("org"), data.draw(st.integers(0, 2**key_text.SECRET_BITS - 1)))
    named = key_text.parse(text)
    assert named is not None
    assert text.startswith(key_text.start(named.key_id) + named.organisation_id.removeprefix("org_"))
    position = data.draw(st.integers(0, len(text) - 1))
    other = data.draw(st.characters().filter(lambda character: character != text[position]))
    unread = replace(argus.keys, store=cast(KeyStore, _Unasked()))
    with pytest.raises(InvalidKey):
        unread.authenticate(text[:position] + other + text[position + 1 :])


@given(text=st.text(st.characters(max_codepoint=255, exclude_characters="\r\n\0")))
def test_any_invalid_key_in_the_header_is_rejected(http: Any, text: str) -> None:
    response = http.get("/api/v1/plugins", headers={"X-API-Key": text})
    assert (response.status_code, response.get_json()["code"]) == (401, "invalid_key")


@pytest.mark.parametrize(
    "change",
    [
        lambda key: "",
        lambda key: key[:-1],
        lambda key: key + "0",
        lambda key: f"{key}, {key}",
        lambda key: f"Bearer {key}",
        lambda key: key.upper(),
        lambda key: key.replace("argus", "ghp", 1),
        lambda key: key * 80,
    ],
    ids=["empty", "too short", "too long", "twice", "a bearer", "capitals", "another owner", "endless"],
)
def test_a_damaged_key_is_rejected(customer: Person, key_to_damage: str, change: Callable[[str], str]) -> None:
    assert refusal(holder(customer, {"key": change(key_to_damage)})) == UNKNOWN


def test_a_caller_without_the_secret_learns_nothing_about_the_key(
    owner: Person, stranger: Person, clock: MovableClock
) -> None:
    key = create_key(owner, expires_in_days=1)
    guessed = key_text.compose(key["id"], owner.organisation_id, 5)
    moved = key_text.compose(key["id"], stranger.organisation_id, 5)
    unknown = key_text.compose(Ids().new("key"), owner.organisation_id, 5)
    clock.move(days=2)
    details = {refusal(holder(owner, {"key": text})) for text in (guessed, moved, unknown)}
    assert details == {UNKNOWN}
    assert refusal(holder(owner, key)) == "The API key has expired. Create a new one."


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_a_key_in_place_of_its_id_is_not_repeated(owner: Person, method: str) -> None:
    key = create_key(owner)
    response = owner.call(method, f"/api-keys/{key['key']}")
    assert (response.status_code, response.get_json()["code"]) == (404, "no_such_key")
    assert key["key"] not in response.text


# ---------------------------------------------------------------- expiry and revocation


def test_a_key_expires_as_requested_and_by_default_after_90_days(owner: Person, clock: MovableClock) -> None:
    day, usual = create_key(owner, expires_in_days=1), create_key(owner)
    lives = [
        datetime.fromisoformat(key["expires_at"]) - datetime.fromisoformat(key["created_at"]) for key in (day, usual)
    ]
    assert lives == [timedelta(days=1), timedelta(days=90)]
    clock.move(days=1)
    assert refusal(holder(owner, day)) == "The API key has expired. Create a new one."
    assert holder(owner, usual).get("/plugins").status_code == 200
    assert owner.get(f"/api-keys/{day['id']}").get_json()["state"] == "expired"


@pytest.mark.parametrize(
    "changes",
    [
        {"expires_in_days": 0},
        {"expires_in_days": 366},
        {"expires_in_days": "90"},
        {"scopes": []},
        {"scopes": ["keys:read"]},
        {"scopes": ["everything"]},
        {"name": ""},
        {"name": " \u3000"},
        {"name": "nightly\n"},
        {"name": "a\r\nb"},
        {"name": "\x1b[31m"},
        {"name": "a\x85b"},
        {"name": "a\u2028b"},
        {"name": "\u202egnp.exe"},
        {"name": "\u2066a\u2069"},
        {"name": "\u200fa"},
        {"tier": "High!"},
    ],
    ids=str,
)
def test_an_invalid_field_of_a_key_is_named(customer: Person, changes: Json) -> None:
    response = customer.post("/api-keys", {**BODY, **changes})
    assert response.status_code == 422
    assert {pointer.split("/")[1] for pointer in at_pointers(response)} == set(changes)


def test_a_revoked_key_is_rejected_from_the_next_request(owner: Person) -> None:
    key = create_key(owner)
    program = holder(owner, key)
    assert program.get("/plugins").status_code == 200
    assert [owner.delete(f"/api-keys/{key['id']}").status_code for _ in range(2)] == [204, 204]
    assert refusal(program) == UNKNOWN
    shown = owner.get(f"/api-keys/{key['id']}").get_json()
    assert (shown["state"], shown["version"]) == ("revoked", 2)
    assert shown["revoked_at"] >= shown["last_used_at"]


def test_revoking_with_an_outdated_version_is_rejected(owner: Person) -> None:
    key = create_key(owner)
    address = f"/api-keys/{key['id']}"
    assert owner.delete(address, headers={"If-Match": '"2-0"'}).status_code == 412
    assert owner.delete(address, headers={"If-Match": owner.get(address).headers["ETag"]}).status_code == 204


# ---------------------------------------------------------------- limits


def test_a_key_cannot_have_more_scopes_than_its_creator(
    owner: Person, argus: Container, issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    subject = f"admin-{os.urandom(8).hex()}"
    argus.identity.add_member(Subject(ISSUER, subject), owner.organisation_id, Role.ADMIN)
    admin = Person(owner.http, {"Authorization": f"Bearer {issuer.token(subject)}"})
    monkeypatch.setitem(argus.role_scopes, Role.ADMIN, argus.role_scopes[Role.ADMIN] - {"scans:write"})
    assert admin.post("/api-keys", {**BODY, "scopes": ["scans:read"]}).status_code == 201
    response = admin.post("/api-keys", {**BODY, "scopes": ["scans:read", "scans:write"]})
    problem = response.get_json()
    assert (response.status_code, problem["code"], problem["detail"]) == (
        403,
        "scope_not_allowed",
        "You cannot create a key with scopes that you do not have: scans:write.",
    )


def test_a_key_loses_scopes_that_keys_can_no_longer_have(owner: Person, argus: Container) -> None:
    text = create_key(owner, scopes=["images:read", "scans:read"])["key"]
    narrower = replace(argus.keys, allowed_scopes=frozenset({"scans:read"}))
    assert narrower.authenticate(text).scopes == {"scans:read"}


@pytest.mark.usefixtures("racing")
def test_eight_concurrent_requests_create_exactly_the_maximum_number_of_keys(
    owner: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keys, "MAX_KEYS", 5)
    with ThreadPoolExecutor(8) as pool:
        responses = list(
            pool.map(
                lambda _: owner.http.application.test_client().post(
                    "/api/v1/api-keys", json=BODY, headers=owner.headers
                ),
                range(8),
            )
        )
    statuses = [response.status_code for response in responses]
    assert (statuses.count(201), statuses.count(409)) == (5, 3)
    assert {response.get_json()["code"] for response in responses if response.status_code == 409} == {"too_many_keys"}
    assert len(owner.get("/api-keys").get_json()["items"]) == 5


def test_expired_and_revoked_keys_do_not_count_as_active(
    owner: Person, clock: MovableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keys, "MAX_KEYS", 2)
    create_key(owner, expires_in_days=1)
    revoked = create_key(owner)
    assert owner.post("/api-keys", BODY).status_code == 409
    owner.delete(f"/api-keys/{revoked['id']}")
    clock.move(days=1)
    assert [owner.post("/api-keys", BODY).status_code for _ in range(3)] == [201, 201, 409]


def test_ended_keys_count_for_90_days_and_are_limited(
    owner: Person, clock: MovableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Items are not deleted in the test: they stop counting by the clock, since DynamoDB deletes late."""
    monkeypatch.setattr(keys, "MAX_STORED_KEYS", 2)
    create_key(owner, expires_in_days=1)
    revoked = create_key(owner, expires_in_days=365)
    assert owner.delete(f"/api-keys/{revoked['id']}").status_code == 204
    response = owner.post("/api-keys", BODY)
    assert (response.status_code, response.get_json()["code"], response.get_json()["detail"]) == (
        409,
        "too_many_keys",
        (
            "Your organisation has reached the maximum of 2 API keys. Expired and revoked keys count for 90 days. "
            "Try again when the oldest no longer counts."
        ),
    )
    clock.move(days=90, minutes=-1)
    assert owner.post("/api-keys", BODY).status_code == 409
    clock.move(minutes=2)
    assert [owner.post("/api-keys", BODY).status_code for _ in range(2)] == [201, 409]


@pytest.mark.parametrize(("days", "remembered"), [(0, 90), (30, 90 - 29)], ids=["while it lived", "after its end"])
def test_a_revoked_key_is_deleted_90_days_after_its_end(
    argus: Container, owner: Person, clock: MovableClock, days: int, remembered: int
) -> None:
    key = create_key(owner, expires_in_days=1)
    clock.move(days=days)
    owner.delete(f"/api-keys/{key['id']}")
    now = clock().timestamp()
    name = argus.settings.table("identity")
    position = {"pk": {"S": f"{owner.organisation_id}#keys"}, "sk": {"S": key["id"]}}
    item = argus.aws.client("dynamodb").get_item(TableName=name, Key=position)["Item"]
    assert float(item["expires_at"]["N"]) - now == pytest.approx(timedelta(days=remembered).total_seconds(), abs=60)
    assert owner.get(f"/api-keys/{key['id']}").get_json()["expires_at"] == key["expires_at"]


@pytest.fixture
def pauses(argus: Container, monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses between attempts to change keys, each as long as it can be. Their sum is the time that passes."""
    pauses: list[float] = []
    backoff = replace(
        argus.keys.backoff,
        sleep=pauses.append,
        uniform=lambda _, longest: longest,
        monotonic=lambda: sum(pauses),
    )
    monkeypatch.setitem(vars(argus), "keys", replace(argus.keys, backoff=backoff))
    return pauses


def test_a_permanent_conflict_with_other_requests_is_an_error_within_five_seconds(
    owner: Person, monkeypatch: pytest.MonkeyPatch, argus: Container, pauses: list[float]
) -> None:
    monkeypatch.setattr(KeyStore, "_write_limit", lambda *_: False)
    response = Person(create_app(argus).test_client(), owner.headers).post("/api-keys", BODY)
    assert (response.status_code, response.get_json()["code"], response.headers["Retry-After"]) == (
        409,
        "keys_being_changed",
        "1",
    )
    assert 3 < sum(pauses) < 5
    pauses.clear()
    with pytest.raises(KeysBeingChanged):
        argus.keys.allow(owner.organisation_id, "high")
    assert 3 < sum(pauses) < 5


def test_a_lost_race_is_repeated_with_what_the_winner_wrote(
    owner: Person, monkeypatch: pytest.MonkeyPatch, argus: Container, pauses: list[float]
) -> None:
    """Both ways to lose: the winner had written before, or wrote at the same moment."""
    transact, lost = Table.transact, [TransactionConflict("the item is in use"), ConditionFailed(None)]

    def race(table: Table, writes: Any, **options: Any) -> None:
        if lost:
            raise lost.pop()
        transact(table, writes, **options)

    monkeypatch.setattr(Table, "transact", race)
    response = Person(create_app(argus).test_client(), owner.headers).post("/api-keys", BODY)
    assert (response.status_code, len(pauses)) == (201, 2)


@pytest.mark.usefixtures("racing")
def test_twenty_concurrent_requests_create_their_keys_or_are_told_to_try_again(
    owner: Person, argus: Container, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those who lose pause before they try again: without pauses, some lost ten times in a row."""
    slept: dict[str, float] = defaultdict(float)

    def sleep(seconds: float) -> None:
        slept[current_request_id()] += seconds
        time.sleep(seconds)

    backoff = replace(argus.keys.backoff, sleep=sleep)
    monkeypatch.setitem(vars(argus), "keys", replace(argus.keys, backoff=backoff))
    app = create_app(argus)
    clients = [Person(app.test_client(), owner.headers) for _ in range(20)]
    with ThreadPoolExecutor(20) as pool:
        responses = list(pool.map(lambda client: client.post("/api-keys", BODY), clients))
    statuses = [response.status_code for response in responses]
    assert set(statuses) <= {201, 409}
    assert {response.get_json()["code"] for response in responses if response.status_code == 409} <= {
        "keys_being_changed"
    }
    assert len(owner.get("/api-keys").get_json()["items"]) == statuses.count(201) > 0
    assert statuses.count(201) > 10
    assert slept
    assert all(seconds < 5 for seconds in slept.values())


# ---------------------------------------------------------------- tiers


def test_operators_raise_and_lower_the_highest_tier(argus: Container, owner: Person) -> None:
    rejected = owner.post("/api-keys", {**BODY, "tier": "high"})
    assert (rejected.status_code, rejected.get_json()["code"]) == (422, "tier_not_allowed")
    argus.keys.allow(owner.organisation_id, "high")
    high = create_key(owner, tier="high")
    assert create_key(owner)["tier"] == "standard"
    assert holder(owner, high).get("/plugins").headers["RateLimit-Policy"] == '"key-high";q=6000;w=60'
    argus.keys.allow(owner.organisation_id, "standard")
    assert holder(owner, high).get("/plugins").headers["RateLimit-Policy"] == '"key-standard";q=1200;w=60'
    assert owner.post("/api-keys", {**BODY, "tier": "high"}).status_code == 422


@pytest.mark.parametrize("tier", ["", "endless", "High"])
def test_a_tier_outside_the_settings_is_rejected(argus: Container, owner: Person, tier: str) -> None:
    with pytest.raises(TierNotAllowed):
        argus.keys.allow(owner.organisation_id, tier)
    assert owner.post("/api-keys", {**BODY, "tier": "endless"}).status_code == 422


def test_a_tier_with_a_line_break_is_an_error_of_its_field(owner: Person) -> None:
    response = owner.post("/api-keys", {**BODY, "tier": "standard\n"})
    assert (response.status_code, list(at_pointers(response))) == (422, ["#/tier"])


# ---------------------------------------------------------------- last use


def test_a_use_is_recorded_once_an_hour(owner: Person, clock: MovableClock, monkeypatch: pytest.MonkeyPatch) -> None:
    recorded = []
    record_use = KeyStore.record_use
    monkeypatch.setattr(
        KeyStore, "record_use", lambda store, key, now: (recorded.append(now), record_use(store, key, now))
    )
    key = create_key(owner)
    program = holder(owner, key)
    for minutes in (0, 30, 29, 2, 59):
        clock.move(minutes=minutes)
        assert program.get("/plugins").status_code == 200
    assert len(recorded) == 2
    last = datetime.fromisoformat(owner.get(f"/api-keys/{key['id']}").get_json()["last_used_at"])
    assert abs(last - recorded[1]) < timedelta(milliseconds=1)


@pytest.mark.usefixtures("racing")
def test_eight_concurrent_first_uses_are_recorded_once(
    owner: Person, argus: Container, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = []
    update = Table.update

    def counted(table: Table, *args: Any, **kwargs: Any) -> Any:
        item = update(table, *args, **kwargs)
        written.append(item)
        return item

    monkeypatch.setattr(Table, "update", counted)
    key = create_key(owner)
    with ThreadPoolExecutor(8) as pool:
        callers = list(pool.map(argus.keys.authenticate, [key["key"]] * 8))
    assert (len({caller.id for caller in callers}), len(written)) == (1, 1)


def test_a_use_that_cannot_be_recorded_is_logged_and_the_request_succeeds(
    owner: Person, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    program = holder(owner, create_key(owner))

    def broken(*_: Any, **__: Any) -> None:
        raise ConnectionError("no table")

    monkeypatch.setattr(Table, "update", broken)
    assert program.get("/plugins").status_code == 200
    assert "was not recorded" in caplog.text
