"""Example requests and responses of scanning, for the OpenAPI document."""

from typing import Any

from argus.identity.examples import USER_ID
from argus.imagery.examples import IMAGE_ID

PLUGIN_ID = "thermal_hotspots"
SCAN_ID = "scan_01k0n2y6d3f7h1k5n9q2s4v8x0"

SCAN_IN = {
    "target": {"kind": "image", "id": IMAGE_ID},
    "plugins": [{"id": PLUGIN_ID, "options": {"delta_celsius": 10}}],
}

_TARGET = {"kind": "image", "value": IMAGE_ID, "link": f"/api/v1/images/{IMAGE_ID}"}
_STEP: dict[str, Any] = {
    "plugin": PLUGIN_ID,
    "version": "1.0.0",
    "options": {
        "delta_celsius": 10,
        "absolute_celsius": None,
        "background_pixels": None,
        "min_area_pixels": 12,
        "max_findings": 200,
    },
    "state": "pending",
    "progress": 0,
    "findings": 0,
    "not_tested": [],
    "reason": "",
    "started_at": None,
    "finished_at": None,
}

QUEUED_SCAN: dict[str, Any] = {
    "id": SCAN_ID,
    "target": _TARGET,
    "state": "queued",
    "progress": 0,
    "reason": "",
    "steps": [_STEP],
    "counts": {},
    "delta": {},
    "requested_by": USER_ID,
    "created_at": "2026-05-14T06:32:00.000Z",
    "started_at": None,
    "finished_at": None,
    "version": 1,
}

SCAN = {
    **QUEUED_SCAN,
    "state": "succeeded",
    "progress": 100,
    "steps": [
        {
            **_STEP,
            "state": "succeeded",
            "progress": 100,
            "findings": 1,
            "not_tested": [{"rule": "over_limit", "location_key": None}],
            "started_at": "2026-05-14T06:32:01.100Z",
            "finished_at": "2026-05-14T06:32:01.350Z",
        }
    ],
    "counts": {"info": 0, "low": 0, "medium": 0, "high": 0, "critical": 1},
    "delta": {"new": 1, "unchanged": 0, "regressed": 0, "fixed": 0, "not_tested": 0},
    "started_at": "2026-05-14T06:32:01.000Z",
    "finished_at": "2026-05-14T06:32:01.400Z",
    "version": 5,
}

CANCELLED_SCAN = {
    **QUEUED_SCAN,
    "state": "cancelled",
    "progress": 100,
    "steps": [{**_STEP, "state": "cancelled"}],
    "finished_at": "2026-05-14T06:32:00.500Z",
    "version": 2,
}

SCAN_PAGE = {"items": [SCAN], "next_cursor": None}

FINDING_PAGE = {
    "items": [
        {
            "fingerprint": "v1:b1f95a0624e6726793efefd0ea041bf85f0ca606976908beba6f8a206df0ed67",
            "target": _TARGET,
            "plugin": PLUGIN_ID,
            "rule": "hotspot",
            "title": "Hot spot",
            "severity": "critical",
            "status": "new",
            "open": True,
            "location_key": "51.0,70.8",
            "location": {
                "centroid": [51.0, 70.8],
                "bounding_box": [47, 67, 55, 74],
                "hottest_pixel": [51, 70],
                "polygon": [[50, 67], [54, 68], [55, 70], [53, 74], [49, 74], [47, 72], [48, 68], [50, 67]],
            },
            "evidence": {
                "delta_celsius": 63.11,
                "peak_celsius": 75.03,
                "mean_celsius": 53.09,
                "min_celsius": 22.16,
                "background_celsius": 11.92,
                "threshold_celsius": 10,
                "area_pixels": 40,
                "perimeter_pixels": 24.0,
            },
            "scan_id": SCAN_ID,
            "first_seen_at": "2026-05-14T06:32:01.200Z",
            "last_seen_at": "2026-05-14T06:32:01.200Z",
            "fixed_at": None,
        }
    ],
    "next_cursor": None,
}

_NO_FINDINGS = {"new": 0, "unchanged": 0, "regressed": 0, "fixed": 0, "not_tested": 0}
FINDING_COUNTS = {
    "total": 1,
    "by_severity": {"info": 0, "low": 0, "medium": 0, "high": 0, "critical": 1},
    "by_status": {**_NO_FINDINGS, "new": 1},
    "by_severity_and_status": {
        "info": _NO_FINDINGS,
        "low": _NO_FINDINGS,
        "medium": _NO_FINDINGS,
        "high": _NO_FINDINGS,
        "critical": {**_NO_FINDINGS, "new": 1},
    },
}

PLUGIN = {
    "id": PLUGIN_ID,
    "version": "1.0.0",
    "name": "Thermal hot spots",
    "summary": "Finds connected regions that are hotter than their surroundings, or than a limit.",
    "description": "Every pixel is compared with its local background.",
    "target_kinds": ["image"],
    "permissions": ["imagery"],
    "price": {"minor_units": 0, "currency": "EUR"},
    "options": {
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "delta_celsius": {
                "type": "number",
                "minimum": 1,
                "maximum": 500,
                "default": 10,
                "unit": "celsius",
                "description": "How much warmer than the local background a pixel must be to belong to a hot spot.",
            }
        },
    },
    "rules": {
        "hotspot": {
            "title": "Hot spot",
            "severity": "medium",
            "description": "A region is warmer than its surroundings by at least the chosen difference.",
            "remediation": "Inspect the location. Renew the insulation or seal the leak.",
            "references": ["ANSI/NETA MTS, table 100.18"],
            "cwe": None,
        }
    },
    "budget": {"seconds": 45, "requests": 0},
}

PLUGIN_LIST = {"items": [PLUGIN], "next_cursor": None}

TARGET_KIND_LIST = {
    "items": [
        {"kind": "image", "about": "A thermal image", "given_by": "id", "link": "/api/v1/images/{value}"},
    ],
    "next_cursor": None,
}
