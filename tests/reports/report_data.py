"""Report data for tests."""

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from io import BytesIO
from math import cos, hypot, pi, sin
from typing import Any

import numpy as np
import pytest
from PIL import Image

from argus.capabilities import installed
from argus.core.declarations import load
from argus.core.languages import Message
from argus.imagery import preview
from argus.imagery.colour_bar import colour_bar
from argus.imagery.model import UNLIMITED, Accuracy, AccuracyKind, PixelCounts
from argus.imagery.report.picture import Picture
from argus.imagery.report.section import COLUMNS, section_of
from argus.reports.data import ReportData, RuleText
from argus.reports.gather import most_severe_first
from argus.reports.model import TargetSection
from argus.scanning.model import (
    NotTested,
    Scan,
    ScanState,
    Severity,
    Status,
    Step,
    StepState,
    Target,
    TrackedFinding,
    count_by_severity,
    count_by_status,
)
from services.local.demo.scenes.pipeline import pipeline

KINDS = {name: kind for capability in installed() for name, kind in capability.targets.items()}
COLUMNS_OF_EACH_KIND = [
    pytest.param(load(kind.report_columns), id=name) for name, kind in KINDS.items() if kind.report_columns
]

NOON = datetime(2026, 3, 14, 12, 30, 15, 250_000, tzinfo=UTC)
ORGANISATION = "org_01JNORTH"
TARGET = Target("image", "img_01JPIPE")
PLUGIN = "thermal_hotspots"

RULES = {
    (PLUGIN, "hot_region"): RuleText(
        title="Region hotter than its surroundings",
        description="A connected region is warmer than its local background by more than the threshold.",
        remediation="Inspect the insulation at the marked location. Replace wet or missing insulation and its jacket, "
        "then survey again under similar weather.",
    ),
    (PLUGIN, "absolute_limit"): RuleText(
        title="Region above the absolute limit",
        description="A connected region is hotter than the limit that was set for this plant.",
        remediation="Take the part out of service if its rating is exceeded; otherwise repeat the measurement from "
        "closer.",
    ),
}


def finding(number: int = 0, **changed: Any) -> TrackedFinding:
    """A hot region as reported by the plugin thermal_hotspots; reproducible."""
    rng = random.Random(number)
    x, y, radius = rng.uniform(40, 600), rng.uniform(40, 470), rng.uniform(4, 22)
    ring = [[round(x + radius * cos(a * pi / 6), 1), round(y + 0.7 * radius * sin(a * pi / 6), 1)] for a in range(12)]
    delta = round(rng.uniform(1.5, 48), 2)
    result = TrackedFinding(
        fingerprint=f"v1:{number:064x}",
        organisation_id=ORGANISATION,
        target=TARGET,
        plugin=PLUGIN,
        rule="hot_region",
        title="Region hotter than its surroundings",
        severity=_neta(delta),
        location_key=f"{x:.1f},{y:.1f}",
        location={
            "polygon": [*ring, ring[0]],
            "centroid": [round(x, 1), round(y, 1)],
            "bounding_box": [x - radius, y - radius, x + radius, y + radius],
        },
        evidence={
            "peak_celsius": round(14 + delta, 2),
            "mean_celsius": round(14 + delta * 0.7, 2),
            "background_celsius": 14.0,
            "delta_celsius": delta,
            "area_pixels": int(pi * radius * radius * 0.7),
            "perimeter_pixels": round(2 * pi * radius * 0.86, 1),
        },
        status=rng.choice([Status.NEW, Status.UNCHANGED, Status.UNCHANGED, Status.REGRESSED]),
        scan_id="scan_01JSCAN",
        tested_at=NOON,
        first_seen_at=NOON - timedelta(days=90),
        last_seen_at=NOON,
        order=number,
    )
    return replace(result, **changed)


def _neta(delta: float) -> Severity:
    steps = ((40, Severity.CRITICAL), (20, Severity.HIGH), (10, Severity.MEDIUM), (1, Severity.LOW))
    return next((severity for above, severity in steps if delta > above), Severity.INFO)


def picture(width: int = 640, height: int = 512, *, hot: list[TrackedFinding] | None = None, **changed: Any) -> Picture:
    """A thermal image of a pipeline, with warm spots at the findings."""
    celsius, _leaks = pipeline(seed=7, width=width, height=height, leaks=0)
    rows, columns = np.mgrid[0:height, 0:width]
    for spot in hot or []:
        (x, y), box = spot.location["centroid"], spot.location["bounding_box"]
        falloff = 1 + (np.hypot((columns - x), (rows - y) / 0.7) / hypot(box[2] - x, 0) * 1.1) ** 8
        celsius += spot.evidence["delta_celsius"] / falloff
    low, high = float(celsius.min()), float(celsius.max())
    result = Picture(
        preview_png=preview.write(celsius.astype(np.float32), "iron", low=low, high=high),
        colour_bar_png=colour_bar("iron", low=low, high=high),
        width=width,
        height=height,
        name="DJI_20260314103012_0042_T.JPG",
        low_celsius=low,
        high_celsius=high,
        accuracy=Accuracy(AccuracyKind.EXACT, 0.001),
        camera="FLIR T640",
        taken_at=NOON - timedelta(hours=2),
        taken_at_local=None,
        pixels=PixelCounts(width * height),
        limits=UNLIMITED,
        set_range=None,
        notes=(),
        statistics={
            "min_celsius": low,
            "max_celsius": high,
            "mean_celsius": 13.204,
            "p5_celsius": 11.42,
            "p95_celsius": 15.9,
        },
        parameters={
            "emissivity": 0.95,
            "distance_metres": 12.0,
            "reflected_celsius": -3.5,
            "atmospheric_celsius": 8.0,
            "relative_humidity": 0.62,
            "window_celsius": 20.0,
            "window_transmission": 1.0,
        },
    )
    return replace(result, **changed)


def flat_png(width: int, height: int, colour: tuple[int, int, int] = (90, 20, 110)) -> bytes:
    buffer = BytesIO()
    Image.new("RGB", (width, height), colour).save(buffer, "PNG")
    return buffer.getvalue()


def plain_picture(**changed: Any) -> Picture:
    """A picture that is fast to create, for tests that ignore its pixels."""
    return replace(picture(64, 48, preview_png=flat_png(64, 48), colour_bar_png=flat_png(20, 64)), **changed)


def report_data(*findings: TrackedFinding, picture: Picture | None = None, **changed: Any) -> ReportData:
    """The data of a finished scan, with counts computed from the findings."""
    step = Step(
        plugin=PLUGIN,
        version="1.0.0",
        options={"delta_celsius": 3.0, "minimum_area_pixels": 12},
        state=StepState.SUCCEEDED,
        progress=1.0,
        findings=len(findings),
        started_at=NOON - timedelta(seconds=9),
        finished_at=NOON - timedelta(seconds=8),
    )
    scan = Scan(
        id="scan_01JSCAN",
        organisation_id=ORGANISATION,
        target=TARGET,
        steps=(step,),
        requested_by="usr_01JOWNER",
        created_at=NOON - timedelta(seconds=10),
        state=ScanState.SUCCEEDED,
        started_at=NOON - timedelta(seconds=9),
        finished_at=NOON - timedelta(seconds=8),
        counts=count_by_severity(findings),
        delta=count_by_status(findings),
    )
    result = ReportData(
        scan=scan,
        findings=most_severe_first(findings),
        rules=RULES,
        generated_at=NOON,
        argus_version="0.1.0",
        organisation_name="North Geothermal",
        target=section_of(picture) if picture else TargetSection(TARGET.value),
        columns=COLUMNS,
    )
    return replace(result, **changed)


def with_picture(count: int, **changed: Any) -> ReportData:
    """Data with `count` hot regions on a 640 x 512 picture that shows them."""
    findings = [finding(number) for number in range(count)]
    return report_data(*findings, picture=picture(hot=findings, **changed))


def everywhere(content: str) -> ReportData:
    """Report data with the same content in place of every external text."""
    target = Target(content, content)
    known = report_data(
        finding(
            1,
            fingerprint=content,
            organisation_id=content,
            target=target,
            scan_id=content,
            title=content,
            location_key=content,
            rule=content,
            plugin=content,
            evidence={content: content},
            severity=Severity.HIGH,
            status=Status.NEW,
        ),
        picture=plain_picture(name=content, camera=content, parameters={content: 1.0}),
        organisation_name=content,
        argus_version=content,
        rules={(content, content): RuleText(content, content, content)},
    )
    reason = Message("argus.scanning", "plugin_failed", parameters={"exception": content})
    step = replace(
        known.scan.steps[0],
        plugin=content,
        version=content,
        options={content: content},
        state=StepState.FAILED,
        reason=reason,
        not_tested=(NotTested(content, content),),
    )
    facts = {content: content}
    scan = replace(
        known.scan,
        id=content,
        organisation_id=content,
        target=target,
        requested_by=content,
        state=ScanState.FAILED,
        steps=(step,),
        reason=reason,
    )
    return replace(known, scan=scan, target=replace(known.target, facts=facts))
