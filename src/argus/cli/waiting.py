"""Waiting for background work, with few requests however many things are waited for."""

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from argus.cli.api import Api
from argus.cli.errors import Refused

FIRST_PAUSE_SECONDS = 0.2
LONGEST_PAUSE_SECONDS = 2.0

GONE = "deleted"  # our own word for what was there and is not any more
IMAGE_ENDS = frozenset({"ready", "rejected", GONE})
SCAN_ENDS = frozenset({"succeeded", "failed", "cancelled", GONE})
REPORT_ENDS = frozenset({"ready", "failed", GONE})

Item = Mapping[str, Any]


@dataclass(frozen=True)
class Deadline:
    """A moment after which waiting ends."""

    at: float  # time.monotonic()

    @classmethod
    def after(cls, seconds: float) -> "Deadline":
        return cls(time.monotonic() + seconds)

    @property
    def left_seconds(self) -> float:
        return max(0.0, self.at - time.monotonic())


def wait_for(
    api: Api,
    path: str,
    ids: Iterable[str],
    *,
    ends: frozenset[str],
    deadline: Deadline,
    ended: Callable[[Item], object] = lambda _: None,
) -> dict[str, Item]:
    """How the things stood, by id, when all had ended or the time was over. `ended` is told of each that ends."""
    latest: dict[str, Item] = {}
    pending = set(ids)
    pause = FIRST_PAUSE_SECONDS
    while pending:
        before = len(pending)
        for item in _look(api, path, pending):
            latest[item["id"]] = item
            if item["state"] in ends:
                pending.discard(item["id"])
                ended(item)
        if not deadline.left_seconds:
            break
        if pending:
            time.sleep(min(pause, deadline.left_seconds))
        pause = FIRST_PAUSE_SECONDS if len(pending) < before else min(pause * 1.5, LONGEST_PAUSE_SECONDS)
    return latest


def _look(api: Api, path: str, ids: set[str]) -> Iterable[Item]:
    """The things as they stand. Ids sort by time and lists begin with the newest, so recent things take one page."""
    found = {}
    if len(ids) > 1:
        oldest = min(ids)
        for item in api.newest(path):
            if item["id"] in ids:
                found[item["id"]] = item
            if len(found) == len(ids) or item["id"] < oldest:
                break
    return [found.get(wanted) or _one(api, path, wanted) for wanted in ids]


def _one(api: Api, path: str, wanted: str) -> Item:
    try:
        item: Item = api.get(f"{path}/{wanted}")
    except Refused as refused:
        if refused.problem.get("status") != 404:
            raise
        return {"id": wanted, "state": GONE}
    return item
