"""A WebSocket client, made with the library websockets."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

from websockets.sync import client
from websockets.sync.client import ClientConnection
from websockets.typing import Subprotocol

SECONDS = 100  # a busy machine is no failure

connect = partial(client.connect, open_timeout=SECONDS)


@dataclass(frozen=True)
class Listener:
    """An open connection."""

    socket: ClientConnection

    def receive(self) -> Any:
        """The next event."""
        return json.loads(self.socket.recv(timeout=SECONDS))

    def receive_until(self, **expected: Any) -> list[Any]:
        """All events up to the first that contains these values."""
        received = [self.receive()]
        while not expected.items() <= received[-1].items():
            received.append(self.receive())
        return received

    def request(self, message: str) -> Any:
        """Send a message and return the next event. The gateway sends in order: earlier events come first."""
        self.socket.send(message)
        return self.receive()

    def has_received_nothing(self) -> bool:
        """Whether no event was waiting: the pong comes first."""
        return bool(self.request('{"action": "ping"}') == {"type": "pong"})

    def close(self) -> None:
        self.socket.close()


@contextmanager
def listening(url: str, token: str) -> Iterator[Listener]:
    """Connect like a browser, with the token as a subprotocol."""
    offered = [Subprotocol("argus.v1"), Subprotocol(f"bearer.{token}")]
    with connect(url, subprotocols=offered) as socket:
        yield Listener(socket)
