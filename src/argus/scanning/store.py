"""Keys of the scanning table.

| item | pk | sk | gsi1pk | gsi1sk |
|---|---|---|---|---|
| scan | `<organisation>#scans` | `<scan>` | `due#<0-7>` while unfinished | time of the next check |
| finding of a scan | `<organisation>#scan#<scan>` | `<plugin>#<fingerprint>` | its pk | gravest first |
| tracked finding | `<organisation>#findings` | `<target>#<fingerprint>` | its pk | gravest first |

A finding of a scan is a picture of that day; the tracked finding is how it stands now.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from argus.core.background import WorkItemStore
from argus.core.clock import from_rfc3339, rfc3339
from argus.core.dynamo import ConditionFailed, Item
from argus.core.paging import Listing
from argus.scanning.model import (
    Scan,
    ScanState,
    Severity,
    Status,
    Step,
    StepState,
    Target,
    TrackedFinding,
)


@dataclass(frozen=True)
class FindingFilter:
    """Which findings to list; None admits all."""

    severity: Severity | None = None
    status: Status | None = None
    target: Target | None = None
    plugin: str | None = None


@dataclass(frozen=True)
class ScanningStore(WorkItemStore[Scan]):
    """Scans and findings."""

    # ------------------------------------------------------------ scans

    def partition(self, organisation_id: str) -> str:
        return f"{organisation_id}#scans"

    def to_attributes(self, item: Scan) -> Item:
        return {
            **asdict(item),
            "created_at": rfc3339(item.created_at),
            "started_at": _moment(item.started_at),
            "finished_at": _moment(item.finished_at),
            "steps": [_step_item(step) for step in item.steps],
        }

    def from_attributes(self, attributes: Item) -> Scan:
        return Scan(
            **{
                **attributes,
                "target": Target(**attributes["target"]),
                "steps": tuple(_step(step) for step in attributes["steps"]),
                "state": ScanState(attributes["state"]),
                "created_at": from_rfc3339(attributes["created_at"]),
                "started_at": _read_moment(attributes["started_at"]),
                "finished_at": _read_moment(attributes["finished_at"]),
            }
        )

    # ------------------------------------------------------------ findings of a scan

    def put_findings(self, scan: Scan, findings: Iterable[TrackedFinding]) -> None:
        """The key follows from scan, plugin and fingerprint, so writing a page twice changes nothing."""
        pk = _scan_pk(scan.organisation_id, scan.id)
        self.table.put_many(
            {**_finding_item(finding), "pk": pk, "sk": f"{finding.plugin}#{finding.fingerprint}", "gsi1pk": pk}
            for finding in findings
        )

    def forget_findings(self, scan: Scan, plugin: str) -> None:
        """Drop what an attempt that did not end left behind."""
        pk = _scan_pk(scan.organisation_id, scan.id)
        self.table.delete_many([(pk, item["sk"]) for item in self.table.query_all(pk, prefix=f"{plugin}#")])

    def findings(self, scan: Scan) -> Iterator[TrackedFinding]:
        return map(_finding, self.table.query_all(_scan_pk(scan.organisation_id, scan.id)))

    def list_findings(
        self, scan: Scan, chosen: FindingFilter, *, limit: int, after: Item | None
    ) -> Listing[TrackedFinding]:
        """Gravest first, then in the order of the plugin."""
        return self._listed(_scan_pk(scan.organisation_id, scan.id), chosen, limit, after)

    # ------------------------------------------------------------ tracked findings

    def track(self, finding: TrackedFinding) -> None:
        """How the finding stands now, unless a later scan has had its say."""
        pk = _findings_pk(finding.organisation_id)
        item = {
            **_finding_item(finding),
            "pk": pk,
            "sk": f"{finding.target.identity}#{finding.fingerprint}",
            "gsi1pk": pk,
        }
        try:
            self.table.put(
                item,
                when="attribute_not_exists(pk) OR #scan_id <= :scan_id",
                values={":scan_id": finding.scan_id},
            )
        except ConditionFailed:
            return

    def tracked(self, organisation_id: str, target: Target) -> Iterator[TrackedFinding]:
        """All that is known of a target."""
        return map(_finding, self.table.query_all(_findings_pk(organisation_id), prefix=f"{target.identity}#"))

    def list_tracked(
        self, organisation_id: str, chosen: FindingFilter, *, limit: int, after: Item | None
    ) -> Listing[TrackedFinding]:
        """Gravest first."""
        return self._listed(_findings_pk(organisation_id), chosen, limit, after)

    def _listed(self, pk: str, chosen: FindingFilter, limit: int, after: Item | None) -> Listing[TrackedFinding]:
        keep, values = _filter(chosen)
        prefix = f"{9 - chosen.severity.rank}#" if chosen.severity else ""
        page = self.table.query_filled(
            pk, index="gsi1", prefix=prefix, limit=limit, after=after, keep=keep, values=values
        )
        return Listing([_finding(item) for item in page.items], page.last_key)


def _scan_pk(organisation_id: str, scan_id: str) -> str:
    return f"{organisation_id}#scan#{scan_id}"


def _findings_pk(organisation_id: str) -> str:
    return f"{organisation_id}#findings"


def _filter(chosen: FindingFilter) -> tuple[str | None, dict[str, Any]]:
    wanted: dict[str, Any] = {
        "status": chosen.status.value if chosen.status else None,
        "plugin": chosen.plugin,
        "target": asdict(chosen.target) if chosen.target else None,
    }
    given = {name: value for name, value in wanted.items() if value is not None}
    keep = " AND ".join(f"#{name} = :{name}" for name in given)
    return keep or None, {f":{name}": value for name, value in given.items()}


def _moment(value: datetime | None) -> str | None:
    return rfc3339(value) if value else None


def _read_moment(text: str | None) -> datetime | None:
    return from_rfc3339(text) if text else None


def _step_item(step: Step) -> Item:
    return {**asdict(step), "started_at": _moment(step.started_at), "finished_at": _moment(step.finished_at)}


def _step(item: Mapping[str, Any]) -> Step:
    return Step(
        **{
            **item,
            "state": StepState(item["state"]),
            "incomplete": tuple(item["incomplete"]),
            "started_at": _read_moment(item["started_at"]),
            "finished_at": _read_moment(item["finished_at"]),
        }
    )


def _finding_item(finding: TrackedFinding) -> Item:
    return {
        **asdict(finding),
        "first_seen_at": rfc3339(finding.first_seen_at),
        "last_seen_at": rfc3339(finding.last_seen_at),
        "fixed_at": _moment(finding.fixed_at),
        "gsi1sk": f"{9 - finding.severity.rank}#{finding.plugin}#{finding.order:06}#{finding.fingerprint}",
    }


def _finding(item: Item) -> TrackedFinding:
    return TrackedFinding(
        **{
            **_without_keys(item),
            "target": Target(**item["target"]),
            "severity": Severity(item["severity"]),
            "status": Status(item["status"]),
            "first_seen_at": from_rfc3339(item["first_seen_at"]),
            "last_seen_at": from_rfc3339(item["last_seen_at"]),
            "fixed_at": _read_moment(item["fixed_at"]),
        }
    )


def _without_keys(item: Item) -> Item:
    return {name: value for name, value in item.items() if name not in ("pk", "sk", "gsi1pk", "gsi1sk")}
