"""Credentials that sign links, with their expiry.

A presigned URL expires with the credentials that signed it, whatever its own expiry. A Lambda function cannot see when
its own credentials expire; AssumeRole returns the expiry of an assumed role. AWS STS API Reference, AssumeRole: at most
one hour when one role assumes another.
"""

from dataclasses import dataclass, field
from datetime import timedelta
from threading import Lock

from argus.core.aws import ClientFactory
from argus.core.clock import Clock
from argus.core.presign import Credentials

SESSION_DURATION = timedelta(hours=1)
RENEW_BEFORE_END = timedelta(minutes=30)  # so that every link is valid for at least half an hour


@dataclass(frozen=True)
class RoleCredentials:
    """Credentials of a role that has only the permissions of links, renewed before they expire."""

    role_arn: str
    sts: ClientFactory
    clock: Clock
    _cached: list[Credentials] = field(default_factory=list, repr=False)
    _lock: Lock = field(default_factory=Lock, repr=False)

    def __call__(self) -> Credentials:
        with self._lock:
            cached = self._cached[0] if self._cached else None
            if cached is None or cached.expires_at is None or cached.expires_at - self.clock() < RENEW_BEFORE_END:
                cached = self._assume()
                self._cached[:] = [cached]
            return cached

    def _assume(self) -> Credentials:
        response = self.sts().assume_role(
            RoleArn=self.role_arn, RoleSessionName="argus-links", DurationSeconds=int(SESSION_DURATION.total_seconds())
        )
        new = response["Credentials"]
        return Credentials(new["AccessKeyId"], new["SecretAccessKey"], new["SessionToken"], new["Expiration"])
