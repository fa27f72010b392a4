"""Hot spots in a thermal image: over the local background, and over an absolute limit."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from argus.imagery.reader import images
from argus.scanning.model import Finding, Severity, Target
from argus.scanning.plugin import Tools
from argus.scanning.positions import Detection

from .background import Temperatures, background
from .outline import outline_of, perimeter
from .regions import Mask, Region, regions

# ANSI/NETA MTS, table 100.18, rise over ambient. The table counts in whole degrees; the upper ends of its classes
# close the gaps between them, so that 10.4 °C is already in the class that begins with 11.
NETA_UPPER_ENDS = ((10.0, Severity.LOW), (20.0, Severity.MEDIUM), (40.0, Severity.HIGH))

WINDOW_SHARE = 0.25  # of the longer side, unless the options say otherwise
LEAST_WINDOW_PIXELS = 32  # in pictures so small that a quarter of them holds no more than a leak

# A region may be this far from an earlier one and still be the same: more than a drone's frame is shifted by another
# calibration or threshold, less than leaks lie apart. Large regions may move by their own radius.
TOLERANCE_PIXELS = 8.0


def run(target: Target, tools: Tools, options: Mapping[str, Any]) -> Iterator[Finding]:
    """Yield a finding for each hot region: those of rule `hotspot`, then those `over_limit`, each hottest first."""
    celsius = images(tools).thermogram(target.value).celsius
    delta, limit = options["delta_celsius"], options["absolute_celsius"]
    around = background(celsius, share=_share(celsius, options["background_pixels"]), threshold=delta)
    tools.progress(0.3)
    search = _Search(celsius, around, tools, options)
    # A comparison with NaN is false: a pixel without temperature is in no region.
    yield from search.findings("hotspot", celsius - around >= delta, threshold_celsius=delta, progress=(0.3, 0.6))
    if limit is None:
        tools.mark_not_tested("over_limit")  # not looked for: what was over a limit before is not fixed by that
        return
    yield from search.findings("over_limit", celsius >= limit, threshold_celsius=limit, progress=(0.6, 0.9))


def severity(delta_celsius: float) -> Severity:
    """The NETA class of a temperature rise over ambient."""
    return next((known for end, known in NETA_UPPER_ENDS if delta_celsius <= end), Severity.CRITICAL)


def _share(celsius: Temperatures, window_pixels: int | None) -> float:
    """Of the image's longer side, how much the background's window takes."""
    longer = max(celsius.shape)
    return max(WINDOW_SHARE, LEAST_WINDOW_PIXELS / longer) if window_pixels is None else window_pixels / longer


@dataclass(frozen=True, eq=False)
class _Search:
    """One image under one set of options."""

    celsius: Temperatures
    background: Temperatures
    tools: Tools
    options: Mapping[str, Any]

    def findings(
        self, rule: str, mask: Mask, *, threshold_celsius: float, progress: tuple[float, float]
    ) -> Iterator[Finding]:
        """What breaks the rule; outlines are made one by one, as they are asked for."""
        most, min_area = self.options["max_findings"], self.options["min_area_pixels"]
        begin, end = progress
        found = []
        for region in regions(mask, self.celsius, self.background, min_area=min_area, limit=most + 1):
            self.tools.progress(begin)  # where a cancelled scan stops, and one that takes too long
            found.append(region)
        if len(found) > most:
            self.tools.log.warning("more regions than findings allowed", extra={"rule": rule, "max_findings": most})
            self.tools.mark_not_tested(rule)
            found.pop()
        detections = [Detection(*region.centroid, tolerance=_tolerance(region)) for region in found]
        positions = self.tools.positions(rule).match_all(detections)
        for done, (region, position) in enumerate(zip(found, positions, strict=True)):
            self.tools.progress(begin + (end - begin) * done / len(found))
            yield _finding(rule, region, position, threshold_celsius)


def _tolerance(region: Region) -> float:
    return max(TOLERANCE_PIXELS, float(np.sqrt(region.area_pixels / np.pi)))


def _finding(rule: str, region: Region, location_key: str, threshold_celsius: float) -> Finding:
    ring = outline_of(region.pixels(), box=region.bounding_box)
    delta = round(region.delta_celsius, 2)
    return Finding(
        rule=rule,
        location_key=location_key,
        location={
            "centroid": [round(value, 1) for value in region.centroid],
            "bounding_box": list(region.bounding_box),
            "hottest_pixel": list(region.hottest_pixel),
            "polygon": ring.astype(int).tolist(),
        },
        evidence={
            "delta_celsius": delta,
            "peak_celsius": round(region.peak_celsius, 2),
            "mean_celsius": round(region.mean_celsius, 2),
            "min_celsius": round(region.min_celsius, 2),
            "background_celsius": round(region.background_celsius, 2),
            "threshold_celsius": threshold_celsius,
            "area_pixels": region.area_pixels,
            "perimeter_pixels": round(perimeter(ring), 1),
        },
        severity=severity(delta) if rule == "hotspot" else None,
    )
