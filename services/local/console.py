"""The web console on a laptop: its unbuilt source files, and a config.json for the local stack.

    with Console.listening(port=5004) as console:       # the port is open; early requests wait
        console.serve(config_of(api_url=…, …))          # console.url

Browsers load the modules without a build, so that only Python is needed. Raises PortInUse.
"""

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from infra.embedded import HOST
from infra.embedded.aws import PortInUse

SOURCE = Path(__file__).resolve().parents[1] / "console" / "src"
TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".json": "application/json",
}
HEADERS = {
    "Cache-Control": "no-store",  # edited files show at the next load
    "Content-Security-Policy": "frame-ancestors 'none'",  # must be a header; the rest of the policy is in the page
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class Console:
    """A listening port, and the console behind it once `serve` was called."""

    def __init__(self, server: "_Server") -> None:
        self._server = server
        self.url = f"http://{HOST}:{server.server_port}"

    @classmethod
    @contextmanager
    def listening(cls, port: int) -> Iterator["Console"]:
        """Listen on a port, 0 for a free one; close it on exit. Raises PortInUse."""
        try:
            server = _Server((HOST, port), _Handler)
        except OSError as error:
            raise PortInUse(f"{HOST}:{port} is in use; set ARGUS_CONSOLE_PORT to a free port") from error
        console = cls(server)
        try:
            yield console
        finally:
            if server.config is not None:
                server.shutdown()
            server.server_close()

    def serve(self, config: Mapping[str, str]) -> None:
        self._server.config = config
        threading.Thread(target=self._server.serve_forever, args=(0.05,), name="console", daemon=True).start()


def config_of(
    *, api_url: str, region: str, client_id: str, issuer: str, cognito_url: str, socket_url: str = ""
) -> dict[str, str]:
    """The content of config.json, as services/console/build.mjs writes it in a deployment."""
    return {
        "api_url": api_url,
        "region": region,
        "client_id": client_id,
        "issuer": issuer,
        "cognito_url": cognito_url,
        **({"socket_url": socket_url} if socket_url else {}),
    }


def files(config: Mapping[str, str]) -> dict[str, bytes]:
    """The content of every path that is served; any other path is 404."""
    found = {f"/{path.relative_to(SOURCE)}": path.read_bytes() for path in SOURCE.rglob("*.*")}
    page = found["/index.html"].decode()
    services = " ".join(config[name] for name in ("api_url", "cognito_url", "socket_url") if name in config)
    # The embedded AWS serves the bucket and the user pool at one address.
    origins = {"SERVICE_ORIGINS": services, "API_ORIGIN": config["api_url"], "MEDIA_ORIGINS": config["cognito_url"]}
    for placeholder, value in origins.items():
        page = page.replace(placeholder, value)
    found["/"] = found["/index.html"] = page.encode()
    found["/config.json"] = json.dumps(config).encode()
    return found


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    config: Mapping[str, str] | None = None


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        body = files(self.server.config or {}).get(path)
        self.send_response(200 if body is not None else 404)
        for name, value in HEADERS.items():
            self.send_header(name, value)
        self.send_header("Content-Type", TYPES[Path(path).suffix or ".html"] if body is not None else "text/plain")
        self.send_header("Content-Length", str(len(body or b"")))
        self.end_headers()
        self.wfile.write(body or b"")

    def log_message(self, format: str, *_: Any) -> None:  # noqa: A002  # the base class's name
        """Requests are not logged."""
