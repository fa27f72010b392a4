"""A toy, and whether it is wound up."""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum


class ToyState(StrEnum):
    """Where a toy is in its life."""

    QUEUED = "queued"
    WOUND = "wound"
    BROKEN = "broken"


@dataclass(frozen=True)
class Toy:
    """One toy."""

    id: str
    organisation_id: str
    name: str
    created_at: datetime
    state: ToyState = ToyState.QUEUED
    turns: int = 0
    version: int = 1
    attempts: int = 0
    checks: int = 0
    lease_until: datetime | None = None
    next_check_at: datetime | None = None  # None once it is wound or broken

    def broken(self) -> "Toy":
        return replace(self, state=ToyState.BROKEN)
