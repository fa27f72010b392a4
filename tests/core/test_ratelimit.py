"""Rate limits that hold across Lambdas."""

import random
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from werkzeug.test import TestResponse

from argus.app import create_app
from argus.container import Container
from argus.core.dynamo import Table
from argus.core.ids import Ids
from argus.core.ratelimit import Limits
from argus.identity import key_text
from argus.identity.tokens import KeysUnavailable
from tests.conftest import MovableClock, Person, random_address


@pytest.fixture
def limited(argus: Container, owner: Person) -> Callable[[], Person]:
    """Creates the owner as a client of another Lambda: a separate container with 25 requests per minute."""
    settings = replace(argus.settings, rate_limit="25 per minute")

    def make() -> Person:
        container = Container(settings, clock=argus.clock, fetch_keys=argus.fetch_keys)
        return Person(create_app(container).test_client(), owner.headers)

    return make


@pytest.mark.usefixtures("racing")
def test_eight_concurrent_lambdas_admit_exactly_the_limit(limited: Callable[[], Person], clock: MovableClock) -> None:
    clock.start_window()
    clients = [limited() for _ in range(8)]
    with ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(lambda number: clients[number % 8].get("/plugins").status_code, range(40)))
    assert (statuses.count(200), statuses.count(429)) == (25, 15)


def test_a_rejected_caller_is_admitted_after_retry_after(limited: Callable[[], Person], clock: MovableClock) -> None:
    clock.start_window()
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
    clock.start_window()
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
    clock.start_window()
    person = limited()
    responses = [person.get("/plugins") for _ in range(2)]
    assert {response.headers["RateLimit-Policy"] for response in responses} == {'"caller";q=25;w=60'}
    matches = [re.fullmatch(r'"caller";r=(\d+);t=(\d+)', response.headers["RateLimit"]) for response in responses]
    assert [int(match[1]) for match in matches if match] == [24, 23]
    assert all(50 <= int(match[2]) <= 60 for match in matches if match)


def test_a_request_costs_one_write_and_no_read_for_its_limit(
    limited: Callable[[], Person], clock: MovableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock.start_window()
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
    clock.start_window()
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
    clock.start_window()
    with ThreadPoolExecutor(8) as pool:
        responses = list(pool.map(lambda number: clients[number % 8].get("/plugins"), range(limit + 15)))
    statuses = [response.status_code for response in responses]
    assert (statuses.count(200), statuses.count(429)) == (limit, 15)
    assert {response.headers["RateLimit-Policy"] for response in responses} == {f'"key-{tier}";q={limit};w=60'}


def test_each_key_and_its_creator_are_counted_separately(
    keyed: Callable[..., Person], clock: MovableClock, owner: Person
) -> None:
    first, second = keyed(), keyed()
    clock.start_window()
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
    settings = replace(argus.settings, ip_rate_limit="5 per minute")

    def make() -> Callable[..., TestResponse]:
        container = Container(settings, clock=argus.clock, fetch_keys=argus.fetch_keys)
        client = create_app(container).test_client()

        def call(path: str, address: str, *, version: int = 1, **headers: str) -> TestResponse:
            seen = {"identity": {"sourceIp": address}} if version == 1 else {"http": {"sourceIp": address}}
            event = {"lambda.event": {"requestContext": seen}}
            return client.get(f"/api/v1{path}", headers=headers, environ_overrides=event)

        return call

    return make


@pytest.mark.parametrize("version", [1, 2])
def test_invalid_credentials_are_counted_for_the_address_from_the_gateway(
    gateway: Callable[..., Any], clock: MovableClock, version: int
) -> None:
    clock.start_window()
    call, address = gateway(), random_address()
    forged = [{"X-Forwarded-For": f"203.0.113.{n}, 203.0.113.{n}", "Authorization": "Bearer x"} for n in range(7)]
    statuses = [call("/me", address, version=version, **headers).status_code for headers in forged]
    assert statuses == [401] * 5 + [429] * 2
    assert call("/me", random_address(), version=version, Authorization="Bearer x").status_code == 401


@pytest.mark.parametrize("credentials", [{}, {"Authorization": "Bearer guess"}, {"X-API-Key": "guess"}], ids=str)
def test_an_address_over_its_quota_is_rejected_without_a_write(
    gateway: Callable[..., Any], clock: MovableClock, monkeypatch: pytest.MonkeyPatch, credentials: dict[str, str]
) -> None:
    clock.start_window()
    call, address = gateway(), random_address()
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
    clock.start_window()
    call, address = gateway(), random_address()
    anonymous = [call(path, address).status_code for path in ("/sign-in", "/me") * 5]
    assert anonymous == [200, 401, 200, 401, 200] + [429] * 5
    responses = [call("/me", address, **owner.headers), call("/plugins", address, **{"X-API-Key": key})]
    assert [response.status_code for response in responses] == [200, 200]
    assert [response.headers["RateLimit"].split(";")[0] for response in responses] == ['"caller"', '"key-standard"']


def test_invalid_keys_are_counted_for_their_address(gateway: Callable[..., Any], clock: MovableClock) -> None:
    clock.start_window()
    call, address = gateway(), random_address()
    unknown = key_text.compose(Ids().new("key"), Ids().new("org"), 5)
    guesses: list[dict[str, str]] = [{"X-API-Key": text} for text in ("", "x", unknown)]
    guesses.append({"X-API-Key": unknown, "Authorization": "Bearer x"})
    statuses = [call("/plugins", address, **headers).status_code for headers in [*guesses, {}, *guesses]]
    assert statuses == [401] * 5 + [429] * 4


@pytest.mark.usefixtures("racing")
def test_eight_concurrent_lambdas_admit_exactly_the_limit_of_an_address(
    gateway: Callable[..., Any], clock: MovableClock
) -> None:
    clock.start_window()
    clients, address = [gateway() for _ in range(8)], random_address()
    with ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(lambda n: clients[n % 8]("/sign-in", address).status_code, range(20)))
    assert (statuses.count(200), statuses.count(429)) == (5, 15)


def test_callers_are_not_counted_for_their_address(
    gateway: Callable[..., Any], clock: MovableClock, owner: Person
) -> None:
    clock.start_window()
    call, address = gateway(), random_address()
    assert {call("/me", address, **owner.headers).status_code for _ in range(8)} == {200}


def test_addresses_of_one_ipv6_network_count_together(gateway: Callable[..., Any], clock: MovableClock) -> None:
    clock.start_window()
    call, network = gateway(), f"2001:db8:{random.randrange(65536):x}:{random.randrange(65536):x}"
    statuses = [call("/sign-in", f"{network}::{host:x}").status_code for host in range(6)]
    assert statuses == [200] * 5 + [429]
    assert call("/sign-in", "::ffff:" + random_address()).status_code == 200, "a mapped address is IPv4"


# ---------------------------------------------------------------- what is counted

JSON = {"Content-Type": "application/json"}
UPLOAD = {"files": [{"name": "a.jpg", "size": 10, "content_type": "image/jpeg"}]}
Send = Callable[[Person], TestResponse]

# Flask answers these before authentication, or they must not depend on the table.
NOT_COUNTED: dict[str, tuple[int, Send]] = {
    "unknown path": (404, lambda person: person.get("/nothing")),
    "slash at the end": (404, lambda person: person.get("/images/")),
    "unknown method": (405, lambda person: person.call("PATCH", "/images")),
    "OPTIONS": (200, lambda person: person.call("OPTIONS", "/images")),
    "preflight": (
        200,
        lambda person: person.call("OPTIONS", "/images", headers={"Access-Control-Request-Method": "GET"}),
    ),
    "NUL in the path": (400, lambda person: person.get("/images/%00")),
    "health": (200, lambda person: person.http.get("/health")),
    "explorer": (200, lambda person: person.http.get("/docs")),
}
# Everything else is counted before it is examined.
COUNTED: dict[str, tuple[int, Send]] = {
    "success": (200, lambda person: person.get("/plugins")),
    "HEAD": (200, lambda person: person.call("HEAD", "/plugins")),
    "unknown resource": (404, lambda person: person.get("/images/img_00000000000000000000000000")),
    "unknown query parameter": (422, lambda person: person.get("/plugins?colour=red")),
    "repeated query parameter": (422, lambda person: person.get("/images?limit=1&limit=2")),
    "invalid field": (422, lambda person: person.post("/uploads", {})),
    "body of another type": (415, lambda person: person.call("POST", "/uploads", data=b"x")),
    "malformed body": (400, lambda person: person.call("POST", "/uploads", data=b"{", headers=JSON)),
    "body over a mebibyte": (
        413,
        lambda person: person.call("POST", "/uploads", data=b" " * (1024 * 1024 + 1), headers=JSON),
    ),
}


@pytest.mark.parametrize(("status", "send"), NOT_COUNTED.values(), ids=NOT_COUNTED.keys())
@pytest.mark.parametrize("credentials", [True, False], ids=["caller", "anonymous"])
def test_a_request_that_reaches_no_limited_route_is_not_counted(
    limited: Callable[[], Person], status: int, send: Send, credentials: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = limited() if credentials else Person(limited().http, {})
    monkeypatch.setattr(Table, "increment", lambda *_, **__: pytest.fail("the table was called"))
    response = send(person)
    assert (response.status_code, "RateLimit" in response.headers) == (status, False)


@pytest.mark.parametrize(("status", "send"), COUNTED.values(), ids=COUNTED.keys())
def test_a_request_of_a_caller_is_counted_even_if_it_fails(
    limited: Callable[[], Person], clock: MovableClock, status: int, send: Send
) -> None:
    clock.start_window()
    person = limited()
    assert person.get("/plugins").headers["RateLimit"].startswith('"caller";r=24;')
    response = send(person)
    assert (response.status_code, response.headers["RateLimit"].split(";")[1]) == (status, "r=23")


def test_a_replayed_response_is_counted_again(limited: Callable[[], Person], clock: MovableClock) -> None:
    clock.start_window()
    person, key = limited(), {"Idempotency-Key": "counted"}
    responses = [person.post("/uploads", UPLOAD, headers=key) for _ in range(2)]
    assert [response.headers.get("Idempotent-Replayed") for response in responses] == [None, "true"]
    assert [response.headers["RateLimit"].split(";")[1] for response in responses] == ["r=24", "r=23"]


def test_a_token_whose_issuer_does_not_respond_counts_against_the_address(
    limited: Callable[[], Person], monkeypatch: pytest.MonkeyPatch
) -> None:
    def hang(*_: Any) -> None:
        raise KeysUnavailable("the issuer does not respond")

    monkeypatch.setattr("argus.identity.service.Identity.authenticate", hang)
    response = limited().get("/plugins")
    assert response.status_code == 503
    assert response.headers["RateLimit"].startswith('"address";')


@pytest.mark.parametrize("route", ["/sign-in?colour=red", "/sign-in", "/openapi.json?colour=red"])
def test_a_public_route_is_counted_even_if_the_request_is_invalid(
    gateway: Callable[..., Any], clock: MovableClock, route: str
) -> None:
    clock.start_window()
    assert gateway()(route, random_address()).headers["RateLimit"].startswith('"address";r=4;')


def test_windows_begin_at_full_minutes_of_our_clock(argus: Container) -> None:
    """A client that waits for the boundary is admitted twice its quota within a moment."""
    now = datetime(2026, 11, 30, 12, 0, 59, 900_000, tzinfo=UTC)
    limits = Limits.make(
        table=argus.table("requests"),
        clock=lambda: now,
        per_caller="9 per minute",
        per_address="1 per minute",
        per_key={"standard": "9 per minute"},
    )
    address, exceeded = random_address(), []
    for seconds in (0, 0, 0.1, 59.9, 0.1):
        now += timedelta(seconds=seconds)
        status = limits.count_address(address)
        exceeded.append(status is not None and status.exceeded)
    assert exceeded == [False, True, False, True, False]


# ---------------------------------------------------------------- the document


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
