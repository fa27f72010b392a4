"""A report as JSON: everything, for programs.

| member | what it is |
|---|---|
| `schema` | `argus.report/1`; members may be added under this name, none is removed or changes its meaning |
| `generated_at`, `generator` | when, and `{name, version}` of what wrote it |
| `organisation` | `{id, name}` |
| `scan` | the scan with its steps, `counts` of present findings by severity and `delta` by status |
| `target` | `name`, what people call the target, and `facts` by their labels |
| `image` | the scanned image's facts, its settings and statistics; null when the target is no image |
| `findings` | most severe first, numbered from 1 as in the other formats |
| `rules` | title, description and remediation of every rule that could have been broken |

Times are RFC 3339 UTC, temperatures degrees Celsius, image coordinates pixels from the upper left corner. A number
that is not finite is null. Keys stand in a fixed order, so equal documents are equal bytes.
"""

import json

from argus.reports import plain
from argus.reports.data import ReportData


def build(document: ReportData) -> bytes:
    report = {
        **plain.heading(document),
        "scan": plain.scan(document.scan),
        "target": plain.target(document),
        "image": plain.picture(document.picture) if document.picture else None,
        "findings": [plain.finding(known, number=number) for number, known in enumerate(document.findings, start=1)],
        "rules": plain.rules(document),
    }
    return json.dumps(report, ensure_ascii=False, indent=2, allow_nan=False).encode() + b"\n"
