"""A page of an organisation's 100,000 findings: what is read for it, beside reading on and filtering what was read.

DynamoDB is a table in memory that answers `Query` and `BatchGetItem` as it would and adds up read units: 4 KB read
strongly consistent are one, eventually consistent half a one; a batch rounds each item up. moto would take minutes. The
peer is what Argus did before: whole items in one index, most severe first, read on until enough of them were kept.
"""

import bisect
import json
import random
import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from math import ceil
from typing import Any

from argus.core.dynamo import Item, Table, from_wire
from argus.scanning.finding_query import FindingFilter, Sort
from argus.scanning.finding_store import FindingStore, from_item
from argus.scanning.model import Severity, Status, Target, TrackedFinding
from benchmarks.harness import Row, alternate

COUNT, LIMIT = 100_000, 50
ORGANISATION = "org_01jb8z3k9q2m4n6p8r0s2t4v6w"
BEGINNING = datetime(2026, 1, 1, tzinfo=UTC)
_SCOPES = ("pk", "plugin_pk", "rule_pk", "target_pk", "target_plugin_pk", "target_rule_pk")


@dataclass
class Memory:
    """As much of a DynamoDB client as a page of findings needs."""

    items: dict[tuple[str, str], Item] = field(default_factory=dict)  # on the wire
    entries: defaultdict[tuple[str, str, str], list[tuple[str, tuple[str, str]]]] = field(
        default_factory=lambda: defaultdict(list)
    )
    sizes: dict[tuple[str, str], int] = field(default_factory=dict)
    read: int = 0
    half_units: int = 0

    def put_item(self, **asked: Any) -> Any:
        item = asked["Item"]
        key = item["pk"]["S"], item["sk"]["S"]
        self.items[key], self.sizes[key] = item, _size(item)
        for scope in _SCOPES:
            for order in ("severity_sk", "time_sk"):
                self.entries[scope, item[scope]["S"], order].append((item[order]["S"], key))

    def sort(self) -> None:
        for entries in self.entries.values():
            entries.sort()

    def query(self, **asked: Any) -> Any:
        names, values = asked["ExpressionAttributeNames"], asked["ExpressionAttributeValues"]
        hash_key, range_key = (names[name] for name in re.findall(r"#\w+", asked["KeyConditionExpression"]))
        entries = self.entries[hash_key, values[":pk"]["S"], range_key]
        begin = bisect.bisect_left(entries, (values[":low"]["S"],))
        end = bisect.bisect_right(entries, (values[":high"]["S"] + "~",))
        start = asked.get("ExclusiveStartKey")
        if asked["ScanIndexForward"]:
            begin = bisect.bisect_right(entries, _place(start, range_key)) if start else begin
            chosen = entries[begin : min(end, begin + asked["Limit"])]
            more = begin + asked["Limit"] < end
        else:
            end = bisect.bisect_left(entries, _place(start, range_key)) if start else end
            chosen = entries[max(begin, end - asked["Limit"]) : end][::-1]
            more = end - asked["Limit"] > begin
        kept = ("pk", "sk", hash_key, range_key)
        found = [{name: self.items[key][name] for name in kept} for _, key in chosen]
        self.read += len(found)
        self.half_units += ceil(sum(_size(entry) for entry in found) / 4096)
        return {"Items": found, **({"LastEvaluatedKey": found[-1]} if more else {})}

    def batch_get_item(self, **batch: Any) -> Any:
        ((name, asked),) = batch["RequestItems"].items()
        keys = [(key["pk"]["S"], key["sk"]["S"]) for key in asked["Keys"]]
        self.read += len(keys)
        self.half_units += sum(2 * ceil(self.sizes[key] / 4096) for key in keys)
        return {"Responses": {name: [self.items[key] for key in keys]}}

    def filtered(self, chosen: FindingFilter) -> list[TrackedFinding]:
        """The first that are chosen, most severe first, from whole items that are read until there are enough."""
        kept: list[TrackedFinding] = []
        size = 0
        for _, key in reversed(self.entries["pk", f"{ORGANISATION}#findings", "severity_sk"]):
            self.read += 1
            size += self.sizes[key]
            finding = from_item({name: from_wire(value) for name, value in self.items[key].items()})
            if chosen.matches(finding):
                kept.append(finding)
                if len(kept) == LIMIT:
                    break
        self.half_units += ceil(size / 4096)
        return kept


def _size(item: Item) -> int:
    return len(json.dumps(item, separators=(",", ":")))


def _place(start: Any, range_key: str) -> tuple[str, tuple[str, str]]:
    return start[range_key]["S"], (start["pk"]["S"], start["sk"]["S"])


def _findings() -> Iterator[TrackedFinding]:
    chance = random.Random(3)
    targets = [Target("host", f"host{number}.example") for number in range(200)]
    severities = [*[Severity.INFO] * 50, *[Severity.LOW] * 30, *[Severity.MEDIUM] * 15, *[Severity.HIGH] * 4]
    for number in range(COUNT):
        plugin = f"plugin_{int(chance.expovariate(0.2)) % 40}"
        at = BEGINNING + timedelta(minutes=number)
        yield TrackedFinding(
            fingerprint=f"v1:{chance.getrandbits(256):064x}",
            organisation_id=ORGANISATION,
            target=chance.choice(targets),
            plugin=plugin,
            rule=f"rule_{chance.randrange(5)}",
            title="A rule",
            severity=chance.choice([*severities, Severity.CRITICAL]),
            location_key=str(number),
            location={"at": number},
            evidence={"text": "x" * 400},
            status=chance.choice([*[Status.UNCHANGED] * 20, Status.NEW, Status.FIXED]),
            scan_id="scan_01k0n2y6d3f7h1k5n9q2s4v8x0",
            tested_at=at,
            first_seen_at=at,
            last_seen_at=at,
        )


def run() -> list[Row]:
    memory = Memory()
    store = FindingStore(Table("scanning", lambda: memory))
    for finding in _findings():
        store.track(finding)
    memory.sort()
    hosts = frozenset(Target("host", f"host{number}.example") for number in (3, 4))
    cases = {
        "the most severe": FindingFilter(),
        "the new ones of one plugin": FindingFilter(statuses=frozenset({Status.NEW}), plugins=frozenset({"plugin_20"})),
        "the low ones of two targets": FindingFilter(severities=frozenset({Severity.LOW}), targets=hosts),
    }
    return [row for name, chosen in cases.items() for row in _rows(memory, store, name, chosen)]


def _rows(memory: Memory, store: FindingStore, name: str, chosen: FindingFilter) -> list[Row]:
    def ours() -> list[TrackedFinding]:
        return store.list_tracked(ORGANISATION, chosen, Sort.MOST_SEVERE, limit=LIMIT, after=None).items

    def peer() -> list[TrackedFinding]:
        return memory.filtered(chosen)

    mine, theirs = _spent(memory, ours), _spent(memory, peer)
    assert mine.found == theirs.found
    assert mine.found
    what = f"a page of {len(mine.found)} of {COUNT:,} findings, {name}"
    return [
        Row(f"{what}: items read", mine.read, _PEER, theirs.read, "", _GOALS.get(name, ""), theirs.read / mine.read),
        Row(f"{what}: read units", mine.units, _PEER, theirs.units, "", "", theirs.units / mine.units),
        alternate(ours, peer, rounds=5).row(what, peer_name=_PEER, goal=""),
    ]


_PEER = "filter after the read"
_GOALS = {"the new ones of one plugin": "≥ 1,000×", "the low ones of two targets": "≥ 100×"}


@dataclass(frozen=True)
class _Spent:
    """What a page was, and what was read for it. Entries of an index and the items behind them both count."""

    found: list[TrackedFinding]
    read: int
    units: float


def _spent(memory: Memory, listing: Callable[[], list[TrackedFinding]]) -> _Spent:
    memory.read = memory.half_units = 0
    found = listing()
    return _Spent(found, memory.read, memory.half_units / 2)
