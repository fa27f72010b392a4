"""Background work: a work item is claimed by one worker at a time, retried, and finally finished or given up.

A work item is a stored record that a worker must finish. Its job may be delivered twice, late or never, and its worker
may die at any moment. Therefore:

- A worker claims the item with a conditional write, for the time of a lease. It renews the lease while it works, and
  releases it on failure, so that the next delivery does not have to wait.
- Every unfinished item has a time of its next check, at which the sweep sends the job again: first after two minutes,
  then with an interval that doubles. An item that a worker holds is checked again when its lease ends. The time is the
  key of an index, and moving an entry costs two writes: a claim moves it only if it has passed, or if it is after the
  lease.
- An item is given up after its last attempt, after the last receive of its message failed, or if no worker claims it
  within a day. The change of its state is published to users.
"""

import logging
import random
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from secrets import token_hex
from types import TracebackType
from typing import Any, ClassVar, Generic, Protocol, Self, TypeVar, cast

from botocore.exceptions import BotoCoreError, ClientError

from argus.core import metrics
from argus.core.clock import Clock, from_rfc3339, rfc3339
from argus.core.dynamo import ConditionFailed, Item, Table, due_shard, due_shards
from argus.core.errors import ArgusError, Unavailable
from argus.core.functions import FUNCTIONS, WORKER
from argus.core.languages import Message
from argus.core.observability import seconds_left
from argus.core.paging import Listing
from argus.core.queue import JobQueue, NotQueued

MAX_ATTEMPTS = 3  # less than the queues' maxReceiveCount: a message may be received without an attempt
FIRST_CHECK = timedelta(minutes=2)
MAX_CHECKS = 11  # of an item that no worker claims: about a day
HEARTBEAT_SECONDS = 2.0  # between two writes that only renew a lease
PAGE = 100  # items
MAX_PER_SHARD = 200  # items in one sweep, so that no shard takes the time of the others
LAST_START_SECONDS = 6.0  # a sweep starts no check with less time left: one call to S3 may take this long

_KEYS = frozenset({"pk", "sk", "gsi1pk", "gsi1sk", "write_id"})

_log = logging.getLogger("argus.background")


class WorkItem(Protocol):
    """The attributes of every work item, a frozen dataclass of its capability."""

    @property
    def id(self) -> str: ...
    @property
    def organisation_id(self) -> str: ...
    @property
    def version(self) -> int: ...
    @property
    def attempts(self) -> int:
        """How often a worker has claimed it."""

    @property
    def checks(self) -> int:
        """How often the sweep has checked it since its last claim."""

    @property
    def lease_until(self) -> datetime | None:
        """When the claim of its worker ends."""

    @property
    def next_check_at(self) -> datetime | None:
        """When the sweep checks it next; None once it is finished."""


W = TypeVar("W", bound=WorkItem)


class PartialFailure(ArgusError):
    """Some items of a sweep could not be processed."""


class OutOfTime(ArgusError):
    """The time of a sweep ended before it had checked every due item. The next sweep continues."""


class NoAttemptsLeft(ArgusError):
    """The item is not tried again. Its job fails, so that the queue keeps the message."""


class ClaimLost(BaseException):
    """The item was cancelled, deleted or claimed by another worker.

    Not an `Exception`, so that a plugin that catches exceptions does not catch it.
    """


@dataclass(frozen=True)
class WorkItemStore(ABC, Generic[W]):
    """Work items in a table, by organisation and id. A write fails if the version has changed since the read.

    `gsi1pk` and `gsi1sk` index the unfinished items of all organisations by the time of their next check. The index has
    keys only, so that a write costs nothing there unless it changes the time.
    """

    table: Table
    longest_wait: ClassVar[timedelta] = timedelta(hours=4)  # between two checks
    due_prefix: ClassVar[str] = "due"  # of `gsi1pk`; different for each store of a table

    @abstractmethod
    def partition(self, organisation_id: str) -> str:
        """The partition key of an organisation's items."""

    @abstractmethod
    def to_attributes(self, item: W) -> Item:
        """The attributes of an item; those of `WorkItem` may be omitted."""

    @abstractmethod
    def from_attributes(self, attributes: Item) -> W:
        """The item with these attributes; those of `WorkItem` are Python values."""

    def add(self, item: W) -> None:
        """Store a new item. Its id is unique, so that a repeated write changes nothing."""
        self.table.put(self._to_item(item))

    def add_many(self, items: Iterable[W]) -> None:
        self.table.put_many(map(self._to_item, items))

    def get(self, organisation_id: str, item_id: str) -> W | None:
        found = self.table.get(self.partition(organisation_id), item_id)
        return self.from_item(found) if found else None

    def list(self, organisation_id: str, *, limit: int, after: Item | None) -> Listing[W]:
        """Newest first."""
        page = self.table.query(self.partition(organisation_id), newest_first=True, limit=limit, after=after)
        return Listing([self.from_item(item) for item in page.items], page.last_key)

    def save(self, item: W) -> W | None:
        """Write the item and return the stored one; None if it has changed since it was read.

        If a response is lost, botocore repeats the write, whose condition then fails. `write_id` identifies it.
        """
        write_id = token_hex(8)
        written = _changed(item, version=item.version + 1)
        try:
            self.table.put(
                {**self._to_item(written), "write_id": write_id},
                when="#version = :version",
                values={":version": item.version},
            )
        except ConditionFailed as failed:
            if failed.item is None or failed.item.get("write_id") != write_id:
                return None
        return written

    def delete(self, item: W) -> None:
        self.table.delete(self.partition(item.organisation_id), item.id)

    def due(self, shard: str, now: datetime) -> Iterator[Item]:
        """The stored items of a shard that are due, unparsed: an invalid item must not hide the others."""
        after, count = None, 0
        while count < MAX_PER_SHARD:
            page = self.table.query(shard, index="gsi1", up_to=rfc3339(now), limit=PAGE, after=after)
            found = self.table.get_many((entry["pk"], entry["sk"]) for entry in page.items)
            # The others were finished or postponed after their entries were written: an index lags behind.
            yield from (item for item in found if "gsi1sk" in item and item["gsi1sk"] <= rfc3339(now))
            after, count = page.last_key, count + len(page.items)
            if after is None:
                break

    def postpone(self, due: Item, *, now: datetime) -> W | None:
        """Move the next check of a due item, and return the item; None if a worker holds it, if it has changed, or if
        another sweep moved it.

        The version does not change, so that a slow worker can still finish the item.
        """
        lease_until, checks = due["lease_until"], due["checks"] + 1
        is_held = lease_until is not None and now <= from_rfc3339(lease_until)
        if is_held:
            changes = {"gsi1sk": lease_until}
        else:
            wait = min(FIRST_CHECK * 2 ** min(checks, MAX_CHECKS), self.longest_wait)
            changes = {"gsi1sk": rfc3339(now + wait), "checks": checks}
        try:
            postponed = self.table.update(
                due["pk"],
                due["sk"],
                changes=changes,
                when="#version = :version AND #gsi1sk = :due",
                values={":version": due["version"], ":due": due["gsi1sk"]},
            )
        except ConditionFailed:
            return None
        return None if is_held else self.from_item(postponed)

    def from_item(self, item: Item) -> W:
        """The item from its stored form."""
        attributes = {name: value for name, value in item.items() if name not in _KEYS}
        lease_until, check_at = item["lease_until"], item.get("gsi1sk")
        attributes["id"] = item["sk"]
        attributes["lease_until"] = from_rfc3339(lease_until) if lease_until else None
        attributes["next_check_at"] = from_rfc3339(check_at) if check_at else None
        return self.from_attributes(attributes)

    def _to_item(self, item: W) -> Item:
        stored = {
            **self.to_attributes(item),
            "pk": self.partition(item.organisation_id),
            "sk": item.id,
            "organisation_id": item.organisation_id,
            "version": item.version,
            "attempts": item.attempts,
            "checks": item.checks,
            "lease_until": rfc3339(item.lease_until) if item.lease_until else None,
        }
        for name in ("id", "next_check_at"):  # in the keys
            stored.pop(name, None)
        if item.next_check_at is not None:
            stored |= {"gsi1pk": due_shard(item.id, self.due_prefix), "gsi1sk": rfc3339(item.next_check_at)}
        return stored


@dataclass(frozen=True)
class Background(Generic[W]):
    """The background work on the items of one store."""

    store: WorkItemStore[W]
    jobs: JobQueue
    job: str  # the job of an item
    arguments: Callable[[W], Mapping[str, Any]]  # of the job
    to_failed: Callable[[W, Message], W | None]  # item, reason -> the failed item; None if it must not be given up
    event_of: Callable[[W], Any]  # the event about an item
    publish_event: Callable[[str, Any], None]  # organisation, event
    clock: Clock
    lease: timedelta
    function: Callable[[W], str] = lambda _item: WORKER  # the function that runs the job of an item
    clean_up: Callable[[W, Message], None] | None = None  # runs under a claim before an item is given up
    monotonic: Callable[[], float] = time.monotonic

    def start(self, item: W) -> W:
        """Store a new item, queue its job, and return the stored item.

        Once the item is stored, its work will be done: if the queue does not respond, the sweep sends the job. Raises
        ClientError if the queue rejects the message, which is an error in Argus.
        """
        new = _changed(item, next_check_at=self.clock() + FIRST_CHECK)
        self.store.add(new)
        try:
            self._send(new)
        except BotoCoreError as error:
            _log.error("could not queue a job; the sweep will send it", extra={"id": new.id}, exc_info=error)
        return new

    def add_many(self, items: Iterable[W]) -> list[W]:
        """Store new items and return them. Queue their jobs with `send_many`."""
        check_at = self.clock() + FIRST_CHECK
        new = [_changed(item, next_check_at=check_at) for item in items]
        self.store.add_many(new)
        return new

    def send_many(self, items: Iterable[W]) -> None:
        """Queue the jobs of stored items, like `start`.

        The sweep also sends the jobs that SQS answers but does not accept.
        """
        waiting = list(items)
        for function in sorted({self.function(item) for item in waiting}):
            batch = [item for item in waiting if self.function(item) == function]
            try:
                self.jobs.send_many(self.job, map(self.arguments, batch), function=function)
            except (BotoCoreError, NotQueued) as error:
                ids = [item.id for item in batch]
                _log.error("could not queue jobs; the sweep will send them", extra={"ids": ids}, exc_info=error)

    def is_held(self, item: W) -> bool:
        """Whether a worker's claim is still valid."""
        return item.lease_until is not None and self.clock() <= item.lease_until

    def claim(self, item: W, **changes: Any) -> "Claim[W] | None":
        """Claim an item for an attempt, and change it; None if another worker has it, or if it has changed.

        Raises NoAttemptsLeft, so that an item that kills its workers kills no more of them.
        """
        if self.is_held(item):
            return None
        if self._is_exhausted(item):
            raise NoAttemptsLeft(item.id)
        return self._claim(item, **changes)

    def _is_exhausted(self, item: W) -> bool:
        """Whether an item had all its attempts, and may be given up."""
        return item.attempts >= MAX_ATTEMPTS and self.to_failed(item, _reason(item)) is not None

    def _claim(self, item: W, **changes: Any) -> "Claim[W] | None":
        taken = _changed(self.leased(item), **changes, attempts=item.attempts + 1, checks=0)
        saved = self.write(taken, self.event_of(item))
        return Claim(self, saved) if saved is not None else None

    def leased(self, item: W) -> W:
        """The item with a lease from now on. The next check stays where it is if it comes within the lease."""
        now, check_at = self.clock(), item.next_check_at
        until = now + self.lease_of(item)
        stays = check_at is not None and now < check_at <= until
        return _changed(item, lease_until=until, next_check_at=check_at if stays else until)

    def lease_of(self, item: W) -> timedelta:
        """How long a claim lasts without renewal: proportional to the timeout of the function, and at most three
        minutes longer than it."""
        seconds = FUNCTIONS[self.function(item)].timeout_seconds
        proportional = self.lease * (seconds / FUNCTIONS[WORKER].timeout_seconds)
        return min(proportional, timedelta(seconds=seconds + 180))

    def finish(self, item: W) -> W | None:
        """Write the final state of an item; None if it has changed since it was read."""
        return self.write(_changed(item, lease_until=None, next_check_at=None), None)

    def write(self, item: W, last_event: Any) -> W | None:
        """Write an item, and publish its event if that differs from `last_event`."""
        saved = self.store.save(item)
        if saved is not None and (event := self.event_of(saved)) != last_event:
            self.publish_event(saved.organisation_id, event)
        return saved

    def release(self, claimed: W) -> None:
        """Release a claim, unless another worker has claimed the item since.

        The queue delivers the job again after its visibility timeout, or the sweep sends it after two leases, whichever
        is first. After the last attempt, the next sweep gives the item up.
        """
        try:
            item = self.store.get(claimed.organisation_id, claimed.id)  # the last write may have succeeded
            if item is not None and item.next_check_at is not None and item.attempts == claimed.attempts:
                self.store.save(_changed(item, lease_until=None, next_check_at=self._after_failure(item)))
        except (BotoCoreError, ClientError) as error:
            _log.warning("could not release a claim", extra={"id": claimed.id}, exc_info=error)

    def _after_failure(self, item: W) -> datetime:
        """The time of the next check. `give_up` claims too, with more than MAX_ATTEMPTS; if that fails, it waits."""
        was_last = item.attempts == MAX_ATTEMPTS and self._is_exhausted(item)
        return self.clock() if was_last else self.clock() + 2 * self.lease

    def give_up(self, item: W) -> bool:
        """Fail an item for which no attempt follows. Returns False if it is finished, must continue, or is claimed;
        otherwise True, also if another process changed the item first.

        A failed attempt has released its claim. A valid claim belongs to another delivery, or to a worker that died;
        then the sweep checks the item again.
        """
        if item.next_check_at is None or self.is_held(item):
            return False
        reason = _reason(item)
        failed = self.to_failed(item, reason)
        if failed is None:
            return False
        if self._fail(failed, item, reason):
            _log.error("given up", extra={"job": self.job, "id": item.id, "attempts": item.attempts})
            metrics.record({"given_up": 1})
        return True

    def _fail(self, failed: W, item: W, reason: Message) -> bool:
        """Write a failed item; whether it was unchanged since it was read."""
        if self.clean_up is None:
            return self.finish(failed) is not None
        claim = self._claim(item)
        if claim is None:
            return False
        with claim:
            self.clean_up(claim.item, reason)
            claim.finish(self.to_failed(claim.item, reason) or failed)
        return not claim.lost

    def sweep(self, check: Callable[[W], None] | None = None) -> None:
        """Check every due item, with `check` or by default `retry`. A failing item does not affect the others.

        The shards are in random order, and the sweep stops when the time of its tick ends: the next sweep continues. An
        item is postponed first, so that one that fails comes after the others next time. Raises PartialFailure at the
        end if items failed, else OutOfTime if it stopped.
        """
        now, failed, stopped = self.clock(), list[str](), None
        try:
            for due in self._due(now, failed):
                self._check(due, check or self.retry, now, failed)
        except OutOfTime as error:
            stopped = error
        if failed:
            raise PartialFailure(f"{len(failed)} failed; the first is {failed[0]}")
        if stopped:
            raise stopped

    def _check(self, due: Item, check: Callable[[W], None], now: datetime, failed: list[str]) -> None:
        """Postpone a due item and check it; add its id to `failed` if that fails."""
        try:
            item = self.store.postpone(due, now=now)
            if item is not None:
                check(item)
        except Exception as error:
            _log.error("could not check a due item", extra={"id": due["sk"]}, exc_info=error)
            failed.append(due["sk"])

    def _due(self, now: datetime, failed: list[str]) -> Iterator[Item]:
        """The due items of all shards; adds shards that cannot be read to `failed`. Raises OutOfTime."""
        shards = due_shards(self.store.due_prefix)
        for shard in random.sample(shards, len(shards)):
            _ensure_time()
            try:
                for due in self.store.due(shard, now):
                    _ensure_time()
                    yield due
            except (BotoCoreError, ClientError, Unavailable) as error:
                _log.error("could not read a shard", extra={"shard": shard}, exc_info=error)
                failed.append(shard)

    def retry(self, item: W) -> None:
        """Send the job of an item again, or give up the item."""
        exhausted = item.attempts >= MAX_ATTEMPTS or item.checks > MAX_CHECKS
        if not (exhausted and self.give_up(item)):
            self._send(item)

    def _send(self, item: W) -> None:
        self.jobs.send(self.job, self.arguments(item), function=self.function(item))


@dataclass
class Claim(Generic[W]):
    """The claim of one worker on one item, as a context manager.

    An exception releases the item. If the claim is lost, the block ends without an error, and `lost` is true.
    """

    background: Background[W]
    item: W
    lost: bool = False
    _saved_at: float = field(init=False)

    def __post_init__(self) -> None:
        self._saved_at = self.background.monotonic()

    def save(self, item: W) -> None:
        """Write the item and renew the lease. Raises ClaimLost."""
        self._write(self.background.leased(item))

    def heartbeat(self, item: W) -> bool:
        """Renew the lease and save progress, at most every HEARTBEAT_SECONDS; whether it did. Raises ClaimLost."""
        due = self.background.monotonic() - self._saved_at >= HEARTBEAT_SECONDS
        if due:
            self.save(item)
        return due

    def finish(self, item: W) -> None:
        """Write the item in its final state. Raises ClaimLost."""
        self._write(_changed(item, lease_until=None, next_check_at=None))

    def _write(self, item: W) -> None:
        saved = self.background.write(item, self.background.event_of(self.item))
        if saved is None:
            raise ClaimLost
        self.item, self._saved_at = saved, self.background.monotonic()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, _error: BaseException | None, _traceback: TracebackType | None
    ) -> bool:
        if kind is None:
            return False
        if issubclass(kind, ClaimLost):
            _log.info(
                "claim lost: the item was cancelled, deleted or claimed by another worker", extra={"id": self.item.id}
            )
            self.lost = True
            return True
        self.background.release(self.item)
        return False


def _changed(item: W, **changes: Any) -> W:
    """A copy with other attributes. A protocol cannot declare that its classes are dataclasses."""
    changed: W = replace(cast(Any, item), **changes)
    return changed


def _ensure_time() -> None:
    """Raise OutOfTime unless a check may start."""
    if seconds_left() < LAST_START_SECONDS:
        raise OutOfTime(f"{max(seconds_left(), 0):.1f} seconds left")


def _reason(item: WorkItem) -> Message:
    """The message for users about an item that is given up."""
    key = {0: "never_started", 1: "once"}.get(item.attempts, "attempts")
    return Message("argus.core", "processing_failed", key, {"attempts": item.attempts})
