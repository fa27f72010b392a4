"""Observability of one job or sweep: an id, a span, a log line and a metric."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

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
def job(
    name: str,
    *,
    function: str,
    request_id: str,
    caller_id: str = "",
    seconds: float | None = None,
    receives: int = 1,
) -> Iterator[JobRun]:
    """Log and measure the block, even if it raises. `seconds` limits its calls to AWS."""
    scope = request_scope(request_id, caller_id, seconds=seconds, receives=receives)
    with scope as work, tracing.span(name) as span:
        run = JobRun(span)
        try:
            yield run
        finally:
            measurements = work.measurements()
            dimensions = {"function": function, "job": name, "outcome": run.outcome}
            _log.info("job", extra={**dimensions, **measurements})
            metrics.record({"jobs": 1, "job_ms": measurements["ms"]}, dimensions)
