"""Real files against temperatures made by others: ExifTool's raw values and constants, and DJI's own SDK."""

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from argus.imagery.decode import decode
from argus.imagery.model import Accuracy, AccuracyKind, LinearScale
from argus.imagery.thermogram import Thermogram, Undecodable

FOLDER = Path(os.environ["ARGUS_SAMPLES"])
REFERENCE: dict[str, dict[str, Any]] = json.loads((FOLDER / "reference.json").read_text(encoding="utf-8"))

DJI: dict[str, dict[str, Any]] = json.loads((FOLDER / "dji" / "reference.json").read_text(encoding="utf-8"))

EXACT_CELSIUS = 0.001  # the reference has three decimals
EXACT = ["flir_e40.jpg", "flir_e40bx.jpg", "flir_ax8.jpg", "flir_t640.jpg", "flir_one.jpg", "dji_xt2.jpg"]

# Files of iirp: DJI's law with the file's table.
DJI_EXACT = ["dji_m3t.jpg", "dji_m30t.jpg"]

REFUSED = {
    "dji_h20t.jpg": "unsupported",
    "not_radiometric.jpg": "not_radiometric",
    "raw16.tiff": "no_temperature_scale",
    "odm_orthophoto.tif": "not_radiometric",
}


def sample(name: str) -> Thermogram:
    return decode((FOLDER / name).read_bytes())


def at_the_grid(thermogram: Thermogram, name: str) -> np.ndarray:
    """Differences from the reference at its 9 x 9 points."""
    expected = REFERENCE[name]
    found = thermogram.celsius[np.ix_(expected["rows"], expected["cols"])]
    return np.abs(found - np.array(expected["grid_c"]))


def test_every_reference_is_compared() -> None:
    assert REFERENCE.keys() <= {*EXACT, *DJI_EXACT, *REFUSED}


@pytest.mark.parametrize("name", EXACT)
def test_flir_temperatures_are_the_references(name: str) -> None:
    thermogram, expected = sample(name), REFERENCE[name]
    capture, celsius = thermogram.capture, thermogram.celsius
    assert capture.accuracy == Accuracy(AccuracyKind.EXACT, EXACT_CELSIUS)
    assert (capture.width, capture.height) == (expected["width"], expected["height"])
    assert at_the_grid(thermogram, name).max() < EXACT_CELSIUS
    found = {
        "min_c": np.nanmin(celsius),
        "max_c": np.nanmax(celsius),
        "mean_c": np.nanmean(celsius, dtype=np.float64),
        "p5_c": np.nanpercentile(celsius, 5),
        "p95_c": np.nanpercentile(celsius, 95),
    }
    assert found == pytest.approx({key: expected[key] for key in found}, abs=EXACT_CELSIUS)


@pytest.mark.parametrize("name", EXACT)
def test_flir_settings_are_the_references(name: str) -> None:
    expected, parameters = REFERENCE[name], sample(name).capture.parameters
    found = {
        "emissivity": parameters.emissivity,
        "distance_m": parameters.distance_metres,
        "reflected_c": parameters.reflected_celsius,
        "atmospheric_c": parameters.atmospheric_celsius,
        "relative_humidity": parameters.relative_humidity,
    }
    assert found == pytest.approx({key: expected[key] for key in found}, abs=1e-4)


@pytest.mark.parametrize("name", DJI_EXACT)
def test_dji_temperatures_are_those_of_its_software(name: str) -> None:
    assert at_the_grid(sample(name), name).max() < 0.01


@pytest.mark.parametrize("name", DJI)
def test_each_dji_frame_is_within_its_bound_or_refused(name: str) -> None:
    expected = DJI[name]
    data = (FOLDER / "dji" / name).read_bytes()
    if expected["format"] == "dirp" or expected["model"] == "XTS":
        with pytest.raises(Undecodable) as refusal:
            decode(data)
        assert refusal.value.message.key == "dji_format"
        return
    thermogram = decode(data)
    found = thermogram.celsius[np.ix_(expected["rows"], expected["cols"])]
    error = np.abs(found - np.array(expected["grid_c"])).max()
    accuracy = thermogram.capture.accuracy
    is_law = expected["format"] == "iirp"
    assert accuracy.kind is (AccuracyKind.EXACT if is_law else AccuracyKind.APPROXIMATE)
    assert accuracy.error_celsius is not None
    assert error <= (0.05 if is_law else accuracy.error_celsius)
    statistics = {"min_c": thermogram.celsius.min(), "max_c": thermogram.celsius.max()}
    expected_statistics = {key: expected[key] for key in statistics}
    assert statistics == pytest.approx(expected_statistics, abs=0.06 if is_law else accuracy.error_celsius)


@pytest.mark.parametrize(("name", "code"), REFUSED.items())
def test_a_sample_without_a_known_conversion_is_refused(name: str, code: str) -> None:
    with pytest.raises(Undecodable) as refusal:
        sample(name)
    assert refusal.value.code == code


def test_a_tiff_of_counts_is_decoded_when_its_scale_is_declared() -> None:
    data = (FOLDER / "raw16.tiff").read_bytes()
    thermogram = decode(data, declared_scale=LinearScale(0.04, -273.15))
    assert thermogram.celsius.shape == (512, 640)
    np.testing.assert_allclose(thermogram.celsius, thermogram.counts * 0.04 - 273.15, atol=1e-4)
    assert 0 < float(np.median(thermogram.celsius)) < 10  # an English autumn
