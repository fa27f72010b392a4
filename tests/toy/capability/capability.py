"""Toys: the smallest possible capability."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from argus.core.declarations import Capability, JobHandler, Scope, Table, TargetKind, Tool
from argus.core.runtime import Runtime
from argus.core.settings import BadSetting, Settings, setting
from argus.identity.model import EDITORS, EVERYONE

if TYPE_CHECKING:
    from argus.toy.service import Toys
    from argus.toy.tool import OrganisationToys


@dataclass(frozen=True)
class ToySettings:
    """Settings of toys."""

    turns: int = setting("ARGUS_TOY_TURNS", "12", "turns that a toy is wound up", int)

    def check(self, _settings: Settings) -> None:
        if self.turns < 1:
            raise BadSetting("ARGUS_TOY_TURNS must be at least 1")


def _toys(argus: Runtime) -> "Toys":
    from argus.toy.service import Toys
    from argus.toy.store import ToyStore

    from argus.core.background import Background
    from argus.notify.model import Change

    store = ToyStore(argus.table("toy"))
    return Toys(
        store=store,
        background=Background(
            store=store,
            jobs=argus.jobs,
            job="toy.wind",
            arguments=lambda toy: {"organisation_id": toy.organisation_id, "toy_id": toy.id},
            to_failed=lambda toy, _reason: toy.broken(),
            event_of=lambda toy: Change("toy", toy.id, toy.state),
            publish_event=argus.notify.announce,
            clock=argus.clock,
            lease=argus.lease,
        ),
        turns=argus.settings.of(ToySettings).turns,
        clock=argus.clock,
        ids=argus.ids,
    )


def _tool(argus: Runtime) -> "Callable[[str], OrganisationToys]":
    from argus.toy.tool import OrganisationToys

    return partial(OrganisationToys, argus.toys)


CAPABILITY = Capability(
    name="toy",
    about="Toys",
    tables=(
        Table(
            name="toy",
            partition_key="`<organisation>#toys`",
            sort_key="`<toy>`",
            index="unfinished toys by the time of their next check",
        ),
    ),
    scopes=(Scope("toys:read", "See toys", EVERYONE), Scope("toys:write", "Create toys", EDITORS)),
    settings=ToySettings,
    services={"toys": _toys},
    blueprints=("argus.toy.routes:blueprint",),
    jobs={"toy.wind": JobHandler("toys.wind", "toys.give_up")},
    ticks={"toys.sweep": "toys.sweep"},
    targets={
        "toy": TargetKind(
            about="A toy",
            given_by="id",
            canonical="argus.toy.service:canonical_id",
            authorise="toys.get",
            label="toys.name",
            link="/api/v1/toys/{value}",
            report_section="toys.report_section",
        )
    },
    tools={"toys": Tool("Reads the organisation's toys", _tool)},
    events={"toy": "toys:read"},
)
