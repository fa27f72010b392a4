"""Fetches the content of a report before it is built."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from argus import __version__
from argus.core.clock import Clock
from argus.reports.data import ReportData, RuleText
from argus.reports.formats import FORMATS
from argus.reports.model import Report, TargetSection
from argus.scanning.model import TrackedFinding

if TYPE_CHECKING:
    from argus.identity.service import Identity
    from argus.scanning.catalogue import Catalogue
    from argus.scanning.service import Scanning


@dataclass(frozen=True)
class Gatherer:
    """Gathers the content of a report from the other capabilities."""

    scanning: "Scanning"
    identity: "Identity"
    catalogue: "Catalogue"
    clock: Clock

    def gather(self, report: Report) -> ReportData:
        scan, findings = self.scanning.result(report.organisation_id, report.scan_id)
        targets = self.scanning.targets
        section = targets.report_section(
            report.organisation_id, scan.target, with_blocks=FORMATS[report.format].shows_blocks
        )
        return ReportData(
            scan=scan,
            findings=most_severe_first(findings),
            rules={
                (step.plugin, name): RuleText(rule.title, rule.description, rule.remediation)
                for step in scan.steps
                if step.plugin in self.catalogue.manifests
                for name, rule in self.catalogue.get(step.plugin).rules.items()
            },
            generated_at=self.clock(),
            argus_version=__version__,
            organisation_name=self.identity.organisation(report.organisation_id).name,
            target=section or TargetSection(targets.label(report.organisation_id, scan.target)),
            columns=targets.report_columns(scan.target.kind),
        )


def most_severe_first(findings: Iterable[TrackedFinding]) -> list[TrackedFinding]:
    return sorted(findings, key=lambda finding: (-finding.severity.rank, finding.plugin, finding.order))
