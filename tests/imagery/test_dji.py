"""DJI's files: approximate temperatures, labelled as such, or a refusal."""

import numpy as np
import pytest

from argus.core.languages import Message
from argus.imagery.decode import decode
from argus.imagery.model import Accuracy, Camera, Parameters, Position
from argus.imagery.thermogram import FixedTemperatures, Undecodable
from services.local.demo.scenes import dji_scene

HALF_A_STEP = 0.0313  # a step is a sixteenth of a kelvin; includes the error of float32


@pytest.mark.parametrize(
    ("written", "model", "size"),
    (
        ("MAVIC2-ENTERPRISE-ADVANCED", "M2EA", (640, 512)),
        ("M3T", "M3T", (640, 512)),
        ("M30T", "M30T", (640, 512)),
        ("M4T", "M4T", (640, 512)),
        ("ZH20N", "H20N", (640, 512)),
        ("ZH30T", "H30T", (1280, 1024)),
    ),
)
def test_known_cameras_are_approximated(written: str, model: str, size: tuple[int, int]) -> None:
    data, truth = dji_scene(model=written, width=size[0], height=size[1])
    thermogram = decode(data)
    assert thermogram.capture.accuracy is Accuracy.APPROXIMATE
    assert thermogram.capture.camera == Camera(make="DJI", model=model)
    assert (thermogram.capture.width, thermogram.capture.height) == size
    np.testing.assert_array_equal(thermogram.counts, truth.counts)
    assert np.abs(thermogram.celsius - truth.celsius).max() <= HALF_A_STEP


@pytest.mark.parametrize(
    ("written", "key", "parameters"),
    (
        ("ZH20T", "dji_sdk", {"model": "H20T"}),
        ("XT S", "dji_sdk", {"model": "XT S"}),
        ("M3TD", "dji_sdk", {"model": "M3TD"}),
        ("M9X", "dji_camera", {"model": "M9X"}),
        ("", "dji_unnamed", {}),
    ),
)
def test_other_cameras_are_refused_by_name(written: str, key: str, parameters: dict[str, str]) -> None:
    with pytest.raises(Undecodable) as refusal:
        decode(dji_scene(model=written)[0])
    assert refusal.value.message == Message("argus.imagery", "unsupported", key, parameters)


def test_status_bits_do_not_change_the_temperatures() -> None:
    plain, flagged = dji_scene(status_bits=0)[0], dji_scene(status_bits=3)[0]
    np.testing.assert_array_equal(decode(plain).celsius, decode(flagged).celsius)


@pytest.mark.parametrize(
    ("layout", "air"), (("prefixed floats", 18.0), ("floats", 18.0), ("integers", Parameters().atmospheric_celsius))
)
def test_settings_in_a_public_layout_are_read(layout: str, air: float) -> None:
    assert decode(dji_scene(settings=layout)[0]).capture.parameters == Parameters(
        emissivity=0.95,
        distance_metres=25.0,
        reflected_celsius=20.0,
        atmospheric_celsius=air,
        relative_humidity=0.55,
    )


def test_settings_in_an_unknown_layout_are_the_defaults() -> None:
    assert decode(dji_scene(settings="unknown")[0]).capture.parameters == Parameters()


@pytest.mark.parametrize("spelling", (b"GpsLongitude", b"GpsLongtitude"))
def test_the_position_comes_from_xmp_in_both_spellings(spelling: bytes) -> None:
    assert decode(dji_scene(longitude_name=spelling)[0]).capture.position == Position(64.037, -21.401, 412.5)


def test_final_temperatures_cannot_be_recalibrated() -> None:
    with pytest.raises(FixedTemperatures):
        decode(dji_scene()[0]).recalibrated(Parameters())


def test_a_frame_of_another_size_is_damaged() -> None:
    with pytest.raises(Undecodable) as refusal:
        decode(dji_scene(width=320, height=256)[0])
    parameters = {"size_bytes": 2 * 320 * 256, "model": "M3T"}
    assert refusal.value.message == Message("argus.imagery", "damaged", "dji_pixels", parameters)
