"""Objects in the media bucket. Keys begin with the organisation: `org_…/images/img_…/original`."""

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from typing import Any

from argus.core.aws import ClientFactory
from argus.core.errors import TooLarge, Unavailable

_MAX_DELETED = 1000  # objects in one call of DeleteObjects


class NoSuchObject(Unavailable):
    """A stored file is missing."""


class ObjectTooLarge(TooLarge):
    """The object is larger than this reader takes."""


class NotRemoved(Unavailable):
    """Some objects could not be removed."""


@dataclass(frozen=True)
class NewObject:
    """Something to store. `cache_control` is what browsers and CDNs are told."""

    key: str
    body: bytes
    content_type: str
    cache_control: str = "private, max-age=31536000, immutable"


@dataclass(frozen=True)
class Stored:
    """What stands under a key."""

    version_id: str  # empty in a bucket without versions
    size_bytes: int


@dataclass(frozen=True)
class Objects:
    """One bucket."""

    bucket: str
    client: ClientFactory

    def get(self, key: str, *, max_bytes: int, version_id: str | None = None) -> bytes:
        """The whole object; raise `ObjectTooLarge` before reading one of more than `max_bytes`."""
        answer = self._get(key, **({"VersionId": version_id} if version_id else {}))
        if answer["ContentLength"] > max_bytes:
            answer["Body"].close()
            raise ObjectTooLarge(size_bytes=answer["ContentLength"], max_bytes=max_bytes)
        return bytes(answer["Body"].read())

    def newest(self, key: str) -> Stored:
        """The object's newest version, for those whom an event did not tell."""
        client = self.client()
        try:
            answer = client.head_object(Bucket=self.bucket, Key=key)
        except client.exceptions.ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] == 404:
                raise NoSuchObject(key) from error
            raise
        return Stored(answer.get("VersionId", ""), answer["ContentLength"])

    def keep_only(self, key: str, version_id: str) -> None:
        """Remove every other version of the object; raise `NotRemoved` when some remain."""
        under = self._versions(key)
        self._delete(each for each in under if each["Key"] == key and each["VersionId"] != version_id)

    def get_range(self, key: str, first: int, last: int) -> bytes:
        """The bytes from `first` to `last`, both included; fewer where the object ends."""
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
        """Store several at once: each takes a round trip, and they do not depend on each other."""
        with ThreadPoolExecutor(max_workers=8) as pool:
            for _ in pool.map(self.put, new):
                pass

    def delete_under(self, prefix: str) -> None:
        """Remove every object under the prefix, with all versions: in a versioned bucket a plain delete only hides.

        Raises `NotRemoved` when some remain.
        """
        self._delete(self._versions(prefix))

    def _versions(self, prefix: str) -> Iterator[dict[str, str]]:
        """Every version and delete marker under the prefix, as `_delete` takes them."""
        pages = self.client().get_paginator("list_object_versions").paginate(Bucket=self.bucket, Prefix=prefix)
        for page in pages:
            for entry in (*page.get("Versions", ()), *page.get("DeleteMarkers", ())):
                yield {"Key": entry["Key"], "VersionId": entry["VersionId"]}

    def _delete(self, versions: Iterable[dict[str, str]]) -> None:
        """Remove all that S3 will; raise `NotRemoved` for the rest, which it names in an answer of 200."""
        left, kept = iter(versions), []
        while gone := list(islice(left, _MAX_DELETED)):
            answer = self.client().delete_objects(Bucket=self.bucket, Delete={"Objects": gone, "Quiet": True})
            kept += answer.get("Errors", ())
        if kept:
            raise NotRemoved(f"{len(kept)} objects; {kept[0]['Key']}: {kept[0]['Code']}")

    def _get(self, key: str, **how: Any) -> Any:
        client = self.client()
        try:
            return client.get_object(Bucket=self.bucket, Key=key, **how)
        except client.exceptions.ClientError as error:
            if error.response["Error"]["Code"] in ("NoSuchKey", "NoSuchVersion"):
                raise NoSuchObject(key) from error
            raise
