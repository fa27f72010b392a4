"""The calls of every route and job to DynamoDB, compared with the table in docs/data.md.

`infra/embedded/capacity.py` computes the units, for which each write is preceded by a read of what it replaces. Run
with ARGUS_WRITE_DOCS=1 to rewrite the table.
"""

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
from argus.core import dynamo
from argus.jobs import JOBS
from argus.scanning import finding_store
from infra.embedded.aws import EmbeddedAws
from infra.embedded.capacity import WRITE_BYTES, Capacity, item_bytes, read_units
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

# The first calls of these concern one image, its scan and its report, until they have ended.
IMAGE_WRITES = {
    *("job image.arrived", "POST /scans", "job scan.run", "job scan.finalize", "POST /reports", "job report.build"),
}

Wire = dict[str, Any]


@dataclass
class Ledger:
    """Every call to DynamoDB, by the name of its route or job."""

    client: Any  # whose calls are not recorded
    calls: dict[str, list[str]] = field(default_factory=dict)
    units: dict[str, tuple[float, int]] = field(default_factory=dict)
    capacities: dict[str, Capacity] = field(default_factory=dict)  # by table
    findings: list[Wire] = field(default_factory=list)  # that were written
    stored: dict[tuple[str, str, str], Wire] = field(default_factory=dict)  # last, by table and key, under IMAGE_WRITES
    _replaced: list[Wire | None] = field(default_factory=list)  # by the writes of the call that was sent last
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

    def sent(self, operation: str, request: Wire) -> None:
        writes = _writes(operation, request)
        self._replaced = [self._stored(table, key) for table, key, _ in writes]
        self.findings += [item for _, _, item in writes if item and "severity_sk" in item]

    def note(self, operation: str, request: Wire, response: Wire, *, outcome: str = "") -> None:
        if not self._now:
            return
        reads, writes = self._read_units(operation, request, response), self._write_units(operation, request, outcome)
        table = _table(request).removeprefix("argus-test-")
        index = f" by {request['IndexName']}" if "IndexName" in request else ""
        self.calls[self._now].append(f"{operation} {table}{index}{outcome}")
        before = self.units[self._now]
        self.units[self._now] = (before[0] + reads, before[1] + writes)

    def lines(self) -> list[str]:
        return [
            f"| {name} | {_counted(self.calls[name])} | {self.units[name][0]:g} | {self.units[name][1]} |"
            for name in sorted(self.calls)
        ]

    def stored_lines(self) -> list[str]:
        """What remains of one image, by table. The requests table is left out: its items expire within a day.

        In half kB, rounded up: deflated details differ by some bytes from run to run.
        """
        sums: dict[str, tuple[int, int, int]] = {}
        for (table, *_), item in self.stored.items():
            own, indexes = self._capacity(table).stored_bytes(item)
            before = sums.get(table, (0, 0, 0))
            sums[table] = (before[0] + 1, before[1] + own, before[2] + indexes)
        rows = [
            (name.removeprefix("argus-test-"), count, math.ceil(own / 500) / 2, math.ceil(indexes / 500) / 2)
            for name, (count, own, indexes) in sorted(sums.items())
            if name != "argus-test-requests"
        ]
        rows.append(("**all**", *(sum(row[column] for row in rows) for column in (1, 2, 3))))
        return [f"| {name} | {count} | {own} | {indexes} |" for name, count, own, indexes in rows]

    def _read_units(self, operation: str, request: Wire, response: Wire) -> float:
        match operation:
            case "GetItem":
                found = [response["Item"]] if "Item" in response else []
                return read_units(found, consistent=request.get("ConsistentRead", False), together=False)
            case "Query":
                return read_units(response["Items"], consistent=request.get("ConsistentRead", False), together=True)
            case "BatchGetItem":
                ((table, found),) = response["Responses"].items()
                consistent = request["RequestItems"][table].get("ConsistentRead", False)
                return read_units(found, consistent=consistent, together=False)
        return 0

    def _write_units(self, operation: str, request: Wire, outcome: str) -> int:
        units = 0
        for (table, key, item), before in zip(_writes(operation, request), self._replaced, strict=True):
            after = before if outcome else item or self._stored(table, key)
            if after and self._now in IMAGE_WRITES:
                self.stored[table, key["pk"]["S"], key["sk"]["S"]] = after
            in_transaction = operation == "TransactWriteItems"
            units += self._capacity(table).write_units(before, after, in_transaction=in_transaction)
        return units

    def _stored(self, table: str, key: Wire) -> Wire | None:
        found: Wire | None = self.client.get_item(TableName=table, Key=key, ConsistentRead=True).get("Item")
        return found

    def _capacity(self, table: str) -> Capacity:
        if table not in self.capacities:
            self.capacities[table] = Capacity.of(self.client.describe_table(TableName=table)["Table"])
        return self.capacities[table]


def _writes(operation: str, request: Wire) -> list[tuple[str, Wire, Wire | None]]:
    """(table, key, the item of a put) of each write of a call."""

    def put(table: str, item: Wire) -> tuple[str, Wire, Wire]:
        return table, {name: item[name] for name in ("pk", "sk")}, item

    match operation:
        case "PutItem":
            return [put(request["TableName"], request["Item"])]
        case "UpdateItem" | "DeleteItem":
            return [(request["TableName"], request["Key"], None)]
        case "BatchWriteItem":
            return [
                put(table, entry["PutRequest"]["Item"])
                if "PutRequest" in entry
                else (table, entry["DeleteRequest"]["Key"], None)
                for table, entries in request["RequestItems"].items()
                for entry in entries
            ]
        case "TransactWriteItems":
            entries = [next(iter(entry.values())) for entry in request["TransactItems"]]
            return [
                put(entry["TableName"], entry["Item"]) if "Item" in entry else (entry["TableName"], entry["Key"], None)
                for entry in entries
            ]
    return []


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
    return str(name)


@pytest.fixture
def endpoint() -> Iterator[str]:
    """A gateway without connections."""
    with Sockets.start(realtime.handler) as sockets:
        yield sockets.endpoint


@pytest.fixture
def ledger(
    settings: Any, argus: Container, aws: EmbeddedAws, endpoint: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[Ledger, Container]]:
    """An Argus whose calls to DynamoDB are recorded, one after another."""
    for module in (dynamo, finding_store):
        monkeypatch.setattr(module, "call_each", lambda call, arguments: list(map(call, arguments)))
    own_settings = settings.changed(ARGUS_CONNECTIONS_ENDPOINT=endpoint)
    container = Container(own_settings, clock=argus.clock, fetch_keys=argus.fetch_keys)
    kept = Ledger(aws.client("dynamodb"))
    requests: list[Wire] = []

    def before(params: Wire, model: Any, **_: Any) -> None:
        requests.append(params)
        kept.sent(model.name, params)

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
    sizes = [item_bytes(item) for item in kept.findings]
    assert 0 < max(sizes) <= WRITE_BYTES, "a write of a finding would cost two units"
    table = "\n".join(["| what | calls | read units | write units |", "|---|---|---|---|", *kept.lines()])
    _compare("calls", table)
    head = ["| table | items | kB | kB in indexes |", "|---|---|---|---|"]
    _compare("stored", "\n".join([*head, *kept.stored_lines()]))


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
    picture = call("GET", image)["links"]["previews"]["medical"]["url"]
    for label in ("GET /pictures, first request", "GET /pictures"):
        with kept.under(label):
            assert http.get(picture).status_code == 302
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
