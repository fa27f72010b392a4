"""Plugins, scans, and the status of findings over time."""

from typing import TYPE_CHECKING

from argus.core.declarations import Capability, JobHandler, Scope, Table
from argus.core.functions import SCANNER, WORKER
from argus.core.runtime import Runtime
from argus.identity.model import EDITORS, EVERYONE

if TYPE_CHECKING:
    from argus.scanning.catalogue import Catalogue
    from argus.scanning.service import Scanning


def _catalogue(argus: Runtime) -> "Catalogue":
    from argus.scanning.catalogue import Catalogue

    catalogue = Catalogue.load()
    catalogue.check(argus.target_kinds(), argus.plugin_tools())
    return catalogue


def _scanning(argus: Runtime) -> "Scanning":
    from argus.core.background import Background
    from argus.notify.model import Change
    from argus.scanning.engine import Engine
    from argus.scanning.finding_store import FindingStore
    from argus.scanning.model import Run
    from argus.scanning.publishing import Publisher
    from argus.scanning.service import Scanning
    from argus.scanning.store import RunStore, ScanStore
    from argus.scanning.targets import Targets

    table = argus.table("scanning")
    store, run_store, findings = ScanStore(table), RunStore(table), FindingStore(table)
    scans = Background(
        store=store,
        jobs=argus.jobs,
        job="scan.finalize",
        arguments=lambda scan: {"organisation_id": scan.organisation_id, "scan_id": scan.id},
        to_failed=lambda scan, reason: scan.given_up(reason, at=argus.clock()),
        event_of=lambda scan: Change("scan", scan.id, scan.state, scan.progress),
        publish_event=argus.notify.announce,
        clock=argus.clock,
        lease=argus.lease,
    )
    engine = Engine(
        store=store,
        findings=findings,
        catalogue=argus.catalogue,
        plugin_tools=argus.tool_factories(),
        scans=scans,
        clock=argus.clock,
    )
    return Scanning(
        store=store,
        run_store=run_store,
        finding_store=findings,
        catalogue=argus.catalogue,
        engine=engine,
        publisher=Publisher(store, findings, argus.catalogue, scans, argus.clock),
        targets=Targets.of(argus),
        tools=argus.plugin_tools(),
        scans=scans,
        runs=Background(
            store=run_store,
            jobs=argus.jobs,
            job="scan.run",
            function=lambda run: run.function,
            arguments=lambda run: {"organisation_id": run.organisation_id, "run_id": run.id},
            to_failed=Run.given_up,
            clean_up=engine.abandon,
            event_of=lambda _run: None,  # the engine publishes the progress of the scan
            publish_event=argus.notify.announce,
            clock=argus.clock,
            lease=argus.lease,
        ),
        clock=argus.clock,
        ids=argus.ids,
    )


CAPABILITY = Capability(
    name="scanning",
    about="Plugins, scans, findings",
    tables=(
        Table(
            name="scanning",
            partition_key=(
                "`<organisation>#scans`; `<organisation>#runs`; `<organisation>#steps`; `<organisation>#scan#<scan>`; "
                "`<organisation>#findings`; `<organisation>#finding-summaries`; `<organisation>#finding-counts`"
            ),
            sort_key=(
                "`<scan>`; `<scan>.<number>`; `<scan>.<order>`; `<plugin>#<fingerprint>`; `<target>#<fingerprint>`; "
                "`<target>#<plugin>`; `<plugin>.<rule>`"
            ),
            index="unfinished runs and scans by the time of their next check; six more for findings, below",
        ),
    ),
    scopes=(
        Scope("plugins:read", "See the plugins", EVERYONE),
        Scope("scans:read", "See scans and findings", EVERYONE),
        Scope("scans:write", "Start and cancel scans", EDITORS),
    ),
    services={"catalogue": _catalogue, "scanning": _scanning},
    blueprints=("argus.scanning.routes:plugins", "argus.scanning.routes:scans", "argus.scanning.routes:findings"),
    jobs={
        "scan.run": JobHandler("scanning.run", "scanning.give_up_run", functions=(WORKER, SCANNER)),
        "scan.finalize": JobHandler("scanning.finalize", "scanning.give_up"),
    },
    ticks={"runs.sweep": "scanning.sweep_runs", "scans.sweep": "scanning.sweep"},
    events={"scan": "scans:read"},
)
