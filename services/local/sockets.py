"""An emulated WebSocket API of API Gateway on 127.0.0.1.

    with Sockets.start(realtime.handler) as sockets:
        sockets.url                     # ws://127.0.0.1:5003, for clients
        sockets.endpoint                # http://127.0.0.1:5003, for boto3's client apigatewaymanagementapi

It behaves as in the developer guide, "Working with WebSocket APIs", and the API reference, "@connections": the function
is invoked with `$connect` before the handshake is answered, with `$default` for each message, whose response is sent
back, and with `$disconnect` after the connection has closed. `POST /@connections/{id}` sends to a client; it returns
410 when the connection does not exist.
"""

import base64
import json
import logging
import os
import socket
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler
from types import TracebackType
from typing import Any, Self
from urllib.parse import unquote

from websockets.exceptions import ConnectionClosed, InvalidHandshake
from websockets.http11 import Request, Response
from websockets.sync.server import ServerConnection, serve
from websockets.typing import Subprotocol

from infra.embedded import HOST
from infra.embedded.aws import listen
from services.local import events

IDLE_SECONDS = 600.0
MAX_MESSAGE_BYTES = 128 * 1024
_MANAGEMENT = b"/@connections/"
_FIRST_BYTES = len(b"DELETE /@connections/")  # no request is shorter
_REQUEST_TIMEOUT_SECONDS = 10.0  # for the first bytes of a request

_log = logging.getLogger("argus.sockets")

Handler = Callable[[dict[str, Any], None], Mapping[str, Any]]


@dataclass
class _Connection:
    """A client's connection, with the data that API Gateway provides about it."""

    client: ServerConnection
    source_ip: str
    id: str = field(default_factory=lambda: base64.b64encode(os.urandom(11)).decode())
    connected_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    subprotocol: Subprotocol | None = None
    is_open: bool = False


class Sockets:
    """A running gateway; as a context manager, it stops on exit."""

    def __init__(self, handler: Handler, listener: socket.socket, *, idle_seconds: float) -> None:
        self.handler = handler
        self.port: int = listener.getsockname()[1]
        self.url = f"ws://{HOST}:{self.port}"
        self.endpoint = f"http://{HOST}:{self.port}"
        self._idle_seconds = idle_seconds
        self._connections: dict[ServerConnection, _Connection] = {}
        self._server = serve(
            self._serve_client,
            sock=listener,
            process_request=self._connect,
            select_subprotocol=self._subprotocol,
            max_size=MAX_MESSAGE_BYTES,
            ping_interval=None,
            open_timeout=None,  # a handshake waits for the function's cold start
        )
        self._upgrade, self._server.handler = self._server.handler, self._accept
        self._thread = threading.Thread(target=self._server.serve_forever, name="sockets", daemon=True)

    @classmethod
    def start(cls, handler: Handler, *, port: int = 0, idle_seconds: float = IDLE_SECONDS) -> Self:
        """Listen on 127.0.0.1; port 0 picks a free port. Raises PortInUse."""
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
        """An open connection; a connection whose `$connect` is not answered yet does not count."""
        found = (one for one in list(self._connections.values()) if one.is_open and one.id == connection_id)
        return next(found, None)

    # ------------------------------------------------------------ one client

    def _accept(self, client: socket.socket, address: Any) -> None:
        """Serve a WebSocket or one call of the management API; the websockets library accepts only GET requests."""
        client.settimeout(_REQUEST_TIMEOUT_SECONDS)
        try:
            first_bytes = client.recv(_FIRST_BYTES, socket.MSG_PEEK | socket.MSG_WAITALL)
        except OSError:
            first_bytes = b""
        client.settimeout(None)
        if _MANAGEMENT not in first_bytes:
            self._upgrade(client, address)
            return
        try:
            with client, suppress(ConnectionError):  # the caller may have disconnected before the response
                _Management(self, client, address)
        finally:  # the server stops when no handler thread is left
            with self._server.lock:
                self._server.handler_threads.discard(threading.current_thread())

    def _connect(self, client: ServerConnection, request: Request) -> Response | None:
        try:
            client.protocol.process_request(request)
        except InvalidHandshake:
            return None  # the library rejects it with the same error; the function is not invoked
        connection = _Connection(client, client.remote_address[0])
        names = {name for name, _ in request.headers.raw_items()}
        sent = {name: request.headers.get_all(name) for name in names}
        response = self._invoke(connection, "$connect", headers=sent)
        if response["statusCode"] != 200:
            return client.respond(response["statusCode"], response.get("body", ""))
        headers = {name.lower(): value for name, value in response.get("headers", {}).items()}
        if "sec-websocket-protocol" in headers:
            connection.subprotocol = Subprotocol(headers["sec-websocket-protocol"])
        self._connections[client] = connection
        return None

    def _subprotocol(self, client: ServerConnection, _offered: Sequence[Subprotocol]) -> Subprotocol | None:
        connection = self._connections.get(client)
        return connection.subprotocol if connection else None

    def _serve_client(self, client: ServerConnection) -> None:
        connection = self._connections[client]
        connection.is_open = True
        try:
            while True:
                message = client.recv(timeout=self._idle_seconds)
                response = self._invoke(connection, "$default", body=message)
                if response.get("body"):
                    client.send(response["body"])
        except TimeoutError:
            client.close(1001, "Going away")
        except ConnectionClosed:
            pass
        finally:
            del self._connections[client]
            self._invoke(connection, "$disconnect")

    def _invoke(self, connection: _Connection, route: str, **about: Any) -> Mapping[str, Any]:
        event = events.socket(route, connection.id, source_ip=connection.source_ip, **about)
        try:
            return dict(json.loads(json.dumps(self.handler(json.loads(json.dumps(event)), None))))
        except Exception:
            _log.exception("the function failed on route %s", route)
            return {"statusCode": 502, "body": '{"message": "Internal server error"}'}


class _Management(BaseHTTPRequestHandler):
    """One call of the management API; the response closes the TCP connection."""

    timeout = _REQUEST_TIMEOUT_SECONDS

    def __init__(self, sockets: Sockets, client: socket.socket, address: Any) -> None:
        self._sockets = sockets
        super().__init__(client, address, None)  # type: ignore[arg-type]  # used without an HTTPServer

    def do_POST(self) -> None:
        data = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        connection = self._connection()
        try:
            if connection is not None:
                connection.client.send(data.decode())
        except ConnectionClosed:
            connection = None
        self._respond(connection, b"")

    def do_GET(self) -> None:
        connection = self._connection()
        details: dict[str, Any] = {}
        if connection is not None:
            details["connectedAt"] = connection.connected_at.isoformat()
            details["identity"] = {"sourceIp": connection.source_ip}
        self._respond(connection, json.dumps(details).encode())

    def do_DELETE(self) -> None:
        connection = self._connection()
        if connection is not None:
            connection.client.close(1000, "Connection Closed Normally")
        self._respond(connection, b"", status=204)

    def _connection(self) -> _Connection | None:
        return self._sockets.find(unquote(self.path).removeprefix(_MANAGEMENT.decode()))

    def _respond(self, connection: _Connection | None, body: bytes, *, status: int = 200) -> None:
        self.send_response(status if connection is not None else 410)
        if connection is None:
            self.send_header("x-amzn-ErrorType", "GoneException")
            body = b"{}"
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """The worker logs failed calls."""
