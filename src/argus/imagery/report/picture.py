"""The scanned image as reports show it."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from argus.imagery.model import Accuracy, AccuracyKind

_PIXELS = ("preview_png", "colour_bar_png")


@dataclass(frozen=True)
class Picture:
    """The metadata of the image, and a preview, which is empty if the format of the report shows no blocks."""

    preview_png: bytes
    colour_bar_png: bytes
    width: int  # in pixels, as the height
    height: int
    name: str
    low_celsius: float  # the range of the preview's colours
    high_celsius: float
    accuracy: Accuracy
    camera: str
    taken_at: datetime | None
    taken_at_local: str | None  # by the camera's clock, if its time zone is unknown
    statistics: Mapping[str, float]
    parameters: Mapping[str, Any]

    def details(self) -> dict[str, Any]:
        """The metadata, without pixels: `image` in JSON reports."""
        shown = {name: value for name, value in asdict(self).items() if name not in _PIXELS}
        return {**shown, "accuracy_note": self.accuracy_note}

    def columns(self) -> dict[str, Any]:
        """The accuracy of the temperatures, for every finding."""
        return {
            "accuracy": self.accuracy.kind.value,
            "accuracy_error_celsius": self.accuracy.error_celsius,
            "accuracy_note": self.accuracy_note,
        }

    @property
    def accuracy_note(self) -> str:
        """What a reader must know before using the temperatures; empty if they are exact."""
        if self.accuracy.kind is AccuracyKind.EXACT:
            return ""
        error = self.accuracy.error_celsius
        bound = "by an unknown amount" if error is None else f"by up to {error:g} °C, as measured on similar files"
        return (
            f"Approximate temperatures: they can differ from those of the manufacturer’s software {bound}. Use them to "
            "compare regions of this image, and not as measured values."
        )
