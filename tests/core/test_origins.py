"""Allowed origins are exact: what is no serialised origin is rejected at start, and no other origin is allowed."""

import re
from dataclasses import replace

import pytest

from argus.app import create_app
from argus.container import Container
from argus.core.settings import BadSetting, Settings
from infra.deploy.options import BadOption, Options
from infra.templates import INFRA, Template
from services.local import events
from services.realtime import main as realtime
from tests.conftest import ORIGIN, Person
from tests.core.test_tools import PRODUCTION

ACCEPTED = [
    "https://a.example",
    "https://a.example:8443",
    "https://a.example:80",
    "https://a-b.c1.example",
    "https://xn--bcher-kva.example",
    "https://intranet",
    "https://192.0.2.1",
    "https://[2001:db8::1]:8443",
    "http://localhost:5173",
    "http://127.0.0.1:5001",
    "http://[::1]:5173",
    "http://localhost",
]
# Patterns, and what no browser would send in `Origin`.
REFUSED = {
    "any": "*",
    "wildcard": "https://*.a.example",
    "wildcard port": "https://a.example:*",
    "regex": ".*",
    "regex after a scheme": "https://.*",
    "alternatives": "https://a.example|https://b.example",
    "escaped dot": r"https://a\.example",
    "anchors": "^https://a.example$",
    "class": "https://[a-z]+.example",
    "optional": "https?://a.example",
    "group": "https://(a|b).example",
    "null": "null",
    "no scheme": "a.example",
    "scheme only": "https://",
    "another scheme": "ftp://a.example",
    "extension": "chrome-extension://abcdef",
    "file": "file://",
    "trailing slash": "https://a.example/",
    "path": "https://a.example/console",
    "query": "https://a.example?x=1",
    "fragment": "https://a.example#x",
    "user": "https://me@a.example",
    "password": "https://me:secret@a.example",
    "default port": "https://a.example:443",
    "default port of http": "http://localhost:80",
    "empty port": "https://a.example:",
    "port with a zero": "https://a.example:08443",
    "port zero": "https://a.example:0",
    "port too large": "https://a.example:65536",
    "capital host": "https://A.example",
    "capital scheme": "HTTPS://a.example",
    "not ASCII": "https://bücher.example",
    "digits that are not ASCII": "https://a.example:8\u0664\u0664\u0663",
    "trailing dot": "https://a.example.",
    "leading dot": "https://.example",
    "two dots": "https://a..example",
    "hyphen at the end": "https://a-.example",
    "underscore": "https://a_b.example",
    "long label": f"https://{'a' * 64}.example",
    "long host": f"https://{'.'.join(['a' * 60] * 5)}",
    "short address": "https://127.1",
    "octal address": "https://127.0.0.01",
    "hexadecimal address": "https://0x7f.0.0.1",
    "hexadecimal last part": "https://127.0.0.0x1",
    "no address": "https://300.0.0.1",
    "long IPv6 address": "https://[2001:db8:0:0:0:0:0:1]",
    "capital IPv6 address": "https://[2001:DB8::1]",
    "zone": "https://[fe80::1%25eth0]",
    "no IPv6 address": "https://[::g]",
    "IPv4 in brackets": "https://[127.0.0.1]",
    "space inside": "https://a.example b.example",
    "line inside": "https://a.example\nhttps://b.example",
    "semicolon": "https://a.example;https://b.example",
}
each_accepted = pytest.mark.parametrize("origin", ACCEPTED)
each_refused = pytest.mark.parametrize("origin", REFUSED.values(), ids=REFUSED.keys())


def _production(**variables: str) -> Settings:
    return Settings.from_env({**PRODUCTION, **variables})


@each_accepted
def test_a_serialised_origin_is_accepted(origin: str) -> None:
    assert _production(ARGUS_ALLOWED_ORIGINS=f"https://first.example, {origin}").allowed_origins[1] == origin
    assert _production(ARGUS_MEDIA_ORIGIN=origin).media_origin == origin
    Options(origins=f"https://first.example,{origin}").check()


@each_refused
def test_what_is_no_origin_is_rejected_at_start_and_named(origin: str) -> None:
    for variable in ("ARGUS_ALLOWED_ORIGINS", "ARGUS_MEDIA_ORIGIN"):
        with pytest.raises(BadSetting, match=f"^{variable} is invalid: {re.escape(repr(origin))} is not an origin"):
            _production(**{variable: origin})
    with pytest.raises(BadOption, match=f"origins is invalid: {re.escape(repr(origin))} is not an origin"):
        Options(origins=f"https://first.example,{origin}").check()


def test_http_is_only_for_loopback_hosts_and_local_stages() -> None:
    lan = {"ARGUS_ALLOWED_ORIGINS": "http://192.168.0.7:5173, http://a.localhost"}
    assert len(Settings.from_env(lan).allowed_origins) == 2
    with pytest.raises(BadSetting, match=r"'http://192.168.0.7:5173' is not encrypted: use https"):
        _production(**lan)


# ---------------------------------------------------------------- templates

_PATTERN = Template.read(INFRA / "data.yaml").body["Parameters"]["AllowedOrigins"]["AllowedPattern"]
# The pattern rejects what S3 would take for another origin. These match no request, and the settings reject them.
_HARMLESS = {"default port", "default port of http", "port too large", "trailing dot", "leading dot",
             "two dots", "hyphen at the end", "long label", "long host", "short address", "octal address",
             "hexadecimal address", "hexadecimal last part", "no address", "long IPv6 address"}  # fmt: skip


@each_accepted
def test_the_template_of_the_bucket_accepts_every_origin(origin: str) -> None:
    assert re.search(_PATTERN, origin)


@pytest.mark.parametrize("name", [name for name in REFUSED if name not in _HARMLESS])
def test_the_template_of_the_bucket_rejects_every_pattern(name: str) -> None:
    assert not re.search(_PATTERN, REFUSED[name])


@pytest.mark.parametrize("domain", ["Argus.example", "argus", "*.example", "argus.example/", "bücher.example"])
def test_a_domain_that_makes_no_origin_is_rejected(domain: str) -> None:
    with pytest.raises(BadOption, match="domain is"):
        Options(domain=domain, hosted_zone_id="Z1").check()
    pattern = Template.read(INFRA / "edge.yaml").body["Parameters"]["Domain"]["AllowedPattern"]
    assert not re.search(pattern, domain)
    assert all(re.search(pattern, accepted) for accepted in ("", "argus.example", "a-b.xn--bcher-kva.example"))


# ---------------------------------------------------------------- requests

_ALLOWED = ("https://a.example", "http://[::1]:5173", ORIGIN)
_OTHERS = ["https://aXexample", "https://A.example", "HTTPS://A.EXAMPLE", "https://a.example.evil",
           "https://a.example:443", "https://a.example/", "https://a.example\t", "https://b.a.example",
           "http://a.example", "http://[::2]:5173", "http://::5173", "http://1:5173", "http://[::1]:51730", "null", "*",
           "https://a.example, https://a.example"]  # fmt: skip


def _with_origins(argus: Container, *origins: str) -> Container:
    settings = replace(argus.settings, allowed_origins=origins)
    return Container(settings, clock=argus.clock, fetch_keys=argus.fetch_keys)


@pytest.mark.parametrize("method", ["GET", "OPTIONS"])
def test_cors_allows_exactly_the_listed_origins(argus: Container, method: str) -> None:
    client = create_app(_with_origins(argus, *_ALLOWED)).test_client()

    def allowed(origin: str) -> str | None:
        headers = {"Origin": origin, "Access-Control-Request-Method": "GET"}
        found = client.open("/api/v1/sign-in", method=method, headers=headers).headers
        return found.get("Access-Control-Allow-Origin")

    assert [allowed(origin) for origin in _ALLOWED] == list(_ALLOWED)
    assert [origin for origin in _OTHERS if allowed(origin) is not None] == []


def test_the_websocket_allows_exactly_the_listed_origins(
    argus: Container, owner: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    container = _with_origins(argus, *_ALLOWED)
    monkeypatch.setattr(realtime, "container", lambda: container)

    def status(origin: str) -> int:
        event = events.socket("$connect", "one=", headers={**owner.headers, "Origin": origin})
        return int(realtime.handler(event, None)["statusCode"])

    assert [status(origin) for origin in _ALLOWED] == [200] * len(_ALLOWED)
    assert [origin for origin in _OTHERS if status(origin) != 403] == []


@pytest.mark.parametrize("origins", [(), (ORIGIN,), (ORIGIN, "https://other.example")], ids=["none", "one", "several"])
@pytest.mark.parametrize("sent", [{}, {"Origin": ORIGIN}, {"Origin": "https://evil.example"}], ids=str)
def test_every_response_varies_by_origin(
    argus: Container, owner: Person, origins: tuple[str, ...], sent: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    person = replace(owner, http=create_app(_with_origins(argus, *origins)).test_client())
    key_id = person.post("/api-keys", {"name": "n", "scopes": ["plugins:read"]}).get_json()["id"]
    key = f"/api-keys/{key_id}"
    tag = person.get(key).headers["ETag"]
    preflight = {**sent, "Access-Control-Request-Method": "GET"}
    responses = {
        200: person.get("/me", headers=sent),
        304: person.get(key, headers={**sent, "If-None-Match": tag}),
        401: Person(person.http, {}).get("/me", headers=sent),
        404: person.get("/nothing", headers=sent),
        405: person.call("PATCH", "/images", headers=sent),
        415: person.call("POST", "/uploads", headers={**sent, "Content-Type": "text/plain"}, data=b"x"),
        422: person.get("/images?limit=0", headers=sent),
    }
    assert [response.status_code for response in responses.values()] == list(responses)
    asset = person.http.get("/docs/start.js", headers=sent)
    every = [*responses.values(), person.call("OPTIONS", "/me", headers=preflight)]
    with monkeypatch.context() as patch:
        patch.setattr("argus.identity.service.Identity.organisation", lambda *_: 1 / 0)
        failed = person.get("/me", headers=sent)
    assert failed.status_code == 500
    for response in [*every, failed]:
        assert response.headers.getlist("Vary") == ["Accept-Language, Origin"]
    assert asset.headers.getlist("Vary") == ["Accept-Encoding, Accept-Language, Origin"]
    for response in [*every, failed, asset]:
        shared = sent.get("Origin") in origins
        assert response.headers.get("Access-Control-Allow-Origin") == (sent["Origin"] if shared else None)
