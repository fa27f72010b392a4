"""Temperatures of DJI's files: the largest error of ours, and of the public conversion, against DJI's own software.

The references are grids of temperatures that dji-thermal-cli made of real frames, in `dji/reference.json` of
ARGUS_SAMPLES; without it there are no rows. The public conversion is (count >> 2) / 16 - 273.15, which other tools use
for every format. `benchmarks/dji_reference.py` measures more settings, on whole frames.
"""

import json
import os
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from argus.imagery.decode import Undecodable, decode
from argus.imagery.thermogram import Thermogram
from benchmarks.harness import Row

GOALS = {"iirp": "≤ 0.3 K", "girp": "≤ 0.5 K", "hirp": "≤ 0.5 K"}


def run() -> list[Row]:
    folder = os.environ.get("ARGUS_SAMPLES")
    return _rows(Path(folder) / "dji") if folder else []


def _rows(folder: Path) -> list[Row]:
    errors: dict[tuple[str, str], list[tuple[float, float]]] = defaultdict(list)
    for name, expected in json.loads((folder / "reference.json").read_text(encoding="utf-8")).items():
        try:
            thermogram = decode((folder / name).read_bytes())
        except Undecodable:
            continue
        errors[expected["model"], expected["format"]].append(_errors(thermogram, expected))
    return [
        _row(model, form, len(found), max(ours for ours, _ in found), max(public for _, public in found))
        for (model, form), found in sorted(errors.items())
    ]


def _errors(thermogram: Thermogram, expected: dict[str, Any]) -> tuple[float, float]:
    """The largest error at the grid of the reference: ours, and that of the public conversion."""
    at = np.ix_(expected["rows"], expected["cols"])
    public = (thermogram.counts[at] >> 2) / 16 - 273.15
    return _worst(thermogram.celsius[at], expected), _worst(public, expected)


def _worst(celsius: NDArray[Any], expected: dict[str, Any]) -> float:
    return float(np.abs(celsius - np.array(expected["grid_c"])).max())


def _row(model: str, form: str, frames: int, ours: float, public: float) -> Row:
    how = "without a table" if form == "none" else form
    name = f"largest error, DJI {model}, {how} (frames: {frames})"
    return Row(name, ours, "public conversion", public, "K", GOALS.get(form, "≤ 4.8 K"), public / max(ours, 1e-6))
