"""Secrets and contact data are masked, and nothing else."""

import json
import logging
import sys
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from argus.core.ids import Ids
from argus.core.masking import mask, mask_field, mask_fields
from argus.core.observability import JsonFormatter
from argus.identity import key_text

JWT = "eyJhbGciOiJSUzI1NiIsImtpZCI6ImsifQ.eyJzdWIiOiJzb21lb25lIn0.c2lnbmF0dXJlLW9mLWl0"
AWS_SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
API_KEY = key_text.compose("key_01k0n2x4c6e8g0j2m4p6r8t0v2", "org_01k0n2x3a4c6e8g0j2m4p6r8t0", 3**150)
SIGNATURE = "f0e1d2c3b4a5968778695a4b3c2d1e0ff0e1d2c3b4a5968778695a4b3c2d1e0f"

# Text, and the part of it that must be masked.
SECRETS = {
    "bearer token": (f"Authorization: Bearer {JWT}", "eyJ"),
    "opaque bearer": ("authorization=bearer abcdef123456", "abcdef123456"),
    "token in a sentence": (f"cannot read {JWT}!", "c2lnbmF0dXJl"),
    "encrypted token of five parts": ("eyJhbGciOiJSU0EifQ.a1.b2.c3.LASTPART", "LASTPART"),
    "basic": ("Basic dXNlcjpwYXNzd29yZA==", "dXNlcjpwYXNz"),
    "password in JSON": ('{"password": "correct horse battery staple"}', "horse"),
    "password with quotes": (json.dumps({"password": 'a"tail of it'}), "tail"),
    "password in JSON in JSON": (json.dumps({"body": json.dumps({"new_password": "two words"})}), "words"),
    "password in Python": ("{'password': 'two words'}", "words"),
    "password with an apostrophe": (repr({"password": 'it\'s a "tail"'}), "tail"),
    "password in Python in JSON": (json.dumps(repr({"password": "two words"})).replace("'", "\\'"), "words"),
    "password in bytes": ("{b'password': b'two words'}", "words"),
    "password in two lines": ("password='first\nsecond'", "second"),
    "password without an end": ('"password": "two words', "words"),
    "pwd": ("user=x pwd=hunter2", "hunter2"),
    "pass": ("pass: hunter2", "hunter2"),
    "pass in JSON": ('{"pass": "two words"}', "words"),
    "pass in a longer name": ("DB_PASS=hunter2 DB_HOST=x", "hunter2"),
    "pass in camel case": ('{"smtpPass": "two words"}', "words"),
    "pwd in camel case": ("userPwd=hunter2", "hunter2"),
    "pass after a word": ("userpass=hunter2", "hunter2"),
    "pass after a word in capitals": ("SMTPPASS=hunter2", "hunter2"),
    "pwd after a word": ("dbpwd=hunter2", "hunter2"),
    "password in camel case": ('{"newUserPassword": "two words"}', "words"),
    "secret in camel case": ("clientSecret: hunter2", "hunter2"),
    "password in a tuple": ("('password', 'two words')", "words"),
    "password in a tuple of bytes": ("[(b'x-api-key', b'two words'), (b'accept', b'*/*')]", "words"),
    "password in a JSON list": ('["password", "two words"]', "words"),
    "password in a tuple of three": ("('password', 'two words', 3)", "words"),
    "passwords in a tuple": ("('password', ['two words'])", "words"),
    "passwords in an object": ('{"password": {"old": {"a": "x"}, "new": "two words"}}', "words"),
    "passwords in four levels": ('{"password": [[[["x"]]], "two words"]}', "words"),
    "passwords in lines": (json.dumps({"password": {"old": ["x"], "new": "two words"}}, indent=2), "words"),
    "passwords after brackets in strings": (json.dumps({"tokens": ['a"]b', "c'}", "two words"]}), "words"),
    "passwords after brackets in Python": ("tokens=(b'a)', u'it\\'s]', 'two words')", "words"),
    "header in a list": ("[('Accept', '*/*'), ('Authorization', 'Digest two words')]", "words"),
    "name and value": ("{'name': 'password', 'value': 'two words'}", "words"),
    "name and value in JSON": (json.dumps({"Name": "DB_PASSWORD", "Value": "two words"}, indent=1), "words"),
    "name and type and value": ('{"name": "password", "type": "string", "value": "two words"}', "words"),
    "value and type and name": ('{"value": "two words", "type": "string", "name": "password"}', "words"),
    "value and name": (json.dumps({"value": "two words", "name": "client_secret"}), "words"),
    "name and value without quotes": ("name='token', value='two words'", "words"),
    "values of a header": ('{"X-API-Key": ["k-123456", "k-234567"]}', "k-234567"),
    "members of credentials": ("credentials={'user': 'u', 'key': 'hunter2'}", "hunter2"),
    "password in a URL": ("next=/login%3Fpassword%3Dhunter2", "hunter2"),
    "password in a URL in a URL": ("password%253Dhunter2", "hunter2"),
    "JSON in a URL": ("%22password%22%3A%22two%20words%22", "words"),
    "JSON in a URL in a URL": ("%2522password%2522%253A%2522two%2520words%2522", "words"),
    "password in HTML": ("password&#61;hunter2", "hunter2"),
    "JSON in HTML": ("{&quot;password&quot;:&quot;two words&quot;}", "words"),
    "JSON in HTML with numbers": ("{&#34;password&#34;&#x3a; &#34;two words&#34;}", "words"),
    "JSON with escapes": (r"{\u0022password\u0022:\u0022two words\u0022}", "words"),
    "separator with an escape": (r"password\u003dhunter2", "hunter2"),
    "field of a form": ("user[password]=hunter2&user[name]=x", "hunter2"),
    "field of a form in a URL": ("user%5Bpassword%5D=hunter2", "hunter2"),
    "private key in JSON": ('{"privateKey": "two words"}', "words"),
    "JSON Web Key": ('{"kty": "RSA", "n": "AQAB", "e": "AQAB", "d": "PRIVATE-1"}', "PRIVATE-1"),
    "prime of a JSON Web Key": ('{"dp":"PRIVATE-1","kty":"RSA"}', "PRIVATE-1"),
    "coefficient of a JSON Web Key": ("{'kty': 'RSA', 'qi': 'PRIVATE-1'}", "PRIVATE-1"),
    "factor of another prime": ('{"kty": "RSA", "oth": [{"r": "PRIVATE-1", "d": "x"}]}', "PRIVATE-1"),
    "coefficient of another prime": ('{"kty": "RSA", "oth": [{"d": "x", "t": "PRIVATE-1"}]}', "PRIVATE-1"),
    "JSON Web Key in Python": ("JWK(kty='RSA', d='PRIVATE-1')", "PRIVATE-1"),
    "symmetric JSON Web Key": ('{"keys": [{"kty": "oct", "k": "PRIVATE-1"}]}', "PRIVATE-1"),
    "JSON Web Key in a URL": ("%22kty%22%3A%22oct%22%2C%22k%22%3A%22PRIVATE-1%22", "PRIVATE-1"),
    "password in a form": ("user=x&password=hunter2&z=1", "hunter2"),
    "digest": ('Authorization: Digest username="x", response="hunter2"', "hunter2"),
    "digest in JSON": (json.dumps({"Authorization": 'Digest username="x", response="hunter2"'}), "hunter2"),
    "digest of a proxy": ("Proxy-Authorization: Digest username=x, uri=/, response=hunter2\r\nHost: x", "hunter2"),
    "API key header": ("X-API-Key: k-123456", "k-123456"),
    "refresh token": ('"refreshToken":"r-1 2"', "r-1"),
    "cookie": ("Cookie: session=abc123", "abc123"),
    "second cookie": ("Cookie: a=1; session=abc123; b=2", "abc123"),
    "last cookie": ("cookie: theme=dark; lang=en; sid=abc123\r\nHost: x", "abc123"),
    "quoted cookie": ('Cookie: a="x y"; session=abc123', "abc123"),
    "cookie after an apostrophe": ("Cookie: a=it's; session=abc123", "abc123"),
    "cookie that is set": ("Set-Cookie: session=abc123; Path=/; HttpOnly", "abc123"),
    "attribute of a cookie": ("Set-Cookie: a=1; Domain=abc123.example", "abc123"),
    "cookies in Python": ("{'Cookie': 'a=1; session=abc123'}", "abc123"),
    "cookies in JSON": ('{"set-cookie": "a=1; session=abc123; Path=/"}', "abc123"),
    "cookies in a list": ("[(b'cookie', b'a=1; session=abc123')]", "abc123"),
    "cookies of two headers": ('{"Set-Cookie": ["a=1; Path=/", "session=abc123"]}', "abc123"),
    "cookies after a bracket": ('{"cookies": ["a]b", "session=abc123"]}', "abc123"),
    "cookies by name": ("cookies={'a': '1', 'session': 'abc123'}", "abc123"),
    "cookies of a log": ("status=200 cookie=a=1; session=abc123", "abc123"),
    "cookies of an environment": ("HTTP_COOKIE: a=1; session=abc123", "abc123"),
    "cookies in a dump of HTTP": (r"b'GET / HTTP/1.1\r\nCookie: a=1; session=abc123\r\nHost: x'", "abc123"),
    "access key": ("AKIAIOSFODNN7EXAMPLE", "IOSFODNN7"),
    "session access key": ("ASIAIOSFODNN7EXAMPLE", "IOSFODNN7"),
    "secret key alone": (f"found {AWS_SECRET} there", AWS_SECRET),
    "secret key of the environment": (f"AWS_SECRET_ACCESS_KEY={AWS_SECRET}", AWS_SECRET),
    "presigned link": (
        f"https://b.s3.amazonaws.com/k?X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20260131&X-Amz-Signature={SIGNATURE}",
        SIGNATURE,
    ),
    "presigned form": (json.dumps({"x-amz-signature": SIGNATURE, "policy": "eyJleHBpcmF0aW9uIg=="}), "eyJleHBp"),
    "session token of a link": ("?X-Amz-Security-Token=IQoJb3JpZ2lu%2FXY&x=1", "IQoJb3"),
    "user and password of an address": ("postgres://argus:pw9@db.example/x", "pw9"),
    "password of an address without a user": ("redis://:pw9@cache.example", "pw9"),
    "private key": ("-----BEGIN RSA PRIVATE KEY-----\nMIIEow\nIBAAK\n-----END RSA PRIVATE KEY-----", "MIIEow"),
    "a provider's key": ("sk_live_4eC39HqLyjWDarjtT1zdp7dc", "4eC39H"),
    "an API key of ours": (f"found {API_KEY} there", API_KEY[-49:]),
    "an API key of ours in a link": (f"?x={API_KEY}&y=1", API_KEY[-49:]),
    "mail": ("to jane.doe+x@mail.example.org.", "jane"),
    "mail in a link": ("?user=jane.doe%40mail.example.org", "jane"),
    "phone": ("call +44 7911 123456 now", "7911"),
    "phone without spaces": ("+447911123456", "7911"),
    "phone in a link": ("?to=%2B447911123456", "7911"),
    "phone as in North America": ("call (415) 555-2671", "2671"),
}


@pytest.mark.parametrize(("written", "secret"), SECRETS.values(), ids=SECRETS)
def test_a_secret_is_masked_wherever_it_is(written: str, secret: str) -> None:
    assert secret in written
    for line in (written, f"before {written}", json.dumps({"message": written}), json.dumps([json.dumps(written)])):
        assert secret not in mask(line)


@pytest.mark.parametrize("written", SECRETS, ids=str)
def test_a_masked_log_line_is_still_one_line_of_json(written: str) -> None:
    line = json.dumps({"message": SECRETS[written][0], "status": 200})
    assert "\n" not in mask(line)
    assert '"status": 200' in mask(line)


@pytest.mark.parametrize(
    "line",
    [
        '{"at": "2026-11-21T09:28:02.001Z", "route": "GET /api/v1/images/<image_id>", "status": 200, "ms": 2.1}',
        '{"at": "2026-11-21T09:28:02.001+00:00", "key": "org_01jb8z3k9q2m4n6p8r0s2t4v6w/images/img_01jb8z3k9q2m4n6p"}',
        "the token has expired",
        "send Authorization",
        "12 passed, 1 skipped in 3.2s",
        "pass: 3, fail: 0",
        "PASS: test_upload",
        "PASS tests/api.test.mjs",
        "bypass: cache",
        "trespass: no; bandpass=low",
        "the content digest differs; digest sha256=0vx7agoebGc",
        "http://localhost:8080/x@y and http://h:80",
        "compass=north; passport: checked; passes=2; pass_rate: 0.97; pass-through: on",
        "cookies are not used",
        '{"required": ["name", "value"], "fields": ["user", "password", "token"]}',
        "{'name': 'site', 'value': 'North'}",
        "('site', 'North')",
        '{"d": "12", "k": "v", "p": 0.5}',
        '{"kty": "RSA", "kid": "k", "use": "sig", "n": "0vx7agoebGc", "e": "AQAB"}',
        "GET /api/v1/images?limit=5&cursor=q1w2e3 %22x%22%3A1",
        "c147428f0e1d2c3b4a5968778695a4b3c2d1e0f1",  # a commit
        "size 20260131 of 123456789012 bytes",
        "arn:aws:sqs:eu-west-1:123456789012:argus-production-jobs",
    ],
)
def test_text_without_secrets_does_not_change(line: str) -> None:
    assert mask(line) == line


@pytest.mark.parametrize(
    "message",
    [
        '{"message": "unexpected token: [x", "level": "INFO"}',
        '{"message": "unexpected token: (x, y", "level": "INFO"}',
        '{"message": "policy = { x", "level": "INFO"}',
        '{"message": "token=&quot;x", "level": "INFO"}',
        '{"message": "token=\\\\u0022x", "level": "INFO"}',
    ],
)
def test_an_opening_without_an_end_masks_no_more_than_its_string(message: str) -> None:
    for text in (message, json.dumps([message])):
        assert "INFO" in mask(text)


def logged(message: str, **extra: Any) -> dict[str, Any]:
    """The log line of an error whose text is the message, too."""
    try:
        raise ValueError(message)
    except ValueError:
        record = logging.LogRecord("argus", logging.ERROR, __file__, 1, message, None, sys.exc_info())
    vars(record).update(extra)
    line = JsonFormatter().format(record)
    assert "\n" not in line
    read: dict[str, Any] = json.loads(line)
    return read


FRAGMENTS = (
    *("token", "secret", "policy", "password", "value", "name", "kty", "d", "x", " ", "=", ": ", ",", ";", "\n", "\r"),
    *(
        "[",
        "]",
        "(",
        ")",
        "{",
        "}",
        '"',
        "'",
        "\\",
        '\\"',
        "&quot;",
        "&#34;",
        "\\u0022",
        "%22",
        "%3D",
        "\\n",
        "[secret]",
    ),
    *("Cookie: a=b; c=d", "cookies=", "Digest username=", "Bearer ", "://", "@", "+1", "-----BEGIN PRIVATE KEY-----"),
)


@given(st.lists(st.sampled_from(FRAGMENTS), max_size=30).map("".join))
@example("unexpected token: [x")
@example("token = (")
@example("    policy = {\n    ^^^^^^^^^^")
@example("token=&quot;x")
@example("token=\\u0022x")
@example('{"message": "token: [x", "level": "INFO"}')
def test_a_message_changes_no_other_field_of_its_log_line(message: str) -> None:
    line = logged(message, request="req_1", ids=["a", "b"], status=200, by={"name": "site"})
    assert line.keys() == {
        *("at", "level", "logger", "message", "exception", "request", "ids", "status", "by"),
    }
    assert (line["level"], line["logger"], line["message"]) == ("ERROR", "argus", mask(message))
    assert (line["request"], line["ids"], line["status"], line["by"]) == ("req_1", ["a", "b"], 200, {"name": "site"})


@pytest.mark.parametrize(("written", "secret"), SECRETS.values(), ids=SECRETS)
def test_a_secret_is_masked_in_every_field_of_a_log_line(written: str, secret: str) -> None:
    line = logged(written, text=written, data={"inner": [written]}, error=ValueError(written))
    assert secret not in json.dumps(line, ensure_ascii=False)
    assert line["level"] == "ERROR"


@pytest.mark.parametrize(
    "extra",
    [
        {"token": "hunter2"},
        {"newPassword": {"x": "hunter2"}},
        {"api_key": 31337},
        {"body": {"password": "hunter2"}},
        {"body": [{"password": 31337}]},
        {"header": ("X-API-Key", "hunter2")},
        {"variable": {"name": "password", "value": "hunter2"}},
    ],
    ids=str,
)
def test_an_extra_field_with_a_secret_name_is_masked(extra: dict[str, Any]) -> None:
    line = logged("x", **extra)
    (name,) = extra
    assert "[secret]" in line[name]
    assert "hunter2" not in line[name]
    assert "31337" not in line[name]


@given(
    st.dictionaries(
        st.sampled_from(["message", "password", "route", "caller"]),
        st.sampled_from(["request", "GET /api/v1/me", *(written for written, _ in SECRETS.values())])
        | st.integers()
        | st.lists(st.sampled_from(FRAGMENTS)),
    )
)
def test_fields_together_are_masked_as_each_alone(fields: dict[str, Any]) -> None:
    assert mask_fields(fields) == {name: mask_field(name, value) for name, value in fields.items()}


@given(st.integers(0, 2**80 - 1))
def test_ids_are_never_masked(bits: int) -> None:
    name = Ids(random_bits=lambda _: bits).new("img")
    assert mask(f'{{"image": "{name}"}}') == f'{{"image": "{name}"}}'


@pytest.mark.parametrize(
    "part",
    [
        "a",
        "secret",
        "-eyJ",
        "a.",
        "+1 ",
        "://a:",
        "token ",
        '"\\\\',
        "AKIA",
        "-----BEGIN ",
        "pass",
        "pwd=",
        "token=[",
        "('token', '",
        '["token","',
        "name='token', value='",
        "value='x', ",
        "value='",
        "Cookie: a=",
        "cookie: '",
        'cookie="',
        "cookie=a; ",
        '"kty":"',
        '"d": "kty',
        "token%3D%25",
        "token%25252525",
        "token\\n",
        "token&quot;:&apos;",
        "\\u0022token",
        "secretsecret",
        "name:'secret",
        "value:\\'",
        "Pass",
        "(b'token',",
        "cookie=",
        "cookie=x",
        "token=[(",
        "token={'",
        "token=[\n",
        "[secret]",
        "Digest uri=",
        "'name':'token',",
    ],
)
@pytest.mark.timeout(5)  # takes about 0.03 s; a quadratic pattern takes more than 10 s
def test_masking_takes_linear_time(part: str) -> None:
    text = part * (100_000 // len(part)) + "@"
    assert len(mask(text)) <= 2 * len(text)


@pytest.mark.parametrize("opening", ['"kty ', "token=", "cookie: ", "value: '", "token=[", "('token', "])
@pytest.mark.timeout(5)
def test_masking_backslashes_takes_linear_time(opening: str) -> None:
    text = opening + "\\" * 100_000
    assert len(mask(text)) <= 2 * len(text)


@pytest.mark.parametrize("opening", ['["token", {}"', "value={}'", "token={}'", "name:'token', value:{}\""], ids=ascii)
def test_masking_strings_of_many_levels_without_an_end_takes_linear_time(opening: str) -> None:
    text = " ".join(opening.format("\\" * level) for level in range(300))
    assert len(mask(text)) <= 2 * len(text)


@pytest.mark.parametrize("written", SECRETS, ids=str)
def test_masking_a_masked_secret_again_changes_nothing(written: str) -> None:
    once = mask(SECRETS[written][0])
    assert mask(once) == once


@given(st.text())
def test_masking_twice_changes_no_more(text: str) -> None:
    assert mask(mask(text)) == mask(text)
