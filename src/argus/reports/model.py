"""A report: a document made from a scan, kept in S3. What it shows of the target, as the target's kind says it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from argus.core.languages import Message


class ReportState(StrEnum):
    """Where a report stands. The last two are final."""

    QUEUED = "queued"
    READY = "ready"
    FAILED = "failed"


@dataclass(frozen=True)
class Report:
    """One document."""

    id: str
    organisation_id: str
    scan_id: str
    format: str
    requested_by: str
    created_at: datetime
    state: ReportState = ReportState.QUEUED
    reason: Message | None = None  # why it failed
    size_bytes: int = 0
    finished_at: datetime | None = None
    version: int = 1
    attempts: int = 0
    checks: int = 0
    lease_until: datetime | None = None  # until then one worker builds the document
    next_check_at: datetime | None = None  # None once it is ready or has failed

    def given_up(self, reason: Message, *, at: datetime) -> "Report":
        """The report, whose workers failed."""
        return replace(self, state=ReportState.FAILED, reason=reason, finished_at=at)

    def key(self, extension: str) -> str:
        """Where the document is; the same for every attempt to build it."""
        return f"{self.organisation_id}/reports/{self.id}/report.{extension}"


@dataclass(frozen=True)
class Picture:
    """A preview of the scanned image, empty where the format shows none, and what is known of it."""

    preview_png: bytes
    colour_bar_png: bytes
    width: int
    height: int
    name: str
    low_celsius: float
    high_celsius: float
    accuracy: str
    camera: str
    taken_at: datetime | None
    statistics: Mapping[str, float]
    parameters: Mapping[str, float]


@dataclass(frozen=True)
class TargetSection:
    """What a report shows of the scanned target: what people call it, facts by their label, and a picture of it."""

    name: str
    facts: Mapping[str, str | float | datetime | None] = field(default_factory=dict)
    picture: Picture | None = None
