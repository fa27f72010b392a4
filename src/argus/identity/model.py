"""Who is who: organisations, users, roles, and what each role may do."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Role(StrEnum):
    """What a user is in an organisation."""

    OWNER = "owner"
    ADMIN = "admin"
    ANALYST = "analyst"
    VIEWER = "viewer"


_READ = frozenset({"images:read", "scans:read", "reports:read", "plugins:read", "profile:read"})
_WRITE = frozenset({"images:write", "scans:write", "reports:write"})

SCOPES = {
    Role.OWNER: _READ | _WRITE,
    Role.ADMIN: _READ | _WRITE,
    Role.ANALYST: _READ | _WRITE,
    Role.VIEWER: _READ,
}


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


@dataclass(frozen=True)
class Caller:
    """Whoever makes this request, and what they may do."""

    user_id: str
    organisation_id: str
    role: Role
    issuer: str

    @property
    def scopes(self) -> frozenset[str]:
        return SCOPES[self.role]
