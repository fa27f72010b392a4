"""Sending files: places from Argus in batches, bytes to S3 in parallel."""

import io
import re
import threading
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from argus.cli.api import Api
from argus.cli.errors import Unreachable
from argus.cli.retries import persistently
from argus.cli.screen import Tell
from argus.cli.words import clean

BATCH = 100  # files in one request, and
MAX_FILE_BYTES = 64 * 1024 * 1024  # bytes in one file: what Argus takes
PARALLEL = 8
_CONTENT_TYPES = {".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".tif": "image/tiff", ".tiff": "image/tiff"}
_TIFF = "image/tiff"


class Stopped(Exception):
    """The person at the keyboard wants no more of it."""


@dataclass(frozen=True)
class Sent:
    """What became of one file. `state` is `uploaded` or `rejected` until Argus says how the image stands."""

    file: str
    image_id: str | None = None
    state: str = "uploaded"
    code: str | None = None
    reason: str | None = None
    accuracy: str | None = None
    stats: Mapping[str, float] | None = None

    def now(self, image: Mapping[str, Any] | None) -> "Sent":
        """The file as its image stands."""
        if image is None:
            return self
        return replace(
            self,
            state=image["state"],
            code=image.get("code"),
            reason=image.get("reason"),
            accuracy=image.get("accuracy"),
            stats=image.get("stats"),
        )


@dataclass(frozen=True)
class Uploader:
    """Sends files that belong to one place in the survey. `tell` hears how many bytes went."""

    api: Api
    survey: Mapping[str, str]
    scale: Mapping[str, float] | None  # for TIFFs that do not say what their counts mean
    tell: Tell
    stop: threading.Event = field(default_factory=threading.Event)

    def send(self, paths: Sequence[Path]) -> Iterator[Sent]:
        """Every file's outcome, in order."""
        pool = ThreadPoolExecutor(PARALLEL)
        try:
            for start in range(0, len(paths), BATCH):
                yield from self._batch(pool, paths[start : start + BATCH])
        finally:
            # At the end nothing runs any more; after an error or Ctrl-C whoever is sending is not waited for.
            self.stop.set()
            pool.shutdown(wait=False, cancel_futures=True)

    def _batch(self, pool: ThreadPoolExecutor, paths: Sequence[Path]) -> Iterator[Sent]:
        unfit = {path: _unfit(path) for path in paths}
        fit = [path for path in paths if unfit[path] is None]
        places: Sequence[Any] = ()
        if fit:
            body = {"files": [self._wire(path) for path in fit], **self.survey}
            places = self.api.post("/uploads", body)["items"]
        sent = pool.map(self._one, fit, places)
        yield from (unfit[path] or next(sent) for path in paths)

    def _wire(self, path: Path) -> dict[str, Any]:
        content_type = _CONTENT_TYPES.get(path.suffix.lower(), "application/octet-stream")
        wire = {"name": clean(path.name), "size": path.stat().st_size, "content_type": content_type}
        return {**wire, "scale": self.scale} if self.scale and content_type == _TIFF else wire

    def _one(self, path: Path, place: Mapping[str, Any]) -> Sent:
        sent = Sent(str(path), place["image_id"])
        upload = place["upload"]
        try:
            response = persistently(lambda: self._post(path, upload), where=upload["url"])
        except (Unreachable, OSError) as error:
            return replace(sent, state="rejected", code="not_uploaded", reason=str(error))
        if response.is_success:
            return sent
        return replace(
            sent, state="rejected", code="not_uploaded", reason=_s3_reason(response.status_code, response.text)
        )

    def _post(self, path: Path, upload: Mapping[str, Any]) -> Any:
        with _Watched(path, self.tell, self.stop) as file:
            try:
                return self.api.http.request(
                    upload["method"], upload["url"], data=upload["fields"], files={"file": ("file", file)}
                )
            except BaseException:
                self.tell(-file.told)
                raise


class _Watched(io.FileIO):
    """A file that tells how much of it was read, and can be stopped."""

    def __init__(self, path: Path, tell: Tell, stop: threading.Event) -> None:
        super().__init__(path)
        self.told = 0
        self._tell = tell
        self._stop = stop

    def read(self, size: int | None = -1, /) -> bytes:
        if self._stop.is_set():
            raise Stopped
        data = super().read(-1 if size is None else size) or b""
        self.told += len(data)
        self._tell(len(data))
        return data


def _unfit(path: Path) -> Sent | None:
    """What Argus would refuse for certain, and with it the whole batch."""
    size = path.stat().st_size
    if size == 0:
        return Sent(str(path), state="rejected", code="empty", reason="the file is empty")
    if size > MAX_FILE_BYTES:
        return Sent(str(path), state="rejected", code="too_large", reason=f"the file has {size} bytes, over 64 MiB")
    return None


def _s3_reason(status: int, xml: str) -> str:
    """S3 answers with <Error><Code/><Message/>: Amazon S3 API reference, "REST error responses"."""
    found = re.search(r"<Message>([^<]*)</Message>", xml)
    return f"S3 answered {status}: {found[1] if found else 'no reason given'}"
