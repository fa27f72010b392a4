"""A report as JSON: all data, for programs.

| member | content |
|---|---|
| `schema` | `argus.report/1`; members may be added to this version, but none is removed or changed |
| `generated_at`, `generator` | when, and `{name, version}` of the software |
| `organisation` | `{id, name}` |
| `scan` | the scan with its steps, `counts` of present findings by severity and `delta` by status |
| `target` | `name` of the target for users, and `facts` by label |
| `image` | details of the scanned image; null if the target is not an image |
| `<kind>` | details of a target of another kind, if it has any |
| `findings` | most severe first, numbered from 1 as in the other formats |
| `rules` | title, description and remediation of every rule of the scan's plugins |

Times are RFC 3339 UTC. Numbers that are not finite are null. The order of keys is fixed, so that equal data makes equal
bytes.
"""

import json

from argus.core.text import well_formed
from argus.reports import plain
from argus.reports.data import ReportData


def build(data: ReportData) -> bytes:
    report = {
        **plain.heading(data),
        "scan": plain.scan(data.scan),
        "target": plain.target(data),
        **plain.details(data),
        "findings": [plain.finding(finding, number=number) for number, finding in enumerate(data.findings, start=1)],
        "rules": plain.rules(data),
    }
    text = json.dumps(report, ensure_ascii=False, indent=2, allow_nan=False)
    return well_formed(text).encode() + b"\n"
