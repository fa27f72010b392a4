"""Calls of boto3 to an embedded AWS in the same process, without a socket.

For a small call, the connection, the server's thread and the parsing of HTTP take longer than moto. So botocore's
`URLLib3Session.send` passes requests for such a server to its application. Other requests still use the port, such as
those of browsers, httpx and other processes. A call without a socket has no timeout.

The application runs in a thread with a short stack: a stack that often crosses the end of one of its pieces of 16 KiB
costs CPython 3.11 two system calls each time.
"""

import functools
import io
import traceback
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPMessage
from typing import Any
from urllib.parse import urlsplit

from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.httpsession import URLLib3Session
from moto.moto_server.werkzeug_app import MotoRequestHandler
from urllib3 import HTTPHeaderDict, HTTPResponse
from werkzeug.exceptions import InternalServerError
from werkzeug.serving import BaseWSGIServer
from werkzeug.test import run_wsgi_app

_servers: dict[str, BaseWSGIServer] = {}  # by host and port
_threads = ThreadPoolExecutor(max_workers=100, thread_name_prefix="embedded-aws")  # long polls wait in them


def connect(server: BaseWSGIServer) -> None:
    """Pass boto3's requests for this server to its application."""
    _replace_send()
    _servers[_address(server)] = server


def disconnect(server: BaseWSGIServer) -> None:
    """Undo `connect`."""
    _servers.pop(_address(server), None)


def _address(server: BaseWSGIServer) -> str:
    return f"{server.host}:{server.port}"


@functools.cache
def _replace_send() -> None:
    real = URLLib3Session.send

    @functools.wraps(real)
    def send(session: Any, request: AWSPreparedRequest) -> AWSResponse:
        server = _servers.get(urlsplit(request.url).netloc)
        if server is None:
            return real(session, request)
        response = _threads.submit(_respond, server, request).result()
        return AWSResponse(request.url, response.status, response.headers, response)

    URLLib3Session.send = send


def _respond(server: BaseWSGIServer, request: AWSPreparedRequest) -> HTTPResponse:
    environ = _Handler(server, request).make_environ()
    try:
        body, status, headers = run_wsgi_app(server.app, environ, buffered=True)
    except Exception:
        traceback.print_exc()
        body, status, headers = run_wsgi_app(InternalServerError(), environ, buffered=True)
    return HTTPResponse(
        io.BytesIO(b"".join(body)),
        HTTPHeaderDict(headers.to_wsgi_list()),
        status=int(status.split()[0]),
        preload_content=False,
        decode_content=False,
        enforce_content_length=False,
        request_method=request.method,
    )


class _Handler(MotoRequestHandler):
    """Makes the WSGI environment of a request, as moto does for one from a socket."""

    def __init__(self, server: BaseWSGIServer, request: AWSPreparedRequest) -> None:
        url = urlsplit(request.url)
        body = request.body or b""
        if isinstance(body, str):
            body = body.encode()
        elif not isinstance(body, bytes | bytearray):
            body = body.read()
        self.server, self.connection, self.client_address = server, None, (server.host, 0)
        self.command, self.request_version = request.method, "HTTP/1.1"
        self.path = (url.path or "/") + (f"?{url.query}" if url.query else "")
        self.rfile = io.BytesIO(body)
        self.headers = HTTPMessage()
        for name, value in {"Host": url.netloc, "Accept-Encoding": "identity", **request.headers}.items():
            if name.lower() != "transfer-encoding":  # the body is complete
                self.headers[name] = value.decode("latin-1") if isinstance(value, bytes) else value
        if (body or self.command in ("POST", "PUT")) and "Content-Length" not in self.headers:
            self.headers["Content-Length"] = str(len(body))
