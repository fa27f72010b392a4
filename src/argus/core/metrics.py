"""Metrics for CloudWatch: one line on standard output per event, in its embedded metric format.

Lambda writes the lines to its log, and CloudWatch extracts the metrics, so Argus makes no API call. Format:
"Specification: Embedded metric format", Amazon CloudWatch User Guide.

CloudWatch charges for each combination of a name and values of dimensions. So the metrics are a closed set of few
combinations, and details such as route and job are in the log lines.
"""

import json
import logging
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import product

from argus.core.errors import ArgusError
from argus.core.functions import FUNCTIONS
from argus.core.observability import current_request_id

NAMESPACE = "Argus"

_log = logging.getLogger("argus.metrics")


class UndeclaredMetric(ArgusError):
    """The metric, or a value of its dimensions, is not in METRICS."""


@dataclass(frozen=True)
class Metric:
    """A metric with all values of its dimensions, without the stage, by which every metric is divided."""

    name: str
    dimensions: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def unit(self) -> str:
        return "Milliseconds" if self.name.endswith("_ms") else "Count"

    def combinations(self) -> Iterator[dict[str, str]]:
        for values in product(*self.dimensions.values()):
            yield dict(zip(self.dimensions, values, strict=True))


METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric("requests", {"status": ("2xx", "3xx", "4xx", "5xx")}),
        Metric("request_ms", {"function": ("api", "realtime")}),
        Metric("jobs", {"outcome": ("done", "failed", "out_of_time")}),
        Metric("job_ms", {"function": tuple(FUNCTIONS)}),
        Metric("decode_ms"),
        Metric("findings", {"severity": ("info", "low", "medium", "high", "critical")}),
        Metric("given_up"),
        Metric("rate_limit_unavailable"),
    )
}


def series() -> list[tuple[str, dict[str, str]]]:
    """Name and dimensions of every metric that a stage can have; CloudWatch charges for each that it has."""
    return [(metric.name, by) for metric in METRICS.values() for by in metric.combinations()]


@dataclass
class _Target:
    """Whether metrics are written, and for which stage. One per process, like the root logger."""

    stage: str = ""
    on: bool = False
    strict: bool = True


_target = _Target()


def configure(*, stage: str, on: bool, strict: bool) -> None:
    """`strict` raises UndeclaredMetric; otherwise it is logged, so that a metric does not fail a request."""
    _target.stage, _target.on, _target.strict = stage, on, strict


def record(values: Mapping[str, float], by: Mapping[str, str] | None = None) -> None:
    """Record the metrics of one event, all of them in METRICS. `by` contains the values of their dimensions."""
    by = by or {}
    try:
        _check(values, by)
    except UndeclaredMetric as error:
        if _target.strict:
            raise
        _log.error("metric not recorded", exc_info=error)
        return
    if not _target.on:
        return
    metadata = {
        "Timestamp": int(time.time() * 1000),
        "CloudWatchMetrics": [
            {
                "Namespace": NAMESPACE,
                "Dimensions": [["stage", *METRICS[name].dimensions]],
                "Metrics": [{"Name": name, "Unit": METRICS[name].unit}],
            }
            for name in values
        ],
    }
    line = {"_aws": metadata, "stage": _target.stage, **by, **values, "request_id": current_request_id()}
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


def _check(values: Mapping[str, float], by: Mapping[str, str]) -> None:
    """Raise UndeclaredMetric unless every name is declared, and `by` has exactly one value of each dimension."""
    if unknown := values.keys() - METRICS.keys():
        raise UndeclaredMetric(f"{sorted(unknown)} is not in METRICS")
    dimensions = {name: allowed for metric in values for name, allowed in METRICS[metric].dimensions.items()}
    if by.keys() != dimensions.keys():
        raise UndeclaredMetric(f"{sorted(values)} has the dimensions {sorted(dimensions)}, not {sorted(by)}")
    for name, allowed in dimensions.items():
        if by[name] not in allowed:
            raise UndeclaredMetric(f"{name} of {sorted(values)} is one of {allowed}, not {by[name]!r}")
