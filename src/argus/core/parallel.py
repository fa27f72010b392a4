"""Calls to AWS in parallel: most of their time is waiting."""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import TypeVar

A = TypeVar("A")
R = TypeVar("R")

AT_ONCE = 8  # calls; of DynamoDB about as many as one partition accepts: 1,000 writes per second of 5 to 10 ms each


def call_each(call: Callable[[A], R], arguments: Iterable[A]) -> list[R]:
    """The results in the order of the arguments, computed in threads that count as the current request or job.

    Raises the first error in this order, after all calls that have started have ended; the others are not started. The
    deadline of a worker, which is no `Exception`, does not wait for the calls: its last seconds are for the clean-up.
    """
    waiting = list(arguments)
    if len(waiting) <= 1:
        return [call(argument) for argument in waiting]
    # The deadline raises anywhere in the main thread. In `as_completed`, which holds the locks of all futures, it would
    # leave them locked, and the threads would wait forever.
    pool = ThreadPoolExecutor(AT_ONCE)
    try:
        started = [pool.submit(copy_context().run, call, argument) for argument in waiting]
        results = [future.result() for future in started]
    except BaseException as error:
        pool.shutdown(wait=isinstance(error, Exception), cancel_futures=True)
        raise
    pool.shutdown()
    return results
