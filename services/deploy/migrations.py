"""What is stored changes its shape here: each migration once for a stage, while the release before still runs.

A migration is a name and what it does to the tables. It is written so that it may run again, and beside itself: every
write is conditional on what was read, and what has the new shape already is left alone. So one that died half-way is
simply run again, and two deployers at once do the same work twice and no harm; that is why there is no lock. A stage
knows what was done by one parameter for each, `/argus/<stage>/migrations/<name>`, made when all of it was done and
never changed: nothing is read, changed and written back, so nothing that another deployer noted can be lost.
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
    """The tables of a stage, by capability. The deployer, unlike Argus, may read one from end to end."""

    stage: str
    dynamodb: ClientFactory

    def __getitem__(self, capability: str) -> Table:
        return Table(f"argus-{self.stage}-{capability}", self.dynamodb)

    def items(self, capability: str) -> Iterator[Item]:
        """Every item there is; those written meanwhile may be among them or not."""
        pages = self.dynamodb().get_paginator("scan").paginate(TableName=self[capability].name, ConsistentRead=True)
        for page in pages:
            yield from ({name: from_wire(value) for name, value in item.items()} for item in page["Items"])


@dataclass(frozen=True)
class Migration:
    """`name` is told apart for ever: it begins with the day it was written. What it `does` may be done again."""

    name: str
    does: Callable[[Tables], None]


# Of every capability, oldest first: names begin with a day.
MIGRATIONS: tuple[Migration, ...] = tuple(
    sorted(
        (Migration(name, load(function)) for one in installed() for name, function in one.migrations.items()),
        key=attrgetter("name"),
    )
)


@dataclass(frozen=True)
class Migrations:
    """What a stage has behind it, and what is before it."""

    stage: str
    ssm: Any
    tables: Tables

    def run(self, migrations: Sequence[Migration]) -> list[str]:
        """Do what was not done yet, in order; the names of what was. The first that fails stops it."""
        behind, done = self._behind(), []
        for migration in migrations:
            if migration.name not in behind:
                migration.does(self.tables)
                self._note(migration.name)
                done.append(migration.name)
        return done

    def _behind(self) -> set[str]:
        pages = self.ssm.get_paginator("get_parameters_by_path").paginate(Path=self._path)
        return {found["Name"].rpartition("/")[2] for page in pages for found in page["Parameters"]}

    def _note(self, name: str) -> None:
        parameter = f"{self._path}/{name}"
        with suppress(self.ssm.exceptions.ParameterAlreadyExists):  # another deployer has done the same meanwhile
            self.ssm.put_parameter(Name=parameter, Value=utc_now().isoformat(), Type="String", Overwrite=False)

    @property
    def _path(self) -> str:
        return f"/argus/{self.stage}/migrations"
