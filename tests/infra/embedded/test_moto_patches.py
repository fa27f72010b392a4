"""The patched moto returns the same results as the original."""

import copy
import gc
import random
import tracemalloc
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import pytest
from moto.core.common_models import BaseModel
from moto.core.serialize import BaseJSONSerializer
from moto.dynamodb.models import dynamodb_backends
from moto.dynamodb.models.dynamo_type import DynamoType
from moto.dynamodb.models.table import Table
from moto.s3.models import FakeKey, S3Backend
from moto.sqs.models import sqs_backends

from infra.embedded.aws import EmbeddedAws
from infra.embedded.partitions import Partitions

NAME, SHAPED = "quick", "shaped"


@pytest.fixture(scope="module")
def client(aws: EmbeddedAws) -> Iterator[Any]:
    dynamo = aws.client("dynamodb")
    keys = [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}]
    index = {
        "IndexName": "by-kind",
        "KeySchema": [{"AttributeName": "by", "KeyType": "HASH"}, {"AttributeName": "at", "KeyType": "RANGE"}],
        "Projection": {"ProjectionType": "ALL"},
    }
    dynamo.create_table(
        TableName=NAME,
        KeySchema=keys,
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk", "by", "at")],
        GlobalSecondaryIndexes=[index],
        BillingMode="PAY_PER_REQUEST",
    )
    rng = random.Random(3)
    for number in range(150):
        item = {"pk": {"S": rng.choice("abc")}, "sk": {"S": f"{number:03}"}, "n": {"N": str(number)}}
        if number % 3:
            item |= {"by": {"S": rng.choice("xy")}, "at": {"S": str(rng.randrange(9))}}
        dynamo.put_item(TableName=NAME, Item=item)
    yield dynamo
    dynamo.delete_table(TableName=NAME)


def table(name: str = NAME) -> Table:
    backends = (one for regions in dynamodb_backends.values() for one in regions.values())
    (found,) = (one.tables[name] for one in backends if name in one.tables)
    return found


@dataclass(frozen=True)
class Shape:
    """A table and its indexes: each a hash key and a range key, which may be empty."""

    own: tuple[str, str]
    indexes: Mapping[str, tuple[str, str]]
    types: Mapping[str, str] = field(default_factory=dict)  # S, if missing

    @property
    def names(self) -> list[str]:
        return sorted({name for keys in (self.own, *self.indexes.values()) for name in keys if name})

    def value(self, name: str, rng: random.Random) -> dict[str, Any]:
        kind = self.types.get(name, "S")
        text = (
            rng.choice(["1", "02", "2", "2.0", "9", "10", "-3"]) if kind == "N" else rng.choice(["a", "ab", "b", "é"])
        )
        return {kind: text.encode() if kind == "B" else text}

    def item(self, rng: random.Random) -> dict[str, Any]:
        """The keys of the table, and at random those of indexes."""
        return {name: self.value(name, rng) for name in self.names if name in self.own or rng.random() < 0.7}

    def create(self, dynamo: Any) -> None:
        def schema(keys: tuple[str, str]) -> list[dict[str, str]]:
            kinds = zip(keys, ("HASH", "RANGE"), strict=True)
            return [{"AttributeName": name, "KeyType": kind} for name, kind in kinds if name]

        projections = [{"ProjectionType": "ALL"}, {"ProjectionType": "KEYS_ONLY"}]
        dynamo.create_table(
            TableName=SHAPED,
            KeySchema=schema(self.own),
            AttributeDefinitions=[
                {"AttributeName": name, "AttributeType": self.types.get(name, "S")} for name in self.names
            ],
            GlobalSecondaryIndexes=[
                {"IndexName": name, "KeySchema": schema(keys), "Projection": projections[number % 2]}
                for number, (name, keys) in enumerate(self.indexes.items())
            ],
            BillingMode="PAY_PER_REQUEST",
        )


SHAPES = {
    "texts": Shape(("pk", "sk"), {"by-kind": ("by", "at"), "by-sk": ("sk", "by"), "by-pk": ("pk", "at")}),
    "numbers": Shape(("pk", "n"), {"by-number": ("m", "n"), "no-range": ("by", "")}, {"n": "N", "m": "N"}),
    "bytes": Shape(("pk", "sk"), {"no-range": ("sk", ""), "by-kind": ("by", "at")}, {"sk": "B", "at": "B"}),
    "no range key": Shape(("pk", ""), {"no-range": ("by", ""), "by-kind": ("by", "at")}, {"at": "N"}),
}


@pytest.fixture(scope="module", params=SHAPES)
def shape(aws: EmbeddedAws, request: pytest.FixtureRequest) -> Iterator[Shape]:
    dynamo, shape = aws.client("dynamodb"), SHAPES[request.param]
    shape.create(dynamo)
    rng = random.Random(4)
    for _ in range(60):
        dynamo.put_item(TableName=SHAPED, Item=shape.item(rng))
    yield shape
    dynamo.delete_table(TableName=SHAPED)


def random_query(shape: Shape, rng: random.Random) -> dict[str, Any]:
    index = rng.choice([None, *shape.indexes])
    hash_name, range_name = shape.indexes[index] if index else shape.own
    value = DynamoType(shape.value(hash_name, rng))
    comparisons = [
        "EQ",
        "LE",
        "LT",
        "GE",
        "GT",
        "BETWEEN",
        *(["BEGINS_WITH"] if shape.types.get(range_name) != "N" else []),
    ]
    comparison = rng.choice([None, *comparisons]) if range_name else None
    operands: list[DynamoType] = (
        sorted(DynamoType(shape.value(range_name, rng)) for _ in range(2)) if range_name else []
    )
    start = {name: shape.value(name, rng) for name in {*shape.own, hash_name, range_name} if name}
    start[hash_name] = {value.type: value.value}
    return {
        "hash_key": value,
        "range_comparison": comparison,
        "range_objs": operands[: 2 if comparison == "BETWEEN" else 1] if comparison else [],
        "limit": rng.choice([1, 3, 1000, None]),
        "exclusive_start_key": rng.choice([None, start]),
        "scan_index_forward": rng.choice([True, False]),
        "projection_expressions": None,
        "index_name": index,
        "hash_key_conditions": [(hash_name, value)],
    }


def write_randomly(shape: Shape, client: Any, rng: random.Random) -> None:
    """Put, move in the indexes, take out of them and delete items; also with writes that fail."""
    item = shape.item(rng)
    key = {name: value for name, value in item.items() if name in shape.own}
    name = rng.choice([name for name in shape.names if name not in shape.own])
    where = {"TableName": SHAPED, "Key": key}
    put = {"TableName": SHAPED, "Item": item}
    named = {"ExpressionAttributeNames": {"#name": name}}
    move = {"UpdateExpression": "SET #name = :v", "ExpressionAttributeValues": {":v": shape.value(name, rng)}, **named}
    never = {"ConditionExpression": "attribute_exists(never)"}
    missing = {**where, "Key": {**key, "pk": {"S": "missing"}}}
    calls: list[Callable[[], object]] = [
        lambda: client.put_item(**put),
        lambda: client.batch_write_item(RequestItems={SHAPED: [{"PutRequest": {"Item": item}}]}),
        lambda: client.batch_write_item(RequestItems={SHAPED: [{"DeleteRequest": {"Key": key}}]}),
        lambda: client.update_item(**where, **move),
        lambda: client.update_item(**where, UpdateExpression="REMOVE #name", **named),
        lambda: client.update_item(**where, **move, **never),
        lambda: client.update_item(**{**where, "TableName": shaped_table().table_arn}, **move),
        lambda: client.delete_item(**where),
        lambda: client.get_item(**missing),
        lambda: client.transact_write_items(TransactItems=[{"Put": put}, {"Delete": {**missing, **never}}]),
        lambda: client.transact_write_items(TransactItems=[{"Update": {**where, **move}}]),
        lambda: client.transact_write_items(TransactItems=[{"Delete": where}]),
    ]
    with suppress(client.exceptions.ConditionalCheckFailedException, client.exceptions.TransactionCanceledException):
        rng.choice(calls)()


def shaped_table() -> Table:
    return table(SHAPED)


@pytest.mark.parametrize("seed", range(10))
def test_a_query_returns_the_same_items_in_the_same_order(shape: Shape, aws: EmbeddedAws, seed: int) -> None:
    client, rng = aws.client("dynamodb"), random.Random(seed)
    original: Any = Table.query.__wrapped__  # type: ignore[attr-defined]
    for _ in range(20):
        write_randomly(shape, client, rng)
        query = random_query(shape, rng)
        result, expected = (run(shaped_table(), **query) for run in (Table.query, original))
        assert [item.to_json() for item in result[0]] == [item.to_json() for item in expected[0]], query
        assert result[1:] == expected[1:], query


def test_a_query_does_not_read_the_table(shape: Shape, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise AssertionError("the whole table is read")

    monkeypatch.setattr(Table, "all_items", fail)
    rng = random.Random(1)
    for _ in range(50):
        Table.query(shaped_table(), **random_query(shape, rng))


def test_an_index_that_is_added_later_is_queried(shape: Shape, aws: EmbeddedAws) -> None:
    client, rng = aws.client("dynamodb"), random.Random(2)
    Table.query(shaped_table(), **random_query(shape, rng))
    index = {
        "IndexName": "later",
        "KeySchema": [{"AttributeName": "later", "KeyType": "HASH"}],
        "Projection": {"ProjectionType": "ALL"},
    }
    item = {**shape.item(rng), "later": {"S": "x"}}
    client.put_item(TableName=SHAPED, Item=item)
    client.update_table(
        TableName=SHAPED,
        AttributeDefinitions=[{"AttributeName": "later", "AttributeType": "S"}],
        GlobalSecondaryIndexUpdates=[{"Create": index}],
    )
    found = client.query(
        TableName=SHAPED,
        IndexName="later",
        KeyConditionExpression="later = :v",
        ExpressionAttributeValues={":v": {"S": "x"}},
    )
    assert found["Items"] == [item]
    client.update_table(TableName=SHAPED, GlobalSecondaryIndexUpdates=[{"Delete": {"IndexName": "later"}}])


@pytest.mark.parametrize("named_by", ["name", "ARN"])
def test_a_transaction_that_fails_changes_nothing(client: Any, named_by: str) -> None:
    name = NAME if named_by == "name" else table().table_arn

    def item(sk: str, **more: Any) -> dict[str, Any]:
        return {"pk": {"S": "t"}, "sk": {"S": sk}, **more}

    client.put_item(TableName=NAME, Item=item("old", n={"N": "1"}))
    before = client.query(
        TableName=NAME, KeyConditionExpression="pk = :pk", ExpressionAttributeValues={":pk": {"S": "t"}}
    )
    changes = [
        {"Put": {"TableName": name, "Item": item("new")}},
        {
            "Update": {
                "TableName": name,
                "Key": item("old"),
                "UpdateExpression": "ADD n :one",
                "ExpressionAttributeValues": {":one": {"N": "1"}},
            }
        },
        {"Put": {"TableName": name, "Item": item("never"), "ConditionExpression": "attribute_exists(pk)"}},
    ]
    with pytest.raises(client.exceptions.TransactionCanceledException):
        client.transact_write_items(TransactItems=changes)
    after = client.query(
        TableName=NAME, KeyConditionExpression="pk = :pk", ExpressionAttributeValues={":pk": {"S": "t"}}
    )
    assert after["Items"] == before["Items"]
    client.transact_write_items(TransactItems=changes[:2])
    updated = client.get_item(TableName=NAME, Key=item("old"))
    assert updated["Item"]["n"] == {"N": "2"}


def test_outside_transactions_a_table_is_copied_completely(client: Any) -> None:
    copied = copy.deepcopy(table())
    client.put_item(TableName=NAME, Item={"pk": {"S": "after"}, "sk": {"S": "1"}})
    assert DynamoType({"S": "after"}) not in copied.items


def random_value(rng: random.Random, depth: int = 0) -> dict[str, Any]:
    kind = rng.choice(["S", "N", "BOOL", "NULL", "B", "SS", "NS", "BS"] + ["L", "M"] * (depth < 2))
    values: dict[str, Any] = {
        "S": rng.choice(["", "true", "Ω", "1"]),
        "N": str(rng.randrange(-9, 9)),
        "BOOL": rng.choice([True, False]),
        "NULL": True,
        "B": rng.randbytes(3),
        "SS": ["a", "b"],
        "NS": ["1", "2.5"],
        "BS": [b"\x00", b"\xff"],
    }
    if kind == "L":
        return {"L": [random_value(rng, depth + 1) for _ in range(rng.randrange(3))]}
    if kind == "M":
        return {"M": {name: random_value(rng, depth + 1) for name in ("S", "L", "other")[: rng.randrange(4)]}}
    return {kind: values[kind]}


@pytest.mark.parametrize("seed", range(10))
def test_every_attribute_value_is_returned_as_it_was_stored(
    client: Any, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = random.Random(seed)
    key = {"pk": {"S": "values"}, "sk": {"S": str(seed)}}
    item = {**key, **{f"a{number}": random_value(rng) for number in range(20)}}
    client.put_item(TableName=NAME, Item=item)
    found = client.get_item(TableName=NAME, Key=key)["Item"]
    assert found == item
    original = BaseJSONSerializer._serialize_type_structure.__wrapped__  # type: ignore[attr-defined]
    monkeypatch.setattr(BaseJSONSerializer, "_serialize_type_structure", original)
    of_maps = BaseJSONSerializer._serialize_type_map.__wrapped__  # type: ignore[attr-defined]
    monkeypatch.setattr(BaseJSONSerializer, "_serialize_type_map", of_maps)
    assert client.get_item(TableName=NAME, Key=key)["Item"] == found


@pytest.fixture(scope="module")
def versions(aws: EmbeddedAws) -> Iterator[Any]:
    """A bucket with several versions of objects, some of them deleted."""
    s3 = aws.client("s3")
    where = {"CreateBucketConfiguration": {"LocationConstraint": aws.region}}
    s3.create_bucket(Bucket="versions", **where)
    s3.put_bucket_versioning(Bucket="versions", VersioningConfiguration={"Status": "Enabled"})
    rng = random.Random(5)
    keys = [f"{folder}/{number}" for folder in ("a", "b", "b/c") for number in range(4)]
    for key in rng.choices(keys, k=60):
        if rng.random() < 0.2:
            s3.delete_object(Bucket="versions", Key=key)
        else:
            s3.put_object(Bucket="versions", Key=key, Body=rng.randbytes(5))
    yield s3
    for page in s3.get_paginator("list_object_versions").paginate(Bucket="versions"):
        for entry in [*page.get("Versions", []), *page.get("DeleteMarkers", [])]:
            s3.delete_object(Bucket="versions", Key=entry["Key"], VersionId=entry["VersionId"])
    s3.delete_bucket(Bucket="versions")


@pytest.mark.parametrize("prefix", ["", "a", "b/", "b/c/1", "none"])
@pytest.mark.parametrize("more", [{}, {"MaxKeys": 3}, {"Delimiter": "/"}], ids=["all", "pages", "folders"])
def test_the_versions_under_a_prefix_are_listed_in_the_same_order(
    versions: Any, prefix: str, more: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def listed() -> list[Any]:
        pages = versions.get_paginator("list_object_versions")
        found = list(pages.paginate(Bucket="versions", Prefix=prefix, **more))
        return [{name: value for name, value in page.items() if name != "ResponseMetadata"} for page in found]

    patched = listed()
    original = S3Backend.list_object_versions.__wrapped__  # type: ignore[attr-defined]
    monkeypatch.setattr(S3Backend, "list_object_versions", original)
    assert patched == listed()
    assert any(page.get("Versions") or page.get("CommonPrefixes") for page in patched) is (prefix != "none")


def test_listing_versions_copies_no_contents(aws: EmbeddedAws, versions: Any) -> None:
    size, body = 2_000_000, b"x" * 2_000_000
    for _ in range(10):
        versions.put_object(Bucket="versions", Key="large/object", Body=body)
    tracemalloc.start()
    try:
        listed = versions.list_object_versions(Bucket="versions", Prefix="large/")["Versions"]
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert [entry["Size"] for entry in listed] == [size] * 10
    assert peak < size
    assert versions.get_object(Bucket="versions", Key="large/object")["Body"].read() == body


def test_requests_keep_nothing_that_is_not_stored(client: Any, versions: Any) -> None:
    """Replaced objects, former items and the copies of reads are freed; moto's dashboard would list them."""
    versions.put_bucket_versioning(Bucket="versions", VersioningConfiguration={"Status": "Suspended"})

    def churn() -> None:
        versions.put_object(Bucket="versions", Key="a/churn", Body=b"body")
        versions.list_object_versions(Bucket="versions")
        key = {"pk": {"S": str(uuid4())}, "sk": {"S": "1"}}
        client.put_item(TableName=NAME, Item={**key, "by": {"S": str(uuid4())}, "at": {"S": "1"}})
        client.query(TableName=NAME, KeyConditionExpression="pk = :pk", ExpressionAttributeValues={":pk": key["pk"]})
        client.delete_item(TableName=NAME, Key=key)
        client.get_item(TableName=NAME, Key=key)
        with pytest.raises(client.exceptions.TransactionCanceledException):
            client.transact_write_items(TransactItems=put_then_fail({**key, "pk": {"S": str(uuid4())}}))

    churn()
    before = models()
    for _ in range(20):
        churn()
    assert models() <= before
    versions.put_bucket_versioning(Bucket="versions", VersioningConfiguration={"Status": "Enabled"})


def put_then_fail(key: dict[str, Any]) -> list[dict[str, Any]]:
    never = {"Key": {**key, "sk": {"S": "2"}}, "ConditionExpression": "attribute_exists(pk)"}
    return [{"Put": {"TableName": NAME, "Item": key}}, {"Delete": {"TableName": NAME, **never}}]


def models() -> int:
    """The number of moto's models in memory, and of the partitions of tables and indexes."""
    gc.collect()
    found = table()
    partitions = len(found.items) + len(Partitions.of(found)._entries)
    return partitions + sum(
        issubclass(type(one), BaseModel) for one in gc.get_objects()
    )  # isinstance fails for dead proxies


@pytest.fixture
def queue(aws: EmbeddedAws) -> Iterator[str]:
    """The URL of a queue with two visible, one delayed and one received message."""
    sqs = aws.client("sqs")
    url = sqs.create_queue(QueueName="quick", Attributes={"MessageRetentionPeriod": "60"})["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="received")
    sqs.receive_message(QueueUrl=url)
    for body in ("first", "second"):
        sqs.send_message(QueueUrl=url, MessageBody=body)
    sqs.send_message(QueueUrl=url, MessageBody="delayed", DelaySeconds=60)
    yield url
    sqs.delete_queue(QueueUrl=url)


def test_messages_of_a_queue_are_counted_by_their_state(aws: EmbeddedAws, queue: str) -> None:
    names = {"": "2", "NotVisible": "1", "Delayed": "1"}
    counts = aws.client("sqs").get_queue_attributes(QueueUrl=queue, AttributeNames=["All"])["Attributes"]
    assert {name: counts[f"ApproximateNumberOfMessages{name}"] for name in names} == names


def test_only_visible_messages_that_are_retained_are_received(aws: EmbeddedAws, queue: str) -> None:
    sqs = aws.client("sqs")
    backends = (one for regions in sqs_backends.values() for one in regions.values())
    (held,) = (one.queues["quick"] for one in backends if "quick" in one.queues)
    expired = next(message for message in held._messages if message.body == "second")
    expired.sent_timestamp -= 61_000
    received = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10)["Messages"]
    assert [message["Body"] for message in received] == ["first"]


def test_a_large_object_that_is_freed_closes_its_file(aws: EmbeddedAws) -> None:
    """moto writes it to a file; Python warns of files that are freed open, in whichever test then runs."""
    key = FakeKey("large", b"x" * 100, account_id=aws.account_id, region_name=aws.region, max_buffer_size=10)
    contents = key._value_buffer._file
    copied = copy.deepcopy(key)
    del copied
    gc.collect()
    assert not contents.closed
    del key
    gc.collect()
    assert contents.closed
