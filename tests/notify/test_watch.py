"""`argus watch`: a process that prints events until it is interrupted."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from werkzeug.wrappers import Response

from argus.app import create_app
from argus.container import Container
from argus.notify.model import Change, Connection
from services.local.sockets import Sockets
from tests.cli.conftest import serving
from tests.conftest import Person, Workers
from tests.processes import start


@pytest.fixture
def url(live: Container) -> Iterator[str]:
    with serving(create_app(live)) as address:
        yield address


@contextmanager
def watching(url: str, person: Person, folder: Path, *arguments: str, **more: str) -> Iterator[subprocess.Popen[str]]:
    token = person.headers["Authorization"].removeprefix("Bearer ")
    ours = {name: value for name, value in os.environ.items() if not name.startswith("ARGUS_")}
    environment = {**ours, "ARGUS_URL": url, "ARGUS_TOKEN": token, "ARGUS_CONFIG_DIR": str(folder), **more}
    started = start([sys.executable, "-m", "argus.cli", *arguments, "watch"], environment)
    try:
        yield started
    finally:
        started.kill()
        started.communicate()


def line_of(started: subprocess.Popen[str]) -> str:
    assert started.stdout is not None
    return started.stdout.readline().rstrip("\n")


def connected(live: Container, person: Person, *, other_than: str = "") -> Connection:
    """Wait for an open connection."""
    deadline = time.monotonic() + 100
    while time.monotonic() < deadline:
        for connection in live.notify.store.of(person.organisation_id):
            if connection.id != other_than and _is_open(live, connection):
                return connection
        time.sleep(0.05)
    raise AssertionError("no connection was opened")


def _is_open(live: Container, connection: Connection) -> bool:
    gateway = live.notify.gateway()
    try:
        gateway.get_connection(ConnectionId=connection.id)
    except gateway.exceptions.GoneException:
        return False
    return True


@pytest.fixture
def happens(live: Container, owner: Person, workers: Workers) -> Callable[[str], None]:
    def happen(name: str) -> None:
        live.notify.announce(owner.organisation_id, Change("scan", name, "running", progress=40))
        workers.work()

    return happen


def test_events_are_printed_as_lines_until_ctrl_c(
    live: Container, url: str, owner: Person, happens: Callable[[str], None], tmp_path: Path
) -> None:
    with watching(url, owner, tmp_path) as started:
        connected(live, owner)
        happens("scan_1")
        assert line_of(started).endswith("Z scan_1 running 40 %")
        started.send_signal(signal.SIGINT)
        assert started.wait(timeout=100) == 130
        assert started.stderr is not None
        assert started.stderr.readline() == f"Connected to {live.notify.socket_url}. Press Ctrl-C to stop.\n"


def test_a_lost_connection_is_reopened(
    live: Container, url: str, owner: Person, happens: Callable[[str], None], tmp_path: Path
) -> None:
    with watching(url, owner, tmp_path, "--json") as started:
        first = connected(live, owner)
        live.notify.gateway().delete_connection(ConnectionId=first.id)
        connected(live, owner, other_than=first.id)
        happens("scan_2")
        output = json.loads(line_of(started))
        expected = {"type": "scan.changed", "id": "scan_2", "state": "running", "progress": 40, "at": output["at"]}
        assert output == expected


def test_watch_fails_where_there_is_no_websocket(argus: Container, owner: Person, tmp_path: Path) -> None:
    alone = Container(argus.settings.changed(ARGUS_SOCKET_URL=""), fetch_keys=argus.fetch_keys)
    with serving(create_app(alone)) as url, watching(url, owner, tmp_path) as started:
        _, output = started.communicate(timeout=100)
    assert started.returncode == 1
    assert "does not send events" in output


def test_watch_rejects_an_api_key(url: str, owner: Person, tmp_path: Path) -> None:
    with watching(url, owner, tmp_path, ARGUS_TOKEN="", ARGUS_API_KEY="some") as started:
        _, output = started.communicate(timeout=100)
    assert started.returncode == 3
    assert "API keys cannot receive events" in output


@pytest.mark.parametrize(
    ("statuses", "exit_code", "message"),
    [
        ([403], 4, "this needs the scopes scans:read"),
        ([404], 4, "404"),
        ([429, 408, 503, 403], 4, "this needs the scopes scans:read"),
        ([401, 401], 3, "Set a valid access token, or unset it and sign in"),
        ([401, 429, 401], 3, "Set a valid access token, or unset it and sign in"),
    ],
    ids=lambda value: "-".join(map(str, value)) if isinstance(value, list) else "",
)
def test_a_rejected_handshake_is_final_and_a_rejected_token_is_retried_once(
    argus: Container, owner: Person, tmp_path: Path, statuses: list[int], exit_code: int, message: str
) -> None:
    left = list(statuses)

    def refuse(_: dict[str, Any], __: None) -> dict[str, Any]:
        status = left.pop(0)
        why = {
            "code": "notifications_not_allowed",
            "title": "May not listen.",
            "detail": "this needs the scopes scans:read",
        }
        return {"statusCode": status, "body": json.dumps(why) if status == 403 else "{"}

    with Sockets.start(refuse) as sockets:
        refusing = Container(argus.settings.changed(ARGUS_SOCKET_URL=sockets.url), fetch_keys=argus.fetch_keys)
        with serving(create_app(refusing)) as url, watching(url, owner, tmp_path) as started:
            _, output = started.communicate(timeout=100)
    assert (started.returncode, left, message in output) == (exit_code, [], True), output


def test_watch_waits_for_an_argus_that_is_unavailable(argus: Container, owner: Person, tmp_path: Path) -> None:
    statuses = [503, 403]  # of handshakes; in between, /me is unavailable
    places = [None, Response("out of order", 503, headers={"Retry-After": "3600"})]  # /me

    def refuse(_: dict[str, Any], __: None) -> dict[str, Any]:
        return {"statusCode": statuses.pop(0), "body": ""}

    with Sockets.start(refuse) as sockets:
        app = create_app(Container(argus.settings.changed(ARGUS_SOCKET_URL=sockets.url), fetch_keys=argus.fetch_keys))

        def sometimes(environ: Any, start_response: Any) -> Any:
            return (places.pop(0) or app)(environ, start_response)

        with serving(sometimes) as url, watching(url, owner, tmp_path) as started:
            _, output = started.communicate(timeout=100)
    assert (started.returncode, statuses, places) == (4, [], []), output
