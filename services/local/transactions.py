"""moto's transactions, in a time that does not grow with every attribute of the table.

Before a transaction moto makes a deep copy of its tables, to go back to when a condition fails: half a second for a
thousand findings. A transaction replaces items and attributes whole, so that it is enough to copy what holds them. An
update inside a map of an item, which Argus does not make, would not be undone.
"""

import copy
import functools
from collections import defaultdict
from typing import Any

from moto.dynamodb.models.table import Table


@functools.cache
def quicken() -> None:
    """Once per process."""
    Table.__deepcopy__ = _snapshot  # type: ignore[attr-defined]


def _snapshot(table: Table, _memo: dict[int, Any]) -> Table:
    taken = copy.copy(table)
    taken.items = defaultdict(dict)
    for hash_value, held in table.items.items():  # by the range key, where the table has one
        taken.items[hash_value] = (
            {key: _copied(item) for key, item in held.items()} if table.has_range_key else _copied(held)
        )
    return taken


def _copied(item: Any) -> Any:
    twin = copy.copy(item)
    twin.attrs = type(item.attrs)()
    dict.update(twin.attrs, item.attrs)  # without its own check of the size, which has been made
    return twin
