"""Who listens, and what they hear. Pure: nothing of ours is imported."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

# What API Gateway allows a connection ("Quotas for WebSocket APIs" in its developer guide); ten minutes of silence end
# it too, and a client that has nothing to say sends a ping.
LIFE = timedelta(hours=2)
# API Gateway calls a connection gone also until its $connect has been answered, which takes half a minute at most.
SETTLING = timedelta(seconds=30)


@dataclass(frozen=True)
class Change:
    """Something of an organisation's is no longer as it was.

    A hint and no more: it may come twice, late, out of order or not at all. Whoever hears it reads the thing itself.
    """

    kind: str  # one of those that capabilities declare as `events`
    id: str
    state: str
    progress: int | None = None  # 0–100, where the thing has any


Announce = Callable[[str, Change], None]  # organisation, what changed


@dataclass(frozen=True)
class Connection:
    """One open WebSocket, and whose it is."""

    id: str  # as API Gateway names it
    organisation_id: str
    user_id: str
    connected_at: datetime
    scopes: frozenset[str]  # whose changes its user receives

    @property
    def ends_at(self) -> datetime:
        return self.connected_at + LIFE

    def is_settling(self, now: datetime) -> bool:
        """Whether it may be called gone because it has not quite come."""
        return now - self.connected_at < SETTLING
