"""The PDF report of an image with 1,200 hot spots, against reportlab's platypus as its user guide uses it.

The findings are those of the plugin `thermal_hotspots` in a frame of 640 × 512 pixels. The peer is a
`SimpleDocTemplate` with a `LongTable` of `Paragraph`s: the same texts, fonts, widths, lines and compression. The last
row has no peer: it adds the picture with outlined findings, the settings, and the temperatures of the image.
"""

import random
from collections.abc import Iterator
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import Any
from xml.sax.saxutils import escape

import numpy as np
import reportlab
from pypdf import PdfReader
from reportlab.lib.pagesizes import A4
from reportlab.platypus import LongTable, Paragraph, SimpleDocTemplate

from argus.core.pdf import HEIGHT, INK, MM, MUTED, PAPER, REGULAR, WIDTH, number
from argus.core.pdf.pages import BOTTOM, LEFT, TOP
from argus.core.pdf.style import ACCENT, LINE, chip_style, style
from argus.imagery import preview
from argus.imagery.colour_bar import colour_bar
from argus.imagery.decode import decode
from argus.imagery.model import PixelCounts
from argus.imagery.report.picture import Picture
from argus.imagery.report.section import COLUMNS, section_of
from argus.imagery.stats import Distribution
from argus.imagery.thermogram import Thermogram
from argus.reports import as_pdf
from argus.reports.data import ReportData, RuleText
from argus.reports.gather import most_severe_first
from argus.reports.model import TargetSection
from argus.scanning.catalogue import Catalogue
from argus.scanning.model import (
    PRESENT,
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
from benchmarks.bench_worker import hotspots
from benchmarks.harness import Row, alternate, measure
from services.local.demo.scenes.flir import flir_scene

ROUNDS = 7
SPOTS = 40, 30  # across and down: 1,200
PLUGIN = "thermal_hotspots"
NOON = datetime(2026, 3, 14, 12, 30, tzinfo=UTC)
NAME = "DJI_20260314103012_0042_T.JPG"


def run() -> list[Row]:
    image = scene()
    findings = list(tracked(image))
    table = report(findings, TargetSection(NAME))
    whole = report(findings, section_of(picture(image)))
    ours, theirs = as_pdf.build(table), by_platypus(table)
    timing = alternate(lambda: as_pdf.build(table), lambda: by_platypus(table), ROUNDS)
    with_picture = measure(lambda: as_pdf.build(whole), ROUNDS) * 1e3
    name = f"PDF with {len(findings):,} findings, {_pages(ours)} pages"
    peer = f"platypus of reportlab {reportlab.Version}, {_pages(theirs)} pages"
    size, peer_size = len(ours) / 1000, len(theirs) / 1000
    return [
        timing.row(name, peer_name=peer, goal="≤ 600 ms"),
        Row(f"{name}: size", size, peer, peer_size, "kB", "≥ 0.97×", peer_size / size),
        Row(
            f"PDF with {len(findings):,} findings and a picture, {_pages(as_pdf.build(whole))} pages",
            with_picture,
            "",
            0.0,
            "ms",
            "≤ 600 ms",
            0.0,
        ),
    ]


def _pages(body: bytes) -> int:
    return len(PdfReader(BytesIO(body)).pages)


# ---------------------------------------------------------------- the report


def scene() -> Thermogram:
    """A frame with round spots of all severities in a grid."""
    image = decode(flir_scene(seed=3, leaks=0)[0])
    rng = random.Random(3)
    height, width = image.celsius.shape
    rows, columns = np.indices((height, width), sparse=True)
    celsius = np.full((height, width), 14.0, np.float32)
    across, down = SPOTS
    for index in range(across * down):
        x, y = (index % across + 0.5) * width / across, (index // across + 0.5) * height / down
        celsius[np.hypot(columns - x, rows - y) < rng.uniform(2.5, 5)] += rng.uniform(4, 55)
    return replace(image, celsius=celsius)


def tracked(image: Thermogram) -> Iterator[TrackedFinding]:
    rng = random.Random(5)
    rules = Catalogue.load().get(PLUGIN).rules
    for order, finding in enumerate(hotspots(image, delta_celsius=3, max_findings=SPOTS[0] * SPOTS[1])):
        yield TrackedFinding(
            fingerprint=f"v1:{order:064x}",
            organisation_id="org_01JNORTH",
            target=Target("image", "img_01JPIPE"),
            plugin=PLUGIN,
            rule=finding.rule,
            title=rules[finding.rule].title,
            severity=finding.severity or Severity.INFO,
            location_key=finding.location_key,
            location=finding.location,
            evidence=finding.evidence,
            status=rng.choice([Status.NEW, Status.UNCHANGED, Status.REGRESSED, Status.FIXED]),
            scan_id="scan_01JSCAN",
            tested_at=NOON,
            first_seen_at=NOON - timedelta(days=90),
            last_seen_at=NOON,
            order=order,
        )


def picture(image: Thermogram) -> Picture:
    temperatures, capture = Distribution.of(image.celsius), image.capture
    bounds = preview.bounds(temperatures)
    low, high = bounds.low_celsius, bounds.high_celsius
    return Picture(
        preview_png=preview.write(image.celsius, "iron", low=low, high=high),
        colour_bar_png=colour_bar("iron", low=low, high=high),
        width=capture.width,
        height=capture.height,
        name=NAME,
        low_celsius=low,
        high_celsius=high,
        accuracy=capture.accuracy,
        camera=capture.camera.model,
        taken_at=NOON,
        taken_at_local=None,
        statistics=asdict(temperatures.statistics()),
        parameters=asdict(capture.parameters),
        pixels=PixelCounts(image.celsius.size),
        limits=capture.limits,
        set_range=capture.set_range,
        notes=(),
    )


def report(findings: list[TrackedFinding], section: TargetSection) -> ReportData:
    rules = Catalogue.load().get(PLUGIN).rules
    step = Step(PLUGIN, "1.0.0", {}, state=StepState.SUCCEEDED, progress=1.0, findings=len(findings))
    scan = Scan(
        id="scan_01JSCAN",
        organisation_id="org_01JNORTH",
        target=findings[0].target,
        steps=(step,),
        requested_by="usr_01JOWNER",
        created_at=NOON,
        state=ScanState.SUCCEEDED,
        finished_at=NOON,
        counts=count_by_severity(findings),
        delta=count_by_status(findings),
    )
    return ReportData(
        scan=scan,
        findings=most_severe_first(findings),
        rules={
            (PLUGIN, name): RuleText(rule.title, rule.description, rule.remediation) for name, rule in rules.items()
        },
        generated_at=NOON,
        argus_version="0.1.0",
        organisation_name="North Geothermal",
        target=section,
        columns=COLUMNS,
    )


# ---------------------------------------------------------------- the peer


def by_platypus(data: ReportData) -> bytes:
    file = BytesIO()
    template = SimpleDocTemplate(
        file,
        pagesize=A4,
        leftMargin=LEFT - 6,  # a frame of platypus has a padding of 6 points
        rightMargin=LEFT - 6,
        topMargin=TOP - 6,
        bottomMargin=BOTTOM - 6,
        pageCompression=1,
        title=NAME,
    )

    def frame(canvas: Any, document: Any) -> None:
        canvas.setFillColor(MUTED)
        canvas.setFont(REGULAR, 7)
        canvas.drawString(LEFT, BOTTOM + HEIGHT + 9.2 * MM, f"ARGUS {data.organisation_name}")
        canvas.drawRightString(LEFT + WIDTH, BOTTOM + HEIGHT + 9.2 * MM, NAME)
        canvas.drawString(LEFT, BOTTOM - 10.2 * MM, f"Generated by Argus {data.argus_version}")
        canvas.drawRightString(LEFT + WIDTH, BOTTOM - 10.2 * MM, f"Page {document.page}")

    template.build([*_first_page(data), _table(data), *_remediations(data)], onFirstPage=frame, onLaterPages=frame)
    return file.getvalue()


def _first_page(data: ReportData) -> Iterator[Any]:
    yield _paragraph("Inspection report", "title")
    yield _paragraph(NAME, "subtitle")
    facts = {"Organisation": data.organisation_name, "Target": data.scan.target.value, "Scan": data.scan.id}
    counts = {severity: str(count) for severity, count in data.scan.counts.items()}
    for label, value in (facts | counts).items():
        yield _paragraph(f"{label}: {value}", "value")
    yield _paragraph("Findings", "heading")


def _table(data: ReportData) -> Any:
    widths = [width * MM for width in (8, 19, 0, 20, 15, 14, 15, 25)]
    widths[2] = WIDTH - sum(widths)
    headings = ("", "Severity", "Finding", "Status", "Peak\n°C", "∆T\n°C", "Area\npixels", "Location")
    head = [_paragraph(heading, "label of numbers" if "\n" in heading else "label") for heading in headings]
    rows = [_row(index, finding) for index, finding in enumerate(data.findings, start=1)]
    table = LongTable([head, *rows], colWidths=widths, repeatRows=1)
    table.setStyle(
        [
            ("VALIGN", (0, 0), (-1, -1), "TOP"),
            ("VALIGN", (0, 0), (-1, 0), "BOTTOM"),
            ("LINEBELOW", (0, 0), (-1, 0), 0.9, ACCENT),
            ("LINEBELOW", (0, 1), (-1, -1), 0.4, LINE),
            ("LEFTPADDING", (0, 0), (-1, -1), 4),
            ("LEFTPADDING", (0, 0), (0, -1), 0),
            ("RIGHTPADDING", (0, 0), (-1, -1), 4),
            ("TOPPADDING", (0, 0), (-1, -1), 3.5),
            ("BOTTOMPADDING", (0, 0), (-1, -1), 3.5),
        ]
    )
    return table


def _row(index: int, finding: TrackedFinding) -> list[Any]:
    rule = f'<font size="6.4" color="{MUTED.hexval()}">{escape(f"{finding.plugin}.{finding.rule}")}</font>'
    ink = INK if finding.severity is Severity.MEDIUM else PAPER
    cell = "cell" if finding.status in PRESENT else "faded"
    measured = [column for column in COLUMNS if column.heading]
    return [
        _paragraph(str(index), "total"),
        Paragraph(finding.severity.value.capitalize(), chip_style(as_pdf.SEVERITY_COLOURS[finding.severity], ink)),
        Paragraph(f"{escape(finding.title)}<br/>{rule}", style(cell)),
        _paragraph(finding.status.value.capitalize(), cell),
        *(_paragraph(number(finding.evidence[each.name], each.decimals or 0), "number") for each in measured),
        _paragraph(finding.location_key, "faded"),
    ]


def _remediations(data: ReportData) -> Iterator[Any]:
    yield _paragraph("What to do", "heading")
    for rule in data.rules.values():
        yield _paragraph(rule.title, "subheading")
        yield _paragraph(rule.description, "body")
        yield _paragraph(rule.remediation, "body")


def _paragraph(text: str, name: str) -> Any:
    return Paragraph(escape(text).replace("\n", "<br/>"), style(name))
