"""Findings and their counts in the scanning table. docs/data.md describes the indexes and the access patterns.

| item | pk | sk |
|---|---|---|
| finding of a scan | `<organisation>#scan#<scan>` | `<plugin>#<fingerprint>` |
| tracked finding | `<organisation>#findings` | `<target>#<fingerprint>` |
| summary | `<organisation>#finding-summaries` | `<target>#<plugin>` |
| counter | `<organisation>#finding-counts` | `<plugin>.<rule>` |

A finding of a scan is a snapshot from that scan; a tracked finding has the current state. `<target>` is a hash.
"""

import json
import zlib
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field, replace

from argus.core.backoff import CONTENTION, Backoff, Contended
from argus.core.clock import from_rfc3339, optional_rfc3339, parse_optional, rfc3339
from argus.core.dynamo import MAX_TRANSACTION, Add, ConditionFailed, Item, Put, Table
from argus.core.paging import Listing
from argus.core.parallel import call_each
from argus.scanning.finding_counts import RuleCount, Totals, changes, count_rules, total
from argus.scanning.finding_query import (
    FindingFilter,
    Range,
    Sort,
    from_sort_key,
    index_keys,
    plan,
    target_key,
)
from argus.scanning.model import Scan, Target, TrackedFinding

_NOT_IN_DETAIL = {"fingerprint", "organisation_id", "severity", "status", "first_seen_at", "tested_at"}
_MIN_READ = 10  # entries of a range that is merged with others: 10 cost no more than 1


@dataclass(frozen=True)
class FindingStore:
    """Findings of each scan, and the current state of each finding."""

    table: Table
    backoff: Backoff = CONTENTION

    # ------------------------------------------------------------ findings of a scan

    def put_findings(self, scan: Scan, findings: Iterable[TrackedFinding]) -> None:
        """The key is made of scan, plugin and fingerprint, so writing a page twice changes nothing."""
        pk = _scan_pk(scan.organisation_id, scan.id)
        self.table.put_many(
            _finding_item(finding, pk, f"{finding.plugin}#{finding.fingerprint}", tracked=False) for finding in findings
        )

    def delete_findings(self, scan: Scan, plugin: str) -> None:
        """Delete the findings of an attempt that did not end."""
        pk = _scan_pk(scan.organisation_id, scan.id)
        self.table.delete_many([(pk, item["sk"]) for item in self.table.query_all(pk, prefix=f"{plugin}#")])

    def of_scan(self, scan: Scan) -> Iterator[TrackedFinding]:
        return map(from_item, self.table.query_all(_scan_pk(scan.organisation_id, scan.id)))

    def list_findings(
        self, scan: Scan, chosen: FindingFilter, sort: Sort, *, limit: int, after: Item | None
    ) -> Listing[TrackedFinding]:
        """A page. Findings of one severity and status are in the order of the plugin."""
        if chosen.targets is not None and scan.target not in chosen.targets:
            return Listing([])
        chosen = replace(chosen, targets=None)  # the findings of a scan are not in the indexes by target
        return self._list(_scan_pk(scan.organisation_id, scan.id), chosen, sort, limit, after)

    # ------------------------------------------------------------ tracked findings

    def track(self, findings: Iterable[TrackedFinding]) -> None:
        """Write the current states of findings, except of those that a step that started later has tested."""
        self.table.put_each(map(_tracking, findings))

    def tracked(self, organisation_id: str, target: Target) -> Iterator[TrackedFinding]:
        """Every tracked finding of a target."""
        return map(from_item, self.table.query_all(_findings_pk(organisation_id), prefix=f"{target_key(target)}#"))

    def list_tracked(
        self, organisation_id: str, chosen: FindingFilter, sort: Sort, *, limit: int, after: Item | None
    ) -> Listing[TrackedFinding]:
        return self._list(_findings_pk(organisation_id), chosen, sort, limit, after)

    def _list(
        self, pk: str, chosen: FindingFilter, sort: Sort, limit: int, after: Item | None
    ) -> Listing[TrackedFinding]:
        """A page. It is shorter than `limit` if findings have changed since their index entries were written."""
        groups = plan(pk, chosen, sort, after=after["position"] if after else None)
        entries, last = _first(self.table, groups, limit, backwards=sort.backwards)
        items = self.table.get_many((entry["pk"], entry["sk"]) for entry in entries)
        findings = [finding for finding in map(from_item, items) if chosen.matches(finding)]
        return Listing(findings, None if last is None else {"position": last})

    # ------------------------------------------------------------ counts

    def recount(self, organisation_id: str, target: Target) -> None:
        """Update the counts to the tracked findings of a target. Idempotent, and safe to run concurrently.

        The summaries are read before the findings. If another recount has used newer findings, the version of the
        summary is newer too, and the conditional write fails.
        """
        for _ in self.backoff.attempts():
            summaries = {
                item["plugin"]: item
                for item in self.table.query_all(_summaries_pk(organisation_id), prefix=f"{target_key(target)}#")
            }
            counted = count_rules(self.tracked(organisation_id, target))
            results = [
                self._write_counts(organisation_id, target, plugin, summaries.get(plugin), counted.get(plugin, {}))
                for plugin in sorted(summaries.keys() | counted.keys())
            ]
            if all(results):
                return
        raise Contended

    def _write_counts(
        self, organisation_id: str, target: Target, plugin: str, summary: Item | None, counted: dict[str, RuleCount]
    ) -> bool:
        """Whether all counts of a target and plugin are written; if not, the caller reads and counts again."""
        stored = {rule: RuleCount(**values) for rule, values in summary["rules"].items()} if summary else {}
        version = summary["version"] if summary else 0
        while changed := changes(stored, counted):
            now = dict(list(changed.items())[: MAX_TRANSACTION - 1])
            stored |= {rule: counted.get(rule, RuleCount(now[rule].title)) for rule in now}
            item = {
                "pk": _summaries_pk(organisation_id),
                "sk": f"{target_key(target)}#{plugin}",
                "plugin": plugin,
                "version": version + 1,
                "rules": {rule: asdict(count) for rule, count in stored.items()},
            }
            if version:
                put = Put(item, when="#version = :version", values={":version": version})
            else:
                put = Put(item, when="attribute_not_exists(pk)")
            adds = [
                Add(
                    pk=_counters_pk(organisation_id),
                    sk=f"{plugin}.{rule}",
                    amounts=change.counts,
                    changes={"title": change.title},
                )
                for rule, change in now.items()
            ]
            try:
                self.table.transact([put, *adds])
            except ConditionFailed:
                return False
            version += 1
        return True

    def rule_titles(self, organisation_id: str) -> dict[str, str]:
        """Titles of the rules with findings in the organisation, by `<plugin>.<rule>`."""
        return {item["sk"]: item["title"] for item in self.table.query_all(_counters_pk(organisation_id))}

    def totals(self, organisation_id: str, chosen: FindingFilter) -> Totals:
        """Counts of the matching findings. The filters by severity and status are ignored."""
        if chosen.targets is None:
            counters = self.table.query_all(_counters_pk(organisation_id))
            return total(_numbers(item) for item in counters if chosen.has_rule(item["sk"]))
        return total(
            count["counts"]
            for target in chosen.targets
            for item in self.table.query_all(_summaries_pk(organisation_id), prefix=f"{target_key(target)}#")
            for rule, count in item["rules"].items()
            if chosen.has_rule(f"{item['plugin']}.{rule}")
        )


@dataclass
class _Reader:
    """Reads the entries of a range in order, a batch at a time: first `stride`, then twice as many each time."""

    table: Table
    range: Range
    backwards: bool
    stride: int
    remaining: int  # that the caller may still need
    entries: deque[Item] = field(default_factory=deque)
    after: Item | None = None
    read_to_end: bool = False

    @property
    def ended(self) -> bool:
        return self.read_to_end and not self.entries

    @property
    def position(self) -> str:
        return self.range.position(self.entries[0])

    def fill(self) -> None:
        """Read until there is an entry, or the range has ended."""
        while not self.entries and not self.read_to_end:
            page = self.table.query(
                self.range.pk,
                index=self.range.index,
                between=(self.range.low, self.range.high),
                newest_first=self.backwards,
                limit=min(self.stride, self.remaining),
                after=self.after,
            )
            self.entries += page.items
            self.stride, self.remaining = 2 * self.stride, self.remaining - len(page.items)
            self.after, self.read_to_end = page.last_key, page.last_key is None


def _first(table: Table, groups: list[list[Range]], limit: int, *, backwards: bool) -> tuple[list[Item], str | None]:
    """The first entries, and the position of the last one if there may be more."""
    found: list[Item] = []
    position = None
    choose = max if backwards else min
    for number, group in enumerate(groups, start=1):
        left = limit - len(found)
        stride = left if len(group) == 1 else max(_MIN_READ, -(-left // len(group)))
        readers = [_Reader(table, each, backwards, stride, remaining=left) for each in group]
        while readers := [reader for reader in readers if not reader.ended]:
            if len(found) == limit:
                return found, position
            call_each(_Reader.fill, [reader for reader in readers if not reader.entries])
            if filled := [reader for reader in readers if reader.entries]:
                first = choose(filled, key=lambda reader: reader.position)
                position = first.position
                found.append(first.entries.popleft())
        if len(found) == limit and number < len(groups):
            return found, position
    return found, None


def _scan_pk(organisation_id: str, scan_id: str) -> str:
    return f"{organisation_id}#scan#{scan_id}"


def _findings_pk(organisation_id: str) -> str:
    return f"{organisation_id}#findings"


def _summaries_pk(organisation_id: str) -> str:
    return f"{organisation_id}#finding-summaries"


def _counters_pk(organisation_id: str) -> str:
    return f"{organisation_id}#finding-counts"


def _numbers(counter: Item) -> dict[str, int]:
    return {name: value for name, value in counter.items() if isinstance(value, int)}


def _tracking(finding: TrackedFinding) -> Put:
    pk = _findings_pk(finding.organisation_id)
    item = _finding_item(finding, pk, f"{target_key(finding.target)}#{finding.fingerprint}", tracked=True)
    return Put(
        item,
        when="attribute_not_exists(pk) OR #tested_at <= :tested_at",
        values={":tested_at": item["tested_at"]},
    )


def _finding_item(finding: TrackedFinding, pk: str, sk: str, *, tracked: bool) -> Item:
    """Keys, `tested_at`, which a condition compares, and `detail`: all else, deflated, so that an item has less than
    1 KB and costs one write unit."""
    attributes = {
        **asdict(finding),
        "last_seen_at": rfc3339(finding.last_seen_at),
        "fixed_at": optional_rfc3339(finding.fixed_at),
    }
    detail = {name: value for name, value in attributes.items() if name not in _NOT_IN_DETAIL}
    return {
        "pk": pk,
        "sk": sk,
        "tested_at": rfc3339(finding.tested_at),
        "detail": zlib.compress(json.dumps(detail, separators=(",", ":"), ensure_ascii=False).encode()),
        **index_keys(finding, pk, tracked=tracked),
    }


def from_item(item: Item) -> TrackedFinding:
    detail = json.loads(zlib.decompress(item["detail"]))
    severity, status, first_seen_at = from_sort_key(item)
    return TrackedFinding(
        **{
            **detail,
            "fingerprint": item["sk"].rpartition("#")[2],
            "organisation_id": item["pk"].partition("#")[0],
            "target": Target(**detail["target"]),
            "severity": severity,
            "status": status,
            "tested_at": from_rfc3339(item["tested_at"]),
            "first_seen_at": from_rfc3339(first_seen_at),
            "last_seen_at": from_rfc3339(detail["last_seen_at"]),
            "fixed_at": parse_optional(detail["fixed_at"]),
        }
    )
