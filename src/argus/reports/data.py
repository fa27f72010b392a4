"""All that a report shows, gathered before it is built. No I/O."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from argus.reports.model import Picture, TargetSection
from argus.scanning.model import Scan, TrackedFinding


@dataclass(frozen=True)
class RuleText:
    """What a rule's manifest says of it."""

    title: str
    description: str
    remediation: str


@dataclass(frozen=True)
class ReportData:
    """All that a report shows."""

    scan: Scan
    findings: Sequence[TrackedFinding]
    rules: Mapping[tuple[str, str], RuleText]
    generated_at: datetime
    argus_version: str
    organisation_name: str
    target: TargetSection

    @property
    def picture(self) -> Picture | None:
        return self.target.picture
