"""What signs links, and until when it can.

A presigned URL dies with the credentials that signed it, whatever it says itself. A Lambda is not told when its own
credentials end; those of a role it assumes come with their end. AWS STS API Reference, AssumeRole: an hour at most
when one role assumes another.
"""

from dataclasses import dataclass, field
from datetime import timedelta
from threading import Lock

from argus.core.aws import ClientFactory
from argus.core.clock import Clock
from argus.core.presign import Credentials

SESSION = timedelta(hours=1)
RENEW_BEFORE_END = timedelta(minutes=30)  # so every link lives half an hour at least


@dataclass(frozen=True)
class RoleCredentials:
    """Credentials of a role that may do nothing but what links are for, renewed in time."""

    role_arn: str
    sts: ClientFactory
    clock: Clock
    _held: list[Credentials] = field(default_factory=list, repr=False)
    _lock: Lock = field(default_factory=Lock, repr=False)

    def __call__(self) -> Credentials:
        with self._lock:
            held = self._held[0] if self._held else None
            if held is None or held.expires_at is None or held.expires_at - self.clock() < RENEW_BEFORE_END:
                held = self._assume()
                self._held[:] = [held]
            return held

    def _assume(self) -> Credentials:
        answer = self.sts().assume_role(
            RoleArn=self.role_arn, RoleSessionName="argus-links", DurationSeconds=int(SESSION.total_seconds())
        )
        given = answer["Credentials"]
        return Credentials(given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"], given["Expiration"])
