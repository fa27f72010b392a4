"""A page of an organisation's 100,000 findings: items read with our indexes, against reading and filtering.

DynamoDB is an in-memory table that implements `Query` and `BatchGetItem` and counts read units: 4 KB of strongly
consistent reads are one, of eventually consistent reads half; a batch rounds up each item. moto would take minutes. The
peer is the earlier algorithm of Argus: read whole items of one index, most severe first, until the page is full.

The last row publishes known findings: our parallel puts against one put after another. A put takes 5 ms and no CPU
time, so that this row has wall time.
"""

import bisect
import random
import re
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import islice
from math import ceil
from statistics import median
from threading import Lock
from typing import Any

from argus.core.dynamo import ConditionFailed, Item, Put, Table, from_wire
from argus.scanning.finding_query import FindingFilter, Sort
from argus.scanning.finding_store import FindingStore, from_item
from argus.scanning.model import Severity, Status, Target, TrackedFinding
from argus.scanning.publishing import PAGE
from benchmarks.harness import Row, alternate
from infra.embedded.capacity import item_bytes

COUNT, LIMIT = 100_000, 50
ORGANISATION = "org_01jb8z3k9q2m4n6p8r0s2t4v6w"
BEGINNING = datetime(2026, 1, 1, tzinfo=UTC)
_GROUPINGS = ("pk", "plugin_pk", "rule_pk", "target_pk", "target_plugin_pk", "target_rule_pk")


@dataclass
class Memory:
    """The part of a DynamoDB client that a page of findings uses."""

    items: dict[tuple[str, str], Item] = field(default_factory=dict)  # in DynamoDB's format
    entries: defaultdict[tuple[str, str, str], list[tuple[str, tuple[str, str]]]] = field(
        default_factory=lambda: defaultdict(list)
    )
    sizes: dict[tuple[str, str], int] = field(default_factory=dict)
    read: int = 0
    half_units: int = 0
    lock: Lock = field(default_factory=Lock)

    def put_item(self, **parameters: Any) -> Any:
        item = parameters["Item"]
        key = item["pk"]["S"], item["sk"]["S"]
        self.items[key], self.sizes[key] = item, item_bytes(item)
        for grouping in _GROUPINGS:
            self.entries[grouping, item[grouping]["S"], "severity_sk"].append((item["severity_sk"]["S"], key))

    def sort(self) -> None:
        for entries in self.entries.values():
            entries.sort()

    def query(self, **parameters: Any) -> Any:
        names, values = parameters["ExpressionAttributeNames"], parameters["ExpressionAttributeValues"]
        hash_key, range_key = (names[name] for name in re.findall(r"#\w+", parameters["KeyConditionExpression"]))
        entries = self.entries[hash_key, values[":pk"]["S"], range_key]
        begin = bisect.bisect_left(entries, (values[":low"]["S"],))
        end = bisect.bisect_right(entries, (values[":high"]["S"] + "~",))
        start = parameters.get("ExclusiveStartKey")
        if parameters["ScanIndexForward"]:
            begin = bisect.bisect_right(entries, _index_position(start, range_key)) if start else begin
            page = entries[begin : min(end, begin + parameters["Limit"])]
            more = begin + parameters["Limit"] < end
        else:
            end = bisect.bisect_left(entries, _index_position(start, range_key)) if start else end
            page = entries[max(begin, end - parameters["Limit"]) : end][::-1]
            more = end - parameters["Limit"] > begin
        kept = ("pk", "sk", hash_key, range_key)
        found = [{name: self.items[key][name] for name in kept} for _, key in page]
        with self.lock:  # some queries are parallel
            self.read += len(found)
            self.half_units += ceil(sum(item_bytes(entry) for entry in found) / 4096)
        return {"Items": found, **({"LastEvaluatedKey": found[-1]} if more else {})}

    def batch_get_item(self, **batch: Any) -> Any:
        ((name, request),) = batch["RequestItems"].items()
        keys = [(key["pk"]["S"], key["sk"]["S"]) for key in request["Keys"]]
        self.read += len(keys)
        self.half_units += sum(2 * ceil(self.sizes[key] / 4096) for key in keys)
        return {"Responses": {name: [self.items[key] for key in keys]}}

    def filtered(self, criteria: FindingFilter) -> list[TrackedFinding]:
        """The first matching findings, most severe first; reads whole items until the page is full."""
        kept: list[TrackedFinding] = []
        size = 0
        for _, key in reversed(self.entries["pk", f"{ORGANISATION}#findings", "severity_sk"]):
            self.read += 1
            size += self.sizes[key]
            finding = from_item({name: from_wire(value) for name, value in self.items[key].items()})
            if criteria.matches(finding):
                kept.append(finding)
                if len(kept) == LIMIT:
                    break
        self.half_units += ceil(size / 4096)
        return kept


def _index_position(start: Any, range_key: str) -> tuple[str, tuple[str, str]]:
    return start[range_key]["S"], (start["pk"]["S"], start["sk"]["S"])


def _findings() -> Iterator[TrackedFinding]:
    rng = random.Random(3)
    targets = [Target("host", f"host{number}.example") for number in range(200)]
    severities = [*[Severity.INFO] * 50, *[Severity.LOW] * 30, *[Severity.MEDIUM] * 15, *[Severity.HIGH] * 4]
    for number in range(COUNT):
        plugin = f"plugin_{int(rng.expovariate(0.2)) % 40}"
        at = BEGINNING + timedelta(minutes=number)
        yield TrackedFinding(
            fingerprint=f"v1:{rng.getrandbits(256):064x}",
            organisation_id=ORGANISATION,
            target=rng.choice(targets),
            plugin=plugin,
            rule=f"rule_{rng.randrange(5)}",
            title="A rule",
            severity=rng.choice([*severities, Severity.CRITICAL]),
            location_key=str(number),
            location={"at": number},
            evidence={"text": "x" * 400},
            status=rng.choice([*[Status.UNCHANGED] * 20, Status.NEW, Status.FIXED]),
            scan_id="scan_01k0n2y6d3f7h1k5n9q2s4v8x0",
            tested_at=at,
            first_seen_at=at,
            last_seen_at=at,
        )


def run() -> list[Row]:
    memory = Memory()
    store = FindingStore(Table("scanning", lambda: memory))
    store.track(_findings())
    memory.sort()
    hosts = frozenset(Target("host", f"host{number}.example") for number in (3, 4))
    cases = {
        "the most severe": FindingFilter(),
        "the new ones of one plugin": FindingFilter(statuses=frozenset({Status.NEW}), plugins=frozenset({"plugin_20"})),
        "the low ones of two targets": FindingFilter(severities=frozenset({Severity.LOW}), targets=hosts),
    }
    return [*(row for name, criteria in cases.items() for row in _rows(memory, store, name, criteria)), _publish()]


def _rows(memory: Memory, store: FindingStore, name: str, criteria: FindingFilter) -> list[Row]:
    def ours() -> list[TrackedFinding]:
        return store.list_tracked(ORGANISATION, criteria, Sort.MOST_SEVERE, limit=LIMIT, after=None).items

    def peer() -> list[TrackedFinding]:
        return memory.filtered(criteria)

    our_cost, peer_cost = _cost(memory, ours), _cost(memory, peer)
    assert our_cost.found == peer_cost.found
    assert our_cost.found
    row_name = f"a page of {len(our_cost.found)} of {COUNT:,} findings, {name}"
    return [
        Row(
            f"{row_name}: items read",
            our_cost.read,
            _PEER,
            peer_cost.read,
            "",
            _GOALS.get(name, ""),
            peer_cost.read / our_cost.read,
        ),
        Row(
            f"{row_name}: read units", our_cost.units, _PEER, peer_cost.units, "", "", peer_cost.units / our_cost.units
        ),
        alternate(ours, peer, rounds=5).row(row_name, peer_name=_PEER, goal=""),
    ]


_PEER = "filter after the read"
_GOALS = {"the new ones of one plugin": "≥ 1,000×", "the low ones of two targets": "≥ 100×"}


@dataclass(frozen=True)
class _Cost:
    """A page, and the items read for it. Entries of an index and the items that they refer to both count."""

    found: list[TrackedFinding]
    read: int
    units: float


def _cost(memory: Memory, listing: Callable[[], list[TrackedFinding]]) -> _Cost:
    memory.read = memory.half_units = 0
    found = listing()
    return _Cost(found, memory.read, memory.half_units / 2)


# ---------------------------------------------------------------- publish

PUBLISHED, ROUNDS, CALL_SECONDS = 1_000, 2, 0.005


@dataclass
class Distant:
    """The part of a DynamoDB client that publishing uses; each call takes CALL_SECONDS."""

    items: dict[tuple[str, str], Item] = field(default_factory=dict)

    def put_item(self, **parameters: Any) -> Any:
        time.sleep(CALL_SECONDS)
        item = parameters["Item"]
        self.items[item["pk"]["S"], item["sk"]["S"]] = item


class OneByOne(Table):
    """A table whose puts follow one another."""

    def put_each(self, writes: Iterable[Put]) -> None:
        for write in writes:
            with suppress(ConditionFailed):
                self.put(write.item, when=write.when, values=write.values)


def _publish() -> Row:
    """Page by page, like a scan. A scan has up to 10,000 per plugin, which would take the peer a minute per round."""
    findings = list(islice(_findings(), PUBLISHED))

    def seconds(kind: type[Table]) -> float:
        client = Distant()
        store = FindingStore(kind("scanning", lambda: client))
        start = time.perf_counter()
        for first in range(0, PUBLISHED, PAGE):
            store.track(findings[first : first + PAGE])
        elapsed = time.perf_counter() - start
        assert len(client.items) == PUBLISHED
        return elapsed

    pairs = [(seconds(Table), seconds(OneByOne)) for _ in range(ROUNDS)]
    return Row(
        f"publish {PUBLISHED:,} known findings, each put {CALL_SECONDS * 1e3:.0f} ms (wall time)",
        median(ours for ours, _ in pairs) * 1e3,
        "one put after another",
        median(peer for _, peer in pairs) * 1e3,
        "ms",
        "≥ 5×",
        median(peer / ours for ours, peer in pairs),
    )
