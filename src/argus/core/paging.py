"""Cursors of listings. Signed, not secret, and bound to the organisation and the query that they came from."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from argus.core.dynamo import Item
from argus.core.errors import Invalid

T = TypeVar("T")

_MAC_BYTES = 16


class BadCursor(Invalid):
    """The cursor does not belong to this listing."""


@dataclass(frozen=True)
class Listing(Generic[T]):
    """One page of a list; `last_key` is where the next page starts, None on the last page."""

    items: list[T]
    last_key: Item | None = None

    def map(self, change: Callable[[T], "U"]) -> "Listing[U]":
        return Listing([change(item) for item in self.items], self.last_key)


U = TypeVar("U")


@dataclass(frozen=True)
class Cursors:
    """Signs the last key of a page as a cursor, and verifies cursors."""

    secret: str = field(repr=False)

    def seal(self, last_key: Item, *, bound_to: str) -> str:
        payload = json.dumps(last_key, separators=(",", ":")).encode()
        return base64.urlsafe_b64encode(self._mac(payload, bound_to) + payload).decode().rstrip("=")

    def open(self, cursor: str, *, bound_to: str) -> Item:
        try:
            raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        except ValueError as error:
            raise BadCursor("malformed") from error
        mac, payload = raw[:_MAC_BYTES], raw[_MAC_BYTES:]
        if not hmac.compare_digest(mac, self._mac(payload, bound_to)):
            raise BadCursor("foreign")
        opened: Item = json.loads(payload)
        return opened

    def _mac(self, payload: bytes, bound_to: str) -> bytes:
        message = hashlib.sha256(bound_to.encode()).digest() + payload
        return hmac.digest(self.secret.encode(), message, "sha256")[:_MAC_BYTES]
