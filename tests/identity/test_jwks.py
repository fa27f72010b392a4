"""The keys of issuers: unusable entries are ignored, and the keys are fetched when needed."""

import base64
import json
import threading
from collections.abc import Callable
from functools import cache
from http.client import BadStatusLine, IncompleteRead
from typing import Any
from urllib.error import URLError

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from jose import jwk

from argus.app import create_app
from argus.container import Container
from argus.identity import jwks
from argus.identity.jwks import KEYS_TTL_SECONDS, NO_KEYS_SECONDS, REFETCH_SECONDS, REPEATED_KEY_ID_SECONDS
from argus.identity.model import TrustedIssuer
from argus.identity.tokens import InvalidToken, KeysUnavailable, TokenVerifier
from tests.conftest import CLIENT_ID, ISSUER, Issuer, Person

TRUSTED = TrustedIssuer(ISSUER, f"{ISSUER}/jwks.json", (CLIENT_ID,))
REMOVED = object()


class Server:
    """A JWKS endpoint that counts its fetches; without a document it is unavailable."""

    def __init__(self, *issuers: Issuer) -> None:
        self.publish(*issuers)
        self.fetches = 0
        self.error: Exception = OSError("no answer")

    def publish(self, *issuers: Issuer) -> None:
        self.document = json.dumps({"keys": [{**_entry(each), "kid": each.key_id} for each in issuers]}).encode()

    def __call__(self, url: str) -> bytes:
        self.fetches += 1
        if not self.document:
            raise self.error
        return self.document


class Seconds:
    """A monotonic clock that tests control."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def server(issuer: Issuer) -> Server:
    return Server(issuer)


@pytest.fixture
def seconds() -> Seconds:
    return Seconds()


@pytest.fixture
def verifier(server: Server, seconds: Seconds) -> TokenVerifier:
    return TokenVerifier((TRUSTED,), refuse_public_keys=True, fetch=server, monotonic=seconds)


@pytest.fixture(scope="module")
def rotated() -> Issuer:
    """The issuer with its next key."""
    made = Issuer.make()
    return Issuer(made.key, made.jwks, "key-2")


def _entry(issuer: Issuer) -> dict[str, Any]:
    entry: dict[str, Any] = json.loads(issuer.jwks)["keys"][0]
    return entry


def _named(issuer: Issuer, key_id: str) -> Issuer:
    return Issuer(issuer.key, issuer.jwks, key_id)


# ---------------------------------------------------------------- entries


def _number(value: int) -> str:
    return base64.urlsafe_b64encode(value.to_bytes((value.bit_length() + 7) // 8 or 1)).decode().rstrip("=")


@cache
def _rsa(bits: int, exponent: int = 65537) -> dict[str, str]:
    numbers = rsa.generate_private_key(public_exponent=exponent, key_size=bits).public_key().public_numbers()
    return {"n": _number(numbers.n), "e": _number(numbers.e)}


def _curve() -> dict[str, str]:
    numbers = ec.generate_private_key(ec.SECP256R1()).public_key().public_numbers()
    return {"crv": "P-256", "x": _number(numbers.x), "y": _number(numbers.y)}


# How an entry differs from a usable one.
UNUSABLE: dict[str, Callable[[], Any]] = {
    "text": lambda: "a key",
    "null": lambda: None,
    "number": lambda: 7,
    "list": list,
    "empty": dict,
    "no kid": lambda: {"kid": REMOVED},
    "kid is null": lambda: {"kid": None},
    "kid is empty": lambda: {"kid": ""},
    "kid is a list": lambda: {"kid": ["bad"]},
    "kid is an object": lambda: {"kid": {"a": 1}},
    "kid is a number": lambda: {"kid": 7},
    "no kty": lambda: {"kty": REMOVED},
    "kty is a list": lambda: {"kty": ["RSA"]},
    "kty in small letters": lambda: {"kty": "rsa"},
    "elliptic curve": lambda: {"kty": "EC", **_curve()},
    "symmetric": lambda: {"kty": "oct", "k": "c2VjcmV0"},
    "no n": lambda: {"n": REMOVED},
    "no e": lambda: {"e": REMOVED},
    "n is null": lambda: {"n": None},
    "n is a number": lambda: {"n": 7},
    "n is a list": lambda: {"n": ["AQAB"]},
    "n is empty": lambda: {"n": ""},
    "n is not base64url": lambda: {"n": "?" * 342},
    "n is zero": lambda: {"n": _number(0)},
    "n is even": lambda: {"n": _number(1 << 2047)},
    "e = 0": lambda: {"e": _number(0)},
    "e = 1": lambda: {"e": _number(1)},
    "e = 2": lambda: {"e": _number(2)},
    "e is even": lambda: {"e": _number(65536)},
    "e is larger than n": lambda: {"e": _number((1 << 2049) + 1)},
    "e is a number": lambda: {"e": 65537},
    "1024 bits": lambda: _rsa(1024),
    "2047 bits": lambda: _rsa(2047),
    "8200 bits": lambda: {"n": _number((1 << 8199) + 1)},
    "for encryption": lambda: {"use": "enc"},
    "use is null": lambda: {"use": None},
    "use is a list": lambda: {"use": ["sig"]},
    "another algorithm": lambda: {"alg": "RS512"},
    "algorithm of encryption": lambda: {"alg": "RSA-OAEP"},
    "algorithm none": lambda: {"alg": "none"},
    "algorithm is null": lambda: {"alg": None},
    "algorithm is a list": lambda: {"alg": ["RS256"]},
    "operations of encryption": lambda: {"key_ops": ["encrypt", "wrapKey"]},
    "operations that contradict": lambda: {"key_ops": ["verify", "encrypt"]},
    "operations without verify": lambda: {"key_ops": ["sign"]},
    "operations twice": lambda: {"key_ops": ["verify", "verify"]},
    "no operations": lambda: {"key_ops": []},
    "operations are text": lambda: {"key_ops": "verify"},
    "operations are null": lambda: {"key_ops": None},
    "with its private key": lambda: {"d": "AQAB"},
    "with a prime of its private key": lambda: {"p": "AQAB"},
}
USABLE: dict[str, Callable[[], dict[str, Any]]] = {
    "without use and alg": lambda: {"use": REMOVED, "alg": REMOVED},
    "with the operation": lambda: {"key_ops": ["verify"]},
    "with both operations": lambda: {"key_ops": ["sign", "verify"]},
    "with other members": lambda: {"x5t": "x", "x5c": ["MIIB"], "iat": 7},
}


def _changed(entry: dict[str, Any], changes: Any) -> Any:
    """The entry with the changes, and the key id `bad` unless they change it; other values as they are."""
    if not isinstance(changes, dict) or not changes:
        return changes
    return {name: value for name, value in {**entry, "kid": "bad", **changes}.items() if value is not REMOVED}


@pytest.mark.parametrize("bad", UNUSABLE)
def test_an_unusable_entry_is_ignored_and_the_others_are_used(issuer: Issuer, bad: str) -> None:
    good, unusable = _entry(issuer), _changed(_entry(issuer), UNUSABLE[bad]())
    keys = [good, unusable, {**good, "kid": "key-2"}]
    assert list(jwks.parse(json.dumps({"keys": keys}).encode())) == ["key-1", "key-2"]


@pytest.mark.parametrize("good", USABLE)
def test_a_usable_entry_is_used(issuer: Issuer, good: str) -> None:
    entry = _changed(_entry(issuer), USABLE[good]())
    verifier = TokenVerifier(
        (TRUSTED,), refuse_public_keys=True, fetch=lambda _: json.dumps({"keys": [entry]}).encode()
    )
    assert verifier.verify(_named(issuer, "bad").token("someone")).id == "someone"


@pytest.mark.parametrize(("bits", "exponent"), [(2048, 3), (2049, 65537), (3072, 65537), (4096, 65537)])
def test_keys_of_other_sizes_are_used(bits: int, exponent: int) -> None:
    private = rsa.generate_private_key(public_exponent=exponent, key_size=bits)
    numbers = private.public_key().public_numbers()
    entry = {"kty": "RSA", "kid": "key-1", "n": _number(numbers.n), "e": _number(numbers.e)}
    document = json.dumps({"keys": [entry]}).encode()
    pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    verifier = TokenVerifier((TRUSTED,), refuse_public_keys=True, fetch=lambda _url: document)
    assert verifier.verify(Issuer(jwk.construct(pem, "RS256"), document).token("someone")).id == "someone"


def test_among_all_unusable_entries_tokens_of_the_usable_key_are_accepted(
    argus: Container, issuer: Issuer, rotated: Issuer
) -> None:
    """The token of an ignored key is refused, even if its key id exists twice."""
    bad = [_changed(_entry(rotated), make()) for make in UNUSABLE.values()]
    twice = {**_entry(rotated), "kid": "key-1"}
    document = json.dumps({"keys": [*bad, _entry(issuer), twice]}).encode()
    http = create_app(Container(argus.settings, clock=argus.clock, fetch_keys=lambda _url: document)).test_client()

    def status(signer: Issuer) -> int:
        return Person(http, {"Authorization": f"Bearer {signer.token('someone')}"}).get("/me").status_code

    assert (status(issuer), status(_named(rotated, "bad")), status(_named(rotated, "key-1"))) == (200, 401, 401)
    assert status(_named(rotated, "")) == 401


@pytest.mark.parametrize(
    "document", [b"", b"{}", b"[]", b"null", b'{"keys": {}}', b'{"keys": null}', b"\xff", b"[" * 9000]
)
def test_a_document_that_is_not_a_key_set_is_a_failed_fetch(
    verifier: TokenVerifier, server: Server, seconds: Seconds, issuer: Issuer, document: bytes
) -> None:
    good, server.document = server.document, document
    with pytest.raises(KeysUnavailable):
        verifier.verify(issuer.token("someone"))
    server.document = good
    seconds.now += NO_KEYS_SECONDS + 1
    assert verifier.verify(issuer.token("someone")).id == "someone"
    server.document = document
    seconds.now += KEYS_TTL_SECONDS + 1
    assert verifier.verify(issuer.token("someone")).id == "someone"


def test_readiness_reports_an_issuer_without_usable_keys(verifier: TokenVerifier, server: Server) -> None:
    verifier.check_issuer(TRUSTED)
    server.document = json.dumps({"keys": [{"kty": "RSA", "kid": "no-modulus"}]}).encode()
    with pytest.raises(KeysUnavailable):
        verifier.check_issuer(TRUSTED)


# ---------------------------------------------------------------- fetches


def test_keys_are_fetched_once_and_again_when_they_are_stale(
    verifier: TokenVerifier, issuer: Issuer, server: Server, seconds: Seconds
) -> None:
    for _ in range(3):
        verifier.verify(issuer.token("someone"))
    assert server.fetches == 1
    seconds.now += KEYS_TTL_SECONDS + 1
    verifier.verify(issuer.token("someone"))
    assert server.fetches == 2


def test_a_key_that_the_issuer_removed_is_refused_when_the_keys_are_stale(
    verifier: TokenVerifier, issuer: Issuer, rotated: Issuer, server: Server, seconds: Seconds
) -> None:
    verifier.verify(issuer.token("someone"))
    server.publish(rotated)
    seconds.now += KEYS_TTL_SECONDS + 1
    with pytest.raises(InvalidToken):
        verifier.verify(issuer.token("someone"))
    assert verifier.verify(rotated.token("someone")).id == "someone"


def test_a_new_key_is_fetched_at_its_first_token(
    verifier: TokenVerifier, issuer: Issuer, rotated: Issuer, server: Server, seconds: Seconds
) -> None:
    verifier.verify(issuer.token("someone"))
    server.publish(issuer, rotated)
    seconds.now += REFETCH_SECONDS + 1
    assert verifier.verify(rotated.token("someone")).id == "someone"
    assert server.fetches == 2


def test_unknown_key_ids_of_a_minute_cause_one_fetch_at_most(
    verifier: TokenVerifier, issuer: Issuer, server: Server, seconds: Seconds
) -> None:
    verifier.verify(issuer.token("someone"))
    seconds.now += REFETCH_SECONDS
    before = server.fetches
    for number in range(10_000):
        seconds.now += 0.006
        with pytest.raises(InvalidToken):
            verifier.verify(f"{_head(f'unknown-{number}')}.{_BODY}.AAAA")
        if number % 1000 == 0:
            assert verifier.verify(issuer.token("someone")).id == "someone"
    assert server.fetches - before <= 1


def _json(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def _head(key_id: str) -> str:
    return _json({"alg": "RS256", "kid": key_id})


_BODY = _json({"iss": ISSUER, "sub": "someone"})


def test_unknown_key_ids_do_not_delay_a_rotation(
    verifier: TokenVerifier, issuer: Issuer, rotated: Issuer, server: Server, seconds: Seconds
) -> None:
    """The issuer signs with its new key at once, just after an invented key id has caused a fetch."""
    verifier.verify(issuer.token("someone"))
    seconds.now += REFETCH_SECONDS + 1
    with pytest.raises(InvalidToken):
        verifier.verify(_named(issuer, "invented").token("someone"))
    server.publish(rotated)
    seconds.now += REPEATED_KEY_ID_SECONDS + 1
    with pytest.raises(InvalidToken):
        verifier.verify(rotated.token("someone"))
    assert verifier.verify(rotated.token("other")).id == "other"


def test_a_flood_of_key_ids_delays_a_rotation_by_seconds(issuer: Issuer, rotated: Issuer, seconds: Seconds) -> None:
    server = Server(issuer)
    keys = jwks.KeySet(ISSUER, f"{ISSUER}/jwks.json", server, seconds)
    assert keys.get("key-1") is not None
    server.publish(rotated)
    for number in range(12_000):  # 200 in a second, as many as a process can verify
        seconds.now += 0.005
        assert keys.get(f"invented-{number}") is None
        if number % 1000 == 0 and keys.get("key-2") is not None:
            break
    assert number <= 2000
    assert server.fetches == 2


@pytest.mark.parametrize("error", [BadStatusLine("nonsense"), IncompleteRead(b""), TimeoutError(), URLError("refused")])
def test_cached_keys_are_used_whatever_the_fetch_raises(
    verifier: TokenVerifier, issuer: Issuer, server: Server, seconds: Seconds, error: Exception
) -> None:
    good, server.document, server.error = server.document, b"", error
    with pytest.raises(KeysUnavailable):
        verifier.verify(issuer.token("someone"))
    server.document = good
    seconds.now += NO_KEYS_SECONDS + 1
    assert verifier.verify(issuer.token("someone")).id == "someone"
    server.document = b""
    seconds.now += KEYS_TTL_SECONDS + 1
    assert verifier.verify(issuer.token("someone")).id == "someone"
    assert server.fetches == 3


def test_a_rotation_that_is_published_in_advance_is_never_delayed(
    verifier: TokenVerifier, issuer: Issuer, rotated: Issuer, server: Server, seconds: Seconds
) -> None:
    verifier.verify(issuer.token("someone"))
    for second in range(2 * KEYS_TTL_SECONDS):
        seconds.now += 1
        with pytest.raises(InvalidToken):
            verifier.verify(_named(issuer, f"invented-{second}").token("someone"))
        if second == 2:
            server.publish(issuer, rotated)
        if second == KEYS_TTL_SECONDS + 3:
            fetches = server.fetches
            assert verifier.verify(rotated.token("someone")).id == "someone"
            assert server.fetches == fetches  # it was known already


def test_cached_keys_are_used_during_an_outage_of_the_issuer(
    verifier: TokenVerifier, issuer: Issuer, server: Server, seconds: Seconds
) -> None:
    verifier.verify(issuer.token("someone"))
    server.document = b""
    seconds.now += 4000
    for _ in range(10):
        assert verifier.verify(issuer.token("someone")).id == "someone"
    assert server.fetches == 2  # the next attempt is a minute later
    seconds.now += REFETCH_SECONDS + 1
    verifier.verify(issuer.token("someone"))
    assert server.fetches == 3


def test_without_any_keys_tokens_cause_a_fetch_each_second(
    verifier: TokenVerifier, issuer: Issuer, server: Server, seconds: Seconds
) -> None:
    """A first fetch that failed is repeated soon; forged tokens do not make Argus flood an issuer that is down."""
    good, server.document = server.document, b""
    for _ in range(20):
        with pytest.raises(KeysUnavailable):
            verifier.verify(issuer.token("someone"))
        seconds.now += 0.1
    assert server.fetches == 2
    server.document = good
    assert verifier.verify(issuer.token("someone")).id == "someone"


def test_tokens_count_against_the_address_while_there_are_no_keys(argus: Container, issuer: Issuer) -> None:
    """Otherwise they would have no limit: each is answered with 503, valid or not."""
    server = Server()
    server.document = b""
    settings = argus.settings.changed(ARGUS_IP_RATE_LIMIT="5 per minute")
    http = create_app(Container(settings, clock=argus.clock, fetch_keys=server)).test_client()
    someone = Person(http, {"Authorization": f"Bearer {issuer.token('someone')}"})
    assert [someone.get("/me").status_code for _ in range(8)] == [503] * 5 + [429] * 3
    assert server.fetches <= 2


def test_a_slow_issuer_delays_neither_another_issuer_nor_tokens_of_cached_keys(
    issuer: Issuer, seconds: Seconds
) -> None:
    slow, quick = TRUSTED, TrustedIssuer("https://quick.example", "https://quick.example/jwks", (CLIENT_ID,))
    started, released = threading.Event(), threading.Event()
    fetches = []

    def fetch(url: str) -> bytes:
        fetches.append(url)
        if url == slow.jwks_url:
            started.set()
            assert released.wait(30)
        return issuer.jwks

    verifier = TokenVerifier((slow, quick), refuse_public_keys=True, fetch=fetch, monotonic=seconds)
    token = issuer.token("someone")
    waiting = [threading.Thread(target=verifier.verify, args=[token]) for _ in range(3)]
    for thread in waiting:
        thread.start()
    assert started.wait(30)
    assert verifier.verify(issuer.token("someone", iss=quick.issuer)).issuer == quick.issuer
    released.set()
    for thread in waiting:
        thread.join(30)
    assert fetches.count(slow.jwks_url) == 1  # the others waited for it

    started.clear(), released.clear()
    seconds.now += KEYS_TTL_SECONDS + 1
    refreshing = threading.Thread(target=verifier.verify, args=[token])
    refreshing.start()
    assert started.wait(30)
    assert verifier.verify(token).id == "someone"
    released.set()
    refreshing.join(30)
    assert fetches.count(slow.jwks_url) == 2
