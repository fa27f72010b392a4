"""Decoding a 640 × 512 FLIR radiometric JPEG into temperatures: ours against flyr."""

import io
from functools import partial
from importlib.metadata import version

import flyr

from argus.imagery.decode import decode
from benchmarks.harness import Row, alternate
from services.local.demo.scenes import flir_scene

ROUNDS = 9
GOALS = {"png": "≥ 10×", "raw": "≥ 30×"}


def run() -> list[Row]:
    rows = []
    for record, goal in GOALS.items():
        data, _ = flir_scene(seed=1, record=record)
        timing = alternate(partial(_ours, data), partial(_flyrs, data), ROUNDS)
        rows.append(timing.row(f"decode FLIR, {record} record", peer_name=f"flyr {version('flyr')}", goal=goal))
    return rows


def _ours(data: bytes) -> object:
    return decode(data).celsius


def _flyrs(data: bytes) -> object:
    return flyr.unpack(io.BytesIO(data)).celsius
