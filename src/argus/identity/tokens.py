"""Deciding whether a bearer token speaks the truth.

RFC 7519 and RFC 8725; Cognito's claims as in "Verifying JSON web tokens" of its developer guide. The token's `iss`
picks one trusted issuer before any key is looked at, that issuer alone says where keys are, and RS256 is the only
algorithm.
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
FETCH_SECONDS = 1.5  # until the next byte; and then the request goes on with the keys we have
REFETCH_SECONDS = 60  # an unknown kid may ask for the keys again this often, whoever sends it
KEYS_LIVE_SECONDS = 3600
MOTO_KEY_ID = "dummy"  # its private half ships in moto's wheel: anyone can sign with it

_SUBJECT = re.compile(r"[\x21-\x7e]{1,255}")  # OpenID Connect Core 1.0, section 2: at most 255 ASCII characters

_log = logging.getLogger("argus.identity")

FetchKeys = Callable[[str], bytes]


class InvalidToken(Unauthenticated):
    """The token is not valid."""


class KeysUnavailable(Unavailable):
    """The issuer's keys cannot be fetched."""


def fetch_keys(url: str, *, seconds: float = FETCH_SECONDS) -> bytes:
    """A JWKS document by HTTP. The address is a setting, never something a token said."""
    # Settings admit https only, outside local stages.
    with urllib.request.urlopen(url, timeout=seconds) as answer:  # noqa: S310
        return bytes(answer.read(MAX_JWKS_BYTES))


@dataclass
class _KeySet:
    """The keys of one issuer, as last fetched."""

    by_id: dict[str, Any] = field(default_factory=dict)
    fetched_at: float = float("-inf")
    tried_at: float = float("-inf")


@dataclass(frozen=True)
class TokenVerifier:
    """Tokens in, subjects out."""

    issuers: tuple[TrustedIssuer, ...]
    refuse_public_keys: bool  # true wherever the embedded AWS is not the issuer
    fetch: FetchKeys = fetch_keys
    monotonic: Callable[[], float] = time.monotonic
    _key_sets: dict[str, _KeySet] = field(default_factory=dict, repr=False)
    _lock: Lock = field(default_factory=Lock, repr=False)

    def verify(self, token: str) -> Subject:
        """Whom the token speaks of; raise `InvalidToken` whatever is wrong with it."""
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
        except Exception as error:  # PyJWT lets other errors through on tokens made to break it
            raise InvalidToken("malformed") from error
        self._check_claims(trusted, claims)
        return Subject(trusted.issuer, claims["sub"], str(claims.get("username", "")))

    def ask(self, trusted: TrustedIssuer) -> None:
        """Raise when the issuer does not hand out keys now, whatever keys of it we hold."""
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
            stale = now - keys.fetched_at > KEYS_LIVE_SECONDS
            if (stale or key_id not in keys.by_id) and now - keys.tried_at > REFETCH_SECONDS:
                self._refresh(trusted, keys, now)
        if key_id not in keys.by_id:
            if not keys.by_id:
                raise KeysUnavailable(f"no keys of {trusted.issuer}")
            raise InvalidToken("signing_key")
        return keys.by_id[key_id]

    def _refresh(self, trusted: TrustedIssuer, keys: _KeySet, now: float) -> None:
        """Fetch the keys; on failure go on with those we have, for an issuer's outage is not ours."""
        keys.tried_at = now
        try:
            entries = json.loads(self.fetch(trusted.jwks_url))["keys"]
            keys.by_id = {
                entry["kid"]: PyJWK.from_dict(entry, algorithm="RS256").key
                for entry in entries
                if entry.get("kty") == "RSA" and entry.get("use", "sig") == "sig"
            }
            keys.fetched_at = now
        except (OSError, ValueError, KeyError, TypeError, jwt.PyJWTError) as error:
            _log.warning("keys of %s not fetched: %r", trusted.issuer, error)

    @staticmethod
    def _check_claims(trusted: TrustedIssuer, claims: dict[str, Any]) -> None:
        if trusted.token_use is not None and claims.get("token_use") != trusted.token_use:
            raise InvalidToken("use", token_use=trusted.token_use)
        audience = claims.get("client_id") or claims.get("aud")
        named = audience if isinstance(audience, list) else [audience]
        if not any(name in trusted.client_ids for name in named if isinstance(name, str)):
            raise InvalidToken("client")
        subject = claims["sub"]
        if not isinstance(subject, str) or not _SUBJECT.fullmatch(subject):
            raise InvalidToken("subject")
