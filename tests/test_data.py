"""The calls of every route and job to DynamoDB, compared with the table in docs/data.md.

Capacity units are computed here, because moto does not: 4 KB read with strong consistency are one read unit, with
eventual consistency half a unit; 1 KB written is one write unit, and one more for every index that contains the item
(DynamoDB developer guide, "Read and write capacity"). Run with ARGUS_WRITE_DOCS=1 to rewrite the table.
"""

import json
import math
import os
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from operator import attrgetter
from pathlib import Path
from typing import Any

import pytest

from argus import capabilities
from argus.app import create_app
from argus.container import Container
from argus.jobs import JOBS
from services.local import events
from services.local.demo.scenes import flir_scene
from services.local.sockets import Sockets
from services.realtime import main as realtime
from services.scanner import main as scanner
from services.worker import main as worker
from tests.conftest import Issuer, Person, Workers
from tests.imagery.uploads import announce, send
from tests.resources import Resources, calls

PAGE = Path(__file__).parents[1] / "docs" / "data.md"
FILE = {"name": "a.jpg", "size": 10, "content_type": "image/jpeg"}

Wire = dict[str, Any]
_GROUPINGS = ("plugin_pk", "rule_pk", "target_pk", "target_plugin_pk", "target_rule_pk")


@dataclass
class Ledger:
    """Every call to DynamoDB, by the name of its route or job."""

    calls: dict[str, list[str]] = field(default_factory=dict)
    units: dict[str, tuple[int, int]] = field(default_factory=dict)
    _now: str = ""

    @contextmanager
    def under(self, name: str) -> Iterator[None]:
        outer, self._now = self._now, name
        if not outer and name in self.calls:
            self._now = ""  # only the first time counts
        elif not outer:
            self.calls[name], self.units[name] = [], (0, 0)
        try:
            yield
        finally:
            self._now = outer

    def note(self, operation: str, request: Wire, response: Wire, *, outcome: str = "") -> None:
        if not self._now:
            return
        reads, writes = _units(f"{operation}{outcome}", request, response)
        table = _table(request)
        index = f" by {request['IndexName']}" if "IndexName" in request else ""
        self.calls[self._now].append(f"{operation} {table}{index}{outcome}")
        before = self.units[self._now]
        self.units[self._now] = (before[0] + reads, before[1] + writes)

    def lines(self) -> list[str]:
        return [
            f"| {name} | {_counted(self.calls[name])} | {self.units[name][0] / 2:g} | {self.units[name][1]} |"
            for name in sorted(self.calls)
        ]


def _counted(calls: list[str]) -> str:
    return "; ".join(f"{count} × {call}" if count > 1 else call for call, count in Counter(calls).items()) or "–"


def _table(request: Wire) -> str:
    if "TableName" in request:
        names = {request["TableName"]}
    elif "RequestItems" in request:
        names = set(request["RequestItems"])
    else:
        names = {next(iter(entry.values()))["TableName"] for entry in request["TransactItems"]}
    (name,) = names
    return str(name).removeprefix("argus-test-")


def _size(item: Wire) -> int:
    """Bytes of an item as DynamoDB counts them, except for numbers, which it stores more compactly."""
    return len(json.dumps(item, separators=(",", ":"), default=lambda raw: raw.hex()))


def _written(item: Wire) -> int:
    """Write units in the table and in `gsi1`; one for each index of findings, which project keys only, under 1 KB."""
    copies = 2 if "gsi1pk" in item else 1
    groupings = sum(name in ("pk", *_GROUPINGS) for name in item) if "time_sk" in item else 0
    return copies * math.ceil(_size(item) / 1024) + 2 * groupings


def _units(operation: str, request: Wire, response: Wire) -> tuple[int, int]:
    """(half read units, write units) of a call."""
    halves = 2 if request.get("ConsistentRead") else 1
    match operation:
        case "GetItem":
            return halves * math.ceil(max(1, _size(response.get("Item", {}))) / 4096), 0
        case "Query":
            return halves * math.ceil(max(1, sum(map(_size, response["Items"]))) / 4096), 0
        case "BatchGetItem":
            ((table, found),) = response["Responses"].items()
            halves = 2 if request["RequestItems"][table].get("ConsistentRead") else 1
            return halves * sum(math.ceil(_size(item) / 4096) for item in found), 0
        case "PutItem":
            return 0, _written(request["Item"])
        case "UpdateItem":
            return 0, _written(response["Attributes"])
        case "DeleteItem" | "PutItem (condition failed)":
            return 0, 1
        case "BatchWriteItem":
            (entries,) = request["RequestItems"].values()
            return 0, sum(_written(entry["PutRequest"]["Item"]) if "PutRequest" in entry else 1 for entry in entries)
        case "TransactWriteItems":
            return 0, 2 * sum(
                _written(entry["Put"]["Item"]) if "Put" in entry else 1 for entry in request["TransactItems"]
            )
    raise AssertionError(f"unknown operation {operation}")


@pytest.fixture
def endpoint() -> Iterator[str]:
    """A gateway without connections."""
    with Sockets.start(realtime.handler) as sockets:
        yield sockets.endpoint


@pytest.fixture
def ledger(settings: Any, argus: Container, endpoint: str) -> Iterator[tuple[Ledger, Container]]:
    """An Argus whose calls to DynamoDB are recorded."""
    own_settings = settings.changed(ARGUS_CONNECTIONS_ENDPOINT=endpoint)
    container = Container(own_settings, clock=argus.clock, fetch_keys=argus.fetch_keys)
    kept = Ledger()
    requests: list[Wire] = []

    def before(params: Wire, **_: Any) -> None:
        requests.append(params)

    def after(parsed: Wire, model: Any, http_response: Any, **_: Any) -> None:
        if http_response.status_code == 200:
            kept.note(model.name, requests[-1], parsed)
        elif parsed["Error"]["Code"] == "ConditionalCheckFailedException":
            kept.note(model.name, requests[-1], parsed, outcome=" (condition failed)")

    for fail_fast in (False, True):
        events = container.aws.client("dynamodb", fail_fast=fail_fast).meta.events
        events.register("provide-client-params.dynamodb.*", before)
        events.register("after-call.dynamodb.*", after)
    return kept, container


def test_the_page_lists_every_call_to_dynamodb(
    ledger: tuple[Ledger, Container], issuer: Issuer, workers: Workers, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept, container = ledger
    _drive(kept, container, issuer, workers, monkeypatch)
    assert not [call for calls in kept.calls.values() for call in calls if "Scan" in call]
    assert {name for name in kept.calls if name.startswith("job ")} == {f"job {name}" for name in JOBS}
    table = "\n".join(["| what | calls | read units | write units |", "|---|---|---|---|", *kept.lines()])
    _compare("calls", table)


def test_the_page_lists_every_table_with_its_keys() -> None:
    rows = [
        f"| {table.name} | {table.partition_key} | {table.sort_key} | {table.index} |"
        for table in sorted(capabilities.tables(), key=attrgetter("name"))
    ]
    table = ["| table | partition key | sort key | index `gsi1` |", "|---|---|---|---|", *rows]
    _compare("tables", "\n".join(table))


def _compare(part: str, made: str) -> None:
    text = PAGE.read_text()
    expected = re.sub(rf"(?s)(<!-- {part} -->\n).*(<!-- /{part} -->)", rf"\g<1>{made}\n\g<2>", text)
    if os.environ.get("ARGUS_WRITE_DOCS"):
        PAGE.write_text(expected)
        return
    assert text == expected, "run `make docs` and review the difference"


def _drive(
    kept: Ledger, container: Container, issuer: Issuer, workers: Workers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Call every route and run every job once, on an image with three leaks."""
    for service in (worker, scanner, realtime):
        monkeypatch.setattr(service, "container", lambda: container)
    for name, job in JOBS.items():
        monkeypatch.setitem(JOBS, name, _noted(kept, name, job))
    http = create_app(container).test_client()
    person = Person(http, {"Authorization": f"Bearer {issuer.token(os.urandom(8).hex())}"})

    def call(method: str, path: str, body: Any = None, *, name: str = "", by: Person = person) -> Any:
        label = name or re.sub(r"[a-z]+_[0-9a-z]{26}", "{id}", path.split("?", maxsplit=1)[0])
        with kept.under(f"{method} {label}"):
            response = by.call(method, path, json=body) if body is not None else by.call(method, path)
        assert response.status_code < 300, response.get_data()
        return response.get_json() if response.get_data() else None

    call("GET", "/me", name="/me, first sign-in")
    me = call("GET", "/me")

    def socket(route: str, connection: str) -> None:
        with kept.under(f"socket {route}"):
            assert realtime.handler(events.socket(route, connection, headers=person.headers), None)["statusCode"] == 200

    socket("$connect", "stays=")
    socket("$connect", "leaves=")
    socket("$default", "stays=")
    socket("$disconnect", "leaves=")
    with kept.under("POST /uploads with an idempotency key"):
        person.post("/uploads", {"files": [FILE]}, headers={"Idempotency-Key": "k"})
    with kept.under("POST /uploads replayed"):
        person.post("/uploads", {"files": [FILE]}, headers={"Idempotency-Key": "k"})
    data, _ = flir_scene(seed=9, width=160, height=120, leaks=3)
    unsent = call("POST", "/uploads", {"files": [FILE]})["items"][0]["upload"]["fields"]["key"]
    container.imagery.jobs.send("image.check", {"key": unsent})
    item = announce(person, data)
    send(item, data)
    workers.work()
    image = f"/images/{item['image_id']}"
    call("GET", "/images")
    call("GET", image)
    call("GET", f"{image}/temperature?x=1&y=1")
    call("GET", "/plugins")
    call("GET", "/plugins/thermal_hotspots", name="/plugins/{id}")
    scan_body = {
        "target": {"kind": "image", "id": item["image_id"]},
        "plugins": [{"id": "thermal_hotspots", "options": {"delta_celsius": 5}}],
    }
    scan_id = call("POST", "/scans", scan_body)["id"]
    workers.work()
    call("GET", "/scans")
    call("GET", f"/scans/{scan_id}")
    call("GET", f"/scans/{scan_id}/findings")
    call("GET", "/findings")
    call("GET", "/findings/counts")
    call("POST", f"/scans/{call('POST', '/scans', scan_body)['id']}/cancel")
    report_id = call("POST", "/reports", {"scan_id": scan_id, "format": "json"})["id"]
    workers.work()
    call("GET", "/reports")
    call("GET", f"/reports/{report_id}")
    call("DELETE", image)
    key = call("POST", "/api-keys", {"name": "n", "scopes": ["plugins:read"]})
    call("GET", "/api-keys")
    call("GET", f"/api-keys/{key['id']}")
    holder = Person(http, {"X-API-Key": key["key"]})
    call("GET", "/plugins", name="/plugins by API key, first use in an hour", by=holder)
    call("GET", "/plugins", name="/plugins by API key", by=holder)
    call("DELETE", f"/api-keys/{key['id']}")
    for one in calls(http.application, Resources(replace(person, organisation_id=me["organisation"]["id"]), workers)):
        if one.name not in kept.calls:
            call(one.method, one.address, one.body, name=one.name.partition(" ")[2])
    workers.work()


def _noted(kept: Ledger, name: str, job: Any) -> Any:
    from argus.jobs import JobHandler

    def run(argus: Container) -> Any:
        verb = job.run(argus)

        def noted(**arguments: Any) -> None:
            with kept.under(f"job {name}"):
                verb(**arguments)

        return noted

    return JobHandler(run, job.give_up, job.functions)
