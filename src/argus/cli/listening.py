"""Hearing what happens while it happens. A line that breaks is made anew, later and later."""

import json
import time
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from argus.cli.addresses import refuse_eavesdroppers
from argus.cli.api import Api
from argus.cli.errors import CliError, Misconfigured, NotSignedIn, Refused, Unreachable

if TYPE_CHECKING:
    from websockets.http11 import Response
    from websockets.sync.client import ClientConnection

FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 60.0
OPEN_SECONDS = 60.0  # a function that has slept takes its time
PING_SECONDS = 240.0  # ten minutes of silence end a connection

Event = Mapping[str, Any]


def events(api: Api, *, connected: Callable[[str], object], lost: Callable[[str], object]) -> Iterator[Event]:
    """What happens in the caller's organisation, for ever. `connected` is told where a line leads, `lost` why it broke.

    What happens while there is no line is not told later. Raises what `Api` raises when there never was one, and when
    the caller may not listen (any more): NotSignedIn for the second token that is not taken, else Refused.
    """
    from websockets.exceptions import InvalidStatus, WebSocketException
    from websockets.sync.client import connect

    if api.key:
        raise Misconfigured("API keys may not listen; sign in with `argus login`")
    pause = FIRST_PAUSE_SECONDS
    url, token = _place(api)
    refused = ""  # the token that was not taken last time
    while True:
        headers = {"Authorization": f"Bearer {token}"}
        try:
            with connect(url, additional_headers=headers, open_timeout=OPEN_SECONDS) as socket:
                pause, refused = FIRST_PAUSE_SECONDS, ""
                connected(url)
                yield from _said(socket)
        except InvalidStatus as error:
            status = error.response.status_code
            if status == 401 and not refused:
                refused = token  # our clock may be wrong about when a token ends
            elif not _passing(status):
                raise _refusal(url, error.response) from error
            lost(str(error))
        except (WebSocketException, OSError) as error:
            lost(str(error) or type(error).__name__)
        time.sleep(pause)
        pause = min(pause * 2, LONGEST_PAUSE_SECONDS)
        try:
            url, token = _place(api, instead_of=refused)
        except (Unreachable, Refused) as error:
            if isinstance(error, Refused) and not _passing(error.problem.get("status", 0)):
                raise
            lost(error.detail)
            refused = ""  # the token is the old one yet: refused again, it says nothing new


def _place(api: Api, *, instead_of: str = "") -> tuple[str, str]:
    """Where to listen, and a token that is good for a while: another one than `instead_of`, where there may be one."""
    url = api.get("/me")["socket_url"]
    if url is None:
        raise CliError(f"{api.url} tells nobody of changes")
    refuse_eavesdroppers(url.replace("ws", "http", 1))
    return str(url), api.token(instead_of=instead_of)


def _passing(status: int) -> bool:
    """Another attempt may change it."""
    return status in (408, 429) or status >= 500


def _refusal(url: str, response: "Response") -> CliError:
    """What a handshake that asking again would not change has said: Argus's own words, or a gateway's status."""
    if response.status_code == 401:
        return NotSignedIn(f"the token is not accepted at {url}; sign in with `argus login`")
    try:
        told = json.loads(response.body)
    except ValueError:
        told = None
    if not isinstance(told, dict):
        detail = f"HTTP {response.status_code} from {url}"
        told = {"title": response.reason_phrase or "Refused", "detail": detail, "code": ""}
    return Refused(told)


def _said(socket: "ClientConnection") -> Iterator[Event]:
    while True:
        try:
            said = json.loads(socket.recv(timeout=PING_SECONDS))
        except TimeoutError:
            socket.send('{"action": "ping"}')
            continue
        if said.get("type", "").endswith(".changed"):
            yield said
