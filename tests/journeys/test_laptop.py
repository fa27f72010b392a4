"""The whole system with `make run`: processes, demo, API, events, restarts and shutdown."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from argus.cli import cognito
from argus.cli.api import Api
from argus.cli.sessions import Sessions
from services.local import main
from services.local.demo.scenes.flir import flir_scene
from services.local.main import PROCESSES
from tests.notify.listening import Listener, listening
from tests.ports import free_port

ROOT = Path(__file__).parents[2]
TIMEOUT_SECONDS = 300  # a busy machine is no failure
PASSWORD = "Correct-horse-9-battery"


# Python imports this at start, and waits while a file exists.
HOLD = """\
import os, time
while os.path.exists({held!r}):
    time.sleep(0.01)
"""


def _environment(port: int, aws_port: int, **others: str) -> dict[str, str]:
    return {
        **os.environ,
        "ARGUS_PORT": str(port),
        "ARGUS_AWS_PORT": str(aws_port),
        "ARGUS_SOCKET_PORT": str(free_port()),
        "ARGUS_CONSOLE_PORT": str(free_port()),
        "ARGUS_DEMO_PASSWORD": PASSWORD,
        "ARGUS_IP_RATE_LIMIT": "4321 per minute",
        "PYTHONUNBUFFERED": "1",
        **others,
    }


def _start(*arguments: str, port: int, aws_port: int, **others: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "services.local.main", *arguments],
        cwd=ROOT,
        env=_environment(port, aws_port, **others),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def _processes(pid: int) -> dict[str, int]:
    """By name: the child processes of a process."""
    pids = list[int]()
    for thread in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(FileNotFoundError, ProcessLookupError):  # a thread that has ended
            pids.extend(int(child) for child in thread.read_text().split())
    return {Path(f"/proc/{child}/cmdline").read_text().split("\0")[3]: child for child in pids}


def _read_until(started: subprocess.Popen[str], expected: str) -> str:
    """The output up to the next line that contains the text."""
    assert started.stdout is not None
    lines = list[str]()
    while not lines or expected not in lines[-1]:
        lines.append(next(started.stdout))
    return "".join(lines)


@pytest.fixture(scope="module")
def held(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file; while it exists, no process of `system` continues after its start."""
    folder = tmp_path_factory.mktemp("hold")
    (folder / "sitecustomize.py").write_text(HOLD.format(held=str(folder / "held")))
    return folder / "held"


@dataclass(frozen=True)
class System:
    """The system as `make run` starts it, after its demo."""

    process: subprocess.Popen[str]
    port: int
    output: str


@pytest.fixture(scope="module")
def system(held: Path) -> Iterator[System]:
    port = free_port()
    started = _start(port=port, aws_port=free_port(), PYTHONPATH=str(held.parent))
    yield System(started, port, _read_until(started, "Password"))
    started.kill()
    started.communicate()


def test_the_demo_survey_is_scanned_and_reported(system: System) -> None:
    assert len(re.findall(r"NORTH_P01_000\d_T\.JPG.*ready", system.output)) == 6
    assert re.search(r"critical.*Hot spot", system.output)
    assert f"http://127.0.0.1:{system.port}/docs" in system.output
    assert "report.pdf?" in system.output
    assert (ROOT / "build/local/report.pdf").read_bytes()[:5] == b"%PDF-"


def test_the_api_answers_and_serves_its_own_explorer(system: System) -> None:
    with httpx.Client(base_url=f"http://127.0.0.1:{system.port}", timeout=TIMEOUT_SECONDS) as http:
        assert http.get("/health").json() == {"status": "alive"}
        page = http.get("/docs")
        assert page.status_code == 200
        for asset in re.findall(r'(?:src|href)="([^"]+)"', page.text):
            assert not asset.startswith("http")
            assert http.get(f"/{asset}").status_code == 200


def test_only_the_organisation_receives_events(system: System) -> None:
    with httpx.Client(timeout=TIMEOUT_SECONDS) as http, ExitStack() as stack:
        owner, stranger = (
            _signed_in(http, system.port, name) for name in ("owner@north.example", "owner@south.example")
        )
        listener, foreigner = (
            stack.enter_context(listening(one.get("/me")["socket_url"], one.fixed_token)) for one in (owner, stranger)
        )
        _upload_and_scan(owner, listener)
        assert foreigner.has_received_nothing()


def test_a_process_that_was_killed_is_restarted_and_ready_says_so(system: System, held: Path) -> None:
    before = _processes(system.process.pid)
    held.touch()
    os.kill(before["worker"], signal.SIGKILL)
    output = _read_until(system.process, "ended")
    assert (
        output.splitlines()[-1]
        == "argus: worker ended (signal 9, Killed), restarting in 0.5 s; see build/local/worker.log"
    )
    with httpx.Client(base_url=f"http://127.0.0.1:{system.port}", timeout=TIMEOUT_SECONDS) as http:
        body = _ready(http, 503)
        assert [check["name"] for check in body["checks"] if check["outcome"] != "ok"] == ["process worker"]
        held.unlink()
        names = {check["name"] for check in _ready(http, 200)["checks"] if check["name"].startswith("process")}
        assert names == {"process worker", "process scanner", "process sockets"}
    after = _processes(system.process.pid)
    assert (after.pop("worker") != before.pop("worker"), after) == (True, before)


def test_killed_processes_restart_at_the_same_ports(system: System) -> None:
    started, port = system.process, system.port
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=TIMEOUT_SECONDS) as http:
        assert http.get("/health").status_code == 200  # a connection that the API leaves half closed
        for pid in _processes(started.pid).values():
            os.kill(pid, signal.SIGKILL)
        for _ in PROCESSES:
            assert "signal 9" in _read_until(started, "ended")
        _ready(http, 200)
        owner = _signed_in(http, port, "owner@north.example")
        with listening(owner.get("/me")["socket_url"], owner.fixed_token) as listener:
            _upload_and_scan(owner, listener)


def _ready(http: httpx.Client, status: int) -> dict[str, Any]:
    """The body of `/ready` once it has this status; connections fail while the API is down."""
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while time.monotonic() < deadline:
        with suppress(httpx.TransportError):
            response = http.get("/ready")
            if response.status_code == status:
                return dict(response.json())
        time.sleep(0.1)
    raise TimeoutError(f"/ready does not respond with {status}")


def _upload_and_scan(owner: Api, listener: Listener) -> None:
    data, _ = flir_scene(seed=1)
    file_info = {"name": "a.jpg", "size": len(data), "content_type": "image/jpeg"}
    (item,) = owner.post("/uploads", {"files": [file_info]})["items"]
    upload = item["upload"]
    file = {"file": ("a.jpg", data)}
    httpx.post(upload["url"], data=upload["fields"], files=file, timeout=TIMEOUT_SECONDS).raise_for_status()
    assert listener.receive_until(type="image.changed", state="ready")[-1]["id"] == item["image_id"]
    body = {"target": {"kind": "image", "id": item["image_id"]}, "plugins": [{"id": "thermal_hotspots"}]}
    scan = owner.post("/scans", body)["id"]
    assert listener.receive_until(type="scan.changed", state="succeeded")[-1]["id"] == scan


def test_other_settings_come_from_the_environment(system: System) -> None:
    response = httpx.get(f"http://127.0.0.1:{system.port}/api/v1/sign-in", timeout=TIMEOUT_SECONDS)
    assert "q=4321;" in response.headers["RateLimit-Policy"]


def _signed_in(http: httpx.Client, port: int, user: str) -> Api:
    url = f"http://127.0.0.1:{port}"
    (method,) = http.get(f"{url}/api/v1/sign-in").json()["items"]
    session = cognito.sign_in(
        http, endpoint=method["endpoint"], client_id=method["client_id"], user=user, password=PASSWORD
    )
    return Api(url, Sessions(Path("unused")), http, fixed_token=session.access_token)


@pytest.fixture
def run_here(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Iterator[Callable[..., str]]:
    """Runs the command in this process, which has imported all of it, until it fails; returns all output."""
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def run(port: int, aws_port: int, **others: str) -> str:
        monkeypatch.chdir(ROOT)
        monkeypatch.setattr(sys, "argv", ["main", "--bare"])
        for name, value in _environment(port, aws_port, **others).items():
            monkeypatch.setenv(name, value)
        assert main.main() == 1
        return "".join(capfd.readouterr())

    yield run
    for number, handler in handlers.items():
        signal.signal(number, handler)


@pytest.mark.parametrize(("taken", "free"), [("port", "aws_port"), ("aws_port", "port")])
def test_a_busy_port_is_a_clear_message(system: System, run_here: Callable[..., str], taken: str, free: str) -> None:
    assert f"127.0.0.1:{system.port}" in run_here(**{taken: system.port, free: free_port()})


@pytest.mark.parametrize(
    ("setting", "value", "why"),
    [
        ("ARGUS_PORT", "abc", "it must be a port from 1 to 65535"),
        ("ARGUS_SOCKET_PORT", "0", "it must be a port from 1 to 65535"),
        ("ARGUS_DEMO_PASSWORD", "abc", "must have at least 12 characters"),
    ],
)
def test_a_bad_setting_is_a_clear_message(run_here: Callable[..., str], setting: str, value: str, why: str) -> None:
    assert why in run_here(free_port(), free_port(), **{setting: value})


@pytest.mark.parametrize(
    ("setting", "value"), [("ARGUS_SENTRY_DSN", "https://key@sentry.example/1"), ("ARGUS_TRACING", "on")]
)
def test_a_setting_that_needs_another_package_is_a_clear_message(
    run_here: Callable[..., str], monkeypatch: pytest.MonkeyPatch, setting: str, value: str
) -> None:
    monkeypatch.setattr(main, "find_spec", lambda _package: None)
    assert f"{setting} needs a package" in run_here(free_port(), free_port(), **{setting: value})


def test_a_process_that_does_not_start_stops_everything() -> None:
    port = free_port()
    started = _start(
        "--bare", port=free_port(), aws_port=port, ARGUS_SOCKET_PORT=str(port)
    )  # the embedded AWS has the port by the time the gateway starts
    output, _ = started.communicate(timeout=TIMEOUT_SECONDS)
    assert started.returncode == 1
    reason = "argus: sockets did not start (exit code 1); stopping everything, see build/local/sockets.log"
    assert output == f"{reason}\n"


def test_ctrl_c_stops_everything(system: System) -> None:
    started, port = system.process, system.port
    processes = _processes(started.pid).values()
    assert len(processes) == len(PROCESSES)
    started.send_signal(signal.SIGINT)
    started.wait(timeout=TIMEOUT_SECONDS)
    assert started.returncode == 0
    assert not [child for child in processes if Path(f"/proc/{child}").exists()]
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0


def test_no_process_outlives_a_killed_parent() -> None:
    started = _start("--bare", port=free_port(), aws_port=free_port())
    _read_until(started, "Password")
    processes = _processes(started.pid).values()
    started.kill()
    started.communicate()
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while any(Path(f"/proc/{child}").exists() for child in processes) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not [child for child in processes if Path(f"/proc/{child}").exists()]
