"""Capacity units, compared with examples computed by hand from the rules of the DynamoDB Developer Guide."""

from typing import Any

import pytest

from argus import capabilities
from infra.embedded.aws import EmbeddedAws, StackOutputs
from infra.embedded.capacity import Capacity, Index, item_bytes, read_units

KEYS = Index(frozenset({"pk", "by"}), has_all=False)
ALL = Index(frozenset({"pk", "by"}), has_all=True)


def item(**values: str) -> dict[str, Any]:
    return {"pk": {"S": "a"}, **{name: {"S": value} for name, value in values.items()}}


def of_size(size: int, **values: str) -> dict[str, Any]:
    """An item of this many bytes."""
    rest = item(**values, text="")
    return {**rest, "text": {"S": "x" * (size - item_bytes(rest))}}


@pytest.mark.parametrize(
    ("value", "size"),
    [
        ({"S": ""}, 0),
        ({"S": "abc"}, 3),
        ({"S": "é"}, 2),
        ({"S": "温"}, 3),
        ({"S": "🔥"}, 4),
        ({"B": b"\0\1\2"}, 3),
        ({"N": "0"}, 1),
        ({"N": "7"}, 2),
        ({"N": "42"}, 2),
        ({"N": "123"}, 3),
        ({"N": "1000000"}, 2),
        ({"N": "0.00012"}, 2),
        ({"N": "1.5"}, 2),
        ({"N": "10.01"}, 3),
        ({"N": "-7"}, 3),
        ({"N": "-123.4"}, 4),
        ({"N": "1e+300"}, 2),
        ({"N": "1.25E-7"}, 3),
        ({"N": "1" * 38}, 20),
        ({"NULL": True}, 1),
        ({"BOOL": False}, 1),
        ({"L": []}, 3),
        ({"M": {}}, 3),
        ({"L": [{"S": "abc"}, {"N": "7"}]}, 3 + (1 + 3) + (1 + 2)),
        ({"M": {"ab": {"S": "c"}, "é": {"NULL": True}}}, 3 + (1 + 2 + 1) + (1 + 2 + 1)),
        ({"L": [{"L": []}, {"M": {"a": {"L": [{"BOOL": True}]}}}]}, 3 + (1 + 3) + (1 + 3 + 1 + 1 + 3 + 1 + 1)),
    ],
    ids=str,
)
def test_the_size_of_a_value(value: dict[str, Any], size: int) -> None:
    assert item_bytes({"n": value}) == 1 + size


def test_the_size_of_an_item_contains_the_names_of_its_attributes() -> None:
    assert item_bytes({"pk": {"S": "a"}, "größe": {"N": "7"}}) == (2 + 1) + (7 + 2)
    assert item_bytes({}) == 0


NEW, SAME = item(by="x"), item(by="x", text="y")


@pytest.mark.parametrize(
    ("before", "after", "keys_only", "whole"),
    [
        pytest.param(None, NEW, 1, 1, id="a new entry"),
        pytest.param(NEW, NEW, 0, 0, id="an identical item"),
        pytest.param(NEW, SAME, 0, 1, id="another attribute has changed"),
        pytest.param(NEW, item(by="z"), 2, 2, id="a key has changed"),
        pytest.param(NEW, None, 1, 1, id="the item is deleted"),
        pytest.param(NEW, item(text="y"), 1, 1, id="a key is removed"),
        pytest.param(item(text="y"), NEW, 1, 1, id="a key is added"),
        pytest.param(item(), item(text="y"), 0, 0, id="an item without the key"),
        pytest.param(None, None, 0, 0, id="nothing is deleted"),
        pytest.param(of_size(1025, by="x"), of_size(3000, by="x"), 0, 3, id="it grows"),
        pytest.param(of_size(3000, by="x"), of_size(10 + 2, by="x"), 0, 3, id="it shrinks"),
        pytest.param(of_size(3000, by="x"), of_size(1500, by="z"), 2, 3 + 2, id="it shrinks, and a key has changed"),
    ],
)
def test_the_write_units_of_an_index(before: Any, after: Any, keys_only: int, whole: int) -> None:
    assert (KEYS.write_units(before, after), ALL.write_units(before, after)) == (keys_only, whole)


@pytest.mark.parametrize(
    ("before", "after", "units"),
    [
        pytest.param(None, of_size(1024), 1, id="1 KB"),
        pytest.param(None, of_size(1025), 2, id="more than 1 KB"),
        pytest.param(of_size(3000), of_size(100), 3, id="a large item is replaced"),
        pytest.param(of_size(100), of_size(3000), 3, id="a large item replaces"),
        pytest.param(of_size(3000), None, 3, id="a large item is deleted"),
        pytest.param(None, None, 1, id="nothing is deleted"),
    ],
)
def test_the_write_units_of_a_table(before: Any, after: Any, units: int) -> None:
    assert Capacity(()).write_units(before, after) == units
    assert Capacity(()).write_units(before, after, in_transaction=True) == 2 * units


def test_a_transaction_doubles_only_the_write_of_the_table() -> None:
    capacity = Capacity((KEYS, ALL))
    assert capacity.write_units(None, NEW) == 1 + 1 + 1
    assert capacity.write_units(None, NEW, in_transaction=True) == 2 + 1 + 1
    assert capacity.write_units(NEW, item(by="z"), in_transaction=True) == 2 + 2 + 2


@pytest.mark.parametrize(
    ("sizes", "of_a_query", "of_gets"),
    [
        ([], 1, 1),
        ([10], 1, 1),
        ([4096], 1, 1),
        ([4097], 2, 2),
        ([2048, 2048], 1, 2),
        ([2048, 2049], 2, 2),
        ([100] * 50, 2, 50),
        ([5000, 5000], 3, 4),
    ],
    ids=str,
)
def test_read_units(sizes: list[int], of_a_query: float, of_gets: float) -> None:
    items = [of_size(size) for size in sizes]
    assert read_units(items, consistent=True, together=True) == of_a_query
    assert read_units(items, consistent=True, together=False) == of_gets
    assert read_units(items, consistent=False, together=True) == of_a_query / 2
    assert read_units(items, consistent=False, together=False) == of_gets / 2


def test_the_indexes_of_a_table_are_those_of_its_description() -> None:
    def index(hash_key: str, *more: str, projection: str) -> dict[str, Any]:
        schema = [{"AttributeName": name} for name in (hash_key, *more)]
        return {"KeySchema": schema, "Projection": {"ProjectionType": projection}}

    description = {
        "KeySchema": [{"AttributeName": "pk"}, {"AttributeName": "sk"}],
        "GlobalSecondaryIndexes": [
            index("by", "at", projection="KEYS_ONLY"),
            index("by", "sk", projection="ALL"),
        ],
    }
    assert Capacity.of(description).indexes == (
        Index(frozenset({"pk", "sk", "by", "at"}), has_all=False),
        Index(frozenset({"pk", "sk", "by"}), has_all=True),
    )
    assert Capacity.of({"KeySchema": description["KeySchema"]}).indexes == ()


def test_no_index_of_argus_contains_some_attributes_only(aws: EmbeddedAws, outputs: StackOutputs) -> None:
    """Their units would be wrong: an index has keys only, or whole items."""
    kinds = {
        index["Projection"]["ProjectionType"]
        for table in capabilities.tables()
        for index in aws.client("dynamodb")
        .describe_table(TableName=f"argus-test-{table.name}")["Table"]
        .get("GlobalSecondaryIndexes", [])
    }
    assert kinds <= {"KEYS_ONLY", "ALL"}
    assert "KEYS_ONLY" in kinds
