"""Pauses between attempts of writes that others win, and of calls that AWS throttles.

    for _ in backoff.attempts():
        if store.save(item):
            return
    raise Contended

The pauses have full jitter: without it, all who lost at the same moment would try again at the same moment. Source:
"Exponential Backoff And Jitter", AWS Architecture Blog.
"""

import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from argus.core.errors import Conflict
from argus.core.observability import seconds_left


class Contended(Conflict):
    """Others keep changing the item, so that every attempt to change it failed."""

    retry_after_seconds = 1


@dataclass(frozen=True)
class Backoff:
    """How often, how long, and with which pauses to try again."""

    max_attempts: int
    seconds: float  # no attempt starts later than this after the first
    first_seconds: float = 0.02  # at most, before the second attempt; doubles with each attempt
    longest_seconds: float = 1.0
    sleep: Callable[[float], None] = time.sleep
    uniform: Callable[[float, float], float] = random.uniform
    monotonic: Callable[[], float] = time.monotonic

    def attempts(self) -> Iterator[int]:
        """The number of each attempt, from 0. Ends after the last, or if a pause would outlast `seconds` or the
        request."""
        started, longest = self.monotonic(), self.first_seconds
        for number in range(self.max_attempts):
            if number:
                pause = self.uniform(0, longest)
                if pause > min(started + self.seconds - self.monotonic(), seconds_left()):
                    return
                self.sleep(pause)
                longest = min(2 * longest, self.longest_seconds)
            yield number


# For changes of items that several workers change: at most a request's time, or a part of a job's.
CONTENTION = Backoff(max_attempts=100, seconds=20.0)
