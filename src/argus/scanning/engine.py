"""Executes the runs of a scan: claim the run, run each plugin, join.

Delivery at least once is safe: a claim is a conditional write, a page of findings has deterministic keys, and a step
that has ended is not run again. A run that ends is removed from the scan's `open_runs`; the last one sends
`scan.finalize`. If a worker dies between these two writes, the next attempt repeats both.

If the scan was cancelled or the run was claimed by another worker, the next write fails and the worker stops. A worker
that AWS or its deadline interrupts releases the run, so that the next delivery need not wait for the lease to expire.
The interrupted step runs last in the next attempt, so that it does not block the others.
"""

import json
import logging
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache, partial
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from argus.core import tracing
from argus.core.background import FIRST_CHECK, Background, Claim, ClaimLost
from argus.core.backoff import CONTENTION, Backoff, Contended
from argus.core.clock import Clock, to_milliseconds
from argus.core.errors import Unavailable, UserError
from argus.core.languages import Message
from argus.scanning.catalogue import Catalogue, Manifest, NoSuchPlugin
from argus.scanning.finding_store import FindingStore
from argus.scanning.model import (
    FINAL_STATES,
    Finding,
    NotTested,
    Run,
    RunState,
    Scan,
    ScanState,
    Severity,
    Status,
    Step,
    StepState,
    TrackedFinding,
    fingerprint,
    seen,
)
from argus.scanning.plugin import BudgetSpent, Tools, UndeclaredRule, validate_mark
from argus.scanning.positions import PositionMatcher
from argus.scanning.store import ScanStore
from argus.scanning.tools import RunTools

PAGE = 25
MAX_FINDINGS = 10_000  # of one step; a plugin with more is broken
# Of location, evidence, location key and discriminator. An item has at most 400 KB, and one call writes a page.
MAX_FINDING_BYTES = 64_000
MAX_NOT_TESTED, MAX_NOT_TESTED_CHARACTERS = 100, 4000  # of one step; if there are more, the whole rules are not tested

_log = logging.getLogger("argus.scanning")


class TooManyFindings(UserError):
    """The plugin found more than one step may contain."""


class PluginFailed(Exception):
    """A plugin raised an exception; it is the cause."""


@dataclass(frozen=True)
class Engine:
    """Executes runs in a worker."""

    store: ScanStore
    findings: FindingStore
    catalogue: Catalogue
    plugin_tools: Mapping[str, Callable[[str], Any]]  # permission -> organisation -> tool
    scans: Background[Scan]
    clock: Clock
    monotonic: Callable[[], float] = time.monotonic
    backoff: Backoff = CONTENTION

    def run(self, run: Run, runs: Background[Run]) -> None:
        """Execute or resume a run. Does nothing if another worker has claimed it."""
        if run.next_check_at is None:
            return
        scan = self.store.get(run.organisation_id, run.scan_id)
        if scan is None or scan.state in FINAL_STATES:
            runs.finish(replace(run, state=RunState.CANCELLED))
            return
        claim = runs.claim(run, state=RunState.RUNNING)
        if claim is None:
            _log.info("another worker executes the run", extra={"run": run.id})
            return
        with claim:
            started = self._start(scan)
            if started is None:
                claim.finish(replace(claim.item, state=RunState.CANCELLED))
                return
            _RunExecution(self, self.store.with_steps(started), claim).execute()
            self.join(run)
            claim.finish(replace(claim.item, state=RunState.ENDED))

    def _start(self, scan: Scan) -> Scan | None:
        """The scan in the state running; None if it has ended in the meantime."""
        found: Scan | None = scan
        for _ in self.backoff.attempts():
            if found is None or found.state is not ScanState.QUEUED:
                return None if found is None or found.state in FINAL_STATES else found
            running = replace(found, state=ScanState.RUNNING, started_at=to_milliseconds(self.clock()))
            if saved := self.scans.write(running, self.scans.event_of(found)):
                return saved
            found = self.store.get(scan.organisation_id, scan.id)
        raise Contended

    def join(self, run: Run) -> None:
        """Remove a run that has ended from the open runs of its scan. The last run sends the job that finalizes it."""
        for _ in self.backoff.attempts():
            scan = self.store.get(run.organisation_id, run.scan_id)
            if scan is None or scan.state in FINAL_STATES:
                return
            if run.number in scan.open_runs:
                scan = self.store.save(scan.joined(run.number, check_at=self.clock() + FIRST_CHECK))
            if scan is not None:
                if not scan.open_runs:
                    self.scans.send_many([scan])
                return
        raise Contended

    def abandon(self, run: Run, reason: Message) -> None:
        """Fail the open steps of a run and join; the other runs of its scan continue. The caller holds the claim."""
        scan = self.store.get(run.organisation_id, run.scan_id)
        if scan is not None and scan.state not in FINAL_STATES:
            for step in self.store.with_steps(scan).steps:
                if step.plugin in run.plugins and not step.ended:
                    failed = replace(step, state=StepState.FAILED, reason=reason, progress=1.0)
                    failed = replace(failed, finished_at=self.clock(), attempt=run.attempts)
                    self.store.put_step(scan, failed)
            self.join(run)

    def publish_progress(self, scan: Scan) -> None:
        """Publish the progress of the scan to its subscribers, until all its steps have ended: its end is published."""
        current = self.store.with_steps(scan)
        if not all(step.ended for step in current.steps):
            self.scans.publish_event(scan.organisation_id, self.scans.event_of(current))


def _check_finding(finding: Finding) -> None:
    """Raises ValueError or TypeError for a finding that cannot be stored or published."""
    parts = [finding.location, finding.evidence, finding.location_key, finding.discriminator]
    encoded = json.dumps(parts, ensure_ascii=False, allow_nan=False).encode()  # not possible with a lone surrogate
    if len(encoded) > MAX_FINDING_BYTES:
        raise ValueError(f"the finding has more than {MAX_FINDING_BYTES} bytes")


def _reason(cause: BaseException | None) -> Message:
    """Why a step failed, for users. The log has the exception itself."""
    if isinstance(cause, UserError | Unavailable) and cause.message.code == cause.code:
        return cause.message
    return Message("argus.scanning", "plugin_failed", parameters={"exception": type(cause).__name__})


@dataclass
class _RunExecution:
    """The execution of one claimed run."""

    engine: Engine
    scan: Scan  # with its steps
    claim: Claim[Run]
    known: dict[str, TrackedFinding] = field(init=False)  # of the target, by fingerprint
    tools: RunTools = field(init=False)
    not_tested: dict[str, set[str | None]] = field(default_factory=dict)  # location keys by rule, of the current step

    def __post_init__(self) -> None:
        self.tools = RunTools(self.engine.plugin_tools, self.scan.organisation_id)
        tracked = self.engine.findings.tracked(self.scan.organisation_id, self.scan.target)
        self.known = {finding.fingerprint: finding for finding in tracked}

    def execute(self) -> None:
        steps = [step for step in self.scan.steps if step.plugin in self.claim.item.plugins and not step.ended]
        for step in sorted(steps, key=lambda step: step.state is StepState.RUNNING):
            self._check_scan()
            self._run_step(step)

    def _check_scan(self) -> None:
        """Raises ClaimLost if the scan has ended: a cancel may fail before it reaches this run."""
        scan = self.engine.store.get(self.scan.organisation_id, self.scan.id)
        if scan is None or scan.state in FINAL_STATES:
            raise ClaimLost

    def _run_step(self, step: Step) -> None:
        attempt = self.claim.item.attempts
        if attempt > 1:
            self.engine.findings.delete_findings(self.scan, step.plugin)
        step = replace(step, state=StepState.RUNNING, started_at=to_milliseconds(self.engine.clock()), attempt=attempt)
        self._save(step)
        self.not_tested.clear()
        try:
            manifest = self.engine.catalogue.get(step.plugin)
            step = replace(step, version=manifest.version)
            with tracing.span(f"plugin {step.plugin}"):
                count = self._collect(step, manifest)
        except (PluginFailed, NoSuchPlugin) as failed:
            cause = failed.__cause__ or failed
            _log.warning("plugin failed", extra={"scan": self.scan.id, "plugin": step.plugin}, exc_info=cause)
            step = replace(step, state=StepState.FAILED, reason=_reason(cause))
        else:
            step = replace(step, state=StepState.SUCCEEDED, findings=count, not_tested=tuple(self._not_tested()))
        self.claim.save(self.claim.item)
        self._save(replace(step, progress=1.0, finished_at=self.engine.clock()))
        self.engine.publish_progress(self.scan)

    def _save(self, step: Step) -> None:
        if not self.engine.store.put_step(self.scan, step):
            raise ClaimLost

    def _not_tested(self) -> Iterator[NotTested]:
        marks = [NotTested(rule, location_key) for rule, keys in self.not_tested.items() for location_key in keys]
        characters = sum(len(str(mark)) for mark in marks)
        if len(marks) > MAX_NOT_TESTED or characters > MAX_NOT_TESTED_CHARACTERS:
            marks = [NotTested(rule) for rule in self.not_tested]
        anywhere = {mark.rule for mark in marks if mark.location_key is None}
        return (mark for mark in sorted(marks, key=str) if mark.location_key is None or mark.rule not in anywhere)

    def _collect(self, step: Step, manifest: Manifest) -> int:
        """Store the findings of the plugin page by page and count them, including those found before a failure.

        No page is written long after the last renewal of the claim: another worker may have claimed the run by then.
        """
        fingerprints: set[str] = set()
        page: dict[str, TrackedFinding] = {}

        def write() -> None:
            self.claim.heartbeat(self.claim.item)
            self.engine.findings.put_findings(self.scan, page.values())
            page.clear()

        try:
            for finding in self._track(step, manifest):
                fingerprints.add(finding.fingerprint)
                page[finding.fingerprint] = finding
                if len(page) == PAGE:
                    write()
        except PluginFailed:
            write()
            raise
        write()
        return len(fingerprints)

    def _track(self, step: Step, manifest: Manifest) -> Iterator[TrackedFinding]:
        at = self.engine.clock()
        for order, finding in enumerate(self._run_plugin(step, manifest)):
            rule = manifest.rules[finding.rule]
            finding_fingerprint = fingerprint(
                organisation_id=self.scan.organisation_id,
                target=self.scan.target,
                plugin=step.plugin,
                finding=finding,
            )
            detected = TrackedFinding(
                fingerprint=finding_fingerprint,
                organisation_id=self.scan.organisation_id,
                target=self.scan.target,
                plugin=step.plugin,
                rule=finding.rule,
                title=rule.title,
                severity=finding.severity or Severity(rule.severity),
                location_key=finding.location_key,
                location=finding.location,
                evidence=finding.evidence,
                status=Status.NEW,
                scan_id=self.scan.id,
                tested_at=step.started_at or at,
                first_seen_at=at,
                last_seen_at=at,
                order=order,
                seen_with=manifest.sensitivity(step.options),
            )
            yield seen(detected, self.known.get(finding_fingerprint))

    def _run_plugin(self, step: Step, manifest: Manifest) -> Iterator[Finding]:
        """Run the plugin within its budget and yield its findings. Its exceptions become `PluginFailed`."""
        deadline = self.engine.monotonic() + manifest.budget.seconds

        def check_time() -> None:
            if self.engine.monotonic() > deadline:
                raise BudgetSpent(seconds=manifest.budget.seconds)

        def progress(share: float) -> None:
            check_time()
            if self.claim.heartbeat(self.claim.item):
                self._save(replace(step, progress=min(max(share, 0.0), 0.99)))
                self.engine.publish_progress(self.scan)

        try:
            run = manifest.load_run()
            for count, finding in enumerate(run(self.scan.target, self._tools(manifest, progress), step.options)):
                if finding.rule not in manifest.rules:
                    raise UndeclaredRule(rule=finding.rule)
                _check_finding(finding)
                if count >= MAX_FINDINGS:
                    raise TooManyFindings(max_findings=MAX_FINDINGS)
                check_time()
                self.claim.heartbeat(self.claim.item)
                yield finding
        except (BotoCoreError, ClientError):
            raise  # AWS failed, not the plugin: the job is retried
        except Exception as error:
            raise PluginFailed from error

    def _tools(self, manifest: Manifest, progress: Callable[[float], None]) -> Tools:
        return Tools(
            now=self.engine.clock,
            log=logging.getLogger(f"argus.plugin.{manifest.id}"),
            progress=progress,
            positions=cache(partial(self._positions, manifest.id)),  # one matcher per rule, as it gives each name once
            mark_not_tested=partial(self._mark_not_tested, manifest),
            granted={permission: self.tools[permission] for permission in manifest.permissions},
        )

    def _mark_not_tested(self, manifest: Manifest, rule: str, location_key: str | None = None, /) -> None:
        validate_mark(manifest.rules, rule, location_key)
        self.not_tested.setdefault(rule, set()).add(location_key)

    def _positions(self, plugin: str, rule: str) -> PositionMatcher:
        keys = [entry.location_key for entry in self.known.values() if (entry.plugin, entry.rule) == (plugin, rule)]
        return PositionMatcher.of(keys)
