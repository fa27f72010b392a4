"""Receiving changes over a WebSocket. A lost connection is opened again, after growing pauses."""

import json
import time
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from argus.cli.addresses import require_encryption
from argus.cli.api import Api
from argus.cli.errors import CliError, Misconfigured, NotSignedIn, Refused, Unreachable

if TYPE_CHECKING:
    from websockets.http11 import Response
    from websockets.sync.client import ClientConnection

FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 60.0
OPEN_SECONDS = 60.0  # a cold start takes its time
PING_SECONDS = 240.0  # ten minutes of silence end a connection

Event = Mapping[str, Any]


def events(api: Api, *, on_open: Callable[[str], object], on_lost: Callable[[str], object]) -> Iterator[Event]:
    """The changes in the caller's organisation, without end. `on_open` receives the URL, `on_lost` the reason.

    Changes that happen while there is no connection are missed. Raises what `Api` raises before the first connection,
    and when the caller may not listen: NotSignedIn for the second token that is refused, else Refused.
    """
    from websockets.exceptions import InvalidStatus, WebSocketException
    from websockets.sync.client import connect

    if api.key:
        raise Misconfigured("API keys may not listen; sign in with `argus login`")
    pause = FIRST_PAUSE_SECONDS
    url, token = _connection(api)
    refused_token = ""
    while True:
        headers = {"Authorization": f"Bearer {token}"}
        try:
            with connect(url, additional_headers=headers, open_timeout=OPEN_SECONDS) as socket:
                pause, refused_token = FIRST_PAUSE_SECONDS, ""
                on_open(url)
                yield from _receive(socket)
        except InvalidStatus as error:
            status = error.response.status_code
            if status == 401 and not refused_token:
                refused_token = token  # our clock may be wrong about when a token expires
            elif not _is_transient(status):
                raise _refusal(url, error.response) from error
            on_lost(str(error))
        except (WebSocketException, OSError) as error:
            on_lost(str(error) or type(error).__name__)
        time.sleep(pause)
        pause = min(pause * 2, LONGEST_PAUSE_SECONDS)
        try:
            url, token = _connection(api, instead_of=refused_token)
        except (Unreachable, Refused) as error:
            if isinstance(error, Refused) and not _is_transient(error.problem.get("status", 0)):
                raise
            on_lost(error.cause)
            refused_token = ""  # the token is still the old one: a second refusal of it is no news


def _connection(api: Api, *, instead_of: str = "") -> tuple[str, str]:
    """The WebSocket's URL, and a token that is valid for a while: another one than `instead_of`, if there is one."""
    url = api.get("/me")["socket_url"]
    if url is None:
        raise CliError(f"{api.url} does not send changes: it has no WebSocket")
    require_encryption(url.replace("ws", "http", 1))
    return str(url), api.token(instead_of=instead_of)


def _is_transient(status: int) -> bool:
    """Whether another attempt may succeed."""
    return status in (408, 429) or status >= 500


def _refusal(url: str, response: "Response") -> CliError:
    """The error of a handshake that a retry would not change: Argus's own problem, or a gateway's status."""
    if response.status_code == 401:
        return NotSignedIn(f"the token is not accepted at {url}; sign in with `argus login`")
    try:
        problem = json.loads(response.body)
    except ValueError:
        problem = None
    if not isinstance(problem, dict):
        detail = f"HTTP {response.status_code} from {url}"
        problem = {"title": response.reason_phrase or "Refused", "detail": detail, "code": ""}
    return Refused(problem)


def _receive(socket: "ClientConnection") -> Iterator[Event]:
    while True:
        try:
            message = json.loads(socket.recv(timeout=PING_SECONDS))
        except TimeoutError:
            socket.send('{"action": "ping"}')
            continue
        if message.get("type", "").endswith(".changed"):
            yield message
