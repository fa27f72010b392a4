"""Prefixed, sortable, unguessable ids: `img_` + a ULID (48 bits of milliseconds, 80 random bits, Crockford base 32)."""

import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass

from argus.core.clock import Clock, utc_now

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_PATTERN = re.compile(rf"[a-z]+_[{_ALPHABET}]{{26}}")


@dataclass(frozen=True)
class Ids:
    """Creates ids. The clock and the source of random bits are parameters, for tests."""

    clock: Clock = utc_now
    random_bits: Callable[[int], int] = secrets.randbits

    def new(self, prefix: str) -> str:
        number = int(self.clock().timestamp() * 1000) << 80 | self.random_bits(80)
        return f"{prefix}_" + "".join(_ALPHABET[number >> shift & 31] for shift in range(125, -1, -5))


def is_id(text: str, prefix: str) -> bool:
    """Whether `text` has the format of `Ids.new(prefix)`; other texts need no lookup."""
    return text.startswith(f"{prefix}_") and _PATTERN.fullmatch(text) is not None
