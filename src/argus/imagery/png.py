"""PNG files as chunks, and stored pictures in another palette. No numpy here, as the API imports this module.

Source: Portable Network Graphics, third edition (W3C), 5 (chunks) and 11.2 (IHDR, PLTE).
"""

import struct
import zlib
from collections.abc import Iterator

from argus.core.errors import Unavailable

CONTENT_TYPE = "image/png"
SIGNATURE = b"\x89PNG\r\n\x1a\n"
INDEXED = (8, 3, 0, 0, 0)  # bit depth, indexed colour, deflate, adaptive filters, not interlaced

_FRAME = 12  # bytes of a chunk beside its content: length, name, checksum


class DamagedPicture(Unavailable):
    """A stored picture is not an intact indexed PNG."""


def chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">L", len(content)) + name + content + struct.pack(">L", zlib.crc32(content, zlib.crc32(name)))


def with_palette(picture: bytes, palette: bytes) -> bytes:
    """A picture that the worker stored, in other colours: red, green and blue bytes for each index.

    Raises DamagedPicture unless the file is complete, and has as many colours as `palette`.
    """
    chunks = list(_chunks(picture))
    names = [name for name, _ in chunks]
    if names[0] != b"IHDR" or names[-1] != b"IEND" or names.count(b"PLTE") != 1:
        raise DamagedPicture(f"a PNG of the chunks {names[:10]}")
    header = bytes(chunks[0][1])
    if tuple(header[8:]) != INDEXED:
        raise DamagedPicture(f"a PNG with the header {header.hex()}")
    place = names.index(b"PLTE")
    old = chunks[place][1]
    if len(old) != len(palette):
        raise DamagedPicture(f"a palette of {len(old)} bytes instead of {len(palette)}")
    start = len(SIGNATURE) + sum(_FRAME + len(content) for _, content in chunks[:place])
    rest = memoryview(picture)[start + _FRAME + len(old) :]
    return b"".join((picture[:start], chunk(b"PLTE", palette), rest))


def _chunks(data: bytes) -> Iterator[tuple[bytes, memoryview]]:
    """The name and content of each chunk, at least one. Raises DamagedPicture unless all are complete and intact."""
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
        yield name, content
        position = end
