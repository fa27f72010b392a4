"""Processes that are started, watched, and restarted when they end unexpectedly.

    with supervised({"worker": command}, environment, logs=logs, pid_files=folder) as processes:  # all are ready
        processes.wait()  # until one of them fails for good: raises ProcessFailed

The last argument of a command is the file descriptor that the process writes `1` to once it is ready. The process ends
at SIGTERM, and when its standard input closes, so that none outlives a parent that was killed. `<name>.pid` exists
while it is ready; `<name>.log` holds the output of all its runs.
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
    """A process of the local system does not start."""


@dataclass(frozen=True)
class Record:
    """How a process has done lately."""

    failed_starts: int = 0  # in a row
    wait_seconds: float = 0.0  # before the next start


@dataclass(frozen=True)
class RestartPolicy:
    """How long a restart waits, and how many failed starts in a row are too many."""

    first_seconds: float = 0.5  # doubled at each end …
    longest_seconds: float = 30.0
    steady_seconds: float = 60.0  # … until the process was ready for so long
    failed_seconds: float = 5.0  # a start has failed when the process was ready for less
    most_failed_starts: int = 5

    def after(self, record: Record, *, ready_seconds: float) -> Record:
        """The record once a process has ended that was ready for so long."""
        failed = ready_seconds < self.failed_seconds
        anew = ready_seconds >= self.steady_seconds or not record.wait_seconds
        return Record(
            failed_starts=record.failed_starts + 1 if failed else 0,
            wait_seconds=self.first_seconds if anew else min(2 * record.wait_seconds, self.longest_seconds),
        )


@dataclass
class Child:
    """A process, through all its runs."""

    name: str
    command: tuple[str, ...]
    log: Path
    pid_file: Path
    run: subprocess.Popen[bytes] | None = None
    was_ready: bool = False


class Supervisor:
    """Each process has a thread that starts it and waits for its end."""

    def __init__(self, children: Sequence[Child], environment: Mapping[str, str], policy: RestartPolicy) -> None:
        self._children = children
        self._environment = dict(environment)
        self._policy = policy
        self._changed = threading.Condition()  # its lock guards the failure and the children
        self._stopping = threading.Event()  # set under the lock: then nothing is started any more
        self._failure: ProcessFailed | None = None
        # Daemons, which an interpreter that ends does not wait for.
        self._threads = [
            threading.Thread(target=self._watch, args=(child,), name=f"watch-{child.name}", daemon=True)
            for child in children
        ]

    def start(self) -> None:
        """Start all, and wait until all are ready. Raises ProcessFailed."""
        for child in self._children:
            child.log.write_bytes(b"")
        for thread in self._threads:
            thread.start()
        with self._changed:
            self._changed.wait_for(lambda: self._failure or all(child.was_ready for child in self._children))
        self.check()

    def wait(self) -> None:
        """Wait until a process fails for good. Raises ProcessFailed."""
        with self._changed:
            self._changed.wait_for(lambda: self._failure)
        self.check()

    def check(self) -> None:
        """Raise ProcessFailed if a process has failed for good."""
        if self._failure is not None:
            raise self._failure

    def stop(self) -> None:
        """Stop all, and one that is just being restarted; kill what does not end in time."""
        self._terminate()
        for child, thread in zip(self._children, self._threads, strict=True):
            if thread.is_alive():
                thread.join(STOP_SECONDS)
            if thread.is_alive() and child.run is not None:
                child.run.kill()
                thread.join()

    def _terminate(self) -> None:
        with self._changed:
            self._stopping.set()
            for child in self._children:
                if child.run is not None:
                    child.run.terminate()

    # ------------------------------------------------------------ in the thread of one process

    def _watch(self, child: Child) -> None:
        # The process inherits this: Ctrl-C reaches the whole group, and the parent decides.
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        record = Record()
        try:
            while not self._stopping.wait(record.wait_seconds):
                end, ready_seconds = self._run(child)
                record = self._policy.after(record, ready_seconds=ready_seconds)
                self._report(child, end, record)
        except Exception as error:  # standard error may be closed; a process must not run unwatched
            with self._changed:
                self._fail(f"{child.name} is no longer watched ({error}), everything is stopped; see {child.log}")

    def _run(self, child: Child) -> tuple[str, float]:
        """Run a process until it ends; how it ended, and for how long it was ready."""
        ready_seconds = 0.0
        try:
            reader, ready_writer = Pipe(duplex=False)
            with reader, self._spawn(child, ready_writer) as run:
                try:
                    if _is_ready(reader):
                        ready_seconds = self._follow(child, run)
                finally:
                    run.kill()  # unless it has ended
                    child.pid_file.unlink(missing_ok=True)
        except OSError as error:  # it could not be started, or was not ready in time
            return str(error), ready_seconds
        return _end(run.returncode), ready_seconds

    def _spawn(self, child: Child, ready_writer: Connection) -> subprocess.Popen[bytes]:
        with ready_writer, child.log.open("ab") as log, self._changed:
            if self._stopping.is_set():
                raise InterruptedError("everything stops")
            child.run = subprocess.Popen(
                [*child.command, str(ready_writer.fileno())],
                env=self._environment,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                pass_fds=[ready_writer.fileno()],
            )
            return child.run

    def _follow(self, child: Child, run: subprocess.Popen[bytes]) -> float:
        """Wait for the end of a process that is ready; for how long it was."""
        ready_at = time.monotonic()
        child.pid_file.write_text(f"{run.pid}\n")
        with self._changed:
            child.was_ready = True
            self._changed.notify_all()
        run.wait()
        return time.monotonic() - ready_at

    def _report(self, child: Child, end: str, record: Record) -> None:
        """Say that a process ended unexpectedly, or give up: what never was ready will not be by itself."""
        with self._changed:
            if self._stopping.is_set():
                return
            if child.was_ready and record.failed_starts < self._policy.most_failed_starts:
                wait = f"restarting in {record.wait_seconds:g} s"
                print(f"argus: {child.name} ended ({end}), {wait}; see {child.log}", file=sys.stderr)
                return
            often = f"failed to start {record.failed_starts} times in a row" if child.was_ready else "did not start"
            self._fail(f"{child.name} {often} ({end}), everything is stopped; see {child.log}")

    def _fail(self, why: str) -> None:
        """Stop all for good; the lock is held."""
        self._failure = ProcessFailed(why)
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
    """Start a process for each command; stop all when left, however it is left.

    Raises ProcessFailed when one does not start, or has failed for good, whatever else happens then: all are stopped.
    """
    logs.mkdir(parents=True, exist_ok=True)
    children = [
        Child(name, tuple(command), logs / f"{name}.log", pid_files / f"{name}.pid")
        for name, command in commands.items()
    ]
    supervisor = Supervisor(children, environment, policy or RestartPolicy())
    try:
        supervisor.start()
        yield supervisor
    finally:
        supervisor.stop()
        supervisor.check()


def _is_ready(ready: Connection) -> bool:
    """Whether a process says so, or ends first. Raises TimeoutError."""
    if not ready.poll(START_SECONDS):
        raise TimeoutError(f"not ready after {START_SECONDS} s")
    return os.read(ready.fileno(), 1) == b"1"


def _end(code: int) -> str:
    return f"exit code {code}" if code >= 0 else f"signal {-code}, {signal.strsignal(-code)}"
