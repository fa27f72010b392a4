"""Facts as JSON can hold them: what every text format of a report starts from."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from argus.core.clock import rfc3339
from argus.core.languages import Message
from argus.reports.data import ReportData
from argus.reports.model import Picture
from argus.scanning.model import Scan, Step, TrackedFinding

SCHEMA = "argus.report/1"

_OF_WORKERS = (
    "organisation_id",
    "open_runs",
    "finalizing",
    "version",
    "attempts",
    "checks",
    "lease_until",
    "next_check_at",
)
_PIXELS = ("preview_png", "colour_bar_png")


def heading(document: ReportData) -> dict[str, Any]:
    """What every report says of itself."""
    return {
        "schema": SCHEMA,
        "generated_at": plain(document.generated_at),
        "generator": {"name": "argus", "version": document.argus_version},
        "organisation": {"id": document.scan.organisation_id, "name": well_formed(document.organisation_name)},
    }


def scan(known: Scan) -> dict[str, Any]:
    """A scan without what only workers need."""
    fields = _fields(known, leave_out=_OF_WORKERS)
    return {
        **fields,
        "reason": _sentence(known.reason),
        "steps": list(map(_step, known.steps)),
        "progress": known.progress,
    }


def _step(known: Step) -> dict[str, Any]:
    fields = _fields(known, leave_out=("order", "attempt"))
    return {**fields, "reason": _sentence(known.reason), "progress": int(100 * known.progress)}


def _sentence(reason: Message | None) -> str:
    return reason.sentence() if reason else ""


def finding(known: TrackedFinding, *, number: int) -> dict[str, Any]:
    """A finding; `number` is its place in the report, the same in every format."""
    leave_out = ("organisation_id", "order", "tested_at", "seen_with")
    return {"number": number, **_fields(known, leave_out=leave_out)}


def picture(known: Picture) -> dict[str, Any]:
    """What is known of the scanned image, without its pixels."""
    return _fields(known, leave_out=_PIXELS)


def target(document: ReportData) -> dict[str, Any]:
    """What is known of the target, beside its kind and value in the scan."""
    return {"name": well_formed(document.target.name), "facts": plain(document.target.facts)}


def rules(document: ReportData) -> list[dict[str, Any]]:
    """What the manifests say of each rule, by plugin and name."""
    return [
        {"plugin": plugin, "rule": name, **_fields(text)} for (plugin, name), text in sorted(document.rules.items())
    ]


def plain(value: Any) -> Any:
    """The same value made of JSON's types: times are RFC 3339 UTC, and what is no number in JSON (NaN, ∞) is null."""
    match value:
        case None | bool() | int():
            return value
        case float():
            return value if math.isfinite(value) else None
        case str():
            return well_formed(value)
        case datetime():
            return rfc3339(value)
        case Mapping():
            return {well_formed(str(key)): plain(item) for key, item in value.items()}
        case Sequence() | set() | frozenset():
            return [plain(item) for item in value]
        case _:
            return well_formed(str(value))


def well_formed(text: str) -> str:
    """Text that UTF-8 can hold: half a surrogate pair becomes U+FFFD."""
    return str(text).encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _fields(known: Any, *, leave_out: Sequence[str] = ()) -> dict[str, Any]:
    return {name: plain(value) for name, value in asdict(known).items() if name not in leave_out}
