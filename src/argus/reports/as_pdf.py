"""A report as PDF: A4 pages with summary, image with marked findings, settings, findings and remediation.

Equal data makes equal bytes. External text (names, titles, evidence) is truncated to a length that fits a page, and
never interpreted as markup. See `argus.reports.typesetting` for characters that the typeface does not contain.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from reportlab.lib.units import mm
from reportlab.platypus import Paragraph, Table

from argus.reports import pdf_picture, typesetting
from argus.reports.data import ReportData
from argus.reports.model import Picture
from argus.reports.pdf_pages import BOTTOM, HEIGHT, LEFT, WIDTH, Drawing, Item, Metadata, write
from argus.scanning.model import PRESENT, ScanState, Severity, Status, StepState, TrackedFinding

MAX_FINDINGS = 2_000  # in the table, about 80 pages; CSV and JSON have all

_BUTT = 0  # line cap: lines end exactly at their end points

_SETTINGS: Mapping[str, tuple[str, Callable[[Any], str]]] = {
    "emissivity": ("Emissivity", lambda value: typesetting.number(value, 2)),
    "distance_metres": ("Distance", lambda value: typesetting.number(value, 1, "m")),
    "reflected_celsius": ("Reflected temperature", lambda value: typesetting.number(value, 1, "°C")),
    "atmospheric_celsius": ("Atmospheric temperature", lambda value: typesetting.number(value, 1, "°C")),
    "relative_humidity": ("Relative humidity", lambda value: _percent(value)),
    "window_celsius": ("Window temperature", lambda value: typesetting.number(value, 1, "°C")),
    "window_transmission": ("Window transmission", lambda value: typesetting.number(value, 2)),
}
_STATISTICS: Mapping[str, tuple[str, Callable[[Any], str]]] = {
    key: (label, lambda value: typesetting.number(value, 1, "°C"))
    for key, label in (
        ("min_celsius", "Coldest pixel"),
        ("p5_celsius", "5th percentile"),
        ("mean_celsius", "Mean"),
        ("p95_celsius", "95th percentile"),
        ("max_celsius", "Hottest pixel"),
    )
}
_MEASUREMENTS = (  # key, heading, decimals, millimetres
    ("peak_celsius", "Peak<br/>°C", 1, 15),
    ("delta_celsius", "∆T<br/>°C", 1, 14),
    ("area_pixels", "Area<br/>pixels", 0, 15),
)
_STATUS_LABELS = {
    Status.NEW: "New",
    Status.UNCHANGED: "Unchanged",
    Status.REGRESSED: "Regressed",
    Status.FIXED: "Fixed",
    Status.NOT_TESTED: "Not tested",
}
_ENDED = {
    ScanState.SUCCEEDED: "ended, but a plugin failed",
    ScanState.FAILED: "failed",
    ScanState.CANCELLED: "was cancelled",
}
_APPROXIMATE = (
    "The calibration of this camera is known only to its manufacturer's software. These values are a public "
    "approximation that can be wrong by several degrees. Use them to compare regions of this image, not as measured "
    "values."
)
_EXACT = (
    "Temperatures are computed from the calibration in the file and the settings below. Their accuracy depends on "
    "these settings, mainly on the emissivity."
)
_ACCURACY = {
    "approximate": ("Approximate temperatures.", _APPROXIMATE),
    "exact": ("Exact conversion.", _EXACT),
}


def build(data: ReportData) -> bytes:
    return _Report(data).build()


@dataclass
class _Report:
    """The layout of one report."""

    data: ReportData
    typesetter: typesetting.Typesetter = field(default_factory=typesetting.Typesetter)

    def build(self) -> bytes:
        data = self.data
        items = list(self._items())
        if self.typesetter.replaced:
            items.append(Item(self.typesetter.paragraph(_REPLACED, "small"), space_before=6 * mm))
        metadata = Metadata(
            title=f"{self._title()}: {self._subject()}",
            author=self.typesetter.line(data.organisation_name),
            subject=f"Scan {self.typesetter.line(data.scan.id)}",
            creator=f"Argus {self.typesetter.line(data.argus_version)}",
            created=f"D:{data.generated_at.astimezone(UTC):%Y%m%d%H%M%S}Z",
        )
        return write(items, self._frame, metadata)

    def _items(self) -> Iterator[Item]:
        yield from self._head()
        yield from self._summary()
        yield from self._warnings()
        if self.data.picture:
            yield from self._picture(self.data.picture)
            yield from self._settings(self.data.picture)
        yield from self._findings()
        yield from self._remediations()
        yield from self._steps()

    # ------------------------------------------------------------ header and footer

    def _frame(self, canvas: Any, page: int, pages: int) -> None:
        right, top, bottom = LEFT + WIDTH, BOTTOM + HEIGHT + 7 * mm, BOTTOM - 6 * mm
        canvas.setStrokeColor(typesetting.LINE)
        canvas.setLineWidth(0.6)
        canvas.line(LEFT, top, right, top)
        canvas.line(LEFT, bottom, right, bottom)
        canvas.setFillColor(typesetting.ACCENT)
        canvas.setFont(typesetting.BOLD, 8)
        canvas.drawString(LEFT, top + 2.2 * mm, "ARGUS")
        canvas.setFillColor(typesetting.MUTED)
        canvas.setFont(typesetting.REGULAR, 7)
        canvas.drawString(LEFT + 14 * mm, top + 2.2 * mm, self.typesetter.line(self.data.organisation_name, limit=45))
        canvas.drawRightString(right, top + 2.2 * mm, self.typesetter.line(self._subject(), limit=45))
        footer = f"Generated {typesetting.moment(self.data.generated_at)} by Argus {self.data.argus_version}"
        canvas.drawString(LEFT, bottom - 4.2 * mm, self.typesetter.line(footer, limit=110))
        canvas.drawRightString(right, bottom - 4.2 * mm, f"Page {page} of {pages}")

    def _title(self) -> str:
        return "Thermal inspection report" if self.data.picture else "Inspection report"

    def _subject(self) -> str:
        name, target = self.data.target.name, self.data.scan.target
        return self.typesetter.line(f"{target.kind} {target.value}" if name == target.value else name, limit=120)

    # ------------------------------------------------------------ first page

    def _head(self) -> Iterator[Item]:
        scan, picture = self.data.scan, self.data.picture
        yield Item(Paragraph(self._title(), typesetting.style("title")))
        yield Item(self.typesetter.paragraph(self._subject(), "subtitle"), space_before=1)
        facts = [
            ("Organisation", self.data.organisation_name),
            ("Target", f"{scan.target.kind} {scan.target.value}"),
            ("Scan", scan.id),
            ("Finished", typesetting.moment(scan.finished_at)),
        ]
        if picture:
            facts += [
                ("Camera", picture.camera or "not in the file"),
                ("Taken", typesetting.moment(picture.taken_at)),
                ("Image size", f"{picture.width} × {picture.height} pixels"),
                ("Temperatures", picture.accuracy),
            ]
        facts += [(label, _fact(value)) for label, value in self.data.target.facts.items()]
        yield Item(self._grid(facts, columns=4), space_before=3 * mm)

    def _summary(self) -> Iterator[Item]:
        counts = self.data.scan.counts
        tiles = [
            [
                Paragraph(str(counts.get(severity, 0)), typesetting.style("tile")),
                Paragraph(severity.value.capitalize(), typesetting.style("label")),
            ]
            for severity in reversed(Severity)
        ]
        table = Table([tiles], colWidths=[WIDTH / len(tiles)] * len(tiles))
        table.setStyle(
            [
                ("BACKGROUND", (0, 0), (-1, -1), typesetting.SHADE),
                ("LEFTPADDING", (0, 0), (-1, -1), 9),
                ("TOPPADDING", (0, 0), (-1, -1), 5),
                ("BOTTOMPADDING", (0, 0), (-1, -1), 6),
                ("INNERGRID", (0, 0), (-1, -1), 3, typesetting.PAPER),
                *(
                    ("LINEABOVE", (column, 0), (column, 0), 3, typesetting.SEVERITY_COLOURS[severity], _BUTT)
                    for column, severity in enumerate(reversed(Severity))
                ),
            ]
        )
        yield Item(table, space_before=4 * mm)
        yield Item(Paragraph(self._delta(), typesetting.style("body")), space_before=2.5 * mm)

    def _delta(self) -> str:
        present = sum(self.data.scan.counts.values())
        changes = [
            f"<b>{count}</b> {_STATUS_LABELS[status].lower()}"
            for status in Status
            if (count := self.data.scan.delta.get(status, 0))
        ]
        total = f"{_counted(present, 'finding')} present" if present else "Nothing was found."
        compared = f"Since the previous scan of this target: {', '.join(changes)}." if changes else ""
        return f"<b>{total}{'.' if present else ''}</b> {compared}"

    def _warnings(self) -> Iterator[Item]:
        scan, picture = self.data.scan, self.data.picture
        failed = [step for step in scan.steps if step.state is StepState.FAILED]
        if scan.state is not ScanState.SUCCEEDED or failed:
            reasons = [scan.reason.sentence()] if scan.reason else []
            reasons += [f"{step.plugin}: {step.reason.sentence()}" for step in failed if step.reason]
            why = self.typesetter.markup(" ".join(reasons), limit=600)
            end = _ENDED.get(scan.state, "has not ended")
            yield self._note("This scan is incomplete.", f"It {end}. {why}", caution=True)
        if picture and picture.accuracy in _ACCURACY:
            yield self._note(*_ACCURACY[picture.accuracy], caution=picture.accuracy == "approximate")

    def _note(self, lead: str, text: str, *, caution: bool) -> Item:
        colour, shade = (
            (typesetting.CAUTION, typesetting.CAUTION_SHADE) if caution else (typesetting.LINE, typesetting.SHADE)
        )
        table = Table([[Paragraph(f"<b>{lead}</b> {text}", typesetting.style("value"))]], colWidths=[WIDTH])
        table.setStyle(
            [
                ("BACKGROUND", (0, 0), (-1, -1), shade),
                ("LINEBEFORE", (0, 0), (0, -1), 3, colour, _BUTT),
                ("LEFTPADDING", (0, 0), (-1, -1), 9),
                ("TOPPADDING", (0, 0), (-1, -1), 5),
                ("BOTTOMPADDING", (0, 0), (-1, -1), 6),
            ]
        )
        return Item(table, space_before=3 * mm)

    # ------------------------------------------------------------ the image

    def _picture(self, picture: Picture) -> Iterator[Item]:
        marks = [
            pdf_picture.Mark(number, finding.severity, finding.location)
            for number, finding in self._numbered()
            if finding.status in PRESENT
        ]
        drawing = pdf_picture.drawing(picture, marks)
        colour_range = (
            f"{typesetting.number(picture.low_celsius, 1)} to {typesetting.number(picture.high_celsius, 1, '°C')}"
        )
        caption = f"Colours range from {colour_range}. Pixels outside this range have the colour of the nearer limit."
        if marks:
            caption += " Outlined regions have the numbers of the findings table"
            has_more = len(marks) > pdf_picture.MAX_LABELS
            caption += f", for the {pdf_picture.MAX_LABELS} most severe where there is room." if has_more else "."
        yield Item(drawing, space_before=4 * mm, with_next=12 * mm)
        yield Item(Paragraph(caption, typesetting.style("caption")), space_before=2 * mm)

    def _settings(self, picture: Picture) -> Iterator[Item]:
        yield self._heading("Measurement settings", with_next=13 * mm)
        yield Item(self._grid(self._measurements(picture.parameters, _SETTINGS), columns=4), space_before=2 * mm)
        yield self._heading("Temperatures in the image", with_next=13 * mm)
        yield Item(self._grid(self._measurements(picture.statistics, _STATISTICS), columns=5), space_before=2 * mm)

    def _measurements(
        self, values: Mapping[str, float], labels: Mapping[str, tuple[str, Callable[[Any], str]]]
    ) -> list[tuple[str, str]]:
        """Values with a label in the order of the labels, then the other values under their keys."""
        labelled = [(label, show(values[key])) for key, (label, show) in labels.items() if key in values]
        return labelled + [(key, typesetting.number(value, 3)) for key, value in values.items() if key not in labels]

    # ------------------------------------------------------------ the findings

    def _numbered(self) -> Iterator[tuple[int, TrackedFinding]]:
        return enumerate(self.data.findings, start=1)

    def _findings(self) -> Iterator[Item]:
        yield self._heading("Findings")
        if not self.data.findings:
            yield Item(Paragraph("The scan has no findings.", typesetting.style("body")), space_before=1.5 * mm)
            return
        keys = {key for finding in self.data.findings for key in finding.evidence}
        measured = [column for column in _MEASUREMENTS if column[0] in keys]
        head = [
            *(Paragraph(heading, typesetting.style("label")) for heading in ("", "Severity", "Finding", "Status")),
            *(Paragraph(heading, typesetting.style("label of numbers")) for _, heading, _, _ in measured),
            Paragraph("Location", typesetting.style("label")),
        ]
        rows = [self._row(number, finding, measured) for number, finding in self._numbered() if number <= MAX_FINDINGS]
        location_width = 25 * mm if measured else 55 * mm
        fixed = [8 * mm, 19 * mm, 20 * mm, *(width * mm for *_, width in measured), location_width]
        widths = [*fixed[:2], WIDTH - sum(fixed), *fixed[2:]]
        table = Table([head, *rows], colWidths=widths, repeatRows=1)
        table.setStyle(
            [
                ("VALIGN", (0, 0), (-1, -1), "TOP"),
                ("VALIGN", (0, 0), (-1, 0), "BOTTOM"),
                ("LINEBELOW", (0, 0), (-1, 0), 0.9, typesetting.ACCENT),
                ("LINEBELOW", (0, 1), (-1, -1), 0.4, typesetting.LINE),
                ("FONT", (0, 1), (0, -1), typesetting.BOLD, 7.4, 9.6),
                ("FONT", (4, 1), (-2, -1), typesetting.REGULAR, 7.4, 9.6),
                ("TEXTCOLOR", (0, 1), (-1, -1), typesetting.INK),
                ("ALIGN", (4, 1), (-2, -1), "RIGHT"),
                ("LEFTPADDING", (0, 0), (-1, -1), 4),
                ("LEFTPADDING", (0, 0), (0, -1), 0),
                ("RIGHTPADDING", (0, 0), (-1, -1), 4),
                ("TOPPADDING", (0, 0), (-1, -1), 3.5),
                ("BOTTOMPADDING", (0, 0), (-1, -1), 3.5),
            ]
        )
        yield Item(table, space_before=1.5 * mm)
        left = len(self.data.findings) - len(rows)
        if left:
            more = f"{_counted(left, 'more finding')} of lower severity: see the CSV or JSON report of this scan."
            yield Item(Paragraph(more, typesetting.style("body")), space_before=2 * mm)

    def _row(self, number: int, finding: TrackedFinding, measured: Sequence[tuple[str, str, int, int]]) -> list[Any]:
        present = finding.status in PRESENT
        rule = self.typesetter.markup(f"{finding.plugin}.{finding.rule}", limit=100)
        title = Paragraph(
            f'{self.typesetter.markup(finding.title)}<br/><font size="6.4" color="#61707f">{rule}</font>',
            typesetting.style("cell" if present else "faded"),
        )
        return [
            str(number),
            Paragraph(finding.severity.value.capitalize(), typesetting.chip_style(finding.severity)),
            title,
            Paragraph(_STATUS_LABELS[finding.status], typesetting.style("cell" if present else "faded")),
            *(typesetting.number(finding.evidence.get(key), decimals) for key, _, decimals, _ in measured),
            self.typesetter.paragraph(finding.location_key or typesetting.MISSING, "faded", limit=120),
        ]

    # ------------------------------------------------------------ remediation, scan details

    def _remediations(self) -> Iterator[Item]:
        numbers_by_rule: dict[tuple[str, str], list[int]] = {}
        for number, finding in self._numbered():
            if finding.status is not Status.FIXED:
                numbers_by_rule.setdefault((finding.plugin, finding.rule), []).append(number)
        described = [(key, numbers) for key, numbers in numbers_by_rule.items() if key in self.data.rules]
        if described:
            yield self._heading("What to do")
        for key, numbers in described:
            rule = self.data.rules[key]
            lead = Paragraph(
                f"{self.typesetter.markup(rule.title)} "
                f'<font name="{typesetting.REGULAR}" color="#61707f">({_finding_list(numbers)})</font>',
                typesetting.style("subheading"),
            )
            yield Item(lead, space_before=2.5 * mm, with_next=14 * mm)
            yield Item(self.typesetter.paragraph(rule.description, "body", limit=4000), space_before=0.5 * mm)
            yield Item(
                Paragraph(
                    f"<b>Remediation.</b> {self.typesetter.markup(rule.remediation, limit=4000)}",
                    typesetting.style("body"),
                ),
                space_before=1 * mm,
            )

    def _steps(self) -> Iterator[Item]:
        yield self._heading("How it was scanned")
        for step in self.data.scan.steps:
            options = ", ".join(f"{name} = {value}" for name, value in sorted(step.options.items())) or "defaults"
            result = f"{step.plugin} {step.version}: {step.state.value}, {_counted(step.findings, 'finding')}."
            text = f"<b>{self.typesetter.markup(result)}</b> Options: {self.typesetter.markup(options, limit=1500)}."
            if step.not_tested:
                rules = ", ".join(map(str, step.not_tested))
                text += f" <b>Not fully tested:</b> {self.typesetter.markup(rules, limit=1500)}."
            yield Item(Paragraph(text, typesetting.style("body")), space_before=1.5 * mm)

    # ------------------------------------------------------------ components

    def _heading(self, text: str, *, with_next: float = 24 * mm) -> Item:
        """A heading, with an entry in the outline of the document."""
        paragraph = Paragraph(text, typesetting.style("heading"))

        def draw(canvas: Any, x: float, y: float) -> None:
            paragraph.wrapOn(canvas, WIDTH, HEIGHT)
            paragraph.drawOn(canvas, x, y)
            canvas.bookmarkHorizontal(text, 0, y + 20)
            canvas.addOutlineEntry(text, text, level=0)

        return Item(Drawing(typesetting.style("heading").leading, draw), space_before=5.5 * mm, with_next=with_next)

    def _grid(self, facts: Sequence[tuple[str, str]], *, columns: int) -> Table:
        """Facts in columns, each below its label."""
        cells = [
            [self.typesetter.paragraph(label, "label", limit=60), self.typesetter.paragraph(value, "value", limit=200)]
            for label, value in facts
        ]
        cells += [[] for _ in range(-len(cells) % columns or (0 if cells else columns))]
        rows = [cells[start : start + columns] for start in range(0, len(cells), columns)]
        table = Table(rows, colWidths=[WIDTH / columns] * columns)
        table.setStyle(
            [
                ("VALIGN", (0, 0), (-1, -1), "TOP"),
                ("LINEABOVE", (0, 0), (-1, -1), 0.4, typesetting.LINE),
                ("LEFTPADDING", (0, 0), (-1, -1), 0),
                ("RIGHTPADDING", (0, 0), (-1, -1), 8),
                ("TOPPADDING", (0, 0), (-1, -1), 3),
                ("BOTTOMPADDING", (0, 0), (-1, -1), 5),
            ]
        )
        return table


_REPLACED = (
    "Some characters are not in the typeface of this document. They are replaced by their base letter or a question "
    "mark. The CSV and JSON reports of this scan contain the original text."
)


def _fact(value: str | float | datetime | None) -> str:
    match value:
        case None:
            return typesetting.MISSING
        case datetime():
            return typesetting.moment(value)
        case _:
            return str(value)


def _percent(fraction: Any) -> str:
    return typesetting.number(fraction * 100 if isinstance(fraction, int | float) else None, 0, "%")


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _finding_list(numbers: Sequence[int]) -> str:
    """`finding 3`, `findings 1–4, 7`: consecutive numbers become ranges."""
    ranges: list[list[int]] = []
    for number in numbers:
        if ranges and ranges[-1][-1] == number - 1:
            ranges[-1].append(number)
        else:
            ranges.append([number])
    texts = [str(each[0]) if len(each) == 1 else f"{each[0]}–{each[-1]}" for each in ranges]
    shown = ", ".join(texts[:30]) + (", …" if len(texts) > 30 else "")
    return f"finding{'' if len(numbers) == 1 else 's'} {shown}"
