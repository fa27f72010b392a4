"""The scanned image as reports show it."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

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
    accuracy: str
    camera: str
    taken_at: datetime | None
    statistics: Mapping[str, float]
    parameters: Mapping[str, float]

    def details(self) -> dict[str, Any]:
        """The metadata, without pixels: `image` in JSON reports."""
        return {name: value for name, value in asdict(self).items() if name not in _PIXELS}
