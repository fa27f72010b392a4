"""Traces for AWS X-Ray: a span around each request, job and plugin, if `ARGUS_TRACING` is on.

The SDK is imported only then: its import would slow down every cold start. On Lambda the service creates the segment,
and spans are its subsegments; elsewhere the outermost span is a segment of its own, sent to the X-Ray daemon by UDP
(`AWS_XRAY_DAEMON_ADDRESS`). A failed span does not contain the error message, which may contain personal data.
"""

import re
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from argus.core.observability import current_work

SERVICE = "argus"

_FORBIDDEN = re.compile(r"[^\w\s.:/%&#=+\\@-]")  # in names: "X-Ray segment documents", AWS X-Ray Developer Guide


class Span:
    """A timed part of the work. This base class records nothing."""

    def set_status(self, code: int) -> None:
        """Set the HTTP status of the response."""

    def mark_failed(self) -> None:
        """Mark the span as failed without an exception."""


@dataclass(frozen=True)
class _Traced(Span):
    segment: Any

    def set_status(self, code: int) -> None:
        self.segment.put_http_meta("status", code)

    def mark_failed(self) -> None:
        self.segment.add_fault_flag()


@dataclass
class _Tracer:
    """The SDK's recorder while tracing is on. One per process, like the root logger."""

    recorder: Any = None


_tracer = _Tracer()
_NO_SPAN = nullcontext(Span())


def configure(*, on: bool) -> None:
    """Start or stop tracing."""
    if not on:
        _tracer.recorder = None
        return
    recorder = import_module("aws_xray_sdk.core").xray_recorder
    # The SDK needs a service name to create segments. Sampling is off because it would ask the daemon for rules: Lambda
    # samples itself, and elsewhere every trace is wanted.
    recorder.configure(service=SERVICE, context_missing="IGNORE_ERROR", sampling=False)
    _tracer.recorder = recorder


def span(name: str, **notes: str) -> AbstractContextManager[Span]:
    """Time the block. Notes are searchable in X-Ray; they must not contain personal data."""
    return _NO_SPAN if _tracer.recorder is None else _traced(_tracer.recorder, _FORBIDDEN.sub("", name), notes)


@contextmanager
def _traced(recorder: Any, name: str, notes: dict[str, str]) -> Iterator[Span]:
    outermost = recorder.get_trace_entity() is None  # never on Lambda, which creates the segment
    if outermost:
        recorder.begin_segment(SERVICE)
    segment = recorder.begin_subsegment(name)
    if work := current_work():
        notes = {"request_id": work.request_id, **notes}
    for key, note in notes.items():
        segment.put_annotation(key, note)
    try:
        yield _Traced(segment)
    except BaseException:
        segment.add_fault_flag()
        raise
    finally:
        recorder.end_subsegment()
        if outermost:
            recorder.end_segment()
