"""Who is who: organisations, users, roles, and what each role may do."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class Role(StrEnum):
    """What a user is in an organisation."""

    OWNER = "owner"
    ADMIN = "admin"
    ANALYST = "analyst"
    VIEWER = "viewer"


# Who holds a scope, where a capability declares it.
ADMINS = (Role.OWNER, Role.ADMIN)
EDITORS = (*ADMINS, Role.ANALYST)
EVERYONE = (*EDITORS, Role.VIEWER)


@dataclass(frozen=True)
class TrustedIssuer:
    """An issuer whose tokens we believe, and what such a token must say."""

    issuer: str
    jwks_url: str
    client_ids: tuple[str, ...]  # `client_id` of a Cognito access token, else `aud`
    token_use: str | None = "access"  # Cognito's kind of token; None where an issuer has no such claim


@dataclass(frozen=True)
class Organisation:
    """A tenant."""

    id: str
    name: str
    created_at: datetime


@dataclass(frozen=True)
class Subject:
    """Whom a token speaks of. A subject is unique only together with its issuer."""

    issuer: str
    id: str
    name: str = ""  # for display only: nothing is decided by it


@dataclass(frozen=True)
class Membership:
    """A user's place in an organisation."""

    user_id: str
    organisation_id: str
    role: Role


class KeyState(StrEnum):
    """Whether an API key opens anything."""

    ACTIVE = "active"
    EXPIRED = "expired"
    REVOKED = "revoked"


@dataclass(frozen=True)
class ApiKey:
    """What is kept of a key. It acts for the user who made it, within its own scopes."""

    id: str
    organisation_id: str
    name: str
    digest: str = field(repr=False)  # SHA-256 of its text, which nobody keeps
    scopes: tuple[str, ...]
    tier: str
    created_by: str
    created_at: datetime
    expires_at: datetime
    last_used_at: datetime | None = None
    revoked_at: datetime | None = None
    version: int = 1

    def state(self, now: datetime) -> KeyState:
        if self.revoked_at is not None:
            return KeyState.REVOKED
        return KeyState.ACTIVE if now < self.expires_at else KeyState.EXPIRED


@dataclass(frozen=True)
class KeyTierLimit:
    """What the operator allows the keys of an organisation."""

    tier: str  # the highest that a key may have
    version: int = 0  # counts the keys ever made, and decisions: whoever makes a key saw the latest
