"""Bodies of requests: their format, their size, and the names in them."""

import gzip
import io
import json
from collections.abc import Callable
from typing import Any

import pytest
from marshmallow import ValidationError

from argus.core.http import Number
from tests.conftest import Person
from tests.core.conftest import FILE
from tests.problems import at_pointers

Json = dict[str, Any]


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
    assert any(pointer.startswith(f"#/files/0/{next(iter(change))}") for pointer in at_pointers(response))


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


# ---------------------------------------------------------------- names

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
