"""PNG files as chunks: stored pictures in another palette, and previews that contain their colour bar.

No numpy here, as the API imports this module. Source: Portable Network Graphics, third edition (W3C), 5 (chunks),
5.4 (names) and 11.2 (IHDR, PLTE).
"""

import struct
import zlib
from collections.abc import Iterator
from typing import NamedTuple

from argus.core.errors import Unavailable

CONTENT_TYPE = "image/png"
SIGNATURE = b"\x89PNG\r\n\x1a\n"
INDEXED = (8, 3, 0, 0, 0)  # bit depth, indexed colour, deflate, adaptive filters, not interlaced

# Ancillary and private, so that other readers ignore it. Not safe to copy: an editor may change what it describes.
_COLOUR_BAR = b"cbAR"
_FRAME = 12  # bytes of a chunk beside its content: length, name, checksum


class DamagedPicture(Unavailable):
    """A stored picture is not an intact indexed PNG."""


def chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">L", len(content)) + name + content + struct.pack(">L", zlib.crc32(content, zlib.crc32(name)))


class _Chunk(NamedTuple):
    name: bytes
    content: memoryview
    whole: memoryview  # with length, name and checksum


def with_palette(picture: bytes, palette: bytes) -> bytes:
    """A picture that the worker stored, in other colours: red, green and blue bytes for each index. Without colour bar.

    Raises DamagedPicture unless the file is complete, and has as many colours as `palette`.
    """
    chunks = _intact(picture)
    (old,) = (each.content for each in chunks if each.name == b"PLTE")
    if len(old) != len(palette):
        raise DamagedPicture(f"a palette of {len(old)} bytes instead of {len(palette)}")
    kept = (each for each in chunks if each.name != _COLOUR_BAR)
    recoloured = (chunk(b"PLTE", palette) if each.name == b"PLTE" else each.whole for each in kept)
    return b"".join((SIGNATURE, *recoloured))


def with_colour_bar(preview: bytes, colour_bar: bytes) -> bytes:
    """A preview that contains its colour bar, a PNG, after the pixels. Raises DamagedPicture as `with_palette`."""
    *others, end = (each.whole for each in _intact(preview))
    return b"".join((SIGNATURE, *others, chunk(_COLOUR_BAR, colour_bar), end))


def colour_bar_in(preview: bytes) -> bytes:
    """The colour bar in a stored preview. Raises DamagedPicture unless the file is complete and has one."""
    found = [each.content for each in _intact(preview) if each.name == _COLOUR_BAR]
    if len(found) != 1:
        raise DamagedPicture(f"a preview with {len(found)} colour bars")
    return bytes(found[0])


def _intact(picture: bytes) -> list[_Chunk]:
    """The chunks of an indexed PNG. Raises DamagedPicture for any other file."""
    chunks = list(_chunks(picture))
    names = [each.name for each in chunks]
    if names[0] != b"IHDR" or names[-1] != b"IEND" or names.count(b"PLTE") != 1:
        raise DamagedPicture(f"a PNG of the chunks {names[:10]}")
    header = bytes(chunks[0].content)
    if tuple(header[8:]) != INDEXED:
        raise DamagedPicture(f"a PNG with the header {header.hex()}")
    return chunks


def _chunks(data: bytes) -> Iterator[_Chunk]:
    """Each chunk, at least one. Raises DamagedPicture unless all are complete and intact."""
    view, position = memoryview(data), len(SIGNATURE)
    if data[:position] != SIGNATURE or len(data) == position:
        raise DamagedPicture("not a PNG")
    while position < len(data):
        if len(data) - position < _FRAME:
            raise DamagedPicture(f"a PNG that ends within the chunk at byte {position}")
        size, name = struct.unpack_from(">L4s", data, position)
        end = position + _FRAME + size
        if end > len(data):
            raise DamagedPicture(f"a PNG that ends within the chunk at byte {position}")
        content = view[position + 8 : end - 4]
        if zlib.crc32(content, zlib.crc32(name)) != struct.unpack_from(">L", data, end - 4)[0]:
            raise DamagedPicture(f"a PNG with a damaged chunk at byte {position}")
        yield _Chunk(name, content, view[position:end])
        position = end
