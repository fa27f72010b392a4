"""An AWS that hangs: it accepts requests, or not even connections, and never answers."""

import re
import socket
import socketserver
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field

HOST = "127.0.0.1"
_SERVICE = re.compile(rb"Credential=[^/]+/\d+/[^/]+/([\w-]+)/")  # of a signed request


@dataclass(frozen=True)
class BlackHole:
    """Its port, and the service of each attempt; `tls` for an attempt that did not finish the handshake."""

    port: int
    calls: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"


@contextmanager
def silent() -> Iterator[BlackHole]:
    """Accepts connections and reads, but sends nothing until the client closes."""

    class Listening(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with suppress(ConnectionError):
                head = self.request.recv(65536)
                signed = _SERVICE.search(head)
                hole.calls.append(signed[1].decode() if signed else "tls")
                while self.request.recv(65536):
                    pass

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True
        request_queue_size = 128

    with Server((HOST, 0), Listening) as server:
        hole = BlackHole(server.server_address[1])
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        yield hole
        server.shutdown()


@contextmanager
def full() -> Iterator[BlackHole]:
    """Accepts no connections: its backlog is full, and the kernel drops new ones."""
    with ExitStack() as stack:
        listener = stack.enter_context(socket.create_server((HOST, 0), backlog=0))
        port = listener.getsockname()[1]
        waiting = None
        while waiting is None or waiting.connect_ex((HOST, port)) == 0:
            waiting = stack.enter_context(socket.socket())
            waiting.settimeout(0.2)
        yield BlackHole(port)
