"""Fixtures: the command line with a complete Argus server, and with servers that a test defines."""

import itertools
import json
import os
import pty
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from werkzeug.serving import WSGIRequestHandler, make_server
from werkzeug.wrappers import Request, Response

from argus.app import create_app
from argus.cli import retries, waiting
from argus.cli.command import argus as command
from argus.cli.profiles import Session
from argus.cli.sessions import Sessions
from argus.container import Container
from infra.embedded.aws import EmbeddedAws, StackOutputs
from services.local.demo.scenes.survey import demo_survey
from tests.conftest import Workers

USER = "person@cli.example"
PASSWORD = "Correct-horse-battery-1"


class _Quiet(WSGIRequestHandler):
    protocol_version = "HTTP/1.1"

    def log(self, *_: Any) -> None:
        pass


@contextmanager
def serving(app: Any) -> Iterator[str]:
    """A WSGI application on a free port of 127.0.0.1."""
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=_Quiet)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@dataclass
class Terminal:
    """A shell with its own configuration folder."""

    url: str
    folder: Path
    environment: dict[str, str]

    def run(self, *arguments: str, stdin: str | None = None, **environment: str) -> Result:
        no_credentials = {"ARGUS_TOKEN": None, "ARGUS_API_KEY": None, "ARGUS_PROFILE": None}
        base = {"ARGUS_URL": self.url, "ARGUS_CONFIG_DIR": str(self.folder), "TZ": "UTC", **no_credentials}
        return CliRunner().invoke(command, arguments, input=stdin, env={**base, **self.environment, **environment})

    def json(self, *arguments: str, code: int = 0) -> Any:
        """The JSON document of a command that exits with this code."""
        result = self.run("--json", *arguments)
        assert result.exit_code == code, result.output
        return json.loads(result.stdout)

    def on_terminal(self, *arguments: str, columns: int = 80) -> str:
        """The output of the command on a terminal of this width."""
        leader, follower = pty.openpty()
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("ARGUS_")}
        own = {"ARGUS_URL": self.url, "ARGUS_CONFIG_DIR": str(self.folder), "COLUMNS": str(columns), "TERM": "xterm"}
        process = subprocess.Popen(
            [sys.executable, "-m", "argus.cli", *arguments],
            env={**inherited, **own, "TZ": "UTC", **self.environment},
            stdout=follower,
        )
        os.close(follower)
        output = b""
        with suppress(OSError):  # Linux reports EIO when the other side is closed
            while chunk := os.read(leader, 65536):
                output += chunk
        os.close(leader)
        assert process.wait() == 0
        return output.decode().replace("\r\n", "\n")

    @property
    def profiles_file(self) -> Path:
        return self.folder / "profiles.json"

    def session(self) -> dict[str, Any]:
        return dict(json.loads(self.profiles_file.read_text())["default"]["session"])

    def change_session(self, **values: Any) -> None:
        Sessions(self.profiles_file).put(self.url, Session(**{**self.session(), **values}))


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Retries and polls without long pauses."""
    monkeypatch.setattr(retries, "FIRST_PAUSE_SECONDS", 0.001)
    monkeypatch.setattr(waiting, "FIRST_PAUSE_SECONDS", 0.02)


@dataclass
class Served:
    """The API of the tests, and the workers that run with it, if any."""

    app: Any
    workers: Workers | None = None
    _requests: Iterator[int] = field(default_factory=itertools.count)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, environ: Any, start_response: Any) -> Any:
        with self._lock:
            if self.workers is not None and next(self._requests) % 3 == 2:
                self.workers.work()
        return self.app(environ, start_response)


@pytest.fixture(scope="session")
def served(argus: Container) -> Served:
    return Served(create_app(argus))


@pytest.fixture(scope="session")
def url(served: Served) -> Iterator[str]:
    with serving(served) as address:
        yield address


@pytest.fixture(scope="session")
def _user(aws: EmbeddedAws, outputs: StackOutputs) -> None:
    cognito = aws.client("cognito-idp")
    cognito.admin_create_user(UserPoolId=outputs.user_pool_id, Username=USER, MessageAction="SUPPRESS")
    cognito.admin_set_user_password(UserPoolId=outputs.user_pool_id, Username=USER, Password=PASSWORD, Permanent=True)


@pytest.fixture
def signed_out_terminal(url: str, tmp_path: Path, _user: None) -> Terminal:
    """A terminal without a session."""
    return Terminal(url, tmp_path / "home", {})


@pytest.fixture(scope="session")
def _stored_session(url: str, _user: None, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The profiles file after a sign-in."""
    terminal = Terminal(url, tmp_path_factory.mktemp("home"), {})
    result = terminal.run("login", "--user", USER, "--password-stdin", stdin=PASSWORD)
    assert result.exit_code == 0, result.output
    return terminal.profiles_file.read_text()


@pytest.fixture
def terminal(signed_out_terminal: Terminal, _stored_session: str) -> Terminal:
    """A terminal with a session, as after `argus login`."""
    Sessions(signed_out_terminal.profiles_file).put(
        signed_out_terminal.url, Session(**json.loads(_stored_session)["default"]["session"])
    )
    return signed_out_terminal


@pytest.fixture
def running_workers(served: Served, workers: Workers) -> Iterator[None]:
    """The workers finish all queued jobs before every third response, so that a client that waits asks again."""
    served.workers = workers
    yield
    served.workers = None


@pytest.fixture(scope="session")
def frames(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Two frames of the demo survey: the first with one leak, the second with none."""
    folder = tmp_path_factory.mktemp("frames")
    paths = []
    for name, data, _ in demo_survey()[:2]:
        path = folder / name
        path.write_bytes(data)
        paths.append(path)
    return paths


@pytest.fixture
def leaking_image(terminal: Terminal, running_workers: None, frames: list[Path]) -> str:
    """The id of an image with one leak. The workers keep running."""
    (item,) = terminal.json("image", "upload", str(frames[0]))["items"]
    return item["image_id"]


Responder = Callable[[Request], Response]


@pytest.fixture
def terminal_for(tmp_path: Path) -> Iterator[Callable[[Responder], Terminal]]:
    """Creates a terminal for a server that responds as the test defines, with an access token."""
    open_servers = []

    def start(respond: Responder) -> Terminal:
        manager = serving(Request.application(respond))
        address = manager.__enter__()
        open_servers.append(manager)
        return Terminal(address, tmp_path / "home", {"ARGUS_TOKEN": "a-token"})

    yield start
    for manager in open_servers:
        manager.__exit__(None, None, None)
