"""Presigned URLs, compared with those that boto3 signs at the same instant."""

import base64
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any
from unittest.mock import patch
from urllib.parse import parse_qs, urlsplit

import boto3
import pytest
import requests
from botocore.config import Config
from botocore.session import get_session
from hypothesis import example, given, settings
from hypothesis import strategies as st
from moto.server import ThreadedMotoServer
from werkzeug.http import parse_options_header

from argus.core.presign import (
    Credentials,
    CredentialsExpired,
    Link,
    Presigner,
    Unsignable,
    content_disposition,
)

NOON = datetime(2026, 3, 14, 12, 0, 0, 250_000, tzinfo=UTC)
EMBEDDED = "http://127.0.0.1:5002"
KEY = "org_1/images/img_1/original"
LASTING = Credentials("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")


def presigner(now: datetime = NOON, *, credentials: Credentials = LASTING, **changes: Any) -> Presigner:
    plain = Presigner(
        bucket="argus-media",
        region="eu-west-1",
        endpoint=None,
        credentials=lambda: credentials,
        clock=lambda: now,
        window_seconds=900,
        lifetime_seconds=3600,
    )
    return replace(plain, **changes)


def query(link: Link) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(link.url).query, strict_parsing=True).items()}


def signed_at(link: Link) -> datetime:
    return datetime.strptime(query(link)["X-Amz-Date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)


def seconds(count: float) -> timedelta:
    return timedelta(seconds=count)


# ---------------------------------------------------------------- the same bytes as boto3


@dataclass(frozen=True)
class Boto:
    """boto3's signer for one region and addressing style, with the presigner's credentials."""

    client: Any
    credentials: Any

    def get(self, ours: Presigner, link: Link, params: dict[str, str]) -> str:
        with self._signing_at(signed_at(link), ours):
            url = self.client.generate_presigned_url(
                "get_object",
                Params={"Bucket": ours.bucket, **params},
                ExpiresIn=int(query(link)["X-Amz-Expires"]),
            )
        return str(url)

    def post(self, ours: Presigner, key: str, *, content_type: str, bytes_range: tuple[int, int]) -> tuple[str, Any]:
        with self._signing_at(ours.clock(), ours):
            form = self.client.generate_presigned_post(
                ours.bucket,
                key,
                Fields={"Content-Type": content_type},
                Conditions=[{"Content-Type": content_type}, ["content-length-range", *bytes_range]],
                ExpiresIn=ours.upload_seconds,
            )
        return form["url"], form["fields"]

    @contextmanager
    def _signing_at(self, instant: datetime, ours: Presigner) -> Iterator[None]:
        signer = ours.credentials()
        self.credentials.access_key = signer.access_key
        self.credentials.secret_key = signer.secret_key
        self.credentials.token = signer.token
        with (
            patch("botocore.auth.get_current_datetime", lambda: instant),
            patch("botocore.signers.get_current_datetime", lambda: instant),
        ):
            yield


@cache
def boto(region: str, endpoint: str | None) -> Boto:
    session = get_session()
    session.set_credentials("set", "later")
    config = Config(
        signature_version="s3v4",
        s3={"addressing_style": "path" if endpoint else "virtual", "us_east_1_regional_endpoint": "regional"},
    )
    client = boto3.Session(botocore_session=session, region_name=region).client(
        "s3", endpoint_url=endpoint, config=config
    )
    return Boto(client, session.get_credentials())


text = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=60)
keys = text | st.lists(
    st.sampled_from(
        ["org_1", "a b", "+", "~", "%2F", "%", "", "é", "漢字", "..", "?x=1", "#", "&", "=", "!*'()", "\\"]
    ),
    min_size=1,
    max_size=6,
).map("/".join).filter(bool)
signers = st.builds(
    Credentials,
    access_key=st.from_regex(r"\A(AKIA|ASIA)[A-Z0-9]{4,16}\Z"),
    secret_key=st.text("abcXYZ019+/=", min_size=1, max_size=40),
    token=st.none() | st.text("abcXYZ019+/=-_ &%é", min_size=1, max_size=80),
)
presigners = st.builds(
    lambda bucket, place, credentials, now, lifetime: presigner(
        now,
        credentials=credentials,
        bucket=bucket,
        region=place[0],
        endpoint=place[1],
        lifetime_seconds=lifetime,
        upload_seconds=lifetime,
    ),
    st.sampled_from(["argus-media", "abc", "1.2.3", "my.bucket-with.dots", "a-" * 31 + "a", "Old_Bucket"]),
    st.sampled_from(
        [
            ("us-east-1", None),
            ("eu-west-1", None),
            ("us-gov-west-1", None),
            ("cn-north-1", None),
            ("eusc-de-east-1", None),
            ("us-east-1", EMBEDDED),
            ("eu-west-1", "http://127.0.0.1:80"),
            ("eu-west-1", "https://localhost:443/"),
            ("ap-southeast-2", "https://s3.example.com"),
        ]
    ),
    signers,
    st.datetimes(datetime(2020, 1, 1), datetime(2099, 1, 1), timezones=st.just(UTC)),
    st.integers(901, 604_800),
)


# Creating boto3's client, once for each endpoint, takes longer than the deadline of hypothesis.
@settings(deadline=None)
@given(presigners, keys, st.none() | text, st.none() | text, st.none() | text)
@example(presigner(endpoint=EMBEDDED), "/leading/and//double/", 'a "b" é.jpg', "image/svg+xml; charset=utf-8", "v+/=")
def test_a_link_is_identical_to_boto3s(
    ours: Presigner, key: str, filename: str | None, content_type: str | None, version_id: str | None
) -> None:
    link = ours.get(key, filename=filename, content_type=content_type, version_id=version_id)

    params = {
        "Key": key,
        "ResponseContentDisposition": None if filename is None else content_disposition(filename),
        "ResponseContentType": content_type,
        "VersionId": version_id,
    }
    given_params = {name: value for name, value in params.items() if value is not None}
    assert link.url == boto(ours.region, ours.endpoint).get(ours, link, given_params)


@settings(deadline=None)
@given(presigners, keys, text, st.integers(0, 5 * 2**30), st.booleans())
def test_an_upload_is_identical_to_boto3s(
    ours: Presigner, key: str, content_type: str, size_bytes: int, exact: bool
) -> None:
    upload = ours.post(key, content_type=content_type, size_bytes=size_bytes, exact=exact)

    bytes_range = (size_bytes if exact else 0, size_bytes)
    theirs = boto(ours.region, ours.endpoint).post(ours, key, content_type=content_type, bytes_range=bytes_range)
    assert (upload.url, upload.fields) == theirs


def test_the_hosts_of_every_partition_match_botocore() -> None:
    partitions = get_session().get_component("data_loader").load_data("partitions")["partitions"]
    domains = {
        region: partition["outputs"]["dnsSuffix"]
        for partition in partitions
        if "-iso" not in partition["id"]  # isolated partitions are refused without an endpoint
        for region in partition["regions"]
        if not region.endswith("-global")
    }

    hosts = {region: urlsplit(presigner(region=region).get(KEY).url).netloc for region in domains}

    assert len(domains) > 30
    assert hosts == {region: f"argus-media.s3.{region}.{domain}" for region, domain in domains.items()}


# ---------------------------------------------------------------- windows and lifetimes

moments = st.datetimes(datetime(2020, 1, 1), datetime(2099, 1, 1), timezones=st.just(UTC))
lives = st.tuples(st.integers(1, 50_000), st.integers(1, 50_000)).map(lambda both: (both[0], both[0] + both[1]))


@given(moments, keys, lives)
def test_a_link_is_valid_for_longer_than_its_lifetime_less_a_window(
    now: datetime, key: str, life: tuple[int, int]
) -> None:
    window_seconds, lifetime_seconds = life

    link = presigner(now, window_seconds=window_seconds, lifetime_seconds=lifetime_seconds).get(key)

    assert seconds(lifetime_seconds - window_seconds) < link.expires_at - now <= seconds(lifetime_seconds)
    assert signed_at(link) <= now
    assert link.expires_at == signed_at(link) + seconds(int(query(link)["X-Amz-Expires"]))


@given(moments, keys, st.integers(1, 5_000))
def test_a_link_stays_the_same_for_a_window_and_then_changes(now: datetime, key: str, window_seconds: int) -> None:
    def at(moment: datetime) -> Link:
        return presigner(moment, window_seconds=window_seconds, lifetime_seconds=7_200).get(key)

    link = at(now)
    start = signed_at(link)

    assert at(start) == at(start + seconds(window_seconds - 0.001)) == link
    assert at(start + seconds(window_seconds)) != link
    assert at(start - seconds(0.001)) != link


@given(moments, keys)
def test_the_expiry_of_a_key_is_that_of_a_link_with_lasting_credentials(now: datetime, key: str) -> None:
    assert presigner(now).expiry(key) == presigner(now).get(key).expires_at


def test_links_do_not_all_change_at_once() -> None:
    starts = {signed_at(presigner().get(f"org_1/images/img_{number}/preview")) for number in range(100)}

    assert len(starts) > 80


@given(st.floats(0, 899.9), st.integers(901, 3_600), st.floats(1, 7_200))
def test_a_link_never_outlives_its_credentials(elapsed: float, lifetime_seconds: int, left_seconds: float) -> None:
    start = signed_at(presigner().get(KEY))
    now = start + seconds(elapsed)
    end = now + seconds(left_seconds)
    credentials = replace(LASTING, token="session", expires_at=end)

    link = presigner(now, credentials=credentials, lifetime_seconds=lifetime_seconds).get(KEY)

    assert now < link.expires_at <= end
    assert link.expires_at == min(start + seconds(lifetime_seconds), end.replace(microsecond=0))
    assert link.expires_at == start + seconds(int(query(link)["X-Amz-Expires"]))


def test_a_lifetime_shortened_by_the_credentials_keeps_the_link_constant_within_the_window() -> None:
    start = signed_at(presigner().get(KEY))
    credentials = replace(LASTING, expires_at=start + seconds(1_000))

    links = {presigner(start + seconds(after), credentials=credentials).get(KEY) for after in (0, 1, 450, 899.9)}

    assert [query(link)["X-Amz-Expires"] for link in links] == ["1000"]


def test_an_upload_is_valid_from_now_and_never_outlives_its_credentials() -> None:
    whole = presigner(upload_seconds=600).post(KEY, content_type="image/jpeg", size_bytes=3)
    short = presigner(credentials=replace(LASTING, expires_at=NOON + seconds(90.5))).post(
        KEY, content_type="image/jpeg", size_bytes=3
    )

    assert whole.expires_at == datetime(2026, 3, 14, 12, 10, tzinfo=UTC)
    assert short.expires_at == datetime(2026, 3, 14, 12, 1, 30, tzinfo=UTC)
    assert policy(short.fields)["expiration"] == "2026-03-14T12:01:30Z"


def policy(fields: Any) -> Any:
    return json.loads(base64.b64decode(fields["policy"]))


@pytest.mark.parametrize("late", [seconds(-1), seconds(0), timedelta(hours=9)], ids=["last second", "now", "long ago"])
def test_expired_credentials_sign_nothing(late: timedelta) -> None:
    expired = presigner(credentials=replace(LASTING, expires_at=NOON.replace(microsecond=999_999) - late - seconds(1)))

    with pytest.raises(CredentialsExpired, match="AKIDEXAMPLE expired at 2026-03-14"):
        expired.get(KEY)
    with pytest.raises(CredentialsExpired):
        expired.post(KEY, content_type="image/jpeg", size_bytes=3)


def test_new_credentials_and_a_new_day_change_the_signature_at_once() -> None:
    other = replace(LASTING, secret_key="another", token="session")

    links = [
        presigner(now, credentials=credentials).get(KEY)
        for now in (NOON, NOON + timedelta(days=1))
        for credentials in (LASTING, other)
    ]

    assert len({query(link)["X-Amz-Signature"] for link in links}) == 4


# ---------------------------------------------------------------- invalid arguments, and secrets


@pytest.mark.parametrize(
    "changes",
    [
        {"window_seconds": 0},
        {"window_seconds": 3_600},
        {"lifetime_seconds": 604_801},
        {"upload_seconds": 0},
        {"upload_seconds": 604_801},
        {"region": "eu-west-1.evil.example/"},
        {"region": "us-iso-east-1"},
        {"bucket": "a/b"},
        {"bucket": "media--eun1-az1--x-s3"},
        {"endpoint": "http://127.0.0.1:5002/path?"},
        {"endpoint": "ftp://127.0.0.1"},
    ],
    ids=lambda changes: "-".join(map(str, *changes.items())),
)
def test_an_invalid_configuration_is_rejected_before_the_first_link(changes: dict[str, Any]) -> None:
    with pytest.raises(Unsignable):
        presigner(**changes)


@pytest.mark.parametrize("key", ["", "k" * 1025, "é" * 513, "half \ud800"], ids=["empty", "long", "long utf-8", "half"])
def test_a_key_that_s3_does_not_allow_is_rejected(key: str) -> None:
    with pytest.raises(Unsignable):
        presigner().get(key)
    with pytest.raises(Unsignable):
        presigner().post(key, content_type="image/jpeg", size_bytes=3)


def test_an_upload_cannot_choose_its_key_or_have_a_negative_size() -> None:
    with pytest.raises(Unsignable):
        presigner().post("org_1/${filename}", content_type="image/jpeg", size_bytes=3)
    with pytest.raises(Unsignable):
        presigner().post(KEY, content_type="image/jpeg", size_bytes=-1)


def test_no_repr_contains_secrets_or_signatures() -> None:
    credentials = Credentials("AKIDEXAMPLE", "very-secret", "very-secret-token")
    ours = presigner(credentials=credentials)
    link, upload = ours.get(KEY), ours.post(KEY, content_type="image/jpeg", size_bytes=3)

    shown = repr([credentials, ours, link, upload])

    assert "very-secret" not in shown
    assert query(link)["X-Amz-Signature"] not in shown
    assert upload.fields["x-amz-signature"] not in shown


# ---------------------------------------------------------------- names of files


@pytest.mark.parametrize(
    ("filename", "header"),
    [
        ("FLIR0042_T.JPG", 'attachment; filename="FLIR0042_T.JPG"'),
        ("line loss (pad 3).pdf", 'attachment; filename="line loss (pad 3).pdf"'),
        ("tuyère.jpg", "attachment; filename=\"tuy_re.jpg\"; filename*=UTF-8''tuy%C3%A8re.jpg"),
        ('50% "hot".csv', "attachment; filename=\"50_ _hot_.csv\"; filename*=UTF-8''50%25%20%22hot%22.csv"),
        ("../../etc/passwd", 'attachment; filename=".._.._etc_passwd"'),
        ("a\r\nSet-Cookie: b", "attachment; filename=\"a__Set-Cookie_ b\"; filename*=UTF-8''a__Set-Cookie%3A%20b"),
        ("photo\u202egpj.exe", 'attachment; filename="photo_gpj.exe"'),
        ("a\u200b\U000e0041\u3164.jpg", 'attachment; filename="a___.jpg"'),
        ("\u2764\ufe0f.jpg", "attachment; filename=\"__.jpg\"; filename*=UTF-8''%E2%9D%A4%EF%B8%8F.jpg"),
        ("half\ud800.jpg", 'attachment; filename="half_.jpg"'),
    ],
)
def test_a_filename_is_sanitised_for_browsers(filename: str, header: str) -> None:
    assert content_disposition(filename) == header


@given(st.text(min_size=1, max_size=80))
def test_any_filename_is_one_ascii_header_that_a_parser_reads_back(filename: str) -> None:
    header = content_disposition(filename)

    kind, parameters = parse_options_header(header)
    assert header.isascii()
    assert header.isprintable()
    assert kind == "attachment"
    assert set(parameters) == {"filename"}
    assert len(parameters["filename"]) == len(filename)
    assert all(theirs in (ours, "_") for ours, theirs in zip(filename, parameters["filename"], strict=True))


# ---------------------------------------------------------------- on a real server


@pytest.fixture(scope="module")
def embedded() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


def test_an_uploaded_object_can_be_downloaded_whole_and_in_ranges(embedded: str) -> None:
    session = boto3.Session("AKIDEXAMPLE", "secret", region_name="eu-west-1")
    session.client("s3", endpoint_url=embedded).create_bucket(
        Bucket="argus-media", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"}
    )
    ours = presigner(datetime.now(UTC), endpoint=embedded)
    key, body = "org_1/tuyère 3+4/50%~/original", bytes(range(256)) * 4

    upload = ours.post(key, content_type="image/jpeg", size_bytes=len(body))
    sent = requests.request(upload.method, upload.url, data=upload.fields, files={"file": body}, timeout=100)
    link = ours.get(key, filename="tuyère.jpg", content_type="image/x-flir")
    whole = requests.get(link.url, timeout=100)
    part = requests.get(link.url, headers={"Range": "bytes=10-19"}, timeout=100)

    assert sent.status_code == 204
    assert (whole.status_code, whole.content) == (200, body)
    assert whole.headers["Content-Type"] == "image/x-flir"
    assert whole.headers["Content-Disposition"] == content_disposition("tuyère.jpg")
    assert (part.status_code, part.content) == (206, body[10:20])


def test_a_public_origin_changes_the_origin_of_a_download_and_not_its_signature() -> None:
    key = "org_a/images/img_b/products/temperature.tif"
    direct, public = presigner().get(key), presigner(public_origin="https://argus.example").get(key)
    assert public.url == direct.url.replace("https://argus-media.s3.eu-west-1.amazonaws.com/", "https://argus.example/")
    assert public.url != direct.url
    send = {"content_type": "image/jpeg", "size_bytes": 1}
    assert presigner(public_origin="https://argus.example").post(key, **send) == presigner().post(key, **send)
