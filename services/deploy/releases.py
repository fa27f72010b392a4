"""Packages in S3 by their content, and which of them run: what is needed to put an earlier one back.

`/argus/<stage>/release` in SSM holds the release that was proven last and the one before it.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from services.deploy.functions import code_hash
from services.deploy.package import content_hash


@dataclass(frozen=True)
class Release:
    """For each package its key in S3, and its hash as Lambda tells it."""

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
        """Keep the zips; a package that is there already is not sent again."""
        keys, hashes = {}, {}
        for name, path in zips.items():
            data = path.read_bytes()
            keys[name] = f"packages/{name}/{content_hash(path)}.zip"
            hashes[name] = code_hash(data)
            if not self._is_kept(keys[name]):
                self.s3.put_object(Bucket=self.bucket, Key=keys[name], Body=data, ContentType="application/zip")
        return Release(keys, hashes)

    def running(self) -> Release:
        """The release that was proven last; none before the first."""
        return self._read()[0]

    def before(self) -> Release:
        """The one before that."""
        return self._read()[1]

    def record(self, release: Release) -> None:
        """This one is proven."""
        running, before = self._read()
        newest = [release, before if release == running else running]
        self.ssm.put_parameter(
            Name=self._name, Value=json.dumps([asdict(one) for one in newest]), Type="String", Overwrite=True
        )

    def _is_kept(self, key: str) -> bool:
        found = self.s3.list_objects_v2(Bucket=self.bucket, Prefix=key, MaxKeys=1)
        return bool(found.get("KeyCount"))

    def _read(self) -> tuple[Release, Release]:
        try:
            text = self.ssm.get_parameter(Name=self._name)["Parameter"]["Value"]
        except self.ssm.exceptions.ParameterNotFound:
            return Release(), Release()
        running, before = (Release(**one) for one in json.loads(text))
        return running, before

    @property
    def _name(self) -> str:
        return f"/argus/{self.stage}/release"
