"""The local background with few samples: beside pixels without temperature, in odd shapes, in small windows."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from numpy.typing import NDArray

from argus.scanning.plugins.thermal_hotspots.background import background

NO_TEMPERATURE = st.sampled_from([np.float32(np.nan)])
CELSIUS = st.floats(-60, 900, width=32) | NO_TEMPERATURE


def field(shape: tuple[int, int] = (512, 640)) -> NDArray[np.float32]:
    return np.full(shape, 12, np.float32)


def test_a_leak_beside_pixels_without_temperature_is_measured_against_the_ground() -> None:
    celsius = field()
    celsius[:, 400:] = np.nan
    celsius[200:300, 340:400] = 80
    assert np.abs(background(celsius, share=0.25, threshold=10) - 12).max() < 0.01


def test_far_from_any_temperature_the_background_is_the_median_of_the_image() -> None:
    celsius = field()
    celsius[:, 100:] = np.nan
    assert np.all(background(celsius, share=0.1, threshold=10) == 12)


def test_outliers_are_excluded() -> None:
    """A third of a slope is hot: the median of all pixels is too warm, the median of the others is correct."""
    celsius = field() + np.linspace(-4, 4, 512, dtype=np.float32)[:, np.newaxis]
    true = celsius.copy()
    celsius[np.random.default_rng(0).random(celsius.shape) < 0.35] = 90
    around = background(celsius, share=0.45, threshold=10)
    assert abs((around - true)[150:360].mean()) < 0.2


@pytest.mark.parametrize("share", [0.0, 0.001, 11 / 640])
def test_a_window_below_the_minimum_is_widened(share: float) -> None:
    celsius = np.random.default_rng(0).normal(10, 2, (512, 640)).astype(np.float32)
    expected = background(celsius, share=0.1, threshold=10)
    assert np.array_equal(background(celsius, share=share, threshold=10), expected)


@pytest.mark.parametrize(("window_pixels", "expected"), [(170, 50), (230, 12)])
def test_what_fills_half_of_the_window_is_the_background(window_pixels: int, expected: float) -> None:
    celsius = field()
    celsius[:, 270:370] = 50
    assert background(celsius, share=window_pixels / 640, threshold=10)[256, 320] == expected


def test_a_window_of_less_than_a_pixel_still_sees_the_neighbours() -> None:
    celsius = field((8, 8))
    celsius[4, 4] = 50
    assert background(celsius, share=0.1, threshold=10)[4, 4] == 12


def test_between_two_halves_the_background_is_in_the_middle() -> None:
    assert background(np.array([[1, 3]], np.float32), share=2, threshold=10).tolist() == [[2, 2]]


def test_without_any_temperature_there_is_no_background() -> None:
    assert np.isnan(background(field() * np.float32(np.nan), share=0.25, threshold=10)).all()


@given(
    arrays(np.float32, array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=40), elements=CELSIUS),
    st.floats(0.05, 2),
    st.floats(1, 100),
)
def test_the_background_is_finite_and_within_the_temperatures_there_are(
    celsius: NDArray[Any], share: float, threshold: float
) -> None:
    around = background(celsius, share=share, threshold=threshold)
    assert (around.shape, around.dtype) == (celsius.shape, np.float32)
    known = celsius[~np.isnan(celsius)]
    if not np.isnan(around).all():
        assert known.size
        assert known.min() - 0.01 <= around.min()
        assert around.max() <= known.max() + 0.01
