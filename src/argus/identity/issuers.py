"""The setting that lists the trusted issuers: a value that cannot be right is refused when Argus starts."""

import json
import re
from collections.abc import Iterable
from typing import Any

from argus.core.origins import is_url
from argus.core.settings import BadSetting
from argus.identity.model import TrustedIssuer

ACCESS_TOKEN_TYPE = "at+jwt"  # RFC 9068
ACCESS_TOKEN_USE = "access"  # Cognito

_COGNITO = "https://cognito-idp."
_QUERY = re.compile(r"[!$-;=?-Z_a-z~]*")  # RFC 3986, section 3.4


def read(text: str) -> tuple[TrustedIssuer, ...]:
    """The issuers in the JSON of the setting. Raises ValueError, TypeError or KeyError."""
    entries = json.loads(text or "[]")
    if not isinstance(entries, list):
        raise TypeError("it must be a list of issuers")
    return tuple(_issuer(entry) for entry in entries)


def check(issuers: Iterable[TrustedIssuer], *, allow_http: bool) -> None:
    """Raise BadSetting for issuers that could accept no token, or tokens that are not for Argus."""
    seen = set()
    for trusted in issuers:
        if problem := _problem(trusted, allow_http=allow_http):
            raise BadSetting(f"ARGUS_TRUSTED_ISSUERS is invalid: {problem} (issuer {trusted.issuer})")
        if trusted.issuer in seen:
            raise BadSetting(f"ARGUS_TRUSTED_ISSUERS is invalid: {trusted.issuer} occurs twice")
        seen.add(trusted.issuer)


def _issuer(entry: Any) -> TrustedIssuer:
    if not isinstance(entry, dict):
        raise TypeError("an issuer must be an object")
    lists: dict[str, Any] = {name: _names(name, entry[name]) for name in ("client_ids", "audiences") if name in entry}
    texts: dict[str, Any] = {name: "" if value is None else value for name, value in entry.items() if name not in lists}
    if wrong := [name for name, value in texts.items() if not isinstance(value, str)]:
        raise TypeError(f"{wrong[0]} must be text")
    texts.setdefault("token_use", "" if "token_type" in entry else ACCESS_TOKEN_USE)
    return TrustedIssuer(**{**texts, **lists})


def _names(member: str, value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(name, str) and name.strip() == name != "" for name in value):
        raise TypeError(f"{member} must be a list of names")
    return tuple(value)


def _problem(trusted: TrustedIssuer, *, allow_http: bool) -> str | None:
    schemes = ("https", "http") if allow_http else ("https",)
    if not is_url(trusted.issuer, *schemes):
        return "it must be a URL that begins with https:// and has no query"  # RFC 8414, section 2
    location, _, query = trusted.jwks_url.partition("?")
    if not is_url(location, *schemes) or not _QUERY.fullmatch(query):
        return "its jwks_url must be a URL that begins with https://"
    if not trusted.client_ids:
        return "it must have client_ids: no token would be accepted"
    if (trusted.token_type, trusted.token_use) not in ((ACCESS_TOKEN_TYPE, ""), ("", ACCESS_TOKEN_USE)):
        return f"its access tokens have either the token_type {ACCESS_TOKEN_TYPE} or the token_use {ACCESS_TOKEN_USE}"
    if trusted.token_type and not trusted.audiences:
        return f"its tokens have the type {ACCESS_TOKEN_TYPE}, so it must have audiences"
    if trusted.token_type and trusted.issuer.startswith(_COGNITO):
        return f"Cognito's tokens do not have the type {ACCESS_TOKEN_TYPE}"
    return None
