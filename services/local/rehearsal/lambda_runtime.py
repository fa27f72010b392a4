"""An emulated Lambda: the Runtime API on 127.0.0.1, and a function that runs from its zip.

The protocol is that of "Using the Lambda runtime API" in the Lambda developer guide; the client is AWS's own,
`awslambdaric`. Each function has a new interpreter whose path contains only the unzipped package, the standard library,
and the modules of Lambda's runtime (boto3 and awslambdaric), not this repository or its virtual environment.
"""

import fcntl
import hashlib
import importlib.util
import json
import os
import queue
import shutil
import signal
import subprocess
import sys
import time
import uuid
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from tempfile import mkdtemp
from threading import Thread
from types import TracebackType
from typing import Any, Self

from infra.deploy import package

ROOT = package.ROOT
VERSION = "/2018-06-01/runtime"
LONGEST_MS = 900_000  # Lambda's maximum timeout
# The modules of Lambda's python3.11 runtime besides the standard library.
RUNTIME_MODULES = (
    *("boto3", "botocore", "dateutil", "jmespath", "s3transfer", "six", "urllib3"),
    *("awslambdaric", "runtime_client", "simplejson", "snapshot_restore_py"),
)
START = """
import os, resource, sys
limit = int(os.environ["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"]) * 1024 * 1024
resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
sys.path.insert(0, os.environ["LAMBDA_TASK_ROOT"])
sys.path.append(os.environ["LAMBDA_RUNTIME_DIR"])
from awslambdaric.__main__ import main
main(["awslambdaric", os.environ["_HANDLER"]])
"""


@dataclass(frozen=True)
class Result:
    """The result of an invocation: the function's response, or its error as Lambda reports it."""

    value: Any
    error: dict[str, Any] | None
    seconds: float


@dataclass(frozen=True)
class _Invocation:
    event: bytes
    remaining_ms: int
    done: "queue.Queue[tuple[bytes, bool]]" = field(default_factory=queue.Queue)
    id: str = field(default_factory=lambda: str(uuid.uuid4()))


class RuntimeApi:
    """The Runtime API of one function."""

    def __init__(self, on_first_next: Callable[[], None]) -> None:
        self.waiting: queue.Queue[_Invocation] = queue.Queue()
        self.running: dict[str, _Invocation] = {}
        self.started: queue.Queue[dict[str, Any] | None] = queue.Queue()  # None, or the error of init
        self._on_first_next: Callable[[], None] | None = on_first_next
        self._server = _Server(("127.0.0.1", 0), _handler_for(self))
        self.address = f"127.0.0.1:{self._server.server_port}"
        self._thread = Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def next(self) -> _Invocation:
        """The next invocation; the first call marks the end of init."""
        if self._on_first_next:
            self._on_first_next()
            self._on_first_next = None
            self.started.put(None)
        invocation = self.waiting.get()
        self.running[invocation.id] = invocation
        return invocation


class _Server(ThreadingHTTPServer):
    """A server that ignores clients that disconnect."""

    daemon_threads = True

    def handle_error(self, *arguments: Any) -> None:
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(*arguments)


def _handler_for(api: RuntimeApi) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # Send headers and body in one packet at once; otherwise each call waits 40 ms for a delayed acknowledgement.
        wbufsize = -1
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            invocation = api.next()
            deadline = int(time.time() * 1000) + invocation.remaining_ms
            self._respond(
                200,
                invocation.event,
                {
                    "Lambda-Runtime-Aws-Request-Id": invocation.id,
                    "Lambda-Runtime-Deadline-Ms": str(deadline),
                    "Lambda-Runtime-Invoked-Function-Arn": "arn:aws:lambda:eu-west-1:123456789012:function:argus",
                    "Lambda-Runtime-Trace-Id": "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=0",
                },
            )

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.path == f"{VERSION}/init/error":
                api.started.put(json.loads(body))
            else:
                _, _, request_id, outcome = self.path.removeprefix(VERSION).split("/")
                api.running.pop(request_id).done.put((body, outcome == "response"))
            self._respond(202, b'{"status":"OK"}', {})

        def _respond(self, status: int, body: bytes, headers: dict[str, str]) -> None:
            self.send_response(status)
            for name, value in {**headers, "Content-Type": "application/json", "Content-Length": len(body)}.items():
                self.send_header(name, str(value))
            self.end_headers()
            self.wfile.write(body)
            self.wfile.flush()

        def log_message(self, *_: Any) -> None:
            """Requests are not logged."""

    return Handler


class InitFailed(Exception):
    """The function exited before it requested an invocation."""


class Function:
    """A running function; as a context manager, it stops on exit."""

    def __init__(self, task: Path, handler: str, *, memory_mb: int, environment: Mapping[str, str], log: Path) -> None:
        self.log = log
        self._api = RuntimeApi(self._init_ended)
        self.init_seconds = self.init_cpu_seconds = 0.0
        variables = {
            "_HANDLER": handler,
            "AWS_LAMBDA_RUNTIME_API": self._api.address,
            "AWS_LAMBDA_FUNCTION_NAME": "argus",
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(memory_mb),
            "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
            "AWS_EXECUTION_ENV": "AWS_Lambda_python3.11",
            "LAMBDA_TASK_ROOT": str(task),
            "LAMBDA_RUNTIME_DIR": str(runtime()),
            "LANG": "en_US.UTF-8",
            "PATH": "/usr/bin:/bin",
            "TZ": ":UTC",
            **environment,
        }
        # The base interpreter of the virtual environment, isolated and without site-packages. Lambda's code folder is
        # read-only; here root could write to it, so bytecode is disabled.
        interpreter = os.path.realpath(sys.executable)
        self._started = time.perf_counter()
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                [interpreter, "-I", "-S", "-B", "-c", START],
                env=variables,
                cwd=task,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        self._watch = Thread(target=self._report_exit, daemon=True)
        self._watch.start()
        error = self._api.started.get(timeout=500)
        if error is not None:
            self.close()
            raise InitFailed(f"{error}\n{log.read_text()[-3000:]}")

    def _init_ended(self) -> None:
        self.init_seconds = time.perf_counter() - self._started
        self.init_cpu_seconds = self.cpu_seconds()

    def cpu_seconds(self) -> float:
        """CPU time of its threads so far, from schedstat: the ticks of /proc/PID/stat are too coarse."""
        threads = Path(f"/proc/{self.process_id}/task").glob("*/schedstat")
        return sum(int(thread.read_text().split()[0]) for thread in threads) / 1e9

    def _report_exit(self) -> None:
        self._process.wait()
        self._api.started.put({"errorType": "Runtime.ExitError", "code": self._process.returncode})
        for invocation in list(self._api.running.values()):
            invocation.done.put((json.dumps({"errorType": "Runtime.ExitError"}).encode(), False))

    def invoke(self, event: Any, *, remaining_ms: int = LONGEST_MS) -> Result:
        """Invoke the function with an event and wait for its result."""
        if self._process.poll() is not None:
            return Result(None, {"errorType": "Runtime.ExitError"}, 0.0)
        invocation = _Invocation(json.dumps(event).encode(), remaining_ms)
        started_at = time.perf_counter()
        self._api.waiting.put(invocation)
        body, succeeded = invocation.done.get(timeout=500)
        seconds = time.perf_counter() - started_at
        value = json.loads(body)
        return Result(value if succeeded else None, None if succeeded else value, seconds)

    @property
    def process_id(self) -> int:
        return self._process.pid

    def lines(self) -> list[dict[str, Any]]:
        """The JSON lines of its log."""
        return [json.loads(line) for line in self.log.read_text().splitlines() if line.startswith("{")]

    def shared_objects(self) -> set[Path]:
        """The shared libraries that it has loaded."""
        maps = Path(f"/proc/{self.process_id}/maps").read_text()
        return {Path(line.split()[-1]) for line in maps.splitlines() if ".so" in line}

    def close(self) -> None:
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGKILL)
        self._watch.join()
        self._api.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


# ---------------------------------------------------------------- packages, built once


def sources_hash() -> str:
    """A hash of the sources of the packages."""
    digest = hashlib.sha256()
    requirements = [one.requirements for one in package.PACKAGES]
    names = ["pyproject.toml", "README.md", "zappa_settings.json", "infra/deploy/package.py", *requirements]
    folders = ["src", *(f"services/{name}" for one in package.PACKAGES for name in one.services)]
    paths = [ROOT / name for name in names] + [path for folder in folders for path in (ROOT / folder).rglob("*")]
    for path in sorted(paths):
        if path.is_file() and "__pycache__" not in path.parts and not any(".egg-info" in part for part in path.parts):
            digest.update(f"{path.relative_to(ROOT)}\0".encode() + path.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


@cache
def packages() -> Path:
    """A folder with `api.zip`, `worker.zip`, and their unzipped contents; built if the sources have changed.

    Older folders are deleted after an hour, because another process may still use them.
    """
    boot = ROOT / "build" / "boot"
    built = boot / sources_hash()
    with _locked():
        if not built.exists():
            for old in boot.iterdir():
                if old.is_dir() and old.name != "runtime" and time.time() - old.stat().st_mtime > 3600:
                    shutil.rmtree(old)
            part = Path(mkdtemp(prefix="part-", dir=boot))
            for one in package.PACKAGES:
                unzip(package.build(one, part), part / one.name)
            part.rename(built)
    return built


def unzip(path: Path, folder: Path) -> Path:
    """Unzip as Lambda does: with the permissions in the zip, but read-only."""
    with zipfile.ZipFile(path) as opened:
        for entry in opened.infolist():
            (folder / entry.filename).parent.mkdir(parents=True, exist_ok=True)
            (folder / entry.filename).write_bytes(opened.read(entry))
            (folder / entry.filename).chmod((entry.external_attr >> 16) & 0o555)
    return folder


def runtime() -> Path:
    """A folder with the modules of Lambda's runtime, copied from the virtual environment."""
    folder = ROOT / "build" / "boot" / "runtime"
    with _locked():
        if not folder.exists():
            part = Path(mkdtemp(prefix="part-", dir=folder.parent))
            for name in RUNTIME_MODULES:
                _copy_module(name, part)
            part.rename(folder)
    return folder


def _copy_module(name: str, folder: Path) -> None:
    found = importlib.util.find_spec(name)
    if found is None or found.origin is None:
        raise ModuleNotFoundError(f"{name} is not installed; `make install` installs it")
    origin = Path(found.origin)
    if origin.name == "__init__.py":
        shutil.copytree(origin.parent, folder / name)
    else:
        shutil.copy(origin, folder)


@contextmanager
def _locked() -> Iterator[None]:
    """Exclude other processes: test files run in parallel."""
    lock = ROOT / "build" / "boot" / ".lock"
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield
