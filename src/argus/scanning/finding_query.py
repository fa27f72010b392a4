"""Which findings a listing wants, and where in the indexes they are. Pure; docs/data.md has the keys.

A listing is planned as groups of ranges. The groups follow one another; the ranges of a group are merged. Every entry
in them is one that was asked for, so that nothing is filtered after it was read.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import pairwise, product

from argus.core.dynamo import Index, Item
from argus.core.errors import Invalid
from argus.scanning.model import Severity, Status, Target, TrackedFinding

MAX_RANGES = 100  # of one listing: each is a Query
_HIGHEST_ORDER = 999_999
_END = "~"  # after every character of a sort key

_SEVERITIES = tuple(Severity)  # least severe first
_STATUSES = (Status.FIXED, Status.NOT_TESTED, Status.UNCHANGED, Status.REGRESSED, Status.NEW)  # new ones on top
_CELLS = tuple(product(_SEVERITIES, _STATUSES))


class TooManyCombinations(Invalid):
    """The filters combine in too many ways."""


class Sort(StrEnum):
    """The order of a listing; `-` is for highest or newest first."""

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
    """Which findings to list. None admits all, an empty set none."""

    severities: frozenset[Severity] | None = None
    statuses: frozenset[Status] | None = None
    targets: frozenset[Target] | None = None
    plugins: frozenset[str] | None = None
    rules: frozenset[str] | None = None  # `<plugin>.<rule>`

    def admits(self, finding: TrackedFinding) -> bool:
        pairs = (
            (self.severities, finding.severity),
            (self.statuses, finding.status),
            (self.targets, finding.target),
            (self.plugins, finding.plugin),
            (self.rules, rule_name(finding)),
        )
        return all(chosen is None or value in chosen for chosen, value in pairs)

    def only_rules(self, rules: Iterable[str]) -> "FindingFilter":
        """Those of the findings that are of one of these rules."""
        return replace(self, rules=frozenset(rules) if self.rules is None else self.rules.intersection(rules))

    def has_rule(self, name: str) -> bool:
        """Whether findings of `<plugin>.<rule>` may be among those chosen."""
        plugin = name.partition(".")[0]
        return (self.plugins is None or plugin in self.plugins) and (self.rules is None or name in self.rules)


@dataclass(frozen=True)
class Range:
    """Entries of an index in one partition, their sort keys between two, both included."""

    index: Index
    pk: str
    low: str
    high: str
    skipped: int = 0  # characters at the beginning of a sort key that do not count in the order

    def position(self, entry: Item) -> str:
        """Where an entry is in the order of its group."""
        return str(entry[self.index.range_key])[self.skipped :]


def rule_name(finding: TrackedFinding) -> str:
    """A rule by a name that no other plugin's rule has."""
    return f"{finding.plugin}.{finding.rule}"


def target_key(target: Target) -> str:
    """A target in a key, which may have 1,024 characters where a target has more."""
    return hashlib.sha256(target.identity.encode()).hexdigest()[:32]


def time_key(finding: TrackedFinding, first_seen_at: str, *, ordered: bool) -> str:
    """`ordered`: of findings first seen at one time, those that the plugin put first come first, read backwards."""
    order = f"{_HIGHEST_ORDER - finding.order:06}#" if ordered else ""
    return f"{first_seen_at}#{order}{finding.fingerprint}"


def index_keys(finding: TrackedFinding, pk: str, time_sk: str, *, by_target: bool) -> Item:
    """What puts a finding of the partition `pk` into the indexes; into those by target as well, or not."""
    plugin, rule, target = finding.plugin, rule_name(finding), target_key(finding.target)
    keys = {
        "plugin_pk": f"{pk}#{plugin}",
        "rule_pk": f"{pk}#{rule}",
        "severity_sk": _cell(finding.severity, finding.status) + time_sk,
        "time_sk": time_sk,
    }
    if by_target:
        keys |= {
            "target_pk": f"{pk}#{target}",
            "target_plugin_pk": f"{pk}#{target}#{plugin}",
            "target_rule_pk": f"{pk}#{target}#{rule}",
        }
    return keys


INDEX_KEYS = frozenset(
    {"plugin_pk", "rule_pk", "target_pk", "target_plugin_pk", "target_rule_pk", "severity_sk", "time_sk"}
)


def plan(pk: str, chosen: FindingFilter, sort: Sort, *, after: str | None) -> list[list[Range]]:
    """Where the chosen findings of a partition are, after a position; raises `TooManyCombinations`."""
    scope, partitions = _partitions(pk, chosen)
    cells = [
        (severity, status)
        for severity, status in _CELLS
        if (chosen.severities is None or severity in chosen.severities)
        and (chosen.statuses is None or status in chosen.statuses)
    ]
    skipped = 0
    if not sort.by_time:
        index, spans = _index(scope, "severity"), [[run] for run in _runs(cells)]
    elif len(cells) == len(_CELLS):
        index, spans = _index(scope, "time"), [[("0", "9")]]  # a year begins with a digit
    else:
        index, spans = _index(scope, "severity"), [[(_cell(*cell), _cell(*cell)) for cell in cells]]
        skipped = len(_cell(*_CELLS[0]))
    count = len(partitions) * sum(map(len, spans))
    if count > MAX_RANGES:
        raise TooManyCombinations(combinations=count, max_combinations=MAX_RANGES)
    groups = [
        [Range(index, partition, first, last + _END, skipped) for first, last in span for partition in partitions]
        for span in (reversed(spans) if sort.backwards else spans)
    ]
    if after is not None:
        groups = [[_clipped(one, after, sort) for one in group] for group in groups]
    return [kept for group in groups if (kept := [one for one in group if one.low <= one.high])]


def _partitions(pk: str, chosen: FindingFilter) -> tuple[str, list[str]]:
    """The scope whose partitions hold the chosen findings, but for severity and status, and these partitions."""
    scope, ends = [], [[pk]]
    if chosen.targets is not None:
        scope.append("target")
        ends.append(sorted(map(target_key, chosen.targets)))
    if chosen.rules is not None:
        scope.append("rule")
        ends.append(sorted(filter(chosen.has_rule, chosen.rules)))
    elif chosen.plugins is not None:
        scope.append("plugin")
        ends.append(sorted(chosen.plugins))
    return "_".join(scope) or "all", ["#".join(parts) for parts in product(*ends)]


def _index(scope: str, order: str) -> Index:
    return Index(f"{scope}-{order}", "pk" if scope == "all" else f"{scope}_pk", f"{order}_sk")


def _cell(severity: Severity, status: Status) -> str:
    return f"{severity.rank}#{_STATUSES.index(status)}#"


def _runs(cells: list[tuple[Severity, Status]]) -> list[tuple[str, str]]:
    """The first and the last of each run of cells that are neighbours in the order by severity."""
    places = [_CELLS.index(cell) for cell in cells]
    begins = [place for before, place in pairwise([-2, *places]) if place != before + 1]
    ends = [place for place, following in pairwise([*places, -2]) if following != place + 1]
    return [(_cell(*_CELLS[begin]), _cell(*_CELLS[end])) for begin, end in zip(begins, ends, strict=True)]


def _clipped(one: Range, after: str, sort: Sort) -> Range:
    """What is left of a range after a position. It is empty, its `low` above its `high`, when nothing is."""
    at = one.low[: one.skipped] + after
    if sort.backwards:
        return replace(one, high=min(one.high, _before(at)))
    return replace(one, low=max(one.low, at + "!"))


def _before(key: str) -> str:
    """Lower than a key, which ends in a digit or letter, and higher than every lower one that is no beginning of it."""
    return f"{key[:-1]}{chr(ord(key[-1]) - 1)}{_END}"
