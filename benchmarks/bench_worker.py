"""The worker's processing of a 640 × 512 image: decoding, all products, hot spots.

The goal is an absolute time, not a ratio: at most 20 ms of CPU after all imports. Each step has its own row, which
shows where a regression comes from.
"""

import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from argus.imagery import cog, preview
from argus.imagery.colour_bar import colour_bar
from argus.imagery.decode import decode
from argus.imagery.model import Image, NewFile
from argus.imagery.png import with_colour_bar
from argus.imagery.processing import create_products
from argus.imagery.stats import Distribution
from argus.imagery.thermogram import Thermogram
from argus.scanning.catalogue import Catalogue
from argus.scanning.model import Finding, Target
from argus.scanning.plugin import Tools
from argus.scanning.positions import PositionMatcher
from benchmarks.harness import Row, measure
from services.local.demo.scenes.flir import flir_scene

ROUNDS = 25
LEAKS = 6
PALETTE = "iron"
TAKEN_AT = datetime(2026, 3, 1, tzinfo=UTC)
UPLOAD = Image("img_1", "org_1", NewFile("frame.jpg", 1, "image/jpeg"), "usr_1", TAKEN_AT, TAKEN_AT)


@dataclass(frozen=True)
class OneImage:
    """A reader of an image that is already decoded, because decoding is measured separately."""

    image: Thermogram

    def thermogram(self, _image_id: str) -> Thermogram:
        return self.image


def run() -> list[Row]:
    data, _ = flir_scene(seed=5, leaks=LEAKS)
    thermogram = decode(data)

    def worker() -> None:
        decoded = decode(data)
        create_products(UPLOAD, decoded)
        list(hotspots(decoded))

    measured: Mapping[str, Callable[[], object]] = {"decode": lambda: decode(data), **parts(thermogram)}
    whole = Row("whole worker, frame of 640 × 512", measure(worker, ROUNDS) * 1e3, "", 0.0, "ms", "≤ 20 ms", 0.0)
    return [
        whole,
        *(
            Row(f"of that: {name}", measure(part, ROUNDS) * 1e3, "", 0.0, "ms", "", 0.0)
            for name, part in measured.items()
        ),
    ]


def parts(thermogram: Thermogram) -> dict[str, Callable[[], object]]:
    """The steps after decoding, by name."""
    celsius = thermogram.celsius
    bounds = preview.bounds(Distribution.of(celsius))
    ends = {"low": bounds.low_celsius, "high": bounds.high_celsius}

    def measurements() -> object:
        temperatures = Distribution.of(celsius)
        return temperatures.statistics(), temperatures.histogram(), preview.bounds(temperatures)

    def picture() -> bytes:
        drawn = preview.write(celsius, PALETTE, low=ends["low"], high=ends["high"])
        return with_colour_bar(drawn, colour_bar(PALETTE, **ends))

    return {
        "statistics, histogram and bounds": measurements,
        "hot spots": lambda: list(hotspots(thermogram)),
        "GeoTIFF": lambda: cog.write(celsius, position=thermogram.capture.position),
        "preview with colour bar": picture,
    }


def hotspots(image: Thermogram, **options: int) -> Iterator[Finding]:
    manifest = Catalogue.load().get("thermal_hotspots")
    tools = Tools(
        now=lambda: TAKEN_AT,
        log=logging.getLogger("argus.benchmark"),
        progress=lambda _share: None,
        positions=lambda _rule: PositionMatcher(),
        mark_not_tested=lambda _rule, _place=None: None,
        granted={"imagery": OneImage(image)},
    )
    return manifest.load_run()(Target("image", "img"), tools, manifest.check_options(options))
