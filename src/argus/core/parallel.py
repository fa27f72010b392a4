"""Calls to AWS in parallel: most of their time is waiting."""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextvars import copy_context
from typing import TypeVar

A = TypeVar("A")
R = TypeVar("R")

AT_ONCE = 8  # calls; of DynamoDB about as many as one partition accepts: 1,000 writes per second of 5 to 10 ms each


def call_each(call: Callable[[A], R], arguments: Iterable[A]) -> list[R]:
    """The results in the order of the arguments, computed in threads that count as the current request or job.

    Raises the error that occurs first, after all calls that have started have ended; the others are not started.
    """
    with ThreadPoolExecutor(AT_ONCE) as pool:
        try:
            started = [pool.submit(copy_context().run, call, argument) for argument in arguments]
            for future in as_completed(started):
                future.result()
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    return [future.result() for future in started]
