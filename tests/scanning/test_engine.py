"""A scan from its request to its end, whatever happens on the way; a finding through its whole life."""

import json
import os
import signal
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from argus.app import create_app
from argus.container import Container
from argus.core.clock import rfc3339
from argus.core.dynamo import Table
from argus.scanning.catalogue import Catalogue
from argus.scanning.finding_store import FindingStore
from argus.scanning.model import Finding, Scan, ScanState, Severity
from argus.scanning.plugin import Tools
from services.scheduler import main as scheduler
from services.worker import main as worker
from tests.conftest import Issuer, MovableClock, Person, Workers
from tests.scanning.scripted import Scripted, spot


@pytest.fixture
def first() -> Scripted:
    return Scripted("first")


@pytest.fixture
def second() -> Scripted:
    return Scripted("second")


@pytest.fixture
def scripted(argus: Container, first: Scripted, second: Scripted) -> Container:
    """An Argus whose plugins are scripted and whose images need not exist."""
    container = Container(argus.settings, clock=argus.clock, fetch_keys=argus.fetch_keys)
    plugins: Any = {plugin.id: plugin for plugin in (first, second)}
    vars(container)["catalogue"] = Catalogue(plugins)
    object.__setattr__(container.scanning, "targets", {"image": lambda _caller, _id: None})
    return container


@pytest.fixture
def door(scripted: Container, owner: Person) -> Person:
    return Person(create_app(scripted).test_client(), owner.headers, owner.organisation_id)


@pytest.fixture
def work(workers: Workers, scripted: Container, monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    monkeypatch.setattr(worker, "container", lambda: scripted)
    return workers.work


@pytest.fixture
def tick(nothing_due: None, scripted: Container, monkeypatch: pytest.MonkeyPatch) -> Callable[[], object]:
    monkeypatch.setattr(scheduler, "container", lambda: scripted)
    return lambda: scheduler.handler(scheduler.TICK, None)


TARGET = "img_00000000000000000000000000"


def request(door: Person, *plugins: str, target: str = TARGET) -> str:
    body = {"target": {"kind": "image", "id": target}, "plugins": [{"id": plugin} for plugin in plugins or ["first"]]}
    answer = door.post("/scans", body)
    assert answer.status_code == 202, answer.get_json()
    assert answer.headers["Location"] == f"/api/v1/scans/{answer.get_json()['id']}"
    return str(answer.get_json()["id"])


def scan(door: Person, scan_id: str) -> dict[str, Any]:
    return dict(door.get(f"/scans/{scan_id}").get_json())


def scanned(door: Person, work: Callable[[], None], *plugins: str) -> dict[str, Any]:
    scan_id = request(door, *plugins)
    work()
    return scan(door, scan_id)


def statuses(door: Person, scan_id: str | None = None) -> dict[str, str]:
    """Status by place, of one scan or as of now."""
    path = f"/scans/{scan_id}/findings" if scan_id else "/findings"
    return {entry["place"]: entry["status"] for entry in door.get(f"{path}?limit=100").get_json()["items"]}


def delta(**counts: int) -> dict[str, int]:
    return {"new": 0, "unchanged": 0, "regressed": 0, "fixed": 0, "not_tested": 0, **counts}


# ---------------------------------------------------------------- a scan


def test_a_scan_is_queued_run_and_succeeds(door: Person, work: Callable[[], None], first: Scripted) -> None:
    first.script = lambda _tools: [spot("a"), spot("b", severity=Severity.CRITICAL)]
    scan_id = request(door)
    queued = scan(door, scan_id)
    assert (queued["state"], queued["progress"], queued["steps"][0]["state"]) == ("queued", 0, "pending")
    work()
    done = scan(door, scan_id)
    assert (done["state"], done["progress"], done["reason"]) == ("succeeded", 100, "")
    assert done["counts"] == {"info": 0, "low": 0, "medium": 1, "high": 0, "critical": 1}
    assert done["delta"] == delta(new=2)
    (step,) = done["steps"]
    assert (step["plugin"], step["state"], step["findings"], step["progress"]) == ("first", "succeeded", 2, 100)


def test_findings_come_gravest_first_and_filtered(door: Person, work: Callable[[], None], first: Scripted) -> None:
    first.script = lambda _tools: [
        spot("a", severity=Severity.LOW),
        spot("b", severity=Severity.CRITICAL),
        spot("c", severity=Severity.CRITICAL),
    ]
    scan_id = scanned(door, work)["id"]
    for path in (f"/scans/{scan_id}/findings", "/findings"):
        places = [entry["place"] for entry in door.get(path).get_json()["items"]]
        assert (set(places[:2]), places[2:]) == ({"b", "c"}, ["a"])
        some = door.get(f"{path}?severity=critical&status=new&plugin=first&target=image:{TARGET}").get_json()["items"]
        assert {entry["place"] for entry in some} == {"b", "c"}
        assert door.get(f"{path}?status=fixed").get_json()["items"] == []
        assert door.get(f"{path}?target=image:other").get_json()["items"] == []
        assert door.get(f"{path}?target=nonsense").status_code == 422


def test_within_a_severity_the_findings_of_a_scan_are_in_the_order_of_the_plugin(
    door: Person, work: Callable[[], None], first: Scripted
) -> None:
    first.script = lambda _tools: [spot(place, severity=Severity.HIGH) for place in "dacb"]
    scan_id = scanned(door, work)["id"]
    for sort in ("-severity", "-first_seen_at"):
        found = door.get(f"/scans/{scan_id}/findings?sort={sort}").get_json()["items"]
        assert [entry["place"] for entry in found] == list("dacb")


def test_many_findings_are_written_and_paged(door: Person, work: Callable[[], None], first: Scripted) -> None:
    first.script = lambda _tools: [spot(f"p{number:03}") for number in range(130)]
    done = scanned(door, work)
    assert (done["steps"][0]["findings"], done["counts"]["medium"]) == (130, 130)
    seen: list[str] = []
    address: str | None = f"/scans/{done['id']}/findings?limit=50"
    while address:
        page = door.get(address).get_json()
        seen += [entry["place"] for entry in page["items"]]
        cursor = page["next_cursor"]
        address = f"/scans/{done['id']}/findings?limit=50&cursor={cursor}" if cursor else None
    assert seen == [f"p{number:03}" for number in range(130)]


def _raises(_tools: Tools) -> Iterable[Finding]:
    yield spot("before")
    raise ValueError("could not open org_x/images/img_x/original")


def test_a_plugin_that_raises_fails_its_step_and_not_the_others(
    door: Person, work: Callable[[], None], first: Scripted, second: Scripted
) -> None:
    first.script = _raises
    second.finds("b")
    done = scanned(door, work, "first", "second")
    assert done["state"] == "failed"
    assert done["reason"] == "first: the plugin failed: ValueError"
    assert [step["state"] for step in done["steps"]] == ["failed", "succeeded"]
    assert "b" in statuses(door, done["id"])


def test_a_plugin_may_raise_only_what_it_declares(door: Person, work: Callable[[], None], first: Scripted) -> None:
    first.script = lambda _tools: [spot("a", rule="undeclared")]
    done = scanned(door, work)
    assert (done["state"], done["reason"]) == (
        "failed",
        "first: The plugin raised a rule that its manifest does not declare: undeclared",
    )


def test_a_plugin_that_spends_its_time_is_stopped(
    door: Person, work: Callable[[], None], first: Scripted, scripted: Container
) -> None:
    elapsed = iter(range(0, 100_000, 40))
    object.__setattr__(scripted.scanning.engine, "monotonic", lambda: float(next(elapsed)))

    def endless(tools: Tools) -> Iterable[Finding]:
        while True:
            tools.progress(0.5)
            yield spot("a")

    first.script = endless
    done = scanned(door, work)
    spent = "The plugin used up the requests or seconds its manifest allows: more than 60 s"
    assert (done["state"], done["reason"]) == ("failed", f"first: {spent}")


def test_a_plugin_without_the_permission_sees_no_images(
    door: Person, work: Callable[[], None], first: Scripted
) -> None:
    first.script = lambda tools: [spot(str(tools.images))]
    assert scanned(door, work)["reason"].endswith("the manifest does not ask for the permission imagery")


def test_progress_is_shown_while_a_plugin_runs(
    door: Person, work: Callable[[], None], first: Scripted, scripted: Container
) -> None:
    elapsed = iter(range(0, 100_000, 3))
    object.__setattr__(scripted.scanning.background, "monotonic", lambda: float(next(elapsed)))
    shown: list[int] = []

    def slow(tools: Tools) -> Iterable[Finding]:
        tools.progress(0.4)
        shown.append(scan(door, scan_id)["progress"])
        yield spot("a")

    first.script = slow
    scan_id = request(door, "first", "second")
    work()
    assert shown == [20]


# ---------------------------------------------------------------- asked for wrongly


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"plugins": [{"id": "first"}]}, 422, "unprocessable_entity"),
        ({"target": {"kind": "image"}, "plugins": [{"id": "first"}]}, 422, "ambiguous_target"),
        ({"target": {"kind": "image", "id": "a", "value": "b"}, "plugins": [{"id": "first"}]}, 422, "ambiguous_target"),
        ({"target": {"kind": "moon", "id": "a"}, "plugins": [{"id": "first"}]}, 422, "unprocessable_entity"),
        ({"target": {"kind": "host", "value": "a"}, "plugins": [{"id": "first"}]}, 422, "wrong_target"),
        ({"target": {"kind": "image", "id": "a"}, "plugins": []}, 422, "unprocessable_entity"),
        ({"target": {"kind": "image", "id": "a"}, "plugins": [{"id": "none"}]}, 404, "no_such_plugin"),
        ({"target": {"kind": "image", "id": "a"}, "plugins": [{"id": "first"}] * 2}, 422, "repeated_plugin"),
        ({"target": {"kind": "image", "id": "a"}, "plugins": ["first"]}, 422, "unprocessable_entity"),
        ({"target": {"kind": "image", "id": 7}, "plugins": [{"id": "first"}]}, 422, "unprocessable_entity"),
        ({"target": [], "plugins": {}}, 422, "unprocessable_entity"),
    ],
)
def test_a_scan_that_cannot_be_made_is_refused_at_once(door: Person, body: Any, status: int, code: str) -> None:
    answer = door.post("/scans", body)
    assert (answer.status_code, answer.get_json()["code"]) == (status, code)


# ---------------------------------------------------------------- at least once


def test_a_second_delivery_changes_nothing(
    door: Person, work: Callable[[], None], first: Scripted, scripted: Container
) -> None:
    first.finds("a")
    done = scanned(door, work)
    scripted.scanning.run(door.organisation_id, done["id"])
    assert (scan(door, done["id"]), first.runs) == (done, 1)


def test_two_workers_at_once_run_a_scan_once(
    door: Person, work: Callable[[], None], first: Scripted, scripted: Container
) -> None:
    def meanwhile(_tools: Tools) -> Iterable[Finding]:
        scripted.scanning.run(door.organisation_id, scan_id)
        yield spot("a")

    first.script = meanwhile
    scan_id = request(door)
    work()
    assert (scan(door, scan_id)["state"], first.runs) == ("succeeded", 1)


def test_a_scan_is_resumed_where_a_vanished_worker_left_it(
    door: Person,
    work: Callable[[], None],
    first: Scripted,
    second: Scripted,
    clock: MovableClock,
    tick: Callable[[], object],
) -> None:
    first.finds("a")

    def vanish(_tools: Tools) -> Iterable[Finding]:
        yield spot("half-done")
        raise SystemExit

    second.script = vanish
    scan_id = request(door, "first", "second")
    with pytest.raises(SystemExit):
        work()
    assert scan(door, scan_id)["state"] == "running"
    second.finds("b")
    clock.move(minutes=10)
    tick()
    work()
    done = scan(door, scan_id)
    assert (done["state"], done["delta"], first.runs) == ("succeeded", delta(new=2), 1)
    assert statuses(door, scan_id) == {"a": "new", "b": "new"}


def test_a_scan_whose_message_was_lost_is_sent_again(
    door: Person, workers: Workers, work: Callable[[], None], first: Scripted, clock: MovableClock, tick: Any
) -> None:
    scan_id = request(door)
    workers.lose(scan_id)
    tick()
    work()
    assert scan(door, scan_id)["state"] == "queued"
    clock.move(minutes=3)
    tick()
    work()
    assert scan(door, scan_id)["state"] == "succeeded"


def test_a_scan_that_cannot_be_looked_at_keeps_no_other_waiting(
    door: Person,
    work: Callable[[], None],
    workers: Workers,
    scripted: Container,
    clock: MovableClock,
    tick: Any,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """It is told of, the tick has failed, and it is looked at again when its time has come, not before."""
    unreadable, unsendable, well = scans = [request(door) for _ in range(3)]
    for scan_id in scans:
        workers.lose(scan_id)
    table, pk = scripted.scanning.store.table, f"{door.organisation_id}#scans"
    item = table.get(pk, unreadable)
    assert item is not None
    real = type(scripted.jobs).send

    def send(jobs: Any, name: str, arguments: Any) -> None:
        if arguments.get("scan_id") == unsendable:
            raise ConnectionError("no queue")
        real(jobs, name, arguments)

    clock.move(minutes=3)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(scripted.jobs), "send", send)
        table.put({**item, "state": "of a version to come"})
        with pytest.raises(scheduler.SweepsFailed, match=r"^scans\.sweep$"):
            tick()
        tick()
    table.put({**item, "gsi1sk": rfc3339(clock() + timedelta(minutes=2))})
    told = {getattr(record, "id", "") for record in caplog.records if record.levelname == "ERROR"}
    work()
    assert ({unreadable, unsendable} <= told, scan(door, well)["state"]) == (True, "succeeded")
    clock.move(minutes=5)
    tick()
    work()
    assert [scan(door, scan_id)["state"] for scan_id in scans] == ["succeeded"] * 3


def test_a_scan_that_keeps_failing_in_the_worker_is_given_up_and_its_message_kept(
    door: Person,
    work: Callable[[], None],
    workers: Workers,
    scripted: Container,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    scan_id = request(door)

    tries: list[str] = []

    def broken(_engine: Any, scan: Any) -> Any:
        tries.append(scan.id)
        raise ConnectionError("no store")

    with monkeypatch.context() as patch:
        patch.setattr(type(scripted.scanning.engine), "run", broken)
        dead = workers.work_until_dead(workers.outputs.jobs_dead_queue_url, scan_id)
    assert scan(door, scan_id)["state"] == "failed"
    assert (json.loads(dead["Body"])["arguments"]["scan_id"], tries.count(scan_id)) == (scan_id, 3)


# ---------------------------------------------------------------- broken off


class Hours:
    """A context with time enough: it is up when a test says so, however slow the machine."""

    def get_remaining_time_in_millis(self) -> int:
        return 3_600_000


@pytest.fixture
def timed(workers: Workers, work: Callable[[], None]) -> Workers:
    """Workers whose time may run out, as Lambda's does."""
    pumps = [replace(pump, handler=lambda event, _: worker.handler(event, Hours())) for pump in workers.pumps]
    return replace(workers, pumps=pumps)


def time_runs_out(_tools: Tools) -> Iterable[Finding]:
    yield spot("half-done")
    signal.raise_signal(signal.SIGALRM)


def test_a_scan_broken_off_in_time_is_released_and_done_by_the_next_delivery(
    door: Person, timed: Workers, first: Scripted, second: Scripted, settle: Callable[[], None]
) -> None:
    first.finds("a")
    second.script = time_runs_out
    scan_id = request(door, "first", "second")
    timed.work()
    assert (scan(door, scan_id)["state"], second.runs) == ("running", 1)
    second.finds("b")
    settle()
    timed.work()
    done = scan(door, scan_id)
    assert (done["state"], done["delta"], first.runs, second.runs) == ("succeeded", delta(new=2), 1, 2)


def test_a_scan_broken_off_on_its_last_try_has_failed_with_no_step_open_and_its_message_is_kept(
    door: Person, timed: Workers, first: Scripted
) -> None:
    first.script = time_runs_out
    scan_id = request(door, "first", "second")
    dead = timed.work_until_dead(timed.outputs.jobs_dead_queue_url, scan_id)
    assert json.loads(dead["Body"])["arguments"]["scan_id"] == scan_id
    failed = scan(door, scan_id)
    assert (failed["state"], failed["progress"], first.runs) == ("failed", 100, 3)
    assert failed["reason"] == "Processing failed after 3 attempts; the operators have been alerted."
    assert [step["state"] for step in failed["steps"]] == ["cancelled", "cancelled"]


def test_a_message_that_keeps_failing_does_not_end_a_scan_that_runs_elsewhere(
    door: Person, work: Callable[[], None], first: Scripted, scripted: Container
) -> None:
    """Two messages for one scan: the last try of one fails while the other is being worked on."""

    def given_up_meanwhile(_tools: Tools) -> Iterable[Finding]:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(type(scripted.scanning.engine), "run", _no_store)
            assert worker.handler({"Records": [_last_try(door, scan_id)]}, None)["batchItemFailures"]
        yield spot("a")

    first.script = given_up_meanwhile
    scan_id = request(door)
    work()
    assert (scan(door, scan_id)["state"], statuses(door)) == ("succeeded", {"a": "new"})


def _no_store(*_: Any) -> None:
    raise ConnectionError("no store")


def _last_try(door: Person, scan_id: str) -> dict[str, Any]:
    body = {"job": "scan.run", "arguments": {"organisation_id": door.organisation_id, "scan_id": scan_id}}
    return {"messageId": "last", "body": json.dumps(body), "attributes": {"ApproximateReceiveCount": "3"}}


def test_a_scan_that_aws_broke_off_is_released_too(
    door: Person, work: Callable[[], None], first: Scripted, settle: Callable[[], None]
) -> None:
    def aws_fails(_tools: Tools) -> Iterable[Finding]:
        first.finds("a")
        yield spot("half-done")
        raise EndpointConnectionError(endpoint_url="https://s3.example")

    first.script = aws_fails
    scan_id = request(door)
    work()
    assert scan(door, scan_id)["state"] == "running"
    settle()
    work()
    assert (scan(door, scan_id)["state"], first.runs) == ("succeeded", 2)


def test_a_scan_taken_over_is_not_released_by_whoever_had_it_before(
    door: Person, first: Scripted, scripted: Container, clock: MovableClock
) -> None:
    """The first worker hung until its lease was over, and fails while another holds the scan."""
    taken_over: list[Scan] = []

    def hang(_tools: Tools) -> Iterable[Finding]:
        clock.move(minutes=6)
        assert scripted.scanning.background.claim(stored(), state=ScanState.RUNNING) is not None
        taken_over.append(stored())
        raise EndpointConnectionError(endpoint_url="https://s3.example")
        yield

    def stored() -> Scan:
        found = scripted.scanning.store.get(door.organisation_id, scan_id)
        assert found is not None
        return found

    first.script = hang
    scan_id = request(door)
    with pytest.raises(EndpointConnectionError):
        scripted.scanning.run(door.organisation_id, scan_id)
    assert [stored()] == taken_over


# ---------------------------------------------------------------- cancelling


def test_a_queued_scan_is_cancelled_at_once(door: Person, work: Callable[[], None], first: Scripted) -> None:
    scan_id = request(door)
    for _ in range(2):
        answer = door.post(f"/scans/{scan_id}/cancel")
        assert (answer.status_code, answer.get_json()["state"]) == (200, "cancelled")
    work()
    cancelled = scan(door, scan_id)
    assert (cancelled["state"], cancelled["steps"][0]["state"], first.runs) == ("cancelled", "cancelled", 0)


def test_a_running_scan_stops_at_its_next_write_and_tells_no_finding(
    door: Person, work: Callable[[], None], first: Scripted, second: Scripted
) -> None:
    def cancelled_meanwhile(_tools: Tools) -> Iterable[Finding]:
        door.post(f"/scans/{scan_id}/cancel")
        yield spot("a")

    first.script = cancelled_meanwhile
    scan_id = request(door, "first", "second")
    work()
    assert (scan(door, scan_id)["state"], second.runs, statuses(door)) == ("cancelled", 0, {})


def test_a_scan_that_has_ended_cannot_be_cancelled(door: Person, work: Callable[[], None]) -> None:
    done = scanned(door, work)
    answer = door.post(f"/scans/{done['id']}/cancel")
    assert (answer.status_code, answer.get_json()["code"]) == (409, "scan_ended")


# ---------------------------------------------------------------- a finding's life


def test_a_finding_is_new_then_unchanged_then_fixed_then_regressed(
    door: Person, work: Callable[[], None], first: Scripted
) -> None:
    first.finds("a")
    assert scanned(door, work)["delta"] == delta(new=1)
    assert scanned(door, work)["delta"] == delta(unchanged=1)
    first.finds()
    repaired = scanned(door, work)
    assert (repaired["delta"], repaired["counts"]["medium"]) == (delta(fixed=1), 0)
    (finding,) = door.get("/findings").get_json()["items"]
    assert (finding["status"], finding["open"], finding["scan_id"]) == ("fixed", False, repaired["id"])
    assert finding["fixed_at"]
    assert scanned(door, work)["delta"] == delta()
    first.finds("a")
    assert scanned(door, work)["delta"] == delta(regressed=1)
    (finding,) = door.get("/findings").get_json()["items"]
    assert (finding["status"], finding["open"], finding["fixed_at"]) == ("regressed", True, None)
    assert finding["first_seen_at"] < finding["last_seen_at"]


def test_what_was_not_looked_for_is_not_fixed(
    door: Person, work: Callable[[], None], first: Scripted, second: Scripted
) -> None:
    first.finds("a")
    second.finds("b")
    scanned(door, work, "first", "second")
    assert scanned(door, work, "first")["delta"] == delta(unchanged=1, not_tested=1)
    assert statuses(door) == {"a": "unchanged", "b": "not_tested"}
    assert scanned(door, work, "first", "second")["delta"] == delta(unchanged=2)


def test_what_a_failed_step_did_not_see_is_not_fixed(door: Person, work: Callable[[], None], first: Scripted) -> None:
    first.finds("a")
    scanned(door, work)
    first.script = _raises
    assert scanned(door, work)["delta"] == delta(new=1, not_tested=1)


def test_what_was_seen_but_not_told_is_not_fixed(door: Person, work: Callable[[], None], first: Scripted) -> None:
    def cut_short(tools: Tools) -> Iterable[Finding]:
        tools.mark_not_tested("spot")
        yield spot("a")

    first.finds("a", "b")
    scanned(door, work)
    first.script = cut_short
    done = scanned(door, work)
    assert (done["delta"], done["steps"][0]["not_tested"]) == (delta(unchanged=1, not_tested=1), ["spot"])


def test_a_scan_cancelled_at_its_very_end_tells_nothing(
    door: Person, work: Callable[[], None], first: Scripted, scripted: Container, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = type(scripted.scanning.store).save

    def cancelled_before_the_end(store: Any, scan: Any, **kwargs: Any) -> Any:
        if scan.steps[0].state == "succeeded" and scan.state == "running":
            monkeypatch.setattr(type(store), "save", real)
            saved = real(store, scan, **kwargs)
            door.post(f"/scans/{scan.id}/cancel")
            return saved
        return real(store, scan, **kwargs)

    first.finds("a")
    scan_id = request(door)
    monkeypatch.setattr(type(scripted.scanning.store), "save", cancelled_before_the_end)
    work()
    assert (scan(door, scan_id)["state"], statuses(door)) == ("cancelled", {})


@pytest.mark.parametrize("writes", range(12))
def test_a_scan_cancelled_at_any_write_has_told_nothing_or_tells_it_all(
    door: Person, work: Callable[[], None], first: Scripted, writes: int
) -> None:
    """What a scan that ended told, it counts; what a cancelled one found is new to the next."""
    first.finds("a", "gone")
    scanned(door, work)
    first.finds("a", "b", "c")
    scan_id = request(door)
    answers: list[int] = []
    with _before_write(writes, lambda: answers.append(door.post(f"/scans/{scan_id}/cancel").status_code)):
        work()
    ended, expected = scan(door, scan_id), delta(new=2, unchanged=1, fixed=1)
    if answers == [200]:
        assert (ended["state"], ended["delta"]) == ("cancelled", {})
        assert statuses(door) == {"a": "new", "gone": "new"}
        assert scanned(door, work)["delta"] == expected
    else:
        assert answers == [409]
        assert (ended["state"], ended["delta"]) == ("succeeded", expected)
        assert scanned(door, work)["delta"] == delta(unchanged=3)


def test_a_scan_whose_time_runs_out_while_it_tells_goes_on_until_all_is_told(
    door: Person, timed: Workers, first: Scripted, clock: MovableClock, tick: Any
) -> None:
    first.finds("a", "b", "c", "d")
    scan_id = request(door)
    with pytest.MonkeyPatch.context() as patch:
        told = _only_one_each_time(patch)
        dead = timed.work_until_dead(timed.outputs.jobs_dead_queue_url, scan_id)
    assert (json.loads(dead["Body"])["arguments"]["scan_id"], len(told)) == (scan_id, 3)
    assert (scan(door, scan_id)["state"], statuses(door)) == ("running", dict.fromkeys(told, "new"))
    assert door.post(f"/scans/{scan_id}/cancel").get_json()["code"] == "scan_ending"
    clock.move(minutes=10)
    tick()
    timed.work()
    done = scan(door, scan_id)
    assert (done["state"], done["delta"], done["counts"]["medium"]) == ("succeeded", delta(new=4), 4)
    assert statuses(door) == dict.fromkeys("abcd", "new")
    request(door)
    timed.work()
    assert statuses(door) == dict.fromkeys("abcd", "unchanged")


def _only_one_each_time(patch: pytest.MonkeyPatch) -> list[str]:
    """Time for telling one finding and no more, every time; the places of those that were told."""
    real, told = FindingStore.track, []

    def track(store: FindingStore, finding: Any) -> None:
        real(store, finding)
        told.append(finding.place)
        signal.raise_signal(signal.SIGALRM)

    patch.setattr(FindingStore, "track", track)
    return told


def test_what_is_told_of_a_scan_is_what_its_own_findings_say(
    door: Person, first: Scripted, scripted: Container
) -> None:
    """Another scan of the target ends meanwhile, so that what was new when it was found is not when it is told."""

    def meanwhile(_tools: Tools) -> Iterable[Finding]:
        first.finds("a")
        scripted.scanning.run(door.organisation_id, earlier)
        yield spot("a")

    earlier, later = request(door), request(door)
    first.script = meanwhile
    scripted.scanning.run(door.organisation_id, later)
    assert statuses(door, later) == statuses(door) == {"a": "unchanged"}


def test_two_scans_of_a_target_at_once_agree_on_when_it_was_first_seen(
    door: Person, work: Callable[[], None], first: Scripted, scripted: Container
) -> None:
    def meanwhile(_tools: Tools) -> Iterable[Finding]:
        first.finds("a")
        scripted.scanning.run(door.organisation_id, earlier)
        yield spot("a")

    earlier = request(door)
    later = request(door)
    first.script = meanwhile
    scripted.scanning.run(door.organisation_id, later)
    (finding,) = door.get("/findings").get_json()["items"]
    assert (finding["status"], finding["scan_id"]) == ("unchanged", later)
    assert scan(door, earlier)["delta"] == delta(new=1)
    assert scan(door, later)["delta"] == delta(unchanged=1)
    assert finding["first_seen_at"] < finding["last_seen_at"]


@pytest.mark.parametrize("evidence", [{"peak": float("nan")}, {"peak": object()}, {"text": "x" * 70_000}])
def test_a_finding_that_could_not_be_stored_fails_its_step(
    door: Person, work: Callable[[], None], first: Scripted, evidence: Any
) -> None:
    first.script = lambda _tools: [spot("a", evidence=evidence)]
    done = scanned(door, work)
    assert (done["state"], done["steps"][0]["state"]) == ("failed", "failed")


def test_a_cancel_decided_upon_another_version_is_refused(door: Person, work: Callable[[], None]) -> None:
    scan_id = request(door)
    early = door.get(f"/scans/{scan_id}").headers["ETag"]
    work()
    assert door.post(f"/scans/{scan_id}/cancel", headers={"If-Match": early}).status_code == 412


def test_a_cancel_decided_upon_a_version_that_changes_meanwhile_is_refused(
    door: Person, scripted: Container, clock: MovableClock
) -> None:
    scan_id = request(door)
    early = door.get(f"/scans/{scan_id}").headers["ETag"]

    def claimed_meanwhile() -> None:
        mine = scripted.scanning.store.get(door.organisation_id, scan_id)
        assert mine is not None
        assert scripted.scanning.background.claim(mine, state=ScanState.RUNNING) is not None

    with _before_write(0, claimed_meanwhile):
        answer = door.post(f"/scans/{scan_id}/cancel", headers={"If-Match": early})
    assert (answer.status_code, scan(door, scan_id)["state"]) == (412, "running")
    assert door.post(f"/scans/{scan_id}/cancel").get_json()["state"] == "cancelled"


def test_findings_of_other_targets_and_tenants_are_not_touched(
    door: Person, work: Callable[[], None], first: Scripted, stranger: Person
) -> None:
    first.finds("a")
    scanned(door, work)
    request(door, target="img_00000000000000000000000001")
    other = Person(door.http, stranger.headers)
    request(other)
    first.finds()
    work()
    assert statuses(door) == {"a": "new"}
    assert statuses(other) == {}


def test_evidence_severity_and_version_do_not_make_another_finding(
    door: Person, work: Callable[[], None], first: Scripted
) -> None:
    first.script = lambda _tools: [spot("a", severity=Severity.LOW, evidence={"peak": 1.0})]
    scanned(door, work)
    first.version = "2.0.0"
    first.script = lambda _tools: [spot("a", severity=Severity.HIGH, evidence={"peak": 99.5})]
    assert scanned(door, work)["delta"] == delta(unchanged=1)
    (finding,) = door.get("/findings").get_json()["items"]
    assert (finding["severity"], finding["evidence"]) == ("high", {"peak": 99.5})


def test_an_older_scan_that_ends_later_does_not_overrule_a_newer_one(
    door: Person, work: Callable[[], None], first: Scripted, scripted: Container
) -> None:
    def overtaken(_tools: Tools) -> Iterable[Finding]:
        first.finds()
        newer = request(door)
        scripted.scanning.run(door.organisation_id, newer)
        yield spot("a")

    first.finds("a")
    scanned(door, work)
    first.script = overtaken
    scanned(door, work)
    assert statuses(door) == {"a": "fixed"}


class Crash(BaseException):
    """The worker dies, between two writes."""


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(
    before=st.sets(st.sampled_from("abcd")),
    after=st.sets(st.sampled_from("abcd")),
    crashes=st.lists(st.integers(0, 13), max_size=2),
)
def test_a_worker_that_dies_at_any_write_changes_nothing_in_the_end(
    scripted: Container, http: FlaskClient, issuer: Issuer, first: Scripted, clock: MovableClock, before: set[str],
    after: set[str], crashes: list[int],
) -> None:  # fmt: skip
    headers = {"Authorization": f"Bearer {issuer.token(os.urandom(8).hex())}"}
    me = Person(http, headers).get("/me").get_json()
    door = Person(create_app(scripted).test_client(), headers, me["organisation"]["id"])
    first.finds(*sorted(before))
    scripted.scanning.run(door.organisation_id, request(door))
    first.finds(*sorted(after))
    scan_id = request(door)
    for writes in crashes:
        clock.move(minutes=10)
        _die_after(writes, lambda: scripted.scanning.run(door.organisation_id, scan_id))
    clock.move(minutes=10)
    scripted.scanning.run(door.organisation_id, scan_id)
    done = scan(door, scan_id)
    assert done["state"] == "succeeded"
    assert done["delta"] == delta(new=len(after - before), unchanged=len(after & before), fixed=len(before - after))
    expected = {place: "unchanged" if place in before else "new" for place in after}
    present = {**expected, **dict.fromkeys(before - after, "fixed")}
    assert statuses(door) == present
    counts = door.get("/findings/counts").get_json()["by_status"]
    assert counts == {status: list(present.values()).count(status) for status in counts}


def _die_after(writes: int, act: Callable[[], None]) -> None:
    def die() -> None:
        raise Crash

    with _before_write(writes, die, ever_after=True), suppress(Crash):
        act()


@contextmanager
def _before_write(number: int, act: Callable[[], None], *, ever_after: bool = False) -> Iterator[None]:
    """Do something before the write of that number to the tables of Argus; writes inside of it do not count."""
    left, acting = number, False

    def counted(real: Any) -> Any:
        def write(self: Table, *args: Any, **kwargs: Any) -> Any:
            nonlocal left, acting
            left -= not acting
            if not acting and (left == -1 or (ever_after and left < 0)):
                acting = True
                try:
                    act()
                finally:
                    acting = False
            return real(self, *args, **kwargs)

        return write

    with pytest.MonkeyPatch.context() as patch:
        for verb in ("put", "put_many", "delete_many", "transact"):
            patch.setattr(Table, verb, counted(getattr(Table, verb)))
        yield
