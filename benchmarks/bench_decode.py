"""Decoding FLIR radiometric JPEGs into temperatures: ours against flyr.

In the PNG record of the scene, all rows have the Paeth filter and all pixels have noise, which is the slowest case.
With ARGUS_SAMPLES, each FLIR file of this folder has a row, too. flyr also decodes the photo in a file, if there is
one; ours does not.
"""

import io
import os
from collections.abc import Iterator
from functools import partial
from importlib.metadata import version
from pathlib import Path

import flyr

from argus.imagery.decode import decode
from benchmarks.harness import Row, alternate
from services.local.demo.scenes import flir_scene

ROUNDS = 9
GOALS = {"png": "≥ 13×", "raw": "≥ 30×"}


def run() -> list[Row]:
    return [_row(name, data, goal) for name, data, goal in (*_scenes(), *_samples())]


def _scenes() -> Iterator[tuple[str, bytes, str]]:
    for record, goal in GOALS.items():
        data, _ = flir_scene(seed=1, record=record)
        yield f"{record} record, 640 × 512", data, goal


def _samples() -> Iterator[tuple[str, bytes, str]]:
    folder = os.environ.get("ARGUS_SAMPLES")
    for path in sorted(Path(folder).glob("flir_*.jpg")) if folder else ():
        yield path.name, path.read_bytes(), GOALS["png"]


def _row(name: str, data: bytes, goal: str) -> Row:
    timing = alternate(partial(_ours, data), partial(_flyrs, data), ROUNDS)
    return timing.row(f"decode FLIR, {name}", peer_name=f"flyr {version('flyr')}", goal=goal)


def _ours(data: bytes) -> object:
    return decode(data).celsius


def _flyrs(data: bytes) -> object:
    return flyr.unpack(io.BytesIO(data)).celsius
