"""Background work of images, scans and reports."""

import itertools
import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from operator import attrgetter
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from argus.container import Container
from argus.core import background
from argus.core.background import (
    FIRST_CHECK,
    MAX_ATTEMPTS,
    MAX_CHECKS,
    Background,
    Claim,
    ClaimLost,
    NoAttemptsLeft,
    OutOfTime,
)
from argus.core.dynamo import Table, due_shard, due_shards
from argus.core.functions import SCANNER, WORKER
from argus.imagery.model import Image, ImageState, NewFile
from argus.reports.model import Report
from argus.scanning.model import Scan, Target
from infra.embedded.aws import EmbeddedAws
from infra.embedded.capacity import Capacity
from services.scheduler import main as scheduler
from tests.conftest import MovableClock, Person, Workers

Tick = Callable[[], Any]
IMAGE = "img_00000000000000000000000000"
SCAN = "scan_00000000000000000000000000"


def _image(argus: Container, organisation_id: str) -> Image:
    now = argus.clock()
    file = NewFile("a.jpg", 1, "image/jpeg")
    return Image(argus.ids.new("img"), organisation_id, file, "usr_a", now, upload_until=now + timedelta(hours=9))


def _scan(argus: Container, organisation_id: str) -> Scan:
    """A scan whose runs have ended, ready to be finalized."""
    return Scan(argus.ids.new("scan"), organisation_id, Target("image", IMAGE), "usr_a", argus.clock())


def _report(argus: Container, organisation_id: str) -> Report:
    return Report(argus.ids.new("rpt"), organisation_id, SCAN, "csv", "usr_a", argus.clock())


@dataclass(frozen=True)
class Kind:
    """A kind of work item."""

    make: Callable[[Container, str], Any]
    background: str
    path: str
    failed: str  # the state after it was given up
    claimed: dict[str, Any] = field(default_factory=dict)  # the changes of a claim


KINDS = {
    "image": Kind(_image, "imagery.background", "/images", "rejected", {"state": ImageState.PROCESSING}),
    "scan": Kind(_scan, "scanning.scans", "/scans", "failed"),
    "report": Kind(_report, "reports.background", "/reports", "failed"),
}


@dataclass(frozen=True)
class Item:
    """An unclaimed work item, with its announcements."""

    kind: Kind
    id: str
    owner: Person
    work: Background[Any]
    announced: list[Any]
    clock: MovableClock

    @property
    def stored(self) -> Any:
        found = self.work.store.get(self.owner.organisation_id, self.id)
        assert found is not None
        return found

    @property
    def seen(self) -> dict[str, Any]:
        """The item as its owner sees it."""
        return dict(self.owner.get(f"{self.kind.path}/{self.id}").get_json())

    def claimed(self) -> Claim[Any]:
        claim = self.work.claim(self.stored, **self.kind.claimed)
        assert claim is not None
        return claim

    def abandoned(self, times: int) -> None:
        """Workers claim it and die."""
        for _ in range(times):
            self.claimed()
            self.clock.move(minutes=6)


@pytest.fixture(scope="module")
def owner(new_owner: Callable[[], Person]) -> Person:
    """Of every item in this module."""
    return new_owner()


@pytest.fixture(params=KINDS)
def item(
    request: pytest.FixtureRequest,
    argus: Container,
    owner: Person,
    clock: MovableClock,
    monkeypatch: pytest.MonkeyPatch,
    workers: Workers,
) -> Item:
    kind = KINDS[request.param]
    work: Background[Any] = attrgetter(kind.background)(argus)
    announced: list[Any] = []
    monkeypatch.setitem(vars(work), "publish_event", lambda _organisation_id, event: announced.append(event))
    item_id = work.start(kind.make(argus, owner.organisation_id)).id
    workers.discard(item_id)
    return Item(kind, item_id, owner, work, announced, clock)


@pytest.fixture
def only_item(nothing_due: None, item: Item) -> Item:
    """An item, while no other is due."""
    return item


def _is_sent(workers: Workers, item: Item) -> bool:
    """Whether the queue contains a job for the item. Empties the queue."""
    return _times_sent(workers, item) > 0


def _times_sent(workers: Workers, item: Item) -> int:
    """How many jobs for the item the queue contains. Empties the queue."""
    url, bodies = workers.outputs.jobs_queue_url, []
    while found := workers.sqs.receive_message(QueueUrl=url, WaitTimeSeconds=0).get("Messages"):
        for message in found:
            workers.sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
            bodies.append(message["Body"])
    return sum(item.id in body for body in bodies)


def test_an_item_whose_workers_died_is_given_up_announced_and_counted(
    tick: Tick, only_item: Item, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorded: list[Any] = []
    monkeypatch.setattr(background.metrics, "record", lambda values, *_: recorded.append(values))
    only_item.abandoned(MAX_ATTEMPTS)
    del only_item.announced[:]
    tick()
    assert {"given_up": 1} in recorded
    assert (only_item.seen["state"], only_item.seen["reason"]) == (
        only_item.kind.failed,
        "Processing failed after 3 attempts; the operators have been alerted.",
    )
    assert [(change.id, change.state) for change in only_item.announced] == [(only_item.id, only_item.kind.failed)]
    assert only_item.stored.next_check_at is None


def test_an_item_whose_workers_died_in_all_its_attempts_cannot_be_claimed(item: Item) -> None:
    item.abandoned(MAX_ATTEMPTS)
    before = item.stored
    with pytest.raises(NoAttemptsLeft):
        item.claimed()
    assert item.stored == before


def test_an_item_is_given_up_by_the_sweep_after_its_last_attempt_failed(tick: Tick, only_item: Item) -> None:
    for _ in range(MAX_ATTEMPTS):
        with pytest.raises(RuntimeError), only_item.claimed():
            raise RuntimeError
    assert only_item.seen["state"] != only_item.kind.failed
    tick()
    assert only_item.seen["state"] == only_item.kind.failed


def test_an_item_whose_worker_died_is_sent_again_after_its_lease(tick: Tick, only_item: Item, workers: Workers) -> None:
    only_item.claimed()
    only_item.clock.move(minutes=4)
    tick()
    assert not _is_sent(workers, only_item)
    only_item.clock.move(minutes=2)
    tick()
    assert _is_sent(workers, only_item)


@pytest.mark.parametrize("item", ["scan", "report"], indirect=True)
def test_an_item_that_no_worker_claims_is_sent_again_with_backoff_and_then_given_up(
    item: Item, workers: Workers
) -> None:
    started, sent = item.clock(), []
    while item.seen["state"] == "queued":
        item.clock.move(seconds=1 + (item.stored.next_check_at - item.clock()).total_seconds())
        item.work.sweep()
        if _is_sent(workers, item):
            sent.append(round((item.clock() - started) / timedelta(minutes=1)))
    assert sent[:8] == [2, 6, 14, 30, 62, 126, 254, 494]
    assert (len(sent), item.seen["state"]) == (MAX_CHECKS, item.kind.failed)
    assert item.clock() - started > timedelta(hours=24)
    assert item.seen["reason"] == "Processing could not start; the operators have been alerted."


def test_an_item_that_must_not_be_given_up_is_checked_forever(
    tick: Tick, only_item: Item, monkeypatch: pytest.MonkeyPatch
) -> None:
    item = only_item
    monkeypatch.setitem(vars(item.work), "to_failed", lambda *_: None)
    item.abandoned(MAX_ATTEMPTS)
    for checks in (MAX_CHECKS, 40, 10_000):
        due_at = item.clock() - timedelta(seconds=1)
        assert item.work.store.save(replace(item.stored, checks=checks, next_check_at=due_at)) is not None
        tick()
        later = item.stored.next_check_at - item.clock()
        assert timedelta(0) < later <= item.work.store.longest_wait
        assert item.stored.checks == checks + 1
    with item.claimed() as claim:
        assert claim.item.attempts == MAX_ATTEMPTS + 1


def test_the_last_attempt_of_one_delivery_does_not_fail_an_item_that_another_worker_claims(item: Item) -> None:
    with item.claimed():
        assert not item.work.give_up(item.stored)
    assert item.stored.next_check_at is not None


def test_a_finished_item_is_not_given_up(tick: Tick, only_item: Item) -> None:
    with only_item.claimed() as claim:
        claim.finish(claim.item)
    assert not only_item.work.give_up(only_item.stored)
    only_item.clock.move(hours=10)
    tick()
    assert only_item.seen["state"] != only_item.kind.failed


def test_only_one_of_two_workers_claims_an_item(item: Item) -> None:
    read_by_both = item.stored
    assert [item.work.claim(read_by_both) is not None for _ in range(2)] == [True, False]
    assert item.work.claim(item.stored) is None


def test_a_heartbeat_keeps_the_claim(item: Item, monkeypatch: pytest.MonkeyPatch) -> None:
    seconds = [0.0]
    monkeypatch.setitem(vars(item.work), "monotonic", lambda: seconds[0])
    with item.claimed() as claim:
        before = item.stored.version
        claim.heartbeat(claim.item)
        assert item.stored.version == before, "only after HEARTBEAT_SECONDS"
        item.clock.move(minutes=4)
        seconds[0] += background.HEARTBEAT_SECONDS
        claim.heartbeat(claim.item)
        item.clock.move(minutes=4)
        assert item.work.claim(item.stored) is None
        claim.finish(claim.item)


def test_a_lost_claim_ends_without_error_and_changes_nothing(item: Item) -> None:
    with item.claimed() as claim:
        item.clock.move(minutes=6)
        taken_over = item.claimed().item
        claim.finish(claim.item)
        pytest.fail("the block ends when the claim is lost")
    assert claim.lost
    assert (item.stored.attempts, item.stored.version) == (2, taken_over.version)


def test_a_plugin_that_catches_exceptions_does_not_catch_a_lost_claim() -> None:
    assert not issubclass(ClaimLost, Exception)


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_a_failure_releases_the_claim(item: Item, error: type[BaseException]) -> None:
    with pytest.raises(error), item.claimed():
        raise error
    assert item.stored.lease_until is None
    assert item.stored.next_check_at - item.clock() > FIRST_CHECK, "the queue retries first"
    assert item.claimed().item.attempts == 2


def test_a_failure_releases_no_claim_of_another_worker(item: Item) -> None:
    def hang() -> None:
        with item.claimed():
            item.clock.move(minutes=6)
            item.claimed()
            raise RuntimeError

    with pytest.raises(RuntimeError):
        hang()
    assert item.work.is_held(item.stored)


def test_a_claim_that_cannot_be_released_ends_with_its_lease(item: Item, monkeypatch: pytest.MonkeyPatch) -> None:
    def unreachable(*_: Any) -> Any:
        raise EndpointConnectionError(endpoint_url="https://dynamodb.example")

    def fail() -> None:
        with monkeypatch.context() as broken, item.claimed():
            broken.setattr(type(item.work.store), "get", unreachable)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert item.work.claim(item.stored) is None
    item.clock.move(minutes=6)
    assert item.claimed().item.attempts == 2


def test_a_visible_change_is_announced_once(item: Item) -> None:
    with item.claimed() as claim:
        del item.announced[:]
        claim.save(claim.item)
        assert item.announced == []
        claim.finish(replace(claim.item, state=type(claim.item.state)(item.kind.failed)))
    assert [change.state for change in item.announced] == [item.kind.failed]


def _lose_the_answer(item: Item, monkeypatch: pytest.MonkeyPatch) -> None:
    """The next write of the item succeeds, and botocore repeats it, as after a timeout."""
    table = item.work.store.table
    put = type(table).put

    def twice(self: Any, *given: Any, **named: Any) -> None:
        monkeypatch.setattr(type(table), "put", put)
        put(self, *given, **named)
        put(self, *given, **named)

    monkeypatch.setattr(type(table), "put", twice)


def test_a_write_whose_response_was_lost_succeeds(item: Item, monkeypatch: pytest.MonkeyPatch) -> None:
    _lose_the_answer(item, monkeypatch)
    claim = item.claimed()
    assert claim.item == replace(
        item.stored, lease_until=claim.item.lease_until, next_check_at=claim.item.next_check_at
    )
    del item.announced[:]
    with claim:
        _lose_the_answer(item, monkeypatch)
        claim.finish(replace(claim.item, state=type(claim.item.state)(item.kind.failed)))
    assert not claim.lost
    assert [change.state for change in item.announced] == [item.kind.failed]


def test_a_shard_that_cannot_be_read_does_not_hide_the_others(
    tick: Tick, only_item: Item, workers: Workers, monkeypatch: pytest.MonkeyPatch
) -> None:
    query = Table.query

    def throttled(table: Table, pk: str, **named: Any) -> Any:
        if pk in due_shards() and pk != due_shard(only_item.id):
            raise EndpointConnectionError(endpoint_url="https://dynamodb.example")
        return query(table, pk, **named)

    monkeypatch.setattr(Table, "query", throttled)
    only_item.clock.move(minutes=3)
    with pytest.raises(scheduler.SweepsFailed):
        tick()
    assert _is_sent(workers, only_item)


def test_a_sweep_starts_nothing_when_its_time_is_over(
    tick: Tick, only_item: Item, workers: Workers, monkeypatch: pytest.MonkeyPatch
) -> None:
    only_item.clock.move(minutes=3)
    with monkeypatch.context() as late:
        late.setattr(scheduler, "TICK_SECONDS", background.LAST_START_SECONDS - 0.1)
        assert set(tick()["outcomes"].values()) == {"out_of_time"}
        assert not _is_sent(workers, only_item)
    assert set(tick()["outcomes"].values()) == {"done"}
    assert _is_sent(workers, only_item)


def test_a_sweep_that_stops_between_two_items_says_so_and_the_next_one_continues(
    argus: Container,
    owner: Person,
    reports: Background[Report],
    workers: Workers,
    clock: MovableClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    added = reports.add_many(_new_reports(argus, owner, "csv", "csv", "csv"))
    clock.move(minutes=3)
    checked: list[Report] = []
    with monkeypatch.context() as limited:
        limited.setattr(background, "seconds_left", lambda: 0.0 if checked else 100.0)
        with pytest.raises(OutOfTime):
            reports.sweep(checked.append)
    assert len(checked) == 1
    reports.sweep()
    assert len(_sent(workers)[WORKER]) == len(added) - 1, "the first one was postponed"


# ---------------------------------------------------------------- the index of the next checks


@dataclass
class Entry:
    """The entry of an item in the index of the next checks."""

    item: Item
    client: Any
    before: dict[str, Any] | None = None

    def units(self) -> int:
        """The write units of the index since the last call, if one write was made."""
        name = self.item.work.store.table.name
        indexes = Capacity.of(self.client.describe_table(TableName=name)["Table"]).indexes
        (index,) = (each for each in indexes if "gsi1pk" in each.keys)
        key = {"pk": {"S": self.item.work.store.partition(self.item.owner.organisation_id)}, "sk": {"S": self.item.id}}
        before, self.before = self.before, self.client.get_item(TableName=name, Key=key)["Item"]
        return index.write_units(before, self.before)

    @property
    def exists(self) -> bool:
        store = self.item.work.store
        entries = store.table.query(due_shard(self.item.id, store.due_prefix), index="gsi1").items
        return self.item.id in [entry["sk"] for entry in entries]


@pytest.fixture
def entry(item: Item, aws: EmbeddedAws) -> Entry:
    found = Entry(item, aws.client("dynamodb"))
    assert (found.units(), found.exists) == (1, True)
    return found


@pytest.fixture
def beating(monkeypatch: pytest.MonkeyPatch, item: Item) -> None:
    """Every heartbeat is due."""
    seconds = itertools.count(step=background.HEARTBEAT_SECONDS)
    monkeypatch.setitem(vars(item.work), "monotonic", lambda: next(seconds))


@pytest.mark.usefixtures("beating")
def test_until_its_check_a_claimed_item_moves_no_index_entry(item: Item, entry: Entry) -> None:
    with item.claimed() as claim:
        units = [entry.units()]
        for seconds in (30, 30, 30):
            item.clock.move(seconds=seconds)
            claim.save(claim.item)
            units.append(entry.units())
            assert claim.heartbeat(claim.item)
            units.append(entry.units())
        assert (units, entry.exists) == ([0] * 7, True)
        claim.finish(claim.item)
        assert (entry.units(), entry.exists) == (1, False)


@pytest.mark.usefixtures("beating")
def test_after_its_check_a_claimed_item_moves_its_index_entry_once_per_lease(item: Item, entry: Entry) -> None:
    with item.claimed() as claim:
        entry.units()
        units = []
        for _ in range(9):
            item.clock.move(minutes=1)
            claim.heartbeat(claim.item)
            units.append(entry.units())
        lease_minutes = round(item.work.lease_of(claim.item) / timedelta(minutes=1))
        assert units[: 2 + lease_minutes] == [0, 2, *[0] * (lease_minutes - 1), 2]
        assert claim.item.next_check_at > item.clock()
        claim.finish(claim.item)


def test_the_check_of_a_held_item_moves_to_the_end_of_its_lease(tick: Tick, only_item: Item, workers: Workers) -> None:
    only_item.claimed()
    before = only_item.stored
    only_item.clock.move(minutes=3)
    tick()
    assert not _is_sent(workers, only_item)
    assert only_item.stored == replace(before, next_check_at=before.lease_until)
    assert before.checks == 0
    tick()
    assert only_item.stored.next_check_at == before.lease_until
    only_item.clock.move(seconds=(before.lease_until - only_item.clock()).total_seconds() + 1)
    tick()
    assert _is_sent(workers, only_item)
    assert only_item.stored.checks == 1


@pytest.mark.parametrize("item", ["report"], indirect=True)
@pytest.mark.usefixtures("beating")
def test_a_worker_that_works_for_an_hour_is_never_disturbed(only_item: Item, workers: Workers) -> None:
    with only_item.claimed() as claim:
        for _ in range(60):
            only_item.clock.move(seconds=30)
            claim.heartbeat(claim.item)
            only_item.clock.move(seconds=30)
            only_item.work.sweep()
        assert (only_item.stored.checks, only_item.stored.attempts) == (0, 1)
        claim.finish(claim.item)
    only_item.work.sweep()
    assert (claim.lost, _times_sent(workers, only_item)) == (False, 0)


def test_an_item_whose_worker_died_is_sent_after_its_lease_also_if_its_check_was_later(
    tick: Tick, only_item: Item, workers: Workers
) -> None:
    """It waited for hours until a worker claimed it: without a claim it would be checked in hours."""
    in_hours = only_item.clock() + timedelta(hours=3)
    assert only_item.work.store.save(replace(only_item.stored, checks=7, next_check_at=in_hours)) is not None
    only_item.claimed()
    only_item.clock.move(minutes=6)
    tick()
    assert _is_sent(workers, only_item)


def _after_the_query(monkeypatch: pytest.MonkeyPatch, item: Item, act: Callable[[], object]) -> None:
    """Act once between the query of a sweep that finds the item, and its read of the item."""
    real = Table.get_many

    def read(table: Table, keys: Any) -> Any:
        keys = list(keys)
        if item.id in [sk for _, sk in keys]:
            monkeypatch.setattr(Table, "get_many", real)
            act()
        return real(table, keys)

    monkeypatch.setattr(Table, "get_many", read)


def test_an_item_that_is_finished_during_a_sweep_is_skipped(
    tick: Tick, only_item: Item, workers: Workers, monkeypatch: pytest.MonkeyPatch
) -> None:
    only_item.clock.move(minutes=3)
    _after_the_query(monkeypatch, only_item, lambda: only_item.work.finish(only_item.stored))
    tick()
    assert not _is_sent(workers, only_item)
    assert (only_item.stored.next_check_at, only_item.stored.checks) == (None, 0)


def test_an_item_that_another_sweep_has_sent_after_the_query_is_not_sent_again(
    tick: Tick, only_item: Item, workers: Workers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The index of a sweep may be older than the items that it reads."""
    only_item.clock.move(minutes=3)
    _after_the_query(monkeypatch, only_item, only_item.work.sweep)
    tick()
    assert (_times_sent(workers, only_item), only_item.stored.checks) == (1, 1)


def test_an_invalid_item_does_not_hide_the_others(tick: Tick, only_item: Item, workers: Workers) -> None:
    store = only_item.work.store
    shard = due_shard(only_item.id, store.due_prefix)
    key = {"pk": store.partition(only_item.owner.organisation_id), "sk": f"{only_item.id}-invalid"}
    store.table.put({**key, "gsi1pk": shard, "gsi1sk": "2026-01-01T00:00:00.000Z"})
    only_item.clock.move(minutes=3)
    try:
        with pytest.raises(scheduler.SweepsFailed):
            tick()
    finally:
        store.table.delete(key["pk"], key["sk"])
    assert _is_sent(workers, only_item)


def test_a_worker_saves_and_finishes_an_item_that_the_sweep_postponed_after_its_read(
    tick: Tick, only_item: Item, workers: Workers
) -> None:
    with only_item.claimed() as claim:
        only_item.clock.move(minutes=3)
        tick()
        assert only_item.stored.next_check_at == only_item.stored.lease_until
        claim.save(claim.item)
        assert only_item.stored.next_check_at > only_item.clock()
        claim.finish(claim.item)
    assert (claim.lost, only_item.stored.next_check_at) == (False, None)
    assert not _is_sent(workers, only_item)


def test_a_worker_claims_an_item_that_the_sweep_postponed_after_its_read(tick: Tick, only_item: Item) -> None:
    read = only_item.stored
    only_item.clock.move(minutes=3)
    tick()
    assert only_item.stored.checks == 1
    claim = only_item.work.claim(read, **only_item.kind.claimed)
    assert claim is not None
    assert (only_item.stored.checks, only_item.stored.attempts) == (0, 1)


# ---------------------------------------------------------------- many items, for several functions


@pytest.fixture
def reports(argus: Container, workers: Workers, nothing_due: None) -> Background[Report]:
    """The work on reports, as if the scanner built PDF reports."""
    backoff = replace(argus.jobs.backoff, sleep=lambda _: None)
    jobs = replace(argus.jobs, functions={"report.build": (WORKER, SCANNER)}, backoff=backoff)
    function = {"csv": WORKER, "json": WORKER, "pdf": SCANNER}
    return replace(argus.reports.background, jobs=jobs, function=lambda report: function[report.format])


def _new_reports(argus: Container, owner: Person, *formats: str) -> list[Report]:
    return [replace(_report(argus, owner.organisation_id), format=each) for each in formats]


def _sent(workers: Workers) -> dict[str, list[str]]:
    """By function: the reports whose jobs are in its queue. Empties the queues."""
    urls, sent = {WORKER: workers.outputs.jobs_queue_url, SCANNER: workers.outputs.scans_queue_url}, {}
    for function, url in urls.items():
        ids = sent[function] = list[str]()
        while found := workers.sqs.receive_message(QueueUrl=url, WaitTimeSeconds=0).get("Messages"):
            for message in found:
                workers.sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
                ids.append(json.loads(message["Body"])["arguments"]["report_id"])
        ids.sort()
    return sent


def test_many_items_are_stored_and_each_sent_to_its_function(
    argus: Container, owner: Person, reports: Background[Report], workers: Workers
) -> None:
    new = _new_reports(argus, owner, *["csv", "pdf"] * 13)
    added = reports.add_many(iter(new))
    assert [report.id for report in added] == [report.id for report in new]
    assert _sent(workers) == {WORKER: [], SCANNER: []}
    reports.send_many(iter(added))
    stored = [reports.store.get(owner.organisation_id, report.id) for report in new]
    assert all(report is not None and report.next_check_at is not None for report in stored)
    assert _sent(workers) == {
        WORKER: sorted(report.id for report in new[::2]),
        SCANNER: sorted(report.id for report in new[1::2]),
    }


def _hang(*_: Any, **__: Any) -> Any:
    raise EndpointConnectionError(endpoint_url="https://sqs.example")


def _take_nothing(*, Entries: list[dict[str, str]], **_: Any) -> dict[str, Any]:
    return {"Failed": [{"Id": entry["Id"], "Code": "InternalError"} for entry in Entries]}


@pytest.mark.parametrize("broken", [_hang, _take_nothing], ids=["SQS does not respond", "SQS takes nothing"])
def test_jobs_that_could_not_be_queued_are_sent_by_the_sweep_to_their_function(
    argus: Container,
    owner: Person,
    reports: Background[Report],
    workers: Workers,
    clock: MovableClock,
    broken: Callable[..., Any],
) -> None:
    client = SimpleNamespace(send_message_batch=broken)
    csv, pdf = reports.add_many(_new_reports(argus, owner, "csv", "pdf"))
    replace(reports, jobs=replace(reports.jobs, client=lambda: client)).send_many([csv, pdf])
    assert _sent(workers) == {WORKER: [], SCANNER: []}
    clock.move(minutes=3)
    reports.sweep()
    assert _sent(workers) == {WORKER: [csv.id], SCANNER: [pdf.id]}


def test_a_queue_that_rejects_a_batch_raises(argus: Container, owner: Person, reports: Background[Report]) -> None:
    nowhere = replace(reports.jobs, queue_url=lambda _: argus.settings.queue_url("nowhere"))
    with pytest.raises(ClientError, match="NonExistentQueue"):
        replace(reports, jobs=nowhere).send_many(reports.add_many(_new_reports(argus, owner, "csv")))
