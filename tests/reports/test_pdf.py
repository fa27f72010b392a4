from dataclasses import replace
from itertools import pairwise
from math import nan
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from argus.core.languages import Message
from argus.reports import as_pdf
from argus.reports.data import ReportData
from argus.reports.model import Column, TargetSection
from argus.scanning.model import NotTested, ScanState, Severity, Status, StepState
from tests import documents
from tests.documents import HOSTILE
from tests.reports.report_data import (
    COLUMNS_OF_EACH_KIND,
    NOON,
    PLUGIN,
    RULES,
    everywhere,
    finding,
    plain_picture,
    report_data,
)

FINDING = finding(1, title="Wet insulation", severity=Severity.HIGH, status=Status.NEW)


def pages(known: ReportData) -> list[str]:
    return documents.pages(as_pdf.build(known))


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


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, "—"),
        (True, "yes"),
        (False, "no"),
        (0.1 + 0.2, "0.3"),
        (3.0, "3"),
        (-7, "\u22127"),
        (1_700_000_000, "1700000000"),
        (10**400, "1" + "0" * 400),
        (1e300, "1e+300"),
        (1e-9, "1e\u221209"),
        (nan, "—"),
        (NOON, "14 March 2026, 12:30 UTC"),
        (NOON.date(), "14 March 2026"),
        ([80, 443, None], "80, 443, —"),
        ({"b", "a"}, "a, b"),
        ([], "—"),
        ({"tls": True, "ports": [80]}, "tls: yes, ports: 80"),
        ("text", "text"),
    ],
    ids=lambda value: "a set" if isinstance(value, set) else str(value)[:20],  # sets have no order
)
def test_values_are_shown_as_a_reader_expects_them(value: object, expected: str) -> None:
    assert as_pdf.shown(value) == expected


def test_facts_evidence_and_options_are_shown_as_a_reader_expects_them() -> None:
    section = TargetSection("north.example", {"Ports": [80, 443], "Checked": True, "Registered": NOON.date()})
    measured = replace(FINDING, evidence={"versions": ["1.2", "1.3"]})
    known = report_data(measured, target=section, columns=(Column("versions", "Versions"),))
    step = replace(known.scan.steps[0], options={"limit": None, "deep": False})
    shown = text(replace(known, scan=replace(known.scan, steps=(step,))))

    for expected in (
        "Ports 80, 443",
        "Checked yes",
        "Registered 14 March 2026",
        "New 1.2, 1.3",
        "Options: deep = no, limit = —.",
    ):
        assert expected in shown


def test_a_finding_is_a_row_with_severity_status_measurements_and_location() -> None:
    evidence = {"peak_celsius": 71.26, "delta_celsius": -3.54, "area_pixels": 812}

    shown = text(report_data(replace(FINDING, evidence=evidence, location_key="B7,12")))

    assert "1 High Wet insulation thermal_hotspots.hot_region New 71.3 \u22123.5 812 B7,12" in shown


def test_empty_columns_are_omitted() -> None:
    shown = text(report_data(replace(FINDING, evidence={"header": "missing"})))

    assert "Peak" not in shown
    assert "1 High Wet insulation thermal_hotspots.hot_region New" in shown


@pytest.mark.parametrize("columns", COLUMNS_OF_EACH_KIND)
def test_all_columns_of_a_kind_of_target_fit_on_the_page(columns: tuple[Column, ...]) -> None:
    measured = replace(FINDING, evidence=dict.fromkeys((column.name for column in columns), 1))

    shown = text(report_data(measured, columns=columns))

    assert all(" ".join(column.heading.split()) in shown for column in columns)


def test_the_remediation_is_shown_under_the_rule_with_its_findings() -> None:
    shown = text(report_data(*(finding(number) for number in range(3)), finding(9, rule="absolute_limit")))

    rule = RULES[PLUGIN, "hot_region"]
    assert rule.remediation in shown
    assert RULES[PLUGIN, "absolute_limit"].remediation in shown
    assert "Region hotter than its surroundings (findings " in shown


def test_untested_rules_are_listed() -> None:
    known = report_data(FINDING)
    (step,) = known.scan.steps
    partly = replace(step, not_tested=(NotTested("over_limit"), NotTested("hotspot", "12.0,7.5")))
    shown = " ".join(pages(replace(known, scan=replace(known.scan, steps=(partly,)))))
    assert "Not fully tested: over_limit, hotspot at 12.0,7.5." in shown


def test_a_cancelled_scan_does_not_say_that_nothing_was_found() -> None:
    data = report_data()
    (only,) = documents.pages(as_pdf.build(replace(data, scan=replace(data.scan, state=ScanState.CANCELLED))))
    assert "No findings were published." in only
    assert "This scan is incomplete." in only
    assert "Nothing was found." not in only


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
    body = as_pdf.build(report_data(FINDING, picture=plain_picture()))

    reader = documents.read(body)
    assert reader.metadata is not None
    assert reader.metadata.title == "Thermal inspection report: DJI_20260314103012_0042_T.JPG"
    assert reader.metadata.author == "North Geothermal"
    assert reader.metadata.creation_date == NOON.replace(microsecond=0)
    assert documents.outline(body) == [
        "Measurement settings",
        "Temperatures in the image",
        "Findings",
        "What to do",
        "How it was scanned",
    ]


def test_severities_differ_in_lightness() -> None:
    lightness = sorted(
        0.2126 * colour.red**2.2 + 0.7152 * colour.green**2.2 + 0.0722 * colour.blue**2.2
        for colour in as_pdf.SEVERITY_COLOURS.values()
    )

    assert all(b / a > 1.15 for a, b in pairwise(lightness))


@pytest.mark.parametrize(("content", "shown"), HOSTILE.items(), ids=lambda text: ascii(text[:12]))
def test_hostile_text_is_shown_as_text(content: str, shown: str) -> None:
    all_pages = pages(everywhere(content))

    assert "Page 1 of" in all_pages[0]
    assert documents.squeezed(all_pages).count(shown) >= 4  # the subtitle, the facts, the findings and the rules


def test_markup_is_escaped() -> None:
    shown = text(report_data(replace(FINDING, title="<b>bold</b> & <i>")))

    assert "<b>bold</b> & <i>" in shown


def test_characters_outside_the_typeface_are_replaced_with_a_note() -> None:
    replaced, kept = (text(report_data(replace(FINDING, title=title))) for title in ("Őrláng 管", "Über 60 °C, ∆T ≤ 5"))

    assert "Orláng ?" in replaced
    assert "question mark" in replaced
    assert "Über 60 °C, ∆T ≤ 5" in kept
    assert "question mark" not in kept


def test_characters_that_are_replaced_only_in_the_footer_have_a_note() -> None:
    assert "question mark" in text(report_data(argus_version="管"))


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

    assert len(documents.read(body).pages) >= 1
