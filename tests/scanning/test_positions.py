"""Positions keep their names after a small shift."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from argus.scanning.positions import Detection, PositionMatcher

COORDINATES = st.floats(-5000, 5000)
DETECTIONS = st.builds(Detection, COORDINATES, COORDINATES, tolerance=st.floats(0, 50))


def test_the_first_detection_names_the_position() -> None:
    assert PositionMatcher().match(320.04, 99.96, tolerance=8) == "320.0,100.0"


def test_a_later_detection_within_the_tolerance_takes_the_name() -> None:
    assert PositionMatcher.of(["320.0,100.0"]).match(325, 104, tolerance=8) == "320.0,100.0"


def test_a_later_detection_beyond_the_tolerance_gets_a_new_name() -> None:
    assert PositionMatcher.of(["320.0,100.0"]).match(328.1, 100, tolerance=8) == "328.1,100.0"


def test_two_neighbours_each_keep_their_name_when_the_camera_moves() -> None:
    known = PositionMatcher.of(["100.0,100.0", "106.0,100.0"])
    moved = [Detection(108.5, 101, tolerance=8), Detection(102.5, 101, tolerance=8)]
    assert known.match_all(moved) == ["106.0,100.0", "100.0,100.0"]


def test_a_new_detection_does_not_take_the_name_of_its_neighbour() -> None:
    new, existing = Detection(105, 100, tolerance=8), Detection(100.2, 100, tolerance=8)
    assert PositionMatcher.of(["100.0,100.0"]).match_all([new, existing]) == ["105.0,100.0", "100.0,100.0"]


def test_two_new_findings_that_round_to_the_same_position_differ() -> None:
    assert PositionMatcher().match_all([Detection(5, 5, tolerance=0), Detection(5.01, 5, tolerance=0)]) == [
        "5.0,5.0",
        "5.1,5.0",
    ]


def test_a_new_detection_never_takes_a_known_name_outside_its_tolerance() -> None:
    assert PositionMatcher.of(["5.0,5.0"]).match(5.04, 5, tolerance=0) == "5.1,5.0"


def test_negative_zero_is_zero() -> None:
    assert PositionMatcher().match(-0.01, -0.04, tolerance=1) == "0.0,0.0"


def test_names_in_another_format_are_ignored() -> None:
    assert PositionMatcher.of(["/login", "1,2,3", "nan,1.0", "", "7.0,8.0"]).known == ((7.0, 8.0),)


@pytest.mark.parametrize(
    ("x", "y", "tolerance"), [(math.nan, 0, 1), (0, math.inf, 1), (0, 0, math.nan), (1e13, 0, 1), (0, 0, -1)]
)
def test_an_invalid_position_is_rejected(x: float, y: float, tolerance: float) -> None:
    with pytest.raises(ValueError, match=r"is no position|too far out"):
        Detection(x, y, tolerance=tolerance)


@given(st.lists(DETECTIONS, max_size=12), st.lists(DETECTIONS, max_size=12))
def test_names_are_unique_and_can_be_parsed(before: list[Detection], now: list[Detection]) -> None:
    earlier = PositionMatcher().match_all(before)
    names = PositionMatcher.of(earlier).match_all(now)
    assert len(set(names)) == len(now)
    assert len(PositionMatcher.of(names).known) == len(now)


@given(st.lists(DETECTIONS, max_size=12))
def test_unmoved_findings_keep_their_names(detections: list[Detection]) -> None:
    tolerant = [Detection(detection.x, detection.y, tolerance=5) for detection in detections]
    names = PositionMatcher().match_all(tolerant)
    assert set(PositionMatcher.of(names).match_all(tolerant)) == set(names)


# At the edges of cells: whole numbers and halves, near and far, with tolerances between them.
STEPS = st.integers(-40, 40).map(lambda steps: steps / 2)
TOLERANCES = st.sampled_from([0, 0.05, 0.1, 0.5, 1, 2, math.nextafter(4, 0), 4, 4.5, 100, 1e12, 1e308])
CLOSE = st.builds(Detection, STEPS | st.sampled_from([-1e12, 1e12]), STEPS, tolerance=TOLERANCES)


@given(st.lists(st.tuples(STEPS, STEPS), max_size=30), st.lists(CLOSE | DETECTIONS, max_size=30))
def test_the_closest_pairs_are_matched_first(known: list[tuple[float, float]], now: list[Detection]) -> None:
    names = [f"{x:.1f},{y:.1f}" for x, y in [*known, (1e14, -1e14)]]
    assert PositionMatcher.of(names).match_all(now) == match_naively(PositionMatcher.of(names).known, now)


def match_naively(known: tuple[tuple[float, float], ...], detections: list[Detection]) -> list[str]:
    """The reference implementation: compares every detection with every position."""
    matched: dict[int, tuple[float, float]] = {}
    pairs = sorted(
        (distance, position, index)
        for index, detection in enumerate(detections)
        for position in known
        if (distance := math.dist(position, (detection.x, detection.y))) <= detection.tolerance
    )
    for _distance, position, index in pairs:
        if index not in matched and position not in matched.values():
            matched[index] = position
    for index, detection in enumerate(detections):
        tenths, y = round(detection.x * 10), round(detection.y * 10) / 10
        while index not in matched:
            position = (tenths / 10, y)
            tenths += 1
            if position not in known and position not in matched.values():
                matched[index] = position
    return [f"{x:.1f},{y:.1f}" for x, y in (matched[index] for index in range(len(detections)))]


def test_a_detection_is_compared_only_with_near_positions(monkeypatch: pytest.MonkeyPatch) -> None:
    """An image that was scanned often, with the maximum number of findings."""
    known = PositionMatcher.of(f"{x * 8}.0,{y * 8}.0" for x in range(100) for y in range(100))
    assert len(known.known) == 10_000
    detections = [Detection(x * 16 + 1, y * 20, tolerance=8) for x in range(50) for y in range(40)]
    real, compared = math.dist, []

    def counted(here: tuple[float, float], there: tuple[float, float]) -> float:
        compared.append(here)
        return real(here, there)

    monkeypatch.setattr(math, "dist", counted)
    assert len(set(known.match_all(detections))) == len(detections) == 2000
    assert len(compared) < 50 * len(detections)
