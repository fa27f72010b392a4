"""The HTTP behaviour that all routes share."""

import gzip
import io
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from marshmallow import ValidationError
from werkzeug.test import run_wsgi_app
from zappa.wsgi import create_wsgi_request

from argus.app import create_app
from argus.container import Container
from argus.core.dynamo import Overloaded
from argus.core.errors import Unavailable
from argus.core.http import Number
from argus.core.idempotency import Attempt, Idempotency, StoredResponse
from services.local import events
from tests.conftest import ORIGIN, MovableClock, Person

Json = dict[str, Any]

FILE = {"name": "a.jpg", "size": 10, "content_type": "image/jpeg"}


@pytest.fixture(scope="module")
def caller(new_owner: Callable[[], Person]) -> Person:
    """An owner for tests in which other data of the organisation does not matter."""
    return new_owner()


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nothing", 404, "not_found"),
        ("GET", "//images", 404, "not_found"),
        ("GET", "/images/", 404, "not_found"),
        ("GET", "/api//v1/images", 404, "not_found"),
        ("GET", "/images/img_00000000000000000000000000", 404, "no_such_image"),
        ("GET", "/images/..%2f..%2fetc", 404, "not_found"),
        ("GET", "/images/%00", 400, "malformed_request"),
        ("GET", "/images?cursor=%00", 400, "malformed_request"),
        ("GET", "/images?limit=0", 422, "unprocessable_entity"),
        ("GET", "/images?limit=101", 422, "unprocessable_entity"),
        ("GET", "/images?limit=ten", 422, "unprocessable_entity"),
        ("GET", "/images?limit=1_0", 422, "unprocessable_entity"),
        ("GET", "/images?limit=%EF%BC%91", 422, "unprocessable_entity"),
        ("GET", "/images?limit=%2010", 422, "unprocessable_entity"),
        ("GET", "/images?limit=10%0A", 422, "unprocessable_entity"),
        ("GET", "/images?limit=", 422, "unprocessable_entity"),
        ("GET", "/images?colour=red", 422, "unprocessable_entity"),
        ("GET", "/images?cursor=abc", 422, "bad_cursor"),
        ("GET", "/images?cursor=%C3%A9%F0%9F%98%80", 422, "bad_cursor"),
        ("PATCH", "/images", 405, "method_not_allowed"),
        ("GET", "/scans/" + "x" * 3000, 404, "no_such_scan"),
        ("GET", "/plugins/%F0%9F%98%80", 404, "no_such_plugin"),
    ],
)
def test_an_error_is_a_problem(caller: Person, method: str, path: str, status: int, code: str) -> None:
    response = caller.call(method, path)
    problem = response.get_json()
    assert (response.status_code, response.content_type) == (status, "application/problem+json")
    assert (problem["status"], problem["code"]) == (status, code)
    assert problem["type"] == f"urn:argus:problem:{code}"
    assert problem["request_id"] == response.headers["X-Request-ID"]
    assert problem["title"]
    assert problem["detail"]


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        pytest.param(b"{", 400, "malformed_request", id="half an object"),
        pytest.param(b"", 422, "unprocessable_entity", id="nothing"),
        pytest.param(b"[]", 422, "unprocessable_entity", id="a list"),
        pytest.param(b"null", 422, "unprocessable_entity", id="null"),
        pytest.param(b'"x"', 422, "unprocessable_entity", id="a string"),
        pytest.param(b"\xff\xfe", 400, "malformed_request", id="not UTF-8"),
        pytest.param('{"files": []}'.encode("utf-16-be"), 400, "malformed_request", id="UTF-16"),
        pytest.param('{"files": []}'.encode("utf-16"), 400, "malformed_request", id="UTF-16 with its mark"),
        pytest.param('{"files": []}'.encode("utf-8-sig"), 400, "malformed_request", id="a byte order mark"),
        pytest.param(b'{"files": "\xed\xa0\x80"}', 400, "malformed_request", id="half a surrogate pair, encoded"),
        pytest.param(b'{"files": Infinity}', 400, "malformed_request", id="infinity without a sign"),
        pytest.param(b'{"files": [], "files": []}', 400, "malformed_request", id="a name twice"),
        pytest.param(
            b'{"files": [{"scale": {"a": 1, "\\u0061": 2}}]}', 400, "malformed_request", id="a name twice, deep"
        ),
        pytest.param(b'{"files": NaN}', 400, "malformed_request", id="NaN"),
        pytest.param(b'{"files": -Infinity}', 400, "malformed_request", id="infinity"),
        pytest.param(b'{"files": "\\ud800"}', 400, "malformed_request", id="half a surrogate pair"),
        pytest.param(b'{"files": "\\u0000"}', 400, "malformed_request", id="NUL, escaped"),
        pytest.param(b'{"files": "\x00"}', 400, "malformed_request", id="NUL, raw"),
        pytest.param(b'{"\\u0000": 1}', 400, "malformed_request", id="NUL in a key"),
        pytest.param(b'{"files": ' + b"9" * 5000 + b"}", 400, "malformed_request", id="endless digits"),
        pytest.param(b"[" * 100_000, 400, "malformed_request", id="nesting without end"),
        pytest.param(b'{"files": [], "colour": "red"}', 422, "unprocessable_entity", id="an unknown field"),
    ],
)
def test_an_invalid_body_is_rejected(caller: Person, body: bytes, status: int, code: str) -> None:
    response = caller.call("POST", "/uploads", data=body, content_type="application/json")
    assert (response.status_code, response.get_json()["code"]) == (status, code)
    assert response.get_json()["detail"]


@pytest.mark.parametrize(
    "change",
    [
        {"size": 0},
        {"size": -1},
        {"size": 64 * 1024 * 1024 + 1},
        {"size": 1e400},
        {"size": 10**300},
        {"size": "many"},
        {"size": 1.5},
        {"size": True},
        {"size": None},
        {"name": ""},
        {"name": "x" * 256},
        {"name": "a\nb"},
        {"name": 7},
        {"content_type": "text/html"},
        {"content_type": ["image/jpeg"]},
        {"scale": {"factor": 0}},
        {"scale": {"factor": "1e999"}},
        {"scale": {"factor": " 1_0 "}},
        {"scale": {"factor": 1, "offset": "0"}},
        {"site": {"a": 1}},
        {"name": "a\n"},
        {"name": "a\x9b"},
        {"name": " "},
        {"name": "\u202egpj.exe"},
        {"state": "ready"},
    ],
)
def test_an_invalid_field_is_named(caller: Person, change: dict[str, Any]) -> None:
    text = json.dumps({"files": [{**FILE, **change}]}).replace("Infinity", "1e400")
    response = caller.call("POST", "/uploads", data=text, content_type="application/json")
    problem = response.get_json()
    assert (response.status_code, problem["code"]) == (422, "unprocessable_entity")
    assert next(iter(change)) in problem["errors"]["files"]["0"]


INVISIBLE = {
    "zero width space": "\u200b",
    "soft hyphen": "\u00ad",
    "byte order mark": "\ufeff",
    "tag": "\U000e0041",
    "language tag": "\U000e0001",
    "noncharacter": "\ufffe",
    "noncharacter of the Arabic block": "\ufdd0",
    "noncharacter of plane 1": "\U0001ffff",
    "Hangul initial filler": "\u115f",
    "Hangul medial filler": "\u1160",
    "Hangul filler": "\u3164",
    "half-width Hangul filler": "\uffa0",
    "grapheme joiner": "\u034f",
    "Mongolian vowel separator": "\u180e",
    "word joiner": "\u2060",
    "invisible plus": "\u2064",
    "deprecated format control": "\u206f",
    "annotation": "\ufff9",
    "shorthand control": "\U0001bca0",
    "musical control": "\U0001d173",
    "right-to-left override": "\u202e",
    "line separator": "\u2028",
    "control": "\x9b",
}
BLANK = {
    "spaces": " \u00a0\u3000",
    "Braille blank": "\u2800",
    "joiners": "\u200d\u200c",
    "variation selectors": "\ufe0f\U000e0100",
    "hieroglyph blank": "\U00013441",
}
VISIBLE = {
    "emoji of several": "\U0001f469\u200d\U0001f680 \u2764\ufe0f\u200d\U0001f525",
    "Persian with a non-joiner": "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
    "Sinhala with a joiner": "\u0dc1\u0dca\u200d\u0dbb\u0dd3",
    "Han with a variation selector": "\u8fbb\U000e0100",
    "decomposed accents": "Cafe\u0301",
    "a mark alone": "\u0301",
    "Braille": "\u2801\u2800\u2803",
    "private use": "\uf8ff",
    "Arabic number sign": "\u06001",
    "ideographic space": "\u3042\u3000\u3044",
}
ACCEPT_NAMES: tuple[tuple[str, Callable[[str], Json]], ...] = (
    ("/uploads", lambda name: {"files": [{**FILE, "name": name}]}),
    ("/uploads", lambda name: {"files": [{**FILE, "site": name}]}),
    ("/uploads", lambda name: {"files": [FILE], "pad": name}),
    ("/api-keys", lambda name: {"name": name, "scopes": ["profile:read"]}),
)
NAMES = pytest.mark.parametrize(("path", "body"), ACCEPT_NAMES, ids=["file", "site", "pad of all", "API key"])


@NAMES
def test_a_name_with_an_invisible_character_is_rejected(caller: Person, path: str, body: Callable[[str], Json]) -> None:
    for about, invisible in INVISIBLE.items():
        for name in (invisible, f"a{invisible}b"):
            response = caller.post(path, body(name))
            assert (response.status_code, response.get_json()["code"]) == (422, "unprocessable_entity"), about
            assert "invisible" in response.get_data(as_text=True)


@NAMES
def test_a_name_that_shows_nothing_is_rejected(caller: Person, path: str, body: Callable[[str], Json]) -> None:
    for about, blank in BLANK.items():
        response = caller.post(path, body(blank))
        assert (response.status_code, response.get_json()["code"]) == (422, "unprocessable_entity"), about


@NAMES
def test_a_name_in_any_script_is_accepted(caller: Person, path: str, body: Callable[[str], Json]) -> None:
    for about, name in VISIBLE.items():
        assert caller.post(path, body(name)).status_code == 201, about


@pytest.mark.parametrize("value", ["14", " 1_0 ", "\uff11", "nan", True, None, [1], 10**400], ids=repr)
def test_a_number_is_a_json_number(value: Any) -> None:
    assert Number().deserialize(14) == 14.0
    with pytest.raises(ValidationError):
        Number().deserialize(value)


@pytest.mark.parametrize("name", ["a\\u0000b", "\\\\u0000", "Süd 🌋.jpg"])
def test_a_text_that_resembles_a_nul_character_is_accepted(caller: Person, name: str) -> None:
    assert caller.post("/uploads", {"files": [{**FILE, "name": name}]}).status_code == 201


def test_a_tiny_number_is_accepted(caller: Person) -> None:
    tiny = {"factor": 1.0, "offset": 1e-300}
    assert caller.post("/uploads", {"files": [{**FILE, "scale": tiny}]}).status_code == 201


def test_a_chunked_body_over_a_mebibyte_is_rejected(caller: Person) -> None:
    body = io.BytesIO(json.dumps({"files": [FILE]}).encode() + b" " * 2 * 1024 * 1024)
    response = caller.call(
        "POST",
        "/uploads",
        input_stream=body,
        content_type="application/json",
        headers={"Transfer-Encoding": "chunked"},
        environ_overrides={"wsgi.input_terminated": True},
    )
    assert (response.status_code, response.get_json()["code"]) == (413, "request_entity_too_large")


@pytest.mark.parametrize("count", [0, 101])
def test_a_batch_has_one_to_a_hundred_files(caller: Person, count: int) -> None:
    assert caller.post("/uploads", {"files": [FILE] * count}).status_code == 422


def test_a_hundred_files_each_get_an_image_id(caller: Person) -> None:
    items = caller.post("/uploads", {"files": [FILE] * 100}).get_json()["items"]
    assert len({item["image_id"] for item in items}) == 100


def test_a_body_over_a_mebibyte_is_rejected(caller: Person) -> None:
    response = caller.call("POST", "/uploads", data=b" " * (1024 * 1024 + 1), content_type="application/json")
    assert (response.status_code, response.get_json()["code"]) == (413, "request_entity_too_large")


@pytest.mark.parametrize("content_type", ["text/plain", "application/xml", "multipart/form-data; boundary=x", ""])
def test_a_body_that_is_not_json_is_rejected(caller: Person, content_type: str) -> None:
    response = caller.call("POST", "/uploads", data=b"{}", content_type=content_type)
    assert (response.status_code, response.get_json()["code"]) == (415, "unsupported_media_type")


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json",
        "application/json; charset=utf-8",
        'Application/JSON; charset="UTF-8"',
        "application/json; charset=utf8",
    ],
)
def test_json_in_utf_8_is_accepted(caller: Person, content_type: str) -> None:
    response = caller.call("POST", "/uploads", data=json.dumps({"files": [FILE]}), content_type=content_type)
    assert response.status_code == 201


@pytest.mark.parametrize("charset", ["utf-16", "UTF-32", "iso-8859-1", "utf-7", "us-ascii", "nonsense"])
def test_json_in_another_charset_is_rejected(caller: Person, charset: str) -> None:
    body = json.dumps({"files": [FILE]}).encode()
    response = caller.call("POST", "/uploads", data=body, content_type=f"application/json; charset={charset}")
    assert (response.status_code, response.get_json()["code"]) == (415, "unsupported_charset")
    assert charset in response.get_json()["detail"]


@pytest.mark.parametrize("codings", ["gzip", "br", "x-unknown", "identity, gzip", "gzip,gzip"])
def test_a_body_with_a_content_coding_is_rejected(caller: Person, codings: str) -> None:
    body = gzip.compress(json.dumps({"files": [FILE]}).encode())
    response = caller.call(
        "POST", "/uploads", data=body, content_type="application/json", headers={"Content-Encoding": codings}
    )
    assert (response.status_code, response.get_json()["code"]) == (415, "unsupported_content_encoding")
    assert response.headers["Accept-Encoding"] == "identity"


def test_the_content_coding_identity_is_none(caller: Person) -> None:
    assert caller.post("/uploads", {"files": [FILE]}, headers={"Content-Encoding": "Identity"}).status_code == 201
    assert caller.get("/me", headers={"Content-Encoding": "gzip"}).status_code == 200, "there is no body"


# ---------------------------------------------------------------- repeated headers

# werkzeug's server joins them with a comma, Zappa and its test client with a comma and a space.
JOINED = pytest.mark.parametrize("separator", [",", ", "])


@JOINED
@pytest.mark.parametrize("other", ["application/json", "text/plain", "application/problem+json"])
def test_two_content_types_are_rejected(caller: Person, separator: str, other: str) -> None:
    for first in ("application/json", "application/json; charset=utf-8", "application/xml"):
        response = caller.call("POST", "/uploads", data=b"{}", content_type=f"{first}{separator}{other}")
        assert (response.status_code, response.get_json()["code"]) == (415, "unsupported_media_type")


@JOINED
def test_two_idempotency_keys_are_rejected(caller: Person, separator: str) -> None:
    for keys in (f"k1{separator}k2", f"k1{separator}k1"):
        response = caller.post("/uploads", {"files": [FILE]}, headers={"Idempotency-Key": keys})
        assert (response.status_code, response.get_json()["code"]) == (400, "malformed_request")
        assert "one Idempotency-Key" in response.get_json()["detail"]


@JOINED
def test_credentials_that_are_sent_twice_are_rejected(caller: Person, anonymous: Person, separator: str) -> None:
    first = caller.headers["Authorization"]
    for again in (first, "Bearer x"):
        response = anonymous.get("/me", headers={"Authorization": f"{first}{separator}{again}"})
        assert (response.status_code, response.get_json()["code"]) == (401, "unauthenticated")
        assert "once" in response.get_json()["detail"]
    response = anonymous.get("/me", headers={"X-API-Key": f"argus_1{separator}argus_1"})
    assert (response.status_code, response.get_json()["code"]) == (401, "invalid_key")


@JOINED
def test_two_if_match_headers_are_one_list(caller: Person, separator: str) -> None:
    address = f"/images/{caller.post('/uploads', {'files': [FILE]}).get_json()['items'][0]['image_id']}"
    version = f'"{caller.get(address).get_json()["version"]}"'
    assert caller.get(address, headers={"If-Match": f'"0"{separator}{version}'}).status_code == 200
    assert caller.get(address, headers={"If-Match": f'"0"{separator}"00"'}).status_code == 412


def test_zappa_joins_repeated_headers(caller: Person) -> None:
    event = events.rest(
        "POST",
        "/api/v1/uploads",
        headers={**caller.headers, "Content-Type": "application/json", "Idempotency-Key": "k2"},
        body=json.dumps({"files": [FILE]}).encode(),
    )
    event["multiValueHeaders"]["Idempotency-Key"] = ["k1", "k2"]
    _, status, _ = run_wsgi_app(caller.http.application, create_wsgi_request(event))
    assert status.startswith("400 ")


@pytest.mark.parametrize(
    ("sent", "kept"),
    [("abc-123_X.9", True), ("x" * 128, True), ("x" * 129, False), ("", False), ("a b", False), ("ä", False)],
)
def test_a_valid_request_id_is_kept_and_any_other_replaced(anonymous: Person, sent: str, kept: bool) -> None:
    response = anonymous.get("/sign-in", headers={"X-Request-ID": sent})
    assert (response.headers["X-Request-ID"] == sent) is kept
    assert response.headers["X-Request-ID"]


def test_every_response_has_security_headers(anonymous: Person) -> None:
    for response in (anonymous.get("/sign-in"), anonymous.get("/nothing"), anonymous.http.get("/docs")):
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert response.headers["X-Frame-Options"] == "DENY"
        assert "frame-ancestors 'none'" in response.headers["Content-Security-Policy"]
        assert "max-age=" in response.headers["Strict-Transport-Security"]
        assert response.headers["Referrer-Policy"] == "no-referrer"


def test_cors_allows_only_the_configured_origins(anonymous: Person) -> None:
    preflight = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}
    allowed = anonymous.call("OPTIONS", "/uploads", headers={"Origin": ORIGIN, **preflight})
    assert allowed.headers["Access-Control-Allow-Origin"] == ORIGIN
    assert "Authorization".lower() in allowed.headers["Access-Control-Allow-Headers"].lower()
    other = anonymous.call("OPTIONS", "/uploads", headers={"Origin": "https://evil.example", **preflight})
    assert "Access-Control-Allow-Origin" not in other.headers
    assert "Access-Control-Allow-Origin" not in anonymous.get("/sign-in", headers={"Origin": f"{ORIGIN}.evil"}).headers


def test_an_unexpected_error_is_a_500_problem_without_its_message(
    caller: Person, argus: Container, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: Any, **__: Any) -> Any:
        raise RuntimeError("the password is swordfish")

    monkeypatch.setattr(type(argus.imagery), "get", broken)
    response = caller.get("/images/img_00000000000000000000000000")
    assert (response.status_code, response.get_json()["code"]) == (500, "internal_server_error")
    assert "swordfish" not in response.get_data(as_text=True)
    assert "swordfish" in caplog.text


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (EndpointConnectionError(endpoint_url="http://127.0.0.1:1"), "unavailable"),
        (ClientError({"Error": {"Code": "ProvisionedThroughputExceededException"}}, "GetItem"), "unavailable"),
        (Overloaded("127.0.0.1: 1 items were not read after 8 attempts"), "overloaded"),
    ],
    ids=["no response", "throttled", "throttled in a batch"],
)
def test_an_unavailable_aws_is_a_503_with_retry_after(
    caller: Person, argus: Container, monkeypatch: pytest.MonkeyPatch, error: Exception, code: str
) -> None:
    def broken(*_: Any, **__: Any) -> Any:
        raise error

    monkeypatch.setattr(type(argus.imagery), "get", broken)
    response = caller.get("/images/img_00000000000000000000000000")
    assert (response.status_code, response.get_json()["code"]) == (503, code)
    assert response.get_json()["detail"] == Unavailable().message.detail()
    assert response.headers["Retry-After"] == "5"
    assert "127.0.0.1" not in response.get_data(as_text=True)


# ---------------------------------------------------------------- queries


@pytest.mark.parametrize(
    ("path", "names"),
    [
        ("/images?limit=1&limit=2", {"limit"}),
        ("/images?limit=1&limit=1&state=ready", {"limit"}),
        ("/findings?severity=critical&severity=low&plugin=a&plugin=b", {"severity", "plugin"}),
    ],
)
def test_a_repeated_parameter_is_named(caller: Person, path: str, names: set[str]) -> None:
    response = caller.get(path)
    assert (response.status_code, response.get_json()["code"]) == (422, "unprocessable_entity")
    assert response.get_json()["errors"] == {name: ["Given more than once."] for name in names}


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        *[("GET", "/me", 200), ("GET", "/sign-in", 200), ("GET", "/plugins", 200), ("POST", "/uploads", 422)],
        *[("GET", "/images/img_00000000000000000000000000", 404), ("DELETE", "/api-keys/key_", 404)],
    ],
)
def test_a_route_without_query_parameters_rejects_them(caller: Person, method: str, path: str, status: int) -> None:
    assert caller.call(method, path).status_code == status
    response = caller.call(method, f"{path}?verbose=1")
    assert (response.status_code, response.get_json()["errors"]) == (422, {"verbose": ["Unknown field."]})


def test_documents_and_health_accept_any_query(anonymous: Person) -> None:
    for path in ("/health", "/docs", "/docs/start.js", "/api/v1/openapi.json"):
        assert anonymous.http.get(f"{path}?v=1&v=2").status_code == 200


# ---------------------------------------------------------------- idempotency


def test_a_repeated_request_with_the_same_key_is_executed_once(owner: Person) -> None:
    first, again = (owner.post("/uploads", {"files": [FILE]}, headers={"Idempotency-Key": "k1"}) for _ in range(2))
    assert "Idempotent-Replayed" not in first.headers
    assert again.headers["Idempotent-Replayed"] == "true"
    assert (again.status_code, again.get_json()) == (first.status_code, first.get_json())
    assert len(owner.get("/images").get_json()["items"]) == 1


def test_another_request_with_the_same_key_is_rejected(owner: Person) -> None:
    owner.post("/uploads", {"files": [FILE]}, headers={"Idempotency-Key": "k1"})
    response = owner.post("/uploads", {"files": [{**FILE, "size": 11}]}, headers={"Idempotency-Key": "k1"})
    assert (response.status_code, response.get_json()["code"]) == (422, "key_reused")


def test_a_key_belongs_to_one_caller(owner: Person, stranger: Person) -> None:
    first, other = (
        person.post("/uploads", {"files": [FILE]}, headers={"Idempotency-Key": "k1"}) for person in (owner, stranger)
    )
    assert first.get_json() != other.get_json()


def test_a_key_is_a_conflict_while_its_first_request_runs_until_its_lease_ends(
    owner: Person, argus: Container, clock: MovableClock
) -> None:
    caller_id = owner.get("/me").get_json()["user"]["id"]
    body = json.dumps({"files": [FILE]}).encode()
    argus.idempotency.begin(
        organisation_id=owner.organisation_id,
        caller_id=caller_id,
        key="k1",
        request=b"POST /api/v1/uploads\n" + body,
    )
    send = {"data": body, "content_type": "application/json", "headers": {"Idempotency-Key": "k1"}}
    response = owner.call("POST", "/uploads", **send)
    assert (response.status_code, response.get_json()["code"]) == (409, "still_running")
    clock.move(minutes=2)
    assert owner.call("POST", "/uploads", **send).status_code == 201


def test_a_failed_request_can_be_retried_with_its_key(owner: Person) -> None:
    headers = {"Idempotency-Key": "k1"}
    assert owner.post("/uploads", {"files": []}, headers=headers).status_code == 422
    assert owner.post("/uploads", {"files": []}, headers=headers).status_code == 422
    assert owner.post("/uploads", {"files": [FILE]}, headers=headers).status_code == 201


def test_a_key_expires_after_a_day(owner: Person, clock: MovableClock) -> None:
    headers = {"Idempotency-Key": "k1"}
    first = owner.post("/uploads", {"files": [FILE]}, headers=headers).get_json()
    clock.move(hours=25)
    assert owner.post("/uploads", {"files": [FILE]}, headers=headers).get_json() != first


@pytest.mark.parametrize("key", ["", "x" * 256, "a b", "schlüssel", "a,b"])
def test_an_invalid_key_is_rejected(caller: Person, key: str) -> None:
    response = caller.post("/uploads", {"files": [FILE]}, headers={"Idempotency-Key": key})
    assert (response.status_code, response.get_json()["code"]) == (400, "malformed_request")


def test_a_response_is_sent_even_if_it_cannot_be_recorded(owner: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any, **__: Any) -> Any:
        raise EndpointConnectionError(endpoint_url="http://127.0.0.1:1")

    monkeypatch.setattr(Idempotency, "finish", broken)
    monkeypatch.setattr(Idempotency, "abandon", broken)
    key = {"Idempotency-Key": "k1"}
    done = owner.post("/uploads", {"files": [FILE]}, headers=key)
    assert done.status_code == 201
    assert owner.post("/uploads", {"files": [FILE]}, headers=key).status_code == 409, "it may still be running"
    refused = owner.post("/reports", {"scan_id": "scan_00000000000000000000000000", "format": "pdf"}, headers=key)
    assert refused.status_code in {404, 422}


def test_a_request_that_outlived_its_lease_does_not_overwrite_its_successor(
    owner: Person, argus: Container, clock: MovableClock
) -> None:
    request = {
        "organisation_id": "org_1",
        "caller_id": owner.headers["Authorization"][-20:],
        "key": "k",
        "request": b"r",
    }
    late, store = argus.idempotency.begin(**request), argus.idempotency
    clock.move(seconds=61)
    successor = store.begin(**request)
    assert isinstance(late, Attempt)
    assert isinstance(successor, Attempt)
    store.finish(successor, StoredResponse(201, {}, "second"))
    store.finish(late, StoredResponse(201, {}, "first"))
    store.abandon(late)
    assert store.begin(**request) == StoredResponse(201, {}, "second")


@pytest.mark.usefixtures("racing")
def test_of_eight_concurrent_equal_requests_one_is_executed(owner: Person, argus: Container) -> None:
    app = create_app(argus)

    def send(_: int) -> int:
        return (
            Person(app.test_client(), owner.headers)
            .post("/uploads", {"files": [FILE]}, headers={"Idempotency-Key": "k1"})
            .status_code
        )

    with ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(send, range(8)))
    assert set(statuses) <= {201, 409}
    assert len(owner.get("/images").get_json()["items"]) == 1


# ---------------------------------------------------------------- bodies with many errors


@pytest.mark.parametrize(
    "body",
    [
        {"files": [{}] * 200_000},
        {"files": [{f"f{number}": 1 for number in range(50_000)}]},
        {f"field{number}": 1 for number in range(50_000)},
        {"files": [FILE], "\U0001f525" * 80_000: 1},
    ],
    ids=["elements", "fields of an element", "fields", "a long name"],
)
def test_the_errors_of_a_large_body_are_limited(caller: Person, body: dict[str, Any]) -> None:
    response = caller.post("/uploads", body)
    assert (response.status_code, response.get_json()["code"]) == (422, "unprocessable_entity")
    assert len(response.get_data()) < 50_000


def test_the_errors_of_unknown_options_are_limited(caller: Person) -> None:
    options = {f"option{number}": number for number in range(40_000)}
    target = {"kind": "image", "id": "img_00000000000000000000000000"}
    response = caller.post("/scans", {"target": target, "plugins": [{"id": "thermal_hotspots", "options": options}]})
    assert response.status_code == 422
    assert len(response.get_data()) < 50_000


# ---------------------------------------------------------------- etags and cursors


def test_an_unchanged_resource_is_not_sent_again(caller: Person) -> None:
    image_id = caller.post("/uploads", {"files": [FILE]}).get_json()["items"][0]["image_id"]
    first = caller.get(f"/images/{image_id}")
    again = caller.get(f"/images/{image_id}", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.get_data()) == (304, b"")
    assert caller.get(f"/images/{image_id}", headers={"If-None-Match": '"other"'}).status_code == 200


@pytest.mark.parametrize("tags", ['""', 'W/""', '"a", ""', ",,", "x", '"0-0"', "\x80"])
def test_if_match_without_the_current_version_is_rejected(caller: Person, tags: str) -> None:
    image_id = caller.post("/uploads", {"files": [FILE]}).get_json()["items"][0]["image_id"]
    for method in ("GET", "DELETE"):
        response = caller.call(method, f"/images/{image_id}", headers={"If-Match": tags})
        assert (response.status_code, response.content_type) == (412, "application/problem+json")
        assert response.get_json()["code"] == "precondition_failed"


def test_a_read_accepts_the_same_if_match_as_a_write(caller: Person) -> None:
    address = f"/images/{caller.post('/uploads', {'files': [FILE]}).get_json()['items'][0]['image_id']}"
    first = caller.get(address)
    whole, version = first.headers["ETag"], f'"{first.get_json()["version"]}"'
    for tags in (whole, version, "*", f'"0-0", {version}'):
        assert caller.get(address, headers={"If-Match": tags}).get_json() == first.get_json()
    both = caller.get(address, headers={"If-Match": version, "If-None-Match": whole})
    assert (both.status_code, both.headers["ETag"], both.get_data()) == (304, whole, b"")
    assert caller.get(address, headers={"If-Match": '"0"', "If-None-Match": whole}).status_code == 412


def test_a_cursor_is_valid_only_for_its_listing_and_organisation(owner: Person, stranger: Person) -> None:
    for person in (owner, stranger):
        person.post("/uploads", {"files": [FILE] * 2})
    cursor = owner.get("/images?limit=1").get_json()["next_cursor"]
    assert owner.get(f"/images?limit=2&cursor={cursor}").status_code == 200
    assert owner.get(f"/images?limit=1&state=ready&cursor={cursor}").get_json()["code"] == "bad_cursor"
    assert owner.get(f"/scans?limit=1&cursor={cursor}").get_json()["code"] == "bad_cursor"
    assert stranger.get(f"/images?limit=1&cursor={cursor}").get_json()["code"] == "bad_cursor"
    flipped = cursor[:-1] + ("A" if cursor[-1] != "A" else "B")
    assert owner.get(f"/images?limit=1&cursor={flipped}").get_json()["code"] == "bad_cursor"
