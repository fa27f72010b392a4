"""Hot spots on scenes with known truth: ground, pipe, leaks, and regions that only resemble leaks."""

import json
import time
import tracemalloc
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from argus.imagery.decode import decode
from argus.imagery.model import Accuracy, AccuracyKind, Camera, Capture, LinearScale, Parameters
from argus.imagery.thermogram import Thermogram
from argus.imagery.tiff import Linear
from argus.scanning import testkit
from argus.scanning.catalogue import Catalogue, Manifest
from argus.scanning.model import Finding, Severity, Target
from argus.scanning.plugin import Tools
from argus.scanning.plugins.thermal_hotspots.background import background
from argus.scanning.plugins.thermal_hotspots.outline import MAX_POINTS, outline, perimeter
from argus.scanning.plugins.thermal_hotspots.plugin import severity
from argus.scanning.plugins.thermal_hotspots.regions import label
from services.local.demo.scenes.flir import flir_scene
from services.local.demo.scenes.pipeline import SEVERITIES

HEIGHT, WIDTH = 512, 640
THRESHOLD = 10.0
NOISE_CELSIUS = 0.025  # of a good uncooled detector; the hottest of a few hundred pixels is 3 or 4 times this too high
SEEDS = range(40)
RECALL, PRECISION = 0.95, 0.95
AREA_SHARE, PEAK_CELSIUS = 0.15, 0.1  # allowed errors of the area and peak of a region


def hotspots(celsius: NDArray[Any], known: Mapping[str, Sequence[str]] | None = None, **options: Any) -> list[Finding]:
    image = picture(celsius)
    known_positions = {rule: tuple(names) for rule, names in (known or {}).items()}
    case = testkit.Case("", Target("image", "img"), testkit.World({"img": image}, known_positions), {}, options)
    return list(testkit.run(Catalogue.load().get("thermal_hotspots"), case).findings)


def thermal_hotspots() -> Manifest:
    return Catalogue.load().get("thermal_hotspots")


def tools_of(celsius: NDArray[Any]) -> Tools:
    return testkit.tools_for(thermal_hotspots(), testkit.World({"img": picture(celsius)}))


def picture(celsius: NDArray[Any]) -> Thermogram:
    """An image of any temperatures, also of those that no file has."""
    height, width = celsius.shape
    capture = Capture("tiff16", width, height, Accuracy(AccuracyKind.EXACT), Camera(), Parameters())
    return Thermogram(capture, celsius.astype(np.float32), np.zeros((0, 0), np.uint16), Linear(LinearScale(1.0)))


# ---------------------------------------------------------------- scenes


@dataclass(frozen=True, eq=False)
class Scene:
    """`celsius` is the image of the camera, `true_celsius` the same without noise.

    `leaks` are masks of the regions that are at least THRESHOLD warmer than the ground.
    """

    celsius: NDArray[np.float64]
    true_celsius: NDArray[np.float64]
    leaks: list[NDArray[np.bool_]]


def bump(x: float, y: float, radius: float, height: float, steepness: float = 6) -> NDArray[np.float64]:
    """A temperature rise that falls to half at the radius."""
    rows, columns = np.indices((HEIGHT, WIDTH), sparse=True)
    distance = np.hypot(columns + 0.5 - x, rows + 0.5 - y).astype(
        np.float32
    )  # powers of float32 take a third of the time
    return np.float64(height) / (1 + (distance / np.float32(radius)) ** np.float32(steepness))


def slope(rise: float) -> NDArray[np.float64]:
    rows, columns = np.indices((HEIGHT, WIDTH), sparse=True)
    return 8 + rise * (columns / WIDTH - 0.5) + 0.6 * np.sin(rows / 60) * np.cos(columns / 75)


def pipe(height: float, half_width: float = 14, tilt: float = 0.0) -> NDArray[np.float64]:
    """The temperature rise of a pipe across the whole image."""
    rows, columns = np.indices((HEIGHT, WIDTH), sparse=True)
    across = np.abs(rows - HEIGHT / 2 - tilt * (columns - WIDTH / 2)) / np.hypot(1, tilt)
    return height / (1 + (across / half_width) ** 12)


def noisy(celsius: NDArray[np.float64], seed: int = 0) -> NDArray[np.float64]:
    return celsius + np.random.default_rng(seed).normal(0, NOISE_CELSIUS, celsius.shape)


@cache
def scene(seed: int) -> Scene:
    """Five leaks along an intact pipe up to 8 °C warmer than the ground, which has a slope of up to 10 °C.

    The scene also has regions that must not be found: warm ones below the threshold, hot ones below the minimum area.
    """
    random = np.random.default_rng(seed)
    tilt = random.uniform(-0.5, 0.5)
    ground = slope(random.uniform(-10, 10))
    warmth = pipe(random.uniform(0, 8), random.uniform(8, 20), tilt)
    bumps = []
    for index in range(5):
        x = 70 + 125 * index + random.uniform(-20, 20)
        y = HEIGHT / 2 + tilt * (x - WIDTH / 2) + random.uniform(-5, 5)
        bumps.append(bump(x, y, random.uniform(4, 18), random.uniform(14, 70), random.uniform(3, 9)))
    for top in (40, HEIGHT - 60):
        warmth = np.maximum(warmth, bump(random.uniform(30, 600), top, random.uniform(5, 40), random.uniform(3, 8)))
    warmth[5:8, (speck := int(random.integers(10, 600))) : speck + 3] = 30
    true = ground + np.maximum.reduce([warmth, *bumps])
    leaks = [each >= THRESHOLD for each in bumps]
    return Scene(noisy(true, seed), true, leaks)


def matches(finding: Finding, leak: NDArray[np.bool_]) -> bool:
    x, y = finding.location["hottest_pixel"]
    return bool(leak[y, x])


# ---------------------------------------------------------------- accuracy


def test_recall_and_precision_on_scenes_with_known_leaks() -> None:
    actual = found = reported = correct = 0
    for seed in SEEDS:
        leaks, findings = scene(seed).leaks, hotspots(scene(seed).celsius)
        actual += len(leaks)
        found += sum(any(matches(finding, leak) for finding in findings) for leak in leaks)
        reported += len(findings)
        correct += sum(any(matches(finding, leak) for leak in leaks) for finding in findings)
        assert len(findings) <= len(leaks) or correct < reported, "a leak was reported as several findings"
    assert actual == 5 * len(SEEDS)
    assert found / actual >= RECALL
    assert correct / reported >= PRECISION


@pytest.mark.parametrize("seed", SEEDS)
def test_area_and_peak_are_those_of_the_leak(seed: int) -> None:
    for finding in hotspots(scene(seed).celsius):
        for leak in scene(seed).leaks:
            if matches(finding, leak):
                assert finding.evidence["area_pixels"] == pytest.approx(leak.sum(), rel=AREA_SHARE, abs=4)
                true_peak = scene(seed).true_celsius[leak].max()
                assert finding.evidence["peak_celsius"] == pytest.approx(true_peak, abs=PEAK_CELSIUS)


@pytest.mark.parametrize("seed", (1, 2, 3))
def test_leaks_are_found_in_a_decoded_radiometric_file_with_their_severity(seed: int) -> None:
    data, truth = flir_scene(seed=seed, leaks=4)
    findings = hotspots(decode(data).celsius, delta_celsius=7)
    centroids = [finding.location["centroid"] for finding in findings]
    leaks = sorted(truth.leaks, key=lambda leak: -leak.peak_celsius)
    assert [(leak.x, leak.y) for leak in leaks] == [pytest.approx(centroid, abs=1.5) for centroid in centroids]
    assert len(SEVERITIES) == len(leaks)
    assert [finding.severity for finding in findings] == ["critical", "high", "medium", "low"]


# ---------------------------------------------------------------- the background


@pytest.mark.parametrize(
    ("warmth", "within"),
    [
        pytest.param(pipe(0), 2.4, id="a slope alone"),
        pytest.param(pipe(60), 2.4, id="hot pipe"),
        pytest.param(pipe(60, tilt=1), 2.4, id="slanting hot pipe"),
        pytest.param(pipe(60, half_width=34), 2.6, id="hot pipe that fills nearly half of the window"),
        pytest.param(bump(320, 250, 55, 80, 20), 2.4, id="large leak"),
        pytest.param(np.maximum(pipe(30), bump(320, 256, 30, 60, 20)), 2.4, id="leak on a hot pipe"),
        pytest.param(pipe(9), 2.4, id="pipe below the threshold"),
    ],
)
def test_the_background_is_the_ground_below_hot_regions(warmth: NDArray[np.float64], within: float) -> None:
    # At the edges of the image the window has ground on one side only: an error of an eighth of the 20 °C slope.
    ground = slope(20)
    estimate = background(noisy(ground + warmth).astype(np.float32), share=0.25, threshold=THRESHOLD)
    assert np.abs(estimate - ground).max() < within


def test_the_background_has_no_steps() -> None:
    estimate = background((slope(20) + pipe(60)).astype(np.float32), share=0.25, threshold=THRESHOLD)
    assert np.abs(np.diff(estimate, axis=0)).max() < 0.1
    assert np.abs(np.diff(estimate, axis=1)).max() < 0.1


def test_a_region_that_fills_most_of_the_image_is_the_background() -> None:
    close_up = noisy(slope(0) + pipe(40, half_width=200) + bump(320, 250, 12, 30))
    (leak,) = hotspots(close_up)
    assert leak.location["centroid"] == pytest.approx([320, 250], abs=1)
    assert leak.evidence["delta_celsius"] == pytest.approx(30, abs=2)


def test_a_bare_pipe_is_one_region_from_side_to_side() -> None:
    (found,) = hotspots(noisy(slope(5) + pipe(30)))
    x0, _, x1, _ = found.location["bounding_box"]
    assert (x0, x1) == (0, WIDTH)
    assert found.evidence["delta_celsius"] == pytest.approx(30, abs=1.5)


def test_leaks_on_a_bare_pipe_are_separate_at_a_higher_threshold() -> None:
    celsius = noisy(slope(0) + np.maximum.reduce([pipe(30), bump(200, 256, 9, 70), bump(400, 256, 9, 50)]))
    found = hotspots(celsius, delta_celsius=40)
    assert [finding.location["centroid"] for finding in found] == [
        pytest.approx([200, 256], abs=1),
        pytest.approx([400, 256], abs=1),
    ]


# ---------------------------------------------------------------- difficult images


@pytest.mark.parametrize("noise", (0.05, 0.5, 1.5))
def test_noise_alone_is_no_hot_spot(noise: float) -> None:
    random = np.random.default_rng(4)
    assert hotspots(slope(15) + random.normal(0, noise, (HEIGHT, WIDTH))) == []


def test_pixels_without_temperature_are_in_no_region() -> None:
    celsius = noisy(slope(5) + bump(320, 256, 15, 40))
    whole = hotspots(celsius)[0].evidence["area_pixels"]
    celsius[:, 320:] = np.nan
    celsius[100, :] = np.nan
    (half,) = hotspots(celsius)
    assert half.evidence["area_pixels"] == pytest.approx(whole / 2, rel=0.1)
    assert half.location["bounding_box"][2] == 320


def test_a_picture_without_any_temperature_has_no_hot_spots() -> None:
    assert hotspots(np.full((40, 50), np.nan), absolute_celsius=0) == []


def test_an_even_picture_has_no_hot_spots() -> None:
    assert hotspots(np.full((24, 32), 20.0), delta_celsius=1, min_area_pixels=1) == []


@pytest.mark.parametrize(
    ("x", "y"), ((0, 0), (WIDTH, 0), (0, HEIGHT), (WIDTH, HEIGHT), (320, 0), (WIDTH, 256)), ids=str
)
def test_a_leak_cut_by_the_edge_is_found_inside_the_picture(x: int, y: int) -> None:
    (found,) = hotspots(noisy(slope(5) + bump(x, y, 15, 40)))
    assert np.all(np.array(found.location["polygon"]) >= 0)
    assert np.all(np.array(found.location["polygon"]) <= (WIDTH, HEIGHT))
    assert found.location["bounding_box"] == pytest.approx(
        [max(x - 17, 0), max(y - 17, 0), min(x + 17, WIDTH), min(y + 17, HEIGHT)], abs=2
    )


@pytest.mark.parametrize("size", ((8, 8), (24, 32), (120, 160), (1024, 1280)), ids=str)
def test_images_of_any_size_are_searched(size: tuple[int, int]) -> None:
    celsius = np.full(size, 10.0)
    celsius[1:5, 2:5] = 45
    (found,) = hotspots(celsius)
    assert found.location == {
        "centroid": [3.5, 3.0],
        "bounding_box": [2, 1, 5, 5],
        "hottest_pixel": [2, 1],
        "polygon": [[2, 1], [5, 1], [5, 5], [2, 5], [2, 1]],
    }
    assert found.evidence == {
        "delta_celsius": 35.0,
        "peak_celsius": 45.0,
        "mean_celsius": 45.0,
        "min_celsius": 45.0,
        "background_celsius": 10.0,
        "threshold_celsius": 10,
        "area_pixels": 12,
        "perimeter_pixels": 14.0,
        "above_range_pixels": 0,
    }


def test_the_centroid_is_weighted_by_temperature() -> None:
    celsius = np.full((60, 80), 10.0)
    celsius[20:24, 20:40] = 25
    celsius[20:24, 36:40] = 70
    (found,) = hotspots(celsius)
    # 16 columns around 28 at 15 °C have the same weight as 4 columns around 38 at 60 °C.
    assert found.location["centroid"] == [33.0, 22.0]


@pytest.mark.parametrize(
    "hot",
    (
        lambda x, y: (x + y) % 2,
        lambda x, y: (x % 2) | (y == 0),
        lambda x, y: (x % 4 == 0) & (y % 4 == 0),
        lambda x, y: (np.maximum(abs(x - 320), abs(y - 256)) // 2) % 2,
        lambda x, y: np.random.default_rng(0).random((HEIGHT, WIDTH)) < 0.41,
    ),
    ids=("checkerboard", "comb", "dots", "rings", "static"),
)
def test_a_hostile_pattern_takes_bounded_time(hot: Any) -> None:
    rows, columns = np.indices((HEIGHT, WIDTH))
    started = time.process_time()
    hotspots(10 + 50.0 * hot(columns, rows), absolute_celsius=30, min_area_pixels=1)
    assert time.process_time() - started < 5


def diagonals(side: int) -> NDArray[np.float64]:
    """Thin hot lines from edge to edge: few pixels each, in boxes with a hundred times the pixels of the image."""
    rows, columns = np.indices((side, side), sparse=True)
    return np.where((rows + columns) % 4 == 0, 90.0, 20.0)


def test_thin_diagonals_over_a_large_picture_take_little_memory() -> None:
    celsius = diagonals(512)
    tracemalloc.start()
    found = hotspots(celsius, absolute_celsius=30, min_area_pixels=1, max_findings=2000)
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(found) == 256
    assert peak_bytes < 40 * celsius.size


def test_a_picture_that_is_hot_all_over_takes_little_memory() -> None:
    celsius = np.full((1024, 1024), 90.0, np.float32)
    tracemalloc.start()
    (found,) = hotspots(celsius, absolute_celsius=30)
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert found.evidence["area_pixels"] == celsius.size
    assert peak_bytes < 40 * celsius.size


def test_the_perimeter_of_a_long_slanted_line_is_accurate() -> None:
    ring = outline(np.eye(1600, dtype=np.bool_))  # traced on a coarser grid, which has higher steps
    assert len(ring) < 10
    assert perimeter(ring) == pytest.approx(2 * np.hypot(1600, 1600), rel=0.01)


def test_progress_is_reported_for_each_region() -> None:
    """A cancel or timeout must not have to wait for all regions."""
    reported: list[float] = []
    tools = replace(tools_of(diagonals(64)), progress=reported.append)
    options = thermal_hotspots().check_options({"min_area_pixels": 1, "absolute_celsius": 30})
    regions = sum(1 for _ in thermal_hotspots().load_run()(Target("image", "img"), tools, options))
    assert regions == 2 * 32
    assert len(reported) > 2 * regions
    assert all(0 <= share < 1 for share in reported)


# ---------------------------------------------------------------- location keys


def shifted(celsius: NDArray[np.float64], right: int, down: int) -> NDArray[np.float64]:
    """The image of a camera that moved slightly; edge pixels are repeated."""
    rows = np.clip(np.arange(HEIGHT) - down, 0, HEIGHT - 1)
    columns = np.clip(np.arange(WIDTH) - right, 0, WIDTH - 1)
    return celsius[np.ix_(rows, columns)]


def location_keys(findings: list[Finding]) -> list[str]:
    return [finding.location_key for finding in findings]


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(("right", "down"), ((1, 0), (-2, 1), (3, -3), (0, 3)))
def test_a_small_shift_keeps_every_location_key(seed: int, right: int, down: int) -> None:
    before = location_keys(hotspots(scene(seed).celsius))
    moved = shifted(scene(seed).celsius, right, down)
    assert not set(location_keys(hotspots(moved))) & set(before)  # without the known keys they would be new
    assert location_keys(hotspots(moved, known={"hotspot": before})) == before


@pytest.mark.parametrize(("moved_pixels", "same"), ((7, True), (9, False)))
def test_a_small_leak_may_move_by_eight_pixels(moved_pixels: int, same: bool) -> None:
    celsius = noisy(slope(0) + bump(300, 256, 3, 40))
    before = location_keys(hotspots(celsius))
    assert (location_keys(hotspots(shifted(celsius, moved_pixels, 0), known={"hotspot": before})) == before) is same


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("delta", (6, 8.5, 12, 13.5))
def test_another_threshold_keeps_every_location_key(seed: int, delta: float) -> None:
    before = location_keys(hotspots(scene(seed).celsius))
    now = location_keys(hotspots(scene(seed).celsius, known={"hotspot": before}, delta_celsius=delta))
    known = [key for key in now if key in before]
    # Below the temperature rise of the pipe regions merge; above it, each keeps its location key.
    assert known == before if delta > 8 else set(known) <= set(before)


def test_another_calibration_keeps_every_location_key() -> None:
    before = location_keys(hotspots(scene(1).celsius))
    assert location_keys(hotspots(scene(1).celsius * 1.08 + 3, known={"hotspot": before})) == before


def test_two_near_leaks_stay_separate_and_keep_their_location_keys() -> None:
    celsius = noisy(slope(0) + np.maximum(bump(300, 256, 6, 40, 12), bump(316, 256, 6, 30, 12)))
    first, second = hotspots(celsius)
    assert first.location["centroid"] == pytest.approx([300, 256], abs=0.5)
    assert second.location["centroid"] == pytest.approx([316, 256], abs=0.5)
    again = hotspots(shifted(celsius, 3, 0), known={"hotspot": [second.location_key, first.location_key]})
    assert location_keys(again) == [first.location_key, second.location_key]


def test_a_new_leak_beside_a_known_one_does_not_take_its_location_key() -> None:
    old = slope(0) + bump(300, 256, 6, 30, 12)
    (known,) = hotspots(noisy(old))
    hotter, same = hotspots(
        noisy(np.maximum(old, slope(0) + bump(306, 270, 4, 60, 12))), known={"hotspot": [known.location_key]}
    )
    assert same.location_key == known.location_key
    assert hotter.location_key != known.location_key


def test_location_keys_are_unique() -> None:
    dots = np.full((64, 64), 10.0)
    dots[::2, ::2] = 60
    found = hotspots(dots, min_area_pixels=1, max_findings=2000)
    assert len(set(location_keys(found))) == len(found) == 1024


# ---------------------------------------------------------------- findings


@pytest.mark.parametrize(
    ("delta", "expected"),
    ((1, "low"), (10, "low"), (10.01, "medium"), (20, "medium"), (20.5, "high"), (40, "high"), (40.01, "critical")),
)
def test_severity_follows_the_neta_classes(delta: float, expected: str) -> None:
    assert severity(delta) == expected


def test_the_hottest_are_reported_first_and_a_warning_is_logged_for_the_rest(caplog: pytest.LogCaptureFixture) -> None:
    celsius = slope(0) + np.maximum.reduce([bump(100 * n, 256, 8, 20 + 10 * n) for n in range(1, 6)])
    found = hotspots(celsius, max_findings=3)
    peaks = [finding.evidence["peak_celsius"] for finding in found]
    assert [round(finding.location["centroid"][0]) for finding in found] == [500, 400, 300]
    assert peaks == sorted(peaks, reverse=True)
    assert [record.getMessage() for record in caplog.records] == ["more regions than findings allowed"]


def test_small_regions_are_ignored() -> None:
    celsius = np.full((64, 64), 10.0)
    celsius[10:13, 10:14] = 60  # 12 pixels
    celsius[30, 30:41] = 60  # 11 pixels
    assert len(hotspots(celsius)) == 1
    assert len(hotspots(celsius, min_area_pixels=11)) == 2


def test_over_limit_is_reported_in_addition_to_hotspot_with_the_severity_of_the_manifest() -> None:
    celsius = noisy(slope(0) + bump(200, 256, 10, 30) + bump(400, 256, 10, 60))
    assert {finding.rule for finding in hotspots(celsius)} == {"hotspot"}
    findings = hotspots(celsius, absolute_celsius=50)
    assert [(finding.rule, finding.severity) for finding in findings] == [
        ("hotspot", Severity.CRITICAL),
        ("hotspot", Severity.HIGH),
        ("over_limit", None),
    ]
    assert findings[-1].evidence["min_celsius"] >= 50
    assert findings[-1].evidence["area_pixels"] == (celsius.astype(np.float32) >= 50).sum()
    assert findings[-1].evidence["threshold_celsius"] == 50


@pytest.mark.parametrize(("limit", "untested"), ((None, ["over_limit"]), (500, [])))
def test_over_limit_is_not_tested_without_a_limit(limit: float | None, untested: list[str]) -> None:
    marked: list[str] = []
    tools = replace(tools_of(np.full((24, 32), 20.0)), mark_not_tested=marked.append)
    options = thermal_hotspots().check_options({"absolute_celsius": limit})
    assert list(thermal_hotspots().load_run()(Target("image", "img"), tools, options)) == []
    assert marked == untested


def test_a_limit_below_the_surroundings_finds_the_whole_image() -> None:
    (found,) = hotspots(noisy(slope(0)), absolute_celsius=-20)
    assert (found.rule, found.evidence["area_pixels"]) == ("over_limit", HEIGHT * WIDTH)


def test_the_window_is_configurable() -> None:
    plateau = noisy(slope(0) + bump(320, 256, 90, 30, 20))
    assert len(hotspots(plateau, background_pixels=400)) == 1
    wide, narrow = (hotspots(plateau, background_pixels=pixels) for pixels in (400, 128))
    assert wide[0].evidence["area_pixels"] > 1.5 * sum(finding.evidence["area_pixels"] for finding in narrow)


def test_findings_are_plain_json_and_reproducible() -> None:
    found = hotspots(scene(2).celsius, absolute_celsius=20)
    for finding in found:
        plain = json.dumps([finding.location, finding.evidence], allow_nan=False)
        assert json.loads(plain) == [finding.location, finding.evidence]
    assert found == hotspots(scene(2).celsius, absolute_celsius=20)


# ---------------------------------------------------------------- regions and outlines

masks = arrays(np.bool_, st.tuples(st.integers(1, 12), st.integers(1, 12)))


def flooded(mask: NDArray[np.bool_]) -> list[int]:
    """The component of each true pixel in reading order: the reference implementation."""
    names: dict[tuple[int, int], int] = {}
    pixels = [(int(y), int(x)) for y, x in np.argwhere(mask)]
    for name, start in enumerate(pixels):
        front = [start]
        while front:
            y, x = front.pop()
            if (y, x) in names or not (0 <= y < mask.shape[0] and 0 <= x < mask.shape[1] and mask[y, x]):
                continue
            names[y, x] = name
            front += [(y + down, x + right) for down in (-1, 0, 1) for right in (-1, 0, 1)]
    order = {name: index for index, name in enumerate(dict.fromkeys(names[pixel] for pixel in pixels))}
    return [order[names[pixel]] for pixel in pixels]


@given(masks)
def test_components_equal_those_of_a_flood_fill(mask: NDArray[np.bool_]) -> None:
    labels, count = label(mask)
    assert labels.tolist() == flooded(mask)
    assert count == len(set(flooded(mask)))


@given(masks)
def test_an_outline_is_a_closed_ring_around_its_region(mask: NDArray[np.bool_]) -> None:
    labels, count = label(mask)
    pixels = np.argwhere(mask)
    for index in range(count):
        component = pixels[labels == index]
        box = np.zeros(np.ptp(component, axis=0) + 1, np.bool_)
        box[tuple((component - component.min(axis=0)).T)] = True
        ring = outline(box)
        assert ring[0].tolist() == ring[-1].tolist()
        assert 4 <= len(ring) <= MAX_POINTS
        assert ring.min() >= 0
        assert np.all(ring <= box.shape[::-1])


@pytest.mark.parametrize("radius", (5.0, 12.3, 40.7, 200.4))
def test_an_outline_has_the_area_and_perimeter_of_the_region(radius: float) -> None:
    offsets = np.arange(int(-radius) - 1, int(radius) + 2)
    disc = np.hypot(*np.meshgrid(offsets, offsets)) <= radius
    disc = disc[np.ix_(disc.any(axis=1), disc.any(axis=0))]
    x, y = outline(disc).T
    assert abs((x[:-1] * y[1:] - x[1:] * y[:-1]).sum()) / 2 == pytest.approx(disc.sum(), rel=0.08, abs=10)
    assert perimeter(outline(disc)) == pytest.approx(2 * np.pi * radius, rel=0.1)


def test_an_outline_has_at_most_the_maximum_number_of_points() -> None:
    rows, columns = np.indices((600, 800))
    comb = (columns % 4 < 2) | (rows == 0)
    assert len(outline(comb)) == MAX_POINTS


def test_an_outline_traced_on_a_coarser_grid_stays_within_the_region() -> None:
    assert outline(np.ones((601, 803), np.bool_)).tolist() == [[0, 0], [803, 0], [803, 601], [0, 601], [0, 0]]


def test_diagonal_neighbours_share_one_outline() -> None:
    ring = outline(np.eye(2, dtype=np.bool_)).tolist()
    assert ring[0] == ring[-1] == [0, 0]
    assert [2, 2] in ring
