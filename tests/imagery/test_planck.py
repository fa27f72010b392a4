"""The radiometric formula, compared with an independent forward model and simple limits."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from argus.imagery.model import Parameters
from argus.imagery.planck import Atmosphere, Planck
from argus.imagery.thermogram import Implausible
from services.local.demo.scenes import Settings

T640 = Planck(r1=15848.85, b=1414.9, f=1.0, o=-4405, r2=0.014533)
SCENE = Parameters(
    emissivity=1,
    distance_metres=1,
    reflected_celsius=20,
    atmospheric_celsius=20,
    relative_humidity=0.5,
    window_celsius=20,
    window_transmission=1,
)


def parameters(settings: Settings) -> Parameters:
    return Parameters(
        emissivity=settings.emissivity,
        distance_metres=settings.distance_metres,
        reflected_celsius=settings.reflected_celsius,
        atmospheric_celsius=settings.atmospheric_celsius,
        relative_humidity=settings.relative_humidity,
        window_celsius=settings.window_celsius,
        window_transmission=settings.window_transmission,
    )


@given(
    emissivity=st.floats(0.3, 1),
    distance_metres=st.floats(0, 300),
    reflected_celsius=st.floats(-30, 60),
    atmospheric_celsius=st.floats(-20, 50),
    relative_humidity=st.floats(0, 1),
    window_transmission=st.floats(0.5, 1),
)
def test_the_formula_inverts_the_detector(**scene: float) -> None:
    settings = Settings(**scene)
    celsius = np.linspace(-10, 140, 400).reshape(20, 20)
    counts = settings.counts(celsius)
    computed = T640.celsius(counts, parameters(settings))
    step = np.gradient(celsius.ravel()) / np.maximum(np.gradient(counts.ravel().astype(float)), 1)
    assert np.all(np.abs(computed - celsius).ravel() <= step + 0.01)  # counts are integers


def test_a_black_body_without_air_or_window_follows_plancks_law() -> None:
    counts = np.array([[12000, 15000, 20000, 30000]], np.uint16)
    celsius = T640.celsius(counts, replace(SCENE, emissivity=1, distance_metres=0))
    expected = T640.b / np.log(T640.r1 / (T640.r2 * (counts + float(T640.o))) + T640.f) - 273.15
    np.testing.assert_allclose(celsius, expected, atol=1e-4)


def test_counts_below_every_temperature_give_nan() -> None:
    counts = np.array([[100, 4405, 4406, 15000]], np.uint16)
    celsius = T640.celsius(counts, replace(SCENE, emissivity=1, distance_metres=0))
    assert np.isnan(celsius).tolist() == [[True, True, False, False]]


def test_negative_radiance_has_no_temperature_under_any_calibration() -> None:
    counts = np.array([[100, 15000]], np.uint16)
    celsius = replace(T640, f=2.0, o=-2_000_000).celsius(counts, replace(SCENE, emissivity=1, distance_metres=0))
    assert np.isnan(celsius).all()


def test_the_table_and_the_direct_computation_agree() -> None:
    few = np.array([[9000, 60000]], np.uint16)  # for a range wider than the image there is no table
    many = np.linspace(9000, 60000, 90000).astype(np.uint16).reshape(300, 300)
    np.testing.assert_array_equal(T640.celsius(few, SCENE)[0], T640.celsius(many, SCENE)[[0, -1], [0, -1]])


def test_air_over_no_distance_transmits_everything() -> None:
    assert Atmosphere().transmission(distance_metres=0, celsius=20, relative_humidity=0.5) == 1


def test_humid_air_transmits_less_than_dry_air() -> None:
    dry, humid = (
        Atmosphere().transmission(distance_metres=100, celsius=30, relative_humidity=each) for each in (0.1, 0.9)
    )
    assert 0.5 < humid < dry < 1


@pytest.mark.parametrize(
    ("name", "value", "key"),
    (
        ("emissivity", 0.0, "emissivity"),
        ("emissivity", 1.01, "emissivity"),
        ("emissivity", float("nan"), "emissivity"),
        ("distance_metres", -1.0, "distance"),
        ("distance_metres", float("inf"), "distance"),
        ("reflected_celsius", -274.0, "reflected_temperature"),
        ("reflected_celsius", float("nan"), "reflected_temperature"),
        ("atmospheric_celsius", -273.15, "atmospheric_temperature"),
        ("atmospheric_celsius", 4000.0, "calibration"),
        ("atmospheric_celsius", 5001.0, "atmospheric_temperature"),
        ("relative_humidity", 1.5, "relative_humidity"),
        ("window_transmission", 0.0, "window_transmission"),
        ("window_celsius", float("inf"), "window_temperature"),
    ),
)
def test_impossible_settings_are_refused(name: str, value: float, key: str) -> None:
    with pytest.raises(Implausible) as refusal:
        T640.celsius(np.array([[15000]], np.uint16), replace(SCENE, **{"emissivity": 0.95, name: value}))
    assert refusal.value.message.key == key


@pytest.mark.parametrize("name", ("emissivity", "window_celsius"))
def test_a_missing_setting_is_named(name: str) -> None:
    with pytest.raises(Implausible) as refusal:
        T640.celsius(np.array([[15000]], np.uint16), replace(SCENE, **{name: None}))
    assert (refusal.value.message.key, refusal.value.message.parameters) == ("missing_setting", {"setting": name})


def test_a_setting_that_has_no_effect_is_not_validated() -> None:
    impossible = replace(SCENE, reflected_celsius=-273.15, window_celsius=-273.15, distance_metres=0)
    assert np.isfinite(T640.celsius(np.array([[15000]], np.uint16), impossible)).all()
