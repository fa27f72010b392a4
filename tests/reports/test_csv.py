import csv
import json
from dataclasses import replace
from io import StringIO
from math import inf, nan

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from argus.imagery.report.section import COLUMNS
from argus.reports import as_csv
from argus.reports.model import Column
from tests.reports.report_data import COLUMNS_OF_EACH_KIND, finding, report_data

OTHER_FORMS = "\uff1d\uff0b\uff0d\uff20\u2212\ufe62\ufe63\ufe66\ufe6b\u207a\u207b\u208a\u208b\ufb29"
FORMULA_STARTS = f"=+-@\t\r\n{OTHER_FORMS}"
DROPPED = " \ufeff\u200b\x00\xa0\u2800\u115f\u1160\u3164\uffa0\u034f\u180e\U000e0041\ufe0f\U000e0100\ufffe\u200d"


def rows(body: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(StringIO(body.decode("utf-8-sig"), newline=""), strict=True))


def test_a_finding_is_a_row_with_its_evidence_in_columns() -> None:
    known = finding(
        5,
        location={"centroid": [10.5, 20.25], "wgs84": {"type": "Point", "coordinates": [-21.123456789, 64.0]}},
        evidence={"peak_celsius": 71.25, "delta_celsius": -3.5, "area_pixels": 12, "pipe": "B7"},
    )

    (row,) = rows(as_csv.build(report_data(known)))

    assert tuple(row) == (*as_csv.FIRST, *(column.name for column in COLUMNS), *as_csv.LAST)
    assert row == {
        "number": "1",
        "severity": known.severity.value,
        "status": known.status.value,
        "open": "true",
        "title": known.title,
        "plugin": "thermal_hotspots",
        "rule": "hot_region",
        "target_kind": "image",
        "target": "img_01JPIPE",
        "location_key": known.location_key,
        "peak_celsius": "71.25",
        "mean_celsius": "",
        "background_celsius": "",
        "delta_celsius": "-3.5",
        "area_pixels": "12",
        "perimeter_pixels": "",
        "above_range_pixels": "",
        "centroid_x_pixels": "10.5",
        "centroid_y_pixels": "20.25",
        "longitude": "-21.1234568",
        "latitude": "64.0",
        "first_seen_at": "2025-12-14T12:30:15.250Z",
        "last_seen_at": "2026-03-14T12:30:15.250Z",
        "fixed_at": "",
        "scan_id": "scan_01JSCAN",
        "fingerprint": known.fingerprint,
        "other_evidence": '{"pipe": "B7"}',
        "remediation": row["remediation"],
    }
    assert row["remediation"].startswith("Inspect the insulation")


def test_the_file_begins_with_a_byte_order_mark_and_its_lines_end_with_cr_lf() -> None:
    body = as_csv.build(report_data(finding(1), finding(2)))

    assert body.startswith(b"\xef\xbb\xbfnumber,severity,")
    assert body.count(b"\r\n") == body.count(b"\n") == 3


@pytest.mark.parametrize("columns", COLUMNS_OF_EACH_KIND)
def test_the_columns_of_a_kind_of_target_differ_from_all_others(columns: tuple[Column, ...]) -> None:
    names = [*as_csv.FIRST, *(column.name for column in columns), *as_csv.LAST]
    assert len(names) == len(set(names))


def test_a_report_without_findings_is_a_header() -> None:
    assert rows(as_csv.build(report_data())) == []


@pytest.mark.parametrize("start", FORMULA_STARTS, ids=ascii)
def test_text_that_starts_like_a_formula_is_escaped(start: str) -> None:
    text = f"{start}cmd|'/C calc'!A0"

    (row,) = rows(as_csv.build(report_data(finding(1, title=text))))

    assert row["title"] == f"'{text}"


@pytest.mark.parametrize("dropped", [*DROPPED, DROPPED], ids=ascii)
def test_a_formula_after_characters_that_a_spreadsheet_drops_is_escaped(dropped: str) -> None:
    (row,) = rows(as_csv.build(report_data(finding(1, title=f"{dropped}=1+1"))))

    assert row["title"].startswith("'")


@pytest.mark.parametrize(
    ("value", "written"), ((-3.5, -3.5), (-7, -7), (0.1, 0.1), (nan, ""), (-inf, ""), (True, "true"), (None, ""))
)
def test_numbers_stay_numbers_and_missing_values_are_empty(value: object, written: object) -> None:
    assert as_csv.cell(value) == written


@settings(max_examples=150, deadline=None)
@given(st.text(st.characters(codec=None)) | st.text(f"{FORMULA_STARTS} \",;'\x00a", min_size=1))
def test_no_text_makes_a_formula_or_breaks_the_table(text: str) -> None:
    hostile = replace(finding(1, title=text, evidence={text: text, "peak_celsius": text}), location_key=text)

    read = rows(as_csv.build(report_data(hostile, finding(2))))

    assert len(read) == 2
    assert not [value for value in read[0].values() if value and value[0] in FORMULA_STARTS]
    if text != "peak_celsius":
        assert len(json.loads(read[0]["other_evidence"])) == 1
