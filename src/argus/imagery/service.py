"""Images: upload, processing, access and deletion."""

import logging
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from argus.core.background import FIRST_CHECK, MAX_ATTEMPTS, Background, NoAttemptsLeft
from argus.core.caller import Caller
from argus.core.clock import Clock
from argus.core.dynamo import Item
from argus.core.errors import Conflict, Invalid, NotFound
from argus.core.ids import Ids, is_id
from argus.core.languages import Message
from argus.core.objects import NewObject, NoSuchObject, Objects
from argus.core.observability import is_redelivery
from argus.core.paging import Listing
from argus.core.presign import Link, Presigner, Upload
from argus.core.queue import JobQueue
from argus.imagery.model import COG, STATES, Image, ImageState, NewFile, PixelState, Products
from argus.imagery.pixel import temperature_at
from argus.imagery.report.section import section
from argus.imagery.store import ImageryStore
from argus.reports.model import TargetSection

if TYPE_CHECKING:
    from argus.imagery.external import ExternalDecoder

MAX_FILE_BYTES = 64 * 1024 * 1024
MAX_FILES = 100
UPLOAD_GRACE = timedelta(hours=1)  # an upload may start in its last second, and its event may arrive late
CHECK_GRACE = timedelta(hours=1)  # how long failing checks continue after the end of an upload's time
CONTENT_TYPES = ("image/jpeg", "image/tiff", "application/octet-stream")  # octet-stream: FLIR's .fff

_GIVEN_UP = "processing_failed"  # the code of an image that was given up
_KEY = re.compile(r"(?P<organisation>org_\w{26})/images/(?P<image>img_\w{26})/original")
_log = logging.getLogger("argus.imagery")


class NoSuchImage(NotFound):
    """The organisation has no such image."""


class ImageNotReady(Conflict):
    """The image is not ready."""


class NotAnImageId(Invalid):
    """The text is not the id of an image."""


def canonical_id(text: str) -> str:
    """The id of an image, unchanged. Raises NotAnImageId for any other text."""
    if not is_id(text, "img"):
        raise NotAnImageId(text=text[:100])
    return text


@dataclass(frozen=True)
class Imagery:
    """Thermal images of all organisations. Methods that take a caller access only the caller's organisation."""

    store: ImageryStore
    objects: Objects
    links: Presigner
    jobs: JobQueue
    background: Background[Image]
    clock: Clock
    ids: Ids
    upload_life: timedelta
    dji_decoder: "ExternalDecoder | None" = None

    # ------------------------------------------------------------ for callers

    def request_uploads(self, caller: Caller, files: Sequence[NewFile]) -> list[tuple[Image, Upload]]:
        """Create an image for each file, with the presigned form that uploads it."""
        now = self.clock()
        images = [
            Image(
                id=self.ids.new("img"),
                organisation_id=caller.organisation_id,
                file=file,
                uploaded_by=caller.user_id,
                created_at=now,
                upload_until=now + self.upload_life + UPLOAD_GRACE,
                next_check_at=now + FIRST_CHECK,
            )
            for file in files
        ]
        uploads = [
            (image, self._upload(image)) for image in images
        ]  # first, so that an image whose form cannot be signed is not stored
        self.store.add_many(images)
        return uploads

    def get(self, caller: Caller, image_id: str) -> Image:
        image = self.store.get(caller.organisation_id, image_id) if is_id(image_id, "img") else None
        if image is None or image.state is ImageState.DELETING:
            raise NoSuchImage(image_id=image_id)
        return image

    def ready(self, caller: Caller, image_id: str) -> Image:
        """An image that is ready. Raises ImageNotReady otherwise."""
        image = self.get(caller, image_id)
        if image.state is not ImageState.READY:
            raise ImageNotReady(image_id=image_id, state=image.state.value)
        return image

    def list(
        self, caller: Caller, *, states: list[ImageState] | None, limit: int, after: Item | None
    ) -> Listing[Image]:
        return self.store.list(caller.organisation_id, states=states, limit=limit, after=after)

    def temperature(self, caller: Caller, image_id: str, *, x: int, y: int) -> tuple[float | None, PixelState]:
        """Degrees Celsius of a pixel, rounded to 0.01 as in the COG, and its state; None if it has no temperature."""
        image = self.ready(caller, image_id)
        try:
            celsius = self._value_at(image, COG, x, y)
            if celsius is not None:
                return celsius, PixelState.MEASURED
            reasons = cast(Products, image.products).pixels.reasons  # a ready image has products
            if len(reasons) == 1:
                return None, reasons[0]
            return None, list(PixelState)[int(self._value_at(image, STATES, x, y) or 0)]
        except NoSuchObject:
            self.ready(caller, image_id)  # raises NoSuchImage if it was deleted meanwhile
            raise

    def link(self, image: Image, product: str) -> Link:
        return self.links.get(image.product_key(product))

    def original_link(self, image: Image) -> Link:
        return self.links.get(image.original_key, filename=image.file.name, version_id=image.object_version or None)

    def delete(self, caller: Caller, image_id: str, *, check: Callable[[int], None]) -> None:
        """Delete an image with its original and products. `check` may reject the version that would be deleted."""
        while True:
            image = self.get(caller, image_id)
            check(image.version)
            if marked := self.store.save(image.deleting(next_check_at=self.clock() + self.background.lease)):
                break
        self._remove(marked)

    # ------------------------------------------------------------ for workers

    def arrived(self, key: str, *, object_version: str = "", size_bytes: int = 0) -> None:
        """Process a stored object. Objects whose key was not issued, and images that are final, are skipped.

        Raises NoAttemptsLeft for a redelivered message of an image that was given up. Otherwise a file that kills its
        workers would be tried again by each of its messages, without end.
        """
        image = self._at(key)
        if image is None:
            _log.warning("skipped an object whose key was not issued", extra={"key": key})
            if _KEY.fullmatch(key):
                self.objects.delete_under(key.removesuffix("original"))  # the key of an image that has been deleted
        elif image.state is ImageState.REJECTED and image.code == _GIVEN_UP and is_redelivery():
            raise NoAttemptsLeft(image.id)
        elif self._may_process(image):
            self._process(image, object_version, size_bytes)
        else:
            self._keep_processed_version(image)

    def give_up(self, key: str, **_event: Any) -> None:
        """Reject an image after the last attempt to process its file failed."""
        image = self._at(key)
        if image is not None:
            self.background.give_up(image)

    def check_upload(self, key: str) -> None:
        """Process a stored file whose event was lost; reject an image whose file was not uploaded in time."""
        image = self._at(key)
        if image is None or image.state not in (ImageState.AWAITING_UPLOAD, ImageState.PROCESSING):
            return
        try:
            stored = self.objects.latest_version(key)
        except NoSuchObject:
            if image.state is ImageState.AWAITING_UPLOAD and image.upload_until <= self.clock():
                self.background.finish(image.rejected(Message("argus.imagery", "never_uploaded")))
        else:
            self.arrived(key, object_version=stored.version_id, size_bytes=stored.size_bytes)

    def give_up_check(self, key: str) -> None:
        """Log that the last attempt of a check failed. The sweep sends more checks and finally rejects the image."""
        _log.warning("upload not checked", extra={"key": key})

    def sweep(self) -> None:
        """Check images that are not final: awaited uploads, expired leases, incomplete deletions."""
        self.background.sweep(self._check)

    def find(self, organisation_id: str, image_id: str) -> Image | None:
        """An image; None if it does not exist or is being deleted."""
        image = self.store.get(organisation_id, image_id)
        return None if image is None or image.state is ImageState.DELETING else image

    def file_name(self, organisation_id: str, image_id: str) -> str | None:
        """The file name of an image; None if the image does not exist."""
        image = self.find(organisation_id, image_id)
        return image.file.name if image else None

    def report_section(self, organisation_id: str, image_id: str, *, with_blocks: bool) -> TargetSection | None:
        """The section of an image in a report; None if the image does not exist or has no products."""
        image = self.find(organisation_id, image_id)
        if image is None or image.products is None:
            return None
        read = partial(self._product, image) if with_blocks else None
        try:
            return section(image.file.name, image.products, read)
        except NoSuchObject:
            return None  # deleted meanwhile

    def ready_in(self, organisation_id: str, image_id: str) -> Image:
        """An image that is ready. Raises NoSuchImage for any other."""
        image = self.store.get(organisation_id, image_id)
        if image is None or image.state is not ImageState.READY:
            raise NoSuchImage(image_id=image_id)
        return image

    def original(self, organisation_id: str, image_id: str) -> tuple[Image, bytes]:
        """A ready image and its original file."""
        image = self.ready_in(organisation_id, image_id)
        version_id = image.object_version or None
        try:
            return image, self.objects.get(image.original_key, max_bytes=MAX_FILE_BYTES, version_id=version_id)
        except NoSuchObject:
            self.ready_in(organisation_id, image_id)  # raises NoSuchImage if it was deleted meanwhile
            raise

    def stored_product(self, image: Image, name: str) -> bytes:
        """A product of a ready image. Raises NoSuchImage if it was deleted meanwhile."""
        try:
            return self._product(image, name)
        except NoSuchObject:
            self.ready_in(image.organisation_id, image.id)
            raise

    def add_product(self, image: Image, product: NewObject) -> None:
        """Store another product of a ready image; delete it and raise NoSuchImage if the image was deleted meanwhile.

        A deletion that begins after the check finds the product: its objects are listed later. If DynamoDB does not
        respond to the check, the product of a deleted image remains.
        """
        self.objects.put(product)
        try:
            self.ready_in(image.organisation_id, image.id)
        except NoSuchImage:
            self._clean_up_after(image)
            raise

    # ------------------------------------------------------------ inside

    def _value_at(self, image: Image, product: str, x: int, y: int) -> float | None:
        key = image.product_key(product)
        return temperature_at(lambda first, last: self.objects.get_range(key, first, last), x, y)

    def _product(self, image: Image, name: str) -> bytes:
        """A product of an image. Raises NoSuchObject."""
        return self.objects.get(image.product_key(name), max_bytes=MAX_FILE_BYTES)

    def _upload(self, image: Image) -> Upload:
        return self.links.post(
            image.original_key, content_type=image.file.content_type, size_bytes=image.file.size_bytes
        )

    def _check(self, image: Image) -> None:
        """Handle an unfinished image whose check is due."""
        match image.state:
            case ImageState.AWAITING_UPLOAD if self._checks_failed(image):
                self.background.give_up(image)
            case ImageState.AWAITING_UPLOAD:
                self.jobs.send("image.check", {"key": image.original_key})
            case ImageState.PROCESSING:
                self.background.retry(image)
            case ImageState.DELETING:
                self._remove(image)

    def _checks_failed(self, image: Image) -> bool:
        """Whether no worker could check for the file, and the time for the upload ended more than CHECK_GRACE ago."""
        return image.checks > MAX_ATTEMPTS and image.upload_until + CHECK_GRACE <= self.clock()

    def _at(self, key: str) -> Image | None:
        """The image whose original has this key."""
        match = _KEY.fullmatch(key)
        return self.store.get(match["organisation"], match["image"]) if match else None

    def _may_process(self, image: Image) -> bool:
        """Whether a delivery may process the image.

        A file may arrive after its image was rejected as never uploaded. The message of one that failed may be moved
        back from the dead-letter queue, as a new message. Any other final state stays.
        """
        retryable = image.state is ImageState.REJECTED and image.code in ("never_uploaded", _GIVEN_UP)
        return retryable or image.state in (ImageState.AWAITING_UPLOAD, ImageState.PROCESSING)

    def _keep_processed_version(self, image: Image) -> None:
        """Delete the other versions of the original, left by a form that was sent more than once.

        The lifecycle rule expires noncurrent versions, so a newer version would make the processed one expire. Each
        version has its own event, so the versions are listed only if there is one that is not processed.
        """
        if image.object_version:
            self.objects.keep_only(image.original_key, image.object_version)

    def _process(self, image: Image, object_version: str, size_bytes: int) -> None:
        from argus.imagery.processing import process  # imports numpy

        if object_version not in ("", image.object_version):
            self._keep_processed_version(image)
        claim = self.background.claim(
            replace(image, attempts=0) if image.state is ImageState.REJECTED else image,
            state=ImageState.PROCESSING,
            object_version=image.object_version
            or object_version
            or self.objects.latest_version(image.original_key).version_id,
            reason=None,
        )
        if claim is None:  # another worker holds it; if that worker stops, the sweep retries
            current = None if image.object_version else self.store.get(image.organisation_id, image.id)
            if current and current.object_version != object_version:
                self._keep_processed_version(current)  # which may have arrived at the same time
            return
        with claim:
            try:
                products = process(
                    claim.item,
                    self.objects,
                    size_bytes=size_bytes,
                    max_bytes=MAX_FILE_BYTES,
                    dji_decoder=self.dji_decoder,
                )
            except Invalid as rejection:
                claim.finish(claim.item.rejected(rejection.message))
            else:
                claim.finish(replace(claim.item, state=ImageState.READY, products=products))
        if claim.lost:
            self._clean_up_after(claim.item)

    def _clean_up_after(self, image: Image) -> None:
        """Delete the products of an image that was deleted while they were stored; not if another worker holds it."""
        current = self.store.get(image.organisation_id, image.id)
        if current is None or current.state is ImageState.DELETING:
            self.objects.delete_under(image.prefix)

    def _remove(self, image: Image) -> None:
        self.objects.delete_under(image.prefix)
        self.store.delete(image)
