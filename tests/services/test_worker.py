"""The functions behind queues: each message of a batch is independent, and each function runs only its own jobs."""

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
from argus.core.observability import current_request_id, is_redelivery
from argus.jobs import JOBS, JobHandler
from services.scanner import main as scanner
from services.worker import main as worker
from services.worker.batch import MAX_RECEIVES, UnknownEvent

Message = dict[str, Any]
FUNCTION_MODULES: dict[str, ModuleType] = {WORKER: worker, SCANNER: scanner}


@pytest.fixture(params=FUNCTION_MODULES)
def function(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch, argus: Container) -> list[Any]:
    """The calls of a job named `note`, which every function runs; it fails if its arguments say so."""
    calls: list[Any] = []

    def note(**arguments: Any) -> None:
        calls.append((current_request_id(), arguments))
        if arguments.get("fail"):
            raise RuntimeError("requested failure")

    def give_up(**_: Any) -> None:
        calls.append("gave up")

    for module in FUNCTION_MODULES.values():
        monkeypatch.setattr(module, "container", lambda: argus)
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
    response = FUNCTION_MODULES[by].handler({"Records": list(messages)}, None)
    return [failure["itemIdentifier"] for failure in response["batchItemFailures"]]


def test_every_function_of_the_core_has_an_entry_point() -> None:
    assert FUNCTION_MODULES.keys() == FUNCTIONS.keys()


def test_a_batch_names_exactly_the_messages_that_failed(ran: list[Any], function: str) -> None:
    batch = [message(job(fail=number == 2), number=number) for number in range(4)]
    assert failed(*batch, by=function) == ["m2"]
    assert len(ran) == 4


@pytest.mark.parametrize("other", FUNCTION_MODULES)
def test_a_function_runs_only_its_own_jobs(
    ran: list[Any], function: str, other: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(JOBS, "note", replace(JOBS["note"], functions=(other,)))
    assert failed(message(job()), by=function) == ([] if function == other else ["m1"])
    assert len(ran) == (function == other)


def test_the_scanner_rejects_uploads(ran: list[Any], caplog: pytest.LogCaptureFixture) -> None:
    upload = {"s3": {"object": {"key": f"org_{'0' * 26}/images/img_{'0' * 26}/original", "size": 1}}}
    assert failed(message({"Records": [upload]}), by=SCANNER) == ["m1"]
    assert "image.arrived is not for the scanner" in caplog.text


def test_metrics_and_logs_of_a_job_have_its_function_and_outcome(
    ran: list[Any], function: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    recorded: list[Any] = []
    monkeypatch.setattr(work.metrics, "record", lambda _values, by: recorded.append(by))
    with caplog.at_level(logging.INFO):
        failed(message(job(fail=True)), by=function)
    assert recorded == [{"function": function, "outcome": "failed"}]
    logged = {line.message: vars(line) for line in caplog.records if line.message in ("job", "job failed")}
    assert {name: (line["function"], line["job"]) for name, line in logged.items()} == {
        "job": (function, "note"),
        "job failed": (function, "note"),
    }
    assert logged["job"]["outcome"] == "failed"


def test_a_job_has_the_id_of_its_request(ran: list[Any]) -> None:
    assert failed(message(job(colour="red"))) == []
    assert ran == [("req-7", {"colour": "red"})]


@pytest.mark.parametrize(
    "body",
    ["no json", "", "[]", "null", "7", {}, {"job": "unknown", "arguments": {}}, {"job": ["note"]}, {"job": "note"},
     {"job": "note", "arguments": []}, {"Records": [{}]}, {"Records": "x"}, {"Event": "something else"}, "[" * 100_000,
     {"Records": [{"s3": {"object": {"key": 7, "size": 1}}}]},
     {"Records": [{"s3": {"object": {"key": f"org_{'0' * 26}/of_another_release/x/original", "size": 1}}}]}],
)  # fmt: skip
def test_a_malformed_message_fails_and_the_others_are_processed(ran: list[Any], body: Any) -> None:
    assert failed(message(body, number=1), message(job(), number=2)) == ["m1"]
    assert len(ran) == 1


def test_a_job_is_given_up_only_after_the_last_receive_of_its_message(ran: list[Any]) -> None:
    failed(message(job(fail=True), receives=MAX_RECEIVES - 1))
    assert "gave up" not in ran
    failed(message(job(fail=True), receives=MAX_RECEIVES))
    assert ran[-1] == "gave up"


def test_a_job_knows_whether_its_message_was_received_before(ran: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[bool] = []
    monkeypatch.setitem(JOBS, "note", replace(JOBS["note"], run=lambda _: lambda: seen.append(is_redelivery())))
    assert failed(message(job()), message(job(), number=2, receives=2)) == []
    assert sorted(seen) == [False, True]
    assert not is_redelivery()


def test_the_test_event_of_s3_is_ignored(ran: list[Any]) -> None:
    assert failed(message({"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "b"})) == []


@pytest.mark.parametrize("event", [{}, {"Records": "x"}, {"source": "aws.events"}, [], None, {"records": []}])
def test_an_event_that_is_not_a_batch_raises(event: Any, function: str) -> None:
    with pytest.raises(UnknownEvent):
        FUNCTION_MODULES[function].handler(event, None)


def test_a_failing_sweep_does_not_stop_the_others(argus: Container, monkeypatch: pytest.MonkeyPatch) -> None:
    from services.scheduler import main as scheduler

    ran: list[str] = []

    def sweep(name: str) -> Callable[[Container], Callable[[], None]]:
        def run() -> None:
            ran.append(name)
            if name == "first":
                raise RuntimeError("requested failure")

        return lambda _: run

    monkeypatch.setattr(scheduler, "container", lambda: argus)
    monkeypatch.setattr(scheduler, "TICKS", {"first": sweep("first"), "second": sweep("second")})
    with pytest.raises(scheduler.SweepsFailed, match="first"):
        scheduler.handler(scheduler.TICK, None)
    assert sorted(ran) == ["first", "second"]
