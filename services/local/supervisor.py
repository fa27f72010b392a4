"""Starts processes, and restarts those that end unexpectedly.

    with supervised({"worker": command}, environment, logs=logs, pid_files=folder) as supervisor:  # all are ready
        supervisor.wait()  # until one of them fails permanently: raises ProcessFailed

The last argument of a command is the file descriptor to which the process writes `1` once it is ready. A process must
exit on SIGTERM and when its standard input closes, so that it does not outlive a parent that was killed. `<name>.pid`
exists while it is ready; `<name>.log` contains the output of all its runs.
"""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path

from argus.core.errors import ArgusError

START_SECONDS = 300  # a busy machine is slow, not broken
STOP_SECONDS = 10


class ProcessFailed(ArgusError):
    """A process of the local system failed permanently."""


@dataclass(frozen=True)
class FailureRecord:
    """The recent failures of a process."""

    failed_starts: int = 0  # in a row
    wait_seconds: float = 0.0  # before the next start


@dataclass(frozen=True)
class RestartPolicy:
    """The wait before a restart, and the number of consecutive failed starts that stops everything."""

    first_seconds: float = 0.5  # doubled at each restart …
    longest_seconds: float = 30.0
    steady_seconds: float = 60.0  # … until the process was ready for this long
    failed_seconds: float = 5.0  # a start has failed if the process was ready for less
    max_failed_starts: int = 5

    def after(self, record: FailureRecord, *, ready_seconds: float) -> FailureRecord:
        """The new record of a process that has ended after being ready for `ready_seconds`."""
        failed = ready_seconds < self.failed_seconds
        reset = ready_seconds >= self.steady_seconds or not record.wait_seconds
        return FailureRecord(
            failed_starts=record.failed_starts + 1 if failed else 0,
            wait_seconds=self.first_seconds if reset else min(2 * record.wait_seconds, self.longest_seconds),
        )


@dataclass
class ManagedProcess:
    """A process across all its runs."""

    name: str
    command: tuple[str, ...]
    log: Path
    pid_file: Path
    run: subprocess.Popen[bytes] | None = None
    was_ready: bool = False


class Supervisor:
    """Starts and restarts processes; each has a thread that waits for its end."""

    def __init__(
        self, processes: Sequence[ManagedProcess], environment: Mapping[str, str], policy: RestartPolicy
    ) -> None:
        self._processes = processes
        self._environment = dict(environment)
        self._policy = policy
        self._changed = threading.Condition()  # its lock guards the failure and the processes
        self._stopping = threading.Event()  # set under the lock; afterwards nothing is started
        self._failure: ProcessFailed | None = None
        # Daemon threads: the interpreter does not wait for them when it exits.
        self._threads = [
            threading.Thread(target=self._watch, args=(process,), name=f"watch-{process.name}", daemon=True)
            for process in processes
        ]

    def start(self) -> None:
        """Start all processes and wait until all are ready. Raises ProcessFailed."""
        for process in self._processes:
            process.log.write_bytes(b"")
        for thread in self._threads:
            thread.start()
        with self._changed:
            self._changed.wait_for(lambda: self._failure or all(process.was_ready for process in self._processes))
        self.check()

    def wait(self) -> None:
        """Wait until a process fails permanently. Raises ProcessFailed."""
        with self._changed:
            self._changed.wait_for(lambda: self._failure)
        self.check()

    def check(self) -> None:
        """Raise ProcessFailed if a process has failed permanently."""
        if self._failure is not None:
            raise self._failure

    def stop(self) -> None:
        """Stop all processes, including one that is being restarted; kill those that do not exit in time."""
        self._terminate()
        for process, thread in zip(self._processes, self._threads, strict=True):
            if thread.is_alive():
                thread.join(STOP_SECONDS)
            if thread.is_alive() and process.run is not None:
                process.run.kill()
                thread.join()

    def _terminate(self) -> None:
        with self._changed:
            self._stopping.set()
            for process in self._processes:
                if process.run is not None:
                    process.run.terminate()

    # ------------------------------------------------------------ in the thread of one process

    def _watch(self, process: ManagedProcess) -> None:
        # The process inherits this mask: Ctrl-C reaches the whole process group, and the parent stops the processes.
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        record = FailureRecord()
        try:
            while not self._stopping.wait(record.wait_seconds):
                end, ready_seconds = self._run(process)
                record = self._policy.after(record, ready_seconds=ready_seconds)
                self._report(process, end, record)
        except Exception as error:  # for example, standard error is closed; a process must not run unsupervised
            with self._changed:
                self._fail(f"{process.name} is no longer supervised ({error}); stopping everything, see {process.log}")

    def _run(self, process: ManagedProcess) -> tuple[str, float]:
        """Run a process until it ends; returns how it ended and how long it was ready, in seconds."""
        ready_seconds = 0.0
        try:
            reader, ready_writer = Pipe(duplex=False)
            with reader, self._spawn(process, ready_writer) as run:
                try:
                    if _is_ready(reader):
                        ready_seconds = self._follow(process, run)
                finally:
                    run.kill()  # no effect if it has ended
                    process.pid_file.unlink(missing_ok=True)
        except OSError as error:  # it could not be started or was not ready in time
            return str(error), ready_seconds
        return _describe_exit(run.returncode), ready_seconds

    def _spawn(self, process: ManagedProcess, ready_writer: Connection) -> subprocess.Popen[bytes]:
        with ready_writer, process.log.open("ab") as log, self._changed:
            if self._stopping.is_set():
                raise InterruptedError("the supervisor is stopping")
            process.run = subprocess.Popen(
                [*process.command, str(ready_writer.fileno())],
                env=self._environment,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                pass_fds=[ready_writer.fileno()],
            )
            return process.run

    def _follow(self, process: ManagedProcess, run: subprocess.Popen[bytes]) -> float:
        """Wait until a ready process ends; returns how long it was ready, in seconds."""
        ready_at = time.monotonic()
        process.pid_file.write_text(f"{run.pid}\n")
        with self._changed:
            process.was_ready = True
            self._changed.notify_all()
        run.wait()
        return time.monotonic() - ready_at

    def _report(self, process: ManagedProcess, end: str, record: FailureRecord) -> None:
        """Report that a process ended unexpectedly, or stop everything if it was never ready or failed too often."""
        with self._changed:
            if self._stopping.is_set():
                return
            if process.was_ready and record.failed_starts < self._policy.max_failed_starts:
                wait = f"restarting in {record.wait_seconds:g} s"
                print(f"argus: {process.name} ended ({end}), {wait}; see {process.log}", file=sys.stderr)
                return
            often = f"failed to start {record.failed_starts} times in a row" if process.was_ready else "did not start"
            self._fail(f"{process.name} {often} ({end}); stopping everything, see {process.log}")

    def _fail(self, reason: str) -> None:
        """Record the failure and stop everything. The caller holds the lock."""
        self._failure = ProcessFailed(reason)
        self._terminate()
        self._changed.notify_all()


@contextmanager
def supervised(
    commands: Mapping[str, Sequence[str]],
    environment: Mapping[str, str],
    *,
    logs: Path,
    pid_files: Path,
    policy: RestartPolicy | None = None,
) -> Iterator[Supervisor]:
    """Start a process for each command; stop all on exit.

    Raises ProcessFailed, after all are stopped, if a process did not start or failed permanently; this error takes
    precedence over others.
    """
    logs.mkdir(parents=True, exist_ok=True)
    processes = [
        ManagedProcess(name, tuple(command), logs / f"{name}.log", pid_files / f"{name}.pid")
        for name, command in commands.items()
    ]
    supervisor = Supervisor(processes, environment, policy or RestartPolicy())
    try:
        supervisor.start()
        yield supervisor
    finally:
        supervisor.stop()
        supervisor.check()


def _is_ready(ready: Connection) -> bool:
    """Whether the process reports that it is ready before it ends. Raises TimeoutError."""
    if not ready.poll(START_SECONDS):
        raise TimeoutError(f"not ready after {START_SECONDS} s")
    return os.read(ready.fileno(), 1) == b"1"


def _describe_exit(code: int) -> str:
    return f"exit code {code}" if code >= 0 else f"signal {-code}, {signal.strsignal(-code)}"
