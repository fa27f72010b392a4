"""The setting of trusted issuers."""

import json
from typing import Any

import pytest

from argus.container import Container
from argus.core.settings import BadSetting, Settings
from argus.identity.capability import IdentitySettings
from argus.identity.model import TrustedIssuer

COGNITO = {"issuer": "https://i.example", "jwks_url": "https://i.example/jwks", "client_ids": ["c"]}
RFC_9068 = {**COGNITO, "token_type": "at+jwt", "audiences": ["https://argus.example"]}
IN_AWS = {"ARGUS_STAGE": "production", "ARGUS_CURSOR_SECRET": "x" * 32}


def _read(*issuers: Any, stage: dict[str, str] = IN_AWS) -> tuple[TrustedIssuer, ...]:
    settings = Settings.from_env({**stage, "ARGUS_TRUSTED_ISSUERS": json.dumps(issuers)})
    return Container(settings).settings.of(IdentitySettings).trusted_issuers


def test_the_setting_has_issuers_of_both_kinds() -> None:
    other = {**RFC_9068, "issuer": "https://j.example/path", "jwks_url": "https://j.example:8443/jwks?policy=sign-in"}
    assert _read(COGNITO, other) == (
        TrustedIssuer("https://i.example", "https://i.example/jwks", ("c",), (), "", "access"),
        TrustedIssuer(
            *("https://j.example/path", "https://j.example:8443/jwks?policy=sign-in", ("c",)),
            *(("https://argus.example",), "at+jwt", ""),
        ),
    )


@pytest.mark.parametrize(
    ("entry", "why"),
    [
        ({}, "issuer"),
        (7, "must be an object"),
        ("https://i.example", "must be an object"),
        ({**COGNITO, "issuer": ""}, "must be a URL that begins with https://"),
        ({**COGNITO, "issuer": "i.example"}, "must be a URL that begins with https://"),
        ({**COGNITO, "issuer": "http://i.example"}, "must be a URL that begins with https://"),
        ({**COGNITO, "issuer": "https://"}, "must be a URL that begins with https://"),
        ({**COGNITO, "issuer": "https://i.example:x"}, "must be a URL that begins with https://"),
        ({**COGNITO, "issuer": "https://i.example?tenant=1"}, "has no query"),
        ({**COGNITO, "issuer": "https://i.example#f"}, "must be a URL that begins with https://"),
        ({**COGNITO, "issuer": "https://user@i.example"}, "must be a URL that begins with https://"),
        ({**COGNITO, "issuer": " https://i.example"}, "must be a URL that begins with https://"),
        ({**COGNITO, "issuer": 7}, "issuer must be text"),
        ({**COGNITO, "jwks_url": "http://i.example/jwks"}, "jwks_url must be a URL that begins with https://"),
        ({**COGNITO, "jwks_url": "file:///etc/passwd"}, "jwks_url must be a URL that begins with https://"),
        ({**COGNITO, "jwks_url": "https://i.example/jwks#f"}, "jwks_url must be a URL that begins with https://"),
        ({**COGNITO, "jwks_url": "https://i.example/jwks?a b"}, "jwks_url must be a URL that begins with https://"),
        ({**COGNITO, "jwks_url": None}, "jwks_url must be a URL"),
        ({**COGNITO, "client_ids": []}, "no token would be accepted"),
        ({**COGNITO, "client_ids": "c"}, "client_ids must be a list of names"),
        ({**COGNITO, "client_ids": [""]}, "client_ids must be a list of names"),
        ({**COGNITO, "client_ids": ["c", " d"]}, "client_ids must be a list of names"),
        ({**COGNITO, "client_ids": [7]}, "client_ids must be a list of names"),
        ({**COGNITO, "token_use": "id"}, "either the token_type at\\+jwt or the token_use access"),
        ({**COGNITO, "token_use": ""}, "either the token_type at\\+jwt or the token_use access"),
        ({**COGNITO, "token_use": None}, "either the token_type at\\+jwt or the token_use access"),
        ({**COGNITO, "token_type": "JWT"}, "either the token_type at\\+jwt or the token_use access"),
        ({**COGNITO, "token_type": ""}, "either the token_type at\\+jwt or the token_use access"),
        ({**COGNITO, "token_type": "at+jwt"}, "must have audiences"),
        ({**RFC_9068, "audiences": []}, "must have audiences"),
        ({**RFC_9068, "audiences": "https://argus.example"}, "audiences must be a list of names"),
        ({**RFC_9068, "token_use": "access"}, "either the token_type at\\+jwt or the token_use access"),
        ({**RFC_9068, "issuer": "https://cognito-idp.eu-west-1.amazonaws.com/p"}, "Cognito's tokens do not have"),
        ({**COGNITO, "audience": ["https://argus.example"]}, "audience"),
    ],
)
def test_an_issuer_that_cannot_be_right_is_refused_at_start(entry: Any, why: str) -> None:
    with pytest.raises(BadSetting, match=f"ARGUS_TRUSTED_ISSUERS is invalid: .*{why}"):
        _read(entry)


def test_an_issuer_cannot_occur_twice() -> None:
    with pytest.raises(BadSetting, match="occurs twice"):
        _read(COGNITO, RFC_9068)


@pytest.mark.parametrize("text", ["nonsense", "{}", "null", "7", '"https://i.example"'])
def test_the_setting_must_be_a_list(text: str) -> None:
    with pytest.raises(BadSetting, match="ARGUS_TRUSTED_ISSUERS is invalid"):
        Container(Settings.from_env({**IN_AWS, "ARGUS_TRUSTED_ISSUERS": text}))


def test_local_stages_may_use_http() -> None:
    plain = {**COGNITO, "issuer": "http://127.0.0.1:5000", "jwks_url": "http://127.0.0.1:5000/jwks"}
    assert _read(plain, stage={"ARGUS_STAGE": "local"})[0].issuer == "http://127.0.0.1:5000"
