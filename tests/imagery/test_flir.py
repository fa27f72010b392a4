"""FLIR files of every layout: the temperatures of the scene, and those that flyr reads."""

import io
import itertools
from datetime import UTC, datetime
from typing import Any

import flyr
import numpy as np
import pytest

from argus.core.languages import Message
from argus.imagery.decode import decode
from argus.imagery.model import (
    Accuracy,
    AccuracyKind,
    Attitude,
    Camera,
    Capture,
    DistanceSource,
    Parameters,
    Position,
    Span,
)
from argus.imagery.thermogram import Damaged, NotRadiometric, Thermogram, Undecodable
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
        limits=Span(-60, 160),
        set_range=Span(-40, 150),
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


# ---------------------------------------------------------------- byte orders and references


@pytest.mark.parametrize("record_order", "<>")
def test_the_byte_order_of_the_camera_record_holds_for_the_time(record_order: str) -> None:
    at = datetime(2008, 3, 18, 19, 52, 52, 340_000, tzinfo=UTC)
    assert decode(FlirFile(small().counts, record_order=record_order, taken_at=at).jpeg()).capture.taken_at == at


@pytest.mark.parametrize("gps_order", "<>")
def test_the_byte_order_of_the_position_record_follows_from_its_flag(gps_order: str) -> None:
    found = decode(FlirFile(small().counts, position=(-33.5, 151.25, 12.0), gps_order=gps_order).fff()).capture.position
    assert found == Position(-33.5, 151.25, 12.0)


@pytest.mark.parametrize(
    ("references", "expected"),
    [
        ((b"S\0", b"W\0"), (-33.5, -151.25)),
        ((b"s\0", b"e\0"), (-33.5, 151.25)),
        ((b"\0\0", b"E\0"), None),
        ((b"N\0", b"\0\0"), None),
        ((b"X\0", b"E\0"), None),
        ((b"E\0", b"N\0"), None),
    ],
    ids=str,
)
def test_an_unknown_reference_gives_no_position(
    references: tuple[bytes, bytes], expected: tuple[float, float] | None
) -> None:
    data = FlirFile(small().counts, position=(33.5, 151.25, 12.0), gps_references=references).fff()
    found = decode(data).capture.position
    assert (found and (found.latitude, found.longitude)) == expected


THIRTY_THREE, HUNDRED = (33.0, 52.0, 7.68), (151.0, 12.0, 33.48)
SYDNEY = (-33.8688, 151.2093)


@pytest.mark.parametrize(
    ("gps", "expected"),
    [
        ({1: "S", 2: THIRTY_THREE, 3: "E", 4: HUNDRED}, SYDNEY),
        ({1: "s", 2: THIRTY_THREE, 3: "e", 4: HUNDRED}, SYDNEY),
        ({1: "South", 2: THIRTY_THREE, 3: "EAST", 4: HUNDRED}, SYDNEY),
        ({1: "S", 2: (33.0, 52.128), 3: "E", 4: (151.0, 12.558)}, SYDNEY),
        ({1: "S", 2: (33.8688,), 3: "E", 4: (151.2093,)}, SYDNEY),
        ({1: "Q", 2: THIRTY_THREE, 3: "E", 4: HUNDRED}, None),
        ({2: THIRTY_THREE, 3: "E", 4: HUNDRED}, None),
        ({1: "Sunny", 2: THIRTY_THREE, 3: "E", 4: HUNDRED}, None),
        ({1: "W", 2: THIRTY_THREE, 3: "E", 4: HUNDRED}, None),
        ({1: "S", 2: (33.0, 52.0, 7.0, 1.0), 3: "E", 4: HUNDRED}, None),
        ({1: "S", 3: "E"}, None),
    ],
    ids=[
        "letters", "small letters", "words", "decimal minutes", "decimal degrees", "unknown", "none", "another word",
        "of the other axis", "four numbers", "no numbers",
    ],
)  # fmt: skip
def test_exif_positions_are_in_the_hemisphere_of_their_references(
    gps: dict[int, Any], expected: tuple[float, float] | None
) -> None:
    file = FlirFile(small().counts, position=None, gps=gps)
    found = decode(file.jpeg()).capture.position
    assert (found and (found.latitude, found.longitude)) == (expected and pytest.approx(expected, abs=1e-6))


# ---------------------------------------------------------------- sequences and cores


def test_several_files_one_after_another_are_refused_as_a_sequence() -> None:
    one = FlirFile(small().counts).fff()
    for data in (one + one, one + bytes(1000) + one):
        with pytest.raises(Undecodable) as refusal:
            decode(data)
        assert refusal.value.message == Message("argus.imagery", "unsupported", "flir_frames")
    assert decode(one + bytes(1000)).counts.shape == small().counts.shape


def test_a_core_without_radiometry_is_refused() -> None:
    """Its calibration gives every count the same temperature."""
    constant = Settings(r1=1e37, b=6e4, r2=1e-37, clip=None, saturated=None)
    with pytest.raises(NotRadiometric) as refusal:
        decode(FlirFile(small().counts, settings=constant).fff())
    assert refusal.value.message.key == "flir_core"


@pytest.mark.parametrize("orientation", [3, 6])
def test_pixels_stay_as_the_sensor_recorded_them(orientation: int) -> None:
    thermogram = decode(FlirFile(small().counts, orientation=orientation).jpeg())
    np.testing.assert_array_equal(thermogram.counts, small().counts)
    assert [note.code for note in thermogram.capture.notes] == ["not_turned"]
