"""Small files from the field, through the front door: what came out at the first look was wrong."""

import os
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Person, Workers
from tests.imagery.uploads import uploaded

CASES = Path(os.environ["ARGUS_SAMPLES"]).parents[1] / "cases" / "thermal"
TYPES = {".tif": "image/tiff", ".jpg": "image/jpeg", ".fff": "application/octet-stream", ".seq": "image/jpeg"}
STORED = {"min_c": 14.87, "max_c": 48.5}  # of one scene in several files

READY: dict[str, dict[str, Any]] = {
    "float32_celsius.tif": {"stats": STORED, "notes": ["unit_assumed"]},
    "uint16_orientation1.tif": {"stats": STORED, "notes": []},
    "uint16_orientation3.tif": {"stats": STORED, "notes": ["not_turned"]},
    "uint16_orientation6.tif": {"stats": STORED, "notes": ["not_turned"]},
    "uint16_utm29.tif": {"stats": STORED, "epsg": 32629, "a": 0.05},
    "info_big_endian_2008.fff": {"taken_at": "2008-03-18T19:52:52"},
    "info_little_endian_2008.fff": {"taken_at": "2008-03-18T19:52:52.340Z"},
    "gps_ref_lower_case.jpg": {"position": (-33.8688, 151.2093)},
    "gps_ref_word.jpg": {"position": (-33.8688, 151.2093)},
    "gps_two_parts.jpg": {"position": (-33.8688, 151.2093)},
    "flir_b60_below_range_CC0.jpg": {"below_range": 4936, "lowest": -40},
    "dji_m3td_iirp.jpg": {},
    "dji_m3t_time.jpg": {"taken_at": "2023-07-07T07:39:52.944"},
}
REJECTED = {
    "uint16_two_pages.tif": "sequence of several images",
    "two_frames_one_after_another.seq": "sequence of several images",
    "infiray_segments.jpg": "InfiRay",
    "dji_m30t_girp.jpg": "girp",
    "dji_m4t_hirp.jpg": "hirp",
    "dji_m3t_iirp_says_hirp.jpg": "hirp",
    "dji_m3t_without_exif.jpg": "does not name the camera",
    "dji_m4t_settings.jpg": "80 m",
}


def image_of(owner: Person, workers: Workers, name: str) -> dict[str, Any]:
    path = CASES / name
    return uploaded(owner, workers, path.read_bytes(), name=name, content_type=TYPES[path.suffix])


@pytest.mark.parametrize("name", READY)
def test_a_file_is_read_as_it_should_be(owner: Person, workers: Workers, name: str) -> None:
    expected = READY[name]
    image = image_of(owner, workers, name)
    assert (image["state"], image["reason"]) == ("ready", None)
    for statistic, celsius in expected.get("stats", {}).items():
        assert image["stats"][statistic] == pytest.approx(celsius, abs=0.006)
    if "notes" in expected:
        assert [note["code"] for note in image["notes"]] == expected["notes"]
    if "epsg" in expected:
        assert (image["georeference"]["epsg"], image["georeference"]["a"]) == (expected["epsg"], expected["a"])
    if "taken_at" in expected:
        assert image["taken_at"].startswith(expected["taken_at"])
    if "position" in expected:
        found = (image["position"]["latitude"], image["position"]["longitude"])
        assert found == pytest.approx(expected["position"], abs=1e-4)
    if "below_range" in expected:
        assert image["pixels"]["below_range"] == expected["below_range"]
        assert image["stats"]["min_c"] >= expected["lowest"]


def test_a_turned_file_has_the_pixels_of_the_one_that_is_not(owner: Person, workers: Workers) -> None:
    images = [image_of(owner, workers, f"uint16_orientation{number}.tif") for number in (1, 3, 6)]
    hottest = [
        owner.get(f"/images/{image['id']}/temperature?x={x}&y={y}").get_json()["celsius"]
        for image in images
        for x, y in ((5, 5), (60, 24), (90, 70))
    ]
    assert hottest[:3] == hottest[3:6] == hottest[6:]


@pytest.mark.parametrize("name", REJECTED)
def test_a_file_is_refused_with_the_true_reason(owner: Person, workers: Workers, name: str) -> None:
    image = image_of(owner, workers, name)
    assert (image["state"], image["code"]) == ("rejected", "unsupported")
    assert REJECTED[name] in image["reason"]
