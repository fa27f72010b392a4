"""Authentication: tokens of trusted issuers, organisations and their members, API keys."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from argus.core.declarations import Capability, Scope, Table
from argus.core.runtime import Runtime
from argus.core.settings import Settings, setting
from argus.identity import issuers
from argus.identity.model import ADMINS, EVERYONE, TrustedIssuer

if TYPE_CHECKING:
    from argus.identity.keys import Keys
    from argus.identity.service import Identity
    from argus.identity.tokens import TokenVerifier


@dataclass(frozen=True)
class IdentitySettings:
    """The issuers whose tokens are accepted."""

    trusted_issuers: tuple[TrustedIssuer, ...] = setting(
        "ARGUS_TRUSTED_ISSUERS",
        "[]",
        "JSON list of the issuers whose tokens are accepted. Each has `issuer`, `jwks_url` and `client_ids`. An issuer "
        "that follows RFC 9068 also has `token_type`, which is `at+jwt`, and `audiences`. Others are like Cognito: "
        "`token_use` is `access`",
        issuers.read,
    )

    def check(self, settings: Settings) -> None:
        issuers.check(self.trusted_issuers, allow_http=settings.is_local)


def sign_in_methods(settings: Settings) -> list[dict[str, str]]:
    """What a client needs to sign in at each trusted issuer that is a Cognito user pool."""
    cognito = f"https://cognito-idp.{settings.region}.amazonaws.com"
    return [
        {
            "issuer": trusted.issuer,
            "client_id": trusted.client_ids[0],
            "endpoint": settings.aws_endpoint or cognito,
            "region": settings.region,
        }
        for trusted in settings.of(IdentitySettings).trusted_issuers
        if trusted.issuer.startswith(cognito)
    ]


def _identity(argus: Runtime) -> "Identity":
    from argus.identity.service import Identity
    from argus.identity.store import IdentityStore

    return Identity(
        store=IdentityStore(argus.table("identity")),
        verify=lambda token: argus.tokens.verify(token),
        role_scopes=argus.role_scopes,
        clock=argus.clock,
        ids=argus.ids,
    )


def _keys(argus: Runtime) -> "Keys":
    from argus.identity.key_store import KeyStore
    from argus.identity.keys import Keys

    return Keys(
        store=KeyStore(argus.table("identity"), argus.table("identity", fail_fast=True)),
        tiers=tuple(argus.settings.key_rate_limits),
        allowed_scopes=argus.key_scopes,
        clock=argus.clock,
        ids=argus.ids,
    )


def _tokens(argus: Runtime) -> "TokenVerifier":
    from argus.identity import jwks, tokens  # import cryptography, which workers do not need

    fetch = partial(jwks.fetch_keys, seconds=jwks.FETCH_SECONDS * argus.settings.timeout_factor)
    return tokens.TokenVerifier(
        argus.settings.of(IdentitySettings).trusted_issuers,
        refuse_public_keys=not argus.settings.is_local,
        fetch=argus.fetch_keys or fetch,
    )


def _checks(argus: Runtime) -> Mapping[str, Callable[[], object]]:
    trusted_issuers = argus.settings.of(IdentitySettings).trusted_issuers
    return {f"keys of {trusted.issuer}": partial(argus.tokens.check_issuer, trusted) for trusted in trusted_issuers}


CAPABILITY = Capability(
    name="identity",
    about="Authentication: tokens, organisations, API keys",
    tables=(
        Table(
            name="identity",
            partition_key="`subject#<hash>`; `<organisation>#organisation`; `<organisation>#keys`",
            sort_key="`membership`; `organisation`, `member#<user>`; `<key>`, `tier_limit`",
            prefixes_without_organisation={"subject#": "finds the organisation of the user whose token a request has"},
        ),
    ),
    scopes=(
        Scope("profile:read", "See the caller", EVERYONE),
        Scope("keys:read", "List API keys", ADMINS, for_keys=False),  # a leaked key must not create others
        Scope("keys:write", "Create and revoke API keys", ADMINS, for_keys=False),
    ),
    settings=IdentitySettings,
    services={"identity": _identity, "keys": _keys, "tokens": _tokens},
    blueprints=("argus.identity.routes:callers", "argus.identity.routes:api_keys"),
    authenticators={"bearer": "identity.authenticate", "key": "keys.authenticate"},
    checks=_checks,
)
