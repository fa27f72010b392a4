"""Observability of one job or sweep: an id, a span, a log line, and metrics of a job."""

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from argus.core import metrics, tracing
from argus.core.observability import request_scope

_log = logging.getLogger("argus.jobs")


@dataclass
class JobRun:
    """One run of a job. Its outcome is `failed` until `mark_done` is called."""

    span: tracing.Span
    outcome: str = "failed"

    def mark_done(self) -> None:
        self.outcome = "done"

    def mark_out_of_time(self) -> None:
        self.outcome = "out_of_time"

    def mark_failed(self) -> None:
        self.span.mark_failed()


@contextmanager
def job(name: str, *, function: str, request_id: str, caller_id: str = "", receives: int = 1) -> Iterator[JobRun]:
    """Log and measure the block, even if it raises."""
    with request_scope(request_id, caller_id, receives=receives) as work, tracing.span(name) as span:
        run = JobRun(span)
        try:
            yield run
        finally:
            measurements = work.measurements()
            _log_end(name, function, run, measurements)
            by = {"function": function, "outcome": run.outcome}
            metrics.record({"jobs": 1, "job_ms": measurements["ms"]}, by)


@contextmanager
def sweep(name: str, *, request_id: str, seconds: float) -> Iterator[JobRun]:
    """Log the block like a job, even if it raises. `seconds` limits its calls to AWS.

    It writes no metric, since sweeps run every minute. A failing one fails the scheduler, which has an alarm.
    """
    with request_scope(request_id, seconds=seconds) as work, tracing.span(name) as span:
        run = JobRun(span)
        try:
            yield run
        finally:
            _log_end(name, "scheduler", run, work.measurements())


def _log_end(name: str, function: str, run: JobRun, measurements: Mapping[str, Any]) -> None:
    _log.info("job", extra={"function": function, "job": name, "outcome": run.outcome, **measurements})
