"""Who is signed in where, kept in one file that nobody else may read."""

import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from argus.cli.errors import Misconfigured


@dataclass(frozen=True)
class Session:
    """What a sign-in left: tokens, and where to have them renewed."""

    user: str
    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    expires_at: float  # epoch seconds
    client_id: str
    endpoint: str  # where Cognito's API answers


@dataclass(frozen=True)
class Sessions:
    """A JSON file: one session for each URL of an Argus."""

    path: Path

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> "Sessions":
        if folder := environ.get("ARGUS_CONFIG_DIR"):
            return cls(Path(folder) / "session.json")
        home = environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
        return cls(Path(home) / "argus" / "session.json")

    def get(self, url: str) -> Session | None:
        found = self._read().get(url)
        try:
            return Session(**found) if found else None
        except TypeError as error:
            raise self._unreadable(error) from error

    def put(self, url: str, session: Session) -> None:
        self._write({**self._read(), url: asdict(session)})

    def forget(self, url: str) -> None:
        kept = self._read()
        if kept.pop(url, None):
            self._write(kept)

    def _read(self) -> dict[str, Any]:
        try:
            kept = json.loads(self.path.read_bytes())
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            raise self._unreadable(error) from error
        if not isinstance(kept, dict):
            raise self._unreadable(TypeError("not an object"))
        return kept

    def _write(self, kept: Mapping[str, Any]) -> None:
        """Replace the file whole: it is never half written, and never readable by others, not even for a moment."""
        beside = self.path.with_name(f".{self.path.name}.{secrets.token_hex(4)}")
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
                json.dump(kept, file, indent=2)
            beside.replace(self.path)
        except OSError as error:
            beside.unlink(missing_ok=True)
            raise Misconfigured(f"{self.path} cannot be written: {error.strerror}") from error

    def _unreadable(self, error: Exception) -> Misconfigured:
        return Misconfigured(f"{self.path} cannot be read ({error}); remove it and sign in again")
