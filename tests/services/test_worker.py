"""The functions behind queues: batches in, failures out, each message on its own, each function its own jobs."""

import json
import logging
from collections.abc import Callable
from dataclasses import replace
from types import ModuleType
from typing import Any

import pytest

from argus.container import Container
from argus.core import work
from argus.core.functions import FUNCTIONS, SCANNER, WORKER
from argus.core.observability import current_request_id
from argus.jobs import JOBS, JobHandler
from services.scanner import main as scanner
from services.worker import main as worker
from services.worker.batch import UnknownEvent

Message = dict[str, Any]
DOORS: dict[str, ModuleType] = {WORKER: worker, SCANNER: scanner}


@pytest.fixture(params=DOORS)
def function(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch, argus: Container) -> list[Any]:
    """What a job named `note`, which any function may run, was called with; it fails when told to."""
    calls: list[Any] = []

    def note(**arguments: Any) -> None:
        calls.append((current_request_id(), arguments))
        if arguments.get("fail"):
            raise RuntimeError("told to")

    def give_up(**_: Any) -> None:
        calls.append("gave up")

    for door in DOORS.values():
        monkeypatch.setattr(door, "container", lambda: argus)
    monkeypatch.setitem(JOBS, "note", JobHandler(lambda _: note, lambda _: give_up, tuple(FUNCTIONS)))
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


def failed(*messages: Message, by: str = WORKER) -> list[str]:
    answer = DOORS[by].handler({"Records": list(messages)}, None)
    return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]


def test_every_function_of_the_core_has_its_door() -> None:
    assert DOORS.keys() == FUNCTIONS.keys()


def test_a_batch_names_exactly_the_messages_that_failed(ran: list[Any], function: str) -> None:
    batch = [message(job(fail=number == 2), number=number) for number in range(4)]
    assert failed(*batch, by=function) == ["m2"]
    assert len(ran) == 4


@pytest.mark.parametrize("other", DOORS)
def test_a_function_runs_its_own_jobs_and_no_others(
    ran: list[Any], function: str, other: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(JOBS, "note", replace(JOBS["note"], functions=(other,)))
    assert failed(message(job()), by=function) == ([] if function == other else ["m1"])
    assert len(ran) == (function == other)


def test_the_scanner_takes_no_upload(ran: list[Any], caplog: pytest.LogCaptureFixture) -> None:
    upload = {"s3": {"object": {"key": f"org_{'0' * 26}/images/img_{'0' * 26}/original", "size": 1}}}
    assert failed(message({"Records": [upload]}), by=SCANNER) == ["m1"]
    assert "image.arrived is not for the scanner" in caplog.text


def test_what_is_told_of_a_job_names_its_function(
    ran: list[Any], function: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    recorded: list[Any] = []
    monkeypatch.setattr(work.metrics, "record", lambda _values, by: recorded.append(by))
    with caplog.at_level(logging.INFO):
        failed(message(job(fail=True)), by=function)
    assert recorded == [{"function": function, "job": "note", "outcome": "failed"}]
    told = {line.message: vars(line)["function"] for line in caplog.records if line.message in ("job", "job failed")}
    assert told == {"job": function, "job failed": function}


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
def test_an_event_that_is_no_batch_is_refused_loudly(event: Any, function: str) -> None:
    with pytest.raises(UnknownEvent):
        DOORS[function].handler(event, None)


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
