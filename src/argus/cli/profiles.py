"""Profiles: a URL and a session under a name."""

import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from argus.cli.errors import Misconfigured

DEFAULT_PROFILE = "default"


@dataclass(frozen=True)
class Session:
    """The tokens of a sign-in, and the endpoint that renews them."""

    user: str
    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    expires_at: float  # epoch seconds
    client_id: str
    endpoint: str  # of the Cognito API

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> "Session":
        """Raises TypeError."""
        session = cls(**document)
        for name, value in document.items():
            if not isinstance(value, int | float if name == "expires_at" else str):
                raise TypeError(f"{name} has the wrong type")
        return session


@dataclass(frozen=True)
class Profile:
    """The URL of a server, and the session there."""

    url: str
    session: Session | None = None

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> "Profile":
        """Raises TypeError and KeyError."""
        url, session = document["url"], document["session"]
        if not isinstance(url, str):
            raise TypeError("url has the wrong type")
        return cls(url, None if session is None else Session.of(session))


@dataclass(frozen=True)
class Profiles:
    """A JSON file with all profiles by name. Only its owner can read it."""

    path: Path

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> "Profiles":
        if folder := environ.get("ARGUS_CONFIG_DIR"):
            return cls(Path(folder) / "profiles.json")
        home = environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
        return cls(Path(home) / "argus" / "profiles.json")

    def all(self) -> dict[str, Profile]:
        """Raises Misconfigured if the file cannot be read or is not valid."""
        try:
            documents = json.loads(self.path.read_bytes())
            if not isinstance(documents, dict):
                raise TypeError("not an object")
            return {name: Profile.of(document) for name, document in documents.items()}
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, TypeError, KeyError, RecursionError) as error:
            reason = f"{type(error).__name__}: {error}"
            raise Misconfigured(f"{self.path} cannot be read ({reason}). Delete it and sign in again.") from error

    def get(self, name: str) -> Profile | None:
        return self.all().get(name)

    def put(self, name: str, profile: Profile) -> None:
        self._write({**self.all(), name: profile})

    def delete(self, name: str) -> None:
        self._write({other: profile for other, profile in self.all().items() if other != name})

    def _write(self, profiles: Mapping[str, Profile]) -> None:
        """Replace the file atomically. Other users can never read it."""
        temporary = self.path.with_name(f".{self.path.name}.{secrets.token_hex(4)}")
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
                json.dump({name: asdict(profile) for name, profile in profiles.items()}, file, indent=2)
            temporary.replace(self.path)
        except OSError as error:
            temporary.unlink(missing_ok=True)
            raise Misconfigured(f"{self.path} cannot be written: {error.strerror}.") from error
