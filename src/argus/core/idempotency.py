"""Idempotency keys: a repeated request is executed once, and its response is replayed.

Follows draft-ietf-httpapi-idempotency-key-header: same key and same request → the first response again; same key and
another request → 422; the first request still running → 409. Error responses are not stored, so a retry may succeed.
"""

import hashlib
import zlib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

from argus.core.clock import Clock
from argus.core.dynamo import ConditionFailed, Item, Table
from argus.core.errors import Conflict, Invalid

KEEP = timedelta(hours=24)
LEASE = timedelta(seconds=60)  # longer than any request may run; then the first attempt counts as dead


class KeyReused(Invalid):
    """Another request used this Idempotency-Key."""


class StillRunning(Conflict):
    """The first request with this Idempotency-Key is still running."""


@dataclass(frozen=True)
class StoredResponse:
    """A stored HTTP response."""

    status: int
    headers: Mapping[str, str]
    body: str


@dataclass(frozen=True)
class Attempt:
    """One execution of a request with a key."""

    pk: str
    fingerprint: str
    started_at: float


@dataclass(frozen=True)
class Idempotency:
    """Stores responses by key."""

    table: Table
    clock: Clock

    def begin(self, *, organisation_id: str, caller_id: str, key: str, request: bytes) -> Attempt | StoredResponse:
        """Claim the key, or return the stored response. Raises KeyReused, StillRunning."""
        now = self.clock().timestamp()
        name = hashlib.sha256(f"{caller_id} {key}".encode()).hexdigest()
        attempt = Attempt(f"{organisation_id}#idempotency#{name}", hashlib.sha256(request).hexdigest(), now)
        lease = int(now + LEASE.total_seconds())
        try:
            self.table.put(
                {
                    "pk": attempt.pk,
                    "sk": "response",
                    "fingerprint": attempt.fingerprint,
                    "started_at": now,
                    "expires_at": lease,
                },
                when="attribute_not_exists(pk) OR #expires_at < :now",
                values={":now": now},
            )
        except ConditionFailed as failed:
            item = failed.item or self.table.get(attempt.pk, "response")
            if item is None:
                raise StillRunning(key=key) from failed
            return self._replay(item, attempt, key)
        return attempt

    def finish(self, attempt: Attempt, response: StoredResponse) -> None:
        """Store the response, unless another attempt has taken over.

        Compressed: 100 upload forms signed with a session token approach DynamoDB's limit of 400 KB for an item.
        """
        with suppress(ConditionFailed):
            self.table.update(
                attempt.pk,
                "response",
                changes={
                    "status": response.status,
                    "headers": dict(response.headers),
                    "body": zlib.compress(response.body.encode()),
                    "expires_at": int(attempt.started_at + KEEP.total_seconds()),
                },
                when="#started_at = :started_at",
                values={":started_at": attempt.started_at},
            )

    def abandon(self, attempt: Attempt) -> None:
        """Release the key of a failed request, unless another attempt has taken over."""
        with suppress(ConditionFailed):
            self.table.delete(
                attempt.pk, "response", when="#started_at = :started_at", values={":started_at": attempt.started_at}
            )

    def _replay(self, item: Item, attempt: Attempt, key: str) -> StoredResponse:
        if item["fingerprint"] != attempt.fingerprint:
            raise KeyReused(key=key)
        if "status" not in item:
            raise StillRunning(key=key)
        return StoredResponse(item["status"], item["headers"], zlib.decompress(item["body"]).decode())
