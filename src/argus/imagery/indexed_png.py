"""PNG files of 8-bit palette indices that share one deflated plane and differ only in their PLTE chunk.

Source: Portable Network Graphics, third edition (W3C), 5 (chunks), 9 (filters) and 11.2 (PLTE), 11.3.1 (tRNS).
"""

import struct
import zlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_AVERAGE_FILTER = 3


@dataclass(frozen=True)
class Plane:
    """A picture without a palette: the parts of its PNG before and after the palette."""

    head: bytes
    body: bytes

    def png(self, palette: bytes, *, first_is_transparent: bool = False) -> bytes:
        """The picture in these colours, red, green and blue bytes for each index."""
        transparency = _chunk(b"tRNS", b"\0") if first_is_transparent else b""
        return self.head + _chunk(b"PLTE", palette) + transparency + self.body


def plane(indices: NDArray[np.uint8]) -> Plane:
    """Deflate the picture, (height, width).

    Filter and strategy were chosen by measurement on real thermal frames of 640 by 512. Compared with no filter and
    level 6, the average filter with run lengths only takes a fifth of the time and 15 to 25 % fewer bytes: after the
    filter the data is noise without repetitions.
    """
    height, width = indices.shape
    head = b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", struct.pack(">LLBBBBB", width, height, 8, 3, 0, 0, 0))
    stream = zlib.compressobj(zlib.Z_DEFAULT_COMPRESSION, zlib.DEFLATED, zlib.MAX_WBITS, 9, zlib.Z_RLE)
    data = stream.compress(_filtered(indices).data) + stream.flush()
    return Plane(head, _chunk(b"IDAT", data) + _chunk(b"IEND", b""))


def _filtered(indices: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Each row after the number of its filter, minus the average of left and upper neighbour, modulo 256."""
    height, width = indices.shape
    framed = np.zeros((height + 1, width + 1), np.uint8)  # zero outside the edges
    framed[1:, 1:] = indices
    left, upper = framed[1:, :-1], framed[:-1, 1:]
    rows = np.full((height, width + 1), _AVERAGE_FILTER, np.uint8)
    np.subtract(indices, (left & upper) + ((left ^ upper) >> 1), out=rows[:, 1:])  # the average, without a carry
    return rows


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">L", len(data)) + name + data + struct.pack(">L", zlib.crc32(data, zlib.crc32(name)))
