from dataclasses import replace
from io import BytesIO
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pypdf import PdfReader

from argus.core.languages import Message
from argus.reports import as_pdf, pdf_picture, typesetting
from argus.reports.data import ReportData, RuleText
from argus.reports.model import TargetSection
from argus.scanning.model import NotTested, ScanState, Severity, Status, StepState
from tests.reports.report_data import NOON, PLUGIN, RULES, finding, flat_png, plain_picture, report_data

FINDING = finding(1, title="Wet insulation", severity=Severity.HIGH, status=Status.NEW)


def read(body: bytes) -> PdfReader:
    return PdfReader(BytesIO(body), strict=True)


def pages(known: ReportData) -> list[str]:
    """The text of each page on one line, as a line can break anywhere."""
    return [" ".join(page.extract_text().split()) for page in read(as_pdf.build(known)).pages]


def text(known: ReportData) -> str:
    return " ".join(pages(known))


def test_the_first_page_shows_the_scan_and_its_result() -> None:
    first = pages(report_data(FINDING, finding(2, status=Status.FIXED), picture=plain_picture()))[0]

    for expected in (
        "Thermal inspection report",
        "DJI_20260314103012_0042_T.JPG",
        "North Geothermal",
        "scan_01JSCAN",
        "14 March 2026, 12:30 UTC",
        "FLIR T640",
        "1 High 0 Medium",
        "1 finding present. Since the previous scan of this target: 1 new, 1 fixed.",
    ):
        assert expected in first


def test_the_first_page_shows_the_facts_of_the_target() -> None:
    section = TargetSection("north.example", {"Ports": 3, "Registered": NOON, "Owner": None})
    first = pages(report_data(FINDING, target=section))[0]

    for expected in ("Inspection report north.example", "Ports 3", "Registered 14 March 2026, 12:30 UTC", "Owner —"):
        assert expected in first


def test_settings_and_statistics_have_units() -> None:
    shown = text(report_data(FINDING, picture=plain_picture()))

    for line in (
        "Emissivity 0.95",
        "Distance 12.0 m",
        "Reflected temperature \u22123.5 °C",
        "Relative humidity 62 %",
        "95th percentile 15.9 °C",
    ):
        assert line in shown


def test_a_finding_is_a_row_with_severity_status_measurements_and_location() -> None:
    evidence = {"peak_celsius": 71.26, "delta_celsius": -3.54, "area_pixels": 812}

    shown = text(report_data(replace(FINDING, evidence=evidence, location_key="B7,12")))

    assert "1 High Wet insulation thermal_hotspots.hot_region New 71.3 \u22123.5 812 B7,12" in shown


def test_empty_columns_are_omitted() -> None:
    shown = text(report_data(replace(FINDING, evidence={"header": "missing"})))

    assert "Peak" not in shown
    assert "1 High Wet insulation thermal_hotspots.hot_region New" in shown


def test_the_remediation_is_shown_under_the_rule_with_its_findings() -> None:
    shown = text(report_data(*(finding(number) for number in range(3)), finding(9, rule="absolute_limit")))

    rule = RULES[PLUGIN, "hot_region"]
    assert rule.remediation in shown
    assert RULES[PLUGIN, "absolute_limit"].remediation in shown
    assert "Region hotter than its surroundings (findings " in shown


def test_the_first_page_has_a_warning_about_approximate_temperatures() -> None:
    approximate, exact = (
        pages(report_data(FINDING, picture=plain_picture(accuracy=accuracy)))[0]
        for accuracy in ("approximate", "exact")
    )

    assert "Approximate temperatures." in approximate
    assert "Approximate temperatures." not in exact
    assert "Exact conversion." in exact


def test_only_approximate_temperatures_have_the_caution_colour() -> None:
    caution = " ".join(f"{part:.6f}".strip("0") for part in typesetting.CAUTION_SHADE.rgb()).replace("1. ", "1 ")

    streams = [
        read(as_pdf.build(report_data(FINDING, picture=plain_picture(accuracy=accuracy))))
        .pages[0]
        .get_contents()
        .get_data()
        for accuracy in ("approximate", "exact")
    ]

    assert [f"{caution} rg".encode() in stream for stream in streams] == [True, False]


def test_fixed_and_untested_findings_are_not_outlined() -> None:
    picture = plain_picture()
    untested = [replace(FINDING, status=status) for status in (Status.FIXED, Status.NOT_TESTED)]

    assert "Outlined regions" in pages(report_data(FINDING, picture=picture))[0]
    assert "Outlined regions" not in pages(report_data(*untested, picture=picture))[0]


def test_untested_rules_are_listed() -> None:
    known = report_data(FINDING)
    (step,) = known.scan.steps
    partly = replace(step, not_tested=(NotTested("over_limit"), NotTested("hotspot", "12.0,7.5")))
    shown = " ".join(pages(replace(known, scan=replace(known.scan, steps=(partly,)))))
    assert "Not fully tested: over_limit, hotspot at 12.0,7.5." in shown


def test_an_incomplete_scan_has_a_warning_with_the_reasons() -> None:
    known = report_data(FINDING)
    (step,) = known.scan.steps
    reason = Message("argus.scanning", "budget_spent", parameters={"seconds": 45})
    failed = replace(step, state=StepState.FAILED, reason=reason)
    scan = replace(
        known.scan,
        state=ScanState.FAILED,
        reason=Message("argus.scanning", "steps_failed", parameters={"plugins": PLUGIN}),
        steps=(failed,),
        counts={},
        delta={},
        finished_at=None,
    )

    shown = text(replace(known, scan=scan))

    assert (
        "This scan is incomplete. It failed. These plugins did not finish: thermal_hotspots. "
        "thermal_hotspots: The plugin ran longer than the 45 s that its manifest allows."
    ) in shown


def test_a_report_without_picture_and_findings_is_complete() -> None:
    (only,) = pages(report_data())

    assert "Inspection report" in only
    assert "Nothing was found." in only
    assert "Page 1 of 1" in only


def test_hundreds_of_findings_make_numbered_pages_with_repeated_table_headers() -> None:
    all_pages = pages(report_data(*(finding(number) for number in range(300))))

    assert len(all_pages) > 8
    for number, page in enumerate(all_pages, start=1):
        assert f"Page {number} of {len(all_pages)}" in page
    assert all("Severity Finding Status" in page for page in all_pages[1:-1])
    assert "300 Low" in all_pages[-1] or "300 Low" in all_pages[-2]


def test_findings_that_exceed_the_table_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(as_pdf, "MAX_FINDINGS", 3)

    shown = text(report_data(*(finding(number) for number in range(5))))

    assert "2 more findings of lower severity" in shown


def test_equal_data_makes_equal_bytes_after_another_report() -> None:
    one = as_pdf.build(report_data(FINDING, picture=plain_picture()))
    as_pdf.build(report_data(finding(7, title="Ωπ≤ another"), organisation_name="Æther"))

    assert as_pdf.build(report_data(FINDING, picture=plain_picture())) == one


def test_the_file_has_metadata_and_an_outline() -> None:
    reader = read(as_pdf.build(report_data(FINDING, picture=plain_picture())))

    assert reader.metadata is not None
    assert reader.metadata.title == "Thermal inspection report: DJI_20260314103012_0042_T.JPG"
    assert reader.metadata.author == "North Geothermal"
    assert reader.metadata.creation_date == NOON.replace(microsecond=0)
    assert [entry["/Title"] for entry in reader.outline if isinstance(entry, dict)] == [
        "Measurement settings",
        "Temperatures in the image",
        "Findings",
        "What to do",
        "How it was scanned",
    ]


def test_pdf_streams_are_binary() -> None:
    assert b"ASCII85Decode" not in as_pdf.build(report_data(FINDING, picture=plain_picture()))


def test_the_typeface_is_embedded() -> None:
    page = read(as_pdf.build(report_data(FINDING))).pages[0]
    fonts = [font.get_object() for font in page["/Resources"]["/Font"].values()]

    embedded = {str(font["/BaseFont"]).split("+")[-1] for font in fonts if "/FontDescriptor" in font}
    assert embedded == {"BitstreamVeraSans-Roman", "BitstreamVeraSans-Bold"}


@pytest.mark.parametrize(("width", "height"), ((640, 512), (512, 640), (4000, 300), (60, 900)))
def test_a_picture_of_any_proportions_keeps_them_and_stays_on_the_page(width: int, height: int) -> None:
    picture = plain_picture(width=width, height=height, colour_bar_png=flat_png(184, 640))

    drawn = RecordingCanvas()
    drawing = pdf_picture.drawing(picture, [])
    drawing.draw(drawn, 0, 0)

    (_, _, across, up), (legend_x, _, legend_across, _) = drawn.images
    assert across / up == pytest.approx(width / height)
    assert max(legend_x + legend_across, across) <= as_pdf.WIDTH + 0.01
    assert up <= drawing.height + 0.01 <= as_pdf.HEIGHT


def test_a_region_is_outlined_at_its_position_and_numbered() -> None:
    picture = plain_picture(width=100, height=80)
    mark = pdf_picture.Mark(7, Severity.LOW, {"polygon": [[0, 0], [100, 0], [100, 80], [0, 80]]})
    inner = pdf_picture.Mark(8, Severity.HIGH, {"polygon": [[50, 40], [60, 40], [60, 60]]})

    drawn = RecordingCanvas()
    pdf_picture.drawing(picture, [mark, inner]).draw(drawn, 10, 20)

    (x, y, width, height), _ = drawn.images
    assert drawn.outlines[1][:3] == [(x, y + height), (x + width, y + height), (x + width, y)]
    assert drawn.outlines[3][0] == pytest.approx((x + width / 2, y + height / 2))
    assert drawn.texts == ["8"]  # no space around the other within the picture


def test_labels_do_not_overlap() -> None:
    marks = [pdf_picture.Mark(number, Severity.LOW, {"centroid": [50 + number, 40]}) for number in range(1, 12)]

    drawn = RecordingCanvas()
    pdf_picture.drawing(plain_picture(width=100, height=80), marks).draw(drawn, 0, 0)

    boxes = drawn.labels
    assert len(boxes) == len(marks)
    for index, (x, y, width, height) in enumerate(boxes):
        for x2, y2, width2, height2 in boxes[index + 1 :]:
            assert x + width <= x2 or x2 + width2 <= x or y + height <= y2 or y2 + height2 <= y


def test_severities_differ_in_lightness() -> None:
    lightness = sorted(
        0.2126 * colour.red**2.2 + 0.7152 * colour.green**2.2 + 0.0722 * colour.blue**2.2
        for colour in typesetting.SEVERITY_COLOURS.values()
    )

    assert all(b / a > 1.15 for a, b in pairwise(lightness))


HOSTILE = (
    "<b>unclosed & <para><img src='/etc/passwd'/><a href='javascript:x'>",
    "&lt;&#0;&nosuch; ]]> <!-- <?xml ?> {0} %s %(name)s",
    "x" * 5000,
    "\x00\x01\x1b[31m\r\n\t\x7f\x85\u2028",
    "👩‍🚒🔥 פח חם صمام 管道 \ud800 \ufdfa\ufdfa \u202egnp.exe",
    "a\u0300\u0301\u0302" * 200,
    "",
    "   ",
)


@pytest.mark.parametrize("content", HOSTILE, ids=lambda content: ascii(content[:12]))
def test_hostile_text_is_shown_as_text(content: str) -> None:
    shown = text(everywhere(content))

    assert "Page 1 of" in shown
    assert "Wet" not in shown


def test_markup_is_escaped() -> None:
    shown = text(report_data(replace(FINDING, title="<b>bold</b> & <i>")))

    assert "<b>bold</b> & <i>" in shown


def test_characters_outside_the_typeface_are_replaced_with_a_note() -> None:
    replaced, kept = (text(report_data(replace(FINDING, title=title))) for title in ("Őrláng 管", "Über 60 °C, ∆T ≤ 5"))

    assert "Orláng ?" in replaced
    assert "question mark" in replaced
    assert "Über 60 °C, ∆T ≤ 5" in kept
    assert "question mark" not in kept


values = st.text(st.characters(codec=None), max_size=80) | st.floats() | st.none() | st.lists(st.integers(), max_size=3)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.text(st.characters(codec=None), max_size=200),
    st.dictionaries(st.sampled_from(["peak_celsius", "delta_celsius", "area_pixels", "x"]), values),
    st.dictionaries(st.sampled_from(["polygon", "centroid", "wgs84"]), values | st.lists(st.lists(st.floats()))),
)
def test_no_text_evidence_or_location_breaks_the_report(
    content: str, evidence: dict[str, Any], location: dict[str, Any]
) -> None:
    known = everywhere(content)
    (first,) = known.findings

    body = as_pdf.build(replace(known, findings=[replace(first, evidence=evidence, location=location)]))

    assert len(read(body).pages) >= 1


def everywhere(content: str) -> ReportData:
    """Report data with the same content in place of every external text."""
    known = report_data(
        replace(FINDING, title=content, location_key=content, rule=content, plugin=content),
        picture=plain_picture(name=content, camera=content, accuracy=content, parameters={content: 1.0}),
        organisation_name=content,
        argus_version=content,
        rules={(content, content): RuleText(content, content, content)},
    )
    reason = Message("argus.scanning", "plugin_failed", parameters={"exception": content})
    (step,) = known.scan.steps
    steps = (
        replace(
            step, plugin=content, version=content, options={content: content}, state=StepState.FAILED, reason=reason
        ),
    )
    return replace(known, scan=replace(known.scan, id=content, steps=steps, reason=reason))


class RecordingCanvas:
    """A canvas, or a path on it, that records its calls."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, tuple[Any, ...]]] = []

    def __getattr__(self, name: str) -> Any:
        def record(*arguments: Any, **_options: Any) -> Any:
            self.calls.append((name, arguments))
            return RecordingCanvas() if name == "beginPath" else None

        return record

    def calls_of(self, *names: str) -> list[tuple[Any, ...]]:
        return [arguments for name, arguments in self.calls if name in names]

    @property
    def images(self) -> list[tuple[float, ...]]:
        return [box for _, *box in self.calls_of("drawImage")]

    @property
    def outlines(self) -> list[list[tuple[float, float]]]:
        return [path.calls_of("moveTo", "lineTo") for (path,) in self.calls_of("drawPath")]

    @property
    def labels(self) -> list[tuple[float, ...]]:
        return [box[:4] for box in self.calls_of("roundRect")]

    @property
    def texts(self) -> list[str]:
        return [text for _, _, text in self.calls_of("drawCentredString")]
