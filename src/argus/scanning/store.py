"""Keys of scans in the scanning table.

| item | pk | sk | gsi1pk | gsi1sk |
|---|---|---|---|---|
| scan | `<organisation>#scans` | `<scan>` | `due#<0-7>` while unfinished | time of the next check |
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from argus.core.background import WorkItemStore
from argus.core.clock import from_rfc3339, optional_rfc3339, parse_optional, rfc3339
from argus.core.dynamo import Item
from argus.scanning.model import Scan, ScanState, Step, StepState, Target


@dataclass(frozen=True)
class ScanStore(WorkItemStore[Scan]):
    """Scans."""

    # ------------------------------------------------------------ scans

    def partition(self, organisation_id: str) -> str:
        return f"{organisation_id}#scans"

    def to_attributes(self, item: Scan) -> Item:
        return {
            **asdict(item),
            "created_at": rfc3339(item.created_at),
            "started_at": optional_rfc3339(item.started_at),
            "finished_at": optional_rfc3339(item.finished_at),
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
                "started_at": parse_optional(attributes["started_at"]),
                "finished_at": parse_optional(attributes["finished_at"]),
            }
        )


def _step_item(step: Step) -> Item:
    return {
        **asdict(step),
        "started_at": optional_rfc3339(step.started_at),
        "finished_at": optional_rfc3339(step.finished_at),
    }


def _step(item: Mapping[str, Any]) -> Step:
    return Step(
        **{
            **item,
            "state": StepState(item["state"]),
            "not_tested": tuple(item["not_tested"]),
            "started_at": parse_optional(item["started_at"]),
            "finished_at": parse_optional(item["finished_at"]),
        }
    )
