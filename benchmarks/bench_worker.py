"""The worker's processing of a 640 × 512 image: decoding, statistics, hot spots, the GeoTIFF and a preview.

The goal is an absolute time, not a ratio: at most 60 ms of CPU after all imports. Each step has its own row, which
shows where a regression comes from.
"""

import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from argus.imagery import cog, preview
from argus.imagery.decode import decode
from argus.imagery.stats import histogram, statistics
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


@dataclass(frozen=True)
class OneImage:
    """A reader of an image that is already decoded, because decoding is measured separately."""

    image: Thermogram

    def thermogram(self, _image_id: str) -> Thermogram:
        return self.image


def run() -> list[Row]:
    data, _ = flir_scene(seed=5, leaks=LEAKS)
    image = decode(data)

    def worker() -> None:
        decoded = decode(data)
        for part in parts(decoded).values():
            part()

    measured: Mapping[str, Callable[[], object]] = {"decode": lambda: decode(data), **parts(image)}
    whole = Row("whole worker, frame of 640 × 512", measure(worker, ROUNDS) * 1e3, "", 0.0, "ms", "≤ 60 ms", 0.0)
    goals = {"hot spots": "≤ 15 ms"}
    return [
        whole,
        *(
            Row(f"of that: {name}", measure(part, ROUNDS) * 1e3, "", 0.0, "ms", goals.get(name, ""), 0.0)
            for name, part in measured.items()
        ),
    ]


def parts(image: Thermogram) -> dict[str, Callable[[], object]]:
    """The steps after decoding, by name."""
    celsius = image.celsius

    def one_preview() -> object:
        bounds = preview.bounds(celsius)
        return preview.write(celsius, PALETTE, low=bounds.low_celsius, high=bounds.high_celsius)

    return {
        "statistics and histogram": lambda: (statistics(celsius), histogram(celsius)),
        "hot spots": lambda: list(hotspots(image)),
        "GeoTIFF": lambda: cog.write(celsius, position=image.capture.position),
        "one preview": one_preview,
    }


def hotspots(image: Thermogram, **options: int) -> Iterator[Finding]:
    manifest = Catalogue.load().get("thermal_hotspots")
    tools = Tools(
        now=lambda: datetime(2026, 3, 1, tzinfo=UTC),
        log=logging.getLogger("argus.benchmark"),
        progress=lambda _share: None,
        positions=lambda _rule: PositionMatcher(),
        mark_not_tested=lambda _rule, _place=None: None,
        granted={"imagery": OneImage(image)},
    )
    return manifest.load_run()(Target("image", "img"), tools, manifest.check_options(options))
