"""Someone at the other end of a WebSocket: a real client, of the library websockets."""

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

    def hear(self) -> Any:
        """What is said next."""
        return json.loads(self.socket.recv(timeout=SECONDS))

    def hear_until(self, **wanted: Any) -> list[Any]:
        """Everything that is said, up to the event that says this."""
        heard = [self.hear()]
        while not wanted.items() <= heard[-1].items():
            heard.append(self.hear())
        return heard

    def ask(self, said: str) -> Any:
        """What is said next, after we have spoken. The gateway answers in order: what was told before came before."""
        self.socket.send(said)
        return self.hear()

    def hears_nothing(self) -> bool:
        """Nothing was waiting: a pong is what comes first."""
        return bool(self.ask('{"action": "ping"}') == {"type": "pong"})

    def hang_up(self) -> None:
        self.socket.close()


@contextmanager
def listening(url: str, token: str) -> Iterator[Listener]:
    """As a browser does: the token travels as a subprotocol."""
    offered = [Subprotocol("argus.v1"), Subprotocol(f"bearer.{token}")]
    with connect(url, subprotocols=offered) as socket:
        yield Listener(socket)
