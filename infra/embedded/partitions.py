"""The items that a query of moto's DynamoDB reads, found without reading the table.

moto sorts, compares and measures every item of a table, or of a partition, for each query. `select` returns the few
items of which moto makes the same page. For this, `Partitions` remembers the items of a table by the hash keys of its
secondary indexes. Each write must call `changed`.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Any

from moto.dynamodb.comparisons import get_comparison_func
from moto.dynamodb.models.dynamo_type import DynamoType, Item
from moto.dynamodb.models.table import Table

Key = tuple[DynamoType, DynamoType | None]  # of the table
Value = tuple[str, DynamoType]  # the name and value of an index's hash key

_ATTRIBUTE = "argus_partitions"


class Partitions:
    """The items of one table by the hash keys of its indexes."""

    def __init__(self, table: Table) -> None:
        self._names = _hash_names(table)
        self._items: dict[Value, dict[Key, Item]] = defaultdict(dict)
        self._values: dict[Key, list[Value]] = {}
        for hash_key, held in table.items.items():
            for range_key, item in held.items() if table.has_range_key else [(None, held)]:
                self._add((hash_key, range_key), item)

    @classmethod
    def of(cls, table: Table) -> "Partitions":
        """Those of a table, new if it has none or if its indexes have changed."""
        found: Partitions | None = vars(table).get(_ATTRIBUTE)
        if found is None or found._names != _hash_names(table):  # noqa: SLF001 — its own
            found = vars(table)[_ATTRIBUTE] = cls(table)
        return found

    def changed(self, table: Table, key: Key) -> None:
        """The item with this key was written or deleted."""
        for value in self._values.pop(key, ()):
            del self._items[value][key]
        item: Any = table.items.get(key[0])
        if table.has_range_key:
            item = (item or {}).get(key[1])
        if item is not None:
            self._add(key, item)

    def items(self, name: str, value: DynamoType) -> list[Item]:
        return list(self._items.get((name, value), {}).values())

    def _add(self, key: Key, item: Any) -> None:
        self._values[key] = [(name, item.attrs[name]) for name in self._names if name in item.attrs]
        for value in self._values[key]:
            self._items[value][key] = item


def changed(table: Table, hash_key: DynamoType, range_key: DynamoType | None) -> None:
    """An item of the table was written or deleted."""
    if _ATTRIBUTE in vars(table):
        Partitions.of(table).changed(table, (hash_key, range_key))


def select(table: Table, query: Mapping[str, Any]) -> list[Item] | None:
    """The items of which moto makes the page of a query, given its arguments; None if it needs the whole table.

    These are the matching items of the page and, if there is one, the next: moto then knows that there are more.
    """
    if query.get("filter_kwargs") or len(query.get("range_key_conditions") or ()) > 1:
        return None
    conditions = query.get("hash_key_conditions") or []
    if not query.get("index_name"):
        if not table.has_range_key:
            return None
        names = [table.range_key_attr]
        found = list(table.items.get(query["hash_key"], {}).values())
    else:
        index = next((index for index in table.all_indexes() if index.name == query["index_name"]), None)
        ranges = [key["AttributeName"] for key in index.schema if key["KeyType"] == "RANGE"] if index else []
        if len(conditions) != 1 or len(ranges) != 1:
            return None
        names = [*ranges, table.hash_key_attr, table.range_key_attr]
        found = [item for item in Partitions.of(table).items(*conditions[0]) if ranges[0] in item.attrs]
    return _page(found, [name for name in names if name], query)


def _page(items: list[Item], names: list[str], query: Mapping[str, Any]) -> list[Item]:
    """From items of one partition, sorted by the attributes `names`: the page that begins after the start key."""
    forward = query.get("scan_index_forward") is not False
    keyed = sorted(
        ((tuple(item.attrs[name].cast_value for name in names), item) for item in items),
        key=lambda pair: pair[0],
        reverse=not forward,
    )
    start = query.get("exclusive_start_key")
    if start is not None:
        last = tuple(DynamoType(start[name]).cast_value for name in names)
        keyed = [pair for pair in keyed if (pair[0] > last if forward else pair[0] < last)]
    matches = _condition(query)
    page: list[Item] = []
    for (value, *_), item in keyed:
        full = len(page) == query.get("limit")
        if full or matches(value):
            page.append(item)
        if full:
            break
    return page


def _condition(query: Mapping[str, Any]) -> Callable[[Any], bool]:
    if not query.get("range_comparison"):
        return lambda _: True
    compare = get_comparison_func(query["range_comparison"])
    operands = [operand.cast_value for operand in query["range_objs"]]
    return lambda value: compare(value, *operands)


def _hash_names(table: Table) -> set[str]:
    return {key["AttributeName"] for index in table.all_indexes() for key in index.schema if key["KeyType"] == "HASH"}
