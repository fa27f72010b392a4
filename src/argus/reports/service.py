"""Reports: asked for, built, fetched."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from argus.core.clock import Clock
from argus.core.dynamo import Item
from argus.core.errors import NotFound
from argus.core.ids import Ids, is_id
from argus.core.objects import NewObject, Objects
from argus.core.paging import Listing
from argus.core.presign import Link, Presigner
from argus.core.queue import Jobs
from argus.core.sweep import deal_with_each
from argus.identity.model import Caller
from argus.notify.model import Announce, Change
from argus.reports.document import Document
from argus.reports.formats import FORMATS
from argus.reports.model import Report, ReportState
from argus.reports.store import ReportsStore
from argus.scanning.service import Scanning

RESEND_AFTER = timedelta(minutes=2)
LOST_AFTER = timedelta(minutes=30)


class NoSuchReport(NotFound):
    """There is no such report."""


@dataclass(frozen=True)
class Reports:
    """Documents of all organisations; every verb for a caller stays within the caller's own."""

    store: ReportsStore
    objects: Objects
    links: Presigner
    scanning: Scanning
    gather: Callable[[Report], Document]
    jobs: Jobs
    announce: Announce
    clock: Clock
    ids: Ids

    # ------------------------------------------------------------ for callers

    def request(self, caller: Caller, scan_id: str, format_name: str) -> Report:
        """Queue a report of a scan that has ended."""
        self.scanning.ended(caller, scan_id)
        now = self.clock()
        report = Report(
            id=self.ids.new("rpt"),
            organisation_id=caller.organisation_id,
            scan_id=scan_id,
            format=format_name,
            requested_by=caller.user_id,
            created_at=now,
        )
        self.store.add(report, look_again_at=now + RESEND_AFTER)
        self._send(report)
        return report

    def get(self, caller: Caller, report_id: str) -> Report:
        report = self.store.get(caller.organisation_id, report_id) if is_id(report_id, "rpt") else None
        if report is None:
            raise NoSuchReport(report_id)
        return report

    def list(self, caller: Caller, *, limit: int, after: Item | None) -> Listing[Report]:
        return self.store.list(caller.organisation_id, limit=limit, after=after)

    def link(self, report: Report) -> Link | None:
        """Where the document is, once it is ready."""
        if report.state is not ReportState.READY:
            return None
        extension = FORMATS[report.format].extension
        return self.links.get(report.key(extension), filename=f"{report.scan_id}.{extension}")

    # ------------------------------------------------------------ for workers

    def build(self, organisation_id: str, report_id: str) -> None:
        """Build and store the document. Twice makes the same object twice, so no claim is needed."""
        report = self.store.get(organisation_id, report_id)
        if report is None or report.state is not ReportState.QUEUED:
            return
        chosen = FORMATS[report.format]
        body = chosen.build(self.gather(report))
        self.objects.put(NewObject(report.key(chosen.extension), body, chosen.content_type))
        self._end(replace(report, state=ReportState.READY, size_bytes=len(body), finished_at=self.clock()))

    def give_up(self, organisation_id: str, report_id: str) -> None:
        """The last attempt crashed: say so."""
        report = self.store.get(organisation_id, report_id)
        if report is not None and report.state is ReportState.QUEUED:
            reason = "the report could not be built; we have been told"
            self._end(replace(report, state=ReportState.FAILED, reason=reason, finished_at=self.clock()))

    def sweep(self) -> None:
        """Send again what stayed queued too long, and give up on what never comes."""
        now = self.clock()
        deal_with_each(self.store.due(now), lambda report: self._look_at(report, now))

    def _look_at(self, report: Report, now: datetime) -> None:
        if not self.store.save(report, look_again_at=now + RESEND_AFTER):
            return  # it has changed, or another sweep has it
        if now - report.created_at > LOST_AFTER:
            self.give_up(report.organisation_id, report.id)
        else:
            self._send(report)

    def _end(self, report: Report) -> None:
        if self.store.save(report):
            self.announce(report.organisation_id, Change("report", report.id, report.state))

    def _send(self, report: Report) -> None:
        self.jobs.send("report.build", {"organisation_id": report.organisation_id, "report_id": report.id})
