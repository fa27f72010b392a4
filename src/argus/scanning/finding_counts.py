"""Counts of findings by rule, severity and status. No I/O. docs/data.md describes how counts are stored.

A summary holds the counts of one target and plugin. The difference between the new counts and the summary is added to
the counters, so that a counter is always the sum of all summaries.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from argus.scanning.model import Severity, Status, TrackedFinding

Counts = Mapping[str, int]  # by `<severity>_<status>`, the name of an attribute; without zeros


@dataclass(frozen=True)
class RuleCount:
    """The counts of a rule, and its title at the time of counting."""

    title: str = ""
    counts: Counts = field(default_factory=dict)


RuleCounts = Mapping[str, RuleCount]  # by rule


def count_rules(findings: Iterable[TrackedFinding]) -> dict[str, dict[str, RuleCount]]:
    """Counts by plugin and rule. The title comes from the most recent scan."""
    counts: defaultdict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    titles: dict[tuple[str, str], tuple[str, str]] = {}
    for finding in findings:
        key = finding.plugin, finding.rule
        counts[key][f"{finding.severity.value}_{finding.status.value}"] += 1
        titles[key] = max(titles.get(key, ("", "")), (finding.scan_id, finding.title))
    plugins: dict[str, dict[str, RuleCount]] = {}
    for (plugin, rule), counted in counts.items():
        plugins.setdefault(plugin, {})[rule] = RuleCount(titles[plugin, rule][1], dict(counted))
    return plugins


def changes(before: RuleCounts, now: RuleCounts) -> dict[str, RuleCount]:
    """What to add to the counter of each changed rule. The counts may be negative."""
    changed = {}
    for rule in sorted(before.keys() | now.keys()):
        old, new = before.get(rule, RuleCount()), now.get(rule, RuleCount())
        amounts = {
            name: amount
            for name in sorted(old.counts.keys() | new.counts.keys())
            if (amount := new.counts.get(name, 0) - old.counts.get(name, 0))
        }
        title = new.title or old.title
        if amounts or title != old.title:
            changed[rule] = RuleCount(title, amounts)
    return changed


@dataclass(frozen=True)
class Totals:
    """Findings by severity and status."""

    counts: Counts

    def of(self, *, severity: Severity | None = None, status: Status | None = None) -> int:
        return sum(
            self.counts.get(f"{each_severity.value}_{each_status.value}", 0)
            for each_severity in ([severity] if severity else Severity)
            for each_status in ([status] if status else Status)
        )

    @property
    def total(self) -> int:
        return self.of()

    @property
    def by_severity(self) -> dict[Severity, int]:
        return {severity: self.of(severity=severity) for severity in Severity}

    @property
    def by_status(self) -> dict[Status, int]:
        return {status: self.of(status=status) for status in Status}

    @property
    def by_severity_and_status(self) -> dict[Severity, dict[Status, int]]:
        return {
            severity: {status: self.of(severity=severity, status=status) for status in Status} for severity in Severity
        }


def total(all_counts: Iterable[Counts]) -> Totals:
    sums: Counter[str] = Counter()
    for counts in all_counts:
        sums.update(counts)
    return Totals(sums)
