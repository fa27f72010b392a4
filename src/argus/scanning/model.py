"""Target, scan, step, finding, and the rules of a finding's life. Pure: nothing of ours is imported."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any


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


class StepState(StrEnum):
    """Where one plugin's part of a scan stands."""

    PENDING = "pending"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Status(StrEnum):
    """What the latest look says about a finding, compared with the look before."""

    NEW = "new"
    UNCHANGED = "unchanged"
    REGRESSED = "regressed"  # was fixed, is back
    FIXED = "fixed"
    NOT_TESTED = "not_tested"  # its plugin did not run, or did not finish, this time


PRESENT = frozenset({Status.NEW, Status.UNCHANGED, Status.REGRESSED})


@dataclass(frozen=True)
class Target:
    """Something to look at: `image` by its id, `host` by its name, …"""

    kind: str
    value: str

    @property
    def identity(self) -> str:
        """What makes two scans look at the same thing."""
        return f"{self.kind}:{self.value}"


@dataclass(frozen=True)
class Finding:
    """What a plugin yields: one rule broken at one place.

    `place` is the normalised location and goes into the fingerprint; `location` is the full one, for people.
    `discriminator` separates findings of one rule at one place. `severity` overrides the manifest's default.
    """

    rule: str
    location: Mapping[str, Any]
    evidence: Mapping[str, Any]
    place: str
    discriminator: str = ""
    severity: Severity | None = None


@dataclass(frozen=True)
class Step:
    """One plugin's part of a scan."""

    plugin: str
    version: str
    options: Mapping[str, Any]
    state: StepState = StepState.PENDING
    progress: float = 0.0  # 0..1
    findings: int = 0
    not_tested: tuple[str, ...] = ()  # rules of which findings may be missing
    reason: str = ""
    started_at: datetime | None = None
    finished_at: datetime | None = None


@dataclass(frozen=True)
class Scan:
    """One run of chosen plugins over one target."""

    id: str
    organisation_id: str
    target: Target
    steps: tuple[Step, ...]
    requested_by: str
    created_at: datetime
    state: ScanState = ScanState.QUEUED
    reason: str = ""
    started_at: datetime | None = None
    finished_at: datetime | None = None
    counts: Mapping[str, int] = field(default_factory=dict)  # present findings by severity
    delta: Mapping[str, int] = field(default_factory=dict)  # findings by status
    telling: bool = False  # its findings are settled, and some may be told: it can only end by itself
    version: int = 1
    attempts: int = 0
    checks: int = 0
    lease_until: datetime | None = None  # until then one worker has the scan
    next_check_at: datetime | None = None  # None once it has ended

    @property
    def progress(self) -> int:
        """0–100; a scan that has ended is at 100."""
        if self.state in FINAL_STATES:
            return 100
        return int(100 * sum(step.progress for step in self.steps) / len(self.steps))

    def cancelled(self, *, at: datetime) -> "Scan":
        """The scan, stopped by someone."""
        return self._stopped(ScanState.CANCELLED, at=at)

    def given_up(self, reason: str, *, at: datetime) -> "Scan | None":
        """The scan, whose workers failed; None for one that has begun to publish its findings, which goes on."""
        return None if self.telling else self._stopped(ScanState.FAILED, at=at, reason=reason)

    def _stopped(self, state: ScanState, *, at: datetime, reason: str = "") -> "Scan":
        """What was not finished never will be."""
        steps = tuple(
            replace(step, state=StepState.CANCELLED) if step.state in (StepState.PENDING, StepState.RUNNING) else step
            for step in self.steps
        )
        return replace(self, state=state, steps=steps, finished_at=at, reason=reason)

    def with_step(self, step: Step) -> "Scan":
        return replace(self, steps=tuple(step if mine.plugin == step.plugin else mine for mine in self.steps))


FINAL_STATES = frozenset({ScanState.SUCCEEDED, ScanState.FAILED, ScanState.CANCELLED})


@dataclass(frozen=True)
class TrackedFinding:
    """A finding with its life: who found it, when it was first and last seen, and what the last look said."""

    fingerprint: str
    organisation_id: str
    target: Target
    plugin: str
    rule: str
    title: str
    severity: Severity
    place: str
    location: Mapping[str, Any]
    evidence: Mapping[str, Any]
    status: Status
    scan_id: str  # the last scan that had a say
    first_seen_at: datetime
    last_seen_at: datetime
    fixed_at: datetime | None = None
    open: bool = True  # not_tested says nothing about open or fixed; this does
    order: int = 0  # where the plugin put it among the findings of its run


def fingerprint(*, organisation_id: str, target: Target, plugin: str, finding: Finding) -> str:
    """Version 1: what stays the same when wording, severity, evidence or a plugin's version change.

    Each part is length-prefixed, so that no two lists of parts share an encoding.
    """
    parts = (organisation_id, target.identity, f"{plugin}.{finding.rule}", finding.place, finding.discriminator)
    digest = hashlib.sha256()
    for part in parts:
        encoded = part.encode()
        digest.update(b"%d:" % len(encoded) + encoded)
    return f"v1:{digest.hexdigest()}"


def seen(finding: TrackedFinding, before: TrackedFinding | None, *, scan_id: str, at: datetime) -> TrackedFinding:
    """The finding after a scan saw it. `before` is what was known of it, if anything."""
    if before is None:
        return replace(finding, status=Status.NEW, scan_id=scan_id, first_seen_at=at, last_seen_at=at)
    if before.scan_id == scan_id:
        return before
    status = Status.UNCHANGED if before.open else Status.REGRESSED
    return replace(finding, status=status, scan_id=scan_id, first_seen_at=before.first_seen_at, last_seen_at=at)


def unseen(before: TrackedFinding, *, tested: bool, scan_id: str, at: datetime) -> TrackedFinding:
    """The finding after a scan of its target that did not see it. `tested`: its plugin ran to the end."""
    if before.scan_id == scan_id:
        return before
    if not tested:
        return replace(before, status=Status.NOT_TESTED, scan_id=scan_id)
    return replace(before, status=Status.FIXED, scan_id=scan_id, open=False, fixed_at=before.fixed_at or at)


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
