"""Statistics and histogram, compared with numpy's functions in float64."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from argus.imagery.stats import Distribution, NoTemperatures

IMAGES = hnp.arrays(
    np.float32,
    hnp.array_shapes(min_dims=2, max_dims=2, max_side=20),
    elements=st.one_of(st.floats(-273, 2000, width=32), st.just(np.float32(np.nan))),
)


@given(celsius=IMAGES.filter(lambda image: not np.isnan(image).all()))
def test_statistics_equal_numpys(celsius: NDArray[np.float32]) -> None:
    values = celsius[~np.isnan(celsius)].astype(np.float64)
    result = Distribution.of(celsius).statistics()

    assert (result.min_celsius, result.max_celsius) == (values.min(), values.max())
    assert result.mean_celsius == pytest.approx(values.mean(), abs=1e-9)
    assert (result.p5_celsius, result.p95_celsius) == pytest.approx(tuple(np.percentile(values, (5, 95))), abs=1e-9)


@given(celsius=IMAGES.filter(lambda image: not np.isnan(image).all()), fraction=st.floats(0, 1))
def test_quantiles_stay_between_the_coldest_and_the_hottest(celsius: NDArray[np.float32], fraction: float) -> None:
    values = celsius[~np.isnan(celsius)]
    result = Distribution.of(celsius).quantile(fraction)

    assert values.min() <= result <= values.max()
    assert result == pytest.approx(float(np.quantile(values.astype(np.float64), fraction)), abs=1e-9)


@given(celsius=IMAGES.filter(lambda image: not np.isnan(image).all()), bins=st.integers(1, 50))
def test_a_histogram_counts_every_temperature_once(celsius: NDArray[np.float32], bins: int) -> None:
    result = Distribution.of(celsius).histogram(bins)

    assert (len(result.counts), len(result.edges_celsius)) == (bins, bins + 1)
    assert sum(result.counts) == np.isfinite(celsius).sum()
    assert list(result.edges_celsius) == sorted(result.edges_celsius)


@given(celsius=IMAGES.filter(lambda image: not np.isnan(image).all()), bins=st.integers(1, 50))
def test_a_histogram_equals_numpys(celsius: NDArray[np.float32], bins: int) -> None:
    values = celsius[~np.isnan(celsius)].astype(np.float64)
    counts, edges = np.histogram(values, bins)
    result = Distribution.of(celsius).histogram(bins)

    assert (list(result.counts), list(result.edges_celsius)) == (counts.tolist(), edges.tolist())


def test_a_histogram_of_known_temperatures() -> None:
    result = Distribution.of(np.array([[0, 1, 2.5], [9.5, 10, np.nan]], np.float32)).histogram(bins=5)

    assert result.counts == (2, 1, 0, 0, 2)
    assert result.edges_celsius == (0, 2, 4, 6, 8, 10)


def test_a_histogram_of_one_temperature_has_bins_around_it() -> None:
    result = Distribution.of(np.full((3, 3), 20, np.float32)).histogram(bins=2)

    assert (result.counts, result.edges_celsius) == ((0, 9), (19.5, 20, 20.5))


@pytest.mark.parametrize("coldest", (-273.0, 0.0, 1e-6, 20.0, 2000.0))
@pytest.mark.parametrize("ulps", (1, 2, 5))
def test_adjacent_float32_temperatures_have_bins_between_them(coldest: float, ulps: int) -> None:
    low = np.float32(coldest)
    high = low + ulps * abs(np.spacing(low))
    result = Distribution.of(np.array([[low, low, high]], np.float32)).histogram()

    assert (result.counts[0], result.counts[-1], sum(result.counts)) == (2, 1, 3)
    assert (result.edges_celsius[0], result.edges_celsius[-1]) == (float(low), float(high))
    assert len(set(result.edges_celsius)) == 65


def test_infinite_pixels_are_ignored() -> None:
    celsius = np.array([[np.inf, -np.inf, 10, 20, np.nan]], np.float32)
    result = Distribution.of(celsius).statistics()

    assert (result.min_celsius, result.max_celsius, result.mean_celsius) == (10, 20, 15)


@pytest.mark.parametrize("celsius", (np.full((2, 3), np.nan, np.float32), np.zeros((0, 4), np.float32)))
def test_an_image_without_temperatures_has_no_statistics(celsius: NDArray[np.float32]) -> None:
    with pytest.raises(NoTemperatures):
        Distribution.of(celsius)


def test_the_image_is_not_changed() -> None:
    celsius = np.random.default_rng(3).normal(20, 5, (40, 50)).astype(np.float32)
    before = celsius.copy()
    Distribution.of(celsius)

    assert np.array_equal(celsius, before)
