"""Finds hot spots in a thermal image: over the local background, and over an absolute limit."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from argus.imagery import ground
from argus.imagery.reader import images
from argus.scanning.model import Finding, Severity, Target
from argus.scanning.plugin import Tools
from argus.scanning.positions import Detection

from .background import Temperatures, background
from .outline import outline_of, perimeter
from .regions import Mask, Region, regions

if TYPE_CHECKING:
    from argus.imagery.thermogram import Thermogram

# ANSI/NETA MTS, table 100.18, rise over ambient. The table has whole degrees. The upper bounds of its classes close the
# gaps between them: 10.4 °C belongs to the class that starts at 11.
NETA_UPPER_BOUNDS = ((10.0, Severity.LOW), (20.0, Severity.MEDIUM), (40.0, Severity.HIGH))

WINDOW_SHARE = 0.25  # of the longer side, unless background_pixels is set
MIN_WINDOW_PIXELS = 32  # for images so small that a leak fills a quarter of them

# The maximum distance to an earlier region for the same finding: larger than the shift by another calibration or
# threshold, smaller than the distance between leaks. Large regions may move by their own radius.
TOLERANCE_PIXELS = 8.0


def run(target: Target, tools: Tools, options: Mapping[str, Any]) -> Iterator[Finding]:
    """Yield a finding for each hot region: rule `hotspot` first, then `over_limit`, each hottest first."""
    image = images(tools).thermogram(target.value)
    celsius = image.at_least  # a saturated region is at least as hot as the camera's limit
    delta, limit = options["delta_celsius"], options["absolute_celsius"]
    local_background = background(celsius, share=_share(celsius, options["background_pixels"]), threshold=delta)
    tools.progress(0.3)
    search = _Search(image, celsius, local_background, tools, options)
    # Comparisons with NaN are false, so pixels without temperature are in no region.
    yield from search.findings(
        "hotspot", celsius - local_background >= delta, threshold_celsius=delta, progress=(0.3, 0.6)
    )
    if limit is None:
        tools.mark_not_tested("over_limit")  # earlier findings over a limit do not count as fixed
        return
    highest = image.capture.limits.high_celsius
    if image.above is not None and (highest is None or limit > highest):
        tools.mark_not_tested("over_limit")  # it cannot be seen whether saturated pixels reach it
    yield from search.findings("over_limit", celsius >= limit, threshold_celsius=limit, progress=(0.6, 0.9))


def severity(delta_celsius: float) -> Severity:
    """The NETA class of a temperature rise over ambient."""
    return next((level for bound, level in NETA_UPPER_BOUNDS if delta_celsius <= bound), Severity.CRITICAL)


def _share(celsius: Temperatures, window_pixels: int | None) -> float:
    """The side of the background window as a share of the longer side of the image."""
    longer = max(celsius.shape)
    return max(WINDOW_SHARE, MIN_WINDOW_PIXELS / longer) if window_pixels is None else window_pixels / longer


@dataclass(frozen=True, eq=False)
class _Search:
    """One image with one set of options."""

    image: "Thermogram"
    celsius: Temperatures
    background: Temperatures
    tools: Tools
    options: Mapping[str, Any]

    def findings(
        self, rule: str, mask: Mask, *, threshold_celsius: float, progress: tuple[float, float]
    ) -> Iterator[Finding]:
        """The findings of a rule. Outlines are computed one by one, as the caller iterates."""
        limit, min_area = self.options["max_findings"], self.options["min_area_pixels"]
        start, end = progress
        found = []
        for region in regions(mask, self.celsius, self.background, min_area=min_area, limit=limit + 1):
            self.tools.progress(start)  # stops a scan that was cancelled or takes too long
            found.append(region)
        if len(found) > limit:
            self.tools.log.warning("more regions than findings allowed", extra={"rule": rule, "max_findings": limit})
            self.tools.mark_not_tested(rule)
            found.pop()
        detections = [Detection(*region.centroid, tolerance=_tolerance(region)) for region in found]
        positions = self.tools.positions(rule).match_all(detections)
        for done, (region, position) in enumerate(zip(found, positions, strict=True)):
            self.tools.progress(start + (end - start) * done / len(found))
            yield _finding(rule, region, position, threshold_celsius, self.image)


def _tolerance(region: Region) -> float:
    return max(TOLERANCE_PIXELS, float(np.sqrt(region.area_pixels / np.pi)))


def _finding(rule: str, region: Region, location_key: str, threshold_celsius: float, image: "Thermogram") -> Finding:
    ring = outline_of(region.pixels(), box=region.bounding_box)
    delta = round(region.delta_celsius, 2)
    placed = image.capture.georeference
    above = 0 if image.above is None else sum(int(image.above[y, x].sum()) for x, y in region.pixels())
    return Finding(
        rule=rule,
        location_key=location_key,
        location={
            "centroid": [round(value, 1) for value in region.centroid],
            "bounding_box": list(region.bounding_box),
            "hottest_pixel": list(region.hottest_pixel),
            "polygon": ring.astype(int).tolist(),
            **(ground.location(placed, region.centroid, ring.tolist()) if placed else {}),
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
            "above_range_pixels": above,  # if there are any, peak, mean and difference are lower bounds
        },
        severity=severity(delta) if rule == "hotspot" else None,
    )
