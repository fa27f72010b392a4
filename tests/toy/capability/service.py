"""Toys: made, wound up by a worker, listed."""

from dataclasses import dataclass, replace
from datetime import timedelta

from argus.toy.model import Toy, ToyState
from argus.toy.store import ToyStore

from argus.core.clock import Clock
from argus.core.dynamo import Item
from argus.core.errors import NotFound
from argus.core.ids import Ids, is_id
from argus.core.paging import Listing
from argus.core.queue import Jobs
from argus.identity.model import Caller

RESEND_AFTER = timedelta(minutes=2)


class NoSuchToy(NotFound):
    """There is no such toy."""


@dataclass(frozen=True)
class Toys:
    """Toys of all organisations; every method for a caller stays within the caller's own."""

    store: ToyStore
    jobs: Jobs
    turns: int
    clock: Clock
    ids: Ids

    def create(self, caller: Caller, name: str) -> Toy:
        """Make a toy and queue its winding."""
        now = self.clock()
        toy = Toy(id=self.ids.new("toy"), organisation_id=caller.organisation_id, name=name, created_at=now)
        self.store.add(toy, next_check_at=now + RESEND_AFTER)
        self._send(toy)
        return toy

    def get(self, caller: Caller, toy_id: str) -> Toy:
        toy = self.store.get(caller.organisation_id, toy_id) if is_id(toy_id, "toy") else None
        if toy is None:
            raise NoSuchToy(toy_id)
        return toy

    def list(self, caller: Caller, *, limit: int, after: Item | None) -> Listing[Toy]:
        return self.store.list(caller.organisation_id, limit=limit, after=after)

    def wind(self, organisation_id: str, toy_id: str) -> None:
        """The job: a second delivery changes nothing."""
        toy = self.store.get(organisation_id, toy_id)
        if toy is not None and toy.state is ToyState.QUEUED:
            self.store.save(replace(toy, state=ToyState.WOUND, turns=self.turns))

    def give_up(self, organisation_id: str, toy_id: str) -> None:
        """The last attempt failed."""
        toy = self.store.get(organisation_id, toy_id)
        if toy is not None and toy.state is ToyState.QUEUED:
            self.store.save(replace(toy, state=ToyState.BROKEN))

    def sweep(self) -> None:
        """The tick: send again what stayed queued too long."""
        for toy in self.store.due(self.clock()):
            self._send(toy)

    def _send(self, toy: Toy) -> None:
        self.jobs.send("toy.wind", {"organisation_id": toy.organisation_id, "toy_id": toy.id})
