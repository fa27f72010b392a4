"""The imagery table and its keys.

| item | pk | sk | gsi1pk | gsi1sk |
|---|---|---|---|---|
| image | `<organisation>#images` | `<image>` | `due#<0-15>` while unfinished | time of the next check |

The index `state` (`state_pk`: `<organisation>#images#<state>`, `sk`) lists the images in one state, so that a rare one
among 100,000 images costs one query. An image that is being deleted is in no state.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any

from argus.core.background import WorkItemStore
from argus.core.clock import from_rfc3339, rfc3339
from argus.core.dynamo import Index, Item
from argus.core.languages import Message, message_from
from argus.core.paging import Listing
from argus.imagery.model import (
    Accuracy,
    AccuracyKind,
    Attitude,
    Bounds,
    Camera,
    Capture,
    DistanceSource,
    Flight,
    Georeference,
    Histogram,
    Image,
    ImageState,
    Laser,
    LinearScale,
    NewFile,
    Parameters,
    PixelCounts,
    Position,
    Products,
    Rtk,
    Span,
    Statistics,
    Survey,
)

_BY_STATE = Index("state", "state_pk", "sk")


@dataclass(frozen=True)
class ImageryStore(WorkItemStore[Image]):
    """Images."""

    longest_wait = timedelta(minutes=10)  # the file may be stored although its event was lost

    def list(
        self, organisation_id: str, *, limit: int, after: Item | None, states: Collection[ImageState] | None = None
    ) -> Listing[Image]:
        """Newest first, without images that are being deleted.

        A page of chosen states is shorter than `limit` if images have changed since their index entries were written.
        """
        partition = self.partition(organisation_id)
        if states is None:
            page = self.table.query_full_page(
                partition,
                newest_first=True,
                limit=limit,
                after=after,
                filter_expression="#state <> :state",
                values={":state": ImageState.DELETING.value},
            )
            return Listing([self.from_item(item) for item in page.items], page.last_key)
        partitions = {f"{partition}#{state.value}" for state in states}
        ids, last_key = self._newest_in(partitions, limit=limit, after=after)
        found = self.table.get_many((partition, image_id) for image_id in ids)
        images = [self.from_item(item) for item in found if item.get("state_pk") in partitions]
        return Listing(images, last_key)

    def _newest_in(
        self, partitions: Collection[str], *, limit: int, after: Item | None
    ) -> tuple[Sequence[str], Item | None]:
        """The ids of the newest images in these partitions of the index, and where the next page starts."""
        pages = [
            self.table.query(
                state_pk,
                index=_BY_STATE,
                newest_first=True,
                limit=limit,
                after={**after, "state_pk": state_pk} if after else None,
            )
            for state_pk in sorted(partitions)
        ]
        # An image that has just changed its state can have an entry in two partitions.
        ids = sorted({(entry["sk"], entry["pk"]) for page in pages for entry in page.items}, reverse=True)
        more = len(ids) > limit or any(page.last_key for page in pages)
        first = ids[:limit]
        last_key = {"pk": first[-1][1], "sk": first[-1][0]} if more else None
        return [image_id for image_id, _ in first], last_key

    def partition(self, organisation_id: str) -> str:
        return f"{organisation_id}#images"

    def to_attributes(self, item: Image) -> Item:
        attributes = {
            "file": asdict(item.file),
            "uploaded_by": item.uploaded_by,
            "created_at": rfc3339(item.created_at),
            "upload_until": rfc3339(item.upload_until),
            "state": item.state.value,
            "reason": asdict(item.reason) if item.reason else None,
            "object_version": item.object_version,
        }
        if item.state is not ImageState.DELETING:
            attributes["state_pk"] = f"{self.partition(item.organisation_id)}#{item.state.value}"
        return {**attributes, "products": _products_item(item.products)} if item.products else attributes

    def from_attributes(self, attributes: Item) -> Image:
        file = attributes["file"]
        return Image(
            **{
                **{name: value for name, value in attributes.items() if name != "state_pk"},
                "file": NewFile(
                    **{**file, "survey": Survey(**file["survey"]), "scale": _optional(LinearScale, file["scale"])},
                ),
                "created_at": from_rfc3339(attributes["created_at"]),
                "upload_until": from_rfc3339(attributes["upload_until"]),
                "state": ImageState(attributes["state"]),
                "reason": message_from(attributes["reason"]),
                "products": _products(attributes["products"]) if "products" in attributes else None,
            }
        )


def _products_item(products: Products) -> Item:
    taken_at = products.capture.taken_at
    capture = {**asdict(products.capture), "taken_at": rfc3339(taken_at) if taken_at else None}
    counts, edges = products.histogram.counts, products.histogram.edges_celsius
    histogram = {"counts": counts, "low_celsius": edges[0], "high_celsius": edges[-1]}
    return {**asdict(products), "capture": capture, "histogram": histogram}


def _histogram(counts: list[int], low_celsius: float, high_celsius: float) -> Histogram:
    """All bins have the same width, so two edges define them. This keeps the item within one read unit."""
    step = (high_celsius - low_celsius) / len(counts)
    return Histogram(
        tuple(counts), (*tuple(low_celsius + number * step for number in range(len(counts))), high_celsius)
    )


def _products(item: Item) -> Products:
    capture = item["capture"]
    return Products(
        **{
            **item,
            "statistics": Statistics(**item["statistics"]),
            "histogram": _histogram(**item["histogram"]),
            "bounds": Bounds(**item["bounds"]),
            "palettes": tuple(item["palettes"]),
            "pixels": PixelCounts(**item["pixels"]),
            "capture": Capture(
                **{
                    **capture,
                    "accuracy": _accuracy(**capture["accuracy"]),
                    "camera": Camera(**capture["camera"]),
                    "parameters": _parameters(capture["parameters"]),
                    "position": _optional(Position, capture["position"]),
                    "taken_at": from_rfc3339(capture["taken_at"]) if capture["taken_at"] else None,
                    "flight": _flight(capture["flight"]),
                    "limits": Span(**capture["limits"]),
                    "set_range": _optional(Span, capture["set_range"]),
                    "georeference": _optional(Georeference, capture["georeference"]),
                    "notes": tuple(Message(**each) for each in capture["notes"]),
                }
            ),
        }
    )


def _accuracy(kind: str, error_celsius: float | None) -> Accuracy:
    return Accuracy(AccuracyKind(kind), error_celsius)


def _parameters(item: Item) -> Parameters:
    source = item["distance_source"]
    return Parameters(**{**item, "distance_source": DistanceSource(source) if source else None})


def _flight(item: Item | None) -> Flight | None:
    if item is None:
        return None
    return Flight(
        **{
            **item,
            "gimbal": _optional(Attitude, item["gimbal"]),
            "aircraft": _optional(Attitude, item["aircraft"]),
            "laser": _optional(Laser, item["laser"]),
            "rtk": _optional(Rtk, item["rtk"]),
        }
    )


def _optional(kind: Any, fields: Mapping[str, Any] | None) -> Any:
    return kind(**fields) if fields else None
