"""The session of a profile."""

from dataclasses import dataclass
from pathlib import Path

from argus.cli.profiles import DEFAULT_PROFILE, Profile, Profiles, Session


@dataclass(frozen=True)
class Sessions:
    """Reads and writes the session of a profile in the profiles file. A session is valid for its profile's URL only."""

    path: Path
    profile: str = DEFAULT_PROFILE

    def get(self, url: str) -> Session | None:
        profile = Profiles(self.path).get(self.profile)
        return profile.session if profile and profile.url == url else None

    def put(self, url: str, session: Session) -> None:
        Profiles(self.path).put(self.profile, Profile(url, session))

    def renew(self, url: str, session: Session) -> None:
        """Store new tokens, unless the profile now has another URL or no session, or was deleted."""
        if self.get(url):
            self.put(url, session)

    def delete(self, url: str) -> None:
        """Delete the session. The profile keeps its URL."""
        Profiles(self.path).put(self.profile, Profile(url))
