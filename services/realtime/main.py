"""WebSocket events of API Gateway: someone connects, leaves, or says something.

Browsers can set no header on a WebSocket, so a client may offer its token as a subprotocol beside ours:
`Sec-WebSocket-Protocol: argus.v1, bearer.<token>`. We choose `argus.v1`; the token is never said back. Others send
`Authorization: Bearer <token>`. A token in the address would be logged on the way, and is not looked for.

Events are pushed by the worker (`argus.notify`). Shapes: API Gateway developer guide, "Working with WebSocket APIs".
"""

import json
import logging
from collections.abc import Callable
from functools import cache
from typing import Any

from argus.container import Container
from argus.core import metrics, tracing
from argus.core.errors import ArgusError, TooManyRequests
from argus.core.observability import Work, request_scope
from argus.notify.errors import ForeignOrigin, NoSocketToken, UnknownProtocol

PROTOCOL = "argus.v1"
EVENT_SECONDS = 6.0  # for calls of AWS; the function has 10
_BEARER = "bearer."
_PING = {"action": "ping"}

_log = logging.getLogger("argus.realtime")

Event = dict[str, Any]
Answer = dict[str, Any]


class UnknownEvent(ArgusError):
    """The event is not one of a WebSocket API."""


@cache
def container() -> Container:
    return Container.from_env()


def handler(event: Any, _context: object) -> Answer:
    """Lambda's entry."""
    about = _about(event)
    route = about["routeKey"]
    status = 500
    scope = request_scope(str(about.get("requestId", "")), seconds=EVENT_SECONDS)
    with scope as work, tracing.span(route) as span:
        try:
            answer = _ROUTES[route](event, work)
            status = answer["statusCode"]
        except ArgusError as refusal:
            answer = _refused(refusal)
            status = refusal.status
        finally:
            used = work.used()
            span.status(status)
            _log.info("socket", extra={"route": route, "status": status, "connection": about["connectionId"], **used})
            metrics.record({"requests": 1, "request_ms": used["ms"]}, {"route": route, "status": f"{status // 100}xx"})
    return answer


def _about(event: Any) -> dict[str, Any]:
    """What API Gateway says of the event. Any other event is refused: an answer would count it as done."""
    about = event.get("requestContext") if isinstance(event, dict) else None
    if isinstance(about, dict) and about.get("routeKey") in _ROUTES and isinstance(about.get("connectionId"), str):
        return about
    raise UnknownEvent(f"keys {sorted(event)[:20]}" if isinstance(event, dict) else type(event).__name__)


def _refused(refusal: ArgusError) -> Answer:
    """The status becomes that of the handshake."""
    body = {"code": refusal.code, "title": refusal.message.title(), "detail": refusal.message.sentence()}
    headers = {"Content-Type": "application/json"}
    if isinstance(refusal, TooManyRequests):
        headers["Retry-After"] = str(refusal.retry_after_seconds)
    return {"statusCode": refusal.status, "headers": headers, "body": json.dumps(body)}


# ---------------------------------------------------------------- routes


def _connect(event: Event, work: Work) -> Answer:
    argus, headers = container(), _headers(event)
    origin = headers.get("origin")
    if origin is not None and origin not in argus.settings.allowed_origins:
        raise ForeignOrigin(origin=origin)
    offered = [name.strip() for name in headers.get("sec-websocket-protocol", "").split(",") if name.strip()]
    if offered and PROTOCOL not in offered:
        raise UnknownProtocol(protocol=PROTOCOL)
    caller = argus.identity.authenticate(_token(headers, offered))
    work.caller_id = caller.user_id
    argus.notify.connect(caller, event["requestContext"]["connectionId"])
    return {"statusCode": 200, "headers": {"Sec-WebSocket-Protocol": PROTOCOL} if offered else {}}


def _disconnect(event: Event, _work: Work) -> Answer:
    container().notify.disconnect(event["requestContext"]["connectionId"])
    return {"statusCode": 200}


def _say(event: Event, _work: Work) -> Answer:
    """A ping keeps the connection open, which ten minutes of silence would end; nothing else is understood."""
    try:
        understood = json.loads(event.get("body") or "") == _PING
    except (ValueError, RecursionError):
        understood = False
    body = {"type": "pong"} if understood else {"type": "error", "code": "unknown_message"}
    return {"statusCode": 200, "body": json.dumps(body)}


_ROUTES: dict[str, Callable[[Event, Work], Answer]] = {
    "$connect": _connect,
    "$disconnect": _disconnect,
    "$default": _say,
}


def _headers(event: Event) -> dict[str, str]:
    """By their names in small letters: API Gateway passes on what the client wrote."""
    return {str(name).lower(): str(value) for name, value in (event.get("headers") or {}).items()}


def _token(headers: dict[str, str], offered: list[str]) -> str:
    scheme, _, token = headers.get("authorization", "").partition(" ")
    tokens = [token.strip()] if scheme.lower() == "bearer" else []
    tokens += [name.removeprefix(_BEARER) for name in offered if name.startswith(_BEARER)]
    if not tokens or not tokens[0]:
        raise NoSocketToken
    return tokens[0]
