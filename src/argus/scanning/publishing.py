"""Finalizes a scan after its runs have ended: compare with the earlier findings, publish, end.

The status of each finding is first written to the scan's own findings. Then one conditional write, `finalizing`, is the
point of no return. Before it nothing is published. After it the scan can be neither cancelled nor given up, and the
next worker resumes publishing where it stopped.
"""

import logging
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import islice

from argus.core import metrics
from argus.core.background import Background, Claim
from argus.core.clock import Clock
from argus.core.languages import Message
from argus.scanning.catalogue import Catalogue
from argus.scanning.finding_store import FindingStore
from argus.scanning.model import (
    FINAL_STATES,
    PRESENT,
    Scan,
    ScanState,
    Step,
    StepState,
    TrackedFinding,
    count_by_severity,
    count_by_status,
    seen,
    unseen,
)
from argus.scanning.store import ScanStore

PAGE = 200  # findings that are published between two renewals of the claim

_log = logging.getLogger("argus.scanning")


@dataclass(frozen=True)
class Publisher:
    """Finalizes scans in a worker."""

    store: ScanStore
    findings: FindingStore
    catalogue: Catalogue
    scans: Background[Scan]
    clock: Clock

    def finalize(self, scan: Scan) -> None:
        """Publish the findings of a scan and end it. Does nothing if runs are open or another worker has the claim."""
        if scan.state in FINAL_STATES or scan.open_runs:
            return
        claim = self.scans.claim(self.store.with_steps(scan))
        if claim is None:
            _log.info("another worker finalizes the scan", extra={"scan": scan.id})
            return
        with claim:
            _Publication(self, claim).publish()
            for severity, count in claim.item.counts.items():
                if count:
                    metrics.record({"findings": count}, {"severity": severity})


@dataclass
class _Publication:
    """The publication of one claimed scan."""

    publisher: Publisher
    claim: Claim[Scan]
    known: dict[str, TrackedFinding] = field(init=False)

    def __post_init__(self) -> None:
        tracked = self.publisher.findings.tracked(self.scan.organisation_id, self.scan.target)
        self.known = {finding.fingerprint: finding for finding in tracked}

    @property
    def scan(self) -> Scan:
        return self.claim.item

    def publish(self) -> None:
        store = self.publisher.findings
        findings = list(store.of_scan(self.scan)) if self.scan.finalizing else self._compare()
        waiting = self._unpublished(findings)
        while page := list(islice(waiting, PAGE)):
            store.track(page)
            self.claim.heartbeat(self.scan)
        store.recount(self.scan.organisation_id, self.scan.target)
        failed = [step for step in self.scan.steps if step.state is not StepState.SUCCEEDED]
        self.claim.finish(
            replace(
                self.scan,
                state=ScanState.FAILED if failed else ScanState.SUCCEEDED,
                reason=_reason(failed) if failed else None,
                counts=count_by_severity(findings),
                delta=count_by_status(findings),
                finished_at=self.publisher.clock(),
                finalizing=False,
            )
        )

    def _unpublished(self, findings: Iterable[TrackedFinding]) -> Iterator[TrackedFinding]:
        """The findings that this scan has not published yet."""
        for finding in findings:
            before = self.known.get(finding.fingerprint)
            if before is None:
                yield finding
            elif before.scan_id != self.scan.id:
                yield replace(finding, first_seen_at=before.first_seen_at)

    def _compare(self) -> list[TrackedFinding]:
        """Compare the findings of this scan with those of its target, and commit to publishing the result."""
        store, at = self.publisher.findings, self.publisher.clock()
        found = {finding.fingerprint: finding for finding in store.of_scan(self.scan)}
        detected = {
            name: seen(finding, self.known.get(name)) if finding.status in PRESENT else finding
            for name, finding in found.items()
        }
        missing = {
            name: after
            for name, before in self.known.items()
            if name not in found and (after := self._unseen(before, at)) is not None
        }
        compared = {**detected, **missing}
        store.put_findings(self.scan, [finding for name, finding in compared.items() if finding != found.get(name)])
        self.claim.save(replace(self.scan, finalizing=True))
        return list(compared.values())

    def _unseen(self, before: TrackedFinding, at: datetime) -> TrackedFinding | None:
        step = next((step for step in self.scan.steps if step.plugin == before.plugin), None)
        tested = step is not None and self._would_detect(step, before)
        return unseen(before, step, tested=tested, scan=self.scan, at=at)

    def _would_detect(self, step: Step, finding: TrackedFinding) -> bool:
        """Whether the step would have detected the finding if it were still present."""
        skipped = any(mark.covers(rule=finding.rule, location_key=finding.location_key) for mark in step.not_tested)
        if step.state is not StepState.SUCCEEDED or skipped or step.plugin not in self.publisher.catalogue.manifests:
            return False
        manifest = self.publisher.catalogue.get(step.plugin)
        return manifest.is_as_sensitive(step.options, as_with=finding.seen_with)


def _reason(failed: Sequence[Step]) -> Message:
    plugins = ", ".join(step.plugin for step in failed)
    return Message("argus.scanning", "steps_failed", parameters={"plugins": plugins})
