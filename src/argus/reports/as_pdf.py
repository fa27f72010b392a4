"""A report as PDF: A4 pages with summary, the section of the target, findings and remediation.

Equal data makes equal bytes. External text (names, titles, evidence) is truncated to a length that fits a page, and
never interpreted as markup. A report in which characters were replaced, because the typeface does not contain them, has
a note; JSON and CSV keep the original text.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from math import isfinite
from typing import Any, Literal

from argus.core import pdf
from argus.core.pdf import MISSING, MM, Item, Tile, marked_up
from argus.reports.data import ReportData
from argus.reports.model import Column, Mark
from argus.scanning.model import PRESENT, ScanState, Severity, Status, StepState, TrackedFinding

MAX_FINDINGS = 2_000  # in the table, about 80 pages; CSV and JSON have all

# They differ in lightness as well as in hue, for colour-blind readers and greyscale prints.
SEVERITY_COLOURS = {
    Severity.CRITICAL: pdf.colour("#6d1433"),
    Severity.HIGH: pdf.colour("#c8471b"),
    Severity.MEDIUM: pdf.colour("#f0b428"),
    Severity.LOW: pdf.colour("#2f7fb8"),
    Severity.INFO: pdf.colour("#8795a1"),
}

_MUTED = pdf.MUTED.hexval()  # for markup

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


def build(data: ReportData) -> bytes:
    return _Report(data).build()


@dataclass
class _Report:
    """The layout of one report."""

    data: ReportData
    typesetter: pdf.Typesetter = field(default_factory=pdf.Typesetter)

    def build(self) -> bytes:
        data = self.data
        subject = self._subject()
        frame = pdf.Frame(
            brand="ARGUS",
            left=data.organisation_name,
            right=subject,
            footer=[f"Generated {pdf.moment(data.generated_at)} by Argus {data.argus_version}"],
        )
        metadata = pdf.Metadata(
            title=f"{data.target.pdf.title}: {subject}",
            author=data.organisation_name,
            subject=f"Scan {data.scan.id}",
            creator=f"Argus {data.argus_version}",
            created_at=data.generated_at,
        )
        return pdf.write(self.typesetter, self._items(), frame, metadata)

    def _items(self) -> Iterator[Item]:
        yield from self._head()
        yield from self._summary()
        yield from self._warnings()
        if self.data.target.pdf.blocks:
            yield from self.data.target.pdf.blocks(self.typesetter, self._marks())
        yield from self._findings()
        yield from self._remediations()
        yield from self._steps()
        if self.typesetter.replaced:
            yield Item(self.typesetter.paragraph(_REPLACED, "small"), space_before=6 * MM)

    def _subject(self) -> str:
        name, target = self.data.target.name, self.data.scan.target
        return f"{target.kind} {target.value}" if name == target.value else name

    # ------------------------------------------------------------ first page

    def _head(self) -> Iterator[Item]:
        scan, target = self.data.scan, self.data.target
        yield Item(self.typesetter.paragraph(target.pdf.title, "title"))
        yield Item(self.typesetter.paragraph(self._subject(), "subtitle", limit=120), space_before=1)
        facts = [
            ("Organisation", self.data.organisation_name),
            ("Target", f"{scan.target.kind} {scan.target.value}"),
            ("Scan", scan.id),
            ("Finished", pdf.moment(scan.finished_at)),
        ]
        facts += [(label, shown(value)) for label, value in (*target.pdf.facts.items(), *target.facts.items())]
        yield Item(pdf.key_values(self.typesetter, facts, columns=4), space_before=3 * MM)

    def _summary(self) -> Iterator[Item]:
        counts = self.data.scan.counts
        tiles = [
            Tile(str(counts.get(severity, 0)), severity.value.capitalize(), SEVERITY_COLOURS[severity])
            for severity in reversed(Severity)
        ]
        yield Item(pdf.tiles(self.typesetter, tiles), space_before=4 * MM)
        yield Item(marked_up(self._delta()), space_before=2.5 * MM)

    def _delta(self) -> str:
        present = sum(self.data.scan.counts.values())
        changes = [
            f"<b>{count}</b> {_STATUS_LABELS[status].lower()}"
            for status in Status
            if (count := self.data.scan.delta.get(status, 0))
        ]
        if not self.data.scan.has_published:
            return "<b>No findings were published.</b>"
        total = f"{_counted(present, 'finding')} present" if present else "Nothing was found."
        compared = f"Since the previous scan of this target: {', '.join(changes)}." if changes else ""
        return f"<b>{total}{'.' if present else ''}</b> {compared}"

    def _warnings(self) -> Iterator[Item]:
        scan = self.data.scan
        failed = [step for step in scan.steps if step.state is StepState.FAILED]
        if scan.state is not ScanState.SUCCEEDED or failed:
            reasons = [scan.reason.sentence()] if scan.reason else []
            reasons += [f"{step.plugin}: {step.reason.sentence()}" for step in failed if step.reason]
            why = self.typesetter.line(" ".join(reasons), limit=600)
            text = f"It {_ENDED.get(scan.state, 'has not ended')}. {why}"
            note = pdf.note(self.typesetter, "This scan is incomplete.", text, caution=True)
            yield Item(note, space_before=3 * MM)

    # ------------------------------------------------------------ the findings

    def _numbered(self) -> Iterator[tuple[int, TrackedFinding]]:
        return enumerate(self.data.findings, start=1)

    def _marks(self) -> list[Mark]:
        return [
            Mark(
                number=number,
                title=finding.title,
                rule=finding.rule,
                severity=finding.severity,
                location=finding.location,
                evidence=finding.evidence,
                fill=SEVERITY_COLOURS[finding.severity],
                ink=_ink(finding.severity),
            )
            for number, finding in self._numbered()
            if finding.status in PRESENT
        ]

    def _findings(self) -> Iterator[Item]:
        yield pdf.heading(self.typesetter, "Findings")
        if not self.data.findings:
            yield Item(self.typesetter.paragraph("The scan has no findings."), space_before=1.5 * MM)
            return
        measured = [column for column in self.data.columns if column.heading and self._has_values(column)]
        columns = (
            pdf.Column("", width=8 * MM, kind="key"),
            pdf.Column("Severity", width=19 * MM),
            pdf.Column("Finding"),
            pdf.Column("Status", width=20 * MM),
            *(_pdf_column(column) for column in measured),
            pdf.Column("Location", width=25 * MM if measured else 55 * MM),
        )
        rows = [self._row(number, finding, measured) for number, finding in self._numbered() if number <= MAX_FINDINGS]
        yield Item(pdf.table(self.typesetter, columns, rows), space_before=1.5 * MM)
        left = len(self.data.findings) - len(rows)
        if left:
            more = f"{_counted(left, 'more finding')} of lower severity: see the CSV or JSON report of this scan."
            yield Item(self.typesetter.paragraph(more), space_before=2 * MM)

    def _has_values(self, column: Column) -> bool:
        return any(column.value(finding.evidence, finding.location) is not None for finding in self.data.findings)

    def _row(self, number: int, finding: TrackedFinding, measured: Sequence[Column]) -> list[Any]:
        style = "cell" if finding.status in PRESENT else "faded"
        severity = finding.severity
        rule = f"{finding.plugin}.{finding.rule}"
        return [
            str(number),
            pdf.chip(self.typesetter, severity.value.capitalize(), fill=SEVERITY_COLOURS[severity], ink=_ink(severity)),
            [self.typesetter.paragraph(finding.title, style), self.typesetter.paragraph(rule, "rule", limit=100)],
            self.typesetter.paragraph(_STATUS_LABELS[finding.status], style),
            *(_measurement(column, finding) for column in measured),
            self.typesetter.paragraph(finding.location_key or MISSING, "faded", limit=120),
        ]

    # ------------------------------------------------------------ remediation, scan details

    def _remediations(self) -> Iterator[Item]:
        numbers_by_rule: dict[tuple[str, str], list[int]] = {}
        for number, finding in self._numbered():
            if finding.status is not Status.FIXED:
                numbers_by_rule.setdefault((finding.plugin, finding.rule), []).append(number)
        described = [(key, numbers) for key, numbers in numbers_by_rule.items() if key in self.data.rules]
        if described:
            yield pdf.heading(self.typesetter, "What to do")
        for key, numbers in described:
            rule = self.data.rules[key]
            lead = (
                f"{self.typesetter.markup(rule.title)} "
                f'<font name="{pdf.REGULAR}" color="{_MUTED}">({_finding_list(numbers)})</font>'
            )
            remediation = f"<b>Remediation.</b> {self.typesetter.markup(rule.remediation, limit=4000)}"
            yield Item(marked_up(lead, "subheading"), space_before=2.5 * MM, with_next=14 * MM)
            yield Item(self.typesetter.paragraph(rule.description, limit=4000), space_before=0.5 * MM)
            yield Item(marked_up(remediation), space_before=1 * MM)

    def _steps(self) -> Iterator[Item]:
        yield pdf.heading(self.typesetter, "How it was scanned")
        for step in self.data.scan.steps:
            options = (
                ", ".join(f"{name} = {shown(value)}" for name, value in sorted(step.options.items())) or "defaults"
            )
            result = f"{step.plugin} {step.version}: {step.state.value}, {_counted(step.findings, 'finding')}."
            text = f"<b>{self.typesetter.markup(result)}</b> Options: {self.typesetter.markup(options, limit=1500)}."
            if step.not_tested:
                rules = ", ".join(map(str, step.not_tested))
                text += f" <b>Not fully tested:</b> {self.typesetter.markup(rules, limit=1500)}."
            yield Item(marked_up(text), space_before=1.5 * MM)


_REPLACED = (
    "Some characters are not in the typeface of this document. They are replaced by their base letter or a question "
    "mark. The CSV and JSON reports of this scan contain the original text."
)


def _ink(severity: Severity) -> pdf.Colour:
    """The colour of text on the colour of the severity."""
    return pdf.INK if severity is Severity.MEDIUM else pdf.PAPER


def _pdf_column(column: Column) -> pdf.Column:
    kind: Literal["text", "number"] = "text" if column.decimals is None else "number"
    return pdf.Column(column.heading, width=column.width_millimetres * MM, kind=kind)


def _measurement(column: Column, finding: TrackedFinding) -> str:
    value = column.value(finding.evidence, finding.location)
    return shown(value) if column.decimals is None else pdf.number(value, column.decimals)


def shown(value: Any) -> str:
    """A fact, or a value of evidence or options, as a reader expects it: `yes`, `0.3`, `80, 443`, `14 March 2026`."""
    match value:
        case None:
            return MISSING
        case bool():
            return "yes" if value else "no"
        case int():
            return str(value).replace("-", "\u2212")
        case float():
            return f"{value:.10g}".replace("-", "\u2212") if isfinite(value) else MISSING
        case datetime():
            return pdf.moment(value)
        case date():
            return pdf.day(value)
        case Mapping():
            return ", ".join(f"{name}: {shown(item)}" for name, item in value.items()) or MISSING
        case set() | frozenset():
            return ", ".join(sorted(map(shown, value))) or MISSING
        case list() | tuple():
            return ", ".join(map(shown, value)) or MISSING
        case _:
            return str(value)


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
