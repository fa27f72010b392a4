"""Reports of scans as documents."""

from typing import TYPE_CHECKING

from argus.core.declarations import Capability, JobHandler, Scope, Table
from argus.core.runtime import Runtime
from argus.identity.model import EDITORS, EVERYONE

if TYPE_CHECKING:
    from argus.reports.service import Reports


def _reports(argus: Runtime) -> "Reports":
    from argus.core.background import Background
    from argus.notify.model import Change
    from argus.reports.gather import Gatherer
    from argus.reports.service import Reports
    from argus.reports.store import ReportsStore

    store = ReportsStore(argus.table("reports"))
    return Reports(
        store=store,
        objects=argus.objects,
        links=argus.links,
        scanning=argus.scanning,
        gather=Gatherer(argus.scanning, argus.identity, argus.catalogue, argus.clock).gather,
        background=Background(
            store=store,
            jobs=argus.jobs,
            job="report.build",
            arguments=lambda report: {"organisation_id": report.organisation_id, "report_id": report.id},
            to_failed=lambda report, reason: report.given_up(reason, at=argus.clock()),
            event_of=lambda report: Change("report", report.id, report.state),
            publish_event=argus.notify.announce,
            clock=argus.clock,
            lease=argus.lease,
        ),
        clock=argus.clock,
        ids=argus.ids,
    )


CAPABILITY = Capability(
    name="reports",
    about="Reports of scans as documents",
    tables=(
        Table(
            name="reports",
            partition_key="`<organisation>#reports`",
            sort_key="`<report>`",
            index="unfinished reports by the time of their next check",
        ),
    ),
    scopes=(
        Scope("reports:read", "See and download reports", EVERYONE),
        Scope("reports:write", "Create reports", EDITORS),
    ),
    services={"reports": _reports},
    blueprints=("argus.reports.routes:blueprint",),
    jobs={"report.build": JobHandler("reports.build", "reports.give_up")},
    ticks={"reports.sweep": "reports.sweep"},
    events={"report": "reports:read"},
)
