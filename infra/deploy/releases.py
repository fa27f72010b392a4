"""Releases: the packages in S3, named by their content, and which of them are deployed; used for rollbacks.

The SSM parameter `/argus/<stage>/release` holds the current release, which was the last to pass its smoke test, and the
previous one.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from infra.deploy.functions import code_hash
from infra.deploy.package import content_hash


@dataclass(frozen=True)
class Release:
    """For each package its key in S3, and its hash as Lambda returns it."""

    keys: Mapping[str, str] = field(default_factory=dict)
    hashes: Mapping[str, str] = field(default_factory=dict)

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
        keys, hashes = {}, {}
        for name, path in zips.items():
            data = path.read_bytes()
            keys[name] = f"packages/{name}/{content_hash(path)}.zip"
            hashes[name] = code_hash(data)
            if not self._is_stored(keys[name]):
                self.s3.put_object(Bucket=self.bucket, Key=keys[name], Body=data, ContentType="application/zip")
        return Release(keys, hashes)

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

    def _is_stored(self, key: str) -> bool:
        found = self.s3.list_objects_v2(Bucket=self.bucket, Prefix=key, MaxKeys=1)
        return bool(found.get("KeyCount"))

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
