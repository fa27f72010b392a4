"""Keys of scans in the scanning table.

| item | pk | sk | gsi1pk | gsi1sk |
|---|---|---|---|---|
| scan | `<organisation>#scans` | `<scan>` | `due#<0-15>` while it is to be finalized | time of the next check |
| run | `<organisation>#runs` | `<scan>.<number>` | `due-runs#<0-15>` while unfinished | time of the next check |
| step | `<organisation>#steps` | `<scan>.<order>` | | |

Identifiers sort by time, so the steps of a page of scans are one range of keys.
"""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from itertools import groupby
from typing import Any, ClassVar

from argus.core.background import WorkItemStore
from argus.core.clock import from_rfc3339, optional_rfc3339, parse_optional, rfc3339
from argus.core.dynamo import ConditionFailed, Item
from argus.core.languages import message_from
from argus.core.paging import Listing
from argus.scanning.model import NotTested, Run, RunState, Scan, ScanState, Step, StepState, Target


@dataclass(frozen=True)
class ScanStore(WorkItemStore[Scan]):
    """Scans and their steps. Scans are read without their steps, except by the methods that name steps."""

    def partition(self, organisation_id: str) -> str:
        return f"{organisation_id}#scans"

    def to_attributes(self, item: Scan) -> Item:
        attributes = {
            **asdict(item),
            "created_at": rfc3339(item.created_at),
            "started_at": optional_rfc3339(item.started_at),
            "finished_at": optional_rfc3339(item.finished_at),
        }
        del attributes["steps"]
        return attributes

    def from_attributes(self, attributes: Item) -> Scan:
        return Scan(
            **{
                **attributes,
                "target": Target(**attributes["target"]),
                "open_runs": tuple(attributes["open_runs"]),
                "state": ScanState(attributes["state"]),
                "reason": message_from(attributes["reason"]),
                "created_at": from_rfc3339(attributes["created_at"]),
                "started_at": parse_optional(attributes["started_at"]),
                "finished_at": parse_optional(attributes["finished_at"]),
            }
        )

    # ------------------------------------------------------------ steps

    def add_steps(self, scan: Scan) -> None:
        self.table.put_many(_step_item(scan, step) for step in scan.steps)

    def put_step(self, scan: Scan, step: Step) -> bool:
        """Write a step unless a later attempt of its run has written it. Returns whether it was written.

        A worker that has lost its claim may still write at any time; only this condition rejects its writes.
        """
        try:
            self.table.put(
                _step_item(scan, step),
                when="attribute_not_exists(pk) OR #attempt <= :attempt",
                values={":attempt": step.attempt},
            )
        except ConditionFailed:
            return False
        return True

    def with_steps(self, scan: Scan) -> Scan:
        found = self.table.query_all(_steps_pk(scan.organisation_id), prefix=f"{scan.id}.")
        return scan.with_steps(map(_step, found))

    def list_with_steps(self, organisation_id: str, *, limit: int, after: Item | None) -> Listing[Scan]:
        """Newest first."""
        page = self.list(organisation_id, limit=limit, after=after)
        if not page.items:
            return page
        first, last = page.items[-1].id, page.items[0].id
        found = self.table.query_all(_steps_pk(organisation_id), between=(first, f"{last}/"))
        steps = {scan_id: list(map(_step, items)) for scan_id, items in groupby(found, key=_scan_of)}
        return Listing([scan.with_steps(steps.get(scan.id, ())) for scan in page.items], page.last_key)


@dataclass(frozen=True)
class RunStore(WorkItemStore[Run]):
    """The runs of scans."""

    due_prefix: ClassVar[str] = "due-runs"

    def partition(self, organisation_id: str) -> str:
        return f"{organisation_id}#runs"

    def to_attributes(self, item: Run) -> Item:
        return asdict(item)

    def from_attributes(self, attributes: Item) -> Run:
        return Run(
            **{
                **attributes,
                "plugins": tuple(attributes["plugins"]),
                "state": RunState(attributes["state"]),
                "reason": message_from(attributes["reason"]),
            }
        )

    def of_scan(self, scan: Scan) -> Iterator[Run]:
        found = self.table.query_all(self.partition(scan.organisation_id), prefix=f"{scan.id}.")
        return map(self.from_item, found)


def _steps_pk(organisation_id: str) -> str:
    return f"{organisation_id}#steps"


def _scan_of(step: Item) -> str:
    return str(step["sk"]).partition(".")[0]


def _step_item(scan: Scan, step: Step) -> Item:
    return {
        **asdict(step),
        "pk": _steps_pk(scan.organisation_id),
        "sk": f"{scan.id}.{step.order:02}",
        "started_at": optional_rfc3339(step.started_at),
        "finished_at": optional_rfc3339(step.finished_at),
    }


def _step(item: Mapping[str, Any]) -> Step:
    return Step(
        **{
            **{name: value for name, value in item.items() if name not in ("pk", "sk")},
            "state": StepState(item["state"]),
            "reason": message_from(item["reason"]),
            "not_tested": tuple(NotTested(**entry) for entry in item["not_tested"]),
            "started_at": parse_optional(item["started_at"]),
            "finished_at": parse_optional(item["finished_at"]),
        }
    )
