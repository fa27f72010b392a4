"""Keys of the imagery table.

| item | pk | sk | gsi1pk | gsi1sk |
|---|---|---|---|---|
| image | `<organisation>#images` | `<image>` | `due#<0-7>` while unfinished | when to look again |
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from argus.core.clock import from_rfc3339, rfc3339
from argus.core.dynamo import ConditionFailed, Item, Table, due_shard, due_shards
from argus.core.paging import Listing
from argus.imagery.model import (
    MAX_REASON,
    Accuracy,
    Bounds,
    Camera,
    Capture,
    Histogram,
    Image,
    ImageState,
    LinearScale,
    NewFile,
    Parameters,
    Position,
    Products,
    Statistics,
    Survey,
)


def _pk(organisation_id: str) -> str:
    return f"{organisation_id}#images"


def _due(image_id: str, at: datetime) -> Item:
    return {"gsi1pk": due_shard(image_id), "gsi1sk": rfc3339(at)}


PAGE = 100  # images
MOST_OF_A_SHARD = 200  # images in one sweep: some 20 ms each, and the scheduler has 50 s for all its sweeps
_NO_LONGER_DUE = ("gsi1pk", "gsi1sk")


@dataclass(frozen=True)
class ImageryStore:
    """Images. Changes of state are conditional, so that of two workers one wins."""

    table: Table

    def add(self, images: Iterable[Image]) -> None:
        self.table.put_many({**_item(image), **_due(image.id, image.upload_until)} for image in images)

    def get(self, organisation_id: str, image_id: str) -> Image | None:
        item = self.table.get(_pk(organisation_id), image_id)
        return _image(item) if item else None

    def list(self, organisation_id: str, *, state: ImageState | None, limit: int, after: Item | None) -> Listing[Image]:
        """Newest first; without those being deleted."""
        page = self.table.query_filled(
            _pk(organisation_id),
            newest_first=True,
            limit=limit,
            after=after,
            keep="#state = :state" if state else "#state <> :state",
            values={":state": (state or ImageState.DELETING).value},
        )
        return Listing([_image(item) for item in page.items], page.last_key)

    def due(self, now: datetime) -> Iterator[Image]:
        """Unfinished images whose time has come: as many as one sweep can deal with."""
        for shard in due_shards():
            after, found = None, 0
            while found < MOST_OF_A_SHARD:
                page = self.table.query(shard, index="gsi1", up_to=rfc3339(now), limit=PAGE, after=after)
                yield from map(_image, page.items)
                after, found = page.last_key, found + len(page.items)
                if after is None:
                    break

    def look_again(self, image: Image, *, now: datetime, at: datetime) -> bool:
        """Put off an image that is due, as it was read. Of two sweeps one is told that it did.

        The version stays: it is nobody's change, and a worker that is late may still finish.
        """
        try:
            self.table.update(
                _pk(image.organisation_id),
                image.id,
                changes={"gsi1sk": rfc3339(at)},
                when="#version = :version AND #gsi1sk <= :now",
                values={":version": image.version, ":now": rfc3339(now)},
            )
        except ConditionFailed:
            return False
        return True

    def claim(self, image: Image, *, object_version: str, now: datetime, lease_until: datetime) -> Image | None:
        """Take an image for processing, unless another worker has it or it is finished. Counts the attempt."""
        return self._change(
            image,
            {
                "state": ImageState.PROCESSING.value,
                "object_version": object_version,
                "lease_until": lease_until.timestamp(),
                "attempts": image.attempts + 1,
                "code": "",
                "reason": "",
                **_due(image.id, lease_until),
            },
            when="#version = :version AND #lease_until < :now",
            values={":now": now.timestamp()},
        )

    def release(self, image: Image, *, look_again_at: datetime) -> Image | None:
        """Give up a claim, so that a retry need not wait for the lease to end."""
        return self._change(image, {"lease_until": 0, **_due(image.id, look_again_at)})

    def finish(self, image: Image, products: Products) -> Image | None:
        changes = {"state": ImageState.READY.value, "products": _products_item(products), "lease_until": 0}
        return self._change(image, changes, remove=_NO_LONGER_DUE)

    def reject(self, image: Image, *, code: str, reason: str) -> Image | None:
        told = {"code": code, "reason": reason[:MAX_REASON]}
        changes = {"state": ImageState.REJECTED.value, **told, "lease_until": 0}
        return self._change(image, changes, remove=_NO_LONGER_DUE)

    def begin_delete(self, image: Image, *, look_again_at: datetime) -> Image | None:
        return self._change(image, {"state": ImageState.DELETING.value, **_due(image.id, look_again_at)})

    def delete(self, image: Image) -> None:
        self.table.delete(_pk(image.organisation_id), image.id)

    def _change(
        self,
        image: Image,
        changes: Mapping[str, Any],
        *,
        remove: Iterable[str] = (),
        when: str = "#version = :version",
        values: Mapping[str, Any] | None = None,
    ) -> Image | None:
        """The image as it stands after the change; None when someone else has changed it since it was read."""
        try:
            item = self.table.update(
                _pk(image.organisation_id),
                image.id,
                changes={**changes, "version": image.version + 1},
                remove=remove,
                when=when,
                values={":version": image.version, **(values or {})},
            )
        except ConditionFailed:
            return None
        return _image(item)


def _item(image: Image) -> Item:
    return {
        "pk": _pk(image.organisation_id),
        "sk": image.id,
        "organisation_id": image.organisation_id,
        "file": asdict(image.file),
        "uploaded_by": image.uploaded_by,
        "created_at": rfc3339(image.created_at),
        "upload_until": rfc3339(image.upload_until),
        "state": image.state.value,
        "code": image.code,
        "reason": image.reason,
        "object_version": image.object_version,
        "lease_until": image.lease_until,
        "attempts": image.attempts,
        "version": image.version,
    }


def _image(item: Item) -> Image:
    file = item["file"]
    return Image(
        id=item["sk"],
        organisation_id=item["organisation_id"],
        file=NewFile(
            **{**file, "survey": Survey(**file["survey"]), "scale": _optional(LinearScale, file["scale"])},
        ),
        uploaded_by=item["uploaded_by"],
        created_at=from_rfc3339(item["created_at"]),
        upload_until=from_rfc3339(item["upload_until"]),
        state=ImageState(item["state"]),
        code=item["code"],
        reason=item["reason"],
        object_version=item["object_version"],
        lease_until=item["lease_until"],
        attempts=item["attempts"],
        version=item["version"],
        products=_products(item["products"]) if "products" in item else None,
    )


def _products_item(products: Products) -> Item:
    taken_at = products.capture.taken_at
    capture = {**asdict(products.capture), "taken_at": rfc3339(taken_at) if taken_at else None}
    counts, edges = products.histogram.counts, products.histogram.edges_c
    histogram = {"counts": counts, "low_c": edges[0], "high_c": edges[-1]}
    return {**asdict(products), "capture": capture, "histogram": histogram}


def _histogram(counts: list[int], low_c: float, high_c: float) -> Histogram:
    """The bins are of equal width, so two edges tell them all: the item stays within one read unit."""
    step = (high_c - low_c) / len(counts)
    return Histogram(tuple(counts), (*tuple(low_c + number * step for number in range(len(counts))), high_c))


def _products(item: Item) -> Products:
    capture = item["capture"]
    return Products(
        **{
            **item,
            "statistics": Statistics(**item["statistics"]),
            "histogram": _histogram(**item["histogram"]),
            "bounds": Bounds(**item["bounds"]),
            "palettes": tuple(item["palettes"]),
            "capture": Capture(
                **{
                    **capture,
                    "accuracy": Accuracy(capture["accuracy"]),
                    "camera": Camera(**capture["camera"]),
                    "parameters": Parameters(**capture["parameters"]),
                    "position": _optional(Position, capture["position"]),
                    "taken_at": from_rfc3339(capture["taken_at"]) if capture["taken_at"] else None,
                }
            ),
        }
    )


def _optional(kind: Any, fields: Mapping[str, Any] | None) -> Any:
    return kind(**fields) if fields else None
