"""API keys as text: `argus_`, then the key's id (26), the organisation's (26), the secret (43) and a checksum (6).

Secret scanners recognise the prefix, and the CRC-32 at the end detects one mistyped character without a lookup, as in
GitHub's tokens ("Behind GitHub's new authentication token formats", 2021). The ids locate the record of the key; only
the secret authenticates the caller.
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
class KeyIds:
    """The ids that a key contains."""

    key_id: str
    organisation_id: str


def compose(key_id: str, organisation_id: str, secret: int) -> str:
    """The text of a key, from its ids and as many random bits as `SECRET_BITS`."""
    unsealed = f"{start(key_id)}{organisation_id.removeprefix('org_')}{_base_62(secret, _SECRET_DIGITS)}"
    return unsealed + _checksum(unsealed)


def start(key_id: str) -> str:
    """The beginning of a key: enough to recognise it, without any of its secret."""
    return f"argus_{key_id.removeprefix('key_')}"


def parse(text: str) -> KeyIds | None:
    """The ids in a key; None if the text is not a valid key."""
    if not _SHAPE.fullmatch(text) or _checksum(text[:-_CHECKSUM_DIGITS]) != text[-_CHECKSUM_DIGITS:]:
        return None
    ids = text.removeprefix("argus_")
    return KeyIds(f"key_{ids[:_ID_LENGTH]}", f"org_{ids[_ID_LENGTH : 2 * _ID_LENGTH]}")


def digest(text: str) -> str:
    """The hash that is stored. Secrets have 256 random bits, so SHA-256 is enough: no slower hash is needed."""
    return hashlib.sha256(text.encode()).hexdigest()


def _checksum(text: str) -> str:
    return _base_62(zlib.crc32(text.encode()), _CHECKSUM_DIGITS)


def _base_62(number: int, digits: int) -> str:
    return "".join(_BASE_62[number // 62**position % 62] for position in range(digits - 1, -1, -1))
