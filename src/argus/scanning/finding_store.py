"""Keys of findings in the scanning table.

| item | pk | sk | gsi1pk | gsi1sk |
|---|---|---|---|---|
| finding of a scan | `<organisation>#scan#<scan>` | `<plugin>#<fingerprint>` | its pk | most severe first |
| tracked finding | `<organisation>#findings` | `<target>#<fingerprint>` | its pk | most severe first |

A finding of a scan is a snapshot of that day; the tracked finding is its present state.
"""

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

from argus.core.clock import from_rfc3339, optional_rfc3339, parse_optional, rfc3339
from argus.core.dynamo import ConditionFailed, Item, Table
from argus.core.paging import Listing
from argus.scanning.model import Scan, Severity, Status, Target, TrackedFinding


@dataclass(frozen=True)
class FindingFilter:
    """Which findings to list; None admits all."""

    severity: Severity | None = None
    status: Status | None = None
    target: Target | None = None
    plugin: str | None = None


@dataclass(frozen=True)
class FindingStore:
    """Findings: those of each scan, and their present state."""

    table: Table

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

    def of_scan(self, scan: Scan) -> Iterator[TrackedFinding]:
        return map(_finding, self.table.query_all(_scan_pk(scan.organisation_id, scan.id)))

    def list_findings(
        self, scan: Scan, chosen: FindingFilter, *, limit: int, after: Item | None
    ) -> Listing[TrackedFinding]:
        """Gravest first, then in the order of the plugin."""
        return self._listed(_scan_pk(scan.organisation_id, scan.id), chosen, limit, after)

    # ------------------------------------------------------------ tracked findings

    def track(self, finding: TrackedFinding) -> None:
        """How the finding stands now, unless a scan that began later has said something."""
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
                when=(
                    "attribute_not_exists(pk) OR #scan_started_at < :scan_started_at"
                    " OR (#scan_started_at = :scan_started_at AND #scan_id <= :scan_id)"
                ),
                values={":scan_started_at": item["scan_started_at"], ":scan_id": finding.scan_id},
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


def _finding_item(finding: TrackedFinding) -> Item:
    return {
        **asdict(finding),
        "scan_started_at": rfc3339(finding.scan_started_at),
        "first_seen_at": rfc3339(finding.first_seen_at),
        "last_seen_at": rfc3339(finding.last_seen_at),
        "fixed_at": optional_rfc3339(finding.fixed_at),
        "gsi1sk": f"{9 - finding.severity.rank}#{finding.plugin}#{finding.order:06}#{finding.fingerprint}",
    }


def _finding(item: Item) -> TrackedFinding:
    return TrackedFinding(
        **{
            **_without_keys(item),
            "target": Target(**item["target"]),
            "severity": Severity(item["severity"]),
            "status": Status(item["status"]),
            "scan_started_at": from_rfc3339(item["scan_started_at"]),
            "first_seen_at": from_rfc3339(item["first_seen_at"]),
            "last_seen_at": from_rfc3339(item["last_seen_at"]),
            "fixed_at": parse_optional(item["fixed_at"]),
        }
    )


def _without_keys(item: Item) -> Item:
    return {name: value for name, value in item.items() if name not in ("pk", "sk", "gsi1pk", "gsi1sk")}
