"""Signed values that clients keep and send back: page cursors, links. They can be read, but not changed."""

import base64
import hashlib
import hmac
import json
from dataclasses import dataclass, field
from typing import Any

_MAC_BYTES = 16


class WrongSeal(Exception):
    """The text was changed, or sealed with another secret or for another purpose."""


@dataclass(frozen=True)
class Sealer:
    """Signs JSON values as text for URLs, and verifies such text. `bound_to` is the purpose of a text."""

    secret: str = field(repr=False)

    def seal(self, value: Any, *, bound_to: str) -> str:
        payload = json.dumps(value, separators=(",", ":")).encode()
        return base64.urlsafe_b64encode(self._mac(payload, bound_to) + payload).decode().rstrip("=")

    def open(self, text: str, *, bound_to: str) -> Any:
        """The sealed value. Raises ValueError for text that is not base64url, and WrongSeal."""
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        mac, payload = raw[:_MAC_BYTES], raw[_MAC_BYTES:]
        if not hmac.compare_digest(mac, self._mac(payload, bound_to)):
            raise WrongSeal
        return json.loads(payload)

    def _mac(self, payload: bytes, bound_to: str) -> bytes:
        message = hashlib.sha256(bound_to.encode()).digest() + payload
        return hmac.digest(self.secret.encode(), message, "sha256")[:_MAC_BYTES]
