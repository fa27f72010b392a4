"""Patches of moto: faster requests, less memory, and calls that it lacks.

A request's duration must not grow with the size of its tables:

- moto sorts the whole table or partition for a query, and measures every item: here it gets the items of one page.
  A read of a missing item adds an empty partition, and deleting the last item leaves one: not here.
- moto copies whole tables for a transaction, to restore them if a condition fails: here it saves only the items that
  the transaction may change.
- moto copies every object of a bucket to list the versions under a prefix: here only the names and properties of those
  under the prefix are copied, not their contents.
- moto reads the clock for each message of a queue, several times for each message that it sends or receives: here once
  for all.
- moto tries several names for each of the ten possible members of a DynamoDB attribute value: here a value such as
  `{"S": "text"}` is returned as it is.
- moto lists its own folder at every request, and every session loads boto3's service descriptions: here this is cached.

Requests must not leave copies in memory:

- moto lists every model that it ever creates, for its dashboard. So replaced objects, former versions of items, and the
  copies that each read makes would live as long as the process: here models are not listed.

An update inside a map of an item, which Argus does not use, would not be rolled back with its transaction.

moto lacks RevokeToken of Cognito, the list of function URLs, which Zappa requests, and the version in S3's events.
"""

import copy
import functools
import inspect
import json
import threading
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import botocore.session
import moto.backends
from moto.awslambda import urls
from moto.cognitoidp.models import cognitoidp_backends
from moto.cognitoidp.responses import CognitoIdpResponse
from moto.core.common_models import BaseModel
from moto.core.serialize import BaseJSONSerializer
from moto.core.utils import unix_time, unix_time_millis
from moto.dynamodb.exceptions import ResourceNotFoundException
from moto.dynamodb.models import DynamoDBBackend
from moto.dynamodb.models.dynamo_type import DynamoType, Item
from moto.dynamodb.models.table import Table
from moto.s3 import notifications
from moto.s3.models import FakeKey, S3Backend
from moto.sqs.models import Message, Queue, SQSBackend

from infra.embedded import partitions

_transaction = threading.local()
_QUERY = inspect.signature(Table.query)
_UPDATE = inspect.signature(DynamoDBBackend.update_item)
_LIST_VERSIONS = inspect.signature(S3Backend.list_object_versions)


@functools.cache
def apply() -> None:
    """Patch moto, once per process, before its applications are built, which fixes their routes."""
    _wrap(Table, "query", _query)
    _wrap(Table, "put_item", _put_item)
    _wrap(Table, "delete_item", _delete_item)
    _wrap(Table, "get_item", _get_item)
    _wrap(DynamoDBBackend, "update_item", _update_item)
    _wrap(DynamoDBBackend, "transact_write_items", _transact)
    _wrap(S3Backend, "list_object_versions", _list_versions)
    _wrap(notifications, "_get_s3_event", _s3_event)
    _wrap(BaseJSONSerializer, "_serialize_type_structure", _serialize_structure)
    _wrap(BaseJSONSerializer, "_serialize_type_map", _serialize_map)
    _wrap(SQSBackend, "is_message_valid_based_on_retention_period", _is_retained)
    queue: Any = Queue
    queue.messages = property(lambda queue: _messages(queue, visible=True, delayed=False))
    queue.approximate_number_of_messages_not_visible = property(lambda queue: len(_messages(queue, visible=False)))
    queue.approximate_number_of_messages_delayed = property(lambda queue: len(_messages(queue, delayed=True)))
    Table.__deepcopy__ = _deepcopy  # type: ignore[attr-defined]
    BaseModel.__new__ = _unlisted  # type: ignore[method-assign]
    key: Any = FakeKey
    key.__deepcopy__ = _with_same_contents
    key.__del__ = _close
    modules = list(moto.backends.list_of_moto_modules())
    moto.backends.list_of_moto_modules = lambda: modules
    botocore.session.create_loader = functools.cache(botocore.session.create_loader)
    cognito: Any = CognitoIdpResponse
    cognito.revoke_token = _revoke_token
    urls.url_paths[r"{0}/2021-10-31/functions/(?P<function_name>[^/]+)/urls/?$"] = _no_function_urls


def _wrap(owner: Any, name: str, replacement: Any) -> None:
    real = getattr(owner, name)

    @functools.wraps(real)
    def wrapped(self: Any, *args: Any, **kwargs: Any) -> Any:
        return replacement(real, self, *args, **kwargs)

    setattr(owner, name, wrapped)


def _unlisted(cls: type[BaseModel], *_: Any, **__: Any) -> Any:
    return super(BaseModel, cls).__new__(cls)


def _query(real: Any, table: Table, *args: Any, **kwargs: Any) -> Any:
    query = _QUERY.bind(table, *args, **kwargs).arguments
    items = partitions.select(table, query)
    if items is None:
        return real(table, *args, **kwargs)
    view = copy.copy(table)
    view.all_items = lambda: items  # type: ignore[method-assign]
    return real(view, *args, **kwargs)


def _put_item(real: Any, table: Table, *args: Any, **kwargs: Any) -> Item:
    item: Item = real(table, *args, **kwargs)
    partitions.changed(table, item.hash_key, item.range_key)
    return item


def _delete_item(real: Any, table: Table, hash_key: DynamoType, range_key: DynamoType | None) -> Any:
    deleted = real(table, hash_key, range_key)
    _drop_if_empty(table, hash_key)
    partitions.changed(table, hash_key, range_key)
    return deleted


def _drop_if_empty(table: Table, hash_key: DynamoType) -> None:
    if table.has_range_key and not table.items.get(hash_key, True):
        del table.items[hash_key]


def _get_item(real: Any, table: Table, hash_key: DynamoType, range_key: Any = None, *args: Any, **kwargs: Any) -> Any:
    if range_key and hash_key not in table.items:
        return None  # moto would add an empty partition
    return real(table, hash_key, range_key, *args, **kwargs)


def _update_item(real: Any, backend: DynamoDBBackend, *args: Any, **kwargs: Any) -> Any:
    arguments = _UPDATE.bind(backend, *args, **kwargs).arguments
    try:
        return real(backend, *args, **kwargs)
    finally:  # moto changes the item in place, one attribute after another
        if located := _locate(backend, arguments["table_name"], arguments["key"]):
            table, keys = located
            partitions.changed(table, keys[0], keys[1] if table.has_range_key else None)


def _transact(real: Any, backend: DynamoDBBackend, transact_items: list[dict[str, Any]]) -> None:
    snapshots = [_snapshot(backend, operation) for entry in transact_items for operation in entry.values()]
    _transaction.runs = True
    try:
        real(backend, transact_items)
    except Exception:
        for table, keys, item in filter(None, snapshots):
            _restore(table, keys, item)
        raise
    finally:
        _transaction.runs = False


def _snapshot(backend: DynamoDBBackend, operation: Mapping[str, Any]) -> tuple[Table, list[DynamoType], Any] | None:
    """The table, the keys of the item that an operation may change, and a copy of the item if it exists."""
    located = _locate(backend, operation.get("TableName", ""), operation.get("Key") or operation.get("Item") or {})
    if located is None:
        return None
    table, keys = located
    item = table.get_item(*keys)  # type: ignore[arg-type]
    return table, keys, _copied(item) if item else None


def _locate(backend: DynamoDBBackend, name: str, given: Mapping[str, Any]) -> tuple[Table, list[DynamoType]] | None:
    """A table by its name or ARN, and the keys in `given`; None if one of them is missing."""
    with suppress(ResourceNotFoundException):
        table = backend.get_table(name)
        attributes = list(filter(None, (table.hash_key_attr, table.range_key_attr)))
        if all(attribute in given for attribute in attributes):
            return table, [DynamoType(given[attribute]) for attribute in attributes]
    return None


def _restore(table: Table, keys: list[DynamoType], item: Any) -> None:
    *outer, last = keys
    holder = table.items[outer[0]] if outer else table.items
    if item is None:
        holder.pop(last, None)
    else:
        holder[last] = item
    _drop_if_empty(table, keys[0])
    partitions.changed(table, keys[0], last if outer else None)


def _deepcopy(table: Table, memo: dict[int, Any]) -> Table:
    if getattr(_transaction, "runs", False):
        return table
    copied: Table = Table.__new__(Table)  # type: ignore[assignment]
    memo[id(table)] = copied
    vars(copied).update(copy.deepcopy(vars(table), memo))
    return copied


def _copied(item: Any) -> Any:
    copied = copy.copy(item)
    copied.attrs = type(item.attrs)()
    dict.update(copied.attrs, item.attrs)  # bypasses the check of the size, which was done before
    return copied


def _list_versions(real: Any, backend: S3Backend, *args: Any, **kwargs: Any) -> Any:
    arguments = _LIST_VERSIONS.bind(backend, *args, **kwargs).arguments
    bucket, prefix = backend.get_bucket(arguments["bucket_name"]), arguments.get("prefix") or ""
    view, bucket_view = copy.copy(backend), copy.copy(bucket)
    bucket_view.keys = type(bucket.keys)()
    for key, versions in bucket.keys.iterlists():
        if key.startswith(prefix):
            bucket_view.keys.setlist(key, versions)
    view.get_bucket = lambda bucket_name: bucket_view  # type: ignore[method-assign] # noqa: ARG005
    return real(view, *args, **kwargs)


def _with_same_contents(key: FakeKey, _memo: Any) -> FakeKey:
    """What moto copies to list versions."""
    copied: FakeKey = object.__new__(FakeKey)
    vars(copied).update(vars(key), disposed=True)  # only the original closes them
    return copied


def _close(key: Any) -> None:
    """Close the contents of a key that was freed, without moto's warning: large ones are an open file."""
    if not vars(key).get("disposed", True):
        key.dispose()


def _s3_event(real: Any, event_name: str, bucket: Any, key: Any, notification_id: str) -> dict[str, Any]:
    event: dict[str, Any] = real(event_name, bucket, key, notification_id)
    if bucket.is_versioned:
        event["Records"][0]["s3"]["object"]["versionId"] = key.version_id
    return event


def _serialize_structure(real: Any, serializer: Any, serialized: Any, value: Any, shape: Any, key: str) -> None:
    if shape.name == "AttributeValue" and key and _is_plain(value):
        serialized[key] = dict(value)
    else:
        real(serializer, serialized, value, shape, key)


def _serialize_map(real: Any, serializer: Any, serialized: Any, value: Any, shape: Any, key: str) -> None:
    plain = {name: dict(content) for name, content in value.items() if _is_plain(content)}
    if not plain or shape.value.name != "AttributeValue":
        real(serializer, serialized, value, shape, key)
        return
    real(serializer, serialized, {name: value[name] for name in value if name not in plain}, shape, key)
    serialized[serializer.get_serialized_name(shape, key)] |= plain


def _is_plain(value: Any) -> bool:
    """Whether JSON contains this attribute value unchanged."""
    if not isinstance(value, dict) or len(value) != 1:
        return False
    ((kind, content),) = value.items()
    return (kind in ("S", "N") and type(content) is str) or (kind in ("BOOL", "NULL") and type(content) is bool)


def _messages(queue: Any, *, visible: bool | None = None, delayed: bool | None = None) -> list[Message]:
    """The messages of a queue in these states."""
    now = unix_time_millis()
    return [
        message
        for message in list(queue._messages)  # noqa: SLF001 — moto's own name; other threads send meanwhile
        if visible in (None, now > message.visible_at) and delayed in (None, now < message.delayed_until)
    ]


def _is_retained(_real: Any, backend: SQSBackend, queue_name: str, message: Any) -> bool:
    period: float = backend.get_queue(queue_name).message_retention_period  # type: ignore[attr-defined]
    return bool(period + message.sent_timestamp / 1000 > unix_time())


def _revoke_token(response: Any) -> str:
    token = json.loads(response.body)["Token"]
    for pool in cognitoidp_backends[response.current_account][response.region].user_pools.values():
        if token in pool.refresh_tokens:
            pool.refresh_tokens[token] = None
    return "{}"


def _no_function_urls(*_: Any) -> tuple[int, dict[str, str], str]:
    return 200, {"Content-Type": "application/json"}, '{"FunctionUrlConfigs": []}'
