"""Keys of the toy table.

| item | pk | sk | gsi1pk | gsi1sk |
|---|---|---|---|---|
| toy | `<organisation>#toys` | `<toy>` | `due#<0-15>` while queued | time of the next check |
"""

from dataclasses import asdict, dataclass

from argus.toy.model import Toy, ToyState

from argus.core.background import WorkItemStore
from argus.core.clock import from_rfc3339, rfc3339
from argus.core.dynamo import Item


@dataclass(frozen=True)
class ToyStore(WorkItemStore[Toy]):
    """Toys."""

    def partition(self, organisation_id: str) -> str:
        return f"{organisation_id}#toys"

    def to_attributes(self, item: Toy) -> Item:
        return {**asdict(item), "created_at": rfc3339(item.created_at)}

    def from_attributes(self, attributes: Item) -> Toy:
        created_at = from_rfc3339(attributes["created_at"])
        return Toy(**{**attributes, "state": ToyState(attributes["state"]), "created_at": created_at})
