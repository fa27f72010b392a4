"""Presigned URLs: ours against boto3's signer, with the credentials of a Lambda (a long session token)."""

from datetime import UTC, datetime, timedelta

import boto3
from botocore.config import Config

from argus.core.presign import Credentials, Presigner, content_disposition
from benchmarks.harness import Row, alternate

BUCKET, REGION, KEY = "argus-media", "eu-west-1", "org_01J8Z3K9Q2/images/img_01J8Z3KA7C/preview-iron.webp"
TOKEN = "IQoJb3JpZ2luX2VjEJ3//////////wEaCWV1LXdlc3QtMSJH+=" * 16
GOAL = "≥ 8×"


def run() -> list[Row]:
    return [
        *_rows("with lasting keys", Credentials("AKIDEXAMPLE", "secret")),
        *_rows("with a session token", Credentials("ASIDEXAMPLE", "secret", TOKEN, _in_an_hour())),
    ]


def _rows(variant: str, credentials: Credentials) -> list[Row]:
    ours = Presigner(
        bucket=BUCKET,
        region=REGION,
        endpoint=None,
        credentials=lambda: credentials,
        clock=lambda: datetime.now(UTC),
        window_seconds=900,
        lifetime_seconds=3600,
    )
    boto = boto3.Session(credentials.access_key, credentials.secret_key, credentials.token, REGION).client(
        "s3", config=Config(signature_version="s3v4", s3={"addressing_style": "virtual"})
    )
    everything = {
        "ResponseContentDisposition": content_disposition("tuyère 3.jpg"),
        "ResponseContentType": "image/jpeg",
        "VersionId": "3HL4kqtJlcpXroDTDmJ.rmSpXd3dIbrH",
    }

    def their_link(**options: str) -> str:
        return str(boto.generate_presigned_url("get_object", Params={"Bucket": BUCKET, "Key": KEY, **options}))

    link = alternate(lambda: ours.get(KEY), their_link, rounds=25)
    full = alternate(
        lambda: ours.get(KEY, filename="tuyère 3.jpg", content_type="image/jpeg", version_id=everything["VersionId"]),
        lambda: their_link(**everything),
        rounds=25,
    )
    form = alternate(
        lambda: ours.post(KEY, content_type="image/jpeg", size_bytes=1_000_000),
        lambda: boto.generate_presigned_post(
            BUCKET,
            KEY,
            Fields={"Content-Type": "image/jpeg"},
            Conditions=[{"Content-Type": "image/jpeg"}, ["content-length-range", 1_000_000, 1_000_000]],
        ),
        rounds=25,
    )
    return [
        link.row(f"presigned link, {variant}", peer_name="boto3", goal=GOAL),
        full.row(f"presigned link with name, type and version, {variant}", peer_name="boto3", goal=GOAL),
        form.row(f"presigned upload, {variant}", peer_name="boto3", goal=""),
    ]


def _in_an_hour() -> datetime:
    return datetime.now(UTC) + timedelta(hours=1)
