"""Keys of the toy table.

| item | pk | sk | gsi1pk | gsi1sk |
|---|---|---|---|---|
| toy | `<organisation>#toys` | `<toy>` | `due#<0-7>` while queued | when to check next |
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from datetime import datetime

from argus.toy.model import Toy, ToyState

from argus.core.clock import from_rfc3339, rfc3339
from argus.core.dynamo import ConditionFailed, Item, Table, due_shard, due_shards
from argus.core.paging import Listing


def _pk(organisation_id: str) -> str:
    return f"{organisation_id}#toys"


@dataclass(frozen=True)
class ToyStore:
    """Toys. One is written only over the version that was read."""

    table: Table

    def add(self, toy: Toy, *, next_check_at: datetime) -> None:
        due = {"gsi1pk": due_shard(toy.id), "gsi1sk": rfc3339(next_check_at)}
        self.table.put({**_item(toy), **due}, when="attribute_not_exists(pk)")

    def get(self, organisation_id: str, toy_id: str) -> Toy | None:
        item = self.table.get(_pk(organisation_id), toy_id)
        return _toy(item) if item else None

    def list(self, organisation_id: str, *, limit: int, after: Item | None) -> Listing[Toy]:
        page = self.table.query(_pk(organisation_id), newest_first=True, limit=limit, after=after)
        return Listing([_toy(item) for item in page.items], page.last_key)

    def due(self, now: datetime) -> Iterator[Toy]:
        for shard in due_shards():
            yield from map(_toy, self.table.query(shard, index="gsi1", up_to=rfc3339(now)).items)

    def save(self, toy: Toy) -> None:
        """Nothing is written over a version that was not read: another delivery has done it."""
        written = replace(toy, version=toy.version + 1)
        try:
            self.table.put(_item(written), when="#version = :version", values={":version": toy.version})
        except ConditionFailed:
            return


def _item(toy: Toy) -> Item:
    key = {"pk": _pk(toy.organisation_id), "sk": toy.id}
    return {**key, **asdict(toy), "created_at": rfc3339(toy.created_at)}


def _toy(item: Item) -> Toy:
    known = {name: value for name, value in item.items() if name not in ("pk", "sk", "gsi1pk", "gsi1sk")}
    return Toy(**{**known, "state": ToyState(item["state"]), "created_at": from_rfc3339(item["created_at"])})
