"""Verification of tokens."""

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from argus.identity.model import Subject, TrustedIssuer
from argus.identity.tokens import InvalidToken, KeysUnavailable, TokenVerifier
from tests.conftest import CLIENT_ID, ISSUER, Issuer, Person

NOW = datetime.now(UTC)
TRUSTED = TrustedIssuer(ISSUER, f"{ISSUER}/jwks.json", (CLIENT_ID,))


class Keys:
    """A JWKS endpoint that counts its fetches and can be unavailable."""

    def __init__(self, document: bytes) -> None:
        self.document = document
        self.fetches = 0

    def __call__(self, url: str) -> bytes:
        assert url == TRUSTED.jwks_url
        self.fetches += 1
        if not self.document:
            raise OSError("no answer")
        return self.document


class Seconds:
    """A monotonic clock that tests control."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def keys(issuer: Issuer) -> Keys:
    return Keys(issuer.jwks)


@pytest.fixture
def seconds() -> Seconds:
    return Seconds()


@pytest.fixture
def verifier(keys: Keys, seconds: Seconds) -> TokenVerifier:
    return TokenVerifier((TRUSTED,), refuse_public_keys=True, fetch=keys, monotonic=seconds)


def _part(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def test_a_valid_token_returns_its_subject(verifier: TokenVerifier, issuer: Issuer) -> None:
    assert verifier.verify(issuer.token("someone", username="Some One")) == Subject(ISSUER, "someone", "Some One")


@pytest.mark.parametrize(
    "claims",
    [
        pytest.param({"iss": "https://elsewhere.example"}, id="another issuer"),
        pytest.param({"iss": [ISSUER]}, id="a list of issuers"),
        pytest.param({"iss": None}, id="no issuer"),
        pytest.param({"exp": NOW - timedelta(minutes=2)}, id="expired"),
        pytest.param({"exp": "tomorrow"}, id="expiry in words"),
        pytest.param({"iat": NOW + timedelta(days=1)}, id="from the future"),
        pytest.param({"token_use": "id"}, id="an id token"),
        pytest.param({"client_id": "another-client"}, id="for another client"),
        pytest.param({"client_id": {"a": 1}}, id="client of the wrong type"),
        pytest.param({"sub": ""}, id="an empty subject"),
        pytest.param({"sub": "x" * 300}, id="a long subject"),
        pytest.param({"sub": "\ud800"}, id="a subject that is no text"),
        pytest.param({"nbf": NOW + timedelta(hours=1)}, id="not yet"),
    ],
)
def test_a_token_with_invalid_claims_is_rejected(
    verifier: TokenVerifier, issuer: Issuer, claims: dict[str, Any]
) -> None:
    with pytest.raises(InvalidToken):
        verifier.verify(issuer.token("someone", **claims))


@pytest.mark.parametrize("missing", ["exp", "iat", "iss", "sub"])
def test_a_token_without_a_required_claim_is_rejected(verifier: TokenVerifier, issuer: Issuer, missing: str) -> None:
    from jose import jwt

    claims = {"iss": ISSUER, "sub": "s", "client_id": CLIENT_ID, "token_use": "access", "iat": NOW, "exp": NOW}
    claims["exp"] = NOW + timedelta(hours=1)
    del claims[missing]
    token = jwt.encode(claims, issuer.key, algorithm="RS256", headers={"kid": issuer.key_id})
    with pytest.raises(InvalidToken):
        verifier.verify(token)


def test_a_token_expired_within_the_leeway_is_accepted(verifier: TokenVerifier, issuer: Issuer) -> None:
    assert verifier.verify(issuer.token("someone", exp=datetime.now(UTC) - timedelta(seconds=1))).id == "someone"


@pytest.mark.parametrize("algorithm", ["none", "HS256", "RS512", "PS256", "ES256", None, 7])
def test_only_rs256_is_accepted(verifier: TokenVerifier, issuer: Issuer, algorithm: Any) -> None:
    _, body, _signature = issuer.token("someone").split(".")
    head = _part({"alg": algorithm, "kid": issuer.key_id, "typ": "JWT"})
    mac = hmac.digest(issuer.jwks, f"{head}.{body}".encode(), hashlib.sha256)
    signature = base64.urlsafe_b64encode(mac).decode().rstrip("=")
    for forged in (signature, ""):
        with pytest.raises(InvalidToken):
            verifier.verify(f"{head}.{body}.{forged}")


def test_a_token_signed_with_another_key_is_rejected(verifier: TokenVerifier) -> None:
    with pytest.raises(InvalidToken):
        verifier.verify(Issuer.make().token("someone"))


@pytest.mark.parametrize("header", ["jku", "x5u", "jwk", "crit"])
def test_headers_that_reference_other_keys_are_ignored(
    verifier: TokenVerifier, issuer: Issuer, keys: Keys, header: str
) -> None:
    from jose import jwt

    attacker = Issuer.make()
    value = json.loads(attacker.jwks)["keys"][0] if header == "jwk" else ["x"] if header == "crit" else ISSUER
    claims = {"iss": ISSUER, "sub": "s", "client_id": CLIENT_ID, "token_use": "access", "iat": NOW}
    token = jwt.encode(
        {**claims, "exp": NOW + timedelta(hours=1)},
        attacker.key,
        algorithm="RS256",
        headers={"kid": issuer.key_id, header: value},
    )
    with pytest.raises(InvalidToken):
        verifier.verify(token)
    assert keys.fetches <= 1


@settings(max_examples=200, deadline=None)
@given(st.one_of(st.text(max_size=300), st.lists(st.text(max_size=80), min_size=3, max_size=5).map(".".join)))
def test_a_text_that_is_not_a_token_is_rejected(text: str) -> None:
    with pytest.raises(InvalidToken):
        TokenVerifier((TRUSTED,), refuse_public_keys=True, fetch=Keys(b"{}")).verify(text)


@pytest.mark.parametrize("depth", [10, 2000])
def test_a_deeply_nested_token_is_rejected(verifier: TokenVerifier, depth: int) -> None:
    head = base64.urlsafe_b64encode(b"[" * depth + b"]" * depth).decode().rstrip("=")
    with pytest.raises(InvalidToken):
        verifier.verify(f"{head}.{head}.x")


def test_a_huge_token_is_rejected_without_parsing(verifier: TokenVerifier) -> None:
    with pytest.raises(InvalidToken, match="8 KiB"):
        verifier.verify("x" * 10_000)


def test_keys_are_fetched_once_and_again_for_a_new_kid(
    verifier: TokenVerifier, issuer: Issuer, keys: Keys, seconds: Seconds
) -> None:
    for _ in range(3):
        verifier.verify(issuer.token("someone"))
    assert keys.fetches == 1
    rotated = Issuer.make()
    moved = json.loads(rotated.jwks)
    moved["keys"][0]["kid"] = "key-2"
    keys.document = json.dumps({"keys": [*json.loads(issuer.jwks)["keys"], *moved["keys"]]}).encode()
    seconds.now += 61
    fresh = Issuer(rotated.key, rotated.jwks, "key-2")
    assert verifier.verify(fresh.token("someone")).id == "someone"
    assert keys.fetches == 2


def test_unknown_key_ids_do_not_cause_more_fetches(verifier: TokenVerifier, issuer: Issuer, keys: Keys) -> None:
    verifier.verify(issuer.token("someone"))
    for number in range(20):
        with pytest.raises(InvalidToken):
            verifier.verify(Issuer(issuer.key, issuer.jwks, f"unknown-{number}").token("someone"))
    assert keys.fetches == 1


def test_cached_keys_are_used_during_an_outage_of_the_issuer(
    verifier: TokenVerifier, issuer: Issuer, keys: Keys, seconds: Seconds
) -> None:
    verifier.verify(issuer.token("someone"))
    keys.document = b""
    seconds.now += 4000
    assert verifier.verify(issuer.token("someone")).id == "someone"


def test_without_any_keys_the_issuer_is_unavailable(verifier: TokenVerifier, issuer: Issuer, keys: Keys) -> None:
    keys.document = b""
    with pytest.raises(KeysUnavailable):
        verifier.verify(issuer.token("someone"))


def test_the_public_key_of_the_embedded_aws_is_rejected_outside_the_local_stage(issuer: Issuer) -> None:
    known = json.loads(issuer.jwks)
    known["keys"][0]["kid"] = "dummy"
    public = Issuer(issuer.key, b"", "dummy").token("someone")
    keys = Keys(json.dumps(known).encode())
    assert TokenVerifier((TRUSTED,), refuse_public_keys=False, fetch=keys).verify(public).id == "someone"
    with pytest.raises(InvalidToken):
        TokenVerifier((TRUSTED,), refuse_public_keys=True, fetch=keys).verify(public)


@pytest.mark.parametrize(
    ("headers", "challenge"),
    [
        ({}, 'Bearer realm="argus"'),
        ({"Authorization": "Basic dXNlcjpwYXNz"}, 'Bearer realm="argus", error="invalid_token"'),
        ({"Authorization": "Bearer"}, 'Bearer realm="argus", error="invalid_token"'),
        ({"Authorization": "Bearer a.b.c"}, 'Bearer realm="argus", error="invalid_token"'),
        ({"Authorization": "Bearer " + "x" * 9000}, 'Bearer realm="argus", error="invalid_token"'),
    ],
)
def test_an_invalid_token_is_a_401_problem(anonymous: Person, headers: dict[str, str], challenge: str) -> None:
    response = anonymous.get("/me", headers=headers)
    assert (response.status_code, response.content_type) == (401, "application/problem+json")
    assert response.headers["WWW-Authenticate"] == challenge
