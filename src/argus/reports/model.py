"""A report: a document made from a scan, kept in S3."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


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
    reason: str = ""
    size_bytes: int = 0
    finished_at: datetime | None = None
    version: int = 1

    def key(self, extension: str) -> str:
        """Where the document is; the same for every attempt to build it."""
        return f"{self.organisation_id}/reports/{self.id}/report.{extension}"
