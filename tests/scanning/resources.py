"""The part of scanning in the tests that call every route."""

from typing import Any


def _scan_in(resources: Any) -> dict[str, Any]:
    return {"target": {"kind": "image", "id": resources["image_id"]}, "plugins": [{"id": "thermal_hotspots"}]}


def _scan(resources: Any) -> str:
    scan = resources.owner.post("/scans", _scan_in(resources)).get_json()
    resources.workers.work()
    return str(scan["id"])


CREATORS = {"scan_id": _scan, "plugin_id": lambda _: "thermal_hotspots"}
BODIES = {"scans.request_scan": _scan_in}
SHARED = ("plugin_id",)
CONFLICTS = ("scans.cancel_scan",)
