"""16-bit greyscale PNG (ISO/IEC 15948), from files that may lie.

Pillow does the work, as its unfiltering is compiled (a FLIR PNG is nearly all Paeth rows, which numpy cannot do at
once), but it gets a PNG rebuilt of the one header we checked and the data: no text chunks to inflate, no interlacing,
no other mode, no more pixels than announced.
"""

import io
import struct
import zlib

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from argus.imagery.thermogram import Damaged, Unsupported

SIGNATURE = b"\x89PNG\r\n\x1a\n"
MAX_CHUNKS = 65_536
GREY16 = (16, 0, 0, 0, 0)  # bit depth, greyscale, deflate, adaptive filters, not interlaced


def read_png16(data: bytes, *, width: int, height: int) -> NDArray[np.uint16]:
    """The samples as (height, width) uint16 in PNG's big-endian sense; raises Damaged, Unsupported."""
    ihdr, body = _chunks(data)
    if struct.unpack(">II", ihdr[:8]) != (width, height):
        raise Damaged("png_size", width=width, height=height)
    if tuple(ihdr[8:]) != GREY16:
        raise Unsupported("png")
    rebuilt = SIGNATURE + _chunk(b"IHDR", ihdr) + _chunk(b"IDAT", body) + _chunk(b"IEND", b"")
    try:
        with Image.open(io.BytesIO(rebuilt), formats=("PNG",)) as image:
            return np.array(image, np.uint16)
    except (OSError, SyntaxError, ValueError) as error:
        raise Damaged("png_pixels") from error


def _chunks(data: bytes) -> tuple[bytes, bytes]:
    """(header, compressed image); raises Damaged."""
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
    return ihdr, b"".join(body)


def _chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))
