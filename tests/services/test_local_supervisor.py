"""The supervisor of the local system's processes, with processes of one or two lines."""

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from multiprocessing import Pipe
from pathlib import Path

import pytest

from argus.app import create_app
from argus.container import Container
from services.local import main, supervisor
from services.local.supervisor import FailureRecord, ProcessFailed, RestartPolicy, Supervisor, supervised

READY = "import os, sys; print('started', flush=True); os.write(int(sys.argv[1]), b'1')\n"
SERVES = f"{READY}sys.stdin.read()"
NEVER = 24 * 3600.0
IMMEDIATE = RestartPolicy(first_seconds=0.01)

Start = Callable[..., AbstractContextManager[Supervisor]]


def _broken_by(file: Path, how: str) -> str:
    """A process that serves, unless a file exists when it starts: then it runs another statement first."""
    return f"import os, sys, time\nif os.path.exists({str(file)!r}):\n    {how}\n{SERVES}"


@pytest.fixture
def start(tmp_path: Path) -> Start:
    """Starts processes: `start(worker=program)`."""

    def run(policy: RestartPolicy = IMMEDIATE, **programs: str) -> AbstractContextManager[Supervisor]:
        commands = {name: (sys.executable, "-I", "-S", "-c", program) for name, program in programs.items()}
        return supervised(commands, {}, logs=tmp_path, pid_files=tmp_path, policy=policy)

    return run


@pytest.fixture
def pid_of(tmp_path: Path) -> Callable[..., int]:
    """Waits until a process is ready; returns its pid, optionally another one than before."""

    def find(name: str, *, other_than: int | None = None) -> int:
        file = tmp_path / f"{name}.pid"
        while not (file.exists() and (text := file.read_text()).endswith("\n") and int(text) != other_than):
            time.sleep(0.01)
        return int(text)

    return find


def _printed(capfd: pytest.CaptureFixture[str], expected: str) -> str:
    """The text on standard error, once it contains the expected text."""
    printed = ""
    while expected not in printed:
        printed += capfd.readouterr().err
        time.sleep(0.01)
    return printed


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.parametrize(
    ("program", "end"),
    [
        (SERVES, "signal 9, Killed"),
        (f"import signal, sys; signal.signal(signal.SIGUSR1, lambda *_: sys.exit(3))\n{SERVES}", "exit code 3"),
    ],
    ids=["signal", "exit code"],
)
def test_a_process_that_ends_is_reported_and_restarted_and_keeps_its_log(
    start: Start,
    pid_of: Callable[..., int],
    capfd: pytest.CaptureFixture[str],
    tmp_path: Path,
    program: str,
    end: str,
) -> None:
    log = tmp_path / "worker.log"
    log.write_text("of an earlier run\n")
    with start(worker=program, other=SERVES):
        worker, other = pid_of("worker"), pid_of("other")
        os.kill(worker, signal.SIGKILL if "signal" in end else signal.SIGUSR1)
        restarted = pid_of("worker", other_than=worker)
        assert (_is_alive(worker), _is_alive(restarted), pid_of("other")) == (False, True, other)
    assert capfd.readouterr().err == f"argus: worker ended ({end}), restarting in 0.01 s; see {log}\n"
    assert log.read_text() == "started\nstarted\n"
    assert [pid for pid in (restarted, other) if _is_alive(pid)] == []
    assert not list(tmp_path.glob("*.pid"))


def test_ready_names_a_process_that_is_down_until_it_is_restarted(
    start: Start, pid_of: Callable[..., int], argus: Container, tmp_path: Path
) -> None:
    def ready() -> tuple[int, str]:
        settings = argus.settings.changed(ARGUS_PID_FILES=f"{tmp_path}/worker.pid, {tmp_path}/other.pid")
        # A new container each time: a container caches the result for seconds.
        container = Container(settings, clock=argus.clock, fetch_keys=argus.fetch_keys)
        response = create_app(container).test_client().get("/ready")
        outcomes = {check["name"]: check["outcome"] for check in response.get_json()["checks"]}
        assert {outcomes.pop("process other"), *(outcomes[name] for name in ("dynamodb", "s3", "sqs"))} == {"ok"}
        return response.status_code, outcomes["process worker"]

    held = tmp_path / "held"
    with start(worker=_broken_by(held, f"while os.path.exists({str(held)!r}): time.sleep(0.01)"), other=SERVES):
        assert ready() == (200, "ok")
        held.touch()
        os.kill(worker := pid_of("worker"), signal.SIGKILL)
        while (tmp_path / "worker.pid").exists():
            time.sleep(0.01)
        assert ready() == (503, "failed")
        held.unlink()
        pid_of("worker", other_than=worker)
        assert ready() == (200, "ok")


@pytest.mark.parametrize(
    ("program", "end"),
    [("raise SystemExit(3)", "exit code 3"), ("import os; os.abort()", "signal 6, Aborted")],
    ids=["exit code", "signal"],
)
def test_a_process_that_never_starts_stops_everything(
    start: Start, capfd: pytest.CaptureFixture[str], tmp_path: Path, program: str, end: str
) -> None:
    expected = f"worker did not start ({end}); stopping everything, see {tmp_path}/worker.log"
    with pytest.raises(ProcessFailed) as raised, start(worker=program, other=SERVES):
        pytest.fail("it started")
    assert (str(raised.value), capfd.readouterr().err) == (expected, "")
    assert not list(tmp_path.glob("*.pid"))


def test_a_command_that_does_not_exist_is_a_failed_start(tmp_path: Path) -> None:
    logs = {"logs": tmp_path, "pid_files": tmp_path}
    with pytest.raises(ProcessFailed, match="No such file"), supervised({"worker": ["./none"]}, {}, **logs):
        pytest.fail("it started")


def test_a_process_that_is_never_ready_is_a_failed_start(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "START_SECONDS", 0.1)
    with (
        pytest.raises(ProcessFailed, match=r"worker did not start \(not ready after 0.1 s\)"),
        start(worker="import sys; sys.stdin.read()"),
    ):
        pytest.fail("it started")


@pytest.mark.parametrize("how", ["sys.exit(3)", f"{READY.split(';', 1)[1].strip()}; sys.exit(3)"], ids=["start", "end"])
def test_five_failed_starts_in_a_row_stop_everything(
    start: Start, pid_of: Callable[..., int], capfd: pytest.CaptureFixture[str], tmp_path: Path, how: str
) -> None:
    broken = tmp_path / "broken"
    policy = RestartPolicy(first_seconds=0.01, failed_seconds=NEVER)

    def break_it(running: Supervisor) -> int:
        other = pid_of("other")
        broken.touch()
        os.kill(pid_of("worker"), signal.SIGKILL)
        with pytest.raises(ProcessFailed):
            running.wait()
        return other

    with pytest.raises(ProcessFailed) as raised, start(policy, worker=_broken_by(broken, how), other=SERVES) as running:
        other = break_it(running)
    log = f"{tmp_path}/worker.log"
    reason = "failed to start 5 times in a row (exit code 3); stopping everything"
    assert str(raised.value) == f"worker {reason}, see {log}"
    waits = [line.partition("restarting in ")[2] for line in capfd.readouterr().err.splitlines()]
    assert waits == [f"{seconds} s; see {log}" for seconds in (0.01, 0.02, 0.04, 0.08)]
    assert not _is_alive(other)


def test_make_run_exits_with_1_and_names_the_process_that_failed(
    start: Start, pid_of: Callable[..., int], capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    @contextmanager
    def running(**_: object) -> Iterator[main.LocalSystem]:
        with start(RestartPolicy(max_failed_starts=1, failed_seconds=NEVER), worker=SERVES) as supervisor:
            os.kill(pid_of("worker"), signal.SIGKILL)
            yield main.LocalSystem("", "", "", "", password="", environment={}, supervisor=supervisor)

    monkeypatch.setattr(main, "running", running)
    monkeypatch.setattr(sys, "argv", ["main", "--bare"])
    monkeypatch.setattr(signal, "signal", lambda *_: None)  # keep pytest's handlers
    assert main.main() == 1
    assert capfd.readouterr().err.startswith("argus: worker failed to start 1 times in a row (signal 9, Killed); ")


def test_a_permanent_failure_is_raised_instead_of_the_errors_that_follow(
    start: Start, pid_of: Callable[..., int]
) -> None:
    def kill_the_worker() -> None:
        api = pid_of("api")
        os.kill(pid_of("worker"), signal.SIGKILL)
        while _is_alive(api):
            time.sleep(0.01)
        raise ConnectionError("the API does not respond")

    policy = RestartPolicy(max_failed_starts=1, failed_seconds=NEVER)
    with pytest.raises(ProcessFailed, match="worker failed") as raised, start(policy, worker=SERVES, api=SERVES):
        kill_the_worker()
    assert isinstance(raised.value.__context__, ConnectionError)


def test_stopping_does_not_wait_for_a_scheduled_restart(
    start: Start, pid_of: Callable[..., int], capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    with start(RestartPolicy(first_seconds=NEVER), worker=SERVES, other=SERVES):
        other = pid_of("other")
        os.kill(pid_of("worker"), signal.SIGKILL)
        assert "restarting in 86400 s" in _printed(capfd, "restarting")
    assert not _is_alive(other)
    assert (tmp_path / "worker.log").read_text() == "started\n"


def test_stopping_starts_no_process(
    start: Start, pid_of: Callable[..., int], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    due = threading.Event()

    def pipe_once_stopping(**options: bool) -> object:
        due.set()
        running._stopping.wait()
        return Pipe(**options)

    with start(worker=SERVES) as running:
        monkeypatch.setattr(supervisor, "Pipe", pipe_once_stopping)
        os.kill(pid_of("worker"), signal.SIGKILL)
        due.wait()
    assert (tmp_path / "worker.log").read_text() == "started\n"


def test_stopping_includes_a_process_that_is_being_restarted(
    start: Start, pid_of: Callable[..., int], tmp_path: Path
) -> None:
    again = tmp_path / "again"
    how = f"open({str(again)!r}, 'w').write(f'{{os.getpid()}}\\n'); sys.stdin.read()"
    with start(worker=_broken_by(again, how)):
        again.touch()
        os.kill(pid_of("worker"), signal.SIGKILL)
        while not (pid := again.read_text()).endswith("\n"):
            time.sleep(0.01)
        assert _is_alive(int(pid))
    assert not _is_alive(int(pid))
    assert (tmp_path / "worker.log").read_text() == "started\n"


def test_stopping_kills_a_process_that_does_not_exit(
    start: Start, pid_of: Callable[..., int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "STOP_SECONDS", 0.1)
    with start(worker=f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n{READY}signal.pause()"):
        worker = pid_of("worker")
    assert not _is_alive(worker)


def test_processes_ignore_an_interrupt_of_the_process_group(
    start: Start, pid_of: Callable[..., int], capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    with start(worker=f"import signal; signal.signal(signal.SIGINT, signal.SIG_DFL)\n{SERVES}"):
        os.kill(worker := pid_of("worker"), signal.SIGINT)
        os.kill(worker, signal.SIGTERM)
        assert "(signal 15, Terminated)" in _printed(capfd, "restarting")


def test_a_process_whose_end_cannot_be_reported_stops_everything(
    start: Start, pid_of: Callable[..., int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Standard error is a pipe whose reader has exited."""

    class Closed:
        def write(self, _text: str) -> int:
            raise BrokenPipeError("no reader")

    def serve() -> None:
        with start(worker=SERVES) as running, monkeypatch.context() as closed:
            closed.setattr(sys, "stderr", Closed())
            os.kill(pid_of("worker"), signal.SIGKILL)
            running.wait()

    with pytest.raises(ProcessFailed, match=r"worker is no longer supervised \(no reader\)"):
        serve()


POLICY = RestartPolicy(first_seconds=1, longest_seconds=5, steady_seconds=60, failed_seconds=10)


@pytest.mark.parametrize(
    ("ready_seconds", "waits", "failed_starts"),
    [
        ([0, 0, 0, 0, 0], [1, 2, 4, 5, 5], [1, 2, 3, 4, 5]),
        ([9.9, 10, 0], [1, 2, 4], [1, 0, 1]),
        ([0, 59, 60, 0], [1, 2, 1, 2], [1, 0, 0, 1]),
        ([60, 60], [1, 1], [0, 0]),
    ],
    ids=["never ready", "ready for a while", "steady in between", "always steady"],
)
def test_a_restart_waits_twice_as_long_until_the_process_is_steady(
    ready_seconds: list[float], waits: list[float], failed_starts: list[int]
) -> None:
    records = [FailureRecord()]
    for seconds in ready_seconds:
        records.append(POLICY.after(records[-1], ready_seconds=seconds))
    assert [record.wait_seconds for record in records[1:]] == waits
    assert [record.failed_starts for record in records[1:]] == failed_starts
