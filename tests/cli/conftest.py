"""The command line before a whole Argus on a socket, and before servers that misbehave."""

import json
import os
import pty
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
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
from services.local.aws import EmbeddedAws, StackOutputs
from tests.conftest import Workers
from tests.scenes.survey import demo_survey

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
    """A shell whose home is a folder of its own."""

    url: str
    folder: Path
    environment: dict[str, str]

    def run(self, *arguments: str, given: str | None = None, **environment: str) -> Result:
        nobody = {"ARGUS_TOKEN": None, "ARGUS_API_KEY": None, "ARGUS_PROFILE": None}
        base = {"ARGUS_URL": self.url, "ARGUS_CONFIG_DIR": str(self.folder), "TZ": "UTC", **nobody}
        return CliRunner().invoke(command, arguments, input=given, env={**base, **self.environment, **environment})

    def json(self, *arguments: str, code: int = 0) -> Any:
        """The document of a command that ends with this code."""
        result = self.run("--json", *arguments)
        assert result.exit_code == code, result.output
        return json.loads(result.stdout)

    def on_screen(self, *arguments: str, columns: int = 80) -> str:
        """What the command prints on a terminal that is this wide."""
        leader, follower = pty.openpty()
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("ARGUS_")}
        own = {"ARGUS_URL": self.url, "ARGUS_CONFIG_DIR": str(self.folder), "COLUMNS": str(columns), "TERM": "xterm"}
        process = subprocess.Popen(
            [sys.executable, "-m", "argus.cli", *arguments],
            env={**inherited, **own, "TZ": "UTC", **self.environment},
            stdout=follower,
        )
        os.close(follower)
        shown = b""
        with suppress(OSError):  # Linux reports the end of the other side as EIO
            while chunk := os.read(leader, 65536):
                shown += chunk
        os.close(leader)
        assert process.wait() == 0
        return shown.decode().replace("\r\n", "\n")

    @property
    def profiles_file(self) -> Path:
        return self.folder / "profiles.json"

    def session(self) -> dict[str, Any]:
        return dict(json.loads(self.profiles_file.read_text())["default"]["session"])

    def change_session(self, **values: Any) -> None:
        Sessions(self.profiles_file).put(self.url, Session(**{**self.session(), **values}))


@pytest.fixture(autouse=True)
def _hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pauses as a test can afford them."""
    monkeypatch.setattr(retries, "FIRST_PAUSE_SECONDS", 0.001)
    monkeypatch.setattr(waiting, "FIRST_PAUSE_SECONDS", 0.02)


@pytest.fixture(scope="session")
def url(argus: Container) -> Iterator[str]:
    with serving(create_app(argus)) as address:
        yield address


@pytest.fixture(scope="session")
def _person(aws: EmbeddedAws, outputs: StackOutputs) -> None:
    cognito = aws.client("cognito-idp")
    cognito.admin_create_user(UserPoolId=outputs.user_pool_id, Username=USER, MessageAction="SUPPRESS")
    cognito.admin_set_user_password(UserPoolId=outputs.user_pool_id, Username=USER, Password=PASSWORD, Permanent=True)


@pytest.fixture
def stranger_terminal(url: str, tmp_path: Path, _person: None) -> Terminal:
    """Nobody is signed in here."""
    return Terminal(url, tmp_path / "home", {})


@pytest.fixture(scope="session")
def _kept_session(url: str, _person: None, tmp_path_factory: pytest.TempPathFactory) -> str:
    """What signing in leaves behind."""
    terminal = Terminal(url, tmp_path_factory.mktemp("home"), {})
    result = terminal.run("login", "--user", USER, "--password-stdin", given=PASSWORD)
    assert result.exit_code == 0, result.output
    return terminal.profiles_file.read_text()


@pytest.fixture
def terminal(stranger_terminal: Terminal, _kept_session: str) -> Terminal:
    """A person is signed in here, as by `argus login`."""
    Sessions(stranger_terminal.profiles_file).put(
        stranger_terminal.url, Session(**json.loads(_kept_session)["default"]["session"])
    )
    return stranger_terminal


@pytest.fixture
def working(workers: Workers) -> Iterator[None]:
    """The workers work as long as the test lasts."""
    stop = threading.Event()

    def work() -> None:
        while not stop.is_set():
            workers.work()
            time.sleep(0.02)

    thread = threading.Thread(target=work)
    thread.start()
    yield
    stop.set()
    thread.join()


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
def leaking(terminal: Terminal, working: None, frames: list[Path]) -> str:
    """An image with one leak. The workers keep working."""
    (item,) = terminal.json("image", "upload", str(frames[0]))["items"]
    return item["image_id"]


Answerer = Callable[[Request], Response]


@pytest.fixture
def before(tmp_path: Path) -> Iterator[Callable[[Answerer], Terminal]]:
    """A terminal before a server of the test's own, with a token of its own."""
    open_servers = []

    def start(answer: Answerer) -> Terminal:
        manager = serving(Request.application(answer))
        address = manager.__enter__()
        open_servers.append(manager)
        return Terminal(address, tmp_path / "home", {"ARGUS_TOKEN": "a-token"})

    yield start
    for manager in open_servers:
        manager.__exit__(None, None, None)
