"""Keys of the reports table.

| item | pk | sk | gsi1pk | gsi1sk |
|---|---|---|---|---|
| report | `<organisation>#reports` | `<report>` | `due#<0-7>` while queued | when to look again |
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from datetime import datetime

from argus.core.clock import from_rfc3339, rfc3339
from argus.core.dynamo import ConditionFailed, Item, Table, due_shard, due_shards
from argus.core.paging import Listing
from argus.reports.model import Report, ReportState


def _pk(organisation_id: str) -> str:
    return f"{organisation_id}#reports"


@dataclass(frozen=True)
class ReportsStore:
    """Reports. One is written only over the version that was read."""

    table: Table

    def add(self, report: Report, *, look_again_at: datetime) -> None:
        self.table.put({**_item(report), **_due(report, look_again_at)}, when="attribute_not_exists(pk)")

    def get(self, organisation_id: str, report_id: str) -> Report | None:
        item = self.table.get(_pk(organisation_id), report_id)
        return _report(item) if item else None

    def list(self, organisation_id: str, *, limit: int, after: Item | None) -> Listing[Report]:
        page = self.table.query(_pk(organisation_id), newest_first=True, limit=limit, after=after)
        return Listing([_report(item) for item in page.items], page.last_key)

    def due(self, now: datetime) -> Iterator[Report]:
        for shard in due_shards():
            yield from map(_report, self.table.query(shard, index="gsi1", up_to=rfc3339(now)).items)

    def save(self, report: Report, *, look_again_at: datetime | None = None) -> Report | None:
        """The report as it now stands; None when someone else changed it since it was read."""
        written = replace(report, version=report.version + 1)
        item = {**_item(written), **(_due(report, look_again_at) if look_again_at else {})}
        try:
            self.table.put(item, when="#version = :version", values={":version": report.version})
        except ConditionFailed:
            return None
        return written


def _due(report: Report, at: datetime) -> Item:
    return {"gsi1pk": due_shard(report.id), "gsi1sk": rfc3339(at)}


def _item(report: Report) -> Item:
    return {
        "pk": _pk(report.organisation_id),
        "sk": report.id,
        **asdict(report),
        "created_at": rfc3339(report.created_at),
        "finished_at": rfc3339(report.finished_at) if report.finished_at else None,
    }


def _report(item: Item) -> Report:
    known = {name: value for name, value in item.items() if name not in ("pk", "sk", "gsi1pk", "gsi1sk")}
    return Report(
        **{
            **known,
            "state": ReportState(item["state"]),
            "created_at": from_rfc3339(item["created_at"]),
            "finished_at": from_rfc3339(item["finished_at"]) if item["finished_at"] else None,
        }
    )
