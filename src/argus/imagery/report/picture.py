"""The scanned image as reports show it."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from argus.imagery.model import Accuracy, AccuracyKind, PixelCounts, Span

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
    pixels: PixelCounts
    limits: Span
    set_range: Span | None
    notes: Sequence[str]

    def details(self) -> dict[str, Any]:
        """The metadata, without pixels: `image` in JSON reports."""
        shown = {name: value for name, value in asdict(self).items() if name not in _PIXELS}
        return {**shown, "accuracy_note": self.accuracy_note, "range_note": self.range_note}

    def columns(self) -> dict[str, Any]:
        """The accuracy of the temperatures, for every finding."""
        return {
            "accuracy": self.accuracy.kind.value,
            "accuracy_error_celsius": self.accuracy.error_celsius,
            "accuracy_note": self.accuracy_note,
            "range_note": self.range_note,
        }

    @property
    def range_note(self) -> str:
        """How many pixels the camera could not measure, or the user did not mean to; empty if there are none."""
        pixels, limits = self.pixels, self.limits
        counts = (
            (pixels.below_range, "colder than the camera can measure", limits.low_celsius),
            (pixels.above_range, "hotter than the camera can measure", limits.high_celsius),
            (pixels.without, "without a temperature", None),
            (pixels.outside_set_range, "measured outside the range to which the camera was set", None),
        )
        parts = [f"{count:,} {what}{'' if end is None else f' ({end:g} °C)'}" for count, what, end in counts if count]
        return f"Of {self.width * self.height:,} pixels: {'; '.join(parts)}." if parts else ""

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
