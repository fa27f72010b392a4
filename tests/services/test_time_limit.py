"""A worker stops before its timeout and reports the remaining messages as failed."""

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


class Deadline:
    """A context with a deadline; `seconds` are left for work, by default more than any test needs."""

    def __init__(self, seconds: float = 100) -> None:
        self.ends_at = time.monotonic() + seconds + STOP_MS / 1000

    def get_remaining_time_in_millis(self) -> int:
        return max(0, int((self.ends_at - time.monotonic()) * 1000))


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    ran: list[str] = []

    def work(name: str, *, overruns: bool) -> None:
        ran.append(f"{name} started")
        try:
            if overruns:
                signal.raise_signal(signal.SIGALRM)
        except Exception:
            ran.append(f"{name} caught the deadline")
        ran.append(f"{name} finished")

    def give_up(name: str, **_: Any) -> None:
        ran.append(f"{name} given up")

    monkeypatch.setitem(jobs.JOBS, "work", jobs.JobHandler(lambda _: work, lambda _: give_up))
    monkeypatch.setattr(worker, "container", lambda: None)
    monkeypatch.setattr(batch, "may_start", lambda _: True)
    return ran


def message(name: str, *, overruns: bool = False, receives: int = 1) -> dict[str, Any]:
    body = json.dumps({"job": "work", "arguments": {"name": name, "overruns": overruns}})
    return {"messageId": name, "body": body, "attributes": {"ApproximateReceiveCount": str(receives)}}


def failed(context: Deadline, *messages: dict[str, Any]) -> list[str]:
    response = worker.handler({"Records": list(messages)}, context)
    return [failure["itemIdentifier"] for failure in response["batchItemFailures"]]


def test_the_running_job_is_interrupted_and_the_remaining_messages_fail(ran: list[str]) -> None:
    batch = [message("quick"), message("slow", overruns=True), message("waiting")]
    assert failed(Deadline(), *batch) == ["slow", "waiting"]
    assert ran == ["quick started", "quick finished", "slow started"]


def test_a_job_that_is_interrupted_on_its_last_receive_is_given_up(ran: list[str]) -> None:
    assert failed(Deadline(), message("slow", overruns=True, receives=batch.MAX_RECEIVES)) == ["slow"]
    assert ran == ["slow started", "slow given up"]


def test_messages_with_the_fewest_receives_left_are_processed_first(ran: list[str]) -> None:
    assert failed(Deadline(), message("slow", overruns=True), message("last", receives=2)) == ["slow"]
    assert ran == ["last started", "last finished", "slow started"]


def test_no_message_is_started_without_enough_time(ran: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    assert failed(Deadline((START_MS - STOP_MS) / 1000 - 1), message("one"), message("two")) == ["one", "two"]
    assert ran == []


def test_the_timer_is_reset_afterwards() -> None:
    before = signal.getsignal(signal.SIGALRM)
    with deadline(Deadline()):
        assert signal.getitimer(signal.ITIMER_REAL)[0] > 0
    assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)
    assert signal.getsignal(signal.SIGALRM) is before
    with pytest.raises(DeadlineExceeded), deadline(Deadline(-1)):
        time.sleep(5)
    assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)


def test_outside_the_main_thread_nothing_is_interrupted() -> None:
    finished: list[bool] = []

    def run() -> None:
        with deadline(Deadline(-1)):
            time.sleep(0.05)
            finished.append(True)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert finished == [True]
