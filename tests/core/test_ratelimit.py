"""Rate limits that hold across Lambdas."""

import ipaddress
import random
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from werkzeug.test import TestResponse

from argus.app import create_app
from argus.container import Container
from argus.core.dynamo import Table
from argus.core.ids import Ids
from argus.identity import key_text
from tests.conftest import MovableClock, Person


@pytest.fixture
def limited(argus: Container, owner: Person) -> Callable[[], Person]:
    """Makes the owner at another Lambda's door: an app of its own, with 25 requests per minute."""
    container = Container(
        replace(argus.settings, rate_limit="25 per minute"), clock=argus.clock, fetch_keys=argus.fetch_keys
    )
    return lambda: Person(create_app(container).test_client(), owner.headers)


def _start_of_a_window(clock: MovableClock) -> None:
    clock.move(seconds=60 - clock().timestamp() % 60 + 0.5)


@pytest.mark.usefixtures("racing")
def test_eight_lambdas_at_once_admit_exactly_what_the_limit_says(
    limited: Callable[[], Person], clock: MovableClock
) -> None:
    _start_of_a_window(clock)
    doors = [limited() for _ in range(8)]
    with ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(lambda number: doors[number % 8].get("/plugins").status_code, range(40)))
    assert (statuses.count(200), statuses.count(429)) == (25, 15)


def test_who_is_refused_learns_when_to_come_back_and_then_is_admitted(
    limited: Callable[[], Person], clock: MovableClock
) -> None:
    _start_of_a_window(clock)
    person = limited()
    refused = [person.get("/plugins") for _ in range(26)][-1]
    assert (refused.status_code, refused.content_type) == (429, "application/problem+json")
    assert refused.get_json()["code"] == "too_many_requests"
    assert 50 <= int(refused.headers["Retry-After"]) <= 61
    clock.move(seconds=int(refused.headers["Retry-After"]))
    assert person.get("/plugins").status_code == 200


def test_one_callers_limit_is_not_anothers(
    limited: Callable[[], Person], stranger: Person, clock: MovableClock
) -> None:
    _start_of_a_window(clock)
    person = limited()
    assert [person.get("/plugins").status_code for _ in range(26)][-1] == 429
    assert Person(person.http, stranger.headers).get("/plugins").status_code == 200


def test_without_the_counter_requests_are_admitted_and_the_log_says_so(
    limited: Callable[[], Person], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    person = limited()

    def broken(*_: Any, **__: Any) -> int:
        raise ConnectionError("no table")

    monkeypatch.setattr(Table, "count", broken)
    assert person.get("/plugins").status_code == 200
    assert "rate limit" in caplog.text.lower()


# ---------------------------------------------------------------- what answers say


def test_an_answer_says_what_is_left_and_until_when(limited: Callable[[], Person], clock: MovableClock) -> None:
    _start_of_a_window(clock)
    person = limited()
    answers = [person.get("/plugins") for _ in range(2)]
    assert {answer.headers["RateLimit-Policy"] for answer in answers} == {'"caller";q=25;w=60'}
    told = [re.fullmatch(r'"caller";r=(\d+);t=(\d+)', answer.headers["RateLimit"]) for answer in answers]
    assert [int(match[1]) for match in told if match] == [24, 23]
    assert all(50 <= int(match[2]) <= 60 for match in told if match)


def test_a_request_costs_one_write_and_no_read_for_its_limit(
    limited: Callable[[], Person], clock: MovableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    _start_of_a_window(clock)
    person, calls = limited(), []
    for verb in ("get", "count", "put", "update"):
        kept = getattr(Table, verb)

        def counted(table: Table, *args: Any, _kept: Any = kept, _verb: str = verb, **kwargs: Any) -> Any:
            if table.name.endswith("-requests"):
                calls.append(_verb)
            return _kept(table, *args, **kwargs)

        monkeypatch.setattr(Table, verb, counted)
    statuses = [person.get("/plugins").status_code for _ in range(26)]
    assert (statuses.count(429), calls) == (1, ["count"] * 26), "the refusal reads nothing either"


def test_a_refusal_for_lack_of_a_scope_is_counted_too(
    limited: Callable[[], Person], viewer: Person, clock: MovableClock
) -> None:
    _start_of_a_window(clock)
    door = Person(limited().http, viewer.headers)
    statuses = [door.post("/scans", {}).status_code for _ in range(26)]
    assert statuses == [403] * 25 + [429]


# ---------------------------------------------------------------- API keys


@pytest.fixture
def keyed(argus: Container, owner: Person) -> Callable[..., Person]:
    """Makes a key of a tier at another Lambda's door, where standard is 10 requests a minute and high 25."""
    limits = {"standard": "10 per minute", "high": "25 per minute"}
    container = Container(
        replace(argus.settings, key_rate_limits=limits, rate_limit="5 per minute"),
        clock=argus.clock,
        fetch_keys=argus.fetch_keys,
    )
    argus.keys.allow(owner.organisation_id, "high")

    def make(tier: str = "standard") -> Person:
        wanted = {"name": "n", "scopes": ["plugins:read"], "tier": tier}
        key = owner.post("/api-keys", wanted).get_json()["key"]
        return Person(create_app(container).test_client(), {"X-API-Key": key})

    return make


@pytest.mark.usefixtures("racing")
@pytest.mark.parametrize(("tier", "limit"), [("standard", 10), ("high", 25)])
def test_eight_threads_with_one_key_are_admitted_exactly_as_often_as_its_tier_says(
    keyed: Callable[..., Person], clock: MovableClock, tier: str, limit: int
) -> None:
    key = keyed(tier)
    doors = [Person(key.http.application.test_client(), key.headers) for _ in range(8)]
    _start_of_a_window(clock)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda number: doors[number % 8].get("/plugins"), range(limit + 15)))
    statuses = [answer.status_code for answer in answers]
    assert (statuses.count(200), statuses.count(429)) == (limit, 15)
    assert {answer.headers["RateLimit-Policy"] for answer in answers} == {f'"key-{tier}";q={limit};w=60'}


def test_each_key_and_its_maker_are_counted_apart(
    keyed: Callable[..., Person], clock: MovableClock, owner: Person
) -> None:
    first, second = keyed(), keyed()
    _start_of_a_window(clock)
    assert [first.get("/plugins").status_code for _ in range(11)] == [200] * 10 + [429]
    assert second.get("/plugins").status_code == 200
    assert Person(first.http, owner.headers).get("/plugins").headers["RateLimit"].startswith('"caller";r=4;')


def test_a_key_of_a_tier_that_is_no_more_has_the_standard_limit(keyed: Callable[..., Person], argus: Container) -> None:
    settings = replace(argus.settings, key_rate_limits={"standard": "7 per minute"})
    later = create_app(Container(settings, clock=argus.clock)).test_client()
    answer = Person(later, keyed("high").headers).get("/plugins")
    assert (answer.status_code, answer.headers["RateLimit-Policy"]) == (200, '"key-standard";q=7;w=60')


def test_a_limit_that_cannot_be_read_stops_the_start(argus: Container) -> None:
    settings = replace(argus.settings, key_rate_limits={"standard": "often"})
    with pytest.raises(ValueError, match="often"):
        create_app(Container(settings))


# ---------------------------------------------------------------- addresses


@pytest.fixture
def gateway(argus: Container) -> Callable[..., Callable[..., TestResponse]]:
    """Makes a Lambda whose addresses have 5 requests a minute; called with an address and headers."""
    container = Container(
        replace(argus.settings, ip_rate_limit="5 per minute"), clock=argus.clock, fetch_keys=argus.fetch_keys
    )

    def make() -> Callable[..., TestResponse]:
        client = create_app(container).test_client()

        def call(path: str, address: str, *, version: int = 1, **headers: str) -> TestResponse:
            seen = {"identity": {"sourceIp": address}} if version == 1 else {"http": {"sourceIp": address}}
            event = {"lambda.event": {"requestContext": seen}}
            return client.get(f"/api/v1{path}", headers=headers, environ_overrides=event)

        return call

    return make


def _address() -> str:
    """One that no other test has: their counters stand in the same table."""
    return str(ipaddress.ip_address(random.randrange(0x0A000000, 0x0B000000)))


@pytest.mark.parametrize("version", [1, 2])
def test_bad_credentials_are_counted_for_the_address_the_gateway_saw(
    gateway: Callable[..., Any], clock: MovableClock, version: int
) -> None:
    _start_of_a_window(clock)
    call, address = gateway(), _address()
    forged = [{"X-Forwarded-For": f"203.0.113.{n}, 203.0.113.{n}", "Authorization": "Bearer x"} for n in range(7)]
    statuses = [call("/me", address, version=version, **headers).status_code for headers in forged]
    assert statuses == [401] * 5 + [429] * 2
    assert call("/me", _address(), version=version, Authorization="Bearer x").status_code == 401


@pytest.mark.parametrize("shown", [{}, {"Authorization": "Bearer guess"}, {"X-API-Key": "guess"}], ids=str)
def test_an_address_that_has_spent_its_quota_is_refused_without_a_write(
    gateway: Callable[..., Any], clock: MovableClock, monkeypatch: pytest.MonkeyPatch, shown: dict[str, str]
) -> None:
    _start_of_a_window(clock)
    call, address = gateway(), _address()
    for _ in range(6):
        call("/sign-in", address)
    with monkeypatch.context() as patch:
        patch.setattr(Table, "count", lambda *_, **__: pytest.fail("the table was asked"))
        refused, public = call("/me", address, **shown), call("/sign-in", address, **shown)
    assert {(answer.status_code, answer.get_json()["code"]) for answer in (refused, public)} == {
        (429, "too_many_requests")
    }
    assert refused.headers["RateLimit"].startswith('"address";r=0;t=')
    clock.move(seconds=int(refused.headers["Retry-After"]))
    assert [call(path, address, **shown).status_code for path in ("/me", "/sign-in")] == [401, 200]


def test_who_is_known_is_not_shut_out_by_others_of_the_same_address(
    gateway: Callable[..., Any], clock: MovableClock, owner: Person
) -> None:
    key = owner.post("/api-keys", {"name": "n", "scopes": ["plugins:read"]}).get_json()["key"]
    _start_of_a_window(clock)
    call, address = gateway(), _address()
    anonymous = [call(path, address).status_code for path in ("/sign-in", "/me") * 5]
    assert anonymous == [200, 401, 200, 401, 200] + [429] * 5
    answers = [call("/me", address, **owner.headers), call("/plugins", address, **{"X-API-Key": key})]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert [answer.headers["RateLimit"].split(";")[0] for answer in answers] == ['"caller"', '"key-standard"']


def test_keys_that_are_refused_are_counted_for_their_address(gateway: Callable[..., Any], clock: MovableClock) -> None:
    _start_of_a_window(clock)
    call, address = gateway(), _address()
    unknown = key_text.compose(Ids().new("key"), Ids().new("org"), 5)
    guesses: list[dict[str, str]] = [{"X-API-Key": text} for text in ("", "x", unknown)]
    guesses.append({"X-API-Key": unknown, "Authorization": "Bearer x"})
    statuses = [call("/plugins", address, **headers).status_code for headers in [*guesses, {}, *guesses]]
    assert statuses == [401] * 5 + [429] * 4


@pytest.mark.usefixtures("racing")
def test_eight_lambdas_at_once_let_an_address_guess_exactly_so_often(
    gateway: Callable[..., Any], clock: MovableClock
) -> None:
    _start_of_a_window(clock)
    doors, address = [gateway() for _ in range(8)], _address()
    with ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(lambda n: doors[n % 8]("/sign-in", address).status_code, range(20)))
    assert (statuses.count(200), statuses.count(429)) == (5, 15)


def test_callers_are_not_counted_for_their_address(
    gateway: Callable[..., Any], clock: MovableClock, owner: Person
) -> None:
    _start_of_a_window(clock)
    call, address = gateway(), _address()
    assert {call("/me", address, **owner.headers).status_code for _ in range(8)} == {200}


def test_addresses_of_one_ipv6_network_count_together(gateway: Callable[..., Any], clock: MovableClock) -> None:
    _start_of_a_window(clock)
    call, network = gateway(), f"2001:db8:{random.randrange(65536):x}:{random.randrange(65536):x}"
    statuses = [call("/sign-in", f"{network}::{host:x}").status_code for host in range(6)]
    assert statuses == [200] * 5 + [429]
    assert call("/sign-in", "::ffff:" + _address()).status_code == 200, "mapped addresses are IPv4, not one network"


def test_the_document_tells_the_limits(argus: Container) -> None:
    settings = replace(argus.settings, rate_limit="25 per minute", ip_rate_limit="100 per 2 hours")
    client = create_app(Container(settings)).test_client()
    document = client.get("/api/v1/openapi.json").get_json()
    assert document["info"]["x-ratelimit"] == {
        "caller": {"quota": 25, "window_seconds": 60},
        "key-standard": {"quota": 1200, "window_seconds": 60},
        "key-high": {"quota": 6000, "window_seconds": 60},
        "address": {"quota": 100, "window_seconds": 7200},
    }
    me = document["paths"]["/api/v1/me"]["get"]
    assert (me["x-ratelimit"], {"RateLimit", "RateLimit-Policy"} <= set(me["responses"]["200"]["headers"])) == (
        "caller",
        True,
    )
    assert "Retry-After" in document["components"]["responses"]["TOO_MANY_REQUESTS"]["headers"]
