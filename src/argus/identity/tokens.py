"""Verification of bearer tokens.

RFC 7519 and RFC 8725; Cognito's claims as in "Verifying JSON web tokens" of its developer guide. The token's `iss`
selects one trusted issuer before any key is read, keys come only from that issuer, and RS256 is the only algorithm.
"""

import json
import logging
import re
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

import jwt
from jwt import PyJWK

from argus.core.errors import Unauthenticated, Unavailable
from argus.identity.model import Subject, TrustedIssuer

MAX_TOKEN_BYTES = 8 * 1024
MAX_JWKS_BYTES = 256 * 1024
LEEWAY_SECONDS = 30
FETCH_SECONDS = 1.5  # until the next byte; then the request continues with the cached keys
REFETCH_SECONDS = 60  # between two fetches, however many unknown key ids clients send
KEYS_TTL_SECONDS = 3600
MOTO_KEY_ID = "dummy"  # its private key ships in moto's wheel: anyone can sign with it

_SUBJECT = re.compile(r"[\x21-\x7e]{1,255}")  # OpenID Connect Core 1.0, section 2: at most 255 ASCII characters

_log = logging.getLogger("argus.identity")

FetchKeys = Callable[[str], bytes]


class InvalidToken(Unauthenticated):
    """The token is not valid."""


class KeysUnavailable(Unavailable):
    """The issuer's keys cannot be fetched."""


def fetch_keys(url: str, *, seconds: float = FETCH_SECONDS) -> bytes:
    """Fetch a JWKS document by HTTP. The URL comes from a setting, never from a token."""
    # Outside local stages the settings allow https only.
    with urllib.request.urlopen(url, timeout=seconds) as response:  # noqa: S310
        return bytes(response.read(MAX_JWKS_BYTES))


@dataclass
class _KeySet:
    """The keys of one issuer, as last fetched."""

    by_id: dict[str, Any] = field(default_factory=dict)
    fetched_at: float = float("-inf")
    attempted_at: float = float("-inf")


@dataclass(frozen=True)
class TokenVerifier:
    """Verifies tokens and returns their subjects."""

    issuers: tuple[TrustedIssuer, ...]
    refuse_public_keys: bool  # true unless the embedded AWS is the issuer
    fetch: FetchKeys = fetch_keys
    monotonic: Callable[[], float] = time.monotonic
    _key_sets: dict[str, _KeySet] = field(default_factory=dict, repr=False)
    _lock: Lock = field(default_factory=Lock, repr=False)

    def verify(self, token: str) -> Subject:
        """The subject of a token. Raises InvalidToken for any invalid token, and KeysUnavailable."""
        if len(token) > MAX_TOKEN_BYTES:
            raise InvalidToken("too_long")
        try:
            header = jwt.get_unverified_header(token)
            claimed = jwt.decode(token, options={"verify_signature": False})
            trusted = self._trusted(claimed)
            key = self._key(trusted, header)
            claims = jwt.decode(
                token,
                key,
                algorithms=["RS256"],
                issuer=trusted.issuer,
                leeway=LEEWAY_SECONDS,
                options={"require": ["exp", "iat", "iss", "sub"], "verify_aud": False},
            )
        except Unavailable:
            raise
        except InvalidToken:
            raise
        except jwt.ExpiredSignatureError as error:
            raise InvalidToken("expired") from error
        except Exception as error:  # PyJWT raises other errors for crafted tokens
            raise InvalidToken("malformed") from error
        self._check_claims(trusted, claims)
        return Subject(trusted.issuer, claims["sub"], str(claims.get("username", "")))

    def check_issuer(self, trusted: TrustedIssuer) -> None:
        """Raise unless the issuer provides keys now, even if its keys are cached."""
        if not json.loads(self.fetch(trusted.jwks_url))["keys"]:
            raise KeysUnavailable(f"no keys of {trusted.issuer}")

    def _trusted(self, claims: dict[str, Any]) -> TrustedIssuer:
        for trusted in self.issuers:
            if trusted.issuer == claims.get("iss"):
                return trusted
        raise InvalidToken("issuer")

    def _key(self, trusted: TrustedIssuer, header: dict[str, Any]) -> Any:
        if header.get("alg") != "RS256":
            raise InvalidToken("algorithm")
        key_id = header.get("kid")
        if not isinstance(key_id, str) or (self.refuse_public_keys and key_id == MOTO_KEY_ID):
            raise InvalidToken("signing_key")
        with self._lock:
            keys = self._key_sets.setdefault(trusted.issuer, _KeySet())
            now = self.monotonic()
            stale = now - keys.fetched_at > KEYS_TTL_SECONDS
            if (stale or key_id not in keys.by_id) and now - keys.attempted_at > REFETCH_SECONDS:
                self._refresh(trusted, keys, now)
        if key_id not in keys.by_id:
            if not keys.by_id:
                raise KeysUnavailable(f"no keys of {trusted.issuer}")
            raise InvalidToken("signing_key")
        return keys.by_id[key_id]

    def _refresh(self, trusted: TrustedIssuer, keys: _KeySet, now: float) -> None:
        """Fetch the keys; on failure keep the cached ones, so that an outage of the issuer does not affect Argus."""
        keys.attempted_at = now
        try:
            entries = json.loads(self.fetch(trusted.jwks_url))["keys"]
            keys.by_id = {
                entry["kid"]: PyJWK.from_dict(entry, algorithm="RS256").key
                for entry in entries
                if entry.get("kty") == "RSA" and entry.get("use", "sig") == "sig"
            }
            keys.fetched_at = now
        except (OSError, ValueError, KeyError, TypeError, jwt.PyJWTError) as error:
            _log.warning("could not fetch the keys of %s: %r", trusted.issuer, error)

    @staticmethod
    def _check_claims(trusted: TrustedIssuer, claims: dict[str, Any]) -> None:
        if trusted.token_use is not None and claims.get("token_use") != trusted.token_use:
            raise InvalidToken("use", token_use=trusted.token_use)
        audience = claims.get("client_id") or claims.get("aud")
        audiences = audience if isinstance(audience, list) else [audience]
        if not any(name in trusted.client_ids for name in audiences if isinstance(name, str)):
            raise InvalidToken("client")
        subject = claims["sub"]
        if not isinstance(subject, str) or not _SUBJECT.fullmatch(subject):
            raise InvalidToken("subject")
