"""The worker: batches in, failures out, each message on its own."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from argus.container import Container
from argus.core.observability import current_request_id
from argus.jobs import JOBS, Job
from services.worker import main as worker
from services.worker.main import UnknownEvent

Message = dict[str, Any]


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch, argus: Container) -> list[Any]:
    """What a job named `note` was called with; it fails when told to."""
    calls: list[Any] = []

    def note(**arguments: Any) -> None:
        calls.append((current_request_id(), arguments))
        if arguments.get("fail"):
            raise RuntimeError("told to")

    monkeypatch.setattr(worker, "container", lambda: argus)
    monkeypatch.setitem(JOBS, "note", Job(lambda _: note, lambda _: lambda **arguments: calls.append("gave up")))
    return calls


def message(body: Any, *, number: int = 1, receives: int = 1) -> Message:
    text = body if isinstance(body, str) else json.dumps(body)
    return {
        "messageId": f"m{number}",
        "body": text,
        "attributes": {"ApproximateReceiveCount": str(receives)},
        "eventSource": "aws:sqs",
    }


def job(**arguments: Any) -> dict[str, Any]:
    return {"job": "note", "arguments": arguments, "request_id": "req-7"}


def failed(*messages: Message) -> list[str]:
    answer = worker.handler({"Records": list(messages)}, None)
    return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]


def test_a_batch_names_exactly_the_messages_that_failed(ran: list[Any]) -> None:
    batch = [message(job(fail=number == 2), number=number) for number in range(4)]
    assert failed(*batch) == ["m2"]
    assert len(ran) == 4


def test_the_requests_id_travels_with_the_job(ran: list[Any]) -> None:
    assert failed(message(job(colour="red"))) == []
    assert ran == [("req-7", {"colour": "red"})]


@pytest.mark.parametrize(
    "body",
    ["no json", "", "[]", "null", "7", {}, {"job": "unknown", "arguments": {}}, {"job": ["note"]}, {"job": "note"},
     {"job": "note", "arguments": []}, {"Records": [{}]}, {"Records": "x"}, {"Event": "something else"}, "[" * 100_000,
     {"Records": [{"s3": {"object": {"key": 7, "size": 1}}}]},
     {"Records": [{"s3": {"object": {"key": f"org_{'0' * 26}/of_another_release/x/original", "size": 1}}}]}],
)  # fmt: skip
def test_a_message_that_cannot_be_read_fails_and_the_others_are_done(ran: list[Any], body: Any) -> None:
    assert failed(message(body, number=1), message(job(), number=2)) == ["m1"]
    assert len(ran) == 1


def test_only_after_its_last_try_is_a_job_given_up(ran: list[Any]) -> None:
    failed(message(job(fail=True), receives=2))
    assert "gave up" not in ran
    failed(message(job(fail=True), receives=3))
    assert ran[-1] == "gave up"


def test_the_test_event_of_s3_is_no_failure(ran: list[Any]) -> None:
    assert failed(message({"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "b"})) == []


@pytest.mark.parametrize("event", [{}, {"Records": "x"}, {"source": "aws.events"}, [], None, {"records": []}])
def test_an_event_that_is_no_batch_is_refused_loudly(event: Any) -> None:
    with pytest.raises(UnknownEvent):
        worker.handler(event, None)


def test_a_failing_sweep_does_not_keep_the_others_from_running(
    argus: Container, monkeypatch: pytest.MonkeyPatch
) -> None:
    from services.scheduler import main as scheduler

    ran: list[str] = []

    def sweep(name: str) -> Callable[[Container], Callable[[], None]]:
        def run() -> None:
            ran.append(name)
            if name == "first":
                raise RuntimeError("told to")

        return lambda _: run

    monkeypatch.setattr(scheduler, "container", lambda: argus)
    monkeypatch.setattr(scheduler, "TICKS", {"first": sweep("first"), "second": sweep("second")})
    with pytest.raises(scheduler.SweepsFailed, match="first"):
        scheduler.handler(scheduler.TICK, None)
    assert sorted(ran) == ["first", "second"]
