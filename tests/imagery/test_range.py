"""Pixels outside what the camera can measure: counted, left out of statistics, marked, and never lost."""

import io
import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
import requests
from numpy.typing import NDArray
from PIL import Image as Picture

from argus.core.languages import Message
from argus.imagery.decode import decode
from argus.imagery.model import Span
from argus.imagery.thermogram import Thermogram, Undecodable
from services.local.demo.scenes import FlirFile, Settings, dji_scene, plain_tiff
from tests import documents
from tests.conftest import MovableClock, Person, Workers
from tests.imagery.uploads import uploaded

B60 = Settings(set_range=(-20, 120), clip=(-40, 150), saturated=(-60, 150))
SKY, GROUND, OVEN = -55.0, 10.0, 160.0  # °C


def scene() -> NDArray[np.float64]:
    """Ground below a clear sky, with an oven: 96 rows of 128 pixels."""
    celsius = GROUND + np.random.default_rng(1).normal(0, 0.05, (96, 128))
    celsius[:30] = SKY
    celsius[60:70, 40:60] = OVEN
    return celsius


def thermogram(settings: Settings = B60, celsius: NDArray[np.float64] | None = None) -> Thermogram:
    return decode(FlirFile(settings.counts(scene() if celsius is None else celsius), settings=settings).fff())


def sizes(image: Thermogram) -> tuple[int, int, int]:
    """How many pixels are below and above the range, and how many have no temperature."""
    below, above = (0 if mask is None else int(mask.sum()) for mask in (image.below, image.above))
    return below, above, int(np.isnan(image.celsius).sum())


# ---------------------------------------------------------------- limits of files


def test_pixels_outside_the_clip_range_have_no_temperature() -> None:
    image = thermogram()
    assert image.capture.limits == Span(-40, 150)
    assert sizes(image) == (30 * 128, 200, 30 * 128 + 200)
    assert image.below is not None
    assert image.below[:30].all()
    assert float(np.nanmax(image.celsius)) < 12
    assert float(image.at_least.max(where=~np.isnan(image.at_least), initial=0)) == 150


def test_pixels_outside_the_set_range_only_are_measured() -> None:
    """A good file is set to 100..650 °C and shows a room."""
    settings = replace(B60, set_range=(100, 650), clip=(0, 700), saturated=(0, 700))
    image = thermogram(settings, np.clip(scene(), 5, None))
    assert sizes(image) == (0, 0, 0)
    assert image.capture.set_range == Span(100, 650)


@pytest.mark.parametrize(
    ("changes", "limits"),
    [
        ({"clip": None}, Span(-60, 150)),  # the saturated range
        ({"clip": None, "saturated": None}, Span()),
        ({"clip": (-10, 100)}, Span(-60, 150)),  # it does not contain the set range
        ({"clip": (-10, 100), "saturated": (0, 90)}, Span()),
        ({"clip": (150, -40)}, Span(-60, 150)),
        ({"clip": (float("nan"), 150)}, Span(-60, 150)),
        ({"clip": (-273.15, 150)}, Span(-60, 150)),
        ({"clip": (-273.15, 150), "saturated": None}, Span(None, 150)),
        ({"set_range": None, "clip": (-10, 100)}, Span(-10, 100)),
    ],
    ids=[
        "saturated",
        "not stated",
        "too narrow",
        "all too narrow",
        "reversed",
        "no number",
        "another minimum",
        "no minimum",
        "no set range",
    ],
)
def test_the_limits_are_what_the_camera_states(changes: dict[str, Any], limits: Span) -> None:
    assert thermogram(replace(B60, **changes)).capture.limits == limits


def test_raw_values_outside_their_range_are_out_of_range() -> None:
    low, high = (int(B60.counts(np.array([[end]]))[0, 0]) for end in (-30.0, 130.0))
    image = thermogram(replace(B60, clip=None, saturated=None, raw_range=(low, high)))
    assert sizes(image)[:2] == (30 * 128, 200)
    assert image.capture.limits == Span(pytest.approx(-30, abs=0.1), pytest.approx(130, abs=0.1))


def test_other_settings_do_not_change_which_counts_are_out_of_range() -> None:
    image = thermogram()
    shiny = image.recalibrated(replace(image.capture.parameters, emissivity=0.5))
    assert sizes(shiny) == sizes(image)
    assert (shiny.capture.limits.high_celsius or 0) > 200


def test_an_image_without_any_pixel_in_range_is_refused() -> None:
    with pytest.raises(Undecodable) as refusal:
        thermogram(B60, np.clip(scene(), SKY, SKY + 1) + np.random.default_rng(2).normal(0, 0.1, (96, 128)))
    assert refusal.value.message == Message("argus.imagery", "implausible", "out_of_range")


def test_a_picture_that_is_mostly_a_very_cold_sky_is_accepted() -> None:
    celsius = np.where(np.arange(96)[:, np.newaxis] < 60, -120.0, scene()[80:81])
    assert sizes(thermogram(celsius=celsius))[:2] == (60 * 128, 0)


@pytest.mark.parametrize("changes", [{"r2": 0.0}, {"r1": 0.0, "r2": 0.0}, {"b": 0.0}, {"b": 1e6}], ids=str)
def test_an_impossible_calibration_is_refused(changes: dict[str, float]) -> None:
    settings = replace(B60, emissivity=1.0, distance_metres=0.0)
    data = FlirFile(settings.counts(scene()), settings=replace(settings, **changes)).fff()
    with pytest.raises(Undecodable):
        decode(data)


def test_a_limit_that_the_camera_does_not_state_is_unknown() -> None:
    """With a Planck F above 1, also an infinite count would have a temperature."""
    image = thermogram(replace(B60, f=1.4, clip=None, saturated=None))
    assert image.capture.limits == Span()


def test_pixels_that_djis_law_does_not_reach_are_out_of_range() -> None:
    data, truth = dji_scene(model="M3T")
    plain = decode(data)
    assert plain.capture.limits == Span(-40, 550)
    assert sizes(plain) == (0, 0, 0)
    assert truth is not None


# ---------------------------------------------------------------- through the front door


@pytest.fixture
def image(owner: Person, workers: Workers) -> dict[str, Any]:
    return uploaded(owner, workers, FlirFile(B60.counts(scene()), settings=B60).jpeg())


def test_the_image_counts_them_and_its_statistics_leave_them_out(image: dict[str, Any]) -> None:
    assert image["pixels"] == {
        "measured": 96 * 128 - 30 * 128 - 200,
        "out_of_range": 30 * 128 + 200,
        "below_range": 30 * 128,
        "above_range": 200,
        "without": 0,
        "outside_set_range": 0,
    }
    assert image["limits"] == {"low_celsius": -40, "high_celsius": 150}
    assert image["set_range"] == {"low_celsius": -20, "high_celsius": 120}
    assert 9 < image["stats"]["min_c"] < image["stats"]["max_c"] < 11
    assert sum(image["histogram"]["counts"]) == image["pixels"]["measured"]


def test_hovering_says_why_a_pixel_has_no_temperature(owner: Person, image: dict[str, Any]) -> None:
    states = [
        owner.get(f"/images/{image['id']}/temperature?x={x}&y={y}").get_json() for x, y in ((5, 5), (50, 65), (5, 80))
    ]
    assert [each["state"] for each in states] == ["below_range", "above_range", "measured"]
    assert [each["celsius"] is None for each in states] == [True, True, False]


@pytest.mark.parametrize(
    ("celsius", "state"),
    [(np.clip(scene(), None, 100), "below_range"), (np.clip(scene(), 0, None), "above_range")],
    ids=["below", "above"],
)
def test_a_single_reason_needs_no_product_of_its_own(
    owner: Person, workers: Workers, celsius: NDArray[np.float64], state: str
) -> None:
    image = uploaded(owner, workers, FlirFile(B60.counts(celsius), settings=B60).jpeg())
    x, y = (5, 5) if state == "below_range" else (50, 65)
    assert owner.get(f"/images/{image['id']}/temperature?x={x}&y={y}").get_json() == {"celsius": None, "state": state}


def test_pixels_without_data_are_not_out_of_range(owner: Person, workers: Workers) -> None:
    values = np.clip(scene(), 0, 100).astype(np.float32)
    values[:10] = np.nan
    image = uploaded(owner, workers, plain_tiff(values), name="a.tif", content_type="image/tiff")
    assert (image["pixels"]["without"], image["pixels"]["out_of_range"]) == (10 * 128, 0)
    answer = owner.get(f"/images/{image['id']}/temperature?x=1&y=1").get_json()
    assert answer == {"celsius": None, "state": "without"}
    assert [note["code"] for note in image["notes"]] == ["unit_assumed"]


@pytest.mark.parametrize("palette", ["iron", "medical"])
def test_previews_hatch_them_in_every_palette(owner: Person, image: dict[str, Any], palette: str) -> None:
    url = image["links"]["previews"][palette]["url"]
    url = url if palette == "iron" else owner.http.get(url).headers["Location"]
    picture = Picture.open(io.BytesIO(requests.get(url, timeout=100).content))
    indices = np.asarray(picture)
    assert 0 not in indices  # transparent, on a page of any colour
    for part, line in ((indices[:30], 255), (indices[60:70, 40:60], 1)):
        assert set(np.unique(part)) == {1, 255}
        assert np.mean(part == line) == pytest.approx(0.25, abs=0.02)
    assert indices[0, 0] == indices[1, 7] == 255  # rising lines
    assert indices[60, 44] == indices[61, 45] == 1  # falling ones


def test_a_saturated_region_is_found_with_its_lower_bound(
    owner: Person, workers: Workers, image: dict[str, Any]
) -> None:
    plugin = {"id": "thermal_hotspots", "options": {"absolute_celsius": 200}}
    body = {"target": {"kind": "image", "id": image["id"]}, "plugins": [plugin]}
    scan_id = owner.post("/scans", body).get_json()["id"]
    workers.work()
    (step,) = owner.get(f"/scans/{scan_id}").get_json()["steps"]
    assert [each["rule"] for each in step["not_tested"]] == ["over_limit"]  # 150 °C or more, perhaps 200
    (finding,) = owner.get(f"/scans/{scan_id}/findings").get_json()["items"]
    assert (finding["evidence"]["peak_celsius"], finding["evidence"]["above_range_pixels"]) == (150, 200)
    for kind in ("json", "csv", "geojson", "pdf"):
        report = owner.post("/reports", {"scan_id": scan_id, "format": kind}).headers["Location"]
        workers.work()
        document = requests.get(owner.get(report).get_json()["link"]["url"], timeout=100).content
        text = documents.pages(document)[0] if kind == "pdf" else document.decode()
        assert "200 hotter than the camera can measure (150 °C)" in " ".join(text.split())
    assert json.loads(json.dumps(finding))["severity"] == "critical"


@pytest.mark.parametrize("days", [2, 10_000])
def test_a_time_in_the_future_is_no_time(owner: Person, workers: Workers, clock: MovableClock, days: int) -> None:
    """Beyond a day, which the time zone of a camera can explain."""
    later, soon = clock() + timedelta(days=days), clock() + timedelta(hours=20)
    times = []
    for taken_at in (later, soon.replace(microsecond=0)):
        file = FlirFile(B60.counts(np.clip(scene(), 0, 100)), settings=B60, taken_at=taken_at)
        shown = uploaded(owner, workers, file.jpeg())
        times.append((shown["taken_at"], shown["taken_at_local"]))
    assert times[0] == (None, None)
    assert times[1][0] is not None
