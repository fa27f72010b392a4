"""Report data as JSON values, shared by the text formats."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from argus.capabilities import named_target
from argus.core.clock import rfc3339
from argus.core.languages import Message
from argus.reports.data import ReportData
from argus.scanning.model import Scan, Step, TrackedFinding

SCHEMA = "argus.report/1"

_INTERNAL = (
    "organisation_id",
    "open_runs",
    "finalizing",
    "version",
    "attempts",
    "checks",
    "lease_until",
    "next_check_at",
)


def heading(data: ReportData) -> dict[str, Any]:
    """The metadata of a report, for every format."""
    return {
        "schema": SCHEMA,
        "generated_at": plain(data.generated_at),
        "generator": {"name": "argus", "version": data.argus_version},
        "organisation": {"id": data.scan.organisation_id, "name": data.organisation_name},
    }


def scan(value: Scan) -> dict[str, Any]:
    """A scan without the attributes that only workers use."""
    fields = _fields(value, leave_out=_INTERNAL)
    return {
        **fields,
        "target": named_target(value.target.kind, value.target.value),
        "reason": _sentence(value.reason),
        "steps": list(map(_step, value.steps)),
        "progress": value.progress,
    }


def _step(value: Step) -> dict[str, Any]:
    fields = _fields(value, leave_out=("order", "attempt"))
    return {**fields, "reason": _sentence(value.reason), "progress": int(100 * value.progress)}


def _sentence(reason: Message | None) -> str:
    return reason.sentence() if reason else ""


def finding(value: TrackedFinding, *, number: int) -> dict[str, Any]:
    """A finding; `number` is its number in the report, the same in every format."""
    leave_out = ("organisation_id", "order", "tested_at", "seen_with")
    named = {"target": named_target(value.target.kind, value.target.value)}
    return {"number": number, **_fields(value, leave_out=leave_out), **named}


def target(data: ReportData) -> dict[str, Any]:
    """Name and facts of the target. The scan has its kind and id or value."""
    return {"name": data.target.name, "facts": plain(data.target.facts)}


def details(data: ReportData) -> dict[str, Any]:
    """The details of the target in the member of its kind. `image` is in every report of this schema."""
    kind = {data.scan.target.kind: plain(data.target.details)} if data.target.details else {}
    return {"image": None, **kind}


def rules(data: ReportData) -> list[dict[str, Any]]:
    """The texts of each rule, ordered by plugin and name."""
    return [{"plugin": plugin, "rule": name, **_fields(text)} for (plugin, name), text in sorted(data.rules.items())]


def plain(value: Any) -> Any:
    """Convert a value to JSON types: times become RFC 3339 UTC, NaN and ∞ become null."""
    match value:
        case None | bool() | int() | str():
            return value
        case float():
            return value if math.isfinite(value) else None
        case datetime():
            return rfc3339(value)
        case Mapping():
            return {str(key): plain(item) for key, item in value.items()}
        case Sequence() | set() | frozenset():
            return [plain(item) for item in value]
        case _:
            return str(value)


def _fields(item: Any, *, leave_out: Sequence[str] = ()) -> dict[str, Any]:
    return {name: plain(value) for name, value in asdict(item).items() if name not in leave_out}
