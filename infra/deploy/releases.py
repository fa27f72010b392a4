"""Releases: the packages in S3, named by their content, and which of them are deployed; used for rollbacks.

A package is identified by its content. Machines with different versions of zlib write the same content as different
bytes: the one that was stored first stays, and S3's checksum of it is the hash that Lambda must report. Packages never
expire, because a package that did not change is not uploaded again.

The SSM parameter `/argus/<stage>/release` holds the current release, which was the last to pass its smoke test, and the
previous one.
"""

import json
import subprocess
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from argus.core.errors import ArgusError
from infra.deploy.functions import code_hash
from infra.deploy.package import ROOT, content_hash


class PackageMissing(ArgusError):
    """A package of a release is no longer stored."""


@dataclass(frozen=True)
class Release:
    """For each package its key in S3, and its hash as Lambda returns it; and the commit that it was built from."""

    keys: Mapping[str, str] = field(default_factory=dict)
    hashes: Mapping[str, str] = field(default_factory=dict)
    commit: str = field(default="", compare=False)  # of the checkout; empty if it is unknown

    def __bool__(self) -> bool:
        return bool(self.keys)


@dataclass(frozen=True)
class Releases:
    """The releases of one stage."""

    stage: str
    ssm: Any
    s3: Any
    bucket: str

    def store(self, zips: Mapping[str, Path]) -> Release:
        """Upload the zips; a package that is already stored is not uploaded again."""
        keys = {name: f"packages/{name}/{content_hash(path)}.zip" for name, path in zips.items()}
        hashes = {name: self._stored(keys[name]) or self._upload(keys[name], zips[name]) for name in keys}
        return Release(keys, hashes, _commit())

    def check(self, release: Release) -> None:
        """Raises PackageMissing unless all packages of the release are stored."""
        missing = [key for key in release.keys.values() if self._stored(key) is None]
        if missing:
            raise PackageMissing(
                f"{', '.join(missing)} was deleted from {self.bucket}. Check out that release's commit, and deploy it."
            )

    def current(self) -> Release:
        """The release that passed its smoke test last; empty before the first one."""
        return self._read()[0]

    def previous(self) -> Release:
        """The release before the current one; empty if there is none."""
        return self._read()[1]

    def record(self, release: Release) -> None:
        """Record that this release passed its smoke test."""
        current, previous = self._read()
        newest = [release, previous if release == current else current]
        self.ssm.put_parameter(
            Name=self._name, Value=json.dumps([asdict(one) for one in newest]), Type="String", Overwrite=True
        )

    def _upload(self, key: str, path: Path) -> str:
        data = path.read_bytes()
        checksum = code_hash(data)  # S3 rejects other bytes, and returns it with the object
        self.s3.put_object(
            Bucket=self.bucket,
            Key=key,
            Body=data,
            ContentType="application/zip",
            ChecksumAlgorithm="SHA256",
            ChecksumSHA256=checksum,
        )
        return checksum

    def _stored(self, key: str) -> str | None:
        """The hash of the stored package as Lambda returns it: empty if S3 has none, None without a package."""
        try:
            found = self.s3.head_object(Bucket=self.bucket, Key=key, ChecksumMode="ENABLED")
        except ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] == HTTPStatus.NOT_FOUND:
                return None
            raise
        return str(found.get("ChecksumSHA256", ""))

    def _read(self) -> tuple[Release, Release]:
        try:
            text = self.ssm.get_parameter(Name=self._name)["Parameter"]["Value"]
        except self.ssm.exceptions.ParameterNotFound:
            return Release(), Release()
        current, previous = (Release(**one) for one in json.loads(text))
        return current, previous

    @property
    def _name(self) -> str:
        return f"/argus/{self.stage}/release"


def _commit() -> str:
    """The hash of the checked-out commit, marked if files differ from it; empty without git. Tags are ignored."""
    try:
        done = subprocess.run(
            ["git", "describe", "--always", "--exclude=*", "--abbrev=12", "--dirty"],  # noqa: S607 — the operator's own git
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
    except FileNotFoundError:
        return ""
    return done.stdout.strip()
