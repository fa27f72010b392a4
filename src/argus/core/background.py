"""Background work: a work item is claimed by one worker at a time, retried, given up, and never forgotten.

A work item is something stored that a worker has to finish: an image to process, a scan to run, a report to build. Its
job may be delivered twice, late or not at all, and its worker may die at any moment. Therefore:

- A worker claims the item by a conditional write and holds it by a lease. It renews the lease while it works, and
  releases it when it fails, so that the next delivery need not wait.
- Every unfinished item has the time of its next check. When it comes, the sweep sends the job again: at first after two
  minutes, then after twice as long each time.
- An item is given up when its attempts are spent, or when no worker has claimed it within a day. Its change of state is
  announced to the users who wait for it.
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
from argus.core.errors import ArgusError
from argus.core.functions import FUNCTIONS, WORKER
from argus.core.languages import Message
from argus.core.observability import seconds_left
from argus.core.paging import Listing
from argus.core.queue import JobQueue, NotQueued

MAX_ATTEMPTS = 3  # as the queues' maxReceiveCount
FIRST_CHECK = timedelta(minutes=2)
MAX_CHECKS = 11  # of an item that no worker claims: a day
HEARTBEAT_SECONDS = 2.0  # between two writes that only renew a lease
PAGE = 100  # items
MAX_PER_SHARD = 200  # items in one sweep, so that no shard takes the time of all
LAST_START_SECONDS = 6.0  # a sweep begins no check with less time left: one call of S3 may take that long

_KEYS = frozenset({"pk", "sk", "gsi1pk", "gsi1sk", "write_id"})

_log = logging.getLogger("argus.background")


class WorkItem(Protocol):
    """What every work item has, a frozen dataclass of its capability."""

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
        """How often the sweep has checked it since a worker claimed it last."""

    @property
    def lease_until(self) -> datetime | None:
        """Until then the worker that claimed it may be alive."""

    @property
    def next_check_at(self) -> datetime | None:
        """When the sweep checks it; None once it is finished."""


W = TypeVar("W", bound=WorkItem)


class PartialFailure(ArgusError):
    """Some items of a sweep could not be processed."""


class ClaimLost(BaseException):
    """Someone else has changed the item: it was cancelled, deleted or taken over.

    Not an `Exception`: a plugin that catches those must not swallow it.
    """


@dataclass(frozen=True)
class WorkItemStore(ABC, Generic[W]):
    """Work items in a table, by organisation and id. Each is written only over the version that was read.

    `gsi1pk` and `gsi1sk` list the unfinished ones of all organisations by the time of their next check.
    """

    table: Table
    longest_wait: ClassVar[timedelta] = timedelta(hours=4)  # between two checks
    due_prefix: ClassVar[str] = "due"  # of `gsi1pk`; two stores in one table have two

    @abstractmethod
    def partition(self, organisation_id: str) -> str:
        """The partition key of an organisation's items."""

    @abstractmethod
    def to_attributes(self, item: W) -> Item:
        """The attributes of an item; those of `WorkItem` may be missing."""

    @abstractmethod
    def from_attributes(self, attributes: Item) -> W:
        """The item with these attributes, which has those of `WorkItem` as Python values."""

    def add(self, item: W) -> None:
        """Store a new item. Its id is its own, so that writing it twice changes nothing."""
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
        """The item as it is stored now; None when someone else has changed it since it was read.

        A write whose answer was lost is tried again by botocore, and refused. It is known by its id.
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
        """Items of a shard to check, as they are stored: one that cannot be read must not hide the others."""
        after, found = None, 0
        while found < MAX_PER_SHARD:
            page = self.table.query(shard, index="gsi1", up_to=rfc3339(now), limit=PAGE, after=after)
            yield from page.items
            after, found = page.last_key, found + len(page.items)
            if after is None:
                break

    def postpone(self, due: Item, *, now: datetime) -> W | None:
        """The item that is due, with its next check later; None when it has changed, or another sweep has it.

        Its version stays: nothing about the item has changed, and a worker that is late may still finish.
        """
        checks = due["checks"] + 1
        wait = min(FIRST_CHECK * 2 ** min(checks, MAX_CHECKS), self.longest_wait)
        try:
            postponed = self.table.update(
                due["pk"],
                due["sk"],
                changes={"gsi1sk": rfc3339(now + wait), "checks": checks},
                when="#version = :version AND #gsi1sk = :due",
                values={":version": due["version"], ":due": due["gsi1sk"]},
            )
        except ConditionFailed:
            return None
        return self.from_item(postponed)

    def from_item(self, item: Item) -> W:
        """The item as a query or a read has found it."""
        known = {name: value for name, value in item.items() if name not in _KEYS}
        lease_until, check_at = item["lease_until"], item.get("gsi1sk")
        known["id"] = item["sk"]
        known["lease_until"] = from_rfc3339(lease_until) if lease_until else None
        known["next_check_at"] = from_rfc3339(check_at) if check_at else None
        return self.from_attributes(known)

    def _to_item(self, item: W) -> Item:
        known = {
            **self.to_attributes(item),
            "pk": self.partition(item.organisation_id),
            "sk": item.id,
            "organisation_id": item.organisation_id,
            "version": item.version,
            "attempts": item.attempts,
            "checks": item.checks,
            "lease_until": rfc3339(item.lease_until) if item.lease_until else None,
        }
        for name in ("id", "next_check_at"):  # which are in the keys
            known.pop(name, None)
        if item.next_check_at is not None:
            known |= {"gsi1pk": due_shard(item.id, self.due_prefix), "gsi1sk": rfc3339(item.next_check_at)}
        return known


@dataclass(frozen=True)
class Background(Generic[W]):
    """The background work on the items of one store."""

    store: WorkItemStore[W]
    jobs: JobQueue
    job: str  # that is run for an item
    arguments: Callable[[W], Mapping[str, Any]]  # of the job
    failed: Callable[[W, Message], W | None]  # the item given up, for a reason; None for one that must go on
    change: Callable[[W], Any]  # what others see of an item
    announce: Callable[[str, Any], None]  # organisation, what others see of the item now
    clock: Clock
    lease: timedelta
    function: Callable[[W], str] = lambda _item: WORKER  # that runs the job of an item
    clean_up: Callable[[W, Message], None] | None = (
        None  # what is left to do, under a claim, before an item is given up
    )
    monotonic: Callable[[], float] = time.monotonic

    def start(self, item: W) -> W:
        """Store a new item and queue its job; the item as it is stored.

        Once it is stored its work will be done. If the queue does not answer, the sweep sends the job. A queue that
        refuses is a fault of ours, which callers see: raises ClientError.
        """
        new = _changed(item, next_check_at=self.clock() + FIRST_CHECK)
        self.store.add(new)
        try:
            self._send(new)
        except BotoCoreError as error:
            _log.error("a job was not queued; the sweep will send it", extra={"id": new.id}, exc_info=error)
        return new

    def add_many(self, items: Iterable[W]) -> list[W]:
        """Store new items, whose jobs `send_many` queues; the items as they are stored."""
        check_at = self.clock() + FIRST_CHECK
        new = [_changed(item, next_check_at=check_at) for item in items]
        self.store.add_many(new)
        return new

    def send_many(self, items: Iterable[W]) -> None:
        """Queue the jobs of items that are stored, as `start` does.

        Jobs that SQS does not take, though it answers, are left to the sweep as well.
        """
        waiting = list(items)
        for function in sorted({self.function(item) for item in waiting}):
            its_own = [item for item in waiting if self.function(item) == function]
            try:
                self.jobs.send_many(self.job, map(self.arguments, its_own), function=function)
            except (BotoCoreError, NotQueued) as error:
                ids = [item.id for item in its_own]
                _log.error("jobs were not queued; the sweep will send them", extra={"ids": ids}, exc_info=error)

    def is_held(self, item: W) -> bool:
        """Whether a worker has claimed it, and may be alive."""
        return item.lease_until is not None and self.clock() <= item.lease_until

    def claim(self, item: W, **changes: Any) -> "Claim[W] | None":
        """Take an item and change it, as one attempt; None when another worker has it, or it has changed."""
        if self.is_held(item):
            return None
        until = self.clock() + self.lease_of(item)
        taken = _changed(item, **changes, attempts=item.attempts + 1, checks=0, lease_until=until, next_check_at=until)
        saved = self.write(taken, self.change(item))
        return Claim(self, saved) if saved is not None else None

    def lease_of(self, item: W) -> timedelta:
        """How long a claim lasts that is not renewed: in proportion to the time of the function that makes it, but no
        longer than three minutes beyond that time."""
        seconds = FUNCTIONS[self.function(item)].timeout_seconds
        proportional = self.lease * (seconds / FUNCTIONS[WORKER].timeout_seconds)
        return min(proportional, timedelta(seconds=seconds + 180))

    def finish(self, item: W) -> W | None:
        """Write the final state of an item; None when someone else has changed it since it was read."""
        return self.write(_changed(item, lease_until=None, next_check_at=None), None)

    def write(self, item: W, seen: Any) -> W | None:
        """Write an item, and announce it when others see it change."""
        saved = self.store.save(item)
        if saved is not None and (change := self.change(saved)) != seen:
            self.announce(saved.organisation_id, change)
        return saved

    def release(self, claimed: W) -> None:
        """Give up a claim, unless another was made since.

        The queue delivers the job again after its visibility timeout, or the sweep sends it again after two leases:
        whichever comes first.
        """
        try:
            item = self.store.get(claimed.organisation_id, claimed.id)  # whatever was written last may have arrived
            if item is not None and item.next_check_at is not None and item.attempts == claimed.attempts:
                later = self.clock() + 2 * self.lease
                self.store.save(_changed(item, lease_until=None, next_check_at=later))
        except (BotoCoreError, ClientError) as error:
            _log.warning("a claim was not released", extra={"id": claimed.id}, exc_info=error)

    def give_up(self, item: W) -> bool:
        """End an item whose attempts have failed, unless it is finished, must go on, or a worker holds it.

        An attempt that failed has released its claim. One that lasts belongs to another delivery, or to a worker that
        vanished: then the sweep comes back.
        """
        if item.next_check_at is None or self.is_held(item):
            return False
        reason = _reason(item)
        failed = self.failed(item, reason)
        if failed is None:
            return False
        if self._end_as(failed, item, reason):
            _log.error("given up", extra={"job": self.job, "id": item.id, "attempts": item.attempts})
            metrics.record({"given_up": 1})
        return True

    def _end_as(self, failed: W, item: W, reason: Message) -> bool:
        """Write an item that is given up; whether nobody has changed it since it was read."""
        if self.clean_up is None:
            return self.finish(failed) is not None
        claim = self.claim(item)
        if claim is None:
            return False
        with claim:
            self.clean_up(claim.item, reason)
            claim.finish(self.failed(claim.item, reason) or failed)
        return not claim.lost

    def sweep(self, check: Callable[[W], None] | None = None) -> None:
        """Check every item whose time has come, each on its own; `check` instead of `retry` if there is one.

        The shards come in any order, and the sweep ends with the time of its tick: what is left has its turn in the
        next. An item is postponed before anything else, so that one that fails has its next turn behind others. Raises
        PartialFailure at the end for what failed.
        """
        now, failed = self.clock(), list[str]()
        for due in self._due(now, failed):
            try:
                item = self.store.postpone(due, now=now)
                if item is not None:
                    (check or self.retry)(item)
            except Exception as error:
                _log.error("could not process what is due", extra={"id": due["sk"]}, exc_info=error)
                failed.append(due["sk"])
        if failed:
            raise PartialFailure(f"{len(failed)} failed, {failed[0]} the first")

    def _due(self, now: datetime, failed: list[str]) -> Iterator[Item]:
        """What is due in every shard, while there is time; shards that cannot be read are added to `failed`."""
        shards = due_shards(self.store.due_prefix)
        for shard in random.sample(shards, len(shards)):
            if seconds_left() < LAST_START_SECONDS:
                return
            try:
                for due in self.store.due(shard, now):
                    yield due
                    if seconds_left() < LAST_START_SECONDS:
                        return
            except (BotoCoreError, ClientError) as error:
                _log.error("could not read what is due", extra={"shard": shard}, exc_info=error)
                failed.append(shard)

    def retry(self, item: W) -> None:
        """Send the job of an item again, or give the item up."""
        spent = item.attempts >= MAX_ATTEMPTS or item.checks > MAX_CHECKS
        if not (spent and self.give_up(item)):
            self._send(item)

    def _send(self, item: W) -> None:
        self.jobs.send(self.job, self.arguments(item), function=self.function(item))


@dataclass
class Claim(Generic[W]):
    """One worker's hold on one item, as a context manager.

    Leaving it by an exception releases the item. A lost claim ends the block quietly; `lost` says so.
    """

    background: Background[W]
    item: W
    lost: bool = False
    _saved_at: float = field(init=False)

    def __post_init__(self) -> None:
        self._saved_at = self.background.monotonic()

    def save(self, item: W) -> None:
        """Write the item and renew the lease. Raises ClaimLost."""
        until = self.background.clock() + self.background.lease_of(item)
        self._write(_changed(item, lease_until=until, next_check_at=until))

    def heartbeat(self, item: W) -> bool:
        """Renew the lease and show progress, but not at every call; whether it did. Raises ClaimLost."""
        due = self.background.monotonic() - self._saved_at >= HEARTBEAT_SECONDS
        if due:
            self.save(item)
        return due

    def finish(self, item: W) -> None:
        """Write the item in its final state. Raises ClaimLost."""
        self._write(_changed(item, lease_until=None, next_check_at=None))

    def _write(self, item: W) -> None:
        saved = self.background.write(item, self.background.change(self.item))
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
            _log.info("the claim was lost: cancelled, deleted or taken over", extra={"id": self.item.id})
            self.lost = True
            return True
        self.background.release(self.item)
        return False


def _changed(item: W, **changes: Any) -> W:
    """A copy with other attributes. A protocol cannot say that its classes are dataclasses."""
    changed: W = replace(cast(Any, item), **changes)
    return changed


def _reason(item: WorkItem) -> Message:
    """Why an item is given up, for the user who waits for it."""
    key = {0: "never_started", 1: "once"}.get(item.attempts, "attempts")
    return Message("argus.core", "processing_failed", key, {"attempts": item.attempts})
