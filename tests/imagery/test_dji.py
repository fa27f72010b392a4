"""DJI's files: converted by their format, with a bound of the error, or refused with the true reason."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from PIL import Image

from argus.core.languages import Message
from argus.imagery.decode import decode
from argus.imagery.model import (
    Accuracy,
    AccuracyKind,
    Attitude,
    Camera,
    DistanceSource,
    Flight,
    Laser,
    Parameters,
    Position,
    Rtk,
)
from argus.imagery.thermogram import FixedTemperatures, Thermogram, Undecodable
from services.local.demo.scenes import Setting, dji_scene
from services.local.demo.scenes.dji import APP5_HEADER, FLIGHT, SETTINGS, Form
from services.local.demo.scenes.flir import visible

A_STEP = 0.07  # °C; half of a sixteenth of a kelvin, through air and emissivity
AT_5_METRES = Setting(distance=5)
EXACT = Accuracy(AccuracyKind.EXACT, 0.3)


def approximate(error: float) -> Accuracy:
    return Accuracy(AccuracyKind.APPROXIMATE, error)


def worst(thermogram: Thermogram, truth: Any) -> float:
    return float(np.abs(thermogram.celsius - truth.celsius).max())


def refusal(data: bytes) -> Message:
    with pytest.raises(Undecodable) as refused:
        decode(data)
    return refused.value.message


# ---------------------------------------------------------------- iirp


@pytest.mark.parametrize(
    ("written", "model", "options"),
    (
        ("M3T", "M3T", {}),
        ("M3TD", "M3TD", {}),
        ("M30T", "M30T", {}),
        ("ZH20N", "H20N", {"columns": 88}),
        ("ZH30T", "H30T", {"columns": 88, "width": 1280, "height": 1024}),
        ("M4T", "M4T", {"columns": 88}),
        ("MAVIC2-ENTERPRISE-ADVANCED", "M2EA", {"form": "M2EA"}),
    ),
)
def test_iirp_is_converted_by_the_law_with_the_files_table(written: str, model: str, options: dict[str, Any]) -> None:
    data, truth = dji_scene(model=written, **options)
    thermogram = decode(data)
    assert thermogram.capture.accuracy == EXACT
    assert thermogram.capture.camera == Camera(make="DJI", model=model)
    assert thermogram.celsius.shape == truth.celsius.shape
    np.testing.assert_array_equal(thermogram.counts, truth.counts)
    assert worst(thermogram, truth) <= A_STEP


@pytest.mark.parametrize("model", ("M3T", "M4T"))
@pytest.mark.parametrize(
    "setting",
    (
        Setting(distance=1, emissivity=1),
        Setting(distance=25, emissivity=0.6, humidity=0.9, air=30, reflected=30),
        Setting(distance=10, humidity=0.2, air=-5, reflected=-40),
        Setting(distance=5, reflected=60, air=40),
    ),
    ids=str,
)
def test_every_setting_of_the_scene_counts(model: str, setting: Setting) -> None:
    data, truth = dji_scene(model=model, setting=setting, columns=88 if model == "M4T" else 64)
    assert worst(decode(data), truth) <= 2 * A_STEP / setting.emissivity


def test_the_settings_are_read_and_what_is_not_there_is_unknown() -> None:
    assert decode(dji_scene()[0]).capture.parameters == Parameters(
        emissivity=0.95,
        distance_metres=20,
        reflected_celsius=12,
        atmospheric_celsius=18,
        relative_humidity=0.55,
        distance_source=DistanceSource.FILE,
    )


def test_status_bits_do_not_change_the_temperatures() -> None:
    plain, flagged = dji_scene(status_bits=0)[0], dji_scene(status_bits=3)[0]
    np.testing.assert_array_equal(decode(plain).celsius, decode(flagged).celsius)


@pytest.mark.parametrize(
    "setting", (Setting(reflected=80), Setting(emissivity=0.5), Setting(distance=120)), ids=("hot", "shiny", "far")
)
def test_unusual_settings_have_a_wider_bound(setting: Setting) -> None:
    data, _ = dji_scene(model="M4T", columns=88, setting=setting)
    assert decode(data).capture.accuracy == Accuracy(AccuracyKind.EXACT, 1.0)


def test_iirp_can_be_recalibrated() -> None:
    setting = Setting(distance=10, emissivity=0.8)
    data, truth = dji_scene(setting=setting)
    wrong = decode(data).recalibrated(
        Parameters(
            emissivity=1,
            distance_metres=2,
            reflected_celsius=12,
            atmospheric_celsius=18,
            relative_humidity=0.55,
        )
    )
    right = wrong.recalibrated(replace(wrong.capture.parameters, emissivity=0.8, distance_metres=10))
    assert worst(wrong, truth) > 4
    assert worst(right, truth) <= 2 * A_STEP
    assert right.capture.accuracy == EXACT


def test_a_pixel_hotter_or_colder_than_was_measured_has_no_temperature() -> None:
    thermogram = decode(dji_scene()[0])
    counts = thermogram.counts.copy()
    counts[0, :3] = 16000 << 2, 3600 << 2, 100 << 2  # 727 °C, -48 °C, and below what any scene can have
    with np.errstate(invalid="raise"):
        celsius = thermogram.radiometry.celsius(counts, thermogram.capture.parameters)
    assert np.isnan(celsius[0, :3]).all()
    assert np.isfinite(celsius).sum() == celsius.size - 3


# ---------------------------------------------------------------- without a table


@pytest.mark.parametrize(("form", "model"), (("iirp", "M3TD"), ("M2EA", "M2EA")))
def test_without_a_table_the_temperatures_are_approximate(form: Form, model: str) -> None:
    data, truth = dji_scene(form=form, model=model, has_table=False, setting=AT_5_METRES)
    thermogram = decode(data)
    hottest = float(thermogram.celsius.max())
    bound = 4.8 if hottest <= 60 else 7.0
    assert thermogram.capture.accuracy == approximate(bound)
    assert worst(thermogram, truth) <= A_STEP
    with pytest.raises(FixedTemperatures):
        thermogram.recalibrated(thermogram.capture.parameters)


def test_without_a_table_other_distances_are_refused() -> None:
    data, _ = dji_scene(model="M4T", has_table=False, setting=Setting(distance=80))
    assert refusal(data) == Message("argus.imagery", "unsupported", "dji_table", {"metres": 80.0})


@pytest.mark.parametrize("model", ("M30T", "M4T"))
def test_a_damaged_table_is_no_table(model: str) -> None:
    data, _ = dji_scene(model=model)
    row = np.array([16384], "<u2").tobytes()
    first = data.index(APP5_HEADER + row) + len(APP5_HEADER)
    more_than_whole = np.array([60000], "<u2").tobytes()
    cut = (first + 2 * 64 * 20, b"\0\0")  # twenty rows remain
    for position, replacement in ((first + 2, row), (first + 4, b"\0\0"), (first + 78, more_than_whole), cut):
        damaged = data[:position] + replacement + data[position + 2 :]
        assert refusal(damaged).key == "dji_table"


# ---------------------------------------------------------------- girp and hirp


@pytest.mark.parametrize(
    ("form", "model", "emissivity", "error"),
    (("girp", "M30T", 0.98, 0.7), ("girp", "M30T", 0.9, 1.1), ("hirp", "M4T", 0.95, 0.4), ("hirp", "M4T", 0.8, 0.5)),
)
def test_measured_curves_are_approximate(form: Form, model: str, emissivity: float, error: float) -> None:
    setting = Setting(distance=5, emissivity=emissivity, reflected=23, air=15.37, humidity=0.5)
    data, truth = dji_scene(form=form, model=model, setting=setting)
    thermogram = decode(data)
    assert thermogram.capture.accuracy == approximate(error)
    assert worst(thermogram, truth) <= 0.05
    assert thermogram.capture.parameters == Parameters(
        emissivity=pytest.approx(emissivity, abs=1e-4),
        distance_metres=5,
        reflected_celsius=23,
        atmospheric_celsius=pytest.approx(15.37, abs=1e-3) if form == "hirp" else None,
        relative_humidity=0.5,
        distance_source=DistanceSource.FILE,
    )
    with pytest.raises(FixedTemperatures):
        thermogram.recalibrated(thermogram.capture.parameters)


def test_the_curve_for_low_gain_is_approximate() -> None:
    """An M3TD states one temperature for reflection and air."""
    setting = Setting(distance=1, humidity=0.6, reflected=21.6)
    data, truth = dji_scene(form="hirp, low gain", model="M3TD", setting=setting)
    thermogram = decode(data)
    assert thermogram.capture.accuracy == approximate(0.5)
    assert thermogram.capture.parameters.atmospheric_celsius == 21.6
    assert worst(thermogram, truth) <= 0.13  # half of a count


def test_a_frame_of_another_maker_is_not_called_djis() -> None:
    frame = b"\xff\xe3" + (2 + 38400).to_bytes(2, "big") + bytes(38400)
    exif = Image.Exif()
    exif[271] = "Another maker"
    plain = visible(np.linspace(0, 1, 64 * 48).reshape(48, 64), exif)
    assert refusal(plain[:2] + frame + plain[2:]).key == "jpeg"


def test_the_bound_grows_with_the_distance_from_the_setting_of_the_curve() -> None:
    setting = Setting(distance=5, air=-10, humidity=0.7, reflected=-15)
    data, truth = dji_scene(form="hirp", model="M4T", setting=setting)
    thermogram = decode(data)
    assert thermogram.capture.accuracy == approximate(3.4)  # 0.4 + 0.085 · 25.37 + 4 · 0.2, rounded up
    assert worst(thermogram, truth) <= 0.05


@pytest.mark.parametrize("form", ("girp", "hirp"))
def test_counts_outside_the_measured_curve_have_no_temperature(form: Form) -> None:
    data, _ = dji_scene(form=form, model="M30T" if form == "girp" else "M4T", setting=AT_5_METRES)
    thermogram = decode(data)
    counts = thermogram.counts.copy()
    counts[0, :2] = 0, 65535
    celsius = thermogram.radiometry.celsius(counts, thermogram.capture.parameters)
    assert np.isnan(celsius[0, :2]).all()
    assert np.isfinite(celsius[1:]).all()


@pytest.mark.parametrize(
    ("form", "at", "value"), (("girp", 266, 3), ("girp", 292, 0), ("girp", 293, 128), ("hirp", 56, 0))
)
def test_another_firmware_or_gain_is_refused(form: Form, at: int, value: int) -> None:
    model = "M30T" if form == "girp" else "M4T"
    data, _ = dji_scene(form=form, model=model, setting=AT_5_METRES)
    start = data.index(b"\xff\xd2\xd1\xff" + form.encode())
    changed = bytearray(data)
    changed[start + at] = value
    if at == 292:
        changed[start + 293] = 0
    assert refusal(bytes(changed)) == Message(
        "argus.imagery", "unsupported", "dji_format", {"format": form, "model": model}
    )


# ---------------------------------------------------------------- refusals


@pytest.mark.parametrize(
    ("options", "key", "parameters"),
    (
        ({"model": "M3T", "header": b"\xff\xd2\xd1\xffhirp"}, "dji_format", {"format": "hirp", "model": "M3T"}),
        ({"model": "M3T", "header": b"\xff\xd2\xd1\xffgirp"}, "dji_format", {"format": "girp", "model": "M3T"}),
        ({"model": "M3T", "header": b"\xff\xd2\xd1\xffnews"}, "dji_format", {"format": "news", "model": "M3T"}),
        ({"model": "M3T", "header": b"\xff\xd2\xd1\xff\0\0\0\0"}, "dji_format", {"format": "unknown", "model": "M3T"}),
        ({"model": "ZH20T", "header": b"\xaa\x55\x12\x06"}, "dji_format", {"format": "H20T", "model": "H20T"}),
        ({"model": "M9X"}, "dji_camera", {"format": "iirp", "model": "M9X"}),
        ({"model": ""}, "dji_unnamed", {"format": "iirp"}),
        ({"form": "girp", "model": ""}, "dji_unnamed", {"format": "girp"}),
        ({"form": "girp", "model": "M3T"}, "dji_format", {"format": "girp", "model": "M3T"}),
        ({"form": "hirp", "model": "M3TD"}, "dji_format", {"format": "hirp", "model": "M3TD"}),
    ),
    ids=str,
)
def test_other_formats_and_cameras_are_refused_by_name(
    options: dict[str, Any], key: str, parameters: dict[str, str]
) -> None:
    data, _ = dji_scene(**options)
    assert refusal(data) == Message("argus.imagery", "unsupported", key, parameters)


@pytest.mark.parametrize(
    ("form", "model", "setting", "name", "value"),
    (
        ("iirp", "M3T", Setting(distance=0.5), "distance_metres", "0.5"),
        ("iirp", "M3T", Setting(distance=30), "distance_metres", "30"),
        ("iirp", "M3T", Setting(emissivity=0), "emissivity", "0"),
        ("iirp", "M3T", Setting(humidity=0), "relative_humidity", "0"),
        ("iirp", "M3T", Setting(reflected=500), "reflected_celsius", "500"),
        ("iirp", "M3T", Setting(air=-60), "atmospheric_celsius", "-60"),
        ("iirp", "M3T", Setting(emissivity=float("nan")), "emissivity", "?"),
        ("iirp", "M4T", Setting(air=float("nan")), "atmospheric_celsius", "?"),
        ("girp", "M30T", Setting(distance=10), "distance_metres", "10"),
        ("girp", "M30T", Setting(distance=5, emissivity=0.7), "emissivity", "0.7"),
        ("girp", "M30T", Setting(distance=5, emissivity=1), "emissivity", "1"),
        ("hirp", "M4T", Setting(distance=5, air=41), "atmospheric_celsius", "41"),
        ("hirp", "M4T", Setting(distance=5, humidity=0.1), "relative_humidity", "0.1"),
        ("hirp", "M4T", Setting(distance=5, reflected=60), "reflected_celsius", "60"),
    ),
    ids=str,
)
def test_settings_that_were_not_measured_are_refused(
    form: Form, model: str, setting: Setting, name: str, value: str
) -> None:
    data, _ = dji_scene(form=form, model=model, setting=Setting(distance=5))
    old, new = (SETTINGS[form](each) for each in (Setting(distance=5), setting))
    message = refusal(data.replace(old, new))
    assert (message.code, message.key) == ("unsupported", "dji_setting")
    assert (message.parameters["setting"], message.parameters["value"]) == (name, value)


@pytest.mark.parametrize(("form", "name"), (("iirp", "iirp"), ("M2EA", "M2EA")))
def test_thermal_data_without_exif_is_not_called_a_photo(form: Form, name: str) -> None:
    data, _ = dji_scene(form=form)
    start = data.index(b"\xff\xe1")
    without = data[:start] + data[start + 2 + int.from_bytes(data[start + 2 : start + 4], "big") :]
    assert refusal(without) == Message("argus.imagery", "unsupported", "dji_unnamed", {"format": name})


def test_a_laser_target_needs_both_coordinates() -> None:
    xmp = {"drone-dji:LRFTargetDistance": "20", "drone-dji:LRFTargetLat": "64.0"}
    capture = decode(dji_scene(xmp=xmp)[0]).capture
    assert capture.flight == Flight(laser=Laser(distance_metres=20.0))


def test_a_frame_of_another_size_is_damaged() -> None:
    data, _ = dji_scene(width=320, height=256)
    assert refusal(data) == Message("argus.imagery", "damaged", "dji_pixels", {"size_bytes": 2 * 320 * 256})


def test_infirays_thermal_data_is_named() -> None:
    segment = b"\xff\xe2\x00\x0a\x01\x49IJPEG\0"[:12]
    assert refusal(b"\xff\xd8" + segment + b"\xff\xd9") == Message("argus.imagery", "unsupported", "infiray", {})


# ---------------------------------------------------------------- the flight


def test_the_flight_is_read_from_xmp() -> None:
    capture = decode(dji_scene()[0]).capture
    assert capture.flight == Flight(
        gimbal=Attitude(yaw=94.9, pitch=-89.9, roll=0.0),
        aircraft=Attitude(yaw=93.1, pitch=-6.2, roll=1.4),
        altitude_above_takeoff_metres=32.0,
        altitude_metres=412.5,
        laser=Laser(distance_metres=21.5, latitude=64.03701, longitude=-21.40098, altitude_metres=380.25),
        rtk=Rtk(flag=50, latitude_error_metres=0.011, longitude_error_metres=0.012, altitude_error_metres=0.023),
    )
    assert capture.position == Position(64.037, -21.401, 412.5)
    assert capture.taken_at == datetime(2025, 5, 14, 6, 20, 0, 125_000, tzinfo=UTC)
    assert capture.taken_at_local is None


def test_a_file_without_xmp_has_no_flight_and_a_time_without_zone() -> None:
    capture = decode(dji_scene(xmp={})[0]).capture
    assert (capture.flight, capture.position, capture.taken_at) == (None, None, None)
    assert capture.taken_at_local == "2025-05-14T06:20:00"


@pytest.mark.parametrize(
    ("xmp", "expected"),
    (
        ({"drone-dji:UTCAtExposure": "2023:07:07 07:39:52.944920"}, datetime(2023, 7, 7, 7, 39, 52, 944920, UTC)),
        ({"drone-dji:UTCAtExposure": "2023-07-07T07:39:52"}, datetime(2023, 7, 7, 7, 39, 52, tzinfo=UTC)),
        ({"xmp:CreateDate": "2023-07-07T09:39:34+02:00"}, datetime(2023, 7, 7, 7, 39, 34, tzinfo=UTC)),
        (
            {"drone-dji:UTCAtExposure": "2023:13:45 99:00:00", "xmp:CreateDate": "2023-07-07T09:39:34+02:00"},
            datetime(2023, 7, 7, 7, 39, 34, tzinfo=UTC),
        ),
        ({"xmp:CreateDate": "2023-07-07T09:39:34"}, None),
        ({"xmp:CreateDate": "0001-01-01T00:00:00+02:00"}, None),
        ({"drone-dji:UTCAtExposure": "1970:01:01 00:00:00"}, None),
    ),
    ids=str,
)
def test_the_time_is_of_the_exposure_or_else_of_the_file_with_its_zone(
    xmp: dict[str, str], expected: datetime | None
) -> None:
    assert decode(dji_scene(xmp=xmp)[0]).capture.taken_at == expected


@pytest.mark.parametrize("spelling", ("drone-dji:GpsLongitude", "drone-dji:GpsLongtitude"))
def test_the_position_is_read_in_both_spellings(spelling: str) -> None:
    capture = decode(dji_scene(xmp={"drone-dji:GpsLatitude": "64.037", spelling: "-21.401"})[0]).capture
    assert capture.position == Position(64.037, -21.401)


@pytest.mark.parametrize(
    "xmp",
    (
        {"drone-dji:GpsLatitude": "nan", "drone-dji:GpsLongitude": "x", "drone-dji:RelativeAltitude": "1e99"},
        {"drone-dji:RelativeAltitude": "9" * 40, "drone-dji:GimbalYawDegree": "400"},
        {"drone-dji:LRFStatus": "Too far", "drone-dji:LRFTargetDistance": "900"},
        {"drone-dji:LRFTargetDistance": "0.0"},
        {"drone-dji:LRFTargetDistance": "-5.0"},
        {"drone-dji:RtkStdLat": "-1"},
    ),
    ids=str,
)
def test_values_that_cannot_be_are_unknown(xmp: dict[str, str]) -> None:
    capture = decode(dji_scene(xmp=xmp)[0]).capture
    assert (capture.flight, capture.position) == (None, None)


# ---------------------------------------------------------------- the laser's distance


def test_the_lasers_distance_counts_only_if_asked_for() -> None:
    data, truth = dji_scene(laser_metres=21.5, setting=Setting(distance=2))
    asked, not_asked = decode(data, laser_distance=True), decode(data)
    assert worst(asked, truth) <= A_STEP < worst(not_asked, truth)
    sources = [each.capture.parameters.distance_source for each in (asked, not_asked)]
    assert sources == [DistanceSource.LASER, DistanceSource.FILE]
    assert asked.capture.parameters.distance_metres == 21.5


@pytest.mark.parametrize("metres", ("0.4", "26", "0", "text"))
def test_a_laser_distance_for_which_nothing_was_measured_does_not_count(metres: str) -> None:
    data, truth = dji_scene(xmp={**FLIGHT, "drone-dji:LRFTargetDistance": metres})
    thermogram = decode(data, laser_distance=True)
    assert thermogram.capture.parameters.distance_source == DistanceSource.FILE
    assert worst(thermogram, truth) <= A_STEP
