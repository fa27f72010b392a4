"""Pictures in another palette, as Pillow decodes them; colour bars in previews; damaged files."""

import io
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray
from PIL import Image

from argus.imagery import indexed_png
from argus.imagery.palettes import PALETTES, table
from argus.imagery.png import SIGNATURE, DamagedPicture, chunk, colour_bar_in, with_colour_bar, with_palette

INDICES = np.arange(256, dtype=np.uint8).reshape(16, 16)
STORED = indexed_png.write(INDICES, table("iron"), first_is_transparent=True)
PLTE = chunk(b"PLTE", table("iron"))
END = chunk(b"IEND", b"")
BAR = b"a colour bar"
PREVIEW = with_colour_bar(STORED, BAR)


def rgba(data: bytes) -> NDArray[np.uint8]:
    with Image.open(io.BytesIO(data)) as image:
        return np.asarray(image.convert("RGBA"))


def test_a_picture_in_another_palette_is_the_file_that_the_worker_would_write() -> None:
    for name in PALETTES:
        assert with_palette(STORED, table(name)) == indexed_png.write(INDICES, table(name), first_is_transparent=True)


@given(
    indices=hnp.arrays(np.uint8, st.tuples(st.integers(1, 30), st.integers(1, 30))),
    colours=st.binary(min_size=768, max_size=768),
    first_is_transparent=st.booleans(),
)
def test_every_pixel_has_its_new_colour(indices: NDArray[np.uint8], colours: bytes, first_is_transparent: bool) -> None:
    stored = indexed_png.write(indices, table("iron"), first_is_transparent=first_is_transparent)
    pixels = rgba(with_palette(stored, colours))
    assert np.array_equal(pixels[:, :, :3], np.frombuffer(colours, np.uint8).reshape(256, 3)[indices])
    assert np.array_equal(pixels[:, :, 3] == 0, (indices == 0) & first_is_transparent)


def test_a_preview_contains_its_colour_bar_in_a_chunk_that_readers_skip() -> None:
    assert STORED.removesuffix(END) + chunk(b"cbAR", BAR) + END == PREVIEW
    assert colour_bar_in(PREVIEW) == BAR
    assert np.array_equal(rgba(PREVIEW), rgba(STORED))


def test_the_chunk_is_ancillary_private_and_not_safe_to_copy() -> None:
    """Bit 5 of each byte of the name, PNG 5.4; the third is reserved and must be 0."""
    name = PREVIEW[-len(END) - len(BAR) - 8 :][:4]
    assert [letter >> 5 & 1 for letter in name] == [1, 1, 0, 0]


def test_a_preview_in_another_palette_does_not_contain_the_colour_bar() -> None:
    assert with_palette(PREVIEW, table("rainbow")) == with_palette(STORED, table("rainbow"))


@pytest.mark.parametrize(
    "preview",
    [STORED, with_colour_bar(PREVIEW, BAR), PREVIEW.replace(b"cbAR", b"cbAr")],
    ids=["none", "two", "renamed"],
)
def test_a_preview_without_exactly_one_colour_bar_is_damaged(preview: bytes) -> None:
    with pytest.raises(DamagedPicture):
        colour_bar_in(preview)


@pytest.mark.parametrize(
    "damage",
    [
        lambda _: b"",
        lambda data: data[:8],
        lambda data: data[:40],
        lambda data: data[:-1],
        lambda data: data[:-12],
        lambda data: data[:-6],
        lambda data: data + b"x",
        lambda data: b"GIF89a" + data,
        lambda data: data.replace(PLTE, b""),
        lambda data: data.replace(PLTE, PLTE + PLTE),
        lambda data: data.replace(PLTE, chunk(b"PLTE", table("iron")[:-3])),
        lambda data: data.replace(PLTE, PLTE[:50] + b"x" + PLTE[51:]),
        lambda data: data.replace(b"IDAT", b"IDAX"),
        lambda data: SIGNATURE + data[33:],
        lambda data: SIGNATURE + chunk(b"IHDR", data[16:24] + bytes((16, 0, 0, 0, 0))) + data[33:],
        lambda data: SIGNATURE + chunk(b"IHDR", b"") + data[33:],
        lambda _: SIGNATURE + END,
    ],
    ids=[
        "empty",
        "signature only",
        "within the palette",
        "last byte",
        "no end",
        "within the end",
        "after the end",
        "another format",
        "no palette",
        "two palettes",
        "short palette",
        "changed palette",
        "changed name",
        "no header",
        "grey",
        "empty header",
        "end only",
    ],
)
def test_a_damaged_picture_is_refused(damage: Callable[[bytes], bytes]) -> None:
    data = damage(STORED)
    assert data != STORED
    with pytest.raises(DamagedPicture):
        with_palette(data, table("rainbow"))


@given(position=st.integers(0, len(PREVIEW) - 1), value=st.integers(1, 255))
def test_every_changed_byte_is_noticed(position: int, value: int) -> None:
    data = bytearray(PREVIEW)
    data[position] ^= value
    with pytest.raises(DamagedPicture):
        with_palette(bytes(data), table("rainbow"))
    with pytest.raises(DamagedPicture):
        colour_bar_in(bytes(data))
    with pytest.raises(DamagedPicture):
        with_colour_bar(bytes(data), BAR)
