"""Calls to AWS in parallel: most of their time is waiting."""

from collections.abc import Callable, Iterable
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor, wait
from contextvars import copy_context
from threading import Event
from typing import TypeVar

A = TypeVar("A")
R = TypeVar("R")

AT_ONCE = 8  # calls; of DynamoDB about as many as one partition accepts: 1,000 writes per second of 5 to 10 ms each
GRACE_SECONDS = 1.0  # of the seconds that a worker has left after its deadline


def call_each(call: Callable[[A], R], arguments: Iterable[A]) -> list[R]:
    """The results in the order of the arguments, computed in threads that count as the current request or job.

    After an error no further call starts. Raises the first error in this order, after all calls that have started have
    ended. The deadline of a worker, which is no `Exception`, waits for them only for GRACE_SECONDS.
    """
    waiting = list(arguments)
    if len(waiting) <= 1:
        return [call(argument) for argument in waiting]
    failed = Event()

    def run(argument: A) -> R:
        if failed.is_set():
            raise CancelledError
        try:
            return call(argument)
        except BaseException:
            failed.set()
            raise

    # The deadline raises anywhere in the main thread. In `as_completed`, which holds the locks of all futures, it would
    # leave them locked, and the threads would wait forever.
    pool, started = ThreadPoolExecutor(AT_ONCE), list[Future[R]]()
    try:
        for argument in waiting:
            started.append(pool.submit(copy_context().run, run, argument))
        results = [future.result() for future in started]
    except BaseException as error:
        failed.set()
        is_deadline = not isinstance(error, Exception)
        pool.shutdown(wait=not is_deadline, cancel_futures=True)
        if is_deadline:
            wait(started, GRACE_SECONDS)
        raise
    pool.shutdown()
    return results
