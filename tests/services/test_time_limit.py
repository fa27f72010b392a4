"""A worker whose time runs out says so itself, and says what is left."""

import json
import signal
import threading
import time
from typing import Any

import pytest

from argus import jobs
from services.worker import batch
from services.worker import main as worker
from services.worker.time_limit import START_MS, STOP_MS, DeadlineExceeded, deadline


class Ending:
    """A context whose deadline comes; seconds are what is left for work, by default more than any test needs."""

    def __init__(self, seconds: float = 100) -> None:
        self.ends_at = time.monotonic() + seconds + STOP_MS / 1000

    def get_remaining_time_in_millis(self) -> int:
        return max(0, int((self.ends_at - time.monotonic()) * 1000))


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    ran: list[str] = []

    def work(name: str, *, overruns: bool) -> None:
        ran.append(f"{name} began")
        try:
            if overruns:
                signal.raise_signal(signal.SIGALRM)
        except Exception:
            ran.append(f"{name} took its end for a failure")
        ran.append(f"{name} ended")

    def give_up(name: str, **_: Any) -> None:
        ran.append(f"{name} given up")

    monkeypatch.setitem(jobs.JOBS, "work", jobs.JobHandler(lambda _: work, lambda _: give_up))
    monkeypatch.setattr(worker, "container", lambda: None)
    monkeypatch.setattr(batch, "may_begin", lambda _: True)
    return ran


def message(name: str, *, overruns: bool = False, receives: int = 1) -> dict[str, Any]:
    body = json.dumps({"job": "work", "arguments": {"name": name, "overruns": overruns}})
    return {"messageId": name, "body": body, "attributes": {"ApproximateReceiveCount": str(receives)}}


def failed(context: Ending, *messages: dict[str, Any]) -> list[str]:
    answer = worker.handler({"Records": list(messages)}, context)
    return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]


def test_the_running_job_is_broken_off_and_the_rest_released(ran: list[str]) -> None:
    batch = [message("quick"), message("slow", overruns=True), message("waiting")]
    assert failed(Ending(), *batch) == ["slow", "waiting"]
    assert ran == ["quick began", "quick ended", "slow began"]


def test_on_its_last_try_a_job_that_is_broken_off_is_given_up(ran: list[str]) -> None:
    assert failed(Ending(), message("slow", overruns=True, receives=batch.MAX_RECEIVES)) == ["slow"]
    assert ran == ["slow began", "slow given up"]


def test_messages_with_the_fewest_tries_left_go_first(ran: list[str]) -> None:
    assert failed(Ending(), message("slow", overruns=True), message("last", receives=3)) == ["slow"]
    assert ran == ["last began", "last ended", "slow began"]


def test_nothing_is_begun_without_time_for_it(ran: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    assert failed(Ending((START_MS - STOP_MS) / 1000 - 1), message("one"), message("two")) == ["one", "two"]
    assert ran == []


def test_the_alarm_is_off_afterwards() -> None:
    before = signal.getsignal(signal.SIGALRM)
    with deadline(Ending()):
        assert signal.getitimer(signal.ITIMER_REAL)[0] > 0
    assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)
    assert signal.getsignal(signal.SIGALRM) is before
    with pytest.raises(DeadlineExceeded), deadline(Ending(-1)):
        time.sleep(5)
    assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)


def test_outside_the_main_thread_nothing_is_broken_off() -> None:
    ended: list[bool] = []

    def run() -> None:
        with deadline(Ending(-1)):
            time.sleep(0.05)
            ended.append(True)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert ended == [True]
