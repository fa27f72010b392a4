"""The legend: colours in order, labels readable and correct."""

import io

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from argus.imagery.colour_bar import HEIGHT, WIDTH, colour_bar, ticks
from argus.imagery.palettes import PALETTES, UnknownPalette, table

COLOURED = slice(72, 608)


def rgb(data: bytes) -> NDArray[np.uint8]:
    with Image.open(io.BytesIO(data)) as image:
        return np.asarray(image.convert("RGB"))


@pytest.mark.parametrize("name", PALETTES)
def test_the_bar_is_cold_at_the_bottom_and_hot_at_the_top(name: str) -> None:
    picture = rgb(colour_bar(name, low=10, high=40))

    assert picture.shape == (HEIGHT, WIDTH, 3)
    column = picture[COLOURED, 46]
    assert (bytes(column[-1]), bytes(column[0])) == (table(name)[:3], table(name)[-3:])
    expected = np.frombuffer(table(name), np.uint8).reshape(256, 3)[::-1].astype(int)
    sampled = expected[np.linspace(0, 255, len(column)).round().astype(int)]
    assert np.abs(column.astype(int) - sampled).mean() < 4


def test_the_labels_are_the_same_in_every_palette() -> None:
    bars = {name: rgb(colour_bar(name, low=-12.3, high=40))[:, 70:] for name in PALETTES}

    assert all(np.array_equal(bar, bars["iron"]) for bar in bars.values())


def test_other_temperatures_have_other_labels() -> None:
    assert not np.array_equal(rgb(colour_bar("iron", low=10, high=40)), rgb(colour_bar("iron", low=10, high=41)))


@pytest.mark.parametrize(("low", "high"), ((10, 40), (-39.9, -12.3), (20, 1234.5), (19.5, 20.5)))
def test_labels_stay_within_the_picture(low: float, high: float) -> None:
    picture = rgb(colour_bar("iron", low=low, high=high))

    assert (picture[:, -4:] == 255).all()
    assert (picture[:8] == 255).all()
    assert (picture[-8:] == 255).all()


@pytest.mark.parametrize(
    ("low", "high", "labels"),
    (
        (25.31, 45.04, ["30", "35", "40", "45"]),
        (-12.3, 3.2, ["-10", "-5", "0"]),
        (-0.2, 0.8, ["0.0", "0.2", "0.4", "0.6"]),
        (20, 1234.5, ["500", "1000"]),
    ),
)
def test_ticks_are_round_temperatures(low: float, high: float, labels: list[str]) -> None:
    assert [label for _, label in ticks(low, high)] == labels


@example(low=0.07, span=0.07)
@given(low=st.floats(-300, 2000), span=st.floats(0.01, 3000))
def test_ticks_are_few_and_within_the_range(low: float, span: float) -> None:
    labelled = ticks(low, low + span)

    assert 2 <= len(labelled) <= 7
    assert all(low < celsius < low + span for celsius, _ in labelled)
    assert len({label for _, label in labelled}) == len(labelled)


@pytest.mark.parametrize(("low", "high"), ((20, 20), (30, 20)))
def test_a_reversed_range_is_a_value_error(low: float, high: float) -> None:
    with pytest.raises(ValueError, match="palette from"):
        colour_bar("iron", low=low, high=high)


def test_an_unknown_palette_is_refused() -> None:
    with pytest.raises(UnknownPalette):
        colour_bar("sepia", low=0, high=1)
