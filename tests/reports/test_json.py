import json
from dataclasses import replace
from math import inf, nan

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from argus.reports import as_json
from argus.reports.model import TargetSection
from argus.scanning.model import Status
from tests.reports.report_data import KINDS, NOON, RULES, finding, plain_picture, report_data


def read(body: bytes) -> dict:
    def refuse(name: str) -> None:
        raise AssertionError(f"{name} is not JSON")

    return json.loads(body.decode(), parse_constant=refuse)


def test_the_report_contains_scan_image_findings_and_rules_with_a_schema() -> None:
    report = read(as_json.build(report_data(finding(1), picture=plain_picture())))

    assert list(report) == [
        "schema", "generated_at", "generator", "organisation", "scan", "target", "image", "findings", "rules",
    ]  # fmt: skip
    assert report["schema"] == "argus.report/1"
    assert report["generated_at"] == "2026-03-14T12:30:15.250Z"
    assert report["organisation"] == {"id": "org_01JNORTH", "name": "North Geothermal"}
    assert report["scan"]["state"] == "succeeded"
    assert report["scan"]["progress"] == report["scan"]["steps"][0]["progress"] == 100
    assert report["scan"]["steps"][0]["options"] == {"delta_celsius": 3.0, "minimum_area_pixels": 12}
    assert report["target"] == {"name": "DJI_20260314103012_0042_T.JPG", "facts": {}}
    assert report["image"]["parameters"]["emissivity"] == 0.95
    assert {(rule["plugin"], rule["rule"]) for rule in report["rules"]} == set(RULES)


def test_a_finding_is_complete() -> None:
    known = finding(3, status=Status.FIXED, fixed_at=NOON, open=False)

    (written,) = read(as_json.build(report_data(known)))["findings"]

    assert written == {
        "number": 1,
        "fingerprint": known.fingerprint,
        "target": {"kind": "image", "id": "img_01JPIPE"},
        "plugin": "thermal_hotspots",
        "rule": "hot_region",
        "title": known.title,
        "severity": known.severity.value,
        "location_key": known.location_key,
        "location": known.location,
        "evidence": known.evidence,
        "status": "fixed",
        "scan_id": "scan_01JSCAN",
        "first_seen_at": "2025-12-14T12:30:15.250Z",
        "last_seen_at": "2026-03-14T12:30:15.250Z",
        "fixed_at": "2026-03-14T12:30:15.250Z",
        "open": False,
    }


def test_a_report_without_a_picture_has_a_null_image() -> None:
    assert read(as_json.build(report_data()))["image"] is None


@pytest.mark.parametrize("kind", KINDS)
def test_the_member_of_a_kind_of_target_is_no_other_member(kind: str) -> None:
    known = report_data(target=TargetSection("north", details={"its": "own"}))
    scan = replace(known.scan, target=replace(known.scan.target, kind=kind))

    others = set(read(as_json.build(report_data()))) - {"image"}
    report = read(as_json.build(replace(known, scan=scan)))

    assert set(report) == others | {"image", kind}
    assert report[kind] == {"its": "own"}
    assert kind not in others


def test_facts_of_a_target_are_plain_json() -> None:
    section = TargetSection("north.example", {"Ports": 3, "Registered": NOON, "Owner": None})
    assert read(as_json.build(report_data(target=section)))["target"] == {
        "name": "north.example",
        "facts": {"Ports": 3, "Registered": "2026-03-14T12:30:15.250Z", "Owner": None},
    }


def test_pixels_and_internal_attributes_are_omitted() -> None:
    report = read(as_json.build(report_data(picture=plain_picture())))

    workers = {"lease_until", "attempts", "organisation_id", "open_runs", "finalizing", "checks", "next_check_at"}
    assert not workers & set(report["scan"])
    assert not {"attempt", "order"} & set(report["scan"]["steps"][0])
    assert not {"preview_png", "colour_bar_png"} & set(report["image"])


def test_numbers_that_json_cannot_represent_are_null() -> None:
    report = read(as_json.build(report_data(finding(1, evidence={"a": nan, "b": inf, "c": [-inf, 1.5]}))))

    assert report["findings"][0]["evidence"] == {"a": None, "b": None, "c": [None, 1.5]}


def test_equal_data_makes_equal_bytes() -> None:
    one, other = (report_data(finding(1), finding(2), picture=plain_picture()) for _ in range(2))

    assert as_json.build(one) == as_json.build(other)


@settings(max_examples=60, deadline=None)
@given(
    st.text(st.characters(codec=None)), st.dictionaries(st.text(), st.floats() | st.text() | st.none() | st.booleans())
)
def test_any_text_and_evidence_can_be_written(text: str, evidence: dict) -> None:
    known = replace(finding(1, title=text, evidence=evidence), location_key=text)

    report = read(as_json.build(report_data(known, organisation_name=text)))

    assert report["findings"][0]["title"] == report["findings"][0]["location_key"] == report["organisation"]["name"]
