"""The part of reports in the tests over all routes."""

from typing import Any


def _report_in(things: Any) -> dict[str, Any]:
    return {"scan_id": things["scan_id"], "format": "json"}


def _report(things: Any) -> str:
    report = things.owner.post("/reports", _report_in(things)).get_json()
    things.workers.work()
    return str(report["id"])


MAKERS = {"report_id": _report}
BODIES = {"reports.request_report": _report_in}
