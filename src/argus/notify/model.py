"""Connections and the changes that they receive."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

# API Gateway closes a connection at this age ("Quotas for WebSocket APIs" in its developer guide). It also closes one
# that is idle for ten minutes, so clients send pings.
MAX_AGE = timedelta(hours=2)
# API Gateway responds with 410 Gone for a connection until $connect has returned, which takes half a minute at most.
CONNECT_SECONDS = timedelta(seconds=30)


@dataclass(frozen=True)
class Change:
    """A change of one resource of an organisation.

    It is only a hint: it may arrive twice, late, out of order or never. Clients read the resource itself.
    """

    kind: str  # one of those that capabilities declare as `events`
    id: str
    state: str
    progress: int | None = None  # 0–100; None if the resource has no progress


Announce = Callable[[str, Change], None]  # organisation, change


@dataclass(frozen=True)
class Connection:
    """An open WebSocket of a user."""

    id: str  # from API Gateway
    organisation_id: str
    user_id: str
    connected_at: datetime
    scopes: frozenset[str]  # the changes of which the user receives

    @property
    def ends_at(self) -> datetime:
        return self.connected_at + MAX_AGE

    def may_be_connecting(self, now: datetime) -> bool:
        """Whether API Gateway may report it as gone because its handshake is not finished."""
        return now - self.connected_at < CONNECT_SECONDS
