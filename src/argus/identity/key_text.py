"""API keys as text: `argus_`, then the key's id (26), the organisation's (26), the secret (43) and a checksum (6).

A prefix that scanners for secrets can know, and a CRC-32 at the end, in the manner of GitHub's tokens ("Behind GitHub's
new authentication token formats", 2021): one mistyped character is seen without asking anyone. The ids say where the
key is kept; only the secret says that whoever sends it may use it.
"""

import hashlib
import re
import zlib
from dataclasses import dataclass

SECRET_BITS = 256
PATTERN = "argus_[0-9a-hjkmnp-tv-z]{52}[0-9A-Za-z]{49}"

_BASE_62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_SECRET_DIGITS = 43  # 62**43 > 2**256
_CHECKSUM_DIGITS = 6  # 62**6 > 2**32
_SHAPE = re.compile(PATTERN)
_ID_LENGTH = 26


@dataclass(frozen=True)
class Named:
    """Whose key a text says it is."""

    key_id: str
    organisation_id: str


def compose(key_id: str, organisation_id: str, secret: int) -> str:
    """The text of a key, from its ids and as many random bits as `SECRET_BITS`."""
    unsealed = f"{start(key_id)}{organisation_id.removeprefix('org_')}{_base_62(secret, _SECRET_DIGITS)}"
    return unsealed + _checksum(unsealed)


def start(key_id: str) -> str:
    """What the key begins with: enough to recognise it, and nothing of its secret."""
    return f"argus_{key_id.removeprefix('key_')}"


def parse(text: str) -> Named | None:
    """Whose key it is; None when it cannot be one."""
    if not _SHAPE.fullmatch(text) or _checksum(text[:-_CHECKSUM_DIGITS]) != text[-_CHECKSUM_DIGITS:]:
        return None
    ids = text.removeprefix("argus_")
    return Named(f"key_{ids[:_ID_LENGTH]}", f"org_{ids[_ID_LENGTH : 2 * _ID_LENGTH]}")


def digest(text: str) -> str:
    """What is kept of a key. Nobody can try 2**256 secrets, so nothing slower than SHA-256 is needed."""
    return hashlib.sha256(text.encode()).hexdigest()


def _checksum(text: str) -> str:
    return _base_62(zlib.crc32(text.encode()), _CHECKSUM_DIGITS)


def _base_62(number: int, digits: int) -> str:
    return "".join(_BASE_62[number // 62**place % 62] for place in range(digits - 1, -1, -1))
