"""moto, in a time that does not grow with everything that its tables hold.

- A query sorts the whole table by comparisons in Python before it picks a partition: it is given the partition alone.
- A transaction copies its tables whole, to go back to when a condition fails: it remembers the items it may change.
- Every request lists moto's own folder, and every session reads boto3's descriptions of services anew: once is enough.

An update inside a map of an item, which Argus does not make, would not be undone with its transaction.
"""

import copy
import functools
import inspect
import threading
from collections.abc import Iterator, Mapping
from typing import Any

import botocore.session
import moto.backends
from moto.dynamodb.models import DynamoDBBackend
from moto.dynamodb.models.dynamo_type import DynamoType
from moto.dynamodb.models.table import Table

_transaction = threading.local()


@functools.cache
def quicken() -> None:
    """Once per process."""
    _wrap(Table, "query", _query)
    _wrap(DynamoDBBackend, "transact_write_items", _transact)
    Table.__deepcopy__ = _deepcopy  # type: ignore[attr-defined]
    modules = list(moto.backends.list_of_moto_modules())
    moto.backends.list_of_moto_modules = lambda: modules
    botocore.session.create_loader = functools.cache(botocore.session.create_loader)


def _wrap(owner: Any, name: str, replacement: Any) -> None:
    real = getattr(owner, name)

    @functools.wraps(real)
    def wrapped(self: Any, *args: Any, **kwargs: Any) -> Any:
        return replacement(real, self, *args, **kwargs)

    setattr(owner, name, wrapped)


def _query(real: Any, table: Table, *args: Any, **kwargs: Any) -> Any:
    asked = inspect.signature(real).bind(table, *args, **kwargs).arguments
    conditions = asked.get("hash_key_conditions") or []
    if asked.get("index_name") and conditions:
        items = list(_with_attributes(table, conditions))
    elif not asked.get("index_name") and table.has_range_key:
        items = list(table.items.get(asked["hash_key"], {}).values())
    else:
        return real(table, *args, **kwargs)
    view = copy.copy(table)
    view.all_items = lambda: items  # type: ignore[method-assign]
    return real(view, *args, **kwargs)


def _with_attributes(table: Any, conditions: list[tuple[str, DynamoType]]) -> Iterator[Any]:
    (name, wanted), *_ = conditions  # moto checks the others
    for held in list(table.items.values()):  # other threads may write meanwhile
        for item in list(held.values()) if table.has_range_key else [held]:
            value = item.attrs.get(name)
            if value is not None and value.value == wanted.value:
                yield item


def _transact(real: Any, backend: DynamoDBBackend, transact_items: list[dict[str, Any]]) -> None:
    before = [_remembered(backend, operation) for entry in transact_items for operation in entry.values()]
    _transaction.runs = True
    try:
        real(backend, transact_items)
    except Exception:
        for table, keys, item in filter(None, before):
            _put_back(table, keys, item)
        raise
    finally:
        _transaction.runs = False


def _remembered(backend: DynamoDBBackend, operation: Mapping[str, Any]) -> tuple[Table, list[DynamoType], Any] | None:
    """A table, the keys of an item that a transaction may change, and a copy of the item if there is one."""
    table = backend.tables.get(operation.get("TableName", ""))
    given = operation.get("Key") or operation.get("Item") or {}
    names = [name for name in (table.hash_key_attr, table.range_key_attr) if name] if table else []
    if table is None or not all(name in given for name in names):
        return None
    keys = [DynamoType(given[name]) for name in names]
    item = table.get_item(*keys)  # type: ignore[arg-type]
    return table, keys, _copied(item) if item else None


def _put_back(table: Table, keys: list[DynamoType], item: Any) -> None:
    *outer, last = keys
    holder = table.items[outer[0]] if outer else table.items
    if item is None:
        holder.pop(last, None)
    else:
        holder[last] = item


def _deepcopy(table: Table, memo: dict[int, Any]) -> Table:
    if getattr(_transaction, "runs", False):
        return table
    taken: Table = Table.__new__(Table)  # type: ignore[assignment]
    memo[id(table)] = taken
    vars(taken).update(copy.deepcopy(vars(table), memo))
    return taken


def _copied(item: Any) -> Any:
    twin = copy.copy(item)
    twin.attrs = type(item.attrs)()
    dict.update(twin.attrs, item.attrs)  # without its own check of the size, which has been made
    return twin
