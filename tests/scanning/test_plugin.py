"""The contract's own behaviour: places that survive small shifts, tools that refuse what was not asked for."""

import logging
import math
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from argus.core.errors import Forbidden
from argus.scanning.plugin import Places, Sighting, Tools

COORDINATES = st.floats(-5000, 5000)
SIGHTINGS = st.builds(Sighting, COORDINATES, COORDINATES, tolerance=st.floats(0, 50))


def test_the_first_sighting_names_the_place() -> None:
    assert Places().settle(320.04, 99.96, tolerance=8) == "320.0,100.0"


def test_a_later_sighting_within_the_tolerance_takes_the_name() -> None:
    assert Places.of(["320.0,100.0"]).settle(325, 104, tolerance=8) == "320.0,100.0"


def test_a_later_sighting_beyond_the_tolerance_does_not() -> None:
    assert Places.of(["320.0,100.0"]).settle(328.1, 100, tolerance=8) == "328.1,100.0"


def test_two_neighbours_each_keep_their_name_when_the_camera_moves() -> None:
    known = Places.of(["100.0,100.0", "106.0,100.0"])
    moved = [Sighting(108.5, 101, tolerance=8), Sighting(102.5, 101, tolerance=8)]
    assert known.settle_all(moved) == ["106.0,100.0", "100.0,100.0"]


def test_a_hotter_newcomer_does_not_take_the_name_of_its_neighbour() -> None:
    newcomer, resident = Sighting(105, 100, tolerance=8), Sighting(100.2, 100, tolerance=8)
    assert Places.of(["100.0,100.0"]).settle_all([newcomer, resident]) == ["105.0,100.0", "100.0,100.0"]


def test_two_new_findings_that_round_to_the_same_place_differ() -> None:
    assert Places().settle_all([Sighting(5, 5, tolerance=0), Sighting(5.01, 5, tolerance=0)]) == ["5.0,5.0", "5.1,5.0"]


def test_a_newcomer_never_takes_a_known_name_that_is_out_of_its_reach() -> None:
    assert Places.of(["5.0,5.0"]).settle(5.04, 5, tolerance=0) == "5.1,5.0"


def test_negative_zero_is_zero() -> None:
    assert Places().settle(-0.01, -0.04, tolerance=1) == "0.0,0.0"


def test_names_of_another_kind_are_passed_over() -> None:
    assert Places.of(["/login", "1,2,3", "nan,1.0", "", "7.0,8.0"]).known == ((7.0, 8.0),)


@pytest.mark.parametrize(
    ("x", "y", "tolerance"), [(math.nan, 0, 1), (0, math.inf, 1), (0, 0, math.nan), (1e13, 0, 1), (0, 0, -1)]
)
def test_what_is_no_place_is_refused(x: float, y: float, tolerance: float) -> None:
    with pytest.raises(ValueError, match=r"is no place|too far out"):
        Sighting(x, y, tolerance=tolerance)


@given(st.lists(SIGHTINGS, max_size=12), st.lists(SIGHTINGS, max_size=12))
def test_no_name_is_given_twice_and_every_name_can_be_read_back(before: list[Sighting], now: list[Sighting]) -> None:
    earlier = Places().settle_all(before)
    names = Places.of(earlier).settle_all(now)
    assert len(set(names)) == len(now)
    assert len(Places.of(names).known) == len(now)


@given(st.lists(SIGHTINGS, max_size=12))
def test_seen_again_unmoved_every_finding_keeps_its_name(sightings: list[Sighting]) -> None:
    roomy = [Sighting(sighting.x, sighting.y, tolerance=5) for sighting in sightings]
    names = Places().settle_all(roomy)
    assert set(Places.of(names).settle_all(roomy)) == set(names)


# Where neighbouring cells meet: whole numbers and halves, near and far, with a tolerance between them.
STEPS = st.integers(-40, 40).map(lambda steps: steps / 2)
TOLERANCES = st.sampled_from([0, 0.05, 0.1, 0.5, 1, 2, math.nextafter(4, 0), 4, 4.5, 100, 1e12, 1e308])
CLOSE = st.builds(Sighting, STEPS | st.sampled_from([-1e12, 1e12]), STEPS, tolerance=TOLERANCES)


@given(st.lists(st.tuples(STEPS, STEPS), max_size=30), st.lists(CLOSE | SIGHTINGS, max_size=30))
def test_the_closest_pairs_find_each_other_first(known: list[tuple[float, float]], now: list[Sighting]) -> None:
    names = [f"{x:.1f},{y:.1f}" for x, y in [*known, (1e14, -1e14)]]
    assert Places.of(names).settle_all(now) == plainly_settled(Places.of(names).known, now)


def plainly_settled(known: tuple[tuple[float, float], ...], sightings: list[Sighting]) -> list[str]:
    """As it is defined: every sighting against every place."""
    settled: dict[int, tuple[float, float]] = {}
    pairs = sorted(
        (distance, place, index)
        for index, sighting in enumerate(sightings)
        for place in known
        if (distance := math.dist(place, (sighting.x, sighting.y))) <= sighting.tolerance
    )
    for _distance, place, index in pairs:
        if index not in settled and place not in settled.values():
            settled[index] = place
    for index, sighting in enumerate(sightings):
        tenths, y = round(sighting.x * 10), round(sighting.y * 10) / 10
        while index not in settled:
            place = (tenths / 10, y)
            tenths += 1
            if place not in known and place not in settled.values():
                settled[index] = place
    return [f"{x:.1f},{y:.1f}" for x, y in (settled[index] for index in range(len(sightings)))]


def test_thousands_of_places_are_asked_only_about_what_is_near(monkeypatch: pytest.MonkeyPatch) -> None:
    """An image that was scanned often, with as many findings as one may have: the work grows with what there is."""
    known = Places.of(f"{x * 8}.0,{y * 8}.0" for x in range(100) for y in range(100))
    assert len(known.known) == 10_000
    sightings = [Sighting(x * 16 + 1, y * 20, tolerance=8) for x in range(50) for y in range(40)]
    real, asked = math.dist, []

    def counted(here: tuple[float, float], there: tuple[float, float]) -> float:
        asked.append(here)
        return real(here, there)

    monkeypatch.setattr(math, "dist", counted)
    assert len(set(known.settle_all(sightings))) == len(sightings) == 2000
    assert len(asked) < 50 * len(sightings)


def test_a_tool_that_the_manifest_does_not_ask_for_is_refused() -> None:
    bare = Tools(
        now=lambda: datetime.now(UTC),
        log=logging.getLogger("argus.plugin.test"),
        progress=lambda share: None,
        places=lambda rule: Places(),
        incomplete=lambda rule: None,
    )
    with pytest.raises(Forbidden, match="permission imagery"):
        _ = bare.images
