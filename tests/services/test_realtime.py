"""The doorway of the WebSocket API, asked with events as API Gateway sends them, and through one that plays it."""

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
from services.local import sockets as gateway
from services.local.aws import PortInUse
from services.local.sockets import Sockets
from services.realtime import main as realtime
from services.realtime.main import UnknownEvent
from tests.conftest import ORIGIN, Issuer, Person
from tests.notify.listening import connect
from tests.services import events

HELLO = '{"action": "ping"}'


@pytest.fixture(autouse=True)
def _here(argus: Container, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(realtime, "container", lambda: argus)


@pytest.fixture
def token(owner: Person) -> str:
    return owner.headers["Authorization"].removeprefix("Bearer ")


def come(connection: str = "one=", **headers: str) -> dict[str, Any]:
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    return realtime.handler(events.socket("$connect", connection, headers=sent), None)


def listening(argus: Container, person: Person) -> list[str]:
    return [connection.id for connection in argus.notify.store.of(person.organisation_id)]


def code_of(answer: dict[str, Any]) -> str:
    return str(json.loads(answer["body"])["code"])


# ---------------------------------------------------------------- who comes


@pytest.mark.parametrize("header", ["Sec-WebSocket-Protocol", "sec-websocket-protocol"])
def test_a_browser_offers_its_token_as_a_subprotocol_and_is_told_ours_alone(
    argus: Container, owner: Person, token: str, header: str
) -> None:
    offered = {header: f"argus.v1, bearer.{token}"}
    assert come(**offered) == {"statusCode": 200, "headers": {"Sec-WebSocket-Protocol": "argus.v1"}}
    assert listening(argus, owner) == ["one="]


def test_others_send_a_header(argus: Container, owner: Person, token: str) -> None:
    assert come(Authorization=f"Bearer {token}") == {"statusCode": 200, "headers": {}}
    assert listening(argus, owner) == ["one="]


def test_a_token_in_the_address_is_not_looked_for(argus: Container, owner: Person, token: str) -> None:
    event = {**events.socket("$connect", "one="), "queryStringParameters": {"token": token, "access_token": token}}
    assert realtime.handler(event, None)["statusCode"] == 401
    assert listening(argus, owner) == []


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer "},
        {"Authorization": "Basic abc"},
        {"Authorization": "Bearer nonsense"},
        {"Sec-WebSocket-Protocol": "argus.v1"},
        {"Sec-WebSocket-Protocol": "argus.v1, bearer."},
        {"Sec-WebSocket-Protocol": "argus.v1, bearer.a.b.c"},
        {"Sec-WebSocket-Protocol": "argus.v1, bearer." + "x" * 9000},
    ],
    ids=[
        "nothing",
        "no token",
        "another scheme",
        "nonsense",
        "ours alone",
        "an empty token",
        "no signature",
        "endless",
    ],
)
def test_whoever_shows_no_good_token_is_refused(headers: dict[str, str]) -> None:
    answer = come(**headers)
    assert (answer["statusCode"], code_of(answer)) in {(401, "unauthenticated"), (401, "invalid_token")}


def test_an_expired_token_is_refused(issuer: Issuer) -> None:
    assert come(Authorization=f"Bearer {issuer.token('late', exp=1)}")["statusCode"] == 401


def test_a_client_that_speaks_another_protocol_is_refused(token: str) -> None:
    answer = come(Sec_WebSocket_Protocol=f"chat, bearer.{token}")
    assert (answer["statusCode"], code_of(answer)) == (400, "unknown_protocol")


def test_pages_of_foreign_origins_are_refused(argus: Container, owner: Person, token: str) -> None:
    bearer = f"Bearer {token}"
    assert come(Authorization=bearer, Origin=ORIGIN)["statusCode"] == 200
    answer = come("two=", Authorization=bearer, Origin="https://evil.example")
    assert (answer["statusCode"], code_of(answer)) == (403, "foreign_origin")
    assert listening(argus, owner) == ["one="]


def test_one_connection_too_many_is_told_to_come_back_later(token: str) -> None:
    bearer = f"Bearer {token}"
    assert {come(f"{n}=", Authorization=bearer)["statusCode"] for n in range(MAX_CONNECTIONS_PER_USER)} == {200}
    answer = come("more=", Authorization=bearer)
    assert (answer["statusCode"], code_of(answer)) == (429, "too_many_connections")
    assert answer["headers"]["Retry-After"] == "60"


def test_coming_and_going_twice_is_as_once(argus: Container, owner: Person, token: str) -> None:
    for _ in range(2):
        assert come(Authorization=f"Bearer {token}")["statusCode"] == 200
        assert listening(argus, owner) == ["one="]
    for _ in range(2):
        assert realtime.handler(events.socket("$disconnect", "one="), None) == {"statusCode": 200}
        assert listening(argus, owner) == []


# ---------------------------------------------------------------- what is said


@pytest.mark.parametrize(
    ("said", "answer"),
    [
        (HELLO, {"type": "pong"}),
        ("", {"type": "error", "code": "unknown_message"}),
        ("ping", {"type": "error", "code": "unknown_message"}),
        ("[]", {"type": "error", "code": "unknown_message"}),
        ('{"action": "ping", "to": "all"}', {"type": "error", "code": "unknown_message"}),
        ("[" * 100_000, {"type": "error", "code": "unknown_message"}),
        (b"\x00\xff", {"type": "error", "code": "unknown_message"}),
    ],
    ids=["a ping", "nothing", "no JSON", "a list", "more than a ping", "nested without end", "bytes"],
)
def test_a_ping_is_answered_and_nothing_else_is_understood(said: str | bytes, answer: dict[str, str]) -> None:
    told = realtime.handler(events.socket("$default", "one=", body=said), None)
    assert (told["statusCode"], json.loads(told["body"])) == (200, answer)


# ---------------------------------------------------------------- what is refused, and what is logged


@pytest.mark.parametrize(
    "event",
    [{}, [], "text", None, {"requestContext": {}}, {"requestContext": {"routeKey": "$connect"}},
     {"requestContext": {"routeKey": "chat", "connectionId": "one="}}, events.tick(), events.sqs("x"),
     events.rest("GET", "/health"), events.http("GET", "/health"), {"raw_command": "1"}],
    ids=["empty", "list", "text", "nothing", "no route", "no connection", "no route of ours", "tick", "SQS", "REST",
         "HTTP", "command"],
)  # fmt: skip
def test_an_event_that_is_none_of_a_websocket_is_refused_loudly(event: Any) -> None:
    with pytest.raises(UnknownEvent):
        realtime.handler(event, None)


def test_an_event_is_one_line_that_holds_no_token(token: str, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "argus.realtime"):
        come(Sec_WebSocket_Protocol=f"argus.v1, bearer.{token}")
        come("two=")
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


def test_a_websocket_opens_is_answered_and_is_forgotten_when_it_closes(
    sockets: Sockets, argus: Container, owner: Person, token: str
) -> None:
    with connect(sockets.url, subprotocols=offer(token), origin=Origin(ORIGIN)) as client:
        assert client.subprotocol == "argus.v1"
        client.send(HELLO)
        assert json.loads(client.recv(timeout=100)) == {"type": "pong"}
        assert len(listening(argus, owner)) == 1
    sockets.stop()  # which waits until everyone was told
    assert listening(argus, owner) == []


@pytest.mark.parametrize(("said", "status"), [("bearer.nonsense", 401), ("", 401)])
def test_a_websocket_without_a_good_token_does_not_open(sockets: Sockets, said: str, status: int) -> None:
    offered = [Subprotocol(name) for name in ("argus.v1", said) if name]
    with pytest.raises(InvalidStatus) as refused, connect(sockets.url, subprotocols=offered):
        pass
    assert refused.value.response.status_code == status


def test_a_function_that_fails_is_a_bad_gateway(sockets: Sockets, token: str, caplog: pytest.LogCaptureFixture) -> None:
    sockets.handler = lambda _event, _context: {}["nothing"]
    with pytest.raises(InvalidStatus) as refused, connect(sockets.url, subprotocols=offer(token)):
        pass
    assert refused.value.response.status_code == 502


def test_silence_ends_a_connection(token: str) -> None:
    with (
        Sockets.start(lambda event, context: realtime.handler(event, context), idle_seconds=0.01) as sockets,
        connect(sockets.url, subprotocols=offer(token)) as client,
        pytest.raises(ConnectionClosed) as closed,
    ):
        client.recv(timeout=100)
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1001


def test_a_gateway_at_a_taken_port_says_so(sockets: Sockets) -> None:
    with pytest.raises(PortInUse, match=str(sockets.port)):
        Sockets.start(realtime.handler, port=sockets.port)


def test_bytes_come_to_the_function_in_base64(sockets: Sockets, token: str) -> None:
    heard: list[Any] = []

    def handler(event: dict[str, Any], context: None) -> dict[str, Any]:
        heard.append((event.get("isBase64Encoded"), event.get("body")))
        return realtime.handler(event, context)

    sockets.handler = handler
    with connect(sockets.url, subprotocols=offer(token)) as client:
        client.send(b"\x00\xff")
        assert json.loads(client.recv(timeout=100))["code"] == "unknown_message"
    assert (True, base64.b64encode(b"\x00\xff").decode()) in heard


def test_a_call_that_breaks_off_does_not_keep_the_gateway_from_stopping(
    sockets: Sockets, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(*_: Any) -> None:
        raise ConnectionResetError

    monkeypatch.setattr(gateway._Management, "do_POST", gone)
    with pytest.raises(httpx.TransportError):
        httpx.post(f"{sockets.endpoint}/@connections/some=", content=b"{}", timeout=100)
    sockets.stop()
