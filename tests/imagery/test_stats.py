"""Statistics and histogram against numpy's own functions in float64."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from argus.imagery.stats import NoTemperatures, histogram, quantiles, statistics

IMAGES = hnp.arrays(
    np.float32,
    hnp.array_shapes(min_dims=2, max_dims=2, max_side=20),
    elements=st.one_of(st.floats(-273, 2000, width=32), st.just(np.float32(np.nan))),
)


@given(celsius=IMAGES.filter(lambda image: not np.isnan(image).all()))
def test_statistics_equal_numpys(celsius: NDArray[np.float32]) -> None:
    values = celsius[~np.isnan(celsius)].astype(np.float64)
    found = statistics(celsius)

    assert (found.min_celsius, found.max_celsius) == (values.min(), values.max())
    assert found.mean_celsius == pytest.approx(values.mean(), abs=1e-9)
    assert (found.p5_celsius, found.p95_celsius) == pytest.approx(tuple(np.percentile(values, (5, 95))), abs=1e-9)


@given(celsius=IMAGES.filter(lambda image: not np.isnan(image).all()), fraction=st.floats(0, 1))
def test_quantiles_stay_between_the_coldest_and_the_hottest(celsius: NDArray[np.float32], fraction: float) -> None:
    values = celsius[~np.isnan(celsius)]
    (found,) = quantiles(values, [fraction])

    assert values.min() <= found <= values.max()
    assert found == pytest.approx(float(np.quantile(values.astype(np.float64), fraction)), abs=1e-9)


@given(celsius=IMAGES.filter(lambda image: not np.isnan(image).all()), bins=st.integers(1, 50))
def test_a_histogram_counts_every_temperature_once(celsius: NDArray[np.float32], bins: int) -> None:
    found = histogram(celsius, bins)

    assert (len(found.counts), len(found.edges_celsius)) == (bins, bins + 1)
    assert sum(found.counts) == np.isfinite(celsius).sum()
    assert list(found.edges_celsius) == sorted(found.edges_celsius)


def test_a_histogram_of_known_temperatures() -> None:
    found = histogram(np.array([[0, 1, 2.5], [9.5, 10, np.nan]], np.float32), bins=5)

    assert found.counts == (2, 1, 0, 0, 2)
    assert found.edges_celsius == (0, 2, 4, 6, 8, 10)


def test_a_histogram_of_one_temperature_has_bins_around_it() -> None:
    found = histogram(np.full((3, 3), 20, np.float32), bins=2)

    assert (found.counts, found.edges_celsius) == ((0, 9), (19.5, 20, 20.5))


@pytest.mark.parametrize("coldest", (-273.0, 0.0, 1e-6, 20.0, 2000.0))
@pytest.mark.parametrize("ulps", (1, 2, 5))
def test_adjacent_float32_temperatures_have_bins_between_them(coldest: float, ulps: int) -> None:
    low = np.float32(coldest)
    high = low + ulps * abs(np.spacing(low))
    found = histogram(np.array([[low, low, high]], np.float32))

    assert (found.counts[0], found.counts[-1], sum(found.counts)) == (2, 1, 3)
    assert (found.edges_celsius[0], found.edges_celsius[-1]) == (float(low), float(high))
    assert len(set(found.edges_celsius)) == 65


def test_infinite_pixels_are_ignored() -> None:
    celsius = np.array([[np.inf, -np.inf, 10, 20, np.nan]], np.float32)
    found = statistics(celsius)

    assert (found.min_celsius, found.max_celsius, found.mean_celsius) == (10, 20, 15)


@pytest.mark.parametrize("celsius", (np.full((2, 3), np.nan, np.float32), np.zeros((0, 4), np.float32)))
def test_an_image_without_temperatures_has_no_statistics(celsius: NDArray[np.float32]) -> None:
    with pytest.raises(NoTemperatures):
        statistics(celsius)
    with pytest.raises(NoTemperatures):
        histogram(celsius)


def test_the_image_is_not_changed() -> None:
    celsius = np.random.default_rng(3).normal(20, 5, (40, 50)).astype(np.float32)
    before = celsius.copy()
    statistics(celsius)
    histogram(celsius)

    assert np.array_equal(celsius, before)
