"""Migrations of stored data: each runs once per stage, while the previous release still runs.

A migration is a name and a function over the tables. It must be idempotent and safe to run concurrently with itself:
each write is conditional on the value that was read, and items that already have the new shape are skipped. A migration
that stopped half-way is run again, and two deployers at once do the same work twice without harm; no lock is needed.
A stage records each completed migration in its own SSM parameter, `/argus/<stage>/migrations/<name>`, which is created
after the migration has finished and never changed. There is no read-modify-write, so one deployer cannot overwrite the
record of another.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

from argus.capabilities import installed
from argus.core.aws import ClientFactory
from argus.core.clock import utc_now
from argus.core.declarations import load
from argus.core.dynamo import Item, Table, from_wire


@dataclass(frozen=True)
class Tables:
    """The tables of a stage, by capability. The deployer, unlike Argus, may scan a whole table."""

    stage: str
    dynamodb: ClientFactory

    def __getitem__(self, capability: str) -> Table:
        return Table(f"argus-{self.stage}-{capability}", self.dynamodb)

    def items(self, capability: str) -> Iterator[Item]:
        """Every item of a table; items written during the scan may be missing."""
        pages = self.dynamodb().get_paginator("scan").paginate(TableName=self[capability].name, ConsistentRead=True)
        for page in pages:
            yield from ({name: from_wire(value) for name, value in item.items()} for item in page["Items"])


@dataclass(frozen=True)
class Migration:
    """`name` is unique for ever and begins with the day it was written; `apply` is idempotent."""

    name: str
    apply: Callable[[Tables], None]


# Of all capabilities, oldest first: names begin with a date.
MIGRATIONS: tuple[Migration, ...] = tuple(
    sorted(
        (Migration(name, load(function)) for one in installed() for name, function in one.migrations.items()),
        key=attrgetter("name"),
    )
)


@dataclass(frozen=True)
class Migrations:
    """The migrations of a stage: completed and pending."""

    stage: str
    ssm: Any
    tables: Tables

    def run(self, migrations: Sequence[Migration]) -> list[str]:
        """Run the pending migrations in order and return their names. The first failure stops the run."""
        completed, done = self._completed(), []
        for migration in migrations:
            if migration.name not in completed:
                migration.apply(self.tables)
                self._record(migration.name)
                done.append(migration.name)
        return done

    def _completed(self) -> set[str]:
        pages = self.ssm.get_paginator("get_parameters_by_path").paginate(Path=self._path)
        return {found["Name"].rpartition("/")[2] for page in pages for found in page["Parameters"]}

    def _record(self, name: str) -> None:
        parameter = f"{self._path}/{name}"
        with suppress(self.ssm.exceptions.ParameterAlreadyExists):  # another deployer completed it at the same time
            self.ssm.put_parameter(Name=parameter, Value=utc_now().isoformat(), Type="String", Overwrite=False)

    @property
    def _path(self) -> str:
        return f"/argus/{self.stage}/migrations"
