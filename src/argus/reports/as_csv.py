"""A report as CSV (RFC 4180): a row per finding, for spreadsheets.

The file is UTF-8 and starts with a byte order mark: without one Excel reads `°C` as `Â°C`. (Python reads it with
`utf-8-sig`; pandas and R remove the mark themselves.) Lines end with CR LF, and the first line has the column names.
The columns of the kind of target are between `FIRST` and `LAST`; those of the target itself, the same in each row, are
at the end. New columns are only added at the end.

Spreadsheets interpret a cell that starts with = + - @ as a formula, and formulas can run programs and send data. Text
that could be interpreted as a formula is prefixed with an apostrophe, as OWASP recommends ("CSV Injection"). Numbers
are written as numbers, including negative ones.
"""

import csv
import json
import math
import re
from collections.abc import Mapping, Sequence
from io import StringIO
from typing import Any

from argus.core.text import is_formula, well_formed
from argus.reports import plain, positions
from argus.reports.data import ReportData, RuleText
from argus.reports.model import Column
from argus.scanning.model import TrackedFinding

FIRST = (
    "number",
    "severity",
    "status",
    "open",
    "title",
    "plugin",
    "rule",
    "target_kind",
    "target",
    "location_key",
)
LAST = (
    "longitude",
    "latitude",
    "first_seen_at",
    "last_seen_at",
    "fixed_at",
    "scan_id",
    "fingerprint",
    "other_evidence",
    "remediation",
)

_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")


def build(data: ReportData) -> bytes:
    lines = StringIO(newline="")
    names = (*FIRST, *(column.name for column in data.columns), *LAST, *data.target.columns)
    writer = csv.DictWriter(lines, names, lineterminator="\r\n")
    writer.writeheader()
    for number, finding in enumerate(data.findings, start=1):
        rule = data.rules.get((finding.plugin, finding.rule))
        row = {**_row(finding, data.columns, rule), **data.target.columns}
        writer.writerow({"number": number, **{column: cell(value) for column, value in row.items()}})
    return lines.getvalue().encode("utf-8-sig")


def cell(value: Any) -> str | int | float:
    """The cell for a value: numbers as numbers, and text that no spreadsheet interprets as a formula."""
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case int():
            return value
        case float():
            return value if math.isfinite(value) else ""
        case str():
            return _text(value)
        case _:
            return _text(json.dumps(plain.plain(value), ensure_ascii=False, sort_keys=True))


def _text(text: str) -> str:
    legible = _CONTROLS.sub("\ufffd", well_formed(text))
    return f"'{legible}" if is_formula(text) or is_formula(legible) else legible


def _row(finding: TrackedFinding, columns: Sequence[Column], rule: RuleText | None) -> dict[str, Any]:
    longitude, latitude = positions.position(finding.location) or (None, None)
    return {
        "severity": finding.severity.value,
        "status": finding.status.value,
        "open": finding.open,
        "title": finding.title,
        "plugin": finding.plugin,
        "rule": finding.rule,
        "target_kind": finding.target.kind,
        "target": finding.target.value,
        "location_key": finding.location_key,
        **{column.name: column.value(finding.evidence, finding.location) for column in columns},
        "longitude": longitude,
        "latitude": latitude,
        "first_seen_at": plain.plain(finding.first_seen_at),
        "last_seen_at": plain.plain(finding.last_seen_at),
        "fixed_at": plain.plain(finding.fixed_at),
        "scan_id": finding.scan_id,
        "fingerprint": finding.fingerprint,
        "other_evidence": _other(finding.evidence, columns),
        "remediation": rule.remediation if rule else "",
    }


def _other(evidence: Mapping[str, Any], columns: Sequence[Column]) -> dict[str, Any] | None:
    shown = {column.name for column in columns if column.locate is None}
    return {name: value for name, value in evidence.items() if name not in shown} or None
