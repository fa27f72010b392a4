"""A report: a document about a scan, stored in S3. Its section about the target comes from the kind of target."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from argus.core.languages import Message

if TYPE_CHECKING:
    from argus.core.pdf import Colour, Item, Typesetter
    from argus.scanning.model import Severity


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


# ---------------------------------------------------------------- what a kind of target adds to a report


@dataclass(frozen=True)
class Column:
    """A column of findings: a value of their evidence, or one that `locate` reads from their location.

    CSV reports have every column of the kind of target. The table in PDF reports has those with a heading and a value.
    """

    name: str  # in CSV; also the name of the evidence
    heading: str = ""  # in PDF; may have several lines
    decimals: int | None = None  # in PDF; None: the value is text
    width_millimetres: float = 15  # in PDF
    locate: Callable[[Mapping[str, Any]], Any] | None = None

    def value(self, evidence: Mapping[str, Any], location: Mapping[str, Any]) -> Any:
        """The value of a finding; None if it has none."""
        return self.locate(location) if self.locate else evidence.get(self.name)


@dataclass(frozen=True)
class Mark:
    """A present finding, for the blocks of a section: its number in the report, and the colours of its severity."""

    number: int
    title: str
    rule: str
    severity: "Severity"
    location: Mapping[str, Any]
    evidence: Mapping[str, Any]
    fill: "Colour"
    ink: "Colour"  # of text on `fill`


Fact = str | float | date | Sequence[str | float | date] | None  # date includes datetime, and float includes bool
Blocks = Callable[["Typesetter", Sequence[Mark]], Iterable["Item"]]


@dataclass(frozen=True)
class PdfSection:
    """What only PDF reports show of a target."""

    title: str = "Inspection report"  # of the document
    facts: Mapping[str, Fact] = field(default_factory=dict)  # by label, before the facts of all formats
    blocks: Blocks | None = None  # after the summary; marks are most severe first


@dataclass(frozen=True)
class TargetSection:
    """The section of a report about its target."""

    name: str  # for users
    facts: Mapping[str, Fact] = field(default_factory=dict)  # by label, in JSON and PDF
    details: Mapping[str, Any] = field(default_factory=dict)  # in JSON, as the member with the name of the kind
    columns: Mapping[str, Any] = field(default_factory=dict)  # in each row of CSV and each feature of GeoJSON
    pdf: PdfSection = PdfSection()
