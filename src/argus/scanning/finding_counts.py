"""How many findings there are, by rule, severity and status. Pure; docs/data.md says how counts are kept.

A summary holds what has been counted of a target and plugin. The difference between what is counted now and the summary
is added to the counters, so that they are the sum of all summaries.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from argus.scanning.model import Severity, Status, TrackedFinding

Counts = Mapping[str, int]  # by `<severity>_<status>`, the name of an attribute; without zeros


@dataclass(frozen=True)
class RuleCount:
    """The findings of a rule, and its title when it was counted."""

    title: str = ""
    counts: Counts = field(default_factory=dict)


RuleCounts = Mapping[str, RuleCount]  # by rule


def count_rules(findings: Iterable[TrackedFinding]) -> dict[str, dict[str, RuleCount]]:
    """By plugin and rule. The title is that of the latest scan."""
    counts: defaultdict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    titles: dict[tuple[str, str], tuple[str, str]] = {}
    for finding in findings:
        name = finding.plugin, finding.rule
        counts[name][f"{finding.severity.value}_{finding.status.value}"] += 1
        titles[name] = max(titles.get(name, ("", "")), (finding.scan_id, finding.title))
    plugins: dict[str, dict[str, RuleCount]] = {}
    for (plugin, rule), counted in counts.items():
        plugins.setdefault(plugin, {})[rule] = RuleCount(titles[plugin, rule][1], dict(counted))
    return plugins


def changes(before: RuleCounts, now: RuleCounts) -> dict[str, RuleCount]:
    """What to add to the counter of each rule that has changed. The counts may be negative."""
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
            self.counts.get(f"{one.value}_{other.value}", 0)
            for one in ([severity] if severity else Severity)
            for other in ([status] if status else Status)
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


def total(counted: Iterable[Counts]) -> Totals:
    sums: Counter[str] = Counter()
    for counts in counted:
        sums.update(counts)
    return Totals(sums)
