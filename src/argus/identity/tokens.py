"""Verification of bearer tokens.

RFC 7519, RFC 8725 and RFC 9068; Cognito's claims as in "Verifying JSON web tokens" of its developer guide. The token's
`iss` selects one trusted issuer before any key is read, keys come only from that issuer, and RS256 is the only
algorithm. The token must be an access token, issued to a client that Argus accepts, and for Argus.
"""

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import jwt

from argus.core.errors import Unauthenticated, Unavailable
from argus.identity import jwks
from argus.identity.jwks import FetchKeys, KeySet
from argus.identity.model import Subject, TrustedIssuer

MAX_TOKEN_BYTES = 8 * 1024
LEEWAY_SECONDS = 30
MOTO_KEY_ID = "dummy"  # its private key ships in moto's wheel: anyone can sign with it

_SUBJECT = re.compile(r"[\x21-\x7e]{1,255}")  # OpenID Connect Core 1.0, section 2: at most 255 ASCII characters
_REQUIRED = ["exp", "iat", "iss", "sub"]
_TIMES = ("exp", "iat", "nbf")


class InvalidToken(Unauthenticated):
    """The token is not valid."""


class KeysUnavailable(Unavailable):
    """The issuer's keys cannot be fetched."""


@dataclass(frozen=True)
class TokenVerifier:
    """Verifies tokens and returns their subjects."""

    issuers: tuple[TrustedIssuer, ...]
    refuse_public_keys: bool  # true unless the embedded AWS is the issuer
    fetch: FetchKeys = jwks.fetch_keys
    monotonic: Callable[[], float] = time.monotonic

    def verify(self, token: str) -> Subject:
        """The subject of a token. Raises InvalidToken for any invalid token, and KeysUnavailable."""
        if len(token) > MAX_TOKEN_BYTES:
            raise InvalidToken("too_long")
        try:
            unverified = jwt.decode_complete(token, options={"verify_signature": False})
            header = unverified["header"]
            trusted = self._trusted(unverified["payload"])
            claims = jwt.decode(
                token,
                self._key(trusted, header),
                algorithms=["RS256"],
                issuer=trusted.issuer,
                leeway=LEEWAY_SECONDS,
                options={"require": _REQUIRED, "verify_aud": False},
            )
        except Unavailable:
            raise
        except InvalidToken:
            raise
        except jwt.ExpiredSignatureError as error:
            raise InvalidToken("expired") from error
        except jwt.ImmatureSignatureError as error:
            raise InvalidToken("not_yet") from error
        except Exception as error:  # PyJWT raises other errors for crafted tokens
            raise InvalidToken("malformed") from error
        _check_type(trusted, header, claims)
        _check_recipient(trusted, claims)
        _check_values(trusted, claims)
        return Subject(trusted.issuer, claims["sub"], str(claims.get("username", "")))

    def check_issuer(self, trusted: TrustedIssuer) -> None:
        """Raise unless the issuer provides usable keys now, even if its keys are cached."""
        if not jwks.parse(self.fetch(trusted.jwks_url)):
            raise KeysUnavailable(f"no keys of {trusted.issuer}")

    @cached_property
    def _key_sets(self) -> Mapping[str, KeySet]:
        return {each.issuer: KeySet(each.issuer, each.jwks_url, self.fetch, self.monotonic) for each in self.issuers}

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
        keys = self._key_sets[trusted.issuer]
        key = keys.get(key_id)
        if key is None:
            if keys.is_empty:
                raise KeysUnavailable(f"no keys of {trusted.issuer}")
            raise InvalidToken("signing_key")
        return key


def _check_type(trusted: TrustedIssuer, header: dict[str, Any], claims: dict[str, Any]) -> None:
    """Only access tokens: an issuer signs others with the same key, such as ID tokens and logout tokens."""
    expected = trusted.token_type or "JWT"
    stated = header.get("typ", None if trusted.token_type else expected)  # Cognito's tokens do not state a type
    if not isinstance(stated, str) or stated.lower().removeprefix("application/") != expected.lower():
        raise InvalidToken("type", token_type=expected)
    if trusted.token_use and claims.get("token_use") != trusted.token_use:
        raise InvalidToken("use", token_use=trusted.token_use)


def _check_recipient(trusted: TrustedIssuer, claims: dict[str, Any]) -> None:
    """The client must be accepted, and the audience Argus: RFC 7519, section 4.1.3."""
    client = claims.get("client_id")
    if not isinstance(client, str) or client not in trusted.client_ids:
        raise InvalidToken("client")
    if trusted.audiences or "aud" in claims:
        audience = claims.get("aud")
        audiences = audience if isinstance(audience, list) else [audience]
        if not all(isinstance(each, str) for each in audiences) or not set(audiences) & set(trusted.audiences):
            raise InvalidToken("audience")


def _check_values(trusted: TrustedIssuer, claims: dict[str, Any]) -> None:
    """Values that PyJWT accepts in other forms, such as an expiry that is text."""
    if not all(type(claims[name]) in (int, float) for name in _TIMES if name in claims):
        raise InvalidToken("malformed")
    if trusted.token_type or "jti" in claims:
        token_id = claims.get("jti")
        if not isinstance(token_id, str) or not token_id:
            raise InvalidToken("token_id")
    subject = claims["sub"]
    if not isinstance(subject, str) or not _SUBJECT.fullmatch(subject):
        raise InvalidToken("subject")
