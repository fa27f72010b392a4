"""Example requests and responses of reports, for the OpenAPI document."""

from typing import Any

from argus.identity.examples import ORGANISATION_ID, USER_ID
from argus.scanning.examples import SCAN_ID

REPORT_ID = "rpt_01k0n2ye5g9j3m7q1t5w9y3a6c"

REPORT_IN = {"scan_id": SCAN_ID, "format": "pdf"}

QUEUED_REPORT: dict[str, Any] = {
    "id": REPORT_ID,
    "scan_id": SCAN_ID,
    "format": "pdf",
    "state": "queued",
    "reason": "",
    "size_bytes": 0,
    "requested_by": USER_ID,
    "created_at": "2026-05-14T06:33:00.000Z",
    "finished_at": None,
    "link": None,
    "version": 1,
}

REPORT = {
    **QUEUED_REPORT,
    "state": "ready",
    "size_bytes": 58_781,
    "finished_at": "2026-05-14T06:33:00.400Z",
    "link": {
        "url": f"https://argus-production-media-123456789012.s3.eu-west-1.amazonaws.com/{ORGANISATION_ID}/reports/"
        f"{REPORT_ID}/report.pdf?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Expires=3600&X-Amz-Signature=ecdaa39ff5fc91f1",
        "expires_at": "2026-05-14T07:33:00.000Z",
    },
    "version": 2,
}

REPORT_PAGE = {"items": [REPORT], "next_cursor": None}
