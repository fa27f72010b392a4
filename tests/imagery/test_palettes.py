"""How palettes look: even steps, no bands, light when hot."""

from itertools import pairwise
from math import dist

import pytest

from argus.imagery.palettes import PALETTES, UnknownPalette, lab, table

GREYS = ("white_hot", "black_hot")


def colours(name: str) -> list[bytes]:
    data = table(name)
    return [data[index : index + 3] for index in range(0, len(data), 3)]


def saturation(colour: bytes) -> int:
    return max(colour) - min(colour)


def test_the_required_palettes_exist() -> None:
    assert {"iron", "medical", "hotspot_alert", "white_hot", "black_hot", "rainbow"} <= set(PALETTES)


@pytest.mark.parametrize("name", PALETTES)
def test_a_palette_has_256_colours(name: str) -> None:
    assert len(table(name)) == 3 * 256


@pytest.mark.parametrize("name", [name for name in PALETTES if name not in (*GREYS, "hotspot_alert")])
def test_equal_steps_of_temperature_look_equally_large(name: str) -> None:
    perceived = [lab(colour) for colour in colours(name)]
    eighths = [sum(dist(*pair) for pair in pairwise(perceived[start : start + 33])) for start in range(0, 224, 32)]

    assert max(eighths) < 1.25 * min(eighths)


@pytest.mark.parametrize("name", [name for name in PALETTES if name != "hotspot_alert"])
def test_no_band_appears_where_the_temperatures_have_none(name: str) -> None:
    assert max(dist(lab(a), lab(b)) for a, b in pairwise(colours(name)[4:-4])) < 0.03


@pytest.mark.parametrize("name", ("iron", "white_hot", "lava"))
def test_hotter_is_lighter(name: str) -> None:
    lightness = [lab(colour)[0] for colour in colours(name)]

    assert all(after > before - 0.004 for before, after in pairwise(lightness))  # 8 bits round


def test_black_hot_is_white_hot_reversed() -> None:
    assert colours("black_hot") == colours("white_hot")[::-1]
    assert len(set(colours("white_hot"))) == 256


def test_hotspot_alert_is_grey_until_the_hottest_eighth() -> None:
    saturations = [saturation(colour) for colour in colours("hotspot_alert")]

    assert max(saturations[:218]) < 15
    assert min(saturations[226:]) > 150


def test_medical_distinguishes_many_temperatures() -> None:
    length = {name: sum(dist(lab(a), lab(b)) for a, b in pairwise(colours(name))) for name in PALETTES}

    assert length["medical"] > 1.5 * length["white_hot"]


def test_an_unknown_palette_is_named() -> None:
    with pytest.raises(UnknownPalette, match="“sepia”"):
        table("sepia")
