"""The entry point of the WebSocket API, with events as API Gateway sends them, and through the emulated gateway."""

import base64
import json
import logging
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Origin, Subprotocol

from argus.container import Container
from argus.notify.service import MAX_CONNECTIONS_PER_USER
from infra.embedded.aws import PortInUse
from services.local import events
from services.local import sockets as gateway
from services.local.sockets import Sockets
from services.realtime import main as realtime
from services.realtime.main import UnknownEvent
from tests.conftest import ORIGIN, Issuer, Person
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
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    return realtime.handler(events.socket("$connect", connection, headers=sent), None)


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
