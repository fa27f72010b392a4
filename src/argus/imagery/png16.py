"""16-bit greyscale PNG (ISO/IEC 15948), from untrusted files.

ISA-L inflates, in less than half of zlib's time. Pillow undoes the filters, because its loop is compiled: nearly all
rows of a FLIR PNG have the Paeth filter, which numpy cannot undo for whole rows. Pillow gets only the inflated rows, as
a deflate stream of stored blocks: no text chunks, no interlacing, no other modes, and no more pixels than announced.
"""

import struct
from collections.abc import Iterator

import numpy as np
from isal import isal_zlib
from numpy.typing import NDArray
from PIL import Image

from argus.imagery.png import SIGNATURE
from argus.imagery.thermogram import Damaged, Unsupported

MAX_CHUNKS = 65_536
GREY16 = (16, 0, 0, 0, 0)  # bit depth, greyscale, deflate, adaptive filters, not interlaced

_ZLIB_HEADER = b"\x78\x01"  # RFC 1950: a window of 32 KiB, the fastest level
_LARGEST_BLOCK = 0xFFFF  # bytes of a stored block; RFC 1951, 3.2.4


def read_png16(data: bytes | memoryview, *, width: int, height: int) -> NDArray[np.uint16]:
    """The samples, (height, width), big-endian as PNG requires. Raises Damaged, Unsupported."""
    ihdr, body = _chunks(data)
    if struct.unpack(">II", ihdr[:8]) != (width, height):
        raise Damaged("png_size", width=width, height=height)
    if tuple(ihdr[8:]) != GREY16:
        raise Unsupported("png")
    size = height * (1 + 2 * width)  # a row starts with its filter
    try:
        rows = isal_zlib.decompressobj().decompress(body, size)
        if len(rows) < size:  # Pillow accepts a stream that ends after any row
            raise Damaged("png_pixels")
        image = Image.new("I;16", (width, height), None)
        image.frombytes(_stored(rows), "zip", "I;16")
    except (isal_zlib.error, OSError, ValueError) as error:  # type: ignore[misc]  # its stub has an instance
        raise Damaged("png_pixels") from error
    return np.frombuffer(image.tobytes(), ">u2").reshape(height, width)


def _stored(data: bytes) -> bytes:
    """The data as a zlib stream without compression."""
    return b"".join((_ZLIB_HEADER, *_blocks(data), struct.pack(">L", isal_zlib.adler32(data))))


def _blocks(data: bytes) -> Iterator[bytes | memoryview]:
    view = memoryview(data)
    for start in range(0, len(data), _LARGEST_BLOCK):
        block = view[start : start + _LARGEST_BLOCK]
        yield struct.pack("<BHH", start + len(block) == len(data), len(block), len(block) ^ 0xFFFF)
        yield block


def _chunks(data: bytes | memoryview) -> tuple[bytes, bytes | memoryview]:
    """(header, compressed image). Raises Damaged."""
    view, position = memoryview(data), len(SIGNATURE)
    ihdr: bytes = b""
    body: list[memoryview] = []
    for _ in range(MAX_CHUNKS):
        if position + 12 > len(data):
            break
        size, name = struct.unpack_from(">I4s", data, position)
        content = view[position + 8 : position + 8 + size]
        if not ihdr and (name, size) != (b"IHDR", 13):
            raise Damaged("png_header")
        if name == b"IHDR":
            ihdr = bytes(content)
        elif name == b"IDAT":
            body.append(content)
        elif name == b"IEND":
            break
        position += 12 + size
    if len(ihdr) != 13:
        raise Damaged("png_header")
    return ihdr, body[0] if len(body) == 1 else b"".join(body)
