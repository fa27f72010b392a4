"""Reports: request, build, read."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from argus.core.background import Background
from argus.core.caller import Caller
from argus.core.clock import Clock
from argus.core.dynamo import Item
from argus.core.errors import NotFound, located
from argus.core.ids import Ids, is_id
from argus.core.objects import NewObject, Objects
from argus.core.paging import Listing
from argus.core.presign import Link, Presigner
from argus.reports.data import ReportData
from argus.reports.formats import FORMATS
from argus.reports.model import Report, ReportState
from argus.reports.store import ReportsStore

if TYPE_CHECKING:
    from argus.scanning.service import Scanning


class NoSuchReport(NotFound):
    """The report does not exist."""


@dataclass(frozen=True)
class Reports:
    """Reports of all organisations. Methods with a caller are limited to the caller's organisation."""

    store: ReportsStore
    objects: Objects
    links: Presigner
    scanning: "Scanning"
    gather: Callable[[Report], ReportData]
    background: Background[Report]
    clock: Clock
    ids: Ids

    # ------------------------------------------------------------ for callers

    def request(self, caller: Caller, scan_id: str, format_name: str) -> Report:
        """Queue a report. Raises NoSuchScan, ScanNotEnded."""
        with located("scan_id"):
            self.scanning.ended(caller, scan_id)
        report = Report(
            id=self.ids.new("rpt"),
            organisation_id=caller.organisation_id,
            scan_id=scan_id,
            format=format_name,
            requested_by=caller.user_id,
            created_at=self.clock(),
        )
        return self.background.start(report)

    def get(self, caller: Caller, report_id: str) -> Report:
        report = self.store.get(caller.organisation_id, report_id) if is_id(report_id, "rpt") else None
        if report is None:
            raise NoSuchReport(report_id=report_id)
        return report

    def list(self, caller: Caller, *, limit: int, after: Item | None) -> Listing[Report]:
        return self.store.list(caller.organisation_id, limit=limit, after=after)

    def link(self, report: Report) -> Link | None:
        """A download link to the document; None until it is ready."""
        if report.state is not ReportState.READY:
            return None
        extension = FORMATS[report.format].extension
        return self.links.get(report.key(extension), filename=f"{report.scan_id}.{extension}")

    # ------------------------------------------------------------ for workers

    def build(self, organisation_id: str, report_id: str) -> None:
        """Build and store the document."""
        report = self.store.get(organisation_id, report_id)
        if report is None or report.state is not ReportState.QUEUED:
            return
        claim = self.background.claim(report)
        if claim is None:
            return  # another worker has claimed it; if that worker dies, the sweep retries
        with claim:
            file_format = FORMATS[report.format]
            body = file_format.build(self.gather(report))
            self.objects.put(NewObject(report.key(file_format.extension), body, file_format.content_type))
            ready = replace(claim.item, state=ReportState.READY, size_bytes=len(body), finished_at=self.clock())
            claim.finish(ready)

    def give_up(self, organisation_id: str, report_id: str) -> None:
        """The last attempt failed."""
        report = self.store.get(organisation_id, report_id)
        if report is not None:
            self.background.give_up(report)

    def sweep(self) -> None:
        """Retry reports that are still queued or whose worker died."""
        self.background.sweep()
