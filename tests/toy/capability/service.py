"""Toys: made, wound up by a worker, listed."""

from dataclasses import dataclass, replace

from argus.toy.model import Toy, ToyState
from argus.toy.store import ToyStore

from argus.core.background import Background
from argus.core.clock import Clock
from argus.core.dynamo import Item
from argus.core.errors import NotFound
from argus.core.ids import Ids, is_id
from argus.core.paging import Listing
from argus.identity.model import Caller


class NoSuchToy(NotFound):
    """There is no such toy."""


@dataclass(frozen=True)
class Toys:
    """Toys of all organisations; every method for a caller stays within the caller's own."""

    store: ToyStore
    background: Background[Toy]
    turns: int
    clock: Clock
    ids: Ids

    def create(self, caller: Caller, name: str) -> Toy:
        """Make a toy and queue its winding."""
        toy_id, now = self.ids.new("toy"), self.clock()
        return self.background.start(Toy(toy_id, caller.organisation_id, name, created_at=now))

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
        claim = self.background.claim(toy) if toy and toy.state is ToyState.QUEUED else None
        if claim is None:
            return
        with claim:
            claim.finish(replace(claim.item, state=ToyState.WOUND, turns=self.turns))

    def give_up(self, organisation_id: str, toy_id: str) -> None:
        """The last attempt failed."""
        toy = self.store.get(organisation_id, toy_id)
        if toy is not None:
            self.background.give_up(toy)

    def sweep(self) -> None:
        """The tick: check toys that stayed queued."""
        self.background.sweep()
