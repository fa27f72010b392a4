"""Stopping in time. Lambda ends a function that overruns without a word: what was done is then done again, and what was
not is hidden until the queue's visibility timeout. So we stop ourselves, and say what is left.
"""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn, Protocol

START_MS = 10_000  # a message is begun only with so much time left
STOP_MS = 3_000  # with so much left, the one being handled is broken off


class DeadlineExceeded(BaseException):
    """The function is about to be ended. Not an `Exception`: no plugin's or job's failure, which code may catch."""


class Context(Protocol):
    """What we ask of Lambda's context."""

    def get_remaining_time_in_millis(self) -> int: ...


def may_begin(context: Context | None) -> bool:
    """There is time for another message. Without a context, as on a laptop, there always is."""
    return context is None or context.get_remaining_time_in_millis() >= START_MS


@contextmanager
def deadline(context: Context | None) -> Iterator[None]:
    """Raise `DeadlineExceeded` inside when the time is almost over. It works in the main thread only: signals."""
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
