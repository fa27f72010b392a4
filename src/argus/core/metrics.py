"""Metrics for CloudWatch: one line on standard output per event, in its embedded metric format.

Lambda writes the lines to its log, and CloudWatch extracts the metrics, so Argus makes no API call. Format:
"Specification: Embedded metric format", Amazon CloudWatch User Guide.
"""

import json
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass

from argus.core.observability import current_request_id

NAMESPACE = "Argus"


@dataclass
class _Target:
    """Whether metrics are written, and for which stage. One per process, like the root logger."""

    stage: str = ""
    on: bool = False


_target = _Target()


def configure(*, stage: str, on: bool) -> None:
    _target.stage, _target.on = stage, on


def record(values: Mapping[str, float], by: Mapping[str, str] | None = None) -> None:
    """Record the metrics of one event. Names that end in `_ms` are milliseconds, all others are counts.

    `by` contains the dimensions beside the stage. CloudWatch charges for every distinct value as a metric of its own:
    use routes or jobs, but not ids.
    """
    if not _target.on:
        return
    by = by or {}
    definitions = [
        {"Name": name, "Unit": "Milliseconds" if name.endswith("_ms") else "Count", "StorageResolution": 60}
        for name in values
    ]
    metadata = {
        "Timestamp": int(time.time() * 1000),
        "CloudWatchMetrics": [
            {
                "Namespace": NAMESPACE,
                "Dimensions": [["stage", *by]],
                "Metrics": definitions,
            }
        ],
    }
    line = {"_aws": metadata, "stage": _target.stage, **by, **values, "request_id": current_request_id()}
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()
