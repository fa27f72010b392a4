"""A scan of sixty plugins on two workers that are killed several times."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from argus.app import create_app
from argus.container import Container
from argus.scanning.catalogue import PLUGINS, Catalogue
from argus.scanning.model import Run, RunState
from services.scheduler import main as scheduler
from tests.conftest import MovableClock, Person
from tests.scanning.api import delta, request, scan
from tests.scanning.scripted import admit_every_image

LEASE_SECONDS = 3
TIMEOUT_SECONDS = 120
CODE = '''"""Three findings, one after another."""

import time

from argus.scanning.model import Finding


def run(target, tools, options):
    for number in range(3):
        time.sleep(0.05)
        tools.progress(number / 3)
        yield Finding("lit", {"at": number}, {}, str(number))
'''


@pytest.fixture
def sixty(tmp_path: Path) -> Path:
    """A folder of sixty plugins; five of them fill a run."""
    wire = json.loads((PLUGINS / "thermal_hotspots" / "manifest.json").read_text(encoding="utf-8"))
    rule = {**wire["rules"]["hotspot"], "title": "Lit"}
    for number in range(60):
        name = f"lamp_{number:02}"
        budget = {"seconds": 20, "requests": 0}
        changes = {"id": name, "name": name, "permissions": [], "rules": {"lit": rule}, "budget": budget}
        empty = {"type": "object", "additionalProperties": False, "properties": {}}
        folder = tmp_path / name
        folder.mkdir()
        (folder / "__init__.py").touch()
        (folder / "plugin.py").write_text(CODE, encoding="utf-8")
        (folder / "manifest.json").write_text(json.dumps({**wire, **changes, "options": empty}), encoding="utf-8")
    return tmp_path


@pytest.fixture
def container(argus: Container, sixty: Path, nothing_due: None, monkeypatch: pytest.MonkeyPatch) -> Container:
    """The container of the API and the scheduler; images need not exist."""
    new = Container(argus.settings, clock=argus.clock, fetch_keys=argus.fetch_keys)
    vars(new)["catalogue"] = Catalogue.load(sixty)
    admit_every_image(new)
    monkeypatch.setattr(scheduler, "container", lambda: new)
    return new


@pytest.fixture
def forking(container: Container, sixty: Path) -> Iterator[subprocess.Popen[str]]:
    """The process that forks workers."""
    settings = {**container.settings.environ, "ARGUS_LEASE_SECONDS": str(LEASE_SECONDS)}
    command = [sys.executable, "-m", "tests.journeys.forked_workers", str(sixty)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(command, env={**os.environ, **settings}, **pipes, text=True, bufsize=1) as process:
        yield process


class Worker:
    """A worker process that can be killed and restarted."""

    def __init__(self, forking: subprocess.Popen[str]) -> None:
        self._forking = forking
        self._start()

    def _ask(self, line: str) -> None:
        assert self._forking.stdin is not None
        self._forking.stdin.write(f"{line}\n")

    def _answer(self) -> str:
        assert self._forking.stdout is not None
        return self._forking.stdout.readline().strip()

    def _start(self) -> None:
        self._ask("start")
        self._process_id = int(self._answer())

    def kill(self) -> None:
        os.kill(self._process_id, signal.SIGKILL)
        self._ask(str(self._process_id))
        assert self._answer() == "ended"

    def restart(self) -> None:
        self.kill()
        self._start()


def test_a_scan_of_sixty_plugins_across_two_workers_survives_kills(
    container: Container, forking: subprocess.Popen[str], owner: Person, clock: MovableClock
) -> None:
    client = Person(create_app(container).test_client(), owner.headers, owner.organisation_id)
    names = list(container.catalogue.manifests)
    with ExitStack() as stack:
        workers = []
        for _ in range(2):
            workers.append(Worker(forking))
            stack.callback(workers[-1].kill)
        scan_id = request(client, *names)
        for one in (*workers, workers[0]):
            _wait_for_running(container, client, scan_id)
            one.restart()
        _sweep_until_ended(client, scan_id, clock)
    done = scan(client, scan_id)
    assert (done["state"], done["reason"], done["delta"]) == ("succeeded", "", delta(new=180))
    assert [(step["plugin"], step["state"], step["findings"]) for step in done["steps"]] == [
        (name, "succeeded", 3) for name in names
    ]
    runs = _runs(container, client, scan_id)
    assert (len(runs), {one.state for one in runs}) == (12, {RunState.ENDED})
    assert max(one.attempts for one in runs) > 1, "no kill hit a worker that held a run"
    listed = list(_findings(client))
    assert len({(entry["plugin"], entry["location_key"]) for entry in listed}) == len(listed) == 180
    assert {(entry["status"], entry["scan_id"]) for entry in listed} == {("new", scan_id)}


def _runs(container: Container, client: Person, scan_id: str) -> list[Run]:
    found = container.scanning.store.get(client.organisation_id, scan_id)
    return list(container.scanning.run_store.of_scan(found))


def _wait_for_running(container: Container, client: Person, scan_id: str) -> None:
    """Wait until both workers have a run, plus a random time, so that the kill happens anywhere in it."""
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while sum(one.state is RunState.RUNNING for one in _runs(container, client, scan_id)) < 2:
        assert time.monotonic() < deadline, "fewer than two workers have a run"
        time.sleep(0.1)
    time.sleep(random.uniform(0, 0.5))


def _sweep_until_ended(client: Person, scan_id: str, clock: MovableClock) -> None:
    """Move only the clock of the sweep: messages that it sends too early are ignored while a worker has the run."""
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while scan(client, scan_id)["state"] == "running":
        assert time.monotonic() < deadline, scan(client, scan_id)
        time.sleep(LEASE_SECONDS + 1)
        clock.move(minutes=30)
        scheduler.handler(scheduler.TICK, None)


def _findings(client: Person) -> Iterator[dict[str, Any]]:
    cursor = ""
    while cursor is not None:
        page = client.get(f"/findings?limit=100{cursor and f'&cursor={cursor}'}").get_json()
        yield from page["items"]
        cursor = page["next_cursor"]
