"""Migrations, on the tables of the embedded AWS: once each, again after a failure, and concurrently."""

import os
import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from threading import Barrier
from typing import Any

import pytest

from argus.core.dynamo import ConditionFailed, Item
from infra.deploy.migrations import MIGRATIONS, Migration, Migrations, Tables
from infra.deploy.package import ROOT
from infra.embedded.aws import EmbeddedAws, StackOutputs

COUNT = 12


class Died(Exception):
    """The deployer's machine was switched off."""


def name_the_plant(tables: Tables, *, before_each: Callable[[int], None] = lambda _: None) -> None:
    """Rename `site` to `plant`; until it has finished, readers accept both names."""
    for number, item in enumerate(mine(tables)):
        before_each(number)
        if "plant" in item or "site" not in item:
            continue
        with suppress(ConditionFailed):  # changed since it was read, by the running release or another deployer
            tables["requests"].update(
                item["pk"],
                item["sk"],
                changes={"plant": item["site"]},
                when="attribute_not_exists(#plant) AND #site = :site",
                values={":site": item["site"]},
            )


def drop_the_site(tables: Tables) -> None:
    for item in mine(tables):
        plant = item["plant"]
        tables["requests"].update(
            item["pk"],
            item["sk"],
            changes={"plant": plant},
            remove=["site"],
            when="#plant = :now",
            values={":now": plant},
        )


def mine(tables: Tables) -> list[Item]:
    return sorted((item for item in tables.items("requests") if item["pk"] == "org_moved"), key=lambda item: item["sk"])


@pytest.fixture
def tables(aws: EmbeddedAws, outputs: StackOutputs) -> Iterator[Tables]:
    """The tables of the tests, with items of the old shape."""
    found = Tables(aws.stage, lambda: aws.client("dynamodb"))
    found["requests"].put_many(
        {"pk": "org_moved", "sk": f"thing{number:03}", "site": f"Olkaria {number}"} for number in range(COUNT)
    )
    yield found
    found["requests"].delete_many((item["pk"], item["sk"]) for item in mine(found))


@pytest.fixture
def migrations(aws: EmbeddedAws, tables: Tables) -> Migrations:
    """A stage without completed migrations, over the tables of the tests."""
    return Migrations(f"test-{os.urandom(6).hex()}", aws.client("ssm"), tables)


def plants(tables: Tables) -> list[str | None]:
    return [item.get("plant") for item in mine(tables)]


EVERY = [f"Olkaria {number}" for number in range(COUNT)]
NAME = Migration("2026-11-21-plant", name_the_plant)
DROP = Migration("2026-12-01-no-site", drop_the_site)


def test_each_migration_runs_once_and_in_order(migrations: Migrations, tables: Tables) -> None:
    assert migrations.run([NAME]) == ["2026-11-21-plant"]
    assert plants(tables) == EVERY
    assert migrations.run([NAME, DROP]) == ["2026-12-01-no-site"]
    assert migrations.run([NAME, DROP]) == []
    assert [sorted(item) for item in mine(tables)] == [["pk", "plant", "sk"]] * COUNT


def test_a_migration_that_stopped_half_way_runs_again_before_the_next_one(
    migrations: Migrations, tables: Tables
) -> None:
    def dies(number: int) -> None:
        if number == COUNT // 2:
            raise Died

    dying = Migration(NAME.name, partial(name_the_plant, before_each=dies))
    with pytest.raises(Died):
        migrations.run([dying, DROP])
    assert plants(tables) == EVERY[: COUNT // 2] + [None] * (COUNT // 2)
    assert migrations.run([NAME, DROP]) == [NAME.name, DROP.name]
    assert plants(tables) == EVERY


def test_concurrent_writes_of_the_running_release_are_kept(migrations: Migrations, tables: Tables) -> None:
    def writes(number: int) -> None:
        if number == 0:  # after everything was read
            tables["requests"].put({"pk": "org_moved", "sk": "thing007", "site": "Menengai", "plant": "Menengai"})
            tables["requests"].delete("org_moved", "thing008")

    migrations.run([Migration(NAME.name, partial(name_the_plant, before_each=writes))])
    assert plants(tables) == [*EVERY[:7], "Menengai", *EVERY[9:]]


@pytest.mark.usefixtures("racing")
def test_two_concurrent_deployers_do_no_harm(migrations: Migrations, tables: Tables) -> None:
    both = Barrier(2, timeout=60)

    def together(number: int) -> None:
        if number == 0:
            both.wait()

    concurrent = Migration(NAME.name, partial(name_the_plant, before_each=together))
    with ThreadPoolExecutor(2) as pool:
        done = [one.result() for one in [pool.submit(migrations.run, [concurrent]) for _ in range(2)]]
    assert done == [[NAME.name]] * 2
    assert plants(tables) == EVERY
    assert migrations.run([NAME]) == []


def test_a_migration_runs_even_if_a_newer_one_is_completed(migrations: Migrations) -> None:
    migrations.run([NAME, DROP])
    between = Migration("2026-11-25-between", lambda _: None)
    assert migrations.run([NAME, between]) == [between.name]


def test_the_guides_example_works(migrations: Migrations, tables: Tables) -> None:
    guide = (ROOT / "docs" / "deployment.md").read_text()
    (example,) = [block for block in re.findall(r"(?s)```python\n(.+?)```", guide) if "Migration(" in block]
    names = {"suppress": suppress, "ConditionFailed": ConditionFailed, "Tables": Tables, "Migration": Migration}
    exec(example, names)
    tables["imagery"].put({"pk": "org_moved", "sk": "one", "site": "Olkaria"})
    written: Any = names["MIGRATIONS"]
    assert migrations.run(written) == ["2026-11-21-plant"]
    assert tables["imagery"].get("org_moved", "one") == {
        "pk": "org_moved",
        "sk": "one",
        "site": "Olkaria",
        "plant": "Olkaria",
    }
    tables["imagery"].delete("org_moved", "one")


def test_names_of_migrations_begin_with_their_date_and_are_in_order() -> None:
    names = [migration.name for migration in MIGRATIONS]
    assert names == sorted(set(names))
    assert all(re.fullmatch(r"\d{4}-\d{2}-\d{2}-[a-z0-9-]+", name) for name in names)
