"""Waits for background work. Polls lists, so many pending items need few requests."""

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from argus.cli.api import Api, segment
from argus.cli.errors import RequestRejected

FIRST_PAUSE_SECONDS = 0.2
LONGEST_PAUSE_SECONDS = 2.0

DELETED = "deleted"  # a state of this client: the item existed and is not found any more
FINAL_IMAGE_STATES = frozenset({"ready", "rejected", DELETED})
FINAL_SCAN_STATES = frozenset({"succeeded", "failed", "cancelled", DELETED})
FINAL_REPORT_STATES = frozenset({"ready", "failed", DELETED})

Item = Mapping[str, Any]


@dataclass(frozen=True)
class Deadline:
    """The time when waiting ends."""

    at: float  # time.monotonic()

    @classmethod
    def after(cls, seconds: float) -> "Deadline":
        return cls(time.monotonic() + seconds)

    @property
    def remaining_seconds(self) -> float:
        return max(0.0, self.at - time.monotonic())


def wait_for(
    api: Api,
    path: str,
    ids: Iterable[str],
    *,
    final: frozenset[str],
    deadline: Deadline,
    on_final: Callable[[Item], object] = lambda _: None,
) -> dict[str, Item]:
    """Wait until all items are in a final state, or until the deadline. Returns the items by id, as last read."""
    latest: dict[str, Item] = {}
    pending = set(ids)
    pause = FIRST_PAUSE_SECONDS
    while pending:
        before, start = len(pending), time.monotonic()
        for item in _read(api, path, pending):
            latest[item["id"]] = item
            if item["state"] in final:
                pending.discard(item["id"])
                on_final(item)
        if not deadline.remaining_seconds:
            break
        if pending:
            # Long lists take long to read: requests fill at most half of the time.
            time.sleep(min(max(pause, time.monotonic() - start), deadline.remaining_seconds))
        pause = FIRST_PAUSE_SECONDS if len(pending) < before else min(pause * 1.5, LONGEST_PAUSE_SECONDS)
    return latest


def _read(api: Api, path: str, ids: set[str]) -> Iterable[Item]:
    """The current items. Ids sort by time and lists start with the newest, so recent items are on the first page."""
    found = {}
    if len(ids) > 1:
        oldest = min(ids)
        for item in api.list(path):
            if item["id"] in ids:
                found[item["id"]] = item
            if len(found) == len(ids) or item["id"] < oldest:
                break
    return [found.get(item_id) or _read_one(api, path, item_id) for item_id in ids]


def _read_one(api: Api, path: str, item_id: str) -> Item:
    try:
        item: Item = api.get(f"{path}/{segment(item_id)}")
    except RequestRejected as error:
        if error.problem.get("status") != 404:
            raise
        return {"id": item_id, "state": DELETED}
    return item
