"""The part of scanning in the tests over all routes."""

from typing import Any


def _scan_in(things: Any) -> dict[str, Any]:
    return {"target": {"kind": "image", "id": things["image_id"]}, "plugins": [{"id": "thermal_hotspots"}]}


def _scan(things: Any) -> str:
    scan = things.owner.post("/scans", _scan_in(things)).get_json()
    things.workers.work()
    return str(scan["id"])


MAKERS = {"scan_id": _scan, "plugin_id": lambda _: "thermal_hotspots"}
BODIES = {"scanning.request_scan": _scan_in}
SHARED = ("plugin_id",)
CONFLICTS = ("scanning.cancel_scan",)
