"""Uploads of files: presigned forms from Argus in batches, then the bytes to S3 in parallel."""

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
from argus.cli.formatting import clean
from argus.cli.retries import with_retries
from argus.cli.screen import Advance

# The limits of Argus: files in a request, bytes in a file.
BATCH_SIZE = 100
MAX_FILE_BYTES = 64 * 1024 * 1024
PARALLEL = 8
_CONTENT_TYPES = {".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".tif": "image/tiff", ".tiff": "image/tiff"}
_TIFF = "image/tiff"


class UploadAborted(Exception):
    """The upload was aborted."""


@dataclass(frozen=True)
class Uploaded:
    """The result for one file. `state` is `uploaded` or `rejected` until Argus reports the state of the image."""

    file: str
    image_id: str | None = None
    state: str = "uploaded"
    code: str | None = None
    reason: str | None = None
    accuracy: Mapping[str, Any] | None = None
    stats: Mapping[str, float] | None = None
    pixels: Mapping[str, int] | None = None

    def updated(self, image: Mapping[str, Any] | None) -> "Uploaded":
        """The result with the state of its image, if known."""
        if image is None:
            return self
        return replace(
            self,
            state=image["state"],
            code=image.get("code"),
            reason=image.get("reason"),
            accuracy=image.get("accuracy"),
            stats=image.get("stats"),
            pixels=image.get("pixels"),
        )


@dataclass(frozen=True)
class Uploader:
    """Uploads files with the same survey fields. `advance` receives the number of bytes sent."""

    api: Api
    survey: Mapping[str, str]
    scale: Mapping[str, float] | None  # for TIFFs that do not state what their counts mean
    laser_distance: bool  # whether the distance of a DJI drone's laser replaces the camera's setting
    advance: Advance
    stop: threading.Event = field(default_factory=threading.Event)

    def upload(self, paths: Sequence[Path]) -> Iterator[Uploaded]:
        """The result for each file, in order."""
        pool = ThreadPoolExecutor(PARALLEL)
        try:
            for start in range(0, len(paths), BATCH_SIZE):
                yield from self._upload_batch(pool, paths[start : start + BATCH_SIZE])
        finally:
            # After an error or Ctrl-C, do not wait for threads that are still sending: stop them.
            self.stop.set()
            pool.shutdown(wait=False, cancel_futures=True)

    def _upload_batch(self, pool: ThreadPoolExecutor, paths: Sequence[Path]) -> Iterator[Uploaded]:
        rejected = {path: _rejection(path) for path in paths}
        accepted = [path for path in paths if rejected[path] is None]
        forms: Sequence[Any] = ()
        if accepted:
            body: dict[str, Any] = {"files": [self._file_document(path) for path in accepted], **self.survey}
            if self.laser_distance:
                body["laser_distance"] = True
            forms = self.api.post("/uploads", body)["items"]
        uploaded = pool.map(self._upload_file, accepted, forms)
        yield from (rejected[path] or next(uploaded) for path in paths)

    def _file_document(self, path: Path) -> dict[str, Any]:
        content_type = _CONTENT_TYPES.get(path.suffix.lower(), "application/octet-stream")
        document = {"name": clean(path.name), "size": path.stat().st_size, "content_type": content_type}
        return {**document, "scale": self.scale} if self.scale and content_type == _TIFF else document

    def _upload_file(self, path: Path, form: Mapping[str, Any]) -> Uploaded:
        result = Uploaded(str(path), form["image_id"])
        upload = form["upload"]
        try:
            response = with_retries(lambda: self._post(path, upload), host=upload["url"])
        except (Unreachable, OSError) as error:
            return replace(result, state="rejected", code="not_uploaded", reason=str(error))
        if response.is_success:
            return result
        reason = _s3_reason(response.status_code, response.text)
        return replace(result, state="rejected", code="not_uploaded", reason=reason)

    def _post(self, path: Path, upload: Mapping[str, Any]) -> Any:
        with _ProgressFile(path, self.advance, self.stop) as file:
            try:
                return self.api.http.request(
                    upload["method"], upload["url"], data=upload["fields"], files={"file": ("file", file)}
                )
            except BaseException:
                self.advance(-file.read_bytes)
                raise


class _ProgressFile(io.FileIO):
    """A file that reports its progress, and whose reading can be stopped."""

    def __init__(self, path: Path, advance: Advance, stop: threading.Event) -> None:
        super().__init__(path)
        self.read_bytes = 0
        self._advance = advance
        self._stop = stop

    def read(self, size: int | None = -1, /) -> bytes:
        if self._stop.is_set():
            raise UploadAborted
        data = super().read(-1 if size is None else size) or b""
        self.read_bytes += len(data)
        self._advance(len(data))
        return data


def _rejection(path: Path) -> Uploaded | None:
    """The result for a file that Argus would reject together with its whole batch."""
    size_bytes = path.stat().st_size
    if size_bytes == 0:
        return Uploaded(str(path), state="rejected", code="empty", reason="The file is empty.")
    if size_bytes > MAX_FILE_BYTES:
        reason = f"The file has {size_bytes} bytes; at most {MAX_FILE_BYTES} (64 MiB) are accepted."
        return Uploaded(str(path), state="rejected", code="too_large", reason=reason)
    return None


def _s3_reason(status: int, xml: str) -> str:
    """S3 errors are <Error><Code/><Message/></Error>: Amazon S3 API reference, "REST error responses"."""
    match = re.search(r"<Message>([^<]*)</Message>", xml)
    return f"S3 responded with status {status}: {match[1] if match else 'no reason given.'}"
