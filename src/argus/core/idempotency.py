"""Idempotency keys: the same request twice is done once and answered twice.

Follows draft-ietf-httpapi-idempotency-key-header: same key and same request → the first answer again; same key,
another request → 422; the first still running → 409. An answer that is an error is not kept, so a retry may succeed.
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
LEASE = timedelta(seconds=60)  # longer than any request may run; after that the first try is taken for dead


class KeyReused(Invalid):
    """This Idempotency-Key came with another request before."""


class StillRunning(Conflict):
    """The first request with this Idempotency-Key is still running."""


@dataclass(frozen=True)
class Answer:
    """A recorded HTTP answer."""

    status: int
    headers: Mapping[str, str]
    body: str


@dataclass(frozen=True)
class Attempt:
    """One key in one organisation."""

    pk: str
    fingerprint: str
    started_at: float


@dataclass(frozen=True)
class Idempotency:
    """Remembers what was answered to which key."""

    table: Table
    clock: Clock

    def begin(self, *, organisation_id: str, caller_id: str, key: str, request: bytes) -> Attempt | Answer:
        """Either leave to go ahead, or the answer given before."""
        now = self.clock().timestamp()
        name = hashlib.sha256(f"{caller_id} {key}".encode()).hexdigest()
        attempt = Attempt(f"{organisation_id}#idempotency#{name}", hashlib.sha256(request).hexdigest(), now)
        lease = int(now + LEASE.total_seconds())
        try:
            self.table.put(
                {
                    "pk": attempt.pk,
                    "sk": "answer",
                    "fingerprint": attempt.fingerprint,
                    "started_at": now,
                    "expires_at": lease,
                },
                when="attribute_not_exists(pk) OR #expires_at < :now",
                values={":now": now},
            )
        except ConditionFailed as failed:
            known = failed.item or self.table.get(attempt.pk, "answer")
            if known is None:
                raise StillRunning(key=key) from failed
            return self._recall(known, attempt, key)
        return attempt

    def finish(self, attempt: Attempt, answer: Answer) -> None:
        """Keep the answer, unless another attempt has taken over since.

        Deflated: a hundred upload forms signed with a session token come near the 400 KB that an item may have.
        """
        with suppress(ConditionFailed):
            self.table.update(
                attempt.pk,
                "answer",
                changes={
                    "status": answer.status,
                    "headers": dict(answer.headers),
                    "body": zlib.compress(answer.body.encode()),
                    "expires_at": int(attempt.started_at + KEEP.total_seconds()),
                },
                when="#started_at = :started_at",
                values={":started_at": attempt.started_at},
            )

    def abandon(self, attempt: Attempt) -> None:
        """Forget a request that failed, unless another attempt has taken over since."""
        with suppress(ConditionFailed):
            self.table.delete(
                attempt.pk, "answer", when="#started_at = :started_at", values={":started_at": attempt.started_at}
            )

    def _recall(self, known: Item, attempt: Attempt, key: str) -> Answer:
        if known["fingerprint"] != attempt.fingerprint:
            raise KeyReused(key=key)
        if "status" not in known:
            raise StillRunning(key=key)
        return Answer(known["status"], known["headers"], zlib.decompress(known["body"]).decode())
