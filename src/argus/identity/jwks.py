"""The keys of an issuer: a JWK Set (RFC 7517), fetched when needed and cached.

Entries that Argus cannot use, or should not trust, are ignored; the others of the set are used.
"""

import json
import logging
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from http.client import HTTPException
from threading import Lock
from typing import Any

from jwt import PyJWK

MAX_JWKS_BYTES = 256 * 1024
FETCH_SECONDS = 1.5  # until the next byte; then the request continues with the cached keys
KEYS_TTL_SECONDS = 300  # a key that is published for longer, before the issuer signs with it, is known in time
REFETCH_SECONDS = 60  # before the next fetch: after a failed one, or for a key id that the set does not contain
NO_KEYS_SECONDS = 1  # the same, while there are no keys: no token can be verified
REPEATED_KEY_ID_SECONDS = 5  # the same, for a key id that another token also had since the last fetch
MAX_UNKNOWN_KEY_IDS = 20_000  # of one issuer that are remembered until the next fetch: more than arrive in a minute
MAX_LOGGED = 10  # reasons why entries are ignored
RSA_BITS = range(2048, 8193)  # RFC 7518, section 3.3; more only makes verification slow

_PRIVATE = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})

_log = logging.getLogger("argus.identity")

FetchKeys = Callable[[str], bytes]


class UnusableKey(ValueError):
    """The entry of a JWK Set is not a key that verifies RS256 signatures."""


def fetch_keys(url: str, *, seconds: float = FETCH_SECONDS) -> bytes:
    """Fetch a JWKS document by HTTP. The URL comes from a setting, never from a token."""
    # Outside local stages the settings allow https only.
    with urllib.request.urlopen(url, timeout=seconds) as response:  # noqa: S310
        return bytes(response.read(MAX_JWKS_BYTES))


def parse(document: bytes) -> dict[str, Any]:
    """The usable public keys of a JWK Set, by key id. Raises ValueError if it is not a JWK Set."""
    content = json.loads(document)
    entries = content.get("keys") if isinstance(content, dict) else None
    if not isinstance(entries, list):
        raise ValueError("the document has no list of keys")
    keys: dict[str, Any] = {}
    ignored = []
    for number, entry in enumerate(entries):
        try:
            key_id, key = _usable(entry)
            if key_id in keys:
                raise UnusableKey("another key has its kid")
            keys[key_id] = key
        except Exception as error:  # PyJWT and cryptography raise other errors for crafted entries
            ignored.append(f"entry {number}: {error}")
    if ignored:
        _log.info("%d entries of a JWK Set are ignored: %s", len(ignored), "; ".join(ignored[:MAX_LOGGED]))
    return keys


def _usable(entry: Any) -> tuple[str, Any]:
    """The key id and the public key of an entry. Raises UnusableKey, and errors of PyJWT and cryptography."""
    if not isinstance(entry, dict):
        raise UnusableKey("it is not an object")
    key_id = entry.get("kid")
    if not isinstance(key_id, str) or not key_id:
        raise UnusableKey("its kid is not text")
    if entry.get("kty") != "RSA" or entry.get("alg", "RS256") != "RS256":
        raise UnusableKey("it is not for RS256")
    if entry.get("use", "sig") != "sig":
        raise UnusableKey("it is not for signatures")
    operations = entry.get("key_ops", ["verify"])
    if operations not in (["verify"], ["sign", "verify"], ["verify", "sign"]):
        raise UnusableKey("its key_ops are not those of a key that verifies signatures")
    if _PRIVATE & entry.keys():
        raise UnusableKey("its private key is public")
    key = PyJWK.from_dict({"kty": "RSA", "n": entry.get("n"), "e": entry.get("e")}, algorithm="RS256").key
    if key.key_size not in RSA_BITS or key.public_numbers().n % 2 == 0:
        raise UnusableKey(f"its modulus has {key.key_size} bits, or is even")
    return key_id, key


@dataclass
class KeySet:
    """The cached keys of one issuer.

    Fetches are limited, because anyone can send a token with a key id that the issuer does not have. A limit never
    delays the regular fetch of keys that are stale.
    """

    issuer: str
    url: str
    fetch: FetchKeys
    monotonic: Callable[[], float] = time.monotonic
    _keys: dict[str, Any] = field(default_factory=dict, repr=False)
    _unknown: set[int] = field(default_factory=set, repr=False)  # hashes of key ids in tokens since the last fetch
    _fetched_at: float = float("-inf")
    _attempted_at: float = float("-inf")
    _attempts: int = 0
    _lock: Lock = field(default_factory=Lock, repr=False)

    @property
    def is_empty(self) -> bool:
        return not self._keys

    def get(self, key_id: str) -> Any | None:
        """The public key with this id; None if the issuer does not have it, or has no keys."""
        attempts = self._attempts
        if key_id in self._keys:
            if self._is_stale() and self._lock.acquire(blocking=False):  # other threads continue with the cached keys
                try:
                    self._refresh_stale()
                finally:
                    self._lock.release()
        else:
            with self._lock:
                if self._attempts == attempts:  # otherwise another thread has fetched the keys meanwhile
                    self._refresh_for(key_id)
        return self._keys.get(key_id)

    def _is_stale(self) -> bool:
        return self.monotonic() - self._fetched_at > KEYS_TTL_SECONDS

    def _refresh_stale(self) -> None:
        if self._is_stale() and self._since_attempt() > REFETCH_SECONDS:
            self._refresh()

    def _refresh_for(self, key_id: str) -> None:
        """Fetch the keys for a key id that they do not contain, unless that was done a short time ago.

        A key id that a second token has is more likely a new key than an invention: tokens with invented key ids must
        not delay a rotation.
        """
        repeated = hash(key_id) in self._unknown
        if len(self._unknown) >= MAX_UNKNOWN_KEY_IDS:
            self._unknown.clear()
        self._unknown.add(hash(key_id))
        pause = NO_KEYS_SECONDS if self.is_empty else REPEATED_KEY_ID_SECONDS if repeated else REFETCH_SECONDS
        if self._since_attempt() > pause:
            self._refresh()

    def _since_attempt(self) -> float:
        return self.monotonic() - self._attempted_at

    def _refresh(self) -> None:
        """Fetch the keys; on failure keep the cached ones, so that an outage of the issuer does not affect Argus."""
        self._attempted_at = now = self.monotonic()
        try:
            self._keys = parse(self.fetch(self.url))
            self._fetched_at = now
            self._unknown.clear()
        except (OSError, HTTPException, ValueError, RecursionError) as error:
            _log.warning("could not fetch the keys of %s: %r", self.issuer, error)
        finally:
            self._attempts += 1
