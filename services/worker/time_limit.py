"""Stops a batch before Lambda's timeout.

Lambda kills a function at its timeout without a response. SQS would then redeliver the whole batch, including processed
messages, after the visibility timeout. The worker therefore stops earlier and reports the remaining messages as failed.
"""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn, Protocol

START_MS = 10_000  # processing of a message starts only with at least this much time left
STOP_MS = 3_000  # the running job is interrupted when this much time is left


class DeadlineExceeded(BaseException):
    """The function's timeout is near. Not an `Exception`, so that code of jobs and plugins does not catch it."""


class Context(Protocol):
    """The method of Lambda's context that is used here."""

    def get_remaining_time_in_millis(self) -> int: ...


def may_start(context: Context | None) -> bool:
    """Whether there is time for another message; always true without a context, as in the local system."""
    return context is None or context.get_remaining_time_in_millis() >= START_MS


@contextmanager
def deadline(context: Context | None) -> Iterator[None]:
    """Raise `DeadlineExceeded` in the block shortly before the timeout. Uses signals: works in the main thread only."""
    if context is None or threading.current_thread() is not threading.main_thread():
        yield
        return
    seconds = (context.get_remaining_time_in_millis() - STOP_MS) / 1000
    before = signal.signal(signal.SIGALRM, _raise)
    signal.setitimer(signal.ITIMER_REAL, max(seconds, 0.001))
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _raise(_signal: int, _frame: FrameType | None) -> NoReturn:
    raise DeadlineExceeded
