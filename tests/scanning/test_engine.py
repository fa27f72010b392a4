"""A scan from its request to its end, including failures."""

import itertools
import json
from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError

from argus.container import Container
from argus.core.clock import rfc3339
from argus.imagery.reader import images
from argus.scanning.model import Finding, Run, RunState, Severity
from argus.scanning.plugin import Tools
from services.scheduler import main as scheduler
from services.worker import main as worker
from services.worker.batch import MAX_RECEIVES
from tests.conftest import MovableClock, Person, Workers
from tests.scanning.api import (
    TARGET,
    delta,
    die_after,
    request,
    run,
    scan,
    scanned,
    statuses,
)
from tests.scanning.scripted import Scripted, spot, time_runs_out

# ---------------------------------------------------------------- a scan


def test_a_scan_is_queued_run_and_succeeds(client: Person, work: Callable[[], None], first: Scripted) -> None:
    first.script = lambda _tools: [spot("a"), spot("b", severity=Severity.CRITICAL)]
    scan_id = request(client)
    queued = scan(client, scan_id)
    assert (queued["state"], queued["progress"], queued["steps"][0]["state"]) == ("queued", 0, "pending")
    work()
    done = scan(client, scan_id)
    assert (done["state"], done["progress"], done["reason"]) == ("succeeded", 100, "")
    assert done["counts"] == {"info": 0, "low": 0, "medium": 1, "high": 0, "critical": 1}
    assert done["delta"] == delta(new=2)
    (step,) = done["steps"]
    assert (step["plugin"], step["state"], step["findings"], step["progress"]) == ("first", "succeeded", 2, 100)


def test_findings_are_listed_most_severe_first_and_filtered(
    client: Person, work: Callable[[], None], first: Scripted
) -> None:
    first.script = lambda _tools: [
        spot("a", severity=Severity.LOW),
        spot("b", severity=Severity.CRITICAL),
        spot("c", severity=Severity.CRITICAL),
    ]
    scan_id = scanned(client, work)["id"]
    for path in (f"/scans/{scan_id}/findings", "/findings"):
        locations = [entry["location_key"] for entry in client.get(path).get_json()["items"]]
        assert (set(locations[:2]), locations[2:]) == ({"b", "c"}, ["a"])
        some = client.get(f"{path}?severity=critical&status=new&plugin=first&target=image:{TARGET}").get_json()["items"]
        assert {entry["location_key"] for entry in some} == {"b", "c"}
        assert client.get(f"{path}?status=fixed").get_json()["items"] == []
        assert client.get(f"{path}?target=image:{TARGET[:-1]}1").get_json()["items"] == []


def test_within_a_severity_the_findings_of_a_scan_are_in_the_order_of_the_plugin(
    client: Person, work: Callable[[], None], first: Scripted
) -> None:
    first.script = lambda _tools: [spot(location_key, severity=Severity.HIGH) for location_key in "dacb"]
    scan_id = scanned(client, work)["id"]
    for sort in ("-severity", "-first_seen_at"):
        found = client.get(f"/scans/{scan_id}/findings?sort={sort}").get_json()["items"]
        assert [entry["location_key"] for entry in found] == list("dacb")


def test_many_findings_are_written_and_paged(client: Person, work: Callable[[], None], first: Scripted) -> None:
    first.script = lambda _tools: [spot(f"p{number:03}") for number in range(130)]
    done = scanned(client, work)
    assert (done["steps"][0]["findings"], done["counts"]["medium"]) == (130, 130)
    seen: list[str] = []
    url: str | None = f"/scans/{done['id']}/findings?limit=50"
    while url:
        page = client.get(url).get_json()
        seen += [entry["location_key"] for entry in page["items"]]
        cursor = page["next_cursor"]
        url = f"/scans/{done['id']}/findings?limit=50&cursor={cursor}" if cursor else None
    assert seen == [f"p{number:03}" for number in range(130)]


def _same_position_twice(tools: Tools) -> Iterable[Finding]:
    for _ in range(2):
        yield spot(tools.positions("spot").match(5, 5, tolerance=8))


def test_two_calls_for_the_positions_of_a_rule_never_give_the_same_name(
    client: Person, work: Callable[[], None], first: Scripted, second: Scripted
) -> None:
    first.script = second.script = _same_position_twice
    for status in ("new", "unchanged"):
        scan_id = scanned(client, work, "first", "second")["id"]
        found = client.get(f"/scans/{scan_id}/findings").get_json()["items"]
        assert {(entry["plugin"], entry["location_key"], entry["status"]) for entry in found} == {
            (plugin, name, status) for plugin in ("first", "second") for name in ("5.0,5.0", "5.1,5.0")
        }


def _raises(_tools: Tools) -> Iterable[Finding]:
    yield spot("before")
    raise ValueError("could not open org_x/images/img_x/original")


def test_a_plugin_that_raises_fails_its_step_and_not_the_others(
    client: Person, work: Callable[[], None], first: Scripted, second: Scripted
) -> None:
    first.script = _raises
    second.finds("b")
    done = scanned(client, work, "first", "second")
    assert done["state"] == "failed"
    assert done["reason"] == "These plugins did not finish: first."
    assert [(step["state"], step["reason"]) for step in done["steps"]] == [
        ("failed", "The plugin stopped with an internal error (ValueError)."),
        ("succeeded", ""),
    ]
    assert "b" in statuses(client, done["id"])


def test_a_plugin_may_raise_only_what_it_declares(client: Person, work: Callable[[], None], first: Scripted) -> None:
    first.script = lambda _tools: [spot("a", rule="undeclared")]
    done = scanned(client, work)
    assert (done["state"], done["steps"][0]["reason"]) == (
        "failed",
        "The plugin used the rule undeclared, which its manifest does not declare.",
    )


def test_a_plugin_that_exceeds_its_time_budget_is_stopped(
    client: Person, work: Callable[[], None], first: Scripted, scripted: Container
) -> None:
    elapsed = iter(range(0, 100_000, 40))
    object.__setattr__(scripted.scanning.engine, "monotonic", lambda: float(next(elapsed)))

    def endless(tools: Tools) -> Iterable[Finding]:
        while True:
            tools.progress(0.5)
            yield spot("a")

    first.script = endless
    done = scanned(client, work)
    assert (done["state"], done["steps"][0]["reason"]) == (
        "failed",
        "The plugin ran longer than the 45 s that its manifest allows.",
    )


def test_a_plugin_that_was_uninstalled_fails_only_its_step(
    client: Person, work: Callable[[], None], second: Scripted, scripted: Container
) -> None:
    second.finds("b")
    scan_id = request(client, "first", "second")
    del scripted.catalogue.manifests["first"]
    work()
    done = scan(client, scan_id)
    assert [(step["state"], step["reason"]) for step in done["steps"]] == [
        ("failed", "There is no plugin first. List the plugins to see which ones are installed."),
        ("succeeded", ""),
    ]


def test_a_plugin_without_the_permission_reads_no_images(
    client: Person, work: Callable[[], None], first: Scripted
) -> None:
    first.script = lambda tools: [spot(str(images(tools)))]
    (step,) = scanned(client, work)["steps"]
    assert step["reason"] == "The plugin’s manifest does not declare the permission imagery."


def test_progress_is_shown_while_a_plugin_runs(
    client: Person, work: Callable[[], None], first: Scripted, scripted: Container
) -> None:
    elapsed = iter(range(0, 100_000, 3))
    object.__setattr__(scripted.scanning.runs, "monotonic", lambda: float(next(elapsed)))
    shown: list[int] = []

    def slow(tools: Tools) -> Iterable[Finding]:
        tools.progress(0.4)
        shown.append(scan(client, scan_id)["progress"])
        yield spot("a")

    first.script = slow
    scan_id = request(client, "first", "second")
    work()
    assert shown == [20]


# ---------------------------------------------------------------- invalid requests


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"plugins": [{"id": "first"}]}, 422, "unprocessable_entity"),
        ({"target": {"kind": "image", "id": TARGET}, "plugins": []}, 422, "unprocessable_entity"),
        ({"target": {"kind": "image", "id": TARGET}, "plugins": [{"id": "none"}]}, 404, "no_such_plugin"),
        ({"target": {"kind": "image", "id": TARGET}, "plugins": [{"id": "first"}] * 2}, 422, "repeated_plugin"),
        ({"target": {"kind": "image", "id": TARGET}, "plugins": ["first"]}, 422, "unprocessable_entity"),
        ({"target": {"kind": "image", "id": 7}, "plugins": [{"id": "first"}]}, 422, "unprocessable_entity"),
        ({"target": [], "plugins": {}}, 422, "unprocessable_entity"),
    ],
)
def test_an_invalid_scan_request_is_rejected_at_once(client: Person, body: Any, status: int, code: str) -> None:
    response = client.post("/scans", body)
    assert (response.status_code, response.get_json()["code"]) == (status, code)


# ---------------------------------------------------------------- at least once


def test_a_second_delivery_changes_nothing(
    client: Person, work: Callable[[], None], first: Scripted, scripted: Container
) -> None:
    first.finds("a")
    done = scanned(client, work)
    run(scripted, client.organisation_id, done["id"])
    assert (scan(client, done["id"]), first.runs) == (done, 1)


def test_two_concurrent_workers_run_a_scan_once(
    client: Person, work: Callable[[], None], first: Scripted, scripted: Container
) -> None:
    def meanwhile(_tools: Tools) -> Iterable[Finding]:
        run(scripted, client.organisation_id, scan_id)
        yield spot("a")

    first.script = meanwhile
    scan_id = request(client)
    work()
    assert (scan(client, scan_id)["state"], first.runs) == ("succeeded", 1)


def test_a_scan_is_resumed_where_a_dead_worker_left_it(
    client: Person,
    work: Callable[[], None],
    first: Scripted,
    second: Scripted,
    clock: MovableClock,
    tick: Callable[[], object],
) -> None:
    first.finds("a")

    def die(_tools: Tools) -> Iterable[Finding]:
        yield spot("partial")
        raise SystemExit

    second.script = die
    scan_id = request(client, "first", "second")
    with pytest.raises(SystemExit):
        work()
    assert scan(client, scan_id)["state"] == "running"
    second.finds("b")
    clock.move(minutes=10)
    tick()
    work()
    done = scan(client, scan_id)
    assert (done["state"], done["delta"], first.runs) == ("succeeded", delta(new=2), 1)
    assert statuses(client, scan_id) == {"a": "new", "b": "new"}


def test_a_scan_whose_message_was_lost_is_sent_again(
    client: Person, workers: Workers, work: Callable[[], None], first: Scripted, clock: MovableClock, tick: Any
) -> None:
    scan_id = request(client)
    workers.discard(scan_id)
    tick()
    work()
    assert scan(client, scan_id)["state"] == "queued"
    clock.move(minutes=3)
    tick()
    work()
    assert scan(client, scan_id)["state"] == "succeeded"


def test_a_scan_that_the_sweep_cannot_read_does_not_delay_others(
    client: Person,
    work: Callable[[], None],
    workers: Workers,
    scripted: Container,
    clock: MovableClock,
    tick: Any,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """It is logged, the tick fails, and it is checked again at its next check, not before."""
    unreadable, unsendable, valid = scans = [request(client) for _ in range(3)]
    for scan_id in scans:
        workers.discard(scan_id)
    table, pk = scripted.scanning.store.table, f"{client.organisation_id}#runs"
    item = table.get(pk, f"{unreadable}.00")
    assert item is not None
    real = type(scripted.jobs).send

    def send(jobs: Any, name: str, arguments: Any, **named: str) -> None:
        if arguments.get("run_id") == f"{unsendable}.00":
            raise ConnectionError("no queue")
        real(jobs, name, arguments, **named)

    clock.move(minutes=3)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(scripted.jobs), "send", send)
        table.put({**item, "state": "of a later version"})
        with pytest.raises(scheduler.SweepsFailed, match=r"^runs\.sweep$"):
            tick()
        tick()
    table.put({**item, "gsi1sk": rfc3339(clock() + timedelta(minutes=2))})
    logged = {getattr(record, "id", "") for record in caplog.records if record.levelname == "ERROR"}
    work()
    assert ({f"{unreadable}.00", f"{unsendable}.00"} <= logged, scan(client, valid)["state"]) == (True, "succeeded")
    clock.move(minutes=5)
    tick()
    work()
    assert [scan(client, scan_id)["state"] for scan_id in scans] == ["succeeded"] * 3


def test_a_scan_that_keeps_failing_is_given_up_and_its_message_is_dead_lettered(
    client: Person,
    work: Callable[[], None],
    workers: Workers,
    scripted: Container,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    scan_id = request(client)

    attempts: list[str] = []

    def broken(_engine: Any, run: Any, _runs: Any) -> Any:
        attempts.append(run.scan_id)
        raise ConnectionError("no store")

    with monkeypatch.context() as patch:
        patch.setattr(type(scripted.scanning.engine), "run", broken)
        dead = workers.work_until_dead(workers.outputs.jobs_dead_queue_url, scan_id)
    workers.work()
    assert scan(client, scan_id)["state"] == "failed"
    assert (json.loads(dead["Body"])["arguments"]["run_id"], attempts.count(scan_id)) == (f"{scan_id}.00", MAX_RECEIVES)


# ---------------------------------------------------------------- interrupted


def test_a_scan_interrupted_by_its_deadline_is_released_and_finished_by_the_next_delivery(
    client: Person, timed: Workers, first: Scripted, second: Scripted, redeliver: Callable[[], None]
) -> None:
    first.finds("a")
    second.script = time_runs_out
    scan_id = request(client, "first", "second")
    timed.work()
    assert (scan(client, scan_id)["state"], second.runs) == ("running", 1)
    second.finds("b")
    redeliver()
    timed.work()
    done = scan(client, scan_id)
    assert (done["state"], done["delta"], first.runs, second.runs) == ("succeeded", delta(new=2), 1, 2)


def test_a_scan_interrupted_on_its_last_attempt_fails_without_open_steps_and_is_dead_lettered(
    client: Person, timed: Workers, first: Scripted
) -> None:
    first.script = time_runs_out
    scan_id = request(client, "first", "second")
    dead = timed.work_until_dead(timed.outputs.jobs_dead_queue_url, scan_id)
    timed.work()
    assert json.loads(dead["Body"])["arguments"]["run_id"] == f"{scan_id}.00"
    failed = scan(client, scan_id)
    assert (failed["state"], failed["progress"], first.runs) == ("failed", 100, 3)
    assert [(step["state"], step["reason"]) for step in failed["steps"]] == [
        ("failed", "Processing failed after 3 attempts; the operators have been alerted."),
        ("succeeded", ""),
    ]


def test_a_message_that_keeps_failing_does_not_end_a_scan_that_another_worker_runs(
    client: Person, work: Callable[[], None], first: Scripted, scripted: Container
) -> None:
    """Two messages for one scan: the last receive of one fails while the other is processed."""

    def given_up_meanwhile(_tools: Tools) -> Iterable[Finding]:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(type(scripted.scanning.engine), "run", _no_store)
            assert worker.handler({"Records": [_last_receive(client, scan_id)]}, None)["batchItemFailures"]
        yield spot("a")

    first.script = given_up_meanwhile
    scan_id = request(client)
    work()
    assert (scan(client, scan_id)["state"], statuses(client)) == ("succeeded", {"a": "new"})


def _no_store(*_: Any) -> None:
    raise ConnectionError("no store")


def _last_receive(client: Person, scan_id: str) -> dict[str, Any]:
    body = {"job": "scan.run", "arguments": {"organisation_id": client.organisation_id, "run_id": f"{scan_id}.00"}}
    return {"messageId": "last", "body": json.dumps(body), "attributes": {"ApproximateReceiveCount": str(MAX_RECEIVES)}}


def test_a_scan_interrupted_by_aws_is_released(
    client: Person, work: Callable[[], None], first: Scripted, redeliver: Callable[[], None]
) -> None:
    def aws_fails(_tools: Tools) -> Iterable[Finding]:
        first.finds("a")
        yield spot("partial")
        raise EndpointConnectionError(endpoint_url="https://s3.example")

    first.script = aws_fails
    scan_id = request(client)
    work()
    assert scan(client, scan_id)["state"] == "running"
    redeliver()
    work()
    assert (scan(client, scan_id)["state"], first.runs) == ("succeeded", 2)


def test_a_run_claimed_by_another_worker_is_not_released_by_the_first(
    client: Person, first: Scripted, scripted: Container, clock: MovableClock
) -> None:
    """The first worker hangs until its lease has expired, and fails while another worker has the claim."""
    claimed_by_other: list[Run] = []

    def hang(_tools: Tools) -> Iterable[Finding]:
        clock.move(minutes=6)
        assert scripted.scanning.runs.claim(stored(), state=RunState.RUNNING) is not None
        claimed_by_other.append(stored())
        raise EndpointConnectionError(endpoint_url="https://s3.example")
        yield

    def stored() -> Run:
        found: Run | None = scripted.scanning.run_store.get(client.organisation_id, f"{scan_id}.00")
        assert found is not None
        return found

    first.script = hang
    scan_id = request(client)
    with pytest.raises(EndpointConnectionError):
        run(scripted, client.organisation_id, scan_id)
    assert [stored()] == claimed_by_other


# ---------------------------------------------------------------- cancelling


def test_a_queued_scan_is_cancelled_at_once(client: Person, work: Callable[[], None], first: Scripted) -> None:
    scan_id = request(client)
    for _ in range(2):
        response = client.post(f"/scans/{scan_id}/cancel")
        assert (response.status_code, response.get_json()["state"]) == (200, "cancelled")
    work()
    cancelled = scan(client, scan_id)
    assert (cancelled["state"], cancelled["steps"][0]["state"], first.runs) == ("cancelled", "cancelled", 0)


def test_a_cancelled_running_scan_stops_at_its_next_write_and_publishes_no_finding(
    client: Person, work: Callable[[], None], first: Scripted, second: Scripted
) -> None:
    def cancelled_meanwhile(_tools: Tools) -> Iterable[Finding]:
        client.post(f"/scans/{scan_id}/cancel")
        yield spot("a")

    first.script = cancelled_meanwhile
    scan_id = request(client, "first", "second")
    work()
    assert (scan(client, scan_id)["state"], second.runs, statuses(client)) == ("cancelled", 0, {})


def test_a_cancelled_scan_lists_nothing_although_a_plugin_has_found_something(
    client: Person, work: Callable[[], None], scripted: Container, first: Scripted, second: Scripted
) -> None:
    first.finds("a", "b")
    second.script = lambda _tools: (client.post(f"/scans/{scan_id}/cancel"), ())[1]
    scan_id = request(client, "first", "second")
    work()
    cancelled = scan(client, scan_id)
    assert (cancelled["state"], cancelled["counts"], cancelled["steps"][0]["findings"]) == ("cancelled", {}, 2)
    assert client.get(f"/scans/{scan_id}/findings").get_json() == {"items": [], "next_cursor": None}
    _, reported = scripted.scanning.result(client.organisation_id, scan_id)
    assert list(reported) == []


def test_a_scan_that_has_ended_cannot_be_cancelled(client: Person, work: Callable[[], None]) -> None:
    done = scanned(client, work)
    response = client.post(f"/scans/{done['id']}/cancel")
    assert (response.status_code, response.get_json()["code"]) == (409, "scan_ended")


def test_a_worker_that_dies_at_any_write_does_not_change_the_result(
    client: Person, scripted: Container, first: Scripted, clock: MovableClock
) -> None:
    """Once at each write of a scan, and at two writes in every fifth case, until a worker makes fewer writes.

    Every fourth scan finds nothing; each other one finds two spots anew, one as before, or none before.
    """

    def dies(writes: int, scan_id: str) -> bool:
        has_died = die_after(writes, lambda: run(scripted, client.organisation_id, scan_id))
        clock.move(minutes=10)
        return has_died

    before, fixed, numbers = set[str](), set[str](), itertools.count()
    for writes in itertools.count():
        for crashes in ((writes,), (writes, writes // 2)) if writes % 5 == 0 else ((writes,),):
            number = next(numbers)
            after = {f"{number} a", f"{number} b", f"stays {number // 4}"} if number % 4 else set()
            first.finds(*sorted(after))
            scan_id = request(client)
            died = [dies(crash, scan_id) for crash in crashes]
            run(scripted, client.organisation_id, scan_id)
            fixed |= before - after
            changes = {"new": after - before, "unchanged": after & before}
            done = scan(client, scan_id)
            counted = {status: len(keys) for status, keys in changes.items()}
            assert (done["state"], done["delta"]) == ("succeeded", delta(**counted, fixed=len(before - after))), writes
            present = {key: status for status, keys in changes.items() for key in keys}
            assert statuses(client) == {**dict.fromkeys(fixed, "fixed"), **present}, writes
            counts = client.get("/findings/counts").get_json()["by_status"]
            assert counts == delta(**counted, fixed=len(fixed)), writes
            before = after
        if not died[0]:
            break
    assert writes > 10
