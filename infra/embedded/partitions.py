"""The items that a query of moto's DynamoDB reads, found without reading the table.

moto sorts, compares and measures every item of a table, or of a partition, for each query. `select` returns the few
items of which moto makes the same page. For this, `Partitions` keeps the items of each partition of the table and of
its indexes sorted, as DynamoDB does. Each write must call `changed`.
"""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from moto.dynamodb.comparisons import get_comparison_func
from moto.dynamodb.models.dynamo_type import DynamoType, Item
from moto.dynamodb.models.table import Table

Key = tuple[DynamoType, DynamoType | None]  # of the table
Order = tuple[Any, ...]  # the values of the attributes that sort a partition; no two items of it have the same
Entry = tuple[Order, Item]

_ATTRIBUTE = "argus_partitions"
_FROM = frozenset({"EQ", "GE", "GT", "BETWEEN", "BEGINS_WITH"})  # nothing below the first operand matches


@dataclass(frozen=True)
class _View:
    """The table, or one of its indexes: the attribute that divides it into partitions, and those that sort them."""

    name: str  # empty for the table
    hash_name: str
    sorted_by: tuple[str, ...]


class Partitions:
    """The partitions of one table and its indexes."""

    def __init__(self, table: Table) -> None:
        self._views = _views(table)
        self._types = {one["AttributeName"]: one["AttributeType"] for one in table.attr}
        self._entries: dict[tuple[str, DynamoType], list[Entry]] = {}
        self._places: dict[Key, list[tuple[tuple[str, DynamoType], Order]]] = {}
        for hash_key, held in table.items.items():
            for range_key, item in held.items() if table.has_range_key else [(None, held)]:
                self._add((hash_key, range_key), item)

    @classmethod
    def of(cls, table: Table) -> "Partitions":
        """Those of a table, new if it has none or if its indexes have changed."""
        found: Partitions | None = vars(table).get(_ATTRIBUTE)
        if found is None or found._views != _views(table):  # noqa: SLF001 — its own
            found = vars(table)[_ATTRIBUTE] = cls(table)
        return found

    def changed(self, table: Table, key: Key) -> None:
        """The item with this key was written or deleted."""
        for partition, order in self._places.pop(key, ()):
            entries = self._entries[partition]
            del entries[bisect_left(entries, order, key=_order)]
            if not entries:
                del self._entries[partition]
        item: Any = table.items.get(key[0])
        if table.has_range_key:
            item = (item or {}).get(key[1])
        if item is not None:
            self._add(key, item)

    def sorted(self, index_name: str, value: DynamoType) -> list[Entry]:
        """The items of a partition, each with the values that it is sorted by."""
        return self._entries.get((index_name, value), [])

    def view(self, index_name: str) -> _View | None:
        return next((view for view in self._views if view.name == index_name), None)

    def _add(self, key: Key, item: Any) -> None:
        places = self._places[key] = []
        for view in self._views:
            if all(self._has_key(item, name) for name in (view.hash_name, *view.sorted_by)):
                partition = view.name, item.attrs[view.hash_name]
                order = tuple(item.attrs[name].cast_value for name in view.sorted_by)
                insort(self._entries.setdefault(partition, []), (order, item), key=_order)
                places.append((partition, order))

    def _has_key(self, item: Any, name: str) -> bool:
        """Whether the attribute can be in a key; moto also stores items that DynamoDB would reject."""
        kind = item.attrs[name].type if name in item.attrs else ""
        return kind in {"S", "N", "B"} and kind == self._types.get(name, kind)


def changed(table: Table, hash_key: DynamoType, range_key: DynamoType | None) -> None:
    """An item of the table was written or deleted."""
    if _ATTRIBUTE in vars(table):
        Partitions.of(table).changed(table, (hash_key, range_key))


def select(table: Table, query: Mapping[str, Any]) -> list[Item] | None:
    """The items of which moto makes the page of a query, given its arguments; None if it needs the whole table.

    These are the matching items of the page and, if there is one, the next: moto then knows that there are more.
    """
    index_name, conditions = query.get("index_name") or "", query.get("hash_key_conditions") or []
    if query.get("filter_kwargs") or len(query.get("range_key_conditions") or ()) > 1 or len(conditions) > 1:
        return None
    partitions = Partitions.of(table)
    view = partitions.view(index_name)
    value = conditions[0][1] if index_name and conditions else query.get("hash_key")
    start = query.get("exclusive_start_key")
    if view is None or value is None or (start is not None and not all(name in start for name in view.sorted_by)):
        return None
    return _page(partitions.sorted(index_name, value), view.sorted_by, query)


def _page(entries: list[Entry], names: tuple[str, ...], query: Mapping[str, Any]) -> list[Item]:
    """From the items of a partition, sorted by the attributes `names`: the page that begins after the start key."""
    forward, start = query.get("scan_index_forward") is not False, query.get("exclusive_start_key")
    if start is not None:
        last = tuple(DynamoType(start[name]).cast_value for name in names)
        if forward:
            entries = entries[bisect_right(entries, last, key=_order) :]
        else:
            entries = entries[: bisect_left(entries, last, key=_order)]
    operands = [operand.cast_value for operand in query.get("range_objs") or ()]
    comparison = query.get("range_comparison")
    compare = get_comparison_func(comparison) if comparison else None
    if comparison in _FROM:  # the item before the first match may be the next
        entries = entries[max(0, bisect_left(entries, (operands[0],), key=_order) - 1) :]
    page: list[Item] = []
    for order, item in entries if forward else reversed(entries):
        if len(page) == query.get("limit"):
            page.append(item)
            break
        if compare is None or compare(order[0], *operands):
            page.append(item)
        elif page:  # the matches of every comparison are consecutive
            break
    return page


def _order(entry: Entry) -> Order:
    return entry[0]


def _views(table: Table) -> list[_View]:
    own = tuple(filter(None, (table.hash_key_attr, table.range_key_attr)))
    views = [_View("", table.hash_key_attr, own[1:])]
    for index in table.all_indexes():
        names = {
            kind: [key["AttributeName"] for key in index.schema if key["KeyType"] == kind] for kind in ("HASH", "RANGE")
        }
        if len(names["HASH"]) == 1 and len(names["RANGE"]) <= 1:
            views.append(_View(index.name, names["HASH"][0], (*(names["RANGE"] or own[-1:]), *own)))
    return views
