"""The resources that one image needs: CPU of its requests and jobs in the packaged functions, and storage in S3.

Both zips run warm through awslambdaric against the embedded AWS; only the CPU of their own processes counts. There is
no peer and no goal: `python -m benchmarks.costs` computes the costs in docs/costs.md from these numbers.
"""

import json
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import httpx
from websockets.sync.client import ClientConnection, connect

from argus.core.dynamo import Table
from argus.notify.model import Connection
from argus.notify.store import ConnectionsStore
from benchmarks.harness import Row
from benchmarks.usage import IMAGE_NOTIFICATIONS, IMAGE_REQUESTS, MEASURED_ROWS, unit_of
from infra.deploy.functions import declared_settings
from infra.deploy.smoke import SmokeUsers
from infra.embedded.aws import EmbeddedAws
from services.local.demo.scenes.flir import flir_scene
from services.local.events import rest
from services.local.rehearsal.lambda_runtime import Function, packages
from services.local.sockets import Sockets
from services.local.sqs_poller import SqsPoller

IMAGES = 12
READS = 40


def run() -> list[Row]:
    data, _ = flir_scene(seed=5, leaks=6)
    samples: defaultdict[str, list[float]] = defaultdict(list)
    with _deployed() as argus:
        for index in range(IMAGES + 1):
            argus.responses_kb, before, logged = 0.0, argus.cpu_ms(), argus.log_kb()
            arrived_ms = argus.process_image(data)
            api, worker = (now - earlier for now, earlier in zip(argus.cpu_ms(), before, strict=True))
            api_log, worker_log = (now - earlier for now, earlier in zip(argus.log_kb(), logged, strict=True))
            if index:  # the first iteration imports modules, connects and fetches keys
                samples["image_request_ms"].append(api / len(IMAGE_REQUESTS))
                samples["arrived_ms"].append(arrived_ms)
                samples["other_jobs_ms"].append(worker - arrived_ms)
                samples["responses_kb"].append(argus.responses_kb)
                samples["api_log_kb"].append(api_log)
                samples["worker_log_kb"].append(worker_log)
        for _ in range(READS):
            earlier, _ = argus.cpu_ms()
            argus.call("GET", f"/images/{argus.image_id}")
            after, _ = argus.cpu_ms()
            samples["read_request_ms"].append(after - earlier)
        for name, kilobytes in argus.stored_kb():
            samples[name].append(kilobytes)
        assert argus.messages() == IMAGE_NOTIFICATIONS * (IMAGES + 1)
    return [Row(row, median(samples[field]), "", 0, unit_of(field), "", 0) for field, row in MEASURED_ROWS.items()]


# The measurement of each object, by the end of its key.
_OBJECTS = {
    "/original": "original_kb",
    "/temperature.tif": "geotiff_kb",
    "/preview/iron.png": "preview_kb",
    "/report.json": "report_kb",
}


@dataclass
class Deployed:
    """The API and the worker as Lambda runs them, and the queues between them."""

    aws: EmbeddedAws
    bucket: str
    api: Function
    worker: Function
    pollers: list[SqsPoller]
    token: str
    listener: ClientConnection | None = None
    image_id: str = ""  # of the last image
    responses_kb: float = 0.0

    def cpu_ms(self) -> tuple[float, float]:
        return self.api.cpu_seconds() * 1e3, self.worker.cpu_seconds() * 1e3

    def log_kb(self) -> tuple[float, float]:
        return self.api.log.stat().st_size / 1e3, self.worker.log.stat().st_size / 1e3

    def process_image(self, data: bytes) -> float:
        """Upload an image, scan it, list its findings and create a report; the CPU milliseconds of its processing."""
        file = {"name": "frame.jpg", "size": len(data), "content_type": "image/jpeg"}
        (item,) = self.call("POST", "/uploads", {"files": [file]})["items"]
        sent = httpx.post(item["upload"]["url"], data=item["upload"]["fields"], files={"file": ("file", data)})
        sent.raise_for_status()
        _, before = self.cpu_ms()
        self._work()
        _, after = self.cpu_ms()
        self.image_id = item["image_id"]
        image = self.call("GET", f"/images/{item['image_id']}")
        assert image["state"] == "ready", image
        target = {"kind": "image", "id": image["id"]}
        scan = self.call("POST", "/scans", {"target": target, "plugins": [{"id": "thermal_hotspots"}]})
        self._work()
        assert self.call("GET", f"/scans/{scan['id']}")["state"] == "succeeded"
        self.call("GET", f"/scans/{scan['id']}/findings")
        report = self.call("POST", "/reports", {"scan_id": scan["id"], "format": "json"})
        self._work()
        assert self.call("GET", f"/reports/{report['id']}")["state"] == "ready"
        return after - before

    def call(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        sent = json.dumps(body).encode() if body else None
        response = self.api.invoke(rest(method, f"/api/v1{path}", headers=headers, body=sent)).value
        assert response["statusCode"] < 300, response
        self.responses_kb += len(response["body"]) / 1e3
        return json.loads(response["body"])

    def stored_kb(self) -> Iterator[tuple[str, float]]:
        """The measurement and the size of each object."""
        pages = self.aws.client("s3").get_paginator("list_objects_v2").paginate(Bucket=self.bucket)
        for stored in (entry for page in pages for entry in page["Contents"]):
            (name,) = (name for end, name in _OBJECTS.items() if stored["Key"].endswith(end))
            yield name, stored["Size"] / 1e3

    def listen(self, sockets: Sockets, connected: list[str]) -> ClientConnection:
        """Connect a client that receives the changes of the user's organisation."""
        organisation_id = self.call("GET", "/me")["organisation"]["id"]
        self.listener = connect(sockets.url)
        store = ConnectionsStore(Table("argus-test-notify", lambda: self.aws.client("dynamodb")))
        scopes = frozenset({"images:read", "scans:read", "reports:read"})
        store.add(Connection(connected[0], organisation_id, "usr_a", datetime.now(UTC), scopes))
        return self.listener

    def messages(self) -> int:
        """How many messages the client has received."""
        count = 0
        assert self.listener is not None
        with suppress(TimeoutError):
            while True:
                self.listener.recv(timeout=0.5)
                count += 1
        return count

    def _work(self) -> None:
        """Poll until every queue is empty."""
        while sum(poller.poll(wait_seconds=0) for poller in self.pollers):
            pass


@contextmanager
def _deployed() -> Iterator[Deployed]:
    with ExitStack() as stack:
        aws = stack.enter_context(EmbeddedAws.start(stage="test"))
        outputs = aws.provision()
        logs = Path(stack.enter_context(TemporaryDirectory()))
        connected: list[str] = []

        def accept(event: dict[str, Any], _context: None) -> dict[str, Any]:
            connected.append(event["requestContext"]["connectionId"])
            return {"statusCode": 200}

        sockets = stack.enter_context(Sockets.start(accept))
        issuer = {"issuer": outputs.issuer, "jwks_url": outputs.jwks_url, "client_ids": [outputs.client_id]}
        environment = {
            **aws.environment,
            "ARGUS_STAGE": "test",
            "ARGUS_ACCOUNT_ID": aws.account_id,
            "ARGUS_AWS_ENDPOINT": aws.endpoint_url,
            "ARGUS_TRUSTED_ISSUERS": json.dumps([issuer]),
            "ARGUS_METRICS": "on",
            "ARGUS_CONNECTIONS_ENDPOINT": sockets.endpoint,
        }

        def start(stage: str, package: str) -> Function:
            settings = declared_settings(stage)
            variables = {**settings["aws_environment_variables"], "ARGUS_CURSOR_SECRET": "s" * 40, **environment}
            handler, memory = settings["lambda_handler"], settings["memory_size"]
            log = logs / stage
            return stack.enter_context(
                Function(packages() / package, handler, memory_mb=memory, environment=variables, log=log)
            )

        api, worker = start("dev", "api"), start("dev_worker", "worker")
        users = SmokeUsers(aws.client("cognito-idp"), outputs.user_pool_id, outputs.client_id, aws.endpoint_url)
        token = stack.enter_context(users.user())
        pollers = [
            SqsPoller(aws.client("sqs"), url, f"arn:aws:sqs:{aws.region}:{aws.account_id}:{name}", _handler(worker))
            for name, url in (("uploads", outputs.uploads_queue_url), ("jobs", outputs.jobs_queue_url))
        ]
        deployed = Deployed(aws, outputs.media_bucket, api, worker, pollers, token)
        stack.enter_context(deployed.listen(sockets, connected))
        yield deployed


def _handler(worker: Function) -> Callable[[dict[str, Any], None], dict[str, Any]]:
    def handle(event: dict[str, Any], _context: None) -> dict[str, Any]:
        result = worker.invoke(event)
        assert result.error is None, result.error
        return dict(result.value)

    return handle
