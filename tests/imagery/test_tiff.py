"""TIFFs of 16-bit counts, decoded only with a declared scale, and of floating-point temperatures."""

import io
import struct
import time
import warnings
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from numpy.typing import NDArray
from PIL import Image
from PIL.TiffImagePlugin import ImageFileDirectory_v2
from rasterio.errors import NotGeoreferencedWarning
from rasterio.windows import Window

from argus.core.languages import Message
from argus.imagery import tags, tiff_tags
from argus.imagery.decode import decode
from argus.imagery.model import Accuracy, AccuracyKind, LinearScale, Parameters
from argus.imagery.thermogram import NoTemperatureScale, Undecodable
from services.local.demo.scenes import plain_tiff, tiff16
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


CELSIUS = np.linspace(10, 40, 64 * 48).reshape(48, 64)
DEGC, KELVIN_UNIT, PER_CENT = (
    tiff_tags.text(
        42112, f'<GDALMetadata><Item name="UNITTYPE" sample="0" role="unittype">{unit}</Item></GDALMetadata>'
    )
    for unit in ("degC", "K", "%")
)


@pytest.mark.parametrize("kind", [np.float32, np.float64])
@pytest.mark.parametrize(
    ("add", "tags", "notes"),
    [(0.0, (DEGC,), []), (273.15, (KELVIN_UNIT,), []), (0.0, (), ["unit_assumed"])],
    ids=["°C", "kelvin", "no unit"],
)
def test_floating_point_numbers_are_temperatures(kind: Any, add: float, tags: Any, notes: list[str]) -> None:
    thermogram = decode(plain_tiff((CELSIUS + add).astype(kind), tags=tags))
    np.testing.assert_allclose(thermogram.celsius, CELSIUS, atol=3e-5)
    assert thermogram.capture.format == "tiff_float"
    assert [note.code for note in thermogram.capture.notes] == notes


def test_floating_point_numbers_that_could_be_kelvin_need_a_scale() -> None:
    data = plain_tiff((CELSIUS + 273.15).astype(np.float32))
    with pytest.raises(Undecodable) as refusal:
        decode(data)
    assert refusal.value.message == Message("argus.imagery", "no_temperature_scale", "float")
    np.testing.assert_allclose(decode(data, declared_scale=LinearScale(1, -273.15)).celsius, CELSIUS, atol=3e-5)


@pytest.mark.parametrize("layout", [{"tiled": True, "blockxsize": 32, "blockysize": 16}, {"blockysize": 7}], ids=str)
@pytest.mark.parametrize("compression", ["none", "lzw", "deflate", "packbits"])
@pytest.mark.parametrize("endianness", ["little", "big"])
@pytest.mark.parametrize("kind", ["float32", "float64", "uint16", "int16"])
def test_files_of_gdal_are_read(tmp_path: Path, layout: Any, compression: str, endianness: str, kind: str) -> None:
    path = tmp_path / "a.tif"
    profile = {"driver": "GTiff", "width": 64, "height": 48, "count": 1, "dtype": kind, "compress": compression}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        with rasterio.open(path, "w", **profile, **layout, endianness=endianness) as file:
            file.write(CELSIUS.astype(kind), 1)
    celsius = decode(path.read_bytes(), declared_scale=LinearScale(1)).celsius
    np.testing.assert_allclose(celsius, CELSIUS.astype(kind), atol=3e-6)


@pytest.mark.parametrize(
    ("kind", "endianness", "is_read"),
    [("float32", "little", True), ("float32", "big", False), ("float64", "little", False)],
)
@pytest.mark.parametrize("predictor", [2, 3])
def test_a_predictor_is_undone_or_refused_by_name(
    tmp_path: Path, kind: str, endianness: str, predictor: int, is_read: bool
) -> None:
    path = tmp_path / "a.tif"
    profile = {"driver": "GTiff", "width": 64, "height": 48, "count": 1, "dtype": kind, "compress": "deflate"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        with rasterio.open(path, "w", **profile, predictor=predictor, endianness=endianness) as file:
            file.write(CELSIUS.astype(kind), 1)
    if is_read:
        celsius = decode(path.read_bytes(), declared_scale=LinearScale(1)).celsius
        np.testing.assert_allclose(celsius, CELSIUS.astype(kind), atol=3e-6)
    else:
        with pytest.raises(Undecodable) as refusal:
            decode(path.read_bytes())
        assert refusal.value.message == Message("argus.imagery", "unsupported", "tiff_predictor")


@pytest.mark.parametrize("nodata", ["-9999", "nan", "-3.4028234663852886e+38", "1e300"])
def test_floating_point_numbers_for_no_data_have_no_temperature(nodata: str) -> None:
    values = CELSIUS.astype(np.float32)
    with np.errstate(over="ignore"):
        values[:5] = np.float32(float(nodata))
    celsius = decode(plain_tiff(values, tags=(DEGC, tiff_tags.text(42113, nodata)))).celsius
    assert np.isnan(celsius[:5]).all()
    assert np.isfinite(celsius[5:]).all()


@pytest.mark.parametrize(
    ("values", "tags", "key"),
    [
        (CELSIUS.astype(np.int32), (), ("unsupported", "tiff_samples")),
        (CELSIUS.astype(np.float16), (), ("unsupported", "tiff_samples")),
        (CELSIUS.astype(np.uint8), (), ("not_radiometric", "tiff")),
        (CELSIUS.astype(np.float32), (PER_CENT,), ("not_radiometric", "unit")),
        (np.full((48, 64), np.nan, np.float32), (DEGC,), ("implausible", "no_temperature")),
        (np.full((48, 64), np.inf, np.float32), (DEGC,), ("implausible", "blank")),
    ],
    ids=["int32", "float16", "uint8", "per cent", "no number", "infinite"],
)
def test_other_samples_are_refused_by_name(values: Any, tags: Any, key: tuple[str, str]) -> None:
    with pytest.raises(Undecodable) as refusal:
        decode(plain_tiff(values, tags=tags))
    assert (refusal.value.message.code, refusal.value.message.key) == key


@pytest.mark.parametrize("kind", ["float32", "uint16"])
def test_several_bands_are_refused_by_name(tmp_path: Path, kind: str) -> None:
    """As of an orthophoto with an alpha band."""
    path = tmp_path / "a.tif"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        with rasterio.open(path, "w", driver="GTiff", width=64, height=48, count=2, dtype=kind) as file:
            file.write(np.stack([CELSIUS, CELSIUS]).astype(kind))
    with pytest.raises(Undecodable) as refusal:
        decode(path.read_bytes())
    assert refusal.value.message == Message("argus.imagery", "unsupported", "tiff_bands", {"bands": 2})


@pytest.mark.parametrize("unit", ["°C", "℃", "degree_Celsius", "degrees_C", "deg C", "Celsius", "K", "kelvins", "degK"])
def test_units_are_read_in_their_usual_forms(unit: str) -> None:
    items = f'<GDALMetadata><Item name="U" sample="0" role="unittype">{unit}</Item></GDALMetadata>'
    add = 273.15 if unit.lower()[-1] == "k" or unit == "kelvins" else 0
    data = plain_tiff((CELSIUS + add).astype(np.float32), tags=(tiff_tags.text(42112, items),))
    np.testing.assert_allclose(decode(data).celsius, CELSIUS, atol=3e-5)


def test_a_scale_without_a_unit_does_not_make_kelvin_of_the_values_celsius() -> None:
    items = '<GDALMetadata><Item name="S" sample="0" role="scale">0.1</Item></GDALMetadata>'
    data = plain_tiff(((CELSIUS + 273.15) * 10).astype(np.float32), tags=(tiff_tags.text(42112, items),))
    with pytest.raises(NoTemperatureScale):
        decode(data)


@pytest.mark.parametrize("kind", [np.uint16, np.float32])
def test_black_is_zero_if_the_file_does_not_say_otherwise(kind: Any) -> None:
    data = bytearray(plain_tiff(CELSIUS.astype(kind)))
    at = data.index(b"\x06\x01\x03\0\x01\0\0\0\x01")
    struct.pack_into("<H", data, at, 263)  # another tag in its place
    celsius = decode(bytes(data), declared_scale=LinearScale(1)).celsius
    np.testing.assert_allclose(celsius, CELSIUS.astype(kind))


@pytest.mark.parametrize("compression", ["none", "deflate"])
def test_a_sparse_file_is_refused_by_name(tmp_path: Path, compression: str) -> None:
    path = tmp_path / "a.tif"
    options = {"tiled": True, "blockxsize": 16, "blockysize": 16, "compress": compression, "sparse_ok": True}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        with rasterio.open(path, "w", driver="GTiff", width=64, height=48, count=1, dtype="float32", **options) as file:
            file.write(CELSIUS[:16, :16].astype(np.float32), 1, window=Window(0, 0, 16, 16))
    with pytest.raises(Undecodable) as refusal:
        decode(path.read_bytes())
    assert refusal.value.message.key == "tiff_sparse"


@pytest.mark.parametrize("compression", ["none", "deflate"])
def test_masked_pixels_have_no_temperature(tmp_path: Path, compression: str) -> None:
    path = tmp_path / "a.tif"
    valid = np.zeros((48, 64), bool)
    valid[10:20, 10:20] = True  # also if most pixels are masked
    with warnings.catch_warnings(), rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True):
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        with rasterio.open(
            path, "w", driver="GTiff", width=64, height=48, count=1, dtype="float32", compress=compression
        ) as file:
            file.write(CELSIUS.astype(np.float32), 1)
            file.write_mask(valid)
    np.testing.assert_array_equal(np.isfinite(decode(path.read_bytes()).celsius), valid)


# ---------------------------------------------------------------- pages and orientation


def test_a_thumbnail_first_is_refused_by_name() -> None:
    with pytest.raises(Undecodable) as refusal:
        decode(plain_tiff(FRAME[::2, ::2], FRAME, kinds=(1, 0)))
    assert refusal.value.message.key == "tiff_first"


@pytest.mark.parametrize(
    "tags",
    [(tiff_tags.text(270, "ImageJ=1.53t\nimages=3\nslices=3\n"),), (tiff_tags.short(32997, 3),)],
    ids=["ImageJ", "depth"],
)
def test_images_without_a_directory_are_a_sequence_too(tags: Any) -> None:
    with pytest.raises(Undecodable) as refusal:
        decode(plain_tiff(FRAME, tags=tags), declared_scale=CENTIKELVIN)
    assert refusal.value.message.key == "tiff_pages"


def test_a_long_description_takes_little_time() -> None:
    data = plain_tiff(FRAME, tags=(tiff_tags.text(270, "ImageJ=\n" * 30_000),))
    started = time.process_time()
    decode(data, declared_scale=CENTIKELVIN)
    assert time.process_time() - started < 2


def test_a_page_after_many_overviews_is_not_lost() -> None:
    pages = [FRAME, *[FRAME[::2, ::2]] * 65, FRAME]
    with pytest.raises(Undecodable) as refusal:
        decode(plain_tiff(*pages, kinds=(0, *[1] * 65, 0)), declared_scale=CENTIKELVIN)
    assert refusal.value.message.key == "tiff_pages"


@pytest.mark.parametrize("kinds", [(), (0, 2), (1, 0)], ids=["plain", "pages", "after an overview"])
def test_several_images_are_refused_as_a_sequence(kinds: tuple[int, ...]) -> None:
    pages = [FRAME, FRAME] if len(kinds) < 2 or kinds[0] == 0 else [FRAME, FRAME[::2, ::2], FRAME]
    data = plain_tiff(*pages, kinds=kinds if len(pages) == 2 else (0, 1, 0))
    with pytest.raises(Undecodable) as refusal:
        decode(data, declared_scale=CENTIKELVIN)
    assert refusal.value.message == Message("argus.imagery", "unsupported", "tiff_pages")


def test_overviews_and_masks_are_no_images_of_their_own() -> None:
    data = plain_tiff(FRAME, FRAME[::2, ::2], (FRAME > 0).astype(np.uint8), kinds=(0, 1, 4))
    assert decode(data, declared_scale=CENTIKELVIN).capture.notes == ()


@pytest.mark.parametrize("following", [4, 8, 10**9], ids=["header", "pixels", "outside"])
def test_a_pointer_to_another_directory_may_lead_anywhere(following: int) -> None:
    data = bytearray(plain_tiff(FRAME))
    (directory,) = struct.unpack_from("<I", data, 4)
    (entries,) = struct.unpack_from("<H", data, directory)
    for target in (following, directory):
        struct.pack_into("<I", data, directory + 2 + 12 * entries, target)
        assert decode(bytes(data), declared_scale=CENTIKELVIN).counts.shape == FRAME.shape


@pytest.mark.parametrize("orientation", [0, 1, 2, 3, 6, 8, 9])
def test_pixels_stay_as_the_file_stores_them(orientation: int) -> None:
    data = plain_tiff(FRAME, tags=(tiff_tags.short(274, orientation),))
    thermogram = decode(data, declared_scale=CENTIKELVIN)
    np.testing.assert_array_equal(thermogram.counts, FRAME)
    turned = [Message("argus.imagery", "not_turned", "", {"orientation": orientation})]
    assert list(thermogram.capture.notes) == (turned if orientation in range(2, 9) else [])


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
