"""Metrics for CloudWatch: one line on standard output per event, in its embedded metric format.

Lambda's log carries the lines, and CloudWatch makes metrics of them without a call of ours. Format: "Specification:
Embedded metric format", Amazon CloudWatch User Guide.
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
    """Where metrics go, if anywhere. Like the root logger there is one a process."""

    stage: str = ""
    on: bool = False


_target = _Target()


def configure(*, stage: str, on: bool) -> None:
    _target.stage, _target.on = stage, on


def record(values: Mapping[str, float], by: Mapping[str, str] | None = None) -> None:
    """Tell of one event: its metrics, of which those named `…_ms` are milliseconds and the others counts.

    `by` names the dimensions beside the stage. Each new value of one makes a new metric, which is paid for: routes,
    jobs and severities are fit for it, ids are not.
    """
    if not _target.on:
        return
    by = by or {}
    definitions = [
        {"Name": name, "Unit": "Milliseconds" if name.endswith("_ms") else "Count", "StorageResolution": 60}
        for name in values
    ]
    about = {
        "Timestamp": int(time.time() * 1000),
        "CloudWatchMetrics": [
            {
                "Namespace": NAMESPACE,
                "Dimensions": [["stage", *by]],
                "Metrics": definitions,
            }
        ],
    }
    line = {"_aws": about, "stage": _target.stage, **by, **values, "request_id": current_request_id()}
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()
