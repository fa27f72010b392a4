"""The caller of a request: a user, or an API key that acts for a user."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class CallingKey:
    """The API key of a request."""

    id: str
    name: str
    tier: str  # of the rate limits
    expires_at: datetime


@dataclass(frozen=True)
class Caller:
    """The caller of a request, and their scopes."""

    user_id: str
    organisation_id: str
    scopes: frozenset[str]
    role: str | None = None  # None for an API key
    issuer: str | None = None  # of the user's token; None for an API key
    key: CallingKey | None = None

    @property
    def id(self) -> str:
        """The id for rate limits and logs."""
        return self.key.id if self.key else self.user_id

    @property
    def tier(self) -> str:
        """The API key's tier; empty for a user."""
        return self.key.tier if self.key else ""
