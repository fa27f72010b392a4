"""WebSocket events of API Gateway: a client connects, disconnects, or sends a message.

Browsers cannot set headers on a WebSocket, so a client may offer its token as a second subprotocol:
`Sec-WebSocket-Protocol: argus.v1, bearer.<token>`. The response selects `argus.v1` and never contains the token. Other
clients send `Authorization: Bearer <token>`. A token in the URL is not accepted, because URLs are logged.

The worker sends events to clients (`argus.notify`).
Formats: API Gateway developer guide, "Working with WebSocket APIs".
"""

import json
import logging
from collections.abc import Callable
from functools import cache
from typing import Any

from argus.container import Container
from argus.core import metrics, tracing
from argus.core.caller import Caller
from argus.core.errors import ArgusError, UserError
from argus.core.observability import Work, request_scope
from argus.notify.errors import ForeignOrigin, NoSocketToken, UnknownProtocol

PROTOCOL = "argus.v1"
EVENT_SECONDS = 6.0  # limit for the calls to AWS; the function's timeout is 10 s
_BEARER = "bearer."
_PING = {"action": "ping"}

_log = logging.getLogger("argus.realtime")

Event = dict[str, Any]
Headers = dict[str, list[str]]
Response = dict[str, Any]


class UnknownEvent(ArgusError):
    """The event is not from a WebSocket API."""


@cache
def container() -> Container:
    return Container.from_env()


def handler(event: Any, _context: object) -> Response:
    """Lambda's entry point."""
    request = _request_context(event)
    route = request["routeKey"]
    status = 500
    scope = request_scope(str(request.get("requestId", "")), seconds=EVENT_SECONDS)
    with scope as work, tracing.span(route) as span:
        try:
            response = _ROUTES[route](event, work)
            status = response["statusCode"]
        except ArgusError as error:
            response = _error_response(error)
            status = error.status
        finally:
            measurements = work.measurements()
            span.set_status(status)
            connection = request["connectionId"]
            _log.info("socket", extra={"route": route, "status": status, "connection": connection, **measurements})
            by = {"function": "realtime", "status": f"{status // 100}xx"}
            metrics.record({"requests": 1, "request_ms": measurements["ms"]}, by)
    return response


def _request_context(event: Any) -> dict[str, Any]:
    """API Gateway's context of the event. Other events are rejected: a response would report success to the sender."""
    context = event.get("requestContext") if isinstance(event, dict) else None
    if (
        isinstance(context, dict)
        and context.get("routeKey") in _ROUTES
        and isinstance(context.get("connectionId"), str)
    ):
        return context
    raise UnknownEvent(f"keys {sorted(event)[:20]}" if isinstance(event, dict) else type(event).__name__)


def _error_response(error: ArgusError) -> Response:
    """The response to an error; on $connect, its status becomes that of the handshake."""
    body = {"code": error.code, "title": error.message.title(), "detail": error.message.sentence()}
    headers = {"Content-Type": "application/json"}
    if error.retry_after_seconds is not None:
        headers["Retry-After"] = str(error.retry_after_seconds)
    return {"statusCode": error.status, "headers": headers, "body": json.dumps(body)}


# ---------------------------------------------------------------- routes


def _connect(event: Event, work: Work) -> Response:
    argus, headers = container(), _headers(event)
    offers = ",".join(headers.get("sec-websocket-protocol", []))  # RFC 6455, section 11.3.4: it may be repeated
    offered = [name.strip() for name in offers.split(",") if name.strip()]
    caller = _identify(argus, event["requestContext"], headers, offered)
    work.caller_id = caller.user_id
    argus.notify.connect(caller, event["requestContext"]["connectionId"])
    return {"statusCode": 200, "headers": {"Sec-WebSocket-Protocol": PROTOCOL} if offered else {}}


def _identify(argus: Container, request: dict[str, Any], headers: Headers, offered: list[str]) -> Caller:
    """Authenticate, and count the handshake once: for the caller if accepted, else for the client's address."""
    try:
        _check_origin(argus, headers)
        if offered and PROTOCOL not in offered:
            raise UnknownProtocol(protocol=PROTOCOL)
        caller: Caller = argus.identity.authenticate(_token(headers, offered))
    except UserError:
        address = str((request.get("identity") or {}).get("sourceIp"))
        argus.limits.enforce(argus.limits.count_address(address))
        raise
    argus.limits.enforce(argus.limits.count_caller(caller))
    return caller


def _check_origin(argus: Container, headers: Headers) -> None:
    """Programs send no origin."""
    for origin in headers.get("origin", []):
        if origin not in argus.settings.allowed_origins:
            raise ForeignOrigin(origin=origin)


def _disconnect(event: Event, _work: Work) -> Response:
    container().notify.disconnect(event["requestContext"]["connectionId"])
    return {"statusCode": 200}


def _message(event: Event, _work: Work) -> Response:
    """Answer a ping, which keeps the connection open: it closes after ten idle minutes. Other messages are errors."""
    try:
        is_ping = json.loads(event.get("body") or "") == _PING
    except (ValueError, RecursionError):
        is_ping = False
    body = {"type": "pong"} if is_ping else {"type": "error", "code": "unknown_message"}
    return {"statusCode": 200, "body": json.dumps(body)}


_ROUTES: dict[str, Callable[[Event, Work], Response]] = {
    "$connect": _connect,
    "$disconnect": _disconnect,
    "$default": _message,
}


def _headers(event: Event) -> Headers:
    """The values of each header by lowercase name: API Gateway passes on the client's spelling."""
    headers: Headers = {}
    for name, values in (event.get("multiValueHeaders") or {}).items():
        headers.setdefault(str(name).lower(), []).extend(map(str, values))
    return headers


def _token(headers: Headers, offered: list[str]) -> str:
    """The only token of the handshake."""
    sent = [value.partition(" ") for value in headers.get("authorization", [])]
    tokens = [token.strip(" \t") for scheme, _, token in sent if scheme.lower() == "bearer"]
    tokens += [name.removeprefix(_BEARER) for name in offered if name.startswith(_BEARER)]
    if len(tokens) != 1 or not tokens[0]:
        raise NoSocketToken
    return tokens[0]
