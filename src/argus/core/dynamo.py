"""DynamoDB tables with the operations that Argus uses: get, put, update, delete, query, transact. There is no scan.

An item is a dict with `pk` and `sk`. Conditions are DynamoDB expressions: `#name` is the attribute `name` (many names
are reserved words), and `:value` is an entry of `values`.
"""

import re
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from argus.core.aws import ClientFactory
from argus.core.backoff import Backoff
from argus.core.errors import ArgusError, Unavailable
from argus.core.parallel import call_each

Item = dict[str, Any]

_MAX_BATCH = 25
_MAX_GETS = 100
MAX_TRANSACTION = 100  # writes
_MIN_NUMBER = 1e-100  # DynamoDB rejects numbers closer to zero than 1e-130; measurements are far larger
_BACKOFF = Backoff(max_attempts=8, seconds=20.0)
_STRIDE, _MAX_READS = 200, 25  # items per read and reads of one filtered query: about 5,000 items


class ConditionFailed(ArgusError):
    """The item does not satisfy the condition of a write."""

    def __init__(self, item: Item | None) -> None:
        super().__init__("the item does not satisfy the condition of the write")
        self.item = item  # the existing item, if DynamoDB returns it


class Overloaded(Unavailable):
    """The table is throttled."""


class TransactionConflict(Overloaded):
    """Other transactions keep using an item of the transaction."""


@dataclass(frozen=True)
class Page:
    """One page of a query. `last_key` is None on the last page."""

    items: list[Item]
    last_key: Item | None


def _names(*expressions: str | None) -> dict[str, str]:
    return {f"#{name}": name for text in expressions if text for name in re.findall(r"#(\w+)", text)}


def to_wire(value: Any) -> dict[str, Any]:
    """A Python value as a DynamoDB attribute value. Floats become their shortest exact text, and tiny ones 0."""
    match value:
        case None:
            return {"NULL": True}
        case bool():
            return {"BOOL": value}
        case float() if abs(value) < _MIN_NUMBER:
            return {"N": "0"}
        case int() | float():
            return {"N": repr(value)}
        case str():
            return {"S": str(value)}
        case bytes():
            return {"B": value}
        case Mapping():
            return {"M": {key: to_wire(entry) for key, entry in value.items()}}
        case Sequence():
            return {"L": [to_wire(entry) for entry in value]}
    raise TypeError(f"an item cannot contain a {type(value).__name__}")


def from_wire(attribute: Mapping[str, Any]) -> Any:
    ((kind, value),) = attribute.items()
    match kind:
        case "N":
            return int(value) if value.lstrip("-").isdigit() else float(value)
        case "M":
            return {key: from_wire(entry) for key, entry in value.items()}
        case "L":
            return [from_wire(entry) for entry in value]
        case "NULL":
            return None
    return value


def _item(wire: Mapping[str, Any]) -> Item:
    return {key: from_wire(entry) for key, entry in wire.items()}


def _wire(item: Mapping[str, Any]) -> dict[str, Any]:
    return {key: to_wire(entry) for key, entry in item.items()}


@dataclass(frozen=True)
class Put:
    """A put on a condition."""

    item: Item
    when: str | None = None
    values: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Add:
    """An update in a transaction: adds `amounts` to numbers (missing ones are 0), and sets `changes`."""

    pk: str
    sk: str
    amounts: Mapping[str, int]
    changes: Mapping[str, Any]


def _entry(table: str, write: Put | Add) -> dict[str, Any]:
    """A write as an entry of TransactWriteItems, without empty expressions."""
    if isinstance(write, Put):
        verb, names = "Put", _names(write.when)
        arguments = {"Item": _wire(write.item), "ConditionExpression": write.when}
        values = write.values or {}
    else:
        added = ", ".join(f"#{name} :add_{name}" for name in write.amounts)
        changed = ", ".join(f"#{name} = :set_{name}" for name in write.changes)
        update = " ".join(f"{verb} {part}" for verb, part in (("ADD", added), ("SET", changed)) if part)
        verb, names = "Update", _names(update)
        arguments = {"Key": _wire({"pk": write.pk, "sk": write.sk}), "UpdateExpression": update}
        values = {f":add_{name}": amount for name, amount in write.amounts.items()}
        values |= {f":set_{name}": value for name, value in write.changes.items()}
    arguments |= {"ExpressionAttributeNames": names, "ExpressionAttributeValues": _wire(values)}
    return {verb: {"TableName": table, **{name: value for name, value in arguments.items() if value}}}


@dataclass(frozen=True)
class Index:
    """A global secondary index and its key attributes. Several indexes may share an attribute."""

    name: str
    hash_key: str
    range_key: str

    @classmethod
    def named(cls, name: str) -> "Index":
        """An index with its own key attributes: `gsi1` has `gsi1pk` and `gsi1sk`."""
        return cls(name, f"{name}pk", f"{name}sk")


@dataclass(frozen=True)
class Table:
    """One table. Reads are strongly consistent unless they go through an index."""

    name: str
    client: ClientFactory
    backoff: Backoff = _BACKOFF  # of throttled batches and conflicting transactions

    def get(self, pk: str, sk: str) -> Item | None:
        response = self.client().get_item(TableName=self.name, Key=_wire({"pk": pk, "sk": sk}), ConsistentRead=True)
        return _item(response["Item"]) if "Item" in response else None

    def get_many(self, keys: Iterable[tuple[str, str]]) -> list[Item]:
        """The items that exist, in the order of `keys`."""
        unique = list(dict.fromkeys(keys))
        found: dict[tuple[str, str], Item] = {}
        for start in range(0, len(unique), _MAX_GETS):
            remaining = [_wire({"pk": pk, "sk": sk}) for pk, sk in unique[start : start + _MAX_GETS]]
            for _ in self.backoff.attempts():
                request = {self.name: {"Keys": remaining, "ConsistentRead": True}}
                response = self.client().batch_get_item(RequestItems=request)
                items = map(_item, response["Responses"].get(self.name, []))
                found |= {(item["pk"], item["sk"]): item for item in items}
                remaining = response.get("UnprocessedKeys", {}).get(self.name, {}).get("Keys", [])
                if not remaining:
                    break  # otherwise the table is throttled, or the response would exceed 16 MB
            else:
                raise Overloaded(f"{self.name}: {len(remaining)} items were not read after all attempts")
        return [found[key] for key in unique if key in found]

    def put(self, item: Item, *, when: str | None = None, values: Mapping[str, Any] | None = None) -> None:
        """Write a whole item. Raises ConditionFailed if the existing item does not satisfy `when`."""
        self._conditional("put_item", {"Item": _wire(item)}, when, values)

    def update(
        self,
        pk: str,
        sk: str,
        *,
        changes: Mapping[str, Any],
        remove: Iterable[str] = (),
        when: str = "attribute_exists(pk)",
        values: Mapping[str, Any] | None = None,
    ) -> Item:
        """Change attributes and return the whole new item. Raises ConditionFailed; by default the item must exist."""
        expression = "SET " + ", ".join(f"#{name} = :set_{name}" for name in changes)
        removed = list(remove)
        if removed:
            expression += " REMOVE " + ", ".join(f"#{name}" for name in removed)
        arguments = {"Key": _wire({"pk": pk, "sk": sk}), "UpdateExpression": expression, "ReturnValues": "ALL_NEW"}
        all_values = {**{f":set_{name}": value for name, value in changes.items()}, **(values or {})}
        return _item(self._conditional("update_item", arguments, when, all_values)["Attributes"])

    def increment(self, pk: str, sk: str, *, by: int, expires_at: int) -> int:
        """Add to a counter, which starts at 0, and return its new value."""
        response = self.client().update_item(
            TableName=self.name,
            Key=_wire({"pk": pk, "sk": sk}),
            UpdateExpression="ADD #count :by SET #expires_at = :expires_at",
            ExpressionAttributeNames=_names("#count #expires_at"),
            ExpressionAttributeValues=_wire({":by": by, ":expires_at": expires_at}),
            ReturnValues="UPDATED_NEW",
        )
        return int(from_wire(response["Attributes"]["count"]))

    def delete(self, pk: str, sk: str, *, when: str | None = None, values: Mapping[str, Any] | None = None) -> None:
        self._conditional("delete_item", {"Key": _wire({"pk": pk, "sk": sk})}, when, values)

    def query(
        self,
        pk: str,
        *,
        prefix: str = "",
        up_to: str | None = None,
        between: tuple[str, str] | None = None,
        index: Index | str | None = None,
        newest_first: bool = False,
        limit: int | None = None,
        after: Item | None = None,
        filter_expression: str | None = None,
        values: Mapping[str, Any] | None = None,
    ) -> Page:
        """One page of the items of a partition, in the order of their sort key: at most `limit` items and 1 MB.

        `prefix`, `up_to` (inclusive) or `between` (both inclusive) restricts the sort key; `filter_expression` filters
        the items that were read. A page may contain fewer than `limit` items, even none, without being the last:
        DynamoDB applies the limit before the filter.
        """
        resolved = Index.named(index) if isinstance(index, str) else index
        hash_key, range_key = (resolved.hash_key, resolved.range_key) if resolved else ("pk", "sk")
        condition = f"#{hash_key} = :pk"
        all_values = {":pk": pk, **(values or {})}
        if prefix:
            condition += f" AND begins_with(#{range_key}, :prefix)"
            all_values[":prefix"] = prefix
        if up_to is not None:
            condition += f" AND #{range_key} <= :up_to"
            all_values[":up_to"] = up_to
        if between is not None:
            condition += f" AND #{range_key} BETWEEN :low AND :high"
            all_values |= {":low": between[0], ":high": between[1]}
        arguments: dict[str, Any] = {
            "TableName": self.name,
            "KeyConditionExpression": condition,
            "ExpressionAttributeNames": _names(condition, filter_expression),
            "ExpressionAttributeValues": _wire(all_values),
            "ScanIndexForward": not newest_first,
        }
        if limit is not None:
            arguments["Limit"] = limit
        if resolved:
            arguments["IndexName"] = resolved.name
        else:
            arguments["ConsistentRead"] = True
        if filter_expression:
            arguments["FilterExpression"] = filter_expression
        if after:
            arguments["ExclusiveStartKey"] = _wire(after)
        response = self.client().query(**arguments)
        last = response.get("LastEvaluatedKey")
        return Page([_item(entry) for entry in response["Items"]], _item(last) if last else None)

    def query_full_page(self, pk: str, *, limit: int, after: Item | None = None, **options: Any) -> Page:
        """A full page even if `filter_expression` drops many items.

        Reads until `limit` items are kept or the partition ends. Stops after about 5,000 items, with the items kept so
        far and the key to continue from.
        """
        kept: list[Item] = []
        for reads in range(_MAX_READS):
            page = self.query(pk, limit=_STRIDE if reads else limit, after=after, **options)
            kept += page.items
            after = page.last_key
            if len(kept) > limit:
                return Page(kept[:limit], {name: kept[limit - 1][name] for name in ("pk", "sk")})
            if after is None or len(kept) == limit:
                break
        return Page(kept, after)

    def query_all(self, pk: str, *, prefix: str = "", between: tuple[str, str] | None = None) -> Iterator[Item]:
        """Every item of a partition in a range of sort keys, in pages of 1 MB."""
        page = self.query(pk, prefix=prefix, between=between)
        yield from page.items
        while page.last_key:
            page = self.query(pk, prefix=prefix, between=between, after=page.last_key)
            yield from page.items

    def put_each(self, writes: Iterable[Put]) -> None:
        """Write items in parallel, each with its own condition; those that exist and do not satisfy it stay."""
        call_each(self._put_or_leave, writes)

    def put_many(self, items: Iterable[Item]) -> None:
        """Write items unconditionally, 25 per call. Items with the same key must be identical."""
        self._batch([{"PutRequest": {"Item": _wire(item)}} for item in items])

    def delete_many(self, keys: Iterable[tuple[str, str]]) -> None:
        self._batch([{"DeleteRequest": {"Key": _wire({"pk": pk, "sk": sk})}} for pk, sk in keys])

    def transact(self, writes: Sequence[Put | Add], *, retry_conflicts: bool = True) -> None:
        """Write all or none. Raises ConditionFailed if one condition does not hold, and TransactionConflict if other
        transactions use one of the items; without `retry_conflicts` after the first attempt."""
        entries = [_entry(self.name, write) for write in writes]
        client, reasons = self.client(), set[str]()
        for _ in self.backoff.attempts():
            try:
                client.transact_write_items(TransactItems=entries)
            except client.exceptions.TransactionCanceledException as error:
                reasons = {reason.get("Code") for reason in error.response.get("CancellationReasons", ())}
                if "ConditionalCheckFailed" in reasons:
                    raise ConditionFailed(None) from error
                if "TransactionConflict" in reasons and not retry_conflicts:
                    break
            else:
                return
        kind = TransactionConflict if "TransactionConflict" in reasons else Overloaded
        raise kind(f"{self.name}: a transaction was cancelled: {', '.join(sorted(map(str, reasons)))}")

    def _put_or_leave(self, write: Put) -> None:
        with suppress(ConditionFailed):
            self.put(write.item, when=write.when, values=write.values)

    def _batch(self, requests: list[dict[str, Any]]) -> None:
        for start in range(0, len(requests), _MAX_BATCH):
            remaining = requests[start : start + _MAX_BATCH]
            for _ in self.backoff.attempts():
                response = self.client().batch_write_item(RequestItems={self.name: remaining})
                remaining = response.get("UnprocessedItems", {}).get(self.name, [])
                if not remaining:
                    break  # otherwise the table is throttled
            else:
                raise Overloaded(f"{self.name}: {len(remaining)} items were not written after all attempts")

    def _conditional(
        self, verb: str, arguments: dict[str, Any], when: str | None, values: Mapping[str, Any] | None
    ) -> Any:
        arguments = {"TableName": self.name, **arguments}
        if when:
            arguments["ConditionExpression"] = when
            arguments["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
        if names := _names(when, arguments.get("UpdateExpression")):
            arguments["ExpressionAttributeNames"] = names
        if values:
            arguments["ExpressionAttributeValues"] = _wire(values)
        client = self.client()
        try:
            return getattr(client, verb)(**arguments)
        except client.exceptions.ConditionalCheckFailedException as error:
            old = error.response.get("Item")
            raise ConditionFailed(_item(old) if old else None) from error


# An index contains the unfinished items of all organisations by the time of their next check. One partition accepts
# 1,000 writes per second, and each item is put into it and removed from it once: 16 carry 8,000 items per second.
_DUE_SHARDS = 16


def due_shard(item_id: str, prefix: str = "due") -> str:
    """The index partition (`gsi1pk`) of an item."""
    return f"{prefix}#{zlib.crc32(item_id.encode()) % _DUE_SHARDS}"


def due_shards(prefix: str = "due") -> list[str]:
    return [f"{prefix}#{shard}" for shard in range(_DUE_SHARDS)]
