"""The temperature GeoTIFF, as GDAL and rio-cogeo read it."""

import struct
import warnings
from pathlib import Path

import numpy as np
import pytest
import rasterio
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray
from rasterio.errors import NotGeoreferencedWarning
from rasterio.io import MemoryFile
from rio_cogeo.cogeo import cog_validate

from argus.imagery import cog
from argus.imagery.cog import NotRepresentable
from argus.imagery.model import Georeference, Position
from benchmarks import bench_cog
from tests.conftest import untraced

pytestmark = pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")

SHAPES = [(1, 1), (1, 300), (60, 80), (256, 256), (257, 255), (480, 640), (512, 640), (3000, 4000)]


def scene(shape: tuple[int, int], *, low: float = 10.0, high: float = 90.0) -> NDArray[np.float32]:
    """A slope with noise; without noise, tiles would be trivially small."""
    rows, columns = np.indices(shape, sparse=True)
    slope = (rows + columns) / max(1, sum(shape) - 2)
    noise = np.random.default_rng(7).normal(0, 0.01, shape)
    return (low + (high - low) * np.clip(slope + noise, 0, 1)).astype(np.float32)


@untraced
def read(data: bytes) -> NDArray[np.float64]:
    """Temperatures as GDAL reads them: scaled, NaN for masked pixels."""
    with MemoryFile(data) as memory, memory.open() as dataset:
        counts = dataset.read(1, masked=True)
        return np.ma.filled(counts * dataset.scales[0] + dataset.offsets[0], np.nan)


@st.composite
def temperatures(draw: st.DrawFn) -> NDArray[np.float32]:
    """Small images of any shape and range, with holes."""
    shape = draw(st.tuples(st.integers(1, 70), st.integers(1, 70)))
    limit = draw(st.sampled_from([1.0, 100.0, 327.67, 400.0, 1500.0, 32767.0]))
    values = np.random.default_rng(draw(st.integers(0, 2**32))).uniform(-limit, limit, shape).astype(np.float32)
    holes = draw(hnp.arrays(np.bool_, shape, elements=st.booleans(), fill=st.just(False)))
    values[holes] = np.nan
    return values


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: f"{shape[1]}x{shape[0]}")
def test_the_file_is_a_valid_cloud_optimised_geotiff(shape: tuple[int, int], tmp_path: Path) -> None:
    path = tmp_path / "image.tif"
    path.write_bytes(cog.write(scene(shape)).data)

    assert cog_validate(path, strict=True) == (True, [], [])


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: f"{shape[1]}x{shape[0]}")
def test_gdal_reads_the_written_temperatures(shape: tuple[int, int]) -> None:
    celsius = scene(shape)

    np.testing.assert_allclose(read(cog.write(celsius).data), celsius, atol=0.00502)


@given(celsius=temperatures(), tile_size=st.sampled_from([16, 32, 256]))
def test_any_image_is_read_within_half_a_step(celsius: NDArray[np.float32], tile_size: int) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        written = cog.write(celsius, tile_size=tile_size)
        np.testing.assert_allclose(read(written.data), celsius, atol=written.scale.factor * 0.502)


@pytest.mark.parametrize(
    ("hottest", "factor"),
    ((25.0, 0.01), (327.67, 0.01), (327.68, 0.02), (-500.0, 0.02), (1600.0, 0.05), (3000.0, 0.1), (32767.0, 1.0)),
)
def test_the_scale_is_the_finest_that_represents_the_image(hottest: float, factor: float) -> None:
    celsius = np.full((4, 4), 20, np.float32)
    celsius[1, 2] = hottest
    written = cog.write(celsius)

    assert (written.scale.factor, written.scale.offset) == (factor, 0)
    assert read(written.data)[1, 2] == pytest.approx(hottest, abs=factor / 2)


@pytest.mark.parametrize("hottest", (33000.0, np.inf, -np.inf))
def test_temperatures_that_do_not_fit_into_16_bits_are_refused(hottest: float) -> None:
    with pytest.raises(NotRepresentable):
        cog.write(np.array([[20, hottest, np.nan]], np.float32))


@pytest.mark.parametrize("shape", ((0, 0), (0, 5), (5,), (2, 2, 2)))
def test_an_image_without_pixels_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(NotRepresentable):
        cog.write(np.zeros(shape, np.float32))


def test_a_file_larger_than_offsets_can_address_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cog, "MAX_BYTES", 50_000)

    with pytest.raises(NotRepresentable, match="4 GiB"):
        cog.write(scene((512, 640)))


def test_an_image_without_any_temperature_is_all_masked() -> None:
    assert np.isnan(read(cog.write(np.full((300, 300), np.nan, np.float32)).data)).all()


def test_overviews_average_only_the_pixels_that_have_a_temperature() -> None:
    celsius = scene((301, 523))
    celsius[100:120, 200:233] = np.nan
    with MemoryFile(cog.write(celsius).data) as memory, memory.open(OVERVIEW_LEVEL=0) as overview:
        counts = overview.read(1, masked=True)

    padded = np.pad(celsius.astype(np.float64), ((0, 1), (0, 1)), constant_values=np.nan)
    fours = padded.reshape(151, 2, 262, 2).swapaxes(1, 2).reshape(151, 262, 4)
    holes = np.isnan(fours).all(axis=2)
    assert counts.shape == (151, 262)
    assert np.array_equal(np.ma.getmaskarray(counts), holes)
    np.testing.assert_allclose(counts.compressed() * 0.01, np.nanmean(fours[~holes], axis=1), atol=0.0051)


def test_overviews_halve_until_the_image_fits_into_one_tile() -> None:
    with MemoryFile(cog.write(scene((900, 1300))).data) as memory, memory.open() as dataset:
        assert dataset.overviews(1) == [2, 4, 8]


def test_the_file_contains_unit_nodata_and_the_callers_metadata() -> None:
    metadata = {"CAMERA": 'É & "M30T" <1>', "EMISSIVITY": "0.95"}
    with MemoryFile(cog.write(scene((60, 80)), metadata=metadata).data) as memory, memory.open() as dataset:
        assert (dataset.dtypes, dataset.nodata, dataset.units) == (("int16",), -32768, ("degC",))
        assert metadata.items() <= dataset.tags().items()
        assert dataset.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
        assert dataset.tags(ns="IMAGE_STRUCTURE")["PREDICTOR"] == "2"
        assert dataset.crs is None


@given(value=st.text(max_size=400))
def test_no_metadata_text_breaks_the_file(value: str) -> None:
    celsius = np.full((4, 4), 20, np.float32)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        assert (read(cog.write(celsius, metadata={"NOTE": value}).data) == 20).all()


@pytest.mark.parametrize("metadata", ({"not a name": "x"}, {f"N{index}": "x" * 256 for index in range(40)}))
def test_metadata_with_an_invalid_name_or_too_large_is_a_value_error(metadata: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="metadata"):
        cog.write(np.zeros((4, 4), np.float32), metadata=metadata)


@pytest.mark.parametrize(
    ("position", "expected"),
    (
        (
            Position(-33.5, 18.2525, 123.4),
            {"Latitude": "(33) (30) (0)", "LatitudeRef": "S", "Longitude": "(18) (15) (9)", "LongitudeRef": "E"}
            | {"Altitude": "(123.4)", "AltitudeRef": "0x00"},
        ),
        (
            Position(59.9999999999999, -0.25),
            {"Latitude": "(60) (0) (0)", "LatitudeRef": "N", "Longitude": "(0) (15) (0)", "LongitudeRef": "W"},
        ),
        (
            Position(31.5, 35.5, -430.5),
            {"Latitude": "(31) (30) (0)", "LatitudeRef": "N", "Longitude": "(35) (30) (0)", "LongitudeRef": "E"}
            | {"Altitude": "(430.5)", "AltitudeRef": "0x01"},
        ),
    ),
    ids=["south-east", "north-west", "below the sea"],
)
def test_a_camera_position_becomes_exif_not_a_georeference(
    position: Position, expected: dict[str, str], tmp_path: Path
) -> None:
    path = tmp_path / "image.tif"
    path.write_bytes(cog.write(scene((300, 300)), position=position).data)

    assert cog_validate(path, strict=True) == (True, [], [])
    with rasterio.open(path) as dataset:
        tags = dataset.tags(ns="EXIF")
        assert dataset.crs is None
    assert {name.removeprefix("EXIF_GPS"): value for name, value in tags.items() if "Version" not in name} == expected


@pytest.mark.parametrize(
    "position", (Position(np.nan, 0), Position(91, 0), Position(0, -181), Position(0, np.inf)), ids=str
)
def test_an_impossible_position_is_omitted(position: Position) -> None:
    celsius = np.zeros((4, 4), np.float32)

    assert cog.write(celsius, position=position).data == cog.write(celsius).data


@pytest.mark.parametrize("altitude", (np.nan, np.inf, -1e9))
def test_an_impossible_altitude_is_omitted(altitude: float) -> None:
    celsius = np.zeros((4, 4), np.float32)
    written = cog.write(celsius, position=Position(1, 2, altitude))

    assert written.data == cog.write(celsius, position=Position(1, 2)).data


@pytest.mark.parametrize(
    "reference",
    (
        Georeference(0.1, 0, 500_000, 0, -0.1, 6_000_000, epsg=32734),
        Georeference(0.08, 0.06, 500_000, 0.06, -0.08, 6_000_000, epsg=32734),
        Georeference(1e-6, 0, 9.5, 0, -1e-6, 47.25, epsg=4326, geographic=True),
    ),
    ids=["north up", "rotated", "degrees"],
)
def test_gdal_reads_the_georeference(reference: Georeference, tmp_path: Path) -> None:
    path = tmp_path / "image.tif"
    path.write_bytes(cog.write(scene((300, 300)), georeference=reference, position=Position(1, 2)).data)

    assert cog_validate(path, strict=True) == (True, [], [])
    with rasterio.open(path) as dataset:
        assert dataset.crs.to_epsg() == reference.epsg
        assert tuple(dataset.transform)[:6] == (
            reference.a,
            reference.b,
            reference.c,
            reference.d,
            reference.e,
            reference.f,
        )


def test_tiles_have_the_lengths_that_the_header_declares() -> None:
    data = cog.write(scene((512, 640))).data
    with MemoryFile(data) as memory, memory.open() as dataset:
        tag_values = [
            dataset.get_tag_item(f"BLOCK_OFFSET_{column}_{row}", "TIFF", bidx=1)
            for row in range(2)
            for column in range(3)
        ]

    offsets = [int(offset) for offset in tag_values]
    assert offsets == sorted(offsets)
    for offset in offsets:
        (size,) = struct.unpack_from("<L", data, offset - 4)
        assert data[offset + size - 4 : offset + size] == data[offset + size : offset + size + 4]


@pytest.mark.parametrize("step", bench_cog.FRAMES.values(), ids=bench_cog.FRAMES)
def test_a_file_is_at_most_three_per_cent_larger_than_gdals_at_its_fastest_level(step: float) -> None:
    """Neither compressor is for both frames: ISA-L makes the one with steps 4 % larger."""
    celsius = bench_cog.frame(step)
    counts = np.rint(celsius * 100).astype(np.int16)

    assert len(cog.write(celsius).data) <= 1.03 * len(bench_cog.by_gdal(counts, 1, cog.TILE_SIZE))


def test_equal_images_give_equal_files() -> None:
    assert cog.write(scene((300, 400))).data == cog.write(scene((300, 400))).data


@pytest.mark.parametrize("tile_size", (0, 100, -16))
def test_tiles_are_multiples_of_sixteen(tile_size: int) -> None:
    with pytest.raises(ValueError, match="tile size"):
        cog.write(np.zeros((4, 4), np.float32), tile_size=tile_size)
