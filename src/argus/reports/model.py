"""A report: a document about a scan, stored in S3. The section about its target comes from the kind of target."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from argus.core.languages import Message


class ReportState(StrEnum):
    """The state of a report. The last two are final."""

    QUEUED = "queued"
    READY = "ready"
    FAILED = "failed"


@dataclass(frozen=True)
class Report:
    """One report."""

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
    lease_until: datetime | None = None  # until then a worker may build the document
    next_check_at: datetime | None = None  # None once it is ready or has failed

    def given_up(self, reason: Message, *, at: datetime) -> "Report":
        """The report after its last attempt failed."""
        return replace(self, state=ReportState.FAILED, reason=reason, finished_at=at)

    def key(self, extension: str) -> str:
        """The object key of the document, the same for every attempt to build it."""
        return f"{self.organisation_id}/reports/{self.id}/report.{extension}"


@dataclass(frozen=True)
class Picture:
    """The scanned image: metadata and a preview, which is empty if the format shows none."""

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
    """The section of a report about its target: name for users, facts by label, and a picture."""

    name: str
    facts: Mapping[str, str | float | datetime | None] = field(default_factory=dict)
    picture: Picture | None = None
