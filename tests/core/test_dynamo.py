"""DynamoDB tables."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from argus.container import Container
from argus.core.dynamo import Add, ConditionFailed, Overloaded, Put, Table, due_shard, due_shards, from_wire, to_wire
from argus.core.ids import Ids
from tests.dynamodb_calls import dynamodb_calls

_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**30), 10**30)
    | st.floats(-1e100, 1e100, allow_nan=False).filter(lambda number: number == 0 or abs(number) > 1e-100)
    | st.text(max_size=20)
    | st.binary(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(min_size=1, max_size=8), inner, max_size=4),
    max_leaves=12,
)


@pytest.fixture
def table(argus: Container) -> Table:
    return argus.table("imagery")


@pytest.fixture
def pk() -> str:
    return f"{Ids().new('org')}#test"


@given(_VALUES)
def test_what_is_written_is_read_back(value: Any) -> None:
    read = from_wire(to_wire(value))
    assert read == value
    assert isinstance(read, bool) == isinstance(value, bool)


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(st.dictionaries(st.from_regex(r"[a-z]{1,8}", fullmatch=True), _VALUES, max_size=5))
def test_a_stored_item_is_read_back_unchanged(table: Table, pk: str, fields: dict[str, Any]) -> None:
    item = {**fields, "pk": pk, "sk": "x"}
    table.put(item)
    assert table.get(pk, "x") == item


def test_an_item_rejects_unsupported_types() -> None:
    with pytest.raises(TypeError, match="cannot contain a object"):
        to_wire(object())


def test_a_put_whose_condition_fails_returns_the_existing_item(table: Table, pk: str) -> None:
    table.put({"pk": pk, "sk": "a", "state": "old"})
    with pytest.raises(ConditionFailed) as refused:
        table.put({"pk": pk, "sk": "a", "state": "new"}, when="attribute_not_exists(pk)")
    assert refused.value.item == {"pk": pk, "sk": "a", "state": "old"}


def test_an_update_changes_removes_and_returns_the_item(table: Table, pk: str) -> None:
    table.put({"pk": pk, "sk": "a", "state": "old", "name": "n", "size": 1})
    after = table.update(pk, "a", changes={"state": "new"}, remove=["size"])
    assert after == table.get(pk, "a") == {"pk": pk, "sk": "a", "state": "new", "name": "n"}


def test_an_update_of_a_missing_item_fails(table: Table, pk: str) -> None:
    with pytest.raises(ConditionFailed):
        table.update(pk, "a", changes={"state": "new"})
    assert table.get(pk, "a") is None


def test_a_query_is_narrowed_ordered_filtered_and_paged(table: Table, pk: str) -> None:
    table.put_many({"pk": pk, "sk": f"{kind}{number:02}", "odd": number % 2} for kind in "ab" for number in range(40))
    assert len(list(table.query_all(pk))) == 80
    assert [item["sk"] for item in table.query(pk, prefix="b", newest_first=True, limit=2).items] == ["b39", "b38"]
    assert [item["sk"] for item in table.query(pk, up_to="a02").items] == ["a00", "a01", "a02"]
    seen: list[str] = []
    after = None
    while True:
        page = table.query_full_page(pk, limit=7, after=after, filter_expression="#odd = :odd", values={":odd": 1})
        seen += [item["sk"] for item in page.items]
        after = page.last_key
        if after is None:
            break
        assert len(page.items) == 7
    assert seen == [f"{kind}{number:02}" for kind in "ab" for number in range(1, 40, 2)]


def test_items_are_deleted_in_batches(table: Table, pk: str) -> None:
    table.put_many({"pk": pk, "sk": str(number)} for number in range(60))
    table.delete_many([(pk, str(number)) for number in range(59)])
    assert [item["sk"] for item in table.query_all(pk)] == ["59"]


def test_a_batch_that_stays_unprocessed_is_an_error(table: Table, pk: str, monkeypatch: pytest.MonkeyPatch) -> None:
    class Full:
        def batch_write_item(self, RequestItems: Any) -> Any:
            return {"UnprocessedItems": RequestItems}

    with pytest.raises(Overloaded, match="1 items were not written"):
        Table(table.name, Full).put_many([{"pk": pk, "sk": "a"}])


def test_rare_items_are_found_in_few_reads(table: Table, pk: str, monkeypatch: pytest.MonkeyPatch) -> None:
    table.put_many({"pk": pk, "sk": f"{number:04}", "rare": number % 100 == 99} for number in range(450))
    reads, query = [], Table.query

    def counted(self: Table, *args: Any, **kwargs: Any) -> Any:
        reads.append(kwargs["limit"])
        return query(self, *args, **kwargs)

    monkeypatch.setattr(Table, "query", counted)
    found, after = [], None
    while True:
        page = table.query_full_page(pk, limit=1, after=after, filter_expression="#rare = :yes", values={":yes": True})
        found += [item["sk"] for item in page.items]
        if (after := page.last_key) is None:
            break
    assert found == ["0099", "0199", "0299", "0399"]
    assert len(reads) <= 12


def test_a_filtered_query_without_matches_returns_the_key_to_continue_from(
    table: Table, pk: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("argus.core.dynamo._STRIDE", 3)
    table.put_many({"pk": pk, "sk": f"{number:04}", "wanted": number == 99} for number in range(100))
    first = table.query_full_page(pk, limit=2, filter_expression="#wanted = :yes", values={":yes": True})
    assert (first.items, first.last_key) == ([], {"pk": pk, "sk": "0073"})
    second = table.query_full_page(
        pk, limit=2, filter_expression="#wanted = :yes", values={":yes": True}, after=first.last_key
    )
    assert [item["sk"] for item in second.items] == ["0099"]
    assert second.last_key is None


def test_a_transaction_writes_all_or_none(table: Table, pk: str) -> None:
    table.put({"pk": pk, "sk": "taken"})
    with pytest.raises(ConditionFailed):
        table.transact([Put({"pk": pk, "sk": "free"}), Put({"pk": pk, "sk": "taken"}, when="attribute_not_exists(pk)")])
    assert table.get(pk, "free") is None


@pytest.mark.usefixtures("racing")
def test_counting_is_exact_under_threads(table: Table, pk: str) -> None:
    with ThreadPoolExecutor(8) as pool:
        counts = list(pool.map(lambda _: table.increment(pk, "n", by=1, expires_at=1), range(40)))
    assert sorted(counts) == list(range(1, 41))


def test_unfinished_items_are_spread_over_every_shard() -> None:
    assert {due_shard(f"img_{number}") for number in range(500)} == set(due_shards())


# ---------------------------------------------------------------- several items


def test_many_are_read_in_the_order_of_their_keys(table: Table, pk: str) -> None:
    table.put_many({"pk": pk, "sk": f"{number:03}"} for number in range(150))
    keys = [(pk, f"{number:03}") for number in (*range(149, -1, -1), 7, 999)]  # one repeated, and one missing
    assert [item["sk"] for item in table.get_many(keys)] == [f"{number:03}" for number in range(149, -1, -1)]
    assert table.get_many([]) == []


def test_unprocessed_keys_are_read_again(table: Table, pk: str) -> None:
    class OneAtATime:
        def batch_get_item(self, RequestItems: Any) -> Any:
            ((name, asked),) = RequestItems.items()
            assert asked["ConsistentRead"]
            first, *others = asked["Keys"]
            return {"Responses": {name: [first]}, "UnprocessedKeys": {name: {"Keys": others}} if others else {}}

    found = Table(table.name, OneAtATime).get_many([(pk, "b"), (pk, "a")])
    assert [item["sk"] for item in found] == ["b", "a"]


def test_a_batch_read_that_stays_unprocessed_is_an_error(table: Table, pk: str) -> None:
    class Full:
        def batch_get_item(self, RequestItems: Any) -> Any:
            return {"Responses": {}, "UnprocessedKeys": RequestItems}

    with pytest.raises(Overloaded, match="1 items were not read"):
        Table(table.name, Full).get_many([(pk, "a")])


def test_a_query_can_have_a_range_of_sort_keys(table: Table, pk: str) -> None:
    table.put_many({"pk": pk, "sk": f"{number:02}"} for number in range(10))
    assert [item["sk"] for item in table.query(pk, between=("03", "05")).items] == ["03", "04", "05"]


def test_a_transaction_adds_to_missing_numbers_and_is_atomic(table: Table, pk: str) -> None:
    more = Add(pk, "n", {"seen": 2, "gone": -1}, {"title": "t"})
    table.transact([Put({"pk": pk, "sk": "a"}, when="attribute_not_exists(pk)"), more])
    table.transact([Add(pk, "n", {"seen": 3}, {}), Add(pk, "m", {}, {"title": "only"})])
    with pytest.raises(ConditionFailed):
        table.transact([more, Put({"pk": pk, "sk": "a"}, when="attribute_not_exists(pk)")])
    assert table.get(pk, "n") == {"pk": pk, "sk": "n", "seen": 5, "gone": -1, "title": "t"}
    assert table.get(pk, "m") == {"pk": pk, "sk": "m", "title": "only"}


def _in_version(pk: str, number: int, version: int) -> Put:
    return Put(
        {"pk": pk, "sk": f"{number:02}", "version": version},
        when="attribute_not_exists(pk) OR #version < :version",
        values={":version": version},
    )


def test_of_many_conditional_writes_those_whose_condition_holds_are_written(table: Table, pk: str) -> None:
    stored = {number: number % 3 for number in range(40) if number % 4}
    table.put_many({"pk": pk, "sk": f"{number:02}", "version": version} for number, version in stored.items())
    table.put_each(_in_version(pk, number, 1) for number in range(40))
    assert [item["version"] for item in table.query_all(pk)] == [max(stored.get(n, 0), 1) for n in range(40)]


def test_an_unconditional_write_of_many_replaces_its_item(table: Table, pk: str) -> None:
    table.put_many([{"pk": pk, "sk": "00", "version": 9}])
    table.put_each([Put({"pk": pk, "sk": "00"}), _in_version(pk, 1, 1)])
    assert list(table.query_all(pk)) == [{"pk": pk, "sk": "00"}, {"pk": pk, "sk": "01", "version": 1}]


def test_an_error_of_one_of_many_writes_is_raised(table: Table, pk: str) -> None:
    with pytest.raises(ClientError, match="ValidationException"):
        table.put_each([_in_version(pk, 0, 1), Put({"pk": pk, "sk": ""}), _in_version(pk, 1, 1)])


def test_a_partition_of_more_than_a_megabyte_is_read_in_few_queries(table: Table, pk: str, argus: Container) -> None:
    items = [{"pk": pk, "sk": f"{number:04}", "text": "x" * (480 - len(pk))} for number in range(2600)]
    table.put_many(items)
    with dynamodb_calls(argus) as calls:
        assert list(table.query_all(pk)) == items
    assert calls == ["Query"] * 2


def test_a_partition_is_read_whole_between_two_sort_keys_although_it_has_many_pages(table: Table, pk: str) -> None:
    large = "x" * 300_000
    table.put_many({"pk": pk, "sk": f"{number:02}", "text": large} for number in range(12))
    assert [item["sk"] for item in table.query_all(pk, between=("02", "10"))] == [f"{n:02}" for n in range(2, 11)]
    assert [item["sk"] for item in table.query_all(pk, prefix="0")] == [f"{n:02}" for n in range(10)]
