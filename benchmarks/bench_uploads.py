"""500 uploads of 1 MB to the system of `make run`: its memory, and whether it stays as fast as at first.

The system runs in processes of its own, whose resident memory is counted; this process is only its client. The images
are frames of 640 × 512 with random bytes at the end, which decoders ignore. Batches of 20 are uploaded, each until its
images are ready; the times are medians of five batches, in wall time. The bytes stored are those of all objects, with
the products.

The curve is written to docs/memory.svg.
"""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import boto3
import httpx

from argus.cli import cognito
from benchmarks.chart import Line, line_chart
from benchmarks.harness import PAGE, Row
from infra.embedded.aws import listen
from services.local.demo.scenes.flir import flir_scene

BATCHES, BATCH, COMPARED = 25, 20, 5
BYTES = 1_000_000
READY_SECONDS = 300  # of a batch
ALLOWED = 1.5  # of the bytes stored
OWNER, PASSWORD = "owner@north.example", "Correct-horse-9-battery"
ROOT = Path(__file__).parent.parent
PORTS = ("ARGUS_PORT", "ARGUS_AWS_PORT", "ARGUS_SOCKET_PORT", "ARGUS_CONSOLE_PORT")


@dataclass(frozen=True)
class Sample:
    """After a batch: MB since the start, and the seconds of the batch."""

    memory: float
    stored: float
    seconds: float


def run() -> list[Row]:
    with _running() as system:
        samples = list(system.upload())
    chart = line_chart(
        [
            Line("growth of memory, all processes", [0.0, *(sample.memory for sample in samples)]),
            Line("bytes stored", [0.0, *(sample.stored for sample in samples)]),
        ],
        step=BATCH,
        x="uploads of 1 MB",
        y="MB",
    )
    (PAGE.parent / "memory.svg").write_text(chart, encoding="utf-8")
    last, count = samples[-1], BATCHES * BATCH
    first_seconds, last_seconds = (
        median(sample.seconds for sample in part) * 1e3 for part in (samples[:COMPARED], samples[-COMPARED:])
    )
    allowed = ALLOWED * last.stored
    return [
        Row(
            f"make run: growth of memory by {count} uploads of 1 MB",
            last.memory * 1e3,
            f"{ALLOWED} × the bytes stored",
            allowed * 1e3,
            "kB",
            "≥ 1×",
            allowed / last.memory,
        ),
        Row(
            f"make run: {BATCH} uploads until they are ready, the last {BATCH * COMPARED} (wall time)",
            last_seconds,
            f"the first {BATCH * COMPARED}",
            first_seconds,
            "ms",
            "≥ 0.9×",
            first_seconds / last_seconds,
        ),
    ]


@dataclass(frozen=True)
class _System:
    pid: int
    http: httpx.Client
    storage: httpx.Client
    s3: Any

    def upload(self) -> Iterator[Sample]:
        data, _ = flir_scene(seed=3)
        before = self._memory()
        with ThreadPoolExecutor(4) as pool:
            for _ in range(BATCHES):
                start = time.perf_counter()
                sent = list(pool.map(self._send, [data + os.urandom(BYTES - len(data)) for _ in range(BATCH)]))
                self._wait(sent)
                seconds = time.perf_counter() - start
                yield Sample(self._memory() - before, self._stored(), seconds)

    def _send(self, data: bytes) -> str:
        file = {"name": "frame.jpg", "size": len(data), "content_type": "image/jpeg"}
        created = self.http.post("/uploads", json={"files": [file]})
        (item,) = created.raise_for_status().json()["items"]
        form = item["upload"]
        self.storage.post(form["url"], data=form["fields"], files={"file": data}).raise_for_status()
        return str(item["image_id"])

    def _wait(self, image_ids: list[str]) -> None:
        deadline = time.monotonic() + READY_SECONDS
        for image_id in image_ids:
            while (state := self.http.get(f"/images/{image_id}").raise_for_status().json()["state"]) != "ready":
                if state == "rejected":
                    raise ValueError(f"the image {image_id} was rejected")
                if time.monotonic() > deadline:
                    raise TimeoutError(f"the image {image_id} is {state} after {READY_SECONDS} s")
                time.sleep(0.05)

    def _memory(self) -> float:
        """The resident memory of the system's processes, in MB."""
        listed = subprocess.run(["ps", "-axo", "pid=,ppid=,rss="], capture_output=True, text=True, check=True).stdout
        rows = [tuple(map(int, line.split())) for line in listed.splitlines()]
        return sum(size for pid, parent, size in rows if self.pid in (pid, parent)) * 1024 / 1e6

    def _stored(self) -> float:
        """The bytes of all objects, in MB."""
        return 1e-6 * sum(
            int(entry["Size"])
            for bucket in self.s3.list_buckets()["Buckets"]
            for page in self.s3.get_paginator("list_objects_v2").paginate(Bucket=bucket["Name"])
            for entry in page.get("Contents", [])
        )


@contextmanager
def _running() -> Iterator[_System]:
    """The system of `make run` without the demo, and its clients: of the API as an owner, and of the objects."""
    ports = {name: str(_free_port()) for name in PORTS}
    limits = dict.fromkeys(("ARGUS_RATE_LIMIT", "ARGUS_IP_RATE_LIMIT"), "100000 per minute")
    command = [sys.executable, "-m", "services.local.main", "--bare"]
    environment = {**os.environ, **ports, **limits, "ARGUS_DEMO_PASSWORD": PASSWORD}
    with ExitStack() as stack:
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True)
        stack.callback(_stop, process)
        url = f"http://127.0.0.1:{ports['ARGUS_PORT']}/api/v1"
        http = stack.enter_context(httpx.Client(base_url=url, timeout=300))
        storage = stack.enter_context(httpx.Client(timeout=300))
        if process.stdout is None or not any("Password" in line for line in process.stdout):
            raise RuntimeError("make run did not start")
        (method,) = http.get("/sign-in").raise_for_status().json()["items"]
        endpoint, client_id = method["endpoint"], method["client_id"]
        session = cognito.sign_in(http, endpoint=endpoint, client_id=client_id, user=OWNER, password=PASSWORD)
        http.headers["Authorization"] = f"Bearer {session.access_token}"
        s3 = boto3.client(
            "s3",
            endpoint_url=f"http://127.0.0.1:{ports['ARGUS_AWS_PORT']}",
            region_name="eu-west-1",
            aws_access_key_id="local",
            aws_secret_access_key="local",
        )
        yield _System(process.pid, http, storage, s3)


def _stop(process: subprocess.Popen[str]) -> None:
    process.terminate()
    try:
        process.communicate(timeout=60)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()


def _free_port() -> int:
    with listen(0) as probe:
        return int(probe.getsockname()[1])
