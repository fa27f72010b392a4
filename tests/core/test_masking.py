"""Secrets and contact data are masked, and nothing else."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from argus.core.ids import Ids
from argus.core.masking import mask
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
    "password in a form": ("user=x&password=hunter2&z=1", "hunter2"),
    "API key header": ("X-API-Key: k-123456", "k-123456"),
    "refresh token": ('"refreshToken":"r-1 2"', "r-1"),
    "cookie": ("Cookie: session=abc123", "abc123"),
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
        "c147428f0e1d2c3b4a5968778695a4b3c2d1e0f1",  # a commit
        "size 20260131 of 123456789012 bytes",
        "arn:aws:sqs:eu-west-1:123456789012:argus-production-jobs",
    ],
)
def test_text_without_secrets_does_not_change(line: str) -> None:
    assert mask(line) == line


@given(st.integers(0, 2**80 - 1))
def test_ids_are_never_masked(bits: int) -> None:
    name = Ids(random_bits=lambda _: bits).new("img")
    assert mask(f'{{"image": "{name}"}}') == f'{{"image": "{name}"}}'


@pytest.mark.parametrize(
    "part", ["a", "secret", "-eyJ", "a.", "+1 ", "://a:", "token ", '"\\\\', "AKIA", "-----BEGIN "]
)
def test_masking_takes_linear_time(part: str) -> None:
    """A quadratic pattern would take hours for a megabyte."""
    text = part * (1_000_000 // len(part)) + "@"
    assert len(mask(text)) <= 2 * len(text)


@given(st.text())
def test_masking_twice_changes_no_more(text: str) -> None:
    assert mask(mask(text)) == mask(text)
