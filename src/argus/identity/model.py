"""Organisations, users, roles and API keys."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class Role(StrEnum):
    """The role of a user in an organisation."""

    OWNER = "owner"
    ADMIN = "admin"
    ANALYST = "analyst"
    VIEWER = "viewer"


# The roles of a scope, for the declarations of capabilities.
ADMINS = (Role.OWNER, Role.ADMIN)
EDITORS = (*ADMINS, Role.ANALYST)
EVERYONE = (*EDITORS, Role.VIEWER)


@dataclass(frozen=True)
class TrustedIssuer:
    """An issuer whose tokens are accepted, and how its access tokens for Argus differ from its other tokens.

    An issuer marks its access tokens either as RFC 9068 does, with the type `at+jwt` in their header, or as Cognito
    does, with the claim `token_use`.
    """

    issuer: str
    jwks_url: str
    client_ids: tuple[str, ...]  # the claim `client_id` is one of them
    audiences: tuple[str, ...] = ()  # the claim `aud` contains one of them; without any, tokens have no such claim
    token_type: str = ""  # `at+jwt`, or empty
    token_use: str = "access"  # or empty


@dataclass(frozen=True)
class Organisation:
    """A tenant."""

    id: str
    name: str
    created_at: datetime


@dataclass(frozen=True)
class Subject:
    """The subject of a token. It is unique only together with its issuer."""

    issuer: str
    id: str
    name: str = ""  # for display only, never for authorisation


@dataclass(frozen=True)
class Membership:
    """A user's membership of an organisation."""

    user_id: str
    organisation_id: str
    role: Role


class KeyState(StrEnum):
    """Whether an API key can be used."""

    ACTIVE = "active"
    EXPIRED = "expired"
    REVOKED = "revoked"


@dataclass(frozen=True)
class ApiKey:
    """The record of an API key. It acts for the user who created it, within its own scopes."""

    id: str
    organisation_id: str
    name: str
    digest: str = field(repr=False)  # SHA-256 of its text, which is not stored
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
    """The tier limit that operators set for the keys of an organisation."""

    tier: str  # the highest that a key can have
    version: int = 0  # increases with every new key and every new limit, so that concurrent creations conflict
