"""Spans reach the X-Ray daemon if tracing is on; if it is off, the SDK is not imported."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from argus.core import tracing
from argus.core.observability import request_scope
from services.local.demo.scenes import flir_scene
from tests.conftest import Person, Workers
from tests.imagery.uploads import uploaded

ROOT = Path(__file__).parents[2]
TRACE, PARENT = "1-67891233-abcdef012345678912345678", "53995c3f42cd8ad8"

Document = dict[str, Any]


def _received(daemon: socket.socket) -> Iterator[Document]:
    """Every received document; each follows a header of one line."""
    try:
        while True:
            head, _, body = daemon.recv(65_536).partition(b"\n")
            assert json.loads(head) == {"format": "json", "version": 1}
            yield json.loads(body)
    except BlockingIOError:
        return


def _names(documents: list[Document]) -> list[str]:
    return [name for one in documents for name in [one["name"], *_names(one.get("subsegments", []))]]


@pytest.fixture
def daemon() -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listening:
        listening.bind(("127.0.0.1", 0))
        listening.setblocking(False)
        yield listening


@pytest.fixture(scope="module")
def emitter() -> Iterator[Any]:
    """The SDK's sender; its socket stays open until it is closed here."""
    emitter = import_module("aws_xray_sdk.core").xray_recorder.emitter
    yield emitter
    emitter._socket.close()


@pytest.fixture
def traced(daemon: socket.socket, emitter: Any) -> Iterator[Callable[[], list[Document]]]:
    """Turns tracing on; returns the segments that arrived since the last call."""
    host, port = daemon.getsockname()
    tracing.configure(on=True)
    emitter.set_daemon_address(f"{host}:{port}")
    yield lambda: list(_received(daemon))
    tracing.configure(on=False)


def test_a_request_is_a_segment_with_its_status(traced: Callable[[], list[Document]], owner: Person) -> None:
    traced()
    owner.get("/images/img_01jb8z3k9q2m4n6p8r0s2t4v6w", headers={"X-Request-ID": "mine-1"})
    (segment,) = traced()
    (request,) = segment["subsegments"]
    assert (segment["name"], request["name"]) == ("argus", "GET /api/v1/images/image_id")
    assert (request["http"], request["error"]) == ({"response": {"status": 404}}, True)
    assert request["annotations"]["request_id"] == "mine-1"


def test_a_job_and_the_plugins_it_runs_are_spans(
    traced: Callable[[], list[Document]], owner: Person, workers: Workers
) -> None:
    image = uploaded(owner, workers, flir_scene(seed=9, width=160, height=120)[0])
    body = {"target": {"kind": "image", "id": image["id"]}, "plugins": [{"id": "thermal_hotspots"}]}
    owner.post("/scans", body)
    traced()
    workers.work()
    assert _names(traced()) == ["argus", "scan.run", "plugin thermal_hotspots", "argus", "scan.finalize"]


def test_a_failed_span_does_not_contain_the_error_message(traced: Callable[[], list[Document]]) -> None:
    with pytest.raises(ValueError, match="hunter2"), request_scope("r"), tracing.span("job"):
        raise ValueError("password=hunter2")
    (segment,) = traced()
    assert segment["subsegments"][0]["fault"] is True
    assert "hunter2" not in json.dumps(segment)


def test_on_lambda_spans_are_subsegments_of_the_segment_of_lambda(daemon: socket.socket) -> None:
    script = """
from argus.core import tracing
from argus.core.observability import request_scope
tracing.configure(on=True)
with request_scope("r-1"), tracing.span("GET /x") as span:
    with tracing.span("plugin"):
        pass
    span.set_status(200)
"""
    host, port = daemon.getsockname()
    environment = {
        "LAMBDA_TASK_ROOT": "/var/task",
        "_X_AMZN_TRACE_ID": f"Root={TRACE};Parent={PARENT};Sampled=1",
        "AWS_XRAY_DAEMON_ADDRESS": f"{host}:{port}",
    }
    done = subprocess.run([sys.executable, "-c", script], env=environment, cwd=ROOT, capture_output=True, check=True)
    assert (done.stdout, done.stderr) == (b"", b"")
    sent = {document["name"]: document for document in _received(daemon)}
    assert set(sent) == {"GET /x", "plugin"}
    assert {document["trace_id"] for document in sent.values()} == {TRACE}
    assert (sent["GET /x"]["parent_id"], sent["plugin"]["parent_id"]) == (PARENT, sent["GET /x"]["id"])


@pytest.mark.parametrize("module", [f"services.{one}.main" for one in ("api", "worker", "scanner", "scheduler")])
def test_sdks_that_are_off_are_not_imported(module: str) -> None:
    script = f"""
import sys, {module} as main
callable(main.container) and main.container()
print(sorted(name for name in sys.modules if name.split(".")[0] in ("aws_xray_sdk", "sentry_sdk")))
"""
    path = {name: os.environ[name] for name in ("PATH",) if name in os.environ}
    done = subprocess.run([sys.executable, "-c", script], env=path, cwd=ROOT, capture_output=True, check=True)
    assert done.stdout.splitlines()[-1] == b"[]"
