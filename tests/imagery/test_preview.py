"""Previews, as Pillow decodes them: colours, transparency."""

import io
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray
from PIL import Image

from argus.imagery import indexed_png
from argus.imagery.palettes import PALETTES, UnknownPalette, table
from argus.imagery.preview import bounds, write
from argus.imagery.stats import Distribution
from tests.imagery.test_cog import scene


def rgba(data: bytes) -> NDArray[np.uint8]:
    with Image.open(io.BytesIO(data)) as image:
        image.verify()
    with Image.open(io.BytesIO(data)) as image:
        return np.asarray(image.convert("RGBA"))


@given(indices=hnp.arrays(np.uint8, st.tuples(st.integers(1, 30), st.integers(1, 30))))
def test_every_plane_of_indices_is_preserved(indices: NDArray[np.uint8]) -> None:
    data = indexed_png.write(indices, bytes(range(256)) * 3)
    with Image.open(io.BytesIO(data)) as image:
        assert image.mode == "P"
        assert np.array_equal(np.asarray(image), indices)


def test_the_announced_window_suffices() -> None:
    """The smallest that zlib knows, 256 bytes: decoders may allocate no more than a stream announces."""
    data = write(scene((60, 80)), "iron", low=10, high=90)
    start = data.index(b"IDAT") + 4
    stream = data[start : start + int.from_bytes(data[start - 8 : start - 4], "big")]

    assert len(zlib.decompress(stream, wbits=8)) == 60 * 81


@pytest.mark.parametrize("name", PALETTES)
def test_cold_middle_and_hot_pixels_have_the_palettes_colours(name: str) -> None:
    celsius = np.array([[-50, 10, 20, 20.07, 30, 500]], np.float32)
    pixels = rgba(write(celsius, name, low=10, high=30))[0]

    colours = np.frombuffer(table(name), np.uint8).reshape(256, 3)
    assert np.array_equal(pixels[:, :3], colours[[1, 1, 128, 129, 255, 255]])
    assert (pixels[:, 3] == 255).all()


def test_pixels_without_a_temperature_are_transparent() -> None:
    celsius = scene((60, 80))
    celsius[10:20, 5:9] = np.nan
    alpha = rgba(write(celsius, "iron", low=10, high=90))[:, :, 3]

    assert np.array_equal(alpha == 0, np.isnan(celsius))


def test_an_image_without_holes_has_no_transparency_at_all() -> None:
    data = write(scene((60, 80)), "iron", low=10, high=90)

    assert b"tRNS" not in data


def test_an_unknown_palette_is_refused() -> None:
    with pytest.raises(UnknownPalette):
        write(scene((4, 4)), "sepia", low=0, high=1)


@pytest.mark.parametrize(("low", "high"), ((20, 20), (30, 20), (float("nan"), 20)))
def test_a_reversed_range_is_a_value_error(low: float, high: float) -> None:
    with pytest.raises(ValueError, match="palette from"):
        write(scene((4, 4)), "iron", low=low, high=high)


def test_bounds_ignore_one_pixel_in_a_thousand_at_either_end() -> None:
    celsius = scene((200, 200))
    celsius[0, :30], celsius[1, :30] = 900, -40
    result = bounds(Distribution.of(celsius))

    assert (result.low_celsius, result.high_celsius) == pytest.approx(
        tuple(np.percentile(celsius.astype(float), (0.1, 99.9)))
    )
    assert 9 < result.low_celsius < result.high_celsius < 91


def test_bounds_are_at_least_one_degree_apart() -> None:
    result = bounds(Distribution.of(np.full((5, 5), 20, np.float32)))

    assert (result.low_celsius, result.high_celsius) == (19.5, 20.5)
