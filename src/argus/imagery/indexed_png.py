"""PNG files of 8-bit palette indices.

Source: Portable Network Graphics, third edition (W3C), 9 (filters) and 11.2 (PLTE), 11.3.1 (tRNS).
"""

import struct

import numpy as np
from isal import igzip_lib
from numpy.typing import NDArray

from argus.imagery.png import INDEXED, SIGNATURE, chunk

_AVERAGE_FILTER = 3
_RUNS_ONLY = 1  # as log2 of the window: repetitions of the last one or two bytes


def write(indices: NDArray[np.uint8], palette: bytes, *, first_is_transparent: bool = False) -> bytes:
    """The picture, (height, width), in these colours: red, green and blue bytes for each index.

    Filter and window were chosen by measurement on real thermal frames: after the average filter the data is noise
    without repetitions, and a search for them would only make it larger (docs/decisions/compression.md).
    """
    height, width = indices.shape
    data = igzip_lib.compress(_filtered(indices).data, 1, igzip_lib.COMP_ZLIB, hist_bits=_RUNS_ONLY)
    parts = (
        SIGNATURE,
        chunk(b"IHDR", struct.pack(">LL5B", width, height, *INDEXED)),
        chunk(b"PLTE", palette),
        chunk(b"tRNS", b"\0") if first_is_transparent else b"",
        chunk(b"IDAT", data),
        chunk(b"IEND", b""),
    )
    return b"".join(parts)


def _filtered(indices: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Each row after the number of its filter, minus the average of left and upper neighbour, modulo 256."""
    height, width = indices.shape
    framed = np.zeros((height + 1, width + 1), np.uint8)  # zero outside the edges
    framed[1:, 1:] = indices
    left, upper = framed[1:, :-1], framed[:-1, 1:]
    rows = np.full((height, width + 1), _AVERAGE_FILTER, np.uint8)
    np.subtract(indices, (left & upper) + ((left ^ upper) >> 1), out=rows[:, 1:])  # the average, without a carry
    return rows
