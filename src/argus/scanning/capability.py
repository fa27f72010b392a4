"""Plugins, scans, and the life of their findings."""

from typing import TYPE_CHECKING

from argus.core.declarations import Capability, Job, Scope, Table
from argus.core.runtime import Runtime
from argus.identity.model import EDITORS, EVERYONE

if TYPE_CHECKING:
    from argus.scanning.catalogue import Catalogue
    from argus.scanning.service import Scanning


def _catalogue(_argus: Runtime) -> "Catalogue":
    from argus.scanning.catalogue import Catalogue

    return Catalogue.load()


def _scanning(argus: Runtime) -> "Scanning":
    from argus.core.background import Background
    from argus.notify.model import Change
    from argus.scanning.engine import Engine
    from argus.scanning.finding_store import FindingStore
    from argus.scanning.service import Scanning
    from argus.scanning.store import ScanStore

    store, findings = ScanStore(argus.table("scanning")), FindingStore(argus.table("scanning"))
    background = Background(
        store=store,
        jobs=argus.jobs,
        job="scan.run",
        arguments=lambda scan: {"organisation_id": scan.organisation_id, "scan_id": scan.id},
        failed=lambda scan, reason: scan.given_up(reason, at=argus.clock()),
        change=lambda scan: Change("scan", scan.id, scan.state, scan.progress),
        announce=argus.notify.announce,
        clock=argus.clock,
        lease=argus.lease,
    )
    return Scanning(
        store=store,
        finding_store=findings,
        catalogue=argus.catalogue,
        engine=Engine(
            findings=findings,
            catalogue=argus.catalogue,
            plugin_tools=argus.plugin_tools(),
            background=background,
            clock=argus.clock,
        ),
        targets=argus.target_checks(),
        background=background,
        clock=argus.clock,
        ids=argus.ids,
    )


CAPABILITY = Capability(
    name="scanning",
    about="Plugins, scans, findings",
    tables=(
        Table(
            name="scanning",
            partition_key="`<organisation>#scans`; `<organisation>#scan#<scan>`; `<organisation>#findings`; "
            "`<organisation>#finding-summaries`; `<organisation>#finding-counts`",
            sort_key="`<scan>`; `<plugin>#<fingerprint>`; `<target>#<fingerprint>`; "
            "`<target>#<plugin>`; `<plugin>.<rule>`",
            index="unfinished scans by the time of their next check; twelve more for findings, below",
        ),
    ),
    scopes=(
        Scope("plugins:read", "See the plugins", EVERYONE),
        Scope("scans:read", "See scans and findings", EVERYONE),
        Scope("scans:write", "Start and cancel scans", EDITORS),
    ),
    services={"catalogue": _catalogue, "scanning": _scanning},
    blueprints=("argus.scanning.routes:blueprint",),
    jobs={"scan.run": Job("scanning.run", "scanning.give_up")},
    ticks={"scans.sweep": "scanning.sweep"},
    events={"scan": "scans:read"},
    errors=(
        "argus.scanning.catalogue",
        "argus.scanning.finding_query",
        "argus.scanning.routes",
        "argus.scanning.service",
    ),
)
