"""Target, scan, step and finding, and how the status of a finding changes. No I/O."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from argus.core.languages import Message


class Severity(StrEnum):
    """How severe a finding is, least severe first."""

    INFO = "info"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        return list(Severity).index(self)


class ScanState(StrEnum):
    """The state of a scan. The last three are final."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


class RunState(StrEnum):
    """The state of one run of a scan. The last three are final."""

    QUEUED = "queued"
    RUNNING = "running"
    ENDED = "ended"
    FAILED = "failed"
    CANCELLED = "cancelled"


class StepState(StrEnum):
    """The state of one plugin's part of a scan."""

    PENDING = "pending"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Status(StrEnum):
    """The result of the most recent scan for a finding, compared with its previous state."""

    NEW = "new"
    UNCHANGED = "unchanged"
    REGRESSED = "regressed"  # it was fixed and is present again
    FIXED = "fixed"
    NOT_TESTED = "not_tested"  # its rule was not fully tested at its location, or with less sensitive options


PRESENT = frozenset({Status.NEW, Status.UNCHANGED, Status.REGRESSED})


@dataclass(frozen=True)
class Target:
    """What a scan tests: `image` by its id, `host` by its name, …"""

    kind: str
    value: str

    @property
    def identity(self) -> str:
        """Identifies the target: equal for every scan of it."""
        return f"{self.kind}:{self.value}"


@dataclass(frozen=True)
class Finding:
    """One violation of a rule at one location, as a plugin yields it.

    `location_key` is the normalised location, part of the fingerprint; `location` has the full details for users.
    `discriminator` separates findings of one rule at one location. `severity` overrides the manifest's default.
    """

    rule: str
    location: Mapping[str, Any]
    evidence: Mapping[str, Any]
    location_key: str
    discriminator: str = ""
    severity: Severity | None = None


@dataclass(frozen=True)
class NotTested:
    """A rule that a step did not fully test: at one location or, if None, anywhere."""

    rule: str
    location_key: str | None = None

    def __str__(self) -> str:
        return self.rule if self.location_key is None else f"{self.rule} at {self.location_key}"

    def covers(self, *, rule: str, location_key: str) -> bool:
        return self.rule == rule and self.location_key in (None, location_key)


@dataclass(frozen=True)
class Step:
    """One plugin's part of a scan."""

    plugin: str
    version: str
    options: Mapping[str, Any]
    state: StepState = StepState.PENDING
    progress: float = 0.0  # 0..1
    findings: int = 0
    not_tested: tuple[NotTested, ...] = ()
    reason: Message | None = None  # why it failed
    started_at: datetime | None = None
    finished_at: datetime | None = None
    order: int = 0  # among the steps of its scan
    attempt: int = 0  # the attempt of its run that wrote it last

    @property
    def ended(self) -> bool:
        return self.state not in (StepState.PENDING, StepState.RUNNING)


@dataclass(frozen=True)
class Run:
    """Steps of a scan that one worker executes one after another. They share the evidence that they collect."""

    id: str
    organisation_id: str
    scan_id: str
    number: int  # among the runs of its scan
    function: str  # that executes it
    plugins: tuple[str, ...]
    state: RunState = RunState.QUEUED
    reason: Message | None = None  # why it failed
    version: int = 1
    attempts: int = 0
    checks: int = 0
    lease_until: datetime | None = None
    next_check_at: datetime | None = None  # None once it has ended

    def given_up(self, reason: Message) -> "Run":
        """The run after its last attempt failed."""
        return replace(self, state=RunState.FAILED, reason=reason)


@dataclass(frozen=True)
class Scan:
    """A scan of one target with the selected plugins.

    Its steps are stored separately; `steps` is empty unless they were read as well.
    """

    id: str
    organisation_id: str
    target: Target
    requested_by: str
    created_at: datetime
    open_runs: tuple[int, ...] = ()  # numbers of the runs that have not ended
    steps: tuple[Step, ...] = ()
    state: ScanState = ScanState.QUEUED
    reason: Message | None = None  # why it failed
    started_at: datetime | None = None
    finished_at: datetime | None = None
    counts: Mapping[str, int] = field(default_factory=dict)  # present findings by severity
    delta: Mapping[str, int] = field(default_factory=dict)  # findings by status
    finalizing: bool = False  # some of its findings may be published, so it can no longer be cancelled or failed
    version: int = 1
    attempts: int = 0  # to finalize it
    checks: int = 0
    lease_until: datetime | None = None  # until then a worker may finalize it
    next_check_at: datetime | None = None  # None while it has open runs, and once it has ended

    @property
    def progress(self) -> int:
        """0–100: the average of its steps; 100 once it has ended."""
        if self.state in FINAL_STATES:
            return 100
        return int(100 * sum(step.progress for step in self.steps) / max(len(self.steps), 1))

    @property
    def has_published(self) -> bool:
        """Whether its findings count: not before it has ended, and not if it was cancelled."""
        return self.state in (ScanState.SUCCEEDED, ScanState.FAILED)

    def with_steps(self, steps: Iterable[Step]) -> "Scan":
        """The scan with its steps. Once it has ended, its unfinished steps are cancelled."""
        has_ended = self.state in FINAL_STATES
        return replace(
            self,
            steps=tuple(
                replace(step, state=StepState.CANCELLED) if has_ended and not step.ended else step for step in steps
            ),
        )

    def joined(self, run: int, *, check_at: datetime) -> "Scan":
        """The scan after a run has ended; after the last run it waits to be finalized."""
        open_runs = tuple(number for number in self.open_runs if number != run)
        return replace(self, open_runs=open_runs, next_check_at=None if open_runs else check_at)

    def cancelled(self, *, at: datetime) -> "Scan":
        """The scan after a user cancelled it."""
        return replace(self, state=ScanState.CANCELLED, finished_at=at)

    def given_up(self, reason: Message, *, at: datetime) -> "Scan | None":
        """The scan after finalizing failed; None if it has started to publish its findings, which is retried."""
        if self.finalizing:
            return None
        return replace(self, state=ScanState.FAILED, finished_at=at, reason=reason)


FINAL_STATES = frozenset({ScanState.SUCCEEDED, ScanState.FAILED, ScanState.CANCELLED})


@dataclass(frozen=True)
class TrackedFinding:
    """A finding with its history: when it was first and last seen, and its status after the most recent scan."""

    fingerprint: str
    organisation_id: str
    target: Target
    plugin: str
    rule: str
    title: str
    severity: Severity
    location_key: str
    location: Mapping[str, Any]
    evidence: Mapping[str, Any]
    status: Status
    scan_id: str  # the most recent scan that changed or confirmed its status
    tested_at: datetime  # when the step that tested it last started
    first_seen_at: datetime
    last_seen_at: datetime
    fixed_at: datetime | None = None
    open: bool = True  # kept when the status becomes not_tested
    order: int = 0  # among the findings of its step, as the plugin yielded them
    seen_with: Mapping[str, Any] = field(default_factory=dict)  # options that affect how much the plugin finds


def fingerprint(*, organisation_id: str, target: Target, plugin: str, finding: Finding) -> str:
    """Version 1: independent of wording, severity, evidence and the plugin's version.

    Each part is prefixed with its length, so that different lists of parts have different encodings.
    """
    parts = (organisation_id, target.identity, f"{plugin}.{finding.rule}", finding.location_key, finding.discriminator)
    digest = hashlib.sha256()
    for part in parts:
        encoded = part.encode()
        digest.update(b"%d:" % len(encoded) + encoded)
    return f"v1:{digest.hexdigest()}"


def seen(finding: TrackedFinding, before: TrackedFinding | None) -> TrackedFinding:
    """The state of a finding that a step has detected, given its state before.

    A step that started later may have tested it in the meantime. If that step found it fixed, the older detection does
    not make it regressed.
    """
    if before is None:
        return finding
    if before.scan_id == finding.scan_id:
        return before
    updated = replace(
        finding,
        first_seen_at=before.first_seen_at,
        last_seen_at=max(before.last_seen_at, finding.last_seen_at),
    )
    if before.tested_at < finding.tested_at:
        return replace(updated, status=Status.UNCHANGED if before.open else Status.REGRESSED)
    return replace(updated, status=Status.UNCHANGED) if before.open and finding.status is Status.NEW else updated


def unseen(
    before: TrackedFinding, step: Step | None, *, tested: bool, scan: Scan, at: datetime
) -> TrackedFinding | None:
    """The state of a finding after a scan of its target did not detect it; None if the scan does not change it.

    `step` is the step of its plugin, if the scan has one. `tested`: the step fully tested the rule at the location of
    the finding, with options that would have found it. Steps take effect in the order in which they started.
    """
    if before.scan_id == scan.id:
        return before
    started_at = step.started_at if step and tested else scan.started_at
    if not before.open or started_at is None or before.tested_at >= started_at:
        return None
    if not tested:
        return replace(before, scan_id=scan.id, status=Status.NOT_TESTED)
    return replace(before, scan_id=scan.id, tested_at=started_at, status=Status.FIXED, open=False, fixed_at=at)


def count_by_severity(findings: Iterable[TrackedFinding]) -> dict[str, int]:
    counts = {severity.value: 0 for severity in Severity}
    for finding in findings:
        if finding.status in PRESENT:
            counts[finding.severity.value] += 1
    return counts


def count_by_status(findings: Iterable[TrackedFinding]) -> dict[str, int]:
    counts = {status.value: 0 for status in Status}
    for finding in findings:
        counts[finding.status.value] += 1
    return counts
