"""Jobs are sent to the queue of their function only."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from argus.container import Container
from argus.core.functions import SCANNER, WORKER
from argus.core.observability import request_scope
from argus.core.queue import ATTEMPTS, JobQueue, NotQueued, WrongFunction
from tests.conftest import Workers

BOTH = "both"
QUEUES = {WORKER: "jobs_queue_url", SCANNER: "scans_queue_url"}


@pytest.fixture
def jobs(argus: Container, workers: Workers) -> JobQueue:
    """The empty queues, with jobs of the tests."""
    backoff = replace(argus.jobs.backoff, sleep=lambda _: None)
    return replace(argus.jobs, functions={BOTH: (WORKER, SCANNER), "one": (WORKER,)}, backoff=backoff)


Bodies = list[dict[str, Any]]


def _received(workers: Workers) -> dict[str, Bodies]:
    """By function: the messages in its queue."""
    return {function: _received_from(workers, getattr(workers.outputs, name)) for function, name in QUEUES.items()}


def _received_from(workers: Workers, url: str) -> Bodies:
    bodies: Bodies = []
    while messages := workers.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=0).get(
        "Messages"
    ):
        bodies += [json.loads(message["Body"]) for message in messages]
    return bodies


def _by_number(bodies: Bodies) -> list[int]:
    return sorted(body["arguments"]["number"] for body in bodies)


@pytest.mark.parametrize("function", QUEUES)
def test_a_job_is_in_the_queue_of_its_function_only(jobs: JobQueue, workers: Workers, function: str) -> None:
    with request_scope("req-1", "usr_a"):
        jobs.send(BOTH, {"number": 7}, function=function)
    sent = {"job": BOTH, "arguments": {"number": 7}, "request_id": "req-1", "caller_id": "usr_a"}
    assert _received(workers) == {name: [sent] if name == function else [] for name in QUEUES}


@pytest.mark.parametrize("count", [0, 1, 10, 25])
@pytest.mark.parametrize("function", QUEUES)
def test_many_jobs_are_all_in_the_queue_of_their_function(
    jobs: JobQueue, workers: Workers, function: str, count: int
) -> None:
    with request_scope("req-1"):
        jobs.send_many(BOTH, ({"number": number} for number in range(count)), function=function)
    received = _received(workers)
    assert {name: _by_number(bodies) for name, bodies in received.items()} == {
        name: list(range(count)) if name == function else [] for name in QUEUES
    }
    assert all(body["request_id"] == "req-1" for body in received[function])


@pytest.mark.parametrize(("job", "function"), [("one", SCANNER), ("unknown", WORKER), (BOTH, "nobody")])
def test_a_job_is_sent_only_to_functions_that_it_declares(
    jobs: JobQueue, workers: Workers, job: str, function: str
) -> None:
    with pytest.raises(WrongFunction, match=f"{job} is sent to {function}"):
        jobs.send(job, {}, function=function)
    with pytest.raises(WrongFunction):
        jobs.send_many(job, [{}], function=function)
    assert _received(workers) == {name: [] for name in QUEUES}


class Refusing:
    """An SQS client that rejects the message with a number as often as specified."""

    def __init__(self, sqs: Any, refused: Mapping[int, int]) -> None:
        self.sqs = sqs
        self.refused = dict(refused)  # number -> how often
        self.calls: list[list[int]] = []

    def send_message_batch(self, *, QueueUrl: str, Entries: list[dict[str, str]]) -> dict[str, Any]:
        numbers = {entry["Id"]: json.loads(entry["MessageBody"])["arguments"]["number"] for entry in Entries}
        self.calls.append(list(numbers.values()))
        failed = [entry["Id"] for entry in Entries if self.refused.get(numbers[entry["Id"]], 0) > 0]
        for entry_id in failed:
            self.refused[numbers[entry_id]] -= 1
        taken = [entry for entry in Entries if entry["Id"] not in failed]
        if taken:
            self.sqs.send_message_batch(QueueUrl=QueueUrl, Entries=taken)
        return {"Failed": [{"Id": one, "Code": "InternalError", "SenderFault": False} for one in failed]}


def test_only_messages_that_sqs_did_not_accept_are_sent_again(jobs: JobQueue, workers: Workers) -> None:
    refusing = Refusing(workers.sqs, {3: 1, 5: ATTEMPTS - 1})
    replace(jobs, client=lambda: refusing).send_many(BOTH, [{"number": number} for number in range(12)])
    assert refusing.calls == [list(range(10)), [3, 5], *[[5]] * (ATTEMPTS - 2), [10, 11]]
    assert _by_number(_received(workers)[WORKER]) == list(range(12))


def test_a_message_that_sqs_never_accepts_is_an_error(jobs: JobQueue, workers: Workers) -> None:
    refusing, waited = Refusing(workers.sqs, {3: ATTEMPTS}), list[float]()
    backoff = replace(jobs.backoff, sleep=waited.append, uniform=lambda _, longest: longest)
    rejected = replace(jobs, client=lambda: refusing, backoff=backoff)
    with pytest.raises(NotQueued, match="1 of 10 jobs: InternalError"):
        rejected.send_many(BOTH, [{"number": number} for number in range(12)])
    assert waited == [0.2, 0.4, 0.8]
    assert _by_number(_received(workers)[WORKER]) == [0, 1, 2, 4, 5, 6, 7, 8, 9]
