"""The part of reports in the tests that call every route."""

from typing import Any


def _report_in(resources: Any) -> dict[str, Any]:
    return {"scan_id": resources["scan_id"], "format": "json"}


def _report(resources: Any) -> str:
    report = resources.owner.post("/reports", _report_in(resources)).get_json()
    resources.workers.work()
    return str(report["id"])


CREATORS = {"report_id": _report}
BODIES = {"reports.request_report": _report_in}
