"""Decoding FLIR radiometric JPEGs into temperatures: ours against flyr.

The files have the sizes and records of four cameras: rows of PNG records have the Paeth filter, and three cameras store
a photo beside the temperatures. flyr decodes the photo, too; ours does not read it. So the first two rows, files
without a photo, compare the same work.
"""

import io
from collections.abc import Iterator
from functools import cache, partial
from importlib.metadata import version
from typing import Any

import flyr
import numpy as np

from argus.imagery.decode import decode
from benchmarks.harness import Row, alternate
from services.local.demo.scenes import flir_scene
from services.local.demo.scenes.flir import visible

ROUNDS = 9
PHOTO = (640, 480)
FILES: dict[str, tuple[dict[str, Any], str]] = {
    "PNG record, 640 × 512": ({"record": "png"}, "≥ 13×"),
    "raw record, 640 × 512": ({"record": "raw"}, "≥ 30×"),
    "as a T640, 640 × 480": ({"record": "png", "width": 640, "height": 480, "photo": (2592, 1944)}, "≥ 13×"),
    "as a FLIR ONE, 240 × 320": ({"record": "png", "width": 240, "height": 320, "photo": PHOTO}, "≥ 13×"),
    "as an AX8, 80 × 60": ({"record": "png", "width": 80, "height": 60, "photo": PHOTO}, "≥ 13×"),
    "as an E40, 160 × 120, raw": ({"record": "raw", "width": 160, "height": 120}, "≥ 13×"),
}


def run() -> list[Row]:
    return list(_rows())


def _rows() -> Iterator[Row]:
    for name, (fields, goal) in FILES.items():
        size = fields.get("photo")
        data, _ = flir_scene(seed=1, **{**fields, "photo": _photo(*size) if size else b""})
        timing = alternate(partial(_ours, data), partial(_flyrs, data), ROUNDS)
        yield timing.row(f"decode FLIR, {name}", peer_name=f"flyr {version('flyr')}", goal=goal)


@cache
def _photo(width: int, height: int) -> bytes:
    rows, columns = np.indices((height, width), sparse=True)
    noise = np.random.default_rng(2).normal(0, 4, (height, width))
    return visible(rows / 20 + 30 * np.sin(columns / 50) + noise, None)


def _ours(data: bytes) -> object:
    return decode(data).celsius


def _flyrs(data: bytes) -> object:
    return flyr.unpack(io.BytesIO(data)).celsius
