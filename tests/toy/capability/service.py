"""Toys: made, wound up by a worker, listed."""

from dataclasses import dataclass, replace

from argus.toy.model import Toy, ToyState
from argus.toy.store import ToyStore

from argus.core.background import Background
from argus.core.caller import Caller
from argus.core.clock import Clock
from argus.core.dynamo import Item
from argus.core.errors import Invalid, NotFound
from argus.core.ids import Ids, is_id
from argus.core.paging import Listing
from argus.reports.model import TargetSection


class NoSuchToy(NotFound):
    """There is no such toy."""


class NotToyId(Invalid):
    """This is not the id of a toy."""


def canonical_id(text: str) -> str:
    """The id of a toy as it is."""
    if not is_id(text, "toy"):
        raise NotToyId(text=text)
    return text


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
        return self.of(caller.organisation_id, toy_id)

    def of(self, organisation_id: str, toy_id: str) -> Toy:
        toy = self.store.get(organisation_id, toy_id) if is_id(toy_id, "toy") else None
        if toy is None:
            raise NoSuchToy(toy_id=toy_id)
        return toy

    def list(self, caller: Caller, *, limit: int, after: Item | None) -> Listing[Toy]:
        return self.store.list(caller.organisation_id, limit=limit, after=after)

    def name(self, organisation_id: str, toy_id: str) -> str | None:
        """What people call a toy; None when it is gone."""
        toy = self.store.get(organisation_id, toy_id)
        return toy.name if toy else None

    def report_section(self, organisation_id: str, toy_id: str, *, with_blocks: bool) -> TargetSection | None:
        """What a report shows of a toy."""
        toy = self.store.get(organisation_id, toy_id)
        return TargetSection(toy.name, {"Turns": toy.turns, "Made": toy.created_at}) if toy else None

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
