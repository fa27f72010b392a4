"""Calls in parallel."""

import os
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Event, Thread, current_thread, main_thread
from typing import Any

import pytest

from argus.container import Container
from argus.core import parallel
from argus.core.ids import Ids
from argus.core.observability import current_request_id, request_scope
from argus.core.parallel import AT_ONCE, call_each
from services.worker.time_limit import STOP_MS, DeadlineExceeded, deadline

MANY = 10 * AT_ONCE
LONG = 60  # seconds, for what must happen at once


class Blocked:
    """Calls that end once those that have not started were cancelled."""

    def __init__(self) -> None:
        self.started: list[int] = []
        self.ended: list[int] = []
        self.cancelled = Event()
        self.in_time: list[bool] = []

    def wait(self, number: int) -> None:
        self.started.append(number)
        self.in_time.append(self.cancelled.wait(LONG))
        self.ended.append(number)


@pytest.fixture
def blocked(monkeypatch: pytest.MonkeyPatch) -> Blocked:
    calls = Blocked()

    class Pool(ThreadPoolExecutor):
        def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
            super().shutdown(wait=False, cancel_futures=cancel_futures)
            calls.cancelled.set()
            super().shutdown(wait=wait)

    monkeypatch.setattr(parallel, "ThreadPoolExecutor", Pool)
    return calls


def test_the_results_are_in_the_order_of_the_arguments() -> None:
    ended = [Event() for _ in range(AT_ONCE + 1)]
    ended[AT_ONCE].set()

    def after_the_next(number: int) -> int:
        assert ended[number + 1].wait(LONG), "the calls are not parallel"
        ended[number].set()
        return number**2

    assert call_each(after_the_next, range(AT_ONCE)) == [number**2 for number in range(AT_ONCE)]


def test_more_arguments_than_threads_are_all_called_once() -> None:
    called: list[int] = []
    assert call_each(called.append, iter(range(MANY))) == [None] * MANY
    assert sorted(called) == list(range(MANY))


def test_without_arguments_nothing_is_called() -> None:
    assert call_each(pytest.fail, []) == []


@pytest.mark.parametrize("failing", [0, 3], ids=["the first fails", "a later one fails"])
def test_an_error_is_raised_when_the_started_calls_have_ended_and_the_others_are_not_started(
    blocked: Blocked, failing: int
) -> None:
    def call(number: int) -> None:
        if number == failing:
            raise LookupError(number)
        if number > failing:
            blocked.wait(number)

    with pytest.raises(LookupError, match=str(failing)):
        call_each(call, range(MANY))
    assert len(blocked.started) <= AT_ONCE, "the thread of the failed call starts at most one more"
    assert sorted(blocked.ended) == sorted(blocked.started)
    assert all(blocked.in_time), "the error waits for calls that come later"


def test_after_an_error_no_call_starts_although_an_earlier_one_still_runs() -> None:
    started: list[int] = []
    failed = Event()

    def call(number: int) -> None:
        started.append(number)
        if number == 0:
            assert failed.wait(LONG)
        elif number == 1:
            failed.set()
            raise LookupError(number)
        else:
            failed.wait(LONG)

    with pytest.raises(LookupError, match="1"):
        call_each(call, range(MANY))
    assert len(started) <= 2 * AT_ONCE, "those that began while the error was raised"


def test_of_several_errors_that_of_the_first_argument_is_raised() -> None:
    second_failed = Event()

    def call(number: int) -> None:
        if number == 0:
            assert second_failed.wait(LONG)
        else:
            second_failed.set()
        raise LookupError(number)

    with pytest.raises(LookupError, match="0"):
        call_each(call, [0, 1])


def test_an_error_of_the_arguments_starts_no_more_calls(blocked: Blocked) -> None:
    def arguments() -> Iterator[int]:
        yield from range(MANY)
        raise LookupError("no more arguments")

    with pytest.raises(LookupError, match="no more arguments"):
        call_each(blocked.wait, arguments())
    assert len(blocked.started) <= AT_ONCE
    assert sorted(blocked.ended) == sorted(blocked.started)


class LongContext:
    """A Lambda context with much time."""

    def get_remaining_time_in_millis(self) -> int:
        return STOP_MS + 1000 * LONG


def test_the_deadline_waits_for_no_call_and_starts_no_more() -> None:
    started: list[int] = []
    released = Event()

    def call(number: int) -> None:
        started.append(number)
        if number == AT_ONCE - 1:
            os.kill(os.getpid(), signal.SIGALRM)
        released.wait(LONG)

    assert current_thread() is main_thread()
    with pytest.raises(DeadlineExceeded), deadline(LongContext()):
        call_each(call, range(MANY))
    assert len(started) <= AT_ONCE
    released.set()


@pytest.mark.usefixtures("racing")
def test_the_capacity_units_of_all_threads_are_counted_for_their_request(argus: Container) -> None:
    table, pk = argus.table("imagery"), f"{Ids().new('org')}#test"
    keys = [str(number) for number in range(MANY)]
    ids: set[str] = set()

    def put(sk: str) -> None:
        ids.add(current_request_id())
        table.put({"pk": pk, "sk": sk})

    def another_request() -> None:
        with request_scope("another") as other:
            call_each(put, keys)
            others.append(other.capacity_units)

    others: list[Any] = []
    thread = Thread(target=another_request)
    with request_scope("one") as work:
        thread.start()
        call_each(put, keys)
        thread.join()
        assert (work.capacity_units, others) == (MANY, [MANY])
    assert ids == {"one", "another"}
