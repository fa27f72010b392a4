"""Target, scan, step, finding, and the rules of a finding's life. Pure: nothing of ours is imported."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from argus.core.languages import Message


class Severity(StrEnum):
    """How much a finding matters, least first."""

    INFO = "info"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        return list(Severity).index(self)


class ScanState(StrEnum):
    """Where a scan stands. The last three are final."""

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
    """Where one plugin's part of a scan stands."""

    PENDING = "pending"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Status(StrEnum):
    """What the latest scan says about a finding, compared with what was known before."""

    NEW = "new"
    UNCHANGED = "unchanged"
    REGRESSED = "regressed"  # was fixed, is back
    FIXED = "fixed"
    NOT_TESTED = "not_tested"  # its rule was not tested to the end at its place, or less sensitively


PRESENT = frozenset({Status.NEW, Status.UNCHANGED, Status.REGRESSED})


@dataclass(frozen=True)
class Target:
    """What a scan tests: `image` by its id, `host` by its name, …"""

    kind: str
    value: str

    @property
    def identity(self) -> str:
        """What two scans of the same thing have in common."""
        return f"{self.kind}:{self.value}"


@dataclass(frozen=True)
class Finding:
    """What a plugin yields: one rule broken at one place.

    `location_key` is the normalised location and goes into the fingerprint; `location` is the full one, for people.
    `discriminator` separates findings of one rule at one place. `severity` overrides the manifest's default.
    """

    rule: str
    location: Mapping[str, Any]
    evidence: Mapping[str, Any]
    location_key: str
    discriminator: str = ""
    severity: Severity | None = None


@dataclass(frozen=True)
class NotTested:
    """A rule that a step did not test: at one place, or anywhere."""

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
    attempt: int = 0  # of its run, that wrote it last

    @property
    def ended(self) -> bool:
        return self.state not in (StepState.PENDING, StepState.RUNNING)


@dataclass(frozen=True)
class Run:
    """Some steps of a scan that one worker carries out, one after another. They share the evidence they collect."""

    id: str
    organisation_id: str
    scan_id: str
    number: int  # among the runs of its scan
    function: str  # that carries it out
    plugins: tuple[str, ...]
    state: RunState = RunState.QUEUED
    reason: Message | None = None  # why it failed
    version: int = 1
    attempts: int = 0
    checks: int = 0
    lease_until: datetime | None = None
    next_check_at: datetime | None = None  # None once it has ended

    def given_up(self, reason: Message) -> "Run":
        """The run, whose attempts have failed."""
        return replace(self, state=RunState.FAILED, reason=reason)


@dataclass(frozen=True)
class Scan:
    """One run of chosen plugins over one target.

    Its steps are stored beside it; `steps` is empty unless they were read with it.
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
    finalizing: bool = False  # some of its findings may be published: it can only end by itself
    version: int = 1
    attempts: int = 0  # to finalize it
    checks: int = 0
    lease_until: datetime | None = None  # until then one worker finalizes it
    next_check_at: datetime | None = None  # None while its runs last, and once it has ended

    @property
    def progress(self) -> int:
        """0–100: what its steps have done together; a scan that has ended is at 100."""
        if self.state in FINAL_STATES:
            return 100
        return int(100 * sum(step.progress for step in self.steps) / max(len(self.steps), 1))

    def with_steps(self, steps: Iterable[Step]) -> "Scan":
        """The scan with its steps. Once it has ended, what had not finished never will."""
        over = self.state in FINAL_STATES
        return replace(
            self,
            steps=tuple(replace(one, state=StepState.CANCELLED) if over and not one.ended else one for one in steps),
        )

    def joined(self, run: int, *, check_at: datetime) -> "Scan":
        """The scan once a run has ended; after the last one, it waits to be finalized."""
        open_runs = tuple(number for number in self.open_runs if number != run)
        return replace(self, open_runs=open_runs, next_check_at=None if open_runs else check_at)

    def cancelled(self, *, at: datetime) -> "Scan":
        """The scan, stopped by someone."""
        return replace(self, state=ScanState.CANCELLED, finished_at=at)

    def given_up(self, reason: Message, *, at: datetime) -> "Scan | None":
        """The scan that could not be finalized; None for one that has begun to publish its findings, which goes on."""
        if self.finalizing:
            return None
        return replace(self, state=ScanState.FAILED, finished_at=at, reason=reason)


FINAL_STATES = frozenset({ScanState.SUCCEEDED, ScanState.FAILED, ScanState.CANCELLED})


@dataclass(frozen=True)
class TrackedFinding:
    """A finding with its life: who found it, when it was first and last seen, and what the latest scan says of it."""

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
    scan_id: str  # the latest scan that said something about it
    tested_at: datetime  # when the step began that tested it last
    first_seen_at: datetime
    last_seen_at: datetime
    fixed_at: datetime | None = None
    open: bool = True  # not_tested says nothing about open or fixed; this does
    order: int = 0  # where the plugin put it among the findings of its step
    seen_with: Mapping[str, Any] = field(default_factory=dict)  # options that decide how much the plugin finds


def fingerprint(*, organisation_id: str, target: Target, plugin: str, finding: Finding) -> str:
    """Version 1: what stays the same when wording, severity, evidence or a plugin's version change.

    Each part is length-prefixed, so that no two lists of parts share an encoding.
    """
    parts = (organisation_id, target.identity, f"{plugin}.{finding.rule}", finding.location_key, finding.discriminator)
    digest = hashlib.sha256()
    for part in parts:
        encoded = part.encode()
        digest.update(b"%d:" % len(encoded) + encoded)
    return f"v1:{digest.hexdigest()}"


def seen(finding: TrackedFinding, before: TrackedFinding | None) -> TrackedFinding:
    """The finding that a step has detected, given what is known of it.

    A step that began later may have tested it meanwhile. What that one calls fixed does not regress by an older
    observation.
    """
    if before is None:
        return finding
    if before.scan_id == finding.scan_id:
        return before
    known = replace(
        finding,
        first_seen_at=before.first_seen_at,
        last_seen_at=max(before.last_seen_at, finding.last_seen_at),
    )
    if before.tested_at < finding.tested_at:
        return replace(known, status=Status.UNCHANGED if before.open else Status.REGRESSED)
    return replace(known, status=Status.UNCHANGED) if before.open and finding.status is Status.NEW else known


def unseen(
    before: TrackedFinding, step: Step | None, *, tested: bool, scan: Scan, at: datetime
) -> TrackedFinding | None:
    """The finding after a scan of its target that did not detect it; None when the scan says nothing about it.

    `step` is that of its plugin, if the scan has one. `tested`: it tested the finding's rule to the end at its place,
    with options that would have found it. Steps say something about a finding in the order in which they began.
    """
    if before.scan_id == scan.id:
        return before
    began_at = step.started_at if step and tested else scan.started_at
    if not before.open or began_at is None or before.tested_at >= began_at:
        return None
    if not tested:
        return replace(before, scan_id=scan.id, status=Status.NOT_TESTED)
    return replace(before, scan_id=scan.id, tested_at=began_at, status=Status.FIXED, open=False, fixed_at=at)


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
