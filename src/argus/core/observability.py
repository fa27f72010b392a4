"""Logging: one JSON line per event, with the id of the request and without secrets.

Every request and job runs inside a `request_scope`, which also measures its use of resources.
"""

import json
import logging
import math
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from argus.core.masking import mask_fields


@dataclass
class Work:
    """One request or job: its caller, its start, and the DynamoDB capacity units it has consumed.

    A write whose condition fails consumes units too, but DynamoDB does not report them: the sum is a lower bound.
    """

    request_id: str
    caller_id: str = ""
    aws_seconds: float | None = None  # how long a request or sweep may call AWS; None for a job
    receives: int = 1  # how often the message of a job was received, including this time
    capacity_units: float = 0.0
    timeouts: Counter[str] = field(default_factory=Counter)  # by service of AWS
    started: float = field(default_factory=time.perf_counter)
    _timed_out: dict[str, float] = field(default_factory=dict, repr=False)  # by service: the last one that counts
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def add_capacity(self, units: float) -> None:
        """Count consumed units, also from threads of this work."""
        with self._lock:
            self.capacity_units += units

    def count_timeout(self, service: str, *, started: float) -> None:
        """Count an attempt that timed out. Attempts that ran at the same time, in several threads, count once."""
        with self._lock:
            if started > self._timed_out.get(service, -math.inf):
                self.timeouts[service] += 1
                self._timed_out[service] = time.perf_counter()

    @property
    def ms(self) -> float:
        return round((time.perf_counter() - self.started) * 1000, 1)

    def measurements(self) -> dict[str, Any]:
        """The measurements for the log line of finished work."""
        return {"ms": self.ms, "capacity_units": self.capacity_units, "cold": next(_cold, False)}


_work: ContextVar[Work | None] = ContextVar("work", default=None)
_cold = iter([True])  # true for the first work that this process finishes
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime"}


def current_work() -> Work | None:
    return _work.get()


def seconds_left() -> float:
    """How long the current work may still call AWS; `inf` for a job, which has no such limit."""
    work = _work.get()
    return math.inf if work is None or work.aws_seconds is None else work.aws_seconds - work.ms / 1000


def is_redelivery() -> bool:
    """Whether the message of the current job was received before."""
    work = _work.get()
    return work is not None and work.receives > 1


def current_request_id() -> str:
    work = _work.get()
    return work.request_id if work else ""


@contextmanager
def request_scope(
    request_id: str, caller_id: str = "", *, seconds: float | None = None, receives: int = 1
) -> Iterator[Work]:
    """Add this id to log lines and queue messages of the block, and measure its use of resources.

    `seconds` limits the time for calls to AWS in a request or a sweep.
    """
    work = Work(request_id, caller_id, seconds, receives)
    token = _work.set(work)
    try:
        yield work
    finally:
        _work.reset(token)


class JsonFormatter(logging.Formatter):
    """A record as one line of JSON: time, level, logger, message, request_id, caller, and the values of `extra`."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "at": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created)) + f".{int(record.msecs):03d}Z",
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if work := _work.get():
            line["request_id"] = work.request_id
            if work.caller_id:
                line["caller"] = work.caller_id
        line |= {key: value for key, value in vars(record).items() if key not in _STANDARD}
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(mask_fields(line), default=str)


def configure_logging(level: str) -> None:
    """Log to standard output as JSON. Replaces Lambda's own handler, which would write each line a second time."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(JsonFormatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for verbose in ("botocore", "boto3", "urllib3", "werkzeug", "PIL"):
        logging.getLogger(verbose).setLevel(logging.WARNING)
