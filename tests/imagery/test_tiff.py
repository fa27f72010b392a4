"""16-bit TIFFs: decoded only with a declared scale."""

import io
import warnings
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
import rasterio
from numpy.typing import NDArray
from PIL import Image
from PIL.TiffImagePlugin import ImageFileDirectory_v2
from rasterio.errors import NotGeoreferencedWarning

from argus.core.languages import Message
from argus.imagery import tags
from argus.imagery.decode import decode
from argus.imagery.model import Accuracy, AccuracyKind, LinearScale, Parameters
from argus.imagery.thermogram import NoTemperatureScale, Undecodable
from services.local.demo.scenes import tiff16
from tests.imagery.hostile import small

COUNTS = small().counts
CENTIKELVIN = LinearScale(0.01, -273.15)
# in hundredths of a kelvin: 28000 is about 7 °C
FRAME = (28000 + (COUNTS.astype(int) - COUNTS.min()) % 9000).astype(np.uint16)


@pytest.mark.parametrize("raw", ["T640", " T\u3164640\ufe0f\x07\0rest", "\ufffeT\u034f6\U000e004140"], ids=ascii)
def test_the_text_of_a_tag_has_no_invisible_characters(raw: str) -> None:
    assert tags.text(raw.encode()) == "T640"


def test_a_tiff_without_a_scale_is_refused() -> None:
    with pytest.raises(NoTemperatureScale) as refusal:
        decode(tiff16(FRAME))
    assert refusal.value.message == Message("argus.imagery", "no_temperature_scale")


def test_floating_point_numbers_are_refused_by_name() -> None:
    file = io.BytesIO()
    Image.fromarray(np.linspace(10, 40, 64 * 48, dtype=np.float32).reshape(48, 64)).save(file, "TIFF")
    with pytest.raises(Undecodable) as refusal:
        decode(file.getvalue())
    assert refusal.value.message == Message("argus.imagery", "unsupported", "tiff_float")


def test_a_file_without_settings_has_none() -> None:
    assert decode(tiff16(FRAME), declared_scale=CENTIKELVIN).capture.parameters == Parameters()


def test_a_scale_declared_by_the_caller_is_used() -> None:
    thermogram = decode(tiff16(FRAME), declared_scale=CENTIKELVIN)
    assert (thermogram.capture.format, thermogram.capture.accuracy) == ("tiff16", Accuracy(AccuracyKind.EXACT, 0.001))
    np.testing.assert_allclose(thermogram.celsius, FRAME * 0.01 - 273.15, atol=1e-4)


@pytest.mark.parametrize(("unit", "offset"), (("", -273.15), ("degC", -273.15), ("K", 0.0)))
def test_a_scale_declared_in_the_file_is_used(unit: str, offset: float) -> None:
    thermogram = decode(tiff16(FRAME, scale=0.01, offset=offset, unit=unit))
    np.testing.assert_allclose(thermogram.celsius, FRAME * 0.01 - 273.15, atol=1e-4)


def test_the_callers_scale_takes_precedence_over_the_files() -> None:
    data = tiff16(FRAME, scale=1, offset=0)
    np.testing.assert_allclose(decode(data, declared_scale=CENTIKELVIN).celsius, FRAME * 0.01 - 273.15, atol=1e-4)


def test_other_units_are_refused() -> None:
    with pytest.raises(Undecodable) as refusal:
        decode(tiff16(FRAME, scale=0.01, offset=-100, unit="metre"))
    assert refusal.value.message == Message("argus.imagery", "not_radiometric", "unit", {"unit": "metre"})


@pytest.mark.parametrize(
    ("scale", "code"),
    (("0", "implausible"), ("-0.01", "implausible"), ("nan", "implausible"), ("warm", "damaged"), ("1", "implausible")),
)
def test_impossible_scales_are_refused(scale: str, code: str) -> None:
    with pytest.raises(Undecodable) as refusal:
        decode(tiff16(FRAME, scale=scale))
    assert refusal.value.code == code


@pytest.mark.parametrize("compression", (None, "tiff_lzw", "tiff_adobe_deflate", "packbits"))
def test_compressions_are_read(compression: str | None) -> None:
    thermogram = decode(tiff16(FRAME, compression=compression), declared_scale=CENTIKELVIN)
    np.testing.assert_array_equal(thermogram.counts, FRAME)


def test_pixels_below_absolute_zero_or_above_5000_celsius_have_no_temperature() -> None:
    counts = COUNTS % 40 + np.uint16(30_000)
    counts[3, 4], counts[5, 6], counts[7, 8] = 0, 35_001, 29_727
    celsius = decode(tiff16(counts), declared_scale=LinearScale(1, -30_000)).celsius
    assert np.argwhere(np.isnan(celsius)).tolist() == [[3, 4], [5, 6]]
    assert (np.nanmin(celsius), np.nanmax(celsius)) == (-273, 39)


@pytest.mark.parametrize(
    ("written", "expected"),
    (
        ("2025:05:14 06:20:00", datetime(2025, 5, 14, 4, 20, tzinfo=UTC)),
        ("0001:01:02 00:00:00", None),
        ("1980:01:01 00:00:00", None),
        ("9999:12:31 23:59:59", None),
    ),
)
def test_a_plausible_time_of_capture_is_read(written: str, expected: datetime | None) -> None:
    tags, out = ImageFileDirectory_v2(), io.BytesIO()
    tags[0x8769] = {0x9003: written, 0x9011: "+02:00"}
    Image.fromarray(FRAME).save(out, "TIFF", tiffinfo=tags)
    assert decode(out.getvalue(), declared_scale=CENTIKELVIN).capture.taken_at == expected


def test_a_decompression_bomb_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", FRAME.size // 3)  # Pillow refuses twice as many
    with pytest.raises(Undecodable) as refusal:
        decode(tiff16(FRAME), declared_scale=CENTIKELVIN)
    assert refusal.value.message == Message("argus.imagery", "damaged", "tiff_pixels")


def test_the_count_for_no_data_has_no_temperature() -> None:
    with_holes = FRAME.copy()
    with_holes[3:6, 4:9] = 0
    celsius = decode(tiff16(with_holes, nodata="0"), declared_scale=CENTIKELVIN).celsius
    np.testing.assert_array_equal(np.isnan(celsius), with_holes == 0)


@pytest.mark.parametrize("profile", (
    {"tiled": True, "blockxsize": 16, "blockysize": 16},
    {"tiled": True, "blockxsize": 32, "blockysize": 16, "compress": "deflate", "predictor": 2},
    {"compress": "lzw", "predictor": 2},
    {"endianness": "big"},
    {"endianness": "big", "compress": "lzw", "predictor": 2},
    {"dtype": "int16"},
    {"dtype": "int16", "compress": "deflate", "predictor": 2, "tiled": True, "blockxsize": 16, "blockysize": 16},
), ids=str)  # fmt: skip
def test_tiffs_written_by_gdal_are_decoded(profile: dict[str, object], tmp_path: Path) -> None:
    counts = FRAME if profile.get("dtype") != "int16" else (FRAME.astype(int) - 30000).astype(np.int16)
    thermogram = decode(written_by_gdal(counts, tmp_path, **profile))
    np.testing.assert_array_equal(thermogram.counts, counts)
    np.testing.assert_allclose(thermogram.celsius, counts * 0.01 + 20.0, atol=1e-4)


def test_a_large_image_of_the_smallest_tiles_is_decoded(tmp_path: Path) -> None:
    """The positions of its 18,125 tiles are the longest value of its directory."""
    counts = np.resize(FRAME, (2000, 2320))
    thermogram = decode(written_by_gdal(counts, tmp_path, tiled=True, blockxsize=16, blockysize=16))
    np.testing.assert_array_equal(thermogram.counts, counts)


def written_by_gdal(counts: NDArray[np.uint16 | np.int16], folder: Path, **profile: object) -> bytes:
    path = folder / "gdal.tif"
    height, width = counts.shape
    options = {"driver": "GTiff", "width": width, "height": height, "count": 1, "dtype": "uint16", **profile}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        with rasterio.open(path, "w", **options) as file:
            file.write(counts, 1)
            file.scales, file.offsets = (0.01,), (20.0,)
    return path.read_bytes()
