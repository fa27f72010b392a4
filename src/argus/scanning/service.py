"""Scans: request, run, finalize, cancel, read; findings of scans, and their current state."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from argus.core.background import Background
from argus.core.backoff import CONTENTION, Backoff, Contended
from argus.core.caller import Caller
from argus.core.clock import Clock
from argus.core.declarations import Tool
from argus.core.dynamo import Item
from argus.core.errors import Conflict, Invalid, NotFound, located
from argus.core.ids import Ids, is_id
from argus.core.paging import Listing
from argus.scanning.catalogue import Catalogue
from argus.scanning.engine import Engine
from argus.scanning.finding_counts import Totals
from argus.scanning.finding_query import FindingFilter, Sort
from argus.scanning.finding_store import FindingStore
from argus.scanning.model import FINAL_STATES, Run, RunState, Scan, ScanState, Step, Target, TrackedFinding
from argus.scanning.planning import plan
from argus.scanning.publishing import Publisher
from argus.scanning.store import RunStore, ScanStore
from argus.scanning.targets import RequestedTarget, Targets


class NoSuchScan(NotFound):
    """The scan does not exist."""


class ScanEnded(Conflict):
    """The scan has ended."""


class ScanEnding(Conflict):
    """The scan publishes its findings and is about to end."""


class ScanNotEnded(Conflict):
    """The scan has not ended yet."""


class WrongTarget(Invalid):
    """The plugin does not support this kind of target."""


class RepeatedPlugin(Invalid):
    """A plugin is selected more than once."""


@dataclass(frozen=True)
class PluginSelection:
    """A plugin selected for a scan, with its options."""

    id: str
    options: Mapping[str, Any]


@dataclass(frozen=True)
class Scanning:
    """Scans of all organisations. Methods with a caller are limited to the caller's organisation."""

    store: ScanStore
    run_store: RunStore
    finding_store: FindingStore
    catalogue: Catalogue
    engine: Engine
    publisher: Publisher
    targets: Targets
    tools: Mapping[str, Tool]  # by permission
    scans: Background[Scan]
    runs: Background[Run]
    clock: Clock
    ids: Ids
    backoff: Backoff = CONTENTION

    # ------------------------------------------------------------ for callers

    def request(self, caller: Caller, requested: RequestedTarget, selections: Sequence[PluginSelection]) -> Scan:
        """Queue a scan. The whole request is validated here, not in the worker."""
        target = self.targets.resolve(caller, requested)
        steps = tuple(self._step(target, selection, order) for order, selection in enumerate(selections))
        for order, step in enumerate(steps):
            if any(earlier.plugin == step.plugin for earlier in steps[:order]):
                with located("plugins", order):
                    raise RepeatedPlugin
        scan = Scan(
            id=self.ids.new("scan"),
            organisation_id=caller.organisation_id,
            target=target,
            steps=steps,
            requested_by=caller.user_id,
            created_at=self.clock(),
        )
        runs = plan(scan, [self.catalogue.get(step.plugin) for step in steps], self.tools)
        return self._start(replace(scan, open_runs=tuple(run.number for run in runs)), runs)

    def _start(self, scan: Scan, runs: Sequence[Run]) -> Scan:
        """Store a scan and queue its runs. The scan is stored last, so that a stored scan is always complete."""
        self.store.add_steps(scan)
        stored = self.runs.add_many(runs)
        self.store.add(scan)
        self.runs.send_many(stored)
        return scan

    def get(self, caller: Caller, scan_id: str) -> Scan:
        """A scan with its steps."""
        return self.store.with_steps(self._get(caller, scan_id))

    def list(self, caller: Caller, *, limit: int, after: Item | None) -> Listing[Scan]:
        """Scans with their steps, newest first."""
        return self.store.list_with_steps(caller.organisation_id, limit=limit, after=after)

    def cancel(self, caller: Caller, scan_id: str, *, check: Callable[[int], None]) -> Scan:
        """Stop a scan: at once if it is queued, at the next writes of its workers if it is running.

        Raises ScanEnding while it publishes its findings, ScanEnded afterwards. `check` may reject its version.
        """
        for _ in self.backoff.attempts():
            scan = self._get(caller, scan_id)
            check(scan.version)
            if scan.state is not ScanState.CANCELLED:
                if scan.state in FINAL_STATES:
                    raise ScanEnded(scan_id=scan_id, state=scan.state)
                if scan.finalizing:
                    raise ScanEnding(scan_id=scan_id)
                cancelled = self.scans.finish(scan.cancelled(at=self.clock()))
                if cancelled is None:
                    continue
                scan = cancelled
            self._cancel_runs(scan)
            return self.store.with_steps(scan)
        raise Contended

    def _cancel_runs(self, scan: Scan) -> None:
        """Cancel the runs, so that their workers stop. A run that continues publishes nothing: its scan has ended."""
        for stored in self.run_store.of_scan(scan):
            run: Run | None = stored
            for _ in self.backoff.attempts():
                if run is None or run.next_check_at is None:
                    break
                if self.runs.finish(replace(run, state=RunState.CANCELLED)):
                    break
                run = self.run_store.get(run.organisation_id, run.id)
            else:
                raise Contended

    def findings(
        self,
        caller: Caller,
        scan_id: str,
        chosen: FindingFilter,
        *,
        text: str | None,
        sort: Sort,
        limit: int,
        after: Item | None,
    ) -> Listing[TrackedFinding]:
        """The findings that one scan has published. `text` is the start of a title."""
        scan = self._get(caller, scan_id)
        if not scan.has_published:
            return Listing([])
        if text is not None:
            titles = self._titles_of(self.store.with_steps(scan))
            chosen = _with_title(text, chosen, {**self._titles(caller.organisation_id), **titles})
        return self.finding_store.list_findings(scan, chosen, sort, limit=limit, after=after)

    def current_findings(
        self,
        caller: Caller,
        chosen: FindingFilter,
        *,
        text: str | None,
        sort: Sort,
        limit: int,
        after: Item | None,
    ) -> Listing[TrackedFinding]:
        """Every finding of the organisation in its current state. `text` is the start of a title."""
        if text is not None:
            chosen = _with_title(text, chosen, self._titles(caller.organisation_id))
        return self.finding_store.list_tracked(caller.organisation_id, chosen, sort, limit=limit, after=after)

    def finding_counts(self, caller: Caller, chosen: FindingFilter, *, text: str | None) -> Totals:
        """The number of findings after the last scan of each target. `text` is the start of a title."""
        if text is not None:
            chosen = _with_title(text, chosen, self._titles(caller.organisation_id))
        return self.finding_store.totals(caller.organisation_id, chosen)

    # ------------------------------------------------------------ for workers and other capabilities

    def run(self, organisation_id: str, run_id: str) -> None:
        run = self.run_store.get(organisation_id, run_id)
        if run is not None:
            self.engine.run(run, self.runs)

    def give_up_run(self, organisation_id: str, run_id: str) -> None:
        """The last attempt failed. The other runs of the scan continue."""
        run = self.run_store.get(organisation_id, run_id)
        if run is not None:
            self.runs.give_up(run)

    def finalize(self, organisation_id: str, scan_id: str) -> None:
        scan = self.store.get(organisation_id, scan_id)
        if scan is not None:
            self.publisher.finalize(scan)

    def give_up(self, organisation_id: str, scan_id: str) -> None:
        """The last attempt to finalize failed. A scan that has started to publish its findings is retried."""
        scan = self.store.get(organisation_id, scan_id)
        if scan is not None:
            self.scans.give_up(scan)

    def sweep_runs(self) -> None:
        """Retry runs that are still queued or whose worker died."""
        self.runs.sweep()

    def sweep(self) -> None:
        """Retry scans that wait to be finalized or whose worker died."""
        self.scans.sweep()

    def ended(self, caller: Caller, scan_id: str) -> Scan:
        """A scan that has ended. Raises NoSuchScan, ScanNotEnded."""
        scan = self.get(caller, scan_id)
        if scan.state not in FINAL_STATES:
            raise ScanNotEnded(scan_id=scan_id, state=scan.state)
        return scan

    def result(self, organisation_id: str, scan_id: str) -> tuple[Scan, Iterator[TrackedFinding]]:
        """A scan with all findings that it has published, for a report."""
        scan = self.store.get(organisation_id, scan_id)
        if scan is None:
            raise NoSuchScan(scan_id=scan_id)
        return self.store.with_steps(scan), self.finding_store.of_scan(scan) if scan.has_published else iter(())

    # ------------------------------------------------------------ inside

    def _get(self, caller: Caller, scan_id: str) -> Scan:
        scan = self.store.get(caller.organisation_id, scan_id) if is_id(scan_id, "scan") else None
        if scan is None:
            raise NoSuchScan(scan_id=scan_id)
        return scan

    def _titles(self, organisation_id: str) -> Mapping[str, str]:
        """Titles of the rules with findings in the organisation."""
        return self.finding_store.rule_titles(organisation_id)

    def _titles_of(self, scan: Scan) -> Mapping[str, str]:
        """Titles of the rules of a scan's plugins: its findings are counted only after it has ended."""
        plugins = {step.plugin for step in scan.steps}
        return {
            f"{manifest.id}.{name}": rule.title
            for manifest in self.catalogue.all()
            if manifest.id in plugins
            for name, rule in manifest.rules.items()
        }

    def _step(self, target: Target, selection: PluginSelection, order: int) -> Step:
        with located("plugins", order, "id"):
            manifest = self.catalogue.get(selection.id)
            if target.kind not in manifest.target_kinds:
                raise WrongTarget(plugin=manifest.id, kinds=", ".join(manifest.target_kinds), kind=target.kind)
        with located("plugins", order, "options"):
            options = manifest.check_options(selection.options)
        return Step(manifest.id, manifest.version, options, order=order)


def _with_title(text: str, chosen: FindingFilter, titles: Mapping[str, str]) -> FindingFilter:
    """The filter restricted to rules whose title starts with the text."""
    prefix = text.casefold()
    return chosen.only_rules(name for name, title in titles.items() if title.casefold().startswith(prefix))
