"""One pixel by byte ranges, compared with GDAL, and of damaged files."""

import subprocess
import sys
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from numpy.typing import NDArray
from rasterio.io import MemoryFile

from argus.core.errors import ArgusError
from argus.imagery import cog
from argus.imagery.model import Position
from argus.imagery.pixel import HEADER_BYTES, OutsideImage, UnreadableTemperatures, temperature_at
from tests.imagery.test_cog import scene

pytestmark = pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")


class Ranges:
    """A stored file that returns inclusive byte ranges and records them."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.requests: list[tuple[int, int]] = []

    def __call__(self, first: int, last: int) -> bytes:
        self.requests.append((first, last))
        return self.data[first : last + 1]


def with_holes(shape: tuple[int, int]) -> NDArray[np.float32]:
    celsius = scene(shape, low=-40, high=300)
    celsius[shape[0] // 3 : shape[0] // 2, : shape[1] // 2] = np.nan
    return celsius


FRAME = cog.write(with_holes((512, 640)), position=Position(1, 2), metadata={"CAMERA": "M30T"}).data
SMALL = cog.write(with_holes((60, 80))).data


@pytest.mark.parametrize("tile_size", (16, 32, 256))
@pytest.mark.parametrize("hottest", (90.0, 1200.0), ids=["at 0.01", "at 0.05"])
def test_every_pixel_has_the_value_that_gdal_reads(tile_size: int, hottest: float) -> None:
    celsius = with_holes((301, 523))
    celsius[7, 9] = hottest
    data = cog.write(celsius, tile_size=tile_size).data
    with MemoryFile(data) as memory, memory.open() as dataset:
        expected = dataset.read(1, masked=True) * dataset.scales[0] + dataset.offsets[0]

    random = np.random.default_rng(1)
    pixels = [(0, 0), (522, 300), (9, 7), *zip(random.integers(0, 523, 150), random.integers(0, 301, 150), strict=True)]
    for x, y in pixels:
        value = temperature_at(Ranges(data), int(x), int(y))
        assert value == (None if np.ma.is_masked(expected[y, x]) else pytest.approx(expected[y, x], abs=1e-9))


def test_a_pixel_has_a_temperature_or_none() -> None:
    assert temperature_at(Ranges(FRAME), 639, 511) == pytest.approx(300, abs=10)
    assert temperature_at(Ranges(FRAME), 0, 200) is None


def test_two_ranges_are_read_and_the_second_is_one_tile() -> None:
    ranges = Ranges(FRAME)
    temperature_at(ranges, 600, 500)

    assert ranges.requests[0] == (0, HEADER_BYTES - 1)
    assert len(ranges.requests) == 2
    assert ranges.requests[1][1] - ranges.requests[1][0] < 256 * 256 * 2


def test_a_small_file_is_read_in_one_range() -> None:
    ranges = Ranges(SMALL)
    temperature_at(ranges, 79, 59)

    assert len(ranges.requests) == 1


def test_offsets_after_the_header_are_fetched_separately() -> None:
    celsius = scene((1100, 1100))
    data = cog.write(celsius, tile_size=16).data
    ranges = Ranges(data)

    assert temperature_at(ranges, 1099, 1099) == pytest.approx(celsius[1099, 1099], abs=0.006)
    assert [last - first + 1 for first, last in ranges.requests[1:3]] == [4, 4]


@pytest.mark.parametrize(("x", "y"), ((-1, 0), (0, -1), (640, 0), (0, 512), (10**30, 0)))
def test_a_pixel_outside_the_image_is_refused(x: int, y: int) -> None:
    with pytest.raises(OutsideImage):
        temperature_at(Ranges(FRAME), x, y)


def gdal(**options: object) -> bytes:
    with MemoryFile() as memory:
        profile = {"driver": "GTiff", "width": 64, "height": 64, "count": 1, "dtype": "int16", "nodata": -32768}
        with memory.open(**(profile | {"compress": "deflate", "predictor": 2, "tiled": True} | options)) as dataset:
            dataset.write(np.zeros((64, 64), str(dataset.dtypes[0])), 1)
            dataset.scales = (0.01,)
        return bytes(memory.read())


@pytest.mark.parametrize("data", (b"", b"II*\0", b"\x89PNG\r\n\x1a\n" + bytes(100)), ids=["empty", "stub", "png"])
def test_other_files_than_tiffs_are_refused(data: bytes) -> None:
    with pytest.raises(UnreadableTemperatures):
        temperature_at(Ranges(data), 0, 0)


@pytest.mark.parametrize(
    "options",
    (
        {"compress": "lzw"},
        {"predictor": 1},
        {"dtype": "uint16", "nodata": 0},
        {"nodata": None},
        {"tiled": False},
        {"ENDIANNESS": "BIG"},
        {"BIGTIFF": "YES"},
    ),
    ids=str,
)
def test_tiffs_of_another_layout_are_refused(options: dict[str, object]) -> None:
    with pytest.raises(UnreadableTemperatures):
        temperature_at(Ranges(gdal(**options)), 0, 0)


@given(length=st.integers(0, len(FRAME) - 1))
@example(length=HEADER_BYTES)
def test_a_truncated_file_is_an_error_or_gives_the_right_temperature(length: int) -> None:
    whole = temperature_at(Ranges(FRAME), 100, 100)
    try:
        assert temperature_at(Ranges(FRAME[:length]), 100, 100) == whole
    except UnreadableTemperatures:
        assert length < len(FRAME)


@given(
    data=st.sampled_from([FRAME, SMALL]),
    changes=st.lists(st.tuples(st.integers(0, 1500), st.integers(0, 255)), min_size=1, max_size=6),
)
def test_a_damaged_file_raises_only_known_errors_and_few_requests(data: bytes, changes: list[tuple[int, int]]) -> None:
    damaged = bytearray(data)
    for position, value in changes:
        damaged[position] = value
    ranges = Ranges(bytes(damaged))
    try:
        celsius = temperature_at(ranges, 70, 50)
        assert celsius is None or isinstance(celsius, float)
    except ArgusError:
        pass
    assert len(ranges.requests) <= 4
    assert sum(last - first + 1 for first, last in ranges.requests) < 64 * 2**20


def changed(data: bytes, code: int, value: int) -> bytes:
    """The file with another value of a tag in its first directory."""
    start = int.from_bytes(data[4:8], "little")
    for row in range(int.from_bytes(data[start : start + 2], "little")):
        entry = start + 2 + 12 * row
        if int.from_bytes(data[entry : entry + 2], "little") == code:
            return data[: entry + 8] + value.to_bytes(4, "little") + data[entry + 12 :]
    raise AssertionError(f"no tag {code}")


@pytest.mark.parametrize(
    "damage",
    (
        lambda data: changed(data, 325, 2**32 - 1),  # a tile of 4 GiB
        lambda data: changed(data, 325, 0),
        lambda data: changed(data, 325, 40),  # a tile whose stream is incomplete
        lambda data: changed(data, 324, 2**32 - 9),  # a tile after the end
        lambda data: changed(data, 322, 2**31),  # tiles that would inflate to petabytes
        lambda data: changed(data, 322, 0),
        lambda data: data.replace(b">0.01<", b">1e99<").replace(b">0.0<", b">e+e<"),
        lambda data: data.replace(b">0.01<", b">9e999<"),
        lambda data: data.replace(b">0.01<", b">-0.1<"),
        lambda data: data.replace(b"-32768\0", b"nearly\0"),
    ),
    ids=["huge", "none", "short", "after the end", "wide", "flat", "words", "infinite", "negative", "nodata"],
)
def test_wrong_numbers_are_refused(damage: Callable[[bytes], bytes]) -> None:
    data = damage(SMALL)
    assert data != SMALL

    with pytest.raises(UnreadableTemperatures):
        temperature_at(Ranges(data), 79, 59)


def test_an_image_wider_than_its_tiles_is_refused() -> None:
    with pytest.raises(UnreadableTemperatures, match="no tile 1"):
        temperature_at(Ranges(changed(SMALL, 256, 600)), 500, 59)


def test_the_modules_of_the_api_need_no_numpy() -> None:
    modules = "argus.imagery.pixel, argus.imagery.pictures"
    loaded = subprocess.run(
        [sys.executable, "-c", f"import sys, {modules}; print('numpy' in sys.modules, 'PIL' in sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": ":".join(path for path in sys.path if path)},
    )

    assert loaded.stdout == "False False\n"
