"""Keys of the reports table.

| item | pk | sk | gsi1pk | gsi1sk |
|---|---|---|---|---|
| report | `<organisation>#reports` | `<report>` | `due#<0-15>` while queued | time of the next check |
"""

from dataclasses import asdict, dataclass

from argus.core.background import WorkItemStore
from argus.core.clock import from_rfc3339, rfc3339
from argus.core.dynamo import Item
from argus.core.languages import message_from
from argus.reports.model import Report, ReportState


@dataclass(frozen=True)
class ReportsStore(WorkItemStore[Report]):
    """Reports."""

    def partition(self, organisation_id: str) -> str:
        return f"{organisation_id}#reports"

    def to_attributes(self, item: Report) -> Item:
        return {
            **asdict(item),
            "created_at": rfc3339(item.created_at),
            "finished_at": rfc3339(item.finished_at) if item.finished_at else None,
        }

    def from_attributes(self, attributes: Item) -> Report:
        finished_at = attributes["finished_at"]
        return Report(
            **{
                **attributes,
                "state": ReportState(attributes["state"]),
                "reason": message_from(attributes["reason"]),
                "created_at": from_rfc3339(attributes["created_at"]),
                "finished_at": from_rfc3339(finished_at) if finished_at else None,
            }
        )
