"""The entry point of the WebSocket API, with events as API Gateway sends them, and through the emulated gateway."""

import base64
import json
import logging
import random
from collections.abc import Iterator, Mapping
from typing import Any

import httpx
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Origin, Subprotocol

from argus.app import create_app
from argus.container import Container
from argus.core.dynamo import Table
from argus.identity.tokens import KeysUnavailable
from argus.notify.service import MAX_CONNECTIONS_PER_USER
from infra.embedded.aws import PortInUse
from services.local import events
from services.local import sockets as gateway
from services.local.sockets import Sockets
from services.realtime import main as realtime
from services.realtime.main import UnknownEvent
from tests.conftest import ORIGIN, Issuer, MovableClock, Person, random_address
from tests.notify.listening import connect
from tests.services import queue_events

PING = '{"action": "ping"}'


@pytest.fixture(autouse=True)
def _here(argus: Container, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(realtime, "container", lambda: argus)


@pytest.fixture
def token(owner: Person) -> str:
    return owner.headers["Authorization"].removeprefix("Bearer ")


def open_connection(connection: str = "one=", **headers: str) -> dict[str, Any]:
    return send_headers({name.replace("_", "-"): value for name, value in headers.items()}, connection)


def send_headers(headers: Mapping[str, str | list[str]], connection: str = "one=") -> dict[str, Any]:
    return realtime.handler(events.socket("$connect", connection, headers=headers), None)


def connections(argus: Container, person: Person) -> list[str]:
    return [connection.id for connection in argus.notify.store.of(person.organisation_id)]


def code_of(response: dict[str, Any]) -> str:
    return str(json.loads(response["body"])["code"])


# ---------------------------------------------------------------- connecting


@pytest.mark.parametrize("header", ["Sec-WebSocket-Protocol", "sec-websocket-protocol"])
def test_a_token_as_a_subprotocol_is_accepted_and_not_returned(
    argus: Container, owner: Person, token: str, header: str
) -> None:
    offered = {header: f"argus.v1, bearer.{token}"}
    assert open_connection(**offered) == {"statusCode": 200, "headers": {"Sec-WebSocket-Protocol": "argus.v1"}}
    assert connections(argus, owner) == ["one="]


def test_a_token_in_a_header_is_accepted(argus: Container, owner: Person, token: str) -> None:
    assert open_connection(Authorization=f"Bearer {token}") == {"statusCode": 200, "headers": {}}
    assert connections(argus, owner) == ["one="]


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({"Authorization": ["Bearer {0}", "Bearer {0}"]}, id="twice"),
        pytest.param({"Authorization": ["Bearer bad"], "authorization": ["Bearer {0}"]}, id="in two spellings"),
        pytest.param(
            {"Authorization": ["Bearer {0}"], "Sec-WebSocket-Protocol": ["argus.v1, bearer.bad"]}, id="in both headers"
        ),
        pytest.param({"Sec-WebSocket-Protocol": ["argus.v1, bearer.{0}, bearer.bad"]}, id="two subprotocols"),
        pytest.param({"Sec-WebSocket-Protocol": ["argus.v1, bearer."]}, id="empty"),
        pytest.param({"Authorization": ["Basic {0}"]}, id="another scheme"),
    ],
)
def test_a_handshake_needs_exactly_one_token(
    argus: Container, owner: Person, token: str, headers: dict[str, list[str]]
) -> None:
    response = send_headers({name: [each.format(token) for each in values] for name, values in headers.items()})
    assert (response["statusCode"], code_of(response)) == (401, "no_socket_token")
    assert connections(argus, owner) == []


def test_subprotocols_may_be_offered_in_several_headers(token: str) -> None:
    assert send_headers({"Sec-WebSocket-Protocol": ["argus.v1", f"bearer.{token}"]})["statusCode"] == 200


@pytest.mark.parametrize("order", [1, -1])
def test_every_origin_must_be_allowed(token: str, order: int) -> None:
    origins = [ORIGIN, "https://evil.example"][::order]
    response = send_headers({"Origin": origins, "Authorization": f"Bearer {token}"})
    assert (response["statusCode"], code_of(response)) == (403, "foreign_origin")


def test_a_token_in_the_url_is_ignored(argus: Container, owner: Person, token: str) -> None:
    event = {**events.socket("$connect", "one="), "queryStringParameters": {"token": token, "access_token": token}}
    assert realtime.handler(event, None)["statusCode"] == 401
    assert connections(argus, owner) == []


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({}, "no_socket_token"),
        ({"Authorization": "Bearer "}, "no_socket_token"),
        ({"Authorization": "Basic abc"}, "no_socket_token"),
        ({"Authorization": "Bearer nonsense"}, "invalid_token"),
        ({"Sec-WebSocket-Protocol": "argus.v1"}, "no_socket_token"),
        ({"Sec-WebSocket-Protocol": "argus.v1, bearer."}, "no_socket_token"),
        ({"Sec-WebSocket-Protocol": "argus.v1, bearer.a.b.c"}, "invalid_token"),
        ({"Sec-WebSocket-Protocol": "argus.v1, bearer." + "x" * 9000}, "invalid_token"),
    ],
    ids=[
        "no headers",
        "no token",
        "another scheme",
        "not a JWT",
        "no subprotocol with a token",
        "an empty token",
        "no signature",
        "too long",
    ],
)
def test_a_missing_or_invalid_token_is_rejected(headers: dict[str, str], code: str) -> None:
    response = open_connection(**headers)
    assert (response["statusCode"], code_of(response)) == (401, code)


def test_an_expired_token_is_rejected(issuer: Issuer) -> None:
    assert open_connection(Authorization=f"Bearer {issuer.token('late', exp=1)}")["statusCode"] == 401


def test_an_unknown_protocol_is_rejected(token: str) -> None:
    response = open_connection(Sec_WebSocket_Protocol=f"chat, bearer.{token}")
    assert (response["statusCode"], code_of(response)) == (400, "unknown_protocol")


def test_pages_of_other_origins_are_rejected(argus: Container, owner: Person, token: str) -> None:
    bearer = f"Bearer {token}"
    assert open_connection(Authorization=bearer, Origin=ORIGIN)["statusCode"] == 200
    response = open_connection("two=", Authorization=bearer, Origin="https://evil.example")
    assert (response["statusCode"], code_of(response)) == (403, "foreign_origin")
    assert connections(argus, owner) == ["one="]


def test_a_connection_above_the_limit_gets_retry_after(token: str) -> None:
    bearer = f"Bearer {token}"
    assert {open_connection(f"{n}=", Authorization=bearer)["statusCode"] for n in range(MAX_CONNECTIONS_PER_USER)} == {
        200
    }
    response = open_connection("more=", Authorization=bearer)
    assert (response["statusCode"], code_of(response)) == (429, "too_many_connections")
    assert response["headers"]["Retry-After"] == "60"


def test_connect_and_disconnect_are_idempotent(argus: Container, owner: Person, token: str) -> None:
    for _ in range(2):
        assert open_connection(Authorization=f"Bearer {token}")["statusCode"] == 200
        assert connections(argus, owner) == ["one="]
    for _ in range(2):
        assert realtime.handler(events.socket("$disconnect", "one="), None) == {"statusCode": 200}
        assert connections(argus, owner) == []


# ---------------------------------------------------------------- rate limits


@pytest.fixture
def limited(argus: Container, clock: MovableClock, monkeypatch: pytest.MonkeyPatch) -> Container:
    """The function with three handshakes per minute, for each user and each address, at the start of a minute."""
    settings = argus.settings.changed(ARGUS_RATE_LIMIT="3 per minute", ARGUS_IP_RATE_LIMIT="3 per minute")
    container = Container(settings, clock=argus.clock, fetch_keys=argus.fetch_keys)
    monkeypatch.setattr(realtime, "container", lambda: container)
    clock.start_window()
    return container


def handshake(address: str, connection: str = "one=", **headers: str) -> dict[str, Any]:
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    return realtime.handler(events.socket("$connect", connection, headers=sent, source_ip=address), None)


REJECTED = {
    "no token": ({}, 401),
    "invalid token": ({"Authorization": "Bearer guess"}, 401),
    "another origin": ({"Origin": "https://evil.example"}, 403),
    "unknown protocol": ({"Sec-WebSocket-Protocol": "chat"}, 400),
}


@pytest.mark.parametrize(("headers", "status"), REJECTED.values(), ids=REJECTED.keys())
@pytest.mark.usefixtures("limited")
def test_a_rejected_handshake_is_counted_for_its_address(
    headers: dict[str, str], status: int, clock: MovableClock
) -> None:
    address = random_address()
    assert [handshake(address, **headers)["statusCode"] for _ in range(3)] == [status] * 3
    rejected = handshake(address, **headers)
    assert (rejected["statusCode"], code_of(rejected)) == (429, "too_many_requests")
    assert handshake(random_address(), **headers)["statusCode"] == status
    clock.move(seconds=int(rejected["headers"]["Retry-After"]))
    assert handshake(address, **headers)["statusCode"] == status


@pytest.mark.usefixtures("limited")
def test_an_accepted_handshake_is_counted_for_its_caller(token: str, clock: MovableClock, stranger: Person) -> None:
    bearer = f"Bearer {token}"
    assert {handshake(random_address(), Authorization=bearer)["statusCode"] for _ in range(3)} == {200}
    rejected = handshake(random_address(), Authorization=bearer)
    assert (rejected["statusCode"], code_of(rejected)) == (429, "too_many_requests")
    assert handshake(random_address(), "two=", **stranger.headers)["statusCode"] == 200
    clock.move(seconds=int(rejected["headers"]["Retry-After"]))
    assert handshake(random_address(), Authorization=bearer)["statusCode"] == 200


def test_handshakes_and_requests_share_their_counters(limited: Container, owner: Person) -> None:
    http, address = create_app(limited).test_client(), random_address()
    event = {"lambda.event": {"requestContext": {"identity": {"sourceIp": address}}}}
    guess = {"Authorization": "Bearer guess"}
    assert handshake(address, **guess)["statusCode"] == 401
    statuses = [http.get("/api/v1/me", headers=guess, environ_overrides=event).status_code for _ in range(3)]
    assert (statuses, handshake(address, **guess)["statusCode"]) == ([401, 401, 429], 429)
    assert handshake(address, **owner.headers)["statusCode"] == 200
    assert Person(http, owner.headers).get("/plugins").headers["RateLimit"].startswith('"caller";r=1;')


@pytest.mark.usefixtures("limited")
def test_a_valid_token_is_accepted_from_an_address_over_its_quota(token: str) -> None:
    address = random_address()
    assert [handshake(address)["statusCode"] for _ in range(4)] == [401] * 3 + [429]
    assert handshake(address, Authorization=f"Bearer {token}")["statusCode"] == 200


@pytest.mark.usefixtures("limited")
def test_an_address_over_its_quota_is_rejected_without_a_write(monkeypatch: pytest.MonkeyPatch) -> None:
    address = random_address()
    for _ in range(4):
        handshake(address)
    monkeypatch.setattr(Table, "increment", lambda *_, **__: pytest.fail("the table was called"))
    assert handshake(address)["statusCode"] == 429


@pytest.mark.usefixtures("limited")
def test_addresses_of_one_ipv6_network_count_together() -> None:
    network = f"2001:db8:{random.randrange(65536):x}:{random.randrange(65536):x}"
    assert [handshake(f"{network}::{host}")["statusCode"] for host in range(4)] == [401] * 3 + [429]


@pytest.mark.usefixtures("limited")
def test_a_handshake_that_is_rejected_after_authentication_is_counted_for_the_caller(
    token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("argus.notify.service.MAX_CONNECTIONS_PER_USER", 0)
    codes = [code_of(handshake(random_address(), Authorization=f"Bearer {token}")) for _ in range(4)]
    assert codes == ["too_many_connections"] * 3 + ["too_many_requests"]


@pytest.mark.usefixtures("limited")
def test_a_handshake_is_admitted_when_it_cannot_be_counted(
    token: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    recorded: list[Any] = []

    def broken(*_: Any, **__: Any) -> int:
        raise ConnectionError("no table")

    monkeypatch.setattr(Table, "increment", broken)
    monkeypatch.setattr("argus.core.metrics.record", lambda values, *_: recorded.append(values))
    rejected, accepted = handshake(random_address()), handshake(random_address(), Authorization=f"Bearer {token}")
    assert (rejected["statusCode"], accepted["statusCode"]) == (401, 200)
    assert caplog.text.count("rate limit not counted, request admitted") == 2
    assert recorded.count({"rate_limit_unavailable": 1}) == 2


@pytest.mark.usefixtures("limited")
def test_a_handshake_whose_token_cannot_be_verified_is_not_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    def hang(*_: Any) -> None:
        raise KeysUnavailable("the issuer does not respond")

    monkeypatch.setattr("argus.identity.service.Identity.authenticate", hang)
    monkeypatch.setattr(Table, "increment", lambda *_, **__: pytest.fail("the table was called"))
    response = handshake(random_address(), Authorization="Bearer any")
    assert (response["statusCode"], response["headers"]["Retry-After"]) == (503, "5")


def test_messages_and_disconnects_are_not_counted(token: str, monkeypatch: pytest.MonkeyPatch) -> None:
    handshake(random_address(), Authorization=f"Bearer {token}")
    monkeypatch.setattr(Table, "increment", lambda *_, **__: pytest.fail("the table was called"))
    assert realtime.handler(events.socket("$default", "one=", body=PING), None)["statusCode"] == 200
    assert realtime.handler(events.socket("$disconnect", "one="), None)["statusCode"] == 200


@pytest.mark.usefixtures("limited")
def test_a_websocket_over_its_quota_does_not_open(sockets: Sockets, token: str) -> None:
    for number in range(3):
        handshake(random_address(), f"{number}=", Authorization=f"Bearer {token}")
    with pytest.raises(InvalidStatus) as error, connect(sockets.url, subprotocols=offer(token)):
        pass
    assert error.value.response.status_code == 429


# ---------------------------------------------------------------- messages


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (PING, {"type": "pong"}),
        ("", {"type": "error", "code": "unknown_message"}),
        ("ping", {"type": "error", "code": "unknown_message"}),
        ("[]", {"type": "error", "code": "unknown_message"}),
        ('{"action": "ping", "to": "all"}', {"type": "error", "code": "unknown_message"}),
        ("[" * 100_000, {"type": "error", "code": "unknown_message"}),
        (b"\x00\xff", {"type": "error", "code": "unknown_message"}),
    ],
    ids=["a ping", "nothing", "no JSON", "a list", "more than a ping", "nested without end", "bytes"],
)
def test_a_ping_gets_a_pong_and_other_messages_an_error(message: str | bytes, expected: dict[str, str]) -> None:
    response = realtime.handler(events.socket("$default", "one=", body=message), None)
    assert (response["statusCode"], json.loads(response["body"])) == (200, expected)


# ---------------------------------------------------------------- unknown events, and the log


@pytest.mark.parametrize(
    "event",
    [{}, [], "text", None, {"requestContext": {}}, {"requestContext": {"routeKey": "$connect"}},
     {"requestContext": {"routeKey": "chat", "connectionId": "one="}}, queue_events.tick(), queue_events.sqs("x"),
     events.rest("GET", "/health"), events.http("GET", "/health"), {"raw_command": "1"}],
    ids=["empty", "list", "text", "nothing", "no route", "no connection", "unknown route", "tick", "SQS", "REST",
         "HTTP", "command"],
)  # fmt: skip
def test_an_event_that_is_not_from_a_websocket_api_raises(event: Any) -> None:
    with pytest.raises(UnknownEvent):
        realtime.handler(event, None)


def test_an_event_is_logged_in_one_line_without_the_token(token: str, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "argus.realtime"):
        open_connection(Sec_WebSocket_Protocol=f"argus.v1, bearer.{token}")
        open_connection("two=")
    lines = [record for record in caplog.records if record.name == "argus.realtime"]
    assert [(vars(line)["route"], vars(line)["status"], vars(line)["connection"]) for line in lines] == [
        ("$connect", 200, "one="),
        ("$connect", 401, "two="),
    ]
    assert vars(lines[0])["capacity_units"] >= 0
    assert token not in caplog.text


# ---------------------------------------------------------------- through the gateway


@pytest.fixture
def sockets() -> Iterator[Sockets]:
    with Sockets.start(lambda event, context: realtime.handler(event, context), idle_seconds=100) as started:
        yield started


def offer(token: str) -> list[Subprotocol]:
    return [Subprotocol("argus.v1"), Subprotocol(f"bearer.{token}")]


def test_a_websocket_opens_gets_responses_and_is_deleted_when_it_closes(
    sockets: Sockets, argus: Container, owner: Person, token: str
) -> None:
    with connect(sockets.url, subprotocols=offer(token), origin=Origin(ORIGIN)) as client:
        assert client.subprotocol == "argus.v1"
        client.send(PING)
        assert json.loads(client.recv(timeout=100)) == {"type": "pong"}
        assert len(connections(argus, owner)) == 1
    sockets.stop()  # waits for $disconnect
    assert connections(argus, owner) == []


@pytest.mark.parametrize(("subprotocol", "status"), [("bearer.nonsense", 401), ("", 401)])
def test_a_websocket_without_a_valid_token_does_not_open(sockets: Sockets, subprotocol: str, status: int) -> None:
    offered = [Subprotocol(name) for name in ("argus.v1", subprotocol) if name]
    with pytest.raises(InvalidStatus) as error, connect(sockets.url, subprotocols=offered):
        pass
    assert error.value.response.status_code == status


@pytest.mark.parametrize("missing", ["Sec-WebSocket-Key", "Sec-WebSocket-Version"])
def test_an_invalid_handshake_opens_no_connection(
    sockets: Sockets, argus: Container, owner: Person, token: str, missing: str
) -> None:
    headers = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Authorization": f"Bearer {token}",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
        "Sec-WebSocket-Version": "13",
    }
    del headers[missing]
    assert httpx.get(sockets.endpoint, headers=headers).status_code in (400, 426)
    assert connections(argus, owner) == []


def test_a_function_that_fails_is_a_bad_gateway(sockets: Sockets, token: str, caplog: pytest.LogCaptureFixture) -> None:
    sockets.handler = lambda _event, _context: {}["nothing"]
    with pytest.raises(InvalidStatus) as error, connect(sockets.url, subprotocols=offer(token)):
        pass
    assert error.value.response.status_code == 502


def test_an_idle_connection_is_closed(token: str) -> None:
    with (
        Sockets.start(lambda event, context: realtime.handler(event, context), idle_seconds=0.01) as sockets,
        connect(sockets.url, subprotocols=offer(token)) as client,
        pytest.raises(ConnectionClosed) as closed,
    ):
        client.recv(timeout=100)
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1001


def test_a_port_in_use_is_named(sockets: Sockets) -> None:
    with pytest.raises(PortInUse, match=str(sockets.port)):
        Sockets.start(realtime.handler, port=sockets.port)


def test_the_function_receives_bytes_in_base64(sockets: Sockets, token: str) -> None:
    received: list[Any] = []

    def handler(event: dict[str, Any], context: None) -> dict[str, Any]:
        received.append((event.get("isBase64Encoded"), event.get("body")))
        return realtime.handler(event, context)

    sockets.handler = handler
    with connect(sockets.url, subprotocols=offer(token)) as client:
        client.send(b"\x00\xff")
        assert json.loads(client.recv(timeout=100))["code"] == "unknown_message"
    assert (True, base64.b64encode(b"\x00\xff").decode()) in received


def test_a_call_that_is_aborted_does_not_block_the_gateway_from_stopping(
    sockets: Sockets, monkeypatch: pytest.MonkeyPatch
) -> None:
    def abort(*_: Any) -> None:
        raise ConnectionResetError

    monkeypatch.setattr(gateway._Management, "do_POST", abort)
    with pytest.raises(httpx.TransportError):
        httpx.post(f"{sockets.endpoint}/@connections/some=", content=b"{}", timeout=100)
    sockets.stop()
