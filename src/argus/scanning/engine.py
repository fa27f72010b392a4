"""Carrying out the runs of a scan: claim, run each plugin, join.

At-least-once delivery changes nothing: a claim is a conditional write, a page of findings has deterministic keys, and a
step that has ended is not run again. A run that ends leaves the scan's `open_runs`; the one that leaves it empty sends
`scan.finalize`. A run that dies between two writes does both again.

A worker whose scan was cancelled or whose run was taken over learns it from its next write and stops. One that is
stopped, by the end of its time or by AWS, releases the run, so that the next delivery need not wait for its lease to
end. A step that was stopped that way is the last of the next attempt, so that it keeps no other from its turn.
"""

import json
import logging
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from argus.core import tracing
from argus.core.background import FIRST_CHECK, Background, Claim, ClaimLost
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
from argus.scanning.plugin import BudgetSpent, Tools, UndeclaredRule, check_mark
from argus.scanning.positions import PositionMatcher
from argus.scanning.store import ScanStore
from argus.scanning.tools import RunTools

PAGE = 25
MAX_FINDINGS = 10_000  # of one step; more is a plugin out of hand
MAX_FINDING_CHARACTERS = 64_000  # of its location and evidence; an item may have 400 KB, and a page of 25 is one call
MAX_NOT_TESTED, MAX_NOT_TESTED_CHARACTERS = 100, 4000  # of one step; with more, its rules were not tested anywhere

_log = logging.getLogger("argus.scanning")


class TooManyFindings(UserError):
    """The plugin found more than one step may hold."""


class PluginFailed(Exception):
    """A plugin raised; what it raised is the cause."""


@dataclass(frozen=True)
class Engine:
    """Carries out runs, inside a worker."""

    store: ScanStore
    findings: FindingStore
    catalogue: Catalogue
    plugin_tools: Mapping[str, Callable[[str], Any]]  # permission -> organisation -> tool
    scans: Background[Scan]
    clock: Clock
    monotonic: Callable[[], float] = time.monotonic

    def run(self, run: Run, runs: Background[Run]) -> None:
        """Carry out a run from where it is; return quietly when another worker has it."""
        if run.next_check_at is None:
            return
        scan = self.store.get(run.organisation_id, run.scan_id)
        if scan is None or scan.state in FINAL_STATES:
            runs.finish(replace(run, state=RunState.CANCELLED))
            return
        claim = runs.claim(run, state=RunState.RUNNING)
        if claim is None:
            _log.info("the run is carried out elsewhere", extra={"run": run.id})
            return
        with claim:
            begun = self._begin(scan)
            if begun is None:
                claim.finish(replace(claim.item, state=RunState.CANCELLED))
                return
            _Worker(self, self.store.with_steps(begun), claim).work()
            self.join(run)
            claim.finish(replace(claim.item, state=RunState.ENDED))

    def _begin(self, scan: Scan) -> Scan | None:
        """The scan, running; None when it has ended meanwhile."""
        found: Scan | None = scan
        while found is not None and found.state is ScanState.QUEUED:
            running = replace(found, state=ScanState.RUNNING, started_at=to_milliseconds(self.clock()))
            if saved := self.scans.write(running, self.scans.change(found)):
                return saved
            found = self.store.get(scan.organisation_id, scan.id)
        return None if found is None or found.state in FINAL_STATES else found

    def join(self, run: Run) -> None:
        """Say that a run has ended. Of those of one scan, the last sends the job that finalizes it."""
        scan = self.store.get(run.organisation_id, run.scan_id)
        while scan is not None and scan.state not in FINAL_STATES:
            if run.number in scan.open_runs:
                joined = scan.joined(run.number, check_at=self.clock() + FIRST_CHECK)
                scan = self.store.save(joined) or self.store.get(run.organisation_id, run.scan_id)
                continue
            if not scan.open_runs:
                self.scans.send_many([scan])
            return

    def abandon(self, run: Run, reason: Message) -> None:
        """Fail the steps of a run that have not ended, and join: its scan goes on without it. Needs a claim."""
        scan = self.store.get(run.organisation_id, run.scan_id)
        if scan is not None and scan.state not in FINAL_STATES:
            for step in self.store.with_steps(scan).steps:
                if step.plugin in run.plugins and not step.ended:
                    failed = replace(step, state=StepState.FAILED, reason=reason, progress=1.0)
                    failed = replace(failed, finished_at=self.clock(), attempt=run.attempts)
                    self.store.put_step(scan, failed)
            self.join(run)

    def announce(self, scan: Scan) -> None:
        """What its steps have done by now, to those who watch the scan."""
        self.scans.announce(scan.organisation_id, self.scans.change(self.store.with_steps(scan)))


def _check(finding: Finding) -> None:
    """Refuse a finding that could not be stored or published; raises ValueError, TypeError."""
    written = json.dumps([finding.location, finding.evidence], allow_nan=False)
    if len(written) + len(finding.location_key) + len(finding.discriminator) > MAX_FINDING_CHARACTERS:
        raise ValueError(f"a finding of more than {MAX_FINDING_CHARACTERS} characters")


def _reason(cause: BaseException | None) -> Message:
    """Why a step failed, for everyone who may see the scan; the exception itself is for the log."""
    if isinstance(cause, UserError | Unavailable):
        return cause.message
    return Message("argus.scanning", "plugin_failed", parameters={"exception": type(cause).__name__})


@dataclass
class _Worker:
    """One worker's hold on one run."""

    engine: Engine
    scan: Scan  # with its steps
    claim: Claim[Run]
    known: dict[str, TrackedFinding] = field(init=False)
    tools: RunTools = field(init=False)
    not_tested: dict[str, set[str | None]] = field(default_factory=dict)  # by rule of the present step: location keys

    def __post_init__(self) -> None:
        self.tools = RunTools(self.engine.plugin_tools, self.scan.organisation_id)
        tracked = self.engine.findings.tracked(self.scan.organisation_id, self.scan.target)
        self.known = {finding.fingerprint: finding for finding in tracked}

    def work(self) -> None:
        mine = [step for step in self.scan.steps if step.plugin in self.claim.item.plugins and not step.ended]
        for step in sorted(mine, key=lambda step: step.state is StepState.RUNNING):
            self._check_scan()
            self._step(step)

    def _check_scan(self) -> None:
        """Stop when the scan was cancelled: whoever cancelled it may not have come to this run."""
        scan = self.engine.store.get(self.scan.organisation_id, self.scan.id)
        if scan is None or scan.state in FINAL_STATES:
            raise ClaimLost

    def _step(self, step: Step) -> None:
        attempt = self.claim.item.attempts
        if attempt > 1:
            self.engine.findings.forget_findings(self.scan, step.plugin)
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
        self.engine.announce(self.scan)

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
        """Write what the plugin yields, page by page, and count it; what it found before it failed counts too.

        No page is written long after the run was known to be ours: another worker may have it by then.
        """
        fingerprints: set[str] = set()
        page: dict[str, TrackedFinding] = {}

        def write() -> None:
            self.claim.heartbeat(self.claim.item)
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
            yield seen(today, self.known.get(name))

    def _yielded(self, step: Step, manifest: Manifest) -> Iterator[Finding]:
        """What the plugin yields, within its budget; whatever it raises becomes `PluginFailed`."""
        deadline = self.engine.monotonic() + manifest.budget.seconds

        def check_time() -> None:
            if self.engine.monotonic() > deadline:
                raise BudgetSpent(seconds=manifest.budget.seconds)

        def progress(share: float) -> None:
            check_time()
            if self.claim.heartbeat(self.claim.item):
                self._save(replace(step, progress=min(max(share, 0.0), 0.99)))
                self.engine.announce(self.scan)

        try:
            run = manifest.load_run()
            for count, finding in enumerate(run(self.scan.target, self._tools(manifest, progress), step.options)):
                if finding.rule not in manifest.rules:
                    raise UndeclaredRule(rule=finding.rule)
                _check(finding)
                if count >= MAX_FINDINGS:
                    raise TooManyFindings(max_findings=MAX_FINDINGS)
                check_time()
                self.claim.heartbeat(self.claim.item)
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
            mark_not_tested=partial(self._mark_not_tested, manifest),
            granted={permission: self.tools[permission] for permission in manifest.permissions},
        )

    def _mark_not_tested(self, manifest: Manifest, rule: str, location_key: str | None = None, /) -> None:
        check_mark(manifest.rules, rule, location_key)
        self.not_tested.setdefault(rule, set()).add(location_key)

    def _positions(self, plugin: str, rule: str) -> PositionMatcher:
        mine = [entry.location_key for entry in self.known.values() if (entry.plugin, entry.rule) == (plugin, rule)]
        return PositionMatcher.of(mine)
