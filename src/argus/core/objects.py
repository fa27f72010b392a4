"""Objects in the media bucket. Keys begin with the organisation: `<organisation>/<folder>/…`."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from argus.core.aws import ClientFactory
from argus.core.errors import TooLarge, Unavailable
from argus.core.parallel import call_each

_MAX_DELETED = 1000  # objects in one call of DeleteObjects


class NoSuchObject(Unavailable):
    """A stored file is missing."""


class ObjectTooLarge(TooLarge):
    """The object is larger than the caller accepts."""


class NotDeleted(Unavailable):
    """Some objects could not be deleted."""


@dataclass(frozen=True)
class NewObject:
    """An object to store. `cache_control` is the header for browsers and CDNs."""

    key: str
    body: bytes
    content_type: str
    cache_control: str = "private, max-age=31536000, immutable"


@dataclass(frozen=True)
class StoredVersion:
    """The version and size of a stored object."""

    version_id: str  # empty in a bucket without versions
    size_bytes: int


@dataclass(frozen=True)
class Objects:
    """One bucket."""

    bucket: str
    client: ClientFactory

    def get(self, key: str, *, max_bytes: int, version_id: str | None = None) -> bytes:
        """The whole object. Raises ObjectTooLarge, without reading it, if it has more than `max_bytes`."""
        response = self._get(key, **({"VersionId": version_id} if version_id else {}))
        if response["ContentLength"] > max_bytes:
            response["Body"].close()
            raise ObjectTooLarge(size_bytes=response["ContentLength"], max_bytes=max_bytes)
        return bytes(response["Body"].read())

    def latest_version(self, key: str) -> StoredVersion:
        """The object's most recent version, for callers without an S3 event. Raises NoSuchObject."""
        client = self.client()
        try:
            response = client.head_object(Bucket=self.bucket, Key=key)
        except client.exceptions.ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] == 404:
                raise NoSuchObject(key) from error
            raise
        return StoredVersion(response.get("VersionId", ""), response["ContentLength"])

    def keep_only(self, key: str, version_id: str) -> None:
        """Delete every other version of the object. Raises NotDeleted if some remain."""
        versions = self._versions(key)
        self._delete(each for each in versions if each["Key"] == key and each["VersionId"] != version_id)

    def get_range(self, key: str, first: int, last: int) -> bytes:
        """The bytes from `first` to `last`, both included; fewer if the object ends before `last`."""
        return bytes(self._get(key, Range=f"bytes={first}-{last}")["Body"].read())

    def put(self, new: NewObject) -> None:
        self.client().put_object(
            Bucket=self.bucket,
            Key=new.key,
            Body=new.body,
            ContentType=new.content_type,
            CacheControl=new.cache_control,
        )

    def put_all(self, new: Iterable[NewObject]) -> None:
        """Store several objects in parallel."""
        call_each(self.put, new)

    def delete_under(self, prefix: str) -> None:
        """Delete every version of every object under the prefix. A delete without a version only adds a delete marker.

        Raises NotDeleted if some remain.
        """
        self._delete(self._versions(prefix))

    def _versions(self, prefix: str) -> Iterator[dict[str, str]]:
        """Every version and delete marker under the prefix, in the format of DeleteObjects."""
        pages = self.client().get_paginator("list_object_versions").paginate(Bucket=self.bucket, Prefix=prefix)
        for page in pages:
            for entry in (*page.get("Versions", ()), *page.get("DeleteMarkers", ())):
                yield {"Key": entry["Key"], "VersionId": entry["VersionId"]}

    def _delete(self, versions: Iterable[dict[str, str]]) -> None:
        """Delete versions in batches. Raises NotDeleted for those that S3 reports as failed (with status 200)."""
        remaining, errors = iter(versions), []
        while batch := list(islice(remaining, _MAX_DELETED)):
            response = self.client().delete_objects(Bucket=self.bucket, Delete={"Objects": batch, "Quiet": True})
            errors += response.get("Errors", ())
        if errors:
            raise NotDeleted(f"{len(errors)} objects; {errors[0]['Key']}: {errors[0]['Code']}")

    def _get(self, key: str, **options: Any) -> Any:
        client = self.client()
        try:
            return client.get_object(Bucket=self.bucket, Key=key, **options)
        except client.exceptions.ClientError as error:
            if error.response["Error"]["Code"] in ("NoSuchKey", "NoSuchVersion"):
                raise NoSuchObject(key) from error
            raise
