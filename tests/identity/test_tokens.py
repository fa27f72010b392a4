"""Verification of tokens: forged ones are refused at the front door, for issuers like Cognito and of RFC 9068."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256, SHA384, SHA512
from flask.testing import FlaskClient
from hypothesis import given, settings
from hypothesis import strategies as st

from argus.app import create_app
from argus.container import Container
from argus.identity.model import Subject, TrustedIssuer
from argus.identity.tokens import InvalidToken, TokenVerifier
from tests.conftest import CLIENT_ID, ISSUER, Issuer, Person

AUDIENCE = "https://argus.example"
RFC_9068, COGNITO = "https://rfc9068.example", "https://cognito.example"
OF = {RFC_9068: "key-of-rfc9068", COGNITO: "key-of-cognito"}  # the key id of each issuer
ATTACKER = "attacker"
MISSING = object()

TRUSTED = TrustedIssuer(ISSUER, f"{ISSUER}/jwks.json", (CLIENT_ID,))


@cache
def _key(owner: str) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def _base64url(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


def _part(value: Any) -> str:
    return _base64url(json.dumps(value).encode())


def _entry(owner: str, key_id: str) -> dict[str, Any]:
    numbers = _key(owner).public_key().public_numbers()
    return {
        "kty": "RSA",
        "kid": key_id,
        "use": "sig",
        "alg": "RS256",
        "n": _base64url(numbers.n.to_bytes(256)),
        "e": _base64url(numbers.e.to_bytes(3)),
    }


@dataclass(frozen=True)
class Forgery:
    """How a token differs from a valid one of the issuer; the signature is valid unless `key` or `text` changes it."""

    id: str
    claims: dict[str, Any] = field(default_factory=dict)
    header: dict[str, Any] = field(default_factory=dict)
    key: str = ""  # its owner
    issuers: tuple[str, ...] = (RFC_9068, COGNITO)

    def token(self, issuer: str) -> str:
        now = int(time.time())
        claims = {"iss": issuer, "sub": "someone", "client_id": CLIENT_ID, "iat": now, "exp": now + 3600}
        header: dict[str, Any] = {"alg": "RS256", "kid": OF[issuer]}
        if issuer == RFC_9068:
            claims |= {"aud": AUDIENCE, "jti": "id-1"}
            header["typ"] = "at+jwt"
        else:
            claims["token_use"] = "access"
        header, claims = _changed(header, self.header), _changed(claims, self.claims)
        if "jwk" in header:
            header["jwk"] = _entry(ATTACKER, OF[issuer])
        return _signed(header, claims, _key(self.key or issuer))


def _changed(values: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in {**values, **changes}.items() if value is not MISSING}


def _signed(header: dict[str, Any], claims: dict[str, Any], key: rsa.RSAPrivateKey) -> str:
    body = f"{_part(header)}.{_part(claims)}"
    return f"{body}.{_base64url(key.sign(body.encode(), padding.PKCS1v15(), SHA256()))}"


def _of(name: str, values: dict[str, Any], issuers: tuple[str, ...] = (RFC_9068, COGNITO)) -> list[Forgery]:
    """Forgeries with other values of one claim, by their description."""
    return [Forgery(f"{name} {about}", {name: value}, issuers=issuers) for about, value in values.items()]


def _headers(name: str, values: dict[str, Any], issuers: tuple[str, ...] = (RFC_9068, COGNITO)) -> list[Forgery]:
    return [Forgery(f"{name} {about}", header={name: value}, issuers=issuers) for about, value in values.items()]


_HOUR = 3600
_NOW = int(time.time())
_NO_TEXT = {"missing": MISSING, "null": None, "empty": "", "number": 7, "list": ["x"], "object": {"a": 1}}
_NO_NUMBER = {name: value for name, value in _NO_TEXT.items() if name != "number"}
FORGERIES = [
    *_of(
        "iss",
        {
            **_NO_TEXT,
            "unknown": "https://elsewhere.example",
            "with slash": f"{RFC_9068}/",
            "in capitals": RFC_9068.upper(),
            "in a list": [RFC_9068],
        },
    ),
    *_of("aud", {**_NO_TEXT, "of another service": "https://other.example"}, (RFC_9068,)),
    *_of(
        "aud",
        {
            "is the client": CLIENT_ID,
            "with slash": f"{AUDIENCE}/",
            "in capitals": AUDIENCE.upper(),
            "empty list": [],
            "others": ["https://a.example", "https://b.example"],
            "among no text": [AUDIENCE, 7],
            "among objects": [{"a": AUDIENCE}],
            "in a nested list": [[AUDIENCE]],
        },
        (RFC_9068,),
    ),
    *_of("aud", {"of another service": "https://other.example", "client": CLIENT_ID, "null": None}, (COGNITO,)),
    *_of("client_id", {**_NO_TEXT, "of another client": "other", "in a list": [CLIENT_ID]}),
    Forgery("the client is only in azp", {"client_id": MISSING, "azp": CLIENT_ID}),
    Forgery("the client is only in aud", {"client_id": MISSING, "aud": CLIENT_ID}),
    *_of("token_use", {**_NO_TEXT, "id": "id", "refresh": "refresh", "in a list": ["access"]}, (COGNITO,)),
    *_of("jti", _NO_TEXT, (RFC_9068,)),
    *_of("jti", {"null": None, "empty": "", "number": 7, "list": ["x"]}, (COGNITO,)),
    *_of("sub", {**_NO_TEXT, "long": "x" * 300, "with a space": "a b", "not ASCII": "é", "no text": "\ud800"}),
    *_of("exp", {**_NO_NUMBER, "past": _NOW - 120, "in digits": str(_NOW + _HOUR), "true": True}),
    *_of("exp", {"not a number": float("nan"), "infinite": float("inf"), "negative": -1}),
    *_of("iat", {**_NO_NUMBER, "in the future": _NOW + _HOUR, "in digits": str(_NOW), "true": True}),
    *_of("nbf", {"in the future": _NOW + _HOUR, "in digits": str(_NOW), "true": True, "null": None, "list": [1]}),
    *_headers("typ", {**_NO_TEXT, "JWT": "JWT", "with a space": "at+jwt ", "longer": "at+jwt+x"}, (RFC_9068,)),
    *_headers("typ", {"access": "at+jwt", "null": None, "empty": "", "list": ["JWT"]}, (COGNITO,)),
    *_headers("typ", {"logout": "logout+jwt", "event": "secevent+jwt", "proof": "dpop+jwt", "ID": "id_token+jwt"}),
    *_headers("kid", {**_NO_TEXT, "unknown": "unknown", "path": "../../dev/null", "of the embedded AWS": "dummy"}),
    *_headers("crit", {"unknown": ["x"], "empty": [], "text": "exp", "null": None}),
    Forgery("payload not encoded", header={"b64": False, "crit": ["b64"]}),
    *_headers("alg", {**_NO_TEXT, "none": "none", "in small letters": "rs256", "RS384": "RS384", "PS256": "PS256"}),
    *[
        Forgery(f"another key in {name}", header={name: value}, key=ATTACKER)
        for name, value in {
            "jku": "https://attacker.example/jwks.json",
            "x5u": "https://attacker.example/chain.pem",
            "jwk": {},
            "x5c": ["MIIB"],
        }.items()
    ],
    Forgery("signed with another key", key=ATTACKER),
    Forgery("signed with the key of another issuer", header={"kid": OF[COGNITO]}, key=COGNITO, issuers=(RFC_9068,)),
    Forgery("signed with the key of another issuer", header={"kid": OF[RFC_9068]}, key=RFC_9068, issuers=(COGNITO,)),
    Forgery("says to be of another issuer", {"iss": COGNITO}, issuers=(RFC_9068,)),
    Forgery("says to be of another issuer", {"iss": RFC_9068}, issuers=(COGNITO,)),
]


def _other_texts(issuer: str) -> Iterator[tuple[str, str]]:
    """Texts made from a valid token, without the private key of its issuer."""
    valid = Forgery("valid").token(issuer)
    head, body, signature = valid.split(".")
    public = _key(issuer).public_key()
    pem = public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    der = public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    header = json.loads(base64.urlsafe_b64decode(f"{head}=="))
    for name, secret in {"PEM": pem, "DER": der, "nothing": b"", "modulus": _entry(issuer, "")["n"].encode()}.items():
        start = f"{_part({**header, 'alg': 'HS256'})}.{body}"
        yield f"HS256 with {name}", f"{start}.{_base64url(hmac.digest(secret, start.encode(), hashlib.sha256))}"
    start = f"{_part({**header, 'alg': 'none'})}.{body}"
    yield "none without signature", f"{start}."
    yield "none with signature", f"{start}.{signature}"
    start = f"{_part({**header, 'alg': 'ES256'})}.{body}"
    r, s = decode_dss_signature(ec.generate_private_key(ec.SECP256R1()).sign(start.encode(), ec.ECDSA(SHA256())))
    yield "ES256", f"{start}.{_base64url(r.to_bytes(32) + s.to_bytes(32))}"
    for name, hash_function in {"RS384": SHA384(), "RS512": SHA512()}.items():  # of the issuer itself
        start = f"{_part({**header, 'alg': name})}.{body}"
        yield name, f"{start}.{_base64url(_key(issuer).sign(start.encode(), padding.PKCS1v15(), hash_function))}"
    other = Forgery("other", {"sub": "other"}).token(issuer).split(".")
    yield "the payload of another token", f"{head}.{other[1]}.{signature}"
    yield "the signature of another token", f"{head}.{body}.{other[2]}"
    yield "no signature", f"{head}.{body}."
    yield "half a signature", f"{head}.{body}.{signature[: len(signature) // 2]}"
    yield "two parts", f"{head}.{body}"
    yield "four parts", f"{valid}.{signature}"
    yield "encrypted", f"{head}.{body}.{body}.{body}.{signature}"
    yield "as JSON", json.dumps({"payload": body, "signatures": [{"protected": head, "signature": signature}]})


@pytest.fixture(scope="module")
def client(argus: Container) -> FlaskClient:
    """A client of Argus that trusts an issuer of each kind."""
    of_rfc = {"token_type": "at+jwt", "audiences": [AUDIENCE, "https://api.argus.example"]}
    trusted = [
        {
            "issuer": issuer,
            "jwks_url": f"{issuer}/jwks",
            "client_ids": [CLIENT_ID],
            **(of_rfc if issuer == RFC_9068 else {}),
        }
        for issuer in OF
    ]

    def fetch(url: str) -> bytes:
        issuer = url.removesuffix("/jwks")
        return json.dumps({"keys": [_entry(issuer, OF[issuer])]}).encode()

    changed = argus.settings.changed(ARGUS_TRUSTED_ISSUERS=json.dumps(trusted))
    return create_app(Container(changed, clock=argus.clock, fetch_keys=fetch)).test_client()


def _me(client: FlaskClient, token: str) -> Any:
    return client.get("/api/v1/me", headers={"Authorization": f"Bearer {token}"})


@pytest.mark.parametrize(
    ("server", "forgery"),
    [pytest.param(server, each, id=f"{server[8:]} {each.id}") for each in FORGERIES for server in each.issuers],
)
def test_a_forged_token_is_rejected(client: FlaskClient, server: str, forgery: Forgery) -> None:
    response = _me(client, forgery.token(server))
    assert (response.status_code, response.get_json()["code"]) == (401, "invalid_token")


@pytest.mark.parametrize("server", OF)
def test_a_text_made_from_a_valid_token_is_rejected(client: FlaskClient, server: str) -> None:
    answers = {name: _me(client, text).status_code for name, text in _other_texts(server)}
    assert answers == dict.fromkeys(answers, 401)


@pytest.mark.parametrize(
    ("server", "valid"),
    [
        pytest.param(server, Forgery(about, claims, header), id=f"{server[8:]} {about}")
        for server, about, claims, header in [
            (RFC_9068, "as it is", {}, {}),
            (RFC_9068, "whole media type", {}, {"typ": "application/at+jwt"}),
            (RFC_9068, "type in capitals", {}, {"typ": "AT+JWT"}),
            (RFC_9068, "for several audiences", {"aud": ["https://other.example", AUDIENCE]}, {}),
            (RFC_9068, "for our other audience", {"aud": "https://api.argus.example"}, {}),
            (RFC_9068, "with token_use", {"token_use": "id"}, {}),  # a claim of Cognito only
            (COGNITO, "as it is", {}, {}),
            (COGNITO, "with type", {}, {"typ": "JWT"}),
            (COGNITO, "with an id", {"jti": "1"}, {}),
            (COGNITO, "times with fractions", {"iat": time.time(), "exp": time.time() + 3600.5}, {}),
        ]
    ],
)
def test_a_token_for_argus_is_accepted(client: FlaskClient, server: str, valid: Forgery) -> None:
    assert _me(client, valid.token(server)).status_code == 200


@pytest.mark.parametrize(
    ("server", "claims", "header", "detail"),
    [
        (RFC_9068, {"aud": "https://other.example"}, {}, "The token was issued for another service. Sign in to Argus."),
        (RFC_9068, {}, {"typ": "JWT"}, "Send an access token, whose header has the typ “at+jwt”."),
        (RFC_9068, {"jti": MISSING}, {}, "The token has no id (jti)."),
        (COGNITO, {"token_use": "id"}, {}, "Send a token whose token_use is “access”."),
        (COGNITO, {"client_id": "other"}, {}, "The token was issued to another client."),
        (COGNITO, {"nbf": time.time() + 86_400}, {}, "The token is not valid yet (iat or nbf)."),
        (COGNITO, {"iat": time.time() + 86_400}, {}, "The token is not valid yet (iat or nbf)."),
    ],
)
def test_the_reason_is_stated(client: FlaskClient, server: str, claims: Any, header: Any, detail: str) -> None:
    assert detail in _me(client, Forgery("", claims, header).token(server)).get_json()["detail"]


# ---------------------------------------------------------------- the verifier


@pytest.fixture
def verifier(issuer: Issuer) -> TokenVerifier:
    return TokenVerifier((TRUSTED,), refuse_public_keys=True, fetch=lambda _url: issuer.jwks)


def test_a_valid_token_returns_its_subject(verifier: TokenVerifier, issuer: Issuer) -> None:
    assert verifier.verify(issuer.token("someone", username="Some One")) == Subject(ISSUER, "someone", "Some One")


def test_a_token_expired_within_the_leeway_is_accepted(verifier: TokenVerifier, issuer: Issuer) -> None:
    assert verifier.verify(issuer.token("someone", exp=datetime.now(UTC) - timedelta(seconds=1))).id == "someone"


@settings(max_examples=200, deadline=None)
@given(st.one_of(st.text(max_size=300), st.lists(st.text(max_size=80), min_size=3, max_size=5).map(".".join)))
def test_a_text_that_is_not_a_token_is_rejected(text: str) -> None:
    with pytest.raises(InvalidToken):
        TokenVerifier((TRUSTED,), refuse_public_keys=True, fetch=lambda _url: b"{}").verify(text)


@pytest.mark.parametrize("depth", [10, 2000])
def test_a_deeply_nested_token_is_rejected(verifier: TokenVerifier, depth: int) -> None:
    head = base64.urlsafe_b64encode(b"[" * depth + b"]" * depth).decode().rstrip("=")
    with pytest.raises(InvalidToken):
        verifier.verify(f"{head}.{head}.x")


def test_a_huge_token_is_rejected_without_parsing(verifier: TokenVerifier) -> None:
    with pytest.raises(InvalidToken, match="8 KiB"):
        verifier.verify("x" * 10_000)


def test_the_public_key_of_the_embedded_aws_is_rejected_outside_the_local_stage(issuer: Issuer) -> None:
    known = json.loads(issuer.jwks)
    known["keys"][0]["kid"] = "dummy"
    document = json.dumps(known).encode()
    public = Issuer(issuer.key, b"", "dummy").token("someone")

    def verifier(*, refuse: bool) -> TokenVerifier:
        return TokenVerifier((TRUSTED,), refuse_public_keys=refuse, fetch=lambda _url: document)

    assert verifier(refuse=False).verify(public).id == "someone"
    with pytest.raises(InvalidToken):
        verifier(refuse=True).verify(public)


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


@pytest.mark.parametrize(("space", "status"), [(" ", 200), ("\t", 200), ("\xa0", 401), ("\x1f", 401), ("\x85", 401)])
def test_only_spaces_and_tabs_may_surround_a_token(client: FlaskClient, space: str, status: int) -> None:
    assert _me(client, f"{space}{Forgery('').token(COGNITO)}{space}").status_code == status
