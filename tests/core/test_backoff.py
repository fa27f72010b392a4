"""Pauses between attempts: jittered, growing, and within the time of the backoff and of the request."""

from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from argus.core.backoff import Backoff
from argus.core.observability import request_scope


@dataclass
class Time:
    """A clock that only moves while someone sleeps, or works."""

    now: float = 0.0
    pauses: list[float] = field(default_factory=list)

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds


def _longest(_low: float, high: float) -> float:
    return high


def _backoff(time: Time, **changes: float) -> Backoff:
    options = {"max_attempts": 6, "seconds": 100.0, "first_seconds": 1.0, "longest_seconds": 4.0, **changes}
    return Backoff(sleep=time.sleep, uniform=_longest, monotonic=lambda: time.now, **options)  # type: ignore[arg-type]


def test_the_first_attempt_is_immediate_and_pauses_double_up_to_the_longest() -> None:
    time = Time()
    assert list(_backoff(time).attempts()) == [0, 1, 2, 3, 4, 5]
    assert time.pauses == [1.0, 2.0, 4.0, 4.0, 4.0]


def test_an_attempt_that_succeeds_ends_the_pauses() -> None:
    time = Time()
    next(_backoff(time).attempts())
    assert time.pauses == []


def test_a_pause_that_would_outlast_the_backoff_is_not_made() -> None:
    time = Time()
    assert list(_backoff(time, seconds=6.9).attempts()) == [0, 1, 2]
    assert time.now == 3.0


def test_the_duration_of_attempts_counts() -> None:
    time, numbers = Time(), []
    for number in _backoff(time, seconds=10.0).attempts():
        numbers.append(number)
        time.now += 5
    assert (numbers, time.pauses) == ([0, 1], [1.0])


@pytest.mark.parametrize(("seconds", "attempts"), [(100.0, 6), (3.5, 3), (0.0, 1)])
def test_no_pause_outlasts_the_request(seconds: float, attempts: int) -> None:
    time = Time()
    with request_scope("req", seconds=seconds) as work:
        numbers = []
        for number in _backoff(time).attempts():
            numbers.append(number)
            work.started -= time.pauses[-1] if time.pauses else 0
    assert len(numbers) == attempts


@given(fractions=st.lists(st.floats(0, 1), min_size=99, max_size=99), seconds=st.floats(0, 60))
def test_any_jitter_stays_within_the_limits(fractions: list[float], seconds: float) -> None:
    time, remaining = Time(), iter(fractions)

    def uniform(low: float, high: float) -> float:
        return low + (high - low) * next(remaining)

    backoff = Backoff(max_attempts=100, seconds=seconds, sleep=time.sleep, uniform=uniform, monotonic=lambda: time.now)
    assert 1 <= len(list(backoff.attempts())) <= 100
    assert time.now <= seconds
    assert all(pause <= backoff.longest_seconds for pause in time.pauses)
