"""Keys of the toy table.

| item | pk | sk | gsi1pk | gsi1sk |
|---|---|---|---|---|
| toy | `<organisation>#toys` | `<toy>` | `due#<0-7>` while queued | time of the next check |
"""

from dataclasses import asdict, dataclass

from argus.toy.model import Toy, ToyState

from argus.core.background import WorkItemStore
from argus.core.clock import from_rfc3339, rfc3339
from argus.core.dynamo import Item
from argus.core.paging import Listing


@dataclass(frozen=True)
class ToyStore(WorkItemStore[Toy]):
    """Toys."""

    def list(self, organisation_id: str, *, limit: int, after: Item | None) -> Listing[Toy]:
        page = self.table.query(self.partition(organisation_id), newest_first=True, limit=limit, after=after)
        return Listing([self.from_item(item) for item in page.items], page.last_key)

    def partition(self, organisation_id: str) -> str:
        return f"{organisation_id}#toys"

    def to_attributes(self, item: Toy) -> Item:
        return {**asdict(item), "created_at": rfc3339(item.created_at)}

    def from_attributes(self, attributes: Item) -> Toy:
        created_at = from_rfc3339(attributes["created_at"])
        return Toy(**{**attributes, "state": ToyState(attributes["state"]), "created_at": created_at})
