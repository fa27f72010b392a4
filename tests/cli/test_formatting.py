"""Values formatted for a terminal."""

import time

import pytest

from argus.cli import formatting


@pytest.mark.parametrize(
    ("document", "text"),
    [
        ({"delta_celsius": 12.34, "peak_celsius": 80.0, "mean_celsius": 1.0}, "delta 12.3 °C, peak 80.0 °C"),
        ({"polygon": [[0, 0]], "area_pixels": 7, "note": "wet_wood"}, "area 7 px, note wet_wood"),
        ({}, ""),
    ],
    ids=["temperatures", "no polygons", "nothing"],
)
def test_evidence_is_formatted_with_units(document: dict[str, object], text: str) -> None:
    assert formatting.evidence(document) == text


@pytest.mark.parametrize("zone", ["America/New_York", "Asia/Tokyo"])
@pytest.mark.parametrize("timestamp", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"])
def test_times_at_the_limits_of_the_calendar_are_formatted_in_any_zone(
    timestamp: str, zone: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        assert formatting.local_time(timestamp).startswith(("0001-01-01", "1-01-01", "9999-12-31"))
    finally:
        monkeypatch.undo()
        time.tzset()
