"""HTTP routes of reports."""

from dataclasses import asdict
from typing import Any

from argus.core.http import Blueprint, PageQuery, current_caller, etagged, idempotent, location, needs, paged
from argus.core.openapi import id_pattern, link, path_id
from argus.core.runtime import Runtime
from argus.reports.model import Report
from argus.reports.schemas import ReportIn, ReportOut, ReportPage
from argus.reports.service import Reports

_REPORTS = """\
Reports of scans as documents. `POST /api/v1/reports` creates one. Poll it until `state` is `ready` or `failed`."""
_REPORT_ID = [path_id("report_id", "The id of a report", pattern=id_pattern("rpt"))]


def blueprint(argus: Runtime) -> Blueprint:
    reports: Reports = argus.reports
    blp = Blueprint("reports", __name__, chapter=60, description=_REPORTS)

    def wire(report: Report) -> dict[str, Any]:
        return {**asdict(report), "reason": report.reason, "link": reports.link(report)}

    @blp.route("/reports", methods=["POST"])
    @needs("reports:write")
    @idempotent
    @blp.arguments(ReportIn)
    @blp.doc(
        responses={202: {"links": {"get_report": link("get_report", parameters={"report_id": "$response.body#/id"})}}}
    )
    @blp.response(202, ReportOut)
    @blp.alt_response(404, "NOT_FOUND")
    @blp.alt_response(409, "CONFLICT")
    def request_report(body: dict[str, str]) -> tuple[dict[str, Any], dict[str, str]]:
        """Create a report

        A worker writes it: poll `Location` until `state` is `ready`, with a link, or `failed`, with a reason. 409
        `scan_not_ended` until the scan has ended.
        """
        report = reports.request(current_caller(), body["scan_id"], body["format"])
        return wire(report), location("reports.get_report", report_id=report.id)

    @blp.route("/reports")
    @needs("reports:read")
    @blp.arguments(PageQuery, location="query")
    @blp.doc(
        responses={
            200: {"links": {"get_report": link("get_report", parameters={"report_id": "$response.body#/items/0/id"})}}
        }
    )
    @blp.response(200, ReportPage)
    def list_reports(query: dict[str, Any]) -> Any:
        """List reports

        Newest first, each with a new link if it is `ready`.
        """
        caller = current_caller()
        page, headers = paged(lambda limit, after: reports.list(caller, limit=limit, after=after), query)
        return {**page, "items": [wire(report) for report in page["items"]]}, headers

    @blp.route("/reports/<report_id>", parameters=_REPORT_ID)
    @needs("reports:read")
    @etagged
    @blp.response(200, ReportOut)
    def get_report(report_id: str) -> dict[str, Any]:
        """Get a report

        With a link to the document once `state` is `ready`. The link works without credentials until its `expires_at`:
        get the report again for a new one.
        """
        return wire(reports.get(current_caller(), report_id))

    return blp
