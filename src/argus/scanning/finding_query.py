"""Plans a listing of findings as ranges of the indexes. No I/O. docs/data.md describes the keys.

A listing is planned as groups of ranges. The groups are read one after another; the ranges of a group are merged. Every
entry in a range matches the filters, so that nothing is filtered after reading.
"""

import base64
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import pairwise, product

from argus.core.clock import rfc3339
from argus.core.dynamo import Index, Item
from argus.core.errors import Invalid
from argus.scanning.model import Severity, Status, Target, TrackedFinding

MAX_RANGES = 250  # of one listing: each range is a Query
_HIGHEST_ORDER = 999_999
_TIE_DIGITS = 16  # of a fingerprint
_END = "~"  # after every character of a sort key

_SEVERITIES = tuple(Severity)  # least severe first
_STATUSES = (Status.FIXED, Status.NOT_TESTED, Status.UNCHANGED, Status.REGRESSED, Status.NEW)  # ascending
_CELLS = tuple(product(_SEVERITIES, _STATUSES))


class TooManyCombinations(Invalid):
    """The filters make too many combinations."""


class Sort(StrEnum):
    """The order of a listing; `-` means highest or newest first."""

    MOST_SEVERE = "-severity"
    LEAST_SEVERE = "severity"
    NEWEST = "-first_seen_at"
    OLDEST = "first_seen_at"

    @property
    def backwards(self) -> bool:
        return self.startswith("-")

    @property
    def by_time(self) -> bool:
        return self in (Sort.NEWEST, Sort.OLDEST)


@dataclass(frozen=True)
class FindingFilter:
    """Which findings to list. None matches every value, an empty set matches none."""

    severities: frozenset[Severity] | None = None
    statuses: frozenset[Status] | None = None
    targets: frozenset[Target] | None = None
    plugins: frozenset[str] | None = None
    rules: frozenset[str] | None = None  # `<plugin>.<rule>`

    def matches(self, finding: TrackedFinding) -> bool:
        pairs = (
            (self.severities, finding.severity),
            (self.statuses, finding.status),
            (self.targets, finding.target),
            (self.plugins, finding.plugin),
            (self.rules, rule_name(finding)),
        )
        return all(values is None or value in values for values, value in pairs)

    def only_rules(self, rules: Iterable[str]) -> "FindingFilter":
        """The filter restricted to these rules."""
        return replace(self, rules=frozenset(rules) if self.rules is None else self.rules.intersection(rules))

    def has_rule(self, name: str) -> bool:
        """Whether findings of `<plugin>.<rule>` may match."""
        plugin = name.partition(".")[0]
        return (self.plugins is None or plugin in self.plugins) and (self.rules is None or name in self.rules)


@dataclass(frozen=True)
class Range:
    """A range of sort keys in one partition of an index, both bounds included."""

    index: Index
    pk: str
    low: str
    high: str
    skipped: int = 0  # leading characters of the sort key that the order ignores

    def position(self, entry: Item) -> str:
        """The position of an entry in the order of its group."""
        return str(entry[self.index.range_key])[self.skipped :]


def rule_name(finding: TrackedFinding) -> str:
    """The name of a rule, unique among all plugins."""
    return f"{finding.plugin}.{finding.rule}"


def target_key(target: Target) -> str:
    """A hash of the target for keys: a key has at most 1,024 characters, a target may have more."""
    return _short_hash(target.identity)


def index_keys(finding: TrackedFinding, pk: str, *, tracked: bool) -> Item:
    """The index keys of a finding in the partition `pk`. Only those of tracked findings include the target."""
    plugin, rule, target = finding.plugin, rule_name(finding), target_key(finding.target)
    keys = {
        "plugin_pk": _group_key(pk, plugin),
        "rule_pk": _group_key(pk, rule),
        "severity_sk": _cell(finding.severity, finding.status) + _time_key(finding, ordered=not tracked),
    }
    if tracked:
        keys |= {
            "target_pk": _group_key(pk, target),
            "target_plugin_pk": _group_key(pk, f"{target}#{plugin}"),
            "target_rule_pk": _group_key(pk, f"{target}#{rule}"),
        }
    return keys


def _time_key(finding: TrackedFinding, *, ordered: bool) -> str:
    """`ordered`: read backwards, findings first seen at the same time are in the order of the plugin.

    64 bits of the fingerprint separate findings that were first seen in the same millisecond.
    """
    order = f"{_HIGHEST_ORDER - finding.order:06}#" if ordered else ""
    return f"{rfc3339(finding.first_seen_at)}#{order}{finding.fingerprint[-_TIE_DIGITS:]}"


def from_sort_key(item: Item) -> tuple[Severity, Status, str]:
    """The severity, the status and `first_seen_at` of a stored finding."""
    rank, status, first_seen_at, *_ = item["severity_sk"].split("#")
    return _SEVERITIES[int(rank)], _STATUSES[int(status)], first_seen_at


def _group_key(pk: str, values: str) -> str:
    """The partition key of a group of findings: short, because a finding has five and should cost one write unit."""
    organisation_id, _, findings = pk.partition("#")
    return f"{organisation_id}#{_short_hash(f'{findings}#{values}')}"


def _short_hash(text: str) -> str:
    """96 bits: enough for the groups or targets of one organisation."""
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()[:12]).decode()


def plan(pk: str, chosen: FindingFilter, sort: Sort, *, after: str | None) -> list[list[Range]]:
    """The ranges of a partition with the matching findings after a position. Raises TooManyCombinations."""
    grouping, partitions = _partitions(pk, chosen)
    cells = [
        (severity, status)
        for severity, status in _CELLS
        if (chosen.severities is None or severity in chosen.severities)
        and (chosen.statuses is None or status in chosen.statuses)
    ]
    if sort.by_time:
        spans, skipped = [[(_cell(*cell), _cell(*cell)) for cell in cells]], len(_cell(*_CELLS[0]))
    else:
        spans, skipped = [[span] for span in _adjacent(cells)], 0
    index = Index(f"{grouping}-severity", "pk" if grouping == "all" else f"{grouping}_pk", "severity_sk")
    count = len(partitions) * sum(map(len, spans))
    if count > MAX_RANGES:
        raise TooManyCombinations(combinations=count, max_combinations=MAX_RANGES)
    groups = [
        [Range(index, partition, first, last + _END, skipped) for first, last in span for partition in partitions]
        for span in (reversed(spans) if sort.backwards else spans)
    ]
    if after is not None:
        groups = [[_clipped(each, after, sort) for each in group] for group in groups]
    return [kept for group in groups if (kept := [each for each in group if each.low <= each.high])]


def _partitions(pk: str, chosen: FindingFilter) -> tuple[str, list[str]]:
    """The grouping and its partitions that hold the matching findings; severity and status are not considered."""
    grouping, parts = list[str](), list[list[str]]()
    if chosen.targets is not None:
        grouping.append("target")
        parts.append(sorted(map(target_key, chosen.targets)))
    if chosen.rules is not None:
        grouping.append("rule")
        parts.append(sorted(filter(chosen.has_rule, chosen.rules)))
    elif chosen.plugins is not None:
        grouping.append("plugin")
        parts.append(sorted(chosen.plugins))
    if not grouping:
        return "all", [pk]
    return "_".join(grouping), [_group_key(pk, "#".join(values)) for values in product(*parts)]


def _cell(severity: Severity, status: Status) -> str:
    return f"{severity.rank}#{_STATUSES.index(status)}#"


def _adjacent(cells: list[tuple[Severity, Status]]) -> list[tuple[str, str]]:
    """The first and the last of each sequence of cells that are adjacent in the order by severity."""
    indexes = [_CELLS.index(cell) for cell in cells]
    starts = [index for previous, index in pairwise([-2, *indexes]) if index != previous + 1]
    ends = [index for index, following in pairwise([*indexes, -2]) if following != index + 1]
    return [(_cell(*_CELLS[start]), _cell(*_CELLS[end])) for start, end in zip(starts, ends, strict=True)]


def _clipped(whole: Range, after: str, sort: Sort) -> Range:
    """The part of a range after a position. It is empty if its `low` is above its `high`."""
    at = whole.low[: whole.skipped] + after
    if sort.backwards:
        return replace(whole, high=min(whole.high, _before(at)))
    return replace(whole, low=max(whole.low, at + "!"))


def _before(key: str) -> str:
    """A key just below `key`, which ends in a digit or letter. Only prefixes of `key` lie between them."""
    return f"{key[:-1]}{chr(ord(key[-1]) - 1)}{_END}"
