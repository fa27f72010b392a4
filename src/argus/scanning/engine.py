"""Running one scan: claim, run each plugin, compare with what was known, tell it, end.

At-least-once delivery changes nothing: a claim is a conditional write, a page of findings has deterministic keys, and a
finished step is not run again. How the findings stand against what was known is written to the scan's own first. Then
one conditional write, `telling`, is the point of no return: before it nothing was told, after it the scan is neither
cancelled nor given up, and whoever comes next goes on where the telling stopped.

A worker whose scan was cancelled or taken over learns it from its next write and stops. One that is broken off, by the
end of its time or by AWS, lets go of the scan, so that the next delivery need not wait for its lease to end.
"""

import json
import logging
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from argus.core import metrics, tracing
from argus.core.background import Background, Claim
from argus.core.clock import Clock
from argus.core.errors import ArgusError, Unavailable
from argus.scanning.catalogue import Catalogue, Manifest
from argus.scanning.finding_store import FindingStore
from argus.scanning.model import (
    FINAL_STATES,
    PRESENT,
    Finding,
    Scan,
    ScanState,
    Severity,
    Status,
    Step,
    StepState,
    TrackedFinding,
    count_by_severity,
    count_by_status,
    fingerprint,
    seen,
    unseen,
)
from argus.scanning.plugin import BudgetSpent, Tools
from argus.scanning.positions import PositionMatcher

PAGE = 25
MAX_FINDINGS = 10_000  # of one step; more is a plugin out of hand
MAX_FINDING_CHARACTERS = 64_000  # of its location and evidence; an item may have 400 KB, and a page of 25 is one call
MAX_REASON = 500  # characters

_log = logging.getLogger("argus.scanning")


class UndeclaredRule(ArgusError):
    """The plugin raised a rule that its manifest does not declare."""


class TooManyFindings(ArgusError):
    """The plugin found more than one step may hold."""


class PluginFailed(Exception):
    """A plugin raised; what it raised is the cause."""


@dataclass(frozen=True)
class Engine:
    """Runs scans, inside a worker."""

    findings: FindingStore
    catalogue: Catalogue
    plugin_tools: Mapping[str, Callable[[str], Any]]  # permission -> organisation -> tool
    background: Background[Scan]
    clock: Clock
    monotonic: Callable[[], float] = time.monotonic

    def run(self, scan: Scan) -> None:
        """Run a scan from wherever it stands; return quietly when someone else has it."""
        if scan.state in FINAL_STATES:
            return
        claim = self.background.claim(scan, state=ScanState.RUNNING, started_at=scan.started_at or self.clock())
        if claim is None:
            _log.info("the scan runs elsewhere", extra={"scan": scan.id})
            return
        with claim:
            run = _Run(self, claim)
            run.steps()
            run.finish()
            for severity, count in claim.item.counts.items():
                if count:
                    metrics.record({"findings": count}, {"severity": severity})


def _check(finding: Finding) -> None:
    """Refuse a finding that could not be stored or told; raises ValueError, TypeError."""
    written = json.dumps([finding.location, finding.evidence], allow_nan=False)
    if len(written) + len(finding.place) + len(finding.discriminator) > MAX_FINDING_CHARACTERS:
        raise ValueError(f"a finding of more than {MAX_FINDING_CHARACTERS} characters")


def _reason(cause: BaseException | None) -> str:
    """Why a step failed, for everyone who may see the scan; what went wrong inside is for the log."""
    match cause:
        case Unavailable():
            return cause.title
        case ArgusError():
            return f"{cause.title.rstrip('.')}: {cause.detail}"[:MAX_REASON] if cause.detail else cause.title
    return f"the plugin failed: {type(cause).__name__}"


@dataclass
class _Run:
    """One worker's hold on one scan."""

    engine: Engine
    claim: Claim[Scan]
    known: dict[str, TrackedFinding] = field(init=False)
    not_tested: set[str] = field(default_factory=set)  # rules of the present step

    def __post_init__(self) -> None:
        self._know()

    @property
    def scan(self) -> Scan:
        return self.claim.item

    def steps(self) -> None:
        for step in self.scan.steps:
            if step.state not in (StepState.SUCCEEDED, StepState.FAILED):
                self._step(step)

    def finish(self) -> None:
        """Tell every finding how it stands now, and end the scan."""
        store = self.engine.findings
        findings = list(store.of_scan(self.scan)) if self.scan.telling else self._compared()
        for finding in findings:
            before = self.known.get(finding.fingerprint)
            if before is None or before.scan_id < self.scan.id:
                store.track(finding)
                self.claim.heartbeat(self.scan)
        store.recount(self.scan.organisation_id, self.scan.target)
        failed = [step for step in self.scan.steps if step.state is StepState.FAILED]
        self.claim.finish(
            replace(
                self.scan,
                state=ScanState.FAILED if failed else ScanState.SUCCEEDED,
                reason="; ".join(f"{step.plugin}: {step.reason}" for step in failed),
                counts=count_by_severity(findings),
                delta=count_by_status(findings),
                finished_at=self.engine.clock(),
                telling=False,
            )
        )

    def _compared(self) -> list[TrackedFinding]:
        """The findings of this scan as they stand against the look before. Whatever comes, these will be told."""
        store, at = self.engine.findings, self.engine.clock()
        self._know()
        found = {finding.fingerprint: finding for finding in store.of_scan(self.scan)}
        as_known = {name: self._as_known(finding, at) for name, finding in found.items()}
        missing = {
            name: unseen(before, tested=self._tested(before), scan_id=self.scan.id, at=at)
            for name, before in self.known.items()
            if name not in found and before.open
        }
        compared = {**as_known, **missing}
        store.put_findings(self.scan, [finding for name, finding in compared.items() if finding != found.get(name)])
        self.claim.save(replace(self.scan, telling=True))
        return list(compared.values())

    def _know(self) -> None:
        tracked = self.engine.findings.tracked(self.scan.organisation_id, self.scan.target)
        self.known = {finding.fingerprint: finding for finding in tracked}

    def _as_known(self, finding: TrackedFinding, at: datetime) -> TrackedFinding:
        """A finding of this scan against what is known by now: another scan of the target may have ended meanwhile."""
        before = self.known.get(finding.fingerprint)
        if finding.status not in PRESENT or before is None or before.scan_id > self.scan.id:
            return finding
        seen_since = before.last_seen_at > finding.last_seen_at
        return seen(finding, before, scan_id=self.scan.id, at=at if seen_since else finding.last_seen_at)

    def _tested(self, finding: TrackedFinding) -> bool:
        """Whether this scan would have told the finding, had it still been there."""
        return any(
            step.plugin == finding.plugin and step.state is StepState.SUCCEEDED and finding.rule not in step.not_tested
            for step in self.scan.steps
        )

    # ------------------------------------------------------------ one step

    def _step(self, step: Step) -> None:
        manifest = self.engine.catalogue.get(step.plugin)
        if self.scan.attempts > 1:
            self.engine.findings.forget_findings(self.scan, step.plugin)
        step = replace(step, state=StepState.RUNNING, started_at=self.engine.clock(), version=manifest.version)
        self._save_step(step)
        self.not_tested.clear()
        try:
            with tracing.span(f"plugin {step.plugin}"):
                count = self._collect(step, manifest)
        except PluginFailed as failed:
            cause = failed.__cause__
            _log.warning("plugin failed", extra={"scan": self.scan.id, "plugin": step.plugin}, exc_info=cause)
            step = replace(step, state=StepState.FAILED, reason=_reason(cause))
        else:
            not_tested = tuple(sorted(self.not_tested))
            step = replace(step, state=StepState.SUCCEEDED, findings=count, not_tested=not_tested)
        self._save_step(replace(step, progress=1.0, finished_at=self.engine.clock()))

    def _collect(self, step: Step, manifest: Manifest) -> int:
        """Write what the plugin yields, page by page, and count it; what it found before it failed counts too."""
        fingerprints: set[str] = set()
        page: dict[str, TrackedFinding] = {}

        def write() -> None:
            self.engine.findings.put_findings(self.scan, page.values())
            page.clear()

        try:
            for finding in self._tracked(step, manifest):
                fingerprints.add(finding.fingerprint)
                page[finding.fingerprint] = finding
                if len(page) == PAGE:
                    write()
        except PluginFailed:
            write()
            raise
        write()
        return len(fingerprints)

    def _tracked(self, step: Step, manifest: Manifest) -> Iterator[TrackedFinding]:
        at = self.engine.clock()
        for order, finding in enumerate(self._yielded(step, manifest)):
            rule = manifest.rules[finding.rule]
            name = fingerprint(
                organisation_id=self.scan.organisation_id,
                target=self.scan.target,
                plugin=step.plugin,
                finding=finding,
            )
            today = TrackedFinding(
                fingerprint=name,
                organisation_id=self.scan.organisation_id,
                target=self.scan.target,
                plugin=step.plugin,
                rule=finding.rule,
                title=rule.title,
                severity=finding.severity or Severity(rule.severity),
                place=finding.place,
                location=finding.location,
                evidence=finding.evidence,
                status=Status.NEW,
                scan_id=self.scan.id,
                first_seen_at=at,
                last_seen_at=at,
                order=order,
            )
            yield seen(today, self.known.get(name), scan_id=self.scan.id, at=at)

    def _yielded(self, step: Step, manifest: Manifest) -> Iterator[Finding]:
        """What the plugin yields, within its budget; whatever it raises becomes `PluginFailed`."""
        deadline = self.engine.monotonic() + manifest.budget.seconds

        def progress(share: float) -> None:
            if self.engine.monotonic() > deadline:
                raise BudgetSpent(f"more than {manifest.budget.seconds} s")
            self.claim.heartbeat(self.scan.with_step(replace(step, progress=min(max(share, 0.0), 0.99))))

        try:
            run = manifest.load_run()
            for count, finding in enumerate(run(self.scan.target, self._tools(manifest, progress), step.options)):
                if finding.rule not in manifest.rules:
                    raise UndeclaredRule(finding.rule)
                _check(finding)
                if count >= MAX_FINDINGS:
                    raise TooManyFindings(f"more than {MAX_FINDINGS}")
                if self.engine.monotonic() > deadline:
                    raise BudgetSpent(f"more than {manifest.budget.seconds} s")
                yield finding
        except (BotoCoreError, ClientError):
            raise  # AWS is at fault, not the plugin: the job is tried again
        except Exception as error:
            raise PluginFailed from error

    def _tools(self, manifest: Manifest, progress: Callable[[float], None]) -> Tools:
        return Tools(
            now=self.engine.clock,
            log=logging.getLogger(f"argus.plugin.{manifest.id}"),
            progress=progress,
            positions=lambda rule: self._positions(manifest.id, rule),
            mark_not_tested=self.not_tested.add,
            granted={
                permission: self.engine.plugin_tools[permission](self.scan.organisation_id)
                for permission in manifest.permissions
            },
        )

    def _positions(self, plugin: str, rule: str) -> PositionMatcher:
        mine = [entry.place for entry in self.known.values() if (entry.plugin, entry.rule) == (plugin, rule)]
        return PositionMatcher.of(mine)

    def _save_step(self, step: Step) -> None:
        self.claim.save(self.scan.with_step(step))
