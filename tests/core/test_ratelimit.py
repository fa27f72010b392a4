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
    """Creates the owner as a client of another Lambda: a separate app with 25 requests per minute."""
    container = Container(
        replace(argus.settings, rate_limit="25 per minute"), clock=argus.clock, fetch_keys=argus.fetch_keys
    )
    return lambda: Person(create_app(container).test_client(), owner.headers)


def _start_of_a_window(clock: MovableClock) -> None:
    clock.move(seconds=60 - clock().timestamp() % 60 + 0.5)


@pytest.mark.usefixtures("racing")
def test_eight_concurrent_lambdas_admit_exactly_the_limit(limited: Callable[[], Person], clock: MovableClock) -> None:
    _start_of_a_window(clock)
    clients = [limited() for _ in range(8)]
    with ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(lambda number: clients[number % 8].get("/plugins").status_code, range(40)))
    assert (statuses.count(200), statuses.count(429)) == (25, 15)


def test_a_rejected_caller_is_admitted_after_retry_after(limited: Callable[[], Person], clock: MovableClock) -> None:
    _start_of_a_window(clock)
    person = limited()
    rejected = [person.get("/plugins") for _ in range(26)][-1]
    assert (rejected.status_code, rejected.content_type) == (429, "application/problem+json")
    assert rejected.get_json()["code"] == "too_many_requests"
    assert 50 <= int(rejected.headers["Retry-After"]) <= 61
    clock.move(seconds=int(rejected.headers["Retry-After"]))
    assert person.get("/plugins").status_code == 200


def test_each_caller_has_a_limit_of_their_own(
    limited: Callable[[], Person], stranger: Person, clock: MovableClock
) -> None:
    _start_of_a_window(clock)
    person = limited()
    assert [person.get("/plugins").status_code for _ in range(26)][-1] == 429
    assert Person(person.http, stranger.headers).get("/plugins").status_code == 200


def test_without_the_counter_requests_are_admitted_and_logged(
    limited: Callable[[], Person], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    person = limited()

    def broken(*_: Any, **__: Any) -> int:
        raise ConnectionError("no table")

    monkeypatch.setattr(Table, "increment", broken)
    assert person.get("/plugins").status_code == 200
    assert "rate limit" in caplog.text.lower()


# ---------------------------------------------------------------- headers


def test_a_response_states_the_remaining_requests_and_the_end_of_the_window(
    limited: Callable[[], Person], clock: MovableClock
) -> None:
    _start_of_a_window(clock)
    person = limited()
    responses = [person.get("/plugins") for _ in range(2)]
    assert {response.headers["RateLimit-Policy"] for response in responses} == {'"caller";q=25;w=60'}
    matches = [re.fullmatch(r'"caller";r=(\d+);t=(\d+)', response.headers["RateLimit"]) for response in responses]
    assert [int(match[1]) for match in matches if match] == [24, 23]
    assert all(50 <= int(match[2]) <= 60 for match in matches if match)


def test_a_request_costs_one_write_and_no_read_for_its_limit(
    limited: Callable[[], Person], clock: MovableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    _start_of_a_window(clock)
    person, calls = limited(), []
    for verb in ("get", "increment", "put", "update"):
        kept = getattr(Table, verb)

        def counted(table: Table, *args: Any, _kept: Any = kept, _verb: str = verb, **kwargs: Any) -> Any:
            if table.name.endswith("-requests"):
                calls.append(_verb)
            return _kept(table, *args, **kwargs)

        monkeypatch.setattr(Table, verb, counted)
    statuses = [person.get("/plugins").status_code for _ in range(26)]
    assert (statuses.count(429), calls) == (1, ["increment"] * 26), "a rejected request reads nothing either"


def test_a_request_without_the_scope_is_counted(
    limited: Callable[[], Person], viewer: Person, clock: MovableClock
) -> None:
    _start_of_a_window(clock)
    client = Person(limited().http, viewer.headers)
    statuses = [client.post("/scans", {}).status_code for _ in range(26)]
    assert statuses == [403] * 25 + [429]


# ---------------------------------------------------------------- API keys


@pytest.fixture
def keyed(argus: Container, owner: Person) -> Callable[..., Person]:
    """Creates a key, as a client of another Lambda with 10 requests per minute for standard and 25 for high."""
    limits = {"standard": "10 per minute", "high": "25 per minute"}
    container = Container(
        replace(argus.settings, key_rate_limits=limits, rate_limit="5 per minute"),
        clock=argus.clock,
        fetch_keys=argus.fetch_keys,
    )
    argus.keys.allow(owner.organisation_id, "high")

    def make(tier: str = "standard") -> Person:
        body = {"name": "n", "scopes": ["plugins:read"], "tier": tier}
        key = owner.post("/api-keys", body).get_json()["key"]
        return Person(create_app(container).test_client(), {"X-API-Key": key})

    return make


@pytest.mark.usefixtures("racing")
@pytest.mark.parametrize(("tier", "limit"), [("standard", 10), ("high", 25)])
def test_eight_concurrent_threads_with_one_key_are_admitted_exactly_to_the_limit_of_its_tier(
    keyed: Callable[..., Person], clock: MovableClock, tier: str, limit: int
) -> None:
    key = keyed(tier)
    clients = [Person(key.http.application.test_client(), key.headers) for _ in range(8)]
    _start_of_a_window(clock)
    with ThreadPoolExecutor(8) as pool:
        responses = list(pool.map(lambda number: clients[number % 8].get("/plugins"), range(limit + 15)))
    statuses = [response.status_code for response in responses]
    assert (statuses.count(200), statuses.count(429)) == (limit, 15)
    assert {response.headers["RateLimit-Policy"] for response in responses} == {f'"key-{tier}";q={limit};w=60'}


def test_each_key_and_its_creator_are_counted_separately(
    keyed: Callable[..., Person], clock: MovableClock, owner: Person
) -> None:
    first, second = keyed(), keyed()
    _start_of_a_window(clock)
    assert [first.get("/plugins").status_code for _ in range(11)] == [200] * 10 + [429]
    assert second.get("/plugins").status_code == 200
    assert Person(first.http, owner.headers).get("/plugins").headers["RateLimit"].startswith('"caller";r=4;')


def test_a_key_of_a_removed_tier_has_the_standard_limit(keyed: Callable[..., Person], argus: Container) -> None:
    settings = replace(argus.settings, key_rate_limits={"standard": "7 per minute"})
    later = create_app(Container(settings, clock=argus.clock)).test_client()
    response = Person(later, keyed("high").headers).get("/plugins")
    assert (response.status_code, response.headers["RateLimit-Policy"]) == (200, '"key-standard";q=7;w=60')


def test_an_invalid_limit_is_rejected_at_start(argus: Container) -> None:
    settings = replace(argus.settings, key_rate_limits={"standard": "often"})
    with pytest.raises(ValueError, match="often"):
        create_app(Container(settings))


# ---------------------------------------------------------------- addresses


@pytest.fixture
def gateway(argus: Container) -> Callable[..., Callable[..., TestResponse]]:
    """Creates a Lambda with 5 requests per minute and address; call it with a path, an address and headers."""
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
    """A random address: the counters of all tests are in the same table."""
    return str(ipaddress.ip_address(random.randrange(0x0A000000, 0x0B000000)))


@pytest.mark.parametrize("version", [1, 2])
def test_invalid_credentials_are_counted_for_the_address_from_the_gateway(
    gateway: Callable[..., Any], clock: MovableClock, version: int
) -> None:
    _start_of_a_window(clock)
    call, address = gateway(), _address()
    forged = [{"X-Forwarded-For": f"203.0.113.{n}, 203.0.113.{n}", "Authorization": "Bearer x"} for n in range(7)]
    statuses = [call("/me", address, version=version, **headers).status_code for headers in forged]
    assert statuses == [401] * 5 + [429] * 2
    assert call("/me", _address(), version=version, Authorization="Bearer x").status_code == 401


@pytest.mark.parametrize("credentials", [{}, {"Authorization": "Bearer guess"}, {"X-API-Key": "guess"}], ids=str)
def test_an_address_over_its_quota_is_rejected_without_a_write(
    gateway: Callable[..., Any], clock: MovableClock, monkeypatch: pytest.MonkeyPatch, credentials: dict[str, str]
) -> None:
    _start_of_a_window(clock)
    call, address = gateway(), _address()
    for _ in range(6):
        call("/sign-in", address)
    with monkeypatch.context() as patch:
        patch.setattr(Table, "increment", lambda *_, **__: pytest.fail("the table was called"))
        rejected, public = call("/me", address, **credentials), call("/sign-in", address, **credentials)
    assert {(response.status_code, response.get_json()["code"]) for response in (rejected, public)} == {
        (429, "too_many_requests")
    }
    assert rejected.headers["RateLimit"].startswith('"address";r=0;t=')
    clock.move(seconds=int(rejected.headers["Retry-After"]))
    assert [call(path, address, **credentials).status_code for path in ("/me", "/sign-in")] == [401, 200]


def test_an_authenticated_caller_is_not_limited_by_others_with_the_same_address(
    gateway: Callable[..., Any], clock: MovableClock, owner: Person
) -> None:
    key = owner.post("/api-keys", {"name": "n", "scopes": ["plugins:read"]}).get_json()["key"]
    _start_of_a_window(clock)
    call, address = gateway(), _address()
    anonymous = [call(path, address).status_code for path in ("/sign-in", "/me") * 5]
    assert anonymous == [200, 401, 200, 401, 200] + [429] * 5
    responses = [call("/me", address, **owner.headers), call("/plugins", address, **{"X-API-Key": key})]
    assert [response.status_code for response in responses] == [200, 200]
    assert [response.headers["RateLimit"].split(";")[0] for response in responses] == ['"caller"', '"key-standard"']


def test_invalid_keys_are_counted_for_their_address(gateway: Callable[..., Any], clock: MovableClock) -> None:
    _start_of_a_window(clock)
    call, address = gateway(), _address()
    unknown = key_text.compose(Ids().new("key"), Ids().new("org"), 5)
    guesses: list[dict[str, str]] = [{"X-API-Key": text} for text in ("", "x", unknown)]
    guesses.append({"X-API-Key": unknown, "Authorization": "Bearer x"})
    statuses = [call("/plugins", address, **headers).status_code for headers in [*guesses, {}, *guesses]]
    assert statuses == [401] * 5 + [429] * 4


@pytest.mark.usefixtures("racing")
def test_eight_concurrent_lambdas_admit_exactly_the_limit_of_an_address(
    gateway: Callable[..., Any], clock: MovableClock
) -> None:
    _start_of_a_window(clock)
    clients, address = [gateway() for _ in range(8)], _address()
    with ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(lambda n: clients[n % 8]("/sign-in", address).status_code, range(20)))
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


def test_the_document_contains_the_limits(argus: Container) -> None:
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
