"""Hearing what happens while it happens. A line that breaks is made anew, later and later."""

import json
import time
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from argus.cli.addresses import refuse_eavesdroppers
from argus.cli.api import Api
from argus.cli.errors import CliError, Misconfigured, Unreachable

if TYPE_CHECKING:
    from websockets.sync.client import ClientConnection

FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 60.0
OPEN_SECONDS = 60.0  # a function that has slept takes its time
PING_SECONDS = 240.0  # ten minutes of silence end a connection

Event = Mapping[str, Any]


def events(api: Api, *, lost: Callable[[str], object]) -> Iterator[Event]:
    """What happens in the caller's organisation, for ever. `lost` is told why a line broke.

    What happens while there is no line is not told later. Raises what `Api` raises when there never was one.
    """
    from websockets.exceptions import WebSocketException
    from websockets.sync.client import connect

    if api.key:
        raise Misconfigured("API keys may not listen; sign in with `argus login`")
    pause = FIRST_PAUSE_SECONDS
    url, token = _place(api)
    while True:
        headers = {"Authorization": f"Bearer {token}"}
        try:
            with connect(url, additional_headers=headers, open_timeout=OPEN_SECONDS) as socket:
                pause = FIRST_PAUSE_SECONDS
                yield from _said(socket)
        except (WebSocketException, OSError) as error:
            lost(str(error) or type(error).__name__)
        time.sleep(pause)
        pause = min(pause * 2, LONGEST_PAUSE_SECONDS)
        try:
            url, token = _place(api)
        except Unreachable as error:
            lost(error.detail)


def _place(api: Api) -> tuple[str, str]:
    """Where to listen, and a token that Argus has just accepted."""
    url = api.get("/me")["socket_url"]
    if url is None:
        raise CliError(f"{api.url} tells nobody of changes")
    refuse_eavesdroppers(url.replace("ws", "http", 1))
    return str(url), api.token()


def _said(socket: "ClientConnection") -> Iterator[Event]:
    while True:
        try:
            said = json.loads(socket.recv(timeout=PING_SECONDS))
        except TimeoutError:
            socket.send('{"action": "ping"}')
            continue
        if said.get("type", "").endswith(".changed"):
            yield said
