"""The patched moto returns the same results as the original."""

import copy
import gc
import random
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest
from moto.core.common_models import BaseModel
from moto.core.serialize import BaseJSONSerializer
from moto.dynamodb.models import dynamodb_backends
from moto.dynamodb.models.dynamo_type import DynamoType
from moto.dynamodb.models.table import Table
from moto.s3.models import S3Backend

from infra.embedded.aws import EmbeddedAws

NAME = "quick"


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


def table() -> Table:
    backends = (one for regions in dynamodb_backends.values() for one in regions.values())
    (found,) = (one.tables[NAME] for one in backends if NAME in one.tables)
    return found


def random_query(rng: random.Random) -> dict[str, Any]:
    index = rng.choice([None, "by-kind"])
    name, value = ("by", rng.choice("xyz")) if index else ("pk", rng.choice("abcd"))
    comparison = rng.choice([None, "GE", "BETWEEN", "BEGINS_WITH"])
    low, high = sorted(str(rng.randrange(160)) for _ in range(2))
    operands = {None: [], "GE": [low], "BETWEEN": [low, high], "BEGINS_WITH": [low[:1]]}[comparison]
    return {
        "hash_key": DynamoType({"S": value}),
        "range_comparison": comparison,
        "range_objs": [DynamoType({"S": text}) for text in operands],
        "limit": rng.choice([1, 7, 1000, None]),
        "exclusive_start_key": rng.choice([None, random_start(rng, index, name, value)]),
        "scan_index_forward": rng.choice([True, False]),
        "projection_expressions": None,
        "index_name": index,
        "hash_key_conditions": [(name, DynamoType({"S": value}))],
    }


def random_start(rng: random.Random, index: str | None, name: str, value: str) -> dict[str, Any]:
    """A key of the partition that the query reads, whether an item has it or not."""
    key = {"pk": {"S": rng.choice("abc")}, "sk": {"S": f"{rng.randrange(150):03}"}, name: {"S": value}}
    return key | ({"at": {"S": str(rng.randrange(9))}} if index else {})


def write_randomly(client: Any, rng: random.Random) -> None:
    """Put, move in the index, take out of it and delete items; also with writes that fail."""
    key = {"pk": {"S": rng.choice("abc")}, "sk": {"S": f"{rng.randrange(150):03}"}}
    moved = {":by": {"S": rng.choice("xy")}, ":at": {"S": str(rng.randrange(9))}}
    move = {"UpdateExpression": "SET #by = :by, #at = :at", "ExpressionAttributeValues": moved}
    names = {"#by": "by", "#at": "at"}
    where = {"TableName": NAME, "Key": key}
    never = {"ConditionExpression": "attribute_exists(never)"}
    put = {"TableName": NAME, "Item": {**key, "by": moved[":by"], "at": moved[":at"]}}
    calls: list[Callable[[], object]] = [
        lambda: client.put_item(**put),
        lambda: client.put_item(TableName=NAME, Item=key),
        lambda: client.update_item(**where, **move, ExpressionAttributeNames=names),
        lambda: client.update_item(**where, UpdateExpression="REMOVE #by", ExpressionAttributeNames={"#by": "by"}),
        lambda: client.update_item(**where, **move, ExpressionAttributeNames=names, **never),
        lambda: client.delete_item(**where),
        lambda: client.transact_write_items(TransactItems=[{"Put": put}, {"Delete": {**where_other(key), **never}}]),
        lambda: client.transact_write_items(TransactItems=[{"Delete": where}]),
    ]
    with suppress(client.exceptions.ConditionalCheckFailedException, client.exceptions.TransactionCanceledException):
        rng.choice(calls)()


def where_other(key: dict[str, Any]) -> dict[str, Any]:
    return {"TableName": NAME, "Key": {**key, "sk": {"S": "other"}}}


@pytest.mark.parametrize("seed", range(40))
def test_a_query_returns_the_same_items_in_the_same_order(client: Any, seed: int) -> None:
    rng = random.Random(seed)
    original: Any = Table.query.__wrapped__  # type: ignore[attr-defined]
    for _ in range(10):
        write_randomly(client, rng)
        query = random_query(rng)
        result, expected = (run(table(), **query) for run in (Table.query, original))
        assert [item.to_json() for item in result[0]] == [item.to_json() for item in expected[0]]
        assert result[1:] == expected[1:]


def test_a_transaction_that_fails_changes_nothing(client: Any) -> None:
    def item(sk: str, **more: Any) -> dict[str, Any]:
        return {"pk": {"S": "t"}, "sk": {"S": sk}, **more}

    client.put_item(TableName=NAME, Item=item("old", n={"N": "1"}))
    before = client.query(
        TableName=NAME, KeyConditionExpression="pk = :pk", ExpressionAttributeValues={":pk": {"S": "t"}}
    )
    changes = [
        {"Put": {"TableName": NAME, "Item": item("new")}},
        {
            "Update": {
                "TableName": NAME,
                "Key": item("old"),
                "UpdateExpression": "ADD n :one",
                "ExpressionAttributeValues": {":one": {"N": "1"}},
            }
        },
        {"Put": {"TableName": NAME, "Item": item("never"), "ConditionExpression": "attribute_exists(pk)"}},
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
        client.put_item(TableName=NAME, Item={"pk": {"S": "churn"}, "sk": {"S": "1"}})
        client.query(
            TableName=NAME, KeyConditionExpression="pk = :pk", ExpressionAttributeValues={":pk": {"S": "churn"}}
        )
        client.delete_item(TableName=NAME, Key={"pk": {"S": "churn"}, "sk": {"S": "1"}})

    churn()
    before = models()
    for _ in range(20):
        churn()
    assert models() <= before
    versions.put_bucket_versioning(Bucket="versions", VersioningConfiguration={"Status": "Enabled"})


def models() -> int:
    """The number of moto's models in memory."""
    gc.collect()
    return sum(isinstance(found, BaseModel) for found in gc.get_objects())
