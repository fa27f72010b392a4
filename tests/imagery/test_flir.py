"""FLIR files of every layout: the temperatures of the scene, and those that flyr reads."""

import io
import itertools
from datetime import UTC, datetime

import flyr
import numpy as np
import pytest

from argus.imagery.decode import decode
from argus.imagery.model import Accuracy, AccuracyKind, Attitude, Camera, Capture, DistanceSource, Parameters, Position
from argus.imagery.thermogram import Damaged, Thermogram
from services.local.demo.scenes import FlirFile, Settings, demo_survey, flir_scene
from services.local.demo.scenes.dji import FLIGHT, xmp_packet
from services.local.demo.scenes.flir import segment
from tests.imagery.hostile import small

HALF_A_COUNT = 0.005  # celsius, at the scene's temperatures

LAYOUTS = list(itertools.product(("png", "raw"), "<>", "<>", "<>", (False, True)))


@pytest.mark.parametrize(("record", "directory", "records", "png", "shuffled"), LAYOUTS, ids=str)
def test_every_layout_gives_the_same_temperatures(
    record: str, directory: str, records: str, png: str, shuffled: bool
) -> None:
    data, truth = flir_scene(
        width=160,
        height=120,
        record=record,
        directory_order=directory,
        record_order=records,
        png_order=png,
        shuffled=shuffled,
        part_bytes=3000,
    )
    thermogram = decode(data)
    np.testing.assert_array_equal(thermogram.counts, truth.counts)
    assert np.abs(thermogram.celsius - truth.celsius).max() < HALF_A_COUNT


def test_a_file_contains_its_camera_settings_position_and_time() -> None:
    data, _ = flir_scene(width=160, height=120)
    assert decode(data).capture == Capture(
        format="flir_rjpeg",
        width=160,
        height=120,
        accuracy=Accuracy(AccuracyKind.EXACT, 0.001),
        camera=Camera(make="FLIR Systems AB", model="FLIR T640", serial="55900001", lens="FOL25"),
        parameters=Parameters(
            emissivity=0.95,
            distance_metres=30,
            reflected_celsius=5,
            atmospheric_celsius=10,
            relative_humidity=0.6,
            window_celsius=20,
            window_transmission=1,
            distance_source=DistanceSource.FILE,
        ),
        position=Position(64.037, -21.401, 380),
        taken_at=datetime(2025, 5, 14, 6, 20, tzinfo=UTC),
    )


@pytest.mark.parametrize("position", ((64.037, -21.401, 380.0), (-38.62, 176.1, 12.5), (-0.9, -78.5, 2800.0)), ids=str)
@pytest.mark.parametrize("gps_record", (True, False), ids=["FLIR's record", "EXIF"])
def test_the_position_comes_from_flirs_record_or_from_exif(
    position: tuple[float, float, float], gps_record: bool
) -> None:
    decoded = decode(FlirFile(small().counts, position=position, gps_record=gps_record).jpeg()).capture.position
    assert decoded is not None
    assert (decoded.latitude, decoded.longitude, decoded.altitude_metres) == pytest.approx(position, abs=1e-6)


def test_a_file_without_a_position_has_none() -> None:
    assert decode(FlirFile(small().counts, position=None).jpeg()).capture.position is None
    assert decode(FlirFile(small().counts, position=(0.0, 0.0, 0.0)).jpeg()).capture.position is None


@pytest.mark.parametrize("year", (1970, 1980, 2101))
def test_the_time_of_a_clock_that_was_never_set_is_ignored(year: int) -> None:
    assert decode(FlirFile(small().counts, taken_at=datetime(year, 1, 2, tzinfo=UTC)).jpeg()).capture.taken_at is None


def test_an_fff_file_is_decoded() -> None:
    thermogram = decode(small().fff())
    assert thermogram.capture.format == "flir_fff"
    np.testing.assert_array_equal(thermogram.counts, small().counts)


def test_humidity_in_per_cent_is_converted() -> None:
    settings = Settings(relative_humidity=60.0)
    assert decode(FlirFile(small().counts, settings=settings).jpeg()).capture.parameters.relative_humidity == 0.6


def read_by_flyr(data: bytes) -> np.ndarray:
    return np.asarray(flyr.unpack(io.BytesIO(data)).celsius)


@pytest.mark.parametrize(
    ("name", "data"), [(name, data) for name, data, _ in demo_survey()], ids=lambda each: each[:14]
)
def test_flyr_decodes_the_demo_survey_to_the_same_temperatures(name: str, data: bytes) -> None:
    # flyr rounds settings in kelvin to 0.01 and once uses 273.17 for 273.15; Argus returns float32.
    assert np.abs(decode(data).celsius - read_by_flyr(data)).max() < 0.001


def test_recalibration_equals_decoding_with_other_settings() -> None:
    first, other = Settings(), Settings(emissivity=0.8, distance_metres=100, reflected_celsius=30)
    data, truth = flir_scene(width=160, height=120, settings=first)
    other_file = FlirFile(truth.counts, settings=other).jpeg()
    recalibrated = decode(data).recalibrated(decode(other_file).capture.parameters)
    np.testing.assert_array_equal(recalibrated.celsius, decode(other_file).celsius)
    assert recalibrated.capture.parameters.emissivity == 0.8
    assert np.abs(recalibrated.celsius - truth.celsius).mean() > 1


def test_a_decoded_image_is_read_only() -> None:
    thermogram: Thermogram = decode(small().jpeg())
    with pytest.raises(ValueError, match="read-only"):
        thermogram.celsius[0, 0] = 0
    with pytest.raises(ValueError, match="read-only"):
        thermogram.counts[0, 0] = 0


def test_a_file_truncated_after_its_temperatures_is_decoded() -> None:
    data = small().jpeg()
    np.testing.assert_array_equal(decode(data[:-100]).counts, small().counts)


def test_a_file_truncated_within_its_temperatures_is_damaged() -> None:
    data = FlirFile(small().counts, record="raw").jpeg()
    with pytest.raises(Damaged):
        decode(data[: data.index(b"FLIR\0") + 4000])


def test_a_flir_camera_of_a_drone_has_its_flight() -> None:
    """A Zenmuse XT2 writes FLIR's data, and DJI's XMP."""
    plain = FlirFile(small().counts, gps_record=False).jpeg()
    at = plain.index(b"\xff\xdb")
    capture = decode(plain[:at] + segment(0xE1, xmp_packet(FLIGHT)) + plain[at:]).capture
    assert capture.flight is not None
    assert capture.flight.gimbal == Attitude(yaw=94.9, pitch=-89.9, roll=0.0)
    assert capture.position == Position(64.037, -21.401, 412.5)
