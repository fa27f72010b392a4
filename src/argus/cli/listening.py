"""Receiving change events over a WebSocket. A lost connection is reopened with increasing pauses."""

import json
import time
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from argus.cli.addresses import require_encryption
from argus.cli.api import Api
from argus.cli.errors import CliError, Misconfigured, RequestRejected, Unreachable

if TYPE_CHECKING:
    from websockets.http11 import Response
    from websockets.sync.client import ClientConnection

FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 60.0
OPEN_SECONDS = 60.0  # a cold start may be slow
PING_SECONDS = 240.0  # API Gateway closes a connection after ten idle minutes

Event = Mapping[str, Any]


def events(api: Api, *, on_open: Callable[[str], object], on_lost: Callable[[str], object]) -> Iterator[Event]:
    """The change events of the caller's organisation, endlessly. `on_open` receives the URL, `on_lost` the reason.

    Events are missed while the connection is lost. Raises the errors of `Api` before the first connection. If the
    caller is rejected, raises NotSignedIn after a second rejected token, else RequestRejected.
    """
    from websockets.exceptions import InvalidStatus, WebSocketException
    from websockets.sync.client import connect

    if api.key:
        raise Misconfigured("API keys cannot receive events. Sign in with `argus login`.")
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
                refused_token = token  # the local clock may be wrong about the expiry
            elif not _is_transient(status):
                raise _refusal(api, url, error.response) from error
            on_lost(str(error))
        except (WebSocketException, OSError) as error:
            on_lost(str(error) or type(error).__name__)
        time.sleep(pause)
        pause = min(pause * 2, LONGEST_PAUSE_SECONDS)
        try:
            url, token = _connection(api, instead_of=refused_token)
        except (Unreachable, RequestRejected) as error:
            if isinstance(error, RequestRejected) and not _is_transient(error.problem.get("status", 0)):
                raise
            on_lost(error.cause)
            refused_token = ""  # the token was not replaced, so do not count a second rejection of it


def _connection(api: Api, *, instead_of: str = "") -> tuple[str, str]:
    """The WebSocket URL and an access token that stays valid for the handshake. Renews it if it is `instead_of`."""
    url = api.get("/me")["socket_url"]
    if url is None:
        raise CliError(f"{api.url} does not send events: it has no WebSocket API.")
    require_encryption(url.replace("ws", "http", 1))
    return str(url), api.token(instead_of=instead_of)


def _is_transient(status: int) -> bool:
    """Whether a retry may succeed."""
    return status in (408, 429) or status >= 500


def _refusal(api: Api, url: str, response: "Response") -> CliError:
    """The error for a handshake that must not be retried: Argus's problem document, or a gateway's status."""
    if response.status_code == 401:
        return api.token_rejected(url)
    try:
        problem = json.loads(response.body)
    except ValueError:
        problem = None
    if not isinstance(problem, dict):
        detail = f"{url} responded with HTTP status {response.status_code}."
        problem = {"title": response.reason_phrase or "Request rejected", "detail": detail, "code": ""}
    return RequestRejected(problem)


def _receive(socket: "ClientConnection") -> Iterator[Event]:
    while True:
        try:
            message = json.loads(socket.recv(timeout=PING_SECONDS))
        except TimeoutError:
            socket.send('{"action": "ping"}')
            continue
        if message.get("type", "").endswith(".changed"):
            yield message
