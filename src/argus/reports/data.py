"""The content of a report, gathered before the report is built. No I/O."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from argus.reports.model import Column, TargetSection
from argus.scanning.model import Scan, TrackedFinding


@dataclass(frozen=True)
class RuleText:
    """The texts of a rule in its manifest."""

    title: str
    description: str
    remediation: str


@dataclass(frozen=True)
class ReportData:
    """The content of a report, independent of its format."""

    scan: Scan
    findings: Sequence[TrackedFinding]
    rules: Mapping[tuple[str, str], RuleText]
    generated_at: datetime
    argus_version: str
    organisation_name: str
    target: TargetSection
    columns: Sequence[Column] = ()  # of the kind of target
