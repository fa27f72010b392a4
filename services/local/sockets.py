"""A WebSocket API of API Gateway, played on 127.0.0.1.

    with Sockets.start(realtime.handler) as sockets:
        sockets.url                     # ws://127.0.0.1:5003, for clients
        sockets.endpoint                # http://127.0.0.1:5003, for boto3's client apigatewaymanagementapi

As API Gateway does it (developer guide, "Working with WebSocket APIs"; API reference, "@connections"): the function is
asked with `$connect` before the handshake is answered, with `$default` for each message, whose answer goes back, and
with `$disconnect` when it is over; `POST /@connections/{id}` sends to a client, and says 410 when there is none.
"""

import base64
import json
import logging
import os
import socket
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler
from types import TracebackType
from typing import Any, Self
from urllib.parse import unquote

from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.sync.server import ServerConnection, serve
from websockets.typing import Subprotocol

from services.local.aws import HOST, listen
from tests.services import events

IDLE_SECONDS = 600.0
MAX_MESSAGE_BYTES = 128 * 1024
_MANAGEMENT = b"/@connections/"
_FIRST_BYTES = len(b"DELETE /@connections/")  # no request is shorter
_PATIENCE_SECONDS = 10.0  # for the first bytes of a client that says nothing

_log = logging.getLogger("argus.sockets")

Handler = Callable[[dict[str, Any], None], Mapping[str, Any]]


@dataclass
class _Connection:
    """What API Gateway knows of a client."""

    client: ServerConnection
    source_ip: str
    id: str = field(default_factory=lambda: base64.b64encode(os.urandom(11)).decode())
    connected_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    subprotocol: Subprotocol | None = None
    is_open: bool = False


class Sockets:
    """A running gateway; a context manager that stops it."""

    def __init__(self, handler: Handler, listener: socket.socket, *, idle_seconds: float) -> None:
        self.handler = handler
        self.port: int = listener.getsockname()[1]
        self.url = f"ws://{HOST}:{self.port}"
        self.endpoint = f"http://{HOST}:{self.port}"
        self._idle_seconds = idle_seconds
        self._known: dict[ServerConnection, _Connection] = {}
        self._server = serve(
            self._talk,
            sock=listener,
            process_request=self._connect,
            select_subprotocol=lambda client, _: self._known[client].subprotocol,
            max_size=MAX_MESSAGE_BYTES,
            ping_interval=None,
            open_timeout=None,  # a handshake waits for the function, however cold it is
        )
        self._upgrade, self._server.handler = self._server.handler, self._accept
        self._thread = threading.Thread(target=self._server.serve_forever, name="sockets", daemon=True)

    @classmethod
    def start(cls, handler: Handler, *, port: int = 0, idle_seconds: float = IDLE_SECONDS) -> Self:
        """Listen on 127.0.0.1; port 0 takes a free one. Raises PortInUse."""
        sockets = cls(handler, listen(port), idle_seconds=idle_seconds)
        sockets._thread.start()
        return sockets

    def stop(self) -> None:
        self._server.shutdown()
        self._thread.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def find(self, connection_id: str) -> _Connection | None:
        """One that is open: before its `$connect` is answered a connection is as good as gone."""
        found = (one for one in list(self._known.values()) if one.is_open and one.id == connection_id)
        return next(found, None)

    # ------------------------------------------------------------ one client

    def _accept(self, client: socket.socket, address: Any) -> None:
        """A WebSocket, or one call of the management API: websockets takes no request but GET."""
        client.settimeout(_PATIENCE_SECONDS)
        try:
            begins = client.recv(_FIRST_BYTES, socket.MSG_PEEK | socket.MSG_WAITALL)
        except OSError:
            begins = b""
        client.settimeout(None)
        if _MANAGEMENT not in begins:
            self._upgrade(client, address)
            return
        try:
            with client, suppress(ConnectionError):  # whoever asked may have gone by the time that we answer
                _Management(self, client, address)
        finally:  # the server stops when none of these is left
            with self._server.lock:
                self._server.handler_threads.discard(threading.current_thread())

    def _connect(self, client: ServerConnection, request: Request) -> Response | None:
        if request.headers.get("Upgrade", "").lower() != "websocket":
            return None  # the handshake refuses it
        connection = _Connection(client, client.remote_address[0])
        answer = self._ask(connection, "$connect", headers=dict(request.headers.raw_items()))
        if answer["statusCode"] != 200:
            return client.respond(answer["statusCode"], answer.get("body", ""))
        told = {name.lower(): value for name, value in answer.get("headers", {}).items()}
        if "sec-websocket-protocol" in told:
            connection.subprotocol = Subprotocol(told["sec-websocket-protocol"])
        self._known[client] = connection
        return None

    def _talk(self, client: ServerConnection) -> None:
        connection = self._known[client]
        connection.is_open = True
        try:
            while True:
                said = client.recv(timeout=self._idle_seconds)
                answer = self._ask(connection, "$default", body=said)
                if answer.get("body"):
                    client.send(answer["body"])
        except TimeoutError:
            client.close(1001, "Going away")
        except ConnectionClosed:
            pass
        finally:
            del self._known[client]
            self._ask(connection, "$disconnect")

    def _ask(self, connection: _Connection, route: str, **about: Any) -> Mapping[str, Any]:
        event = events.socket(route, connection.id, source_ip=connection.source_ip, **about)
        try:
            return dict(json.loads(json.dumps(self.handler(json.loads(json.dumps(event)), None))))
        except Exception:
            _log.exception("the function failed at %s", route)
            return {"statusCode": 502, "body": '{"message": "Internal server error"}'}


class _Management(BaseHTTPRequestHandler):
    """One call of the management API, whose answer ends the TCP connection."""

    timeout = _PATIENCE_SECONDS

    def __init__(self, sockets: Sockets, client: socket.socket, address: Any) -> None:
        self._sockets = sockets
        super().__init__(client, address, None)  # type: ignore[arg-type]  # there is no server of its kind

    def do_POST(self) -> None:
        data = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        connection = self._connection()
        try:
            if connection is not None:
                connection.client.send(data.decode())
        except ConnectionClosed:
            connection = None
        self._answer(connection, b"")

    def do_GET(self) -> None:
        connection = self._connection()
        told: dict[str, Any] = {}
        if connection is not None:
            told["connectedAt"] = connection.connected_at.isoformat()
            told["identity"] = {"sourceIp": connection.source_ip}
        self._answer(connection, json.dumps(told).encode())

    def do_DELETE(self) -> None:
        connection = self._connection()
        if connection is not None:
            connection.client.close(1000, "Connection Closed Normally")
        self._answer(connection, b"", status=204)

    def _connection(self) -> _Connection | None:
        return self._sockets.find(unquote(self.path).removeprefix(_MANAGEMENT.decode()))

    def _answer(self, connection: _Connection | None, body: bytes, *, status: int = 200) -> None:
        self.send_response(status if connection is not None else 410)
        if connection is None:
            self.send_header("x-amzn-ErrorType", "GoneException")
            body = b"{}"
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """The worker tells of what it could not post."""
