"""16-bit greyscale PNG (ISO/IEC 15948), from untrusted files.

Pillow decodes, because its unfiltering is compiled: nearly all rows of a FLIR PNG have the Paeth filter, which numpy
cannot undo for whole rows. It receives a PNG rebuilt from the checked header and the image data, without text chunks to
inflate, interlacing, other modes, or more pixels than announced.
"""

import io
import struct

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from argus.imagery.png import SIGNATURE, chunk
from argus.imagery.thermogram import Damaged, Unsupported

MAX_CHUNKS = 65_536
GREY16 = (16, 0, 0, 0, 0)  # bit depth, greyscale, deflate, adaptive filters, not interlaced


def read_png16(data: bytes, *, width: int, height: int) -> NDArray[np.uint16]:
    """The samples, (height, width), read as big-endian as PNG requires. Raises Damaged, Unsupported."""
    ihdr, body = _chunks(data)
    if struct.unpack(">II", ihdr[:8]) != (width, height):
        raise Damaged("png_size", width=width, height=height)
    if tuple(ihdr[8:]) != GREY16:
        raise Unsupported("png")
    rebuilt = SIGNATURE + chunk(b"IHDR", ihdr) + chunk(b"IDAT", body) + chunk(b"IEND", b"")
    try:
        with Image.open(io.BytesIO(rebuilt), formats=("PNG",)) as image:
            return np.array(image, np.uint16)
    except (OSError, SyntaxError, ValueError) as error:
        raise Damaged("png_pixels") from error


def _chunks(data: bytes) -> tuple[bytes, bytes]:
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
    return ihdr, b"".join(body)
