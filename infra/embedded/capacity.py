"""Capacity units as DynamoDB counts them; moto counts each call as one.

Sources (DynamoDB Developer Guide): "DynamoDB item sizes and formats"; "Read and write operations" of on-demand tables;
"Using Global Secondary Indexes", "Write capacity units"; "Managing complex workflows with transactions".

Items are in DynamoDB's format, `{"pk": {"S": "…"}}`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import ceil
from typing import Any

Item = Mapping[str, Any]

READ_BYTES, WRITE_BYTES = 4096, 1024  # of one unit
OVERHEAD_BYTES = 100  # of storage, for each item and each entry of an index
_NESTED_BYTES = 3  # of a list or map, and one byte for each of its entries


def item_bytes(item: Item) -> int:
    """The size of an item: its attributes' names and values."""
    return sum(len(name.encode()) + _value_bytes(value) for name, value in item.items())


def _value_bytes(value: Mapping[str, Any]) -> int:
    kind: str
    content: Any
    ((kind, content),) = value.items()
    match kind:
        case "S":
            return len(content.encode())
        case "N":
            digits = content.lower().partition("e")[0].lstrip("-").replace(".", "").strip("0")
            return ceil(len(digits) / 2) + (2 if content.startswith("-") else 1)
        case "B":
            return len(content)
        case "M":
            return _NESTED_BYTES + len(content) + item_bytes(content)
        case "L":
            return _NESTED_BYTES + sum(1 + _value_bytes(entry) for entry in content)
        case "BOOL" | "NULL":
            return 1
    raise TypeError(f"Argus stores no {kind}")


def read_units(items: Iterable[Item], *, consistent: bool, together: bool) -> float:
    """Of reading items: `together` by a query, or each by its key. Nothing found costs as much as a small item."""
    sizes = [item_bytes(item) for item in items]
    blocks = ceil(sum(sizes) / READ_BYTES) if together else sum(ceil(size / READ_BYTES) for size in sizes)
    return max(blocks, 1) * (1.0 if consistent else 0.5)


@dataclass(frozen=True)
class Index:
    """A global secondary index: its keys, with those of its table, and whether it contains whole items."""

    keys: frozenset[str]
    has_all: bool

    def entry(self, item: Item | None) -> Item | None:
        """What the index contains of an item; None if the item is missing, or has not all keys."""
        if item is None or not self.keys <= item.keys():
            return None
        return item if self.has_all else {name: item[name] for name in self.keys}

    def write_units(self, before: Item | None, after: Item | None) -> int:
        """A new, changed or deleted entry is one write; an entry whose keys have changed is deleted and written."""
        old, new = self.entry(before), self.entry(after)
        if old == new:
            return 0
        if old and new and any(old[name] != new[name] for name in self.keys):
            return _blocks(old) + _blocks(new)
        return max(_blocks(old), _blocks(new))


@dataclass(frozen=True)
class Capacity:
    """The indexes of one table."""

    indexes: tuple[Index, ...]

    @classmethod
    def of(cls, table: Mapping[str, Any]) -> "Capacity":
        """From the answer of DescribeTable."""
        own = {key["AttributeName"] for key in table["KeySchema"]}
        return cls(
            tuple(
                Index(
                    frozenset(own | {key["AttributeName"] for key in index["KeySchema"]}),
                    index["Projection"]["ProjectionType"] == "ALL",
                )
                for index in table.get("GlobalSecondaryIndexes", ())
            )
        )

    def stored_bytes(self, item: Item) -> tuple[int, int]:
        """Of an item: in the table, and in its indexes."""
        entries = [entry for index in self.indexes if (entry := index.entry(item))]
        return item_bytes(item) + OVERHEAD_BYTES, sum(item_bytes(entry) + OVERHEAD_BYTES for entry in entries)

    def write_units(self, before: Item | None, after: Item | None, *, in_transaction: bool = False) -> int:
        """Of a write that replaces `before` by `after`; None for no item. The larger of the two counts.

        A transaction doubles the write of the table, but not those of the indexes, which follow later.
        """
        own = max(_blocks(before), _blocks(after), 1)
        return own * (2 if in_transaction else 1) + sum(index.write_units(before, after) for index in self.indexes)


def _blocks(item: Item | None) -> int:
    return ceil(item_bytes(item) / WRITE_BYTES) if item else 0
