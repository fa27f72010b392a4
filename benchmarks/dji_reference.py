"""Measures the conversions of DJI's files against dji-thermal-cli, and writes the table in docs/dji.md.

    python -m benchmarks.dji_reference /path/to/dji-thermal-cli

dji-thermal-cli (PyPI, AGPL, Python 3.12 or later) is installed in an environment of its own. It is not a dependency,
and is used as a black box: files go in, temperatures come out. The files are the real frames in `dji` of ARGUS_SAMPLES,
and copies of them with their counts replaced by a ramp of all counts, under many settings of the scene.
"""

import itertools
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from PIL import Image

from argus.imagery.decode import Undecodable, decode
from argus.imagery.dji.iirp import Law
from argus.imagery.model import Parameters
from argus.imagery.thermogram import Temperatures, Thermogram

PAGE = Path(__file__).parent.parent / "docs" / "dji.md"
BEGIN, END = "<!-- measured -->", "<!-- /measured -->"
COLDEST, HOTTEST = -40.0, 550.0  # of ramps of the law
APP3 = b"\xff\xe3"


def scenes() -> Iterator[Parameters]:
    """The settings under which the law is measured."""
    for metres, emissivity in itertools.product((1, 5, 10, 25), (1.0, 0.95, 0.8, 0.6)):
        yield _scene(metres, emissivity)
    for metres, emissivity, humidity in itertools.product((3, 25), (0.95, 0.7), (0.2, 0.9)):
        yield _scene(metres, emissivity, humidity=humidity, air=30, reflected=30)
        yield _scene(metres, emissivity, humidity=humidity, air=-5, reflected=-10)
    for metres, reflected in itertools.product((5, 25), (-40, 60, 100)):
        yield _scene(metres, 0.9, air=10, reflected=reflected)
    for metres, air in itertools.product((5, 25), (-20, 40)):
        yield _scene(metres, 0.9, air=air)
    for metres, emissivity in itertools.product((1, 25), (0.1, 0.3, 0.6)):  # the ends of what is accepted
        yield _scene(metres, emissivity, air=80)
        yield _scene(metres, emissivity, humidity=1, air=80, reflected=100)
        yield _scene(metres, emissivity, humidity=0.01, air=-40, reflected=-40)
    for metres in (100, 300):
        yield _scene(metres, 0.9, humidity=1, air=80, reflected=100)
        yield _scene(metres, 0.9, humidity=0.01, air=-40, reflected=-40)
    yield _scene(100, 0.9, humidity=0.9, air=40, reflected=40)
    yield _scene(300, 0.7, air=10, reflected=10)


def _scene(
    metres: float, emissivity: float, *, humidity: float = 0.5, air: float = 20, reflected: float = 20
) -> Parameters:
    return Parameters(
        emissivity=emissivity,
        distance_metres=metres,
        reflected_celsius=reflected,
        atmospheric_celsius=air,
        relative_humidity=humidity,
    )


@dataclass(frozen=True)
class Measured:
    """The errors of one file, in °C, and the bounds that Argus stated."""

    label: str
    frame: float  # the frame at its own settings
    frame_p95: float
    ramp: float  # all counts and settings for which Argus has temperatures
    bound: float  # under the frame's own settings
    exceeded: float  # how far an error is above the bound under its settings, at most; negative if none is


@dataclass(frozen=True)
class Reference:
    """dji-thermal-cli as a black box."""

    program: Path

    def celsius(self, data: bytes, parameters: Parameters | None = None) -> Temperatures | None:
        """Temperatures of a file under its own settings or others; None if it refuses them."""
        with tempfile.TemporaryDirectory() as name:
            source = Path(name) / "image.jpg"
            source.write_bytes(data)
            command = [self.program, "process", "--input-dir", source, "--output-dir", name, "--output", "temp_c:tiff"]
            options = ["--compression", "none", "--jobs", "1", "--quiet", *_options(parameters)]
            subprocess.run([*map(str, command), *options], capture_output=True, check=False)
            written = sorted(Path(name).glob("*.tif*"))
            return np.asarray(Image.open(written[0]), np.float32) if written else None


def _options(parameters: Parameters | None) -> list[str]:
    if parameters is None:
        return ["--distance", "embedded"]
    values = {
        "distance": parameters.distance_metres,
        "emissivity": parameters.emissivity,
        "humidity": 100 * (parameters.relative_humidity or 0),
        "reflected-temp": parameters.reflected_celsius,
        "ambient-temp": parameters.atmospheric_celsius,
    }
    return [f"--{name}={value}" for name, value in values.items() if value is not None]


def ramp(data: bytes, low: int, high: int) -> bytes:
    """The file with its counts (APP3) replaced by a ramp from `low` to `high`."""
    spans, position = [], 2
    while data[position] == 0xFF and data[position + 1] not in (0xDA, 0xD9):
        size = int.from_bytes(data[position + 2 : position + 4], "big")
        if data[position : position + 2] == APP3:
            spans.append((position + 4, position + 2 + size))
        position += 2 + size
    pixels = sum(end - start for start, end in spans) // 2
    counts = np.rint(np.linspace(low, high, pixels)).astype("<u2").tobytes()
    changed, used = bytearray(data), 0
    for start, end in spans:
        changed[start:end] = counts[used : used + end - start]
        used += end - start
    return bytes(changed)


def measure(reference: Reference, label: str, data: bytes) -> Measured | None:
    """The errors of one file; None if Argus refuses it."""
    try:
        thermogram = decode(data)
    except Undecodable:
        return None
    expected = reference.celsius(data)
    if expected is None:
        raise SystemExit(f"dji-thermal-cli refuses {label}")
    errors = np.abs(thermogram.celsius - expected)
    worst = [_ramp_error(reference, thermogram, data, scene) for scene in _scenes_of(thermogram)]
    found = [each for each in worst if each]
    return Measured(
        label,
        frame=float(np.nanmax(errors)),
        frame_p95=float(np.nanpercentile(errors, 95)),
        ramp=max(error for error, _ in found),
        bound=thermogram.capture.accuracy.error_celsius or 0,
        exceeded=max(error - bound for error, bound in found),
    )


def _scenes_of(thermogram: Thermogram) -> list[Parameters]:
    """The settings under which a file is measured: for a curve, those around the file's own."""
    if isinstance(thermogram.radiometry, Law):
        return list(scenes())
    own = replace(thermogram.capture.parameters, distance_source=None)
    airs = (-20.0, 0.0, 30.0, 40.0) if own.atmospheric_celsius is not None else ()
    return [
        own,
        *(replace(own, relative_humidity=value) for value in (0.2, 0.9)),
        *(replace(own, emissivity=value) for value in (0.8, 0.9, 0.99)),
        *(replace(own, reflected_celsius=value) for value in (-15.0, 5.0, 40.0)),
        *(replace(own, reflected_celsius=value, emissivity=0.8) for value in (5.0, 40.0)),
        *(replace(own, atmospheric_celsius=value) for value in airs),
        *(replace(own, atmospheric_celsius=value, reflected_celsius=value) for value in airs),
    ]


def _ramp_error(
    reference: Reference, thermogram: Thermogram, data: bytes, scene: Parameters
) -> tuple[float, float] | None:
    """The largest error under a scene for which Argus has a bound, and the bound; None if it has none."""
    is_law = isinstance(thermogram.radiometry, Law)
    low, high = (round((each + 273.15) * 64) for each in (COLDEST, HOTTEST)) if is_law else (0, 40_000)
    expected = reference.celsius(ramp(data, low, high), scene)
    counts = np.rint(np.linspace(low, high, thermogram.counts.size)).astype(np.uint16).reshape(thermogram.counts.shape)
    try:
        celsius = thermogram.radiometry.celsius(counts, scene)
        bound = thermogram.radiometry.accuracy(counts, scene).error_celsius
    except Undecodable:
        return None
    if expected is None or bound is None:
        return None
    # For girp and hirp, DJI's software ends at limits of its own.
    within = (expected > expected.min() + 0.1) & (expected < expected.max() - 0.1)
    known = np.isfinite(celsius) & within & (celsius >= COLDEST) & (celsius <= HOTTEST)
    return float(np.abs(celsius - expected)[known].max()), bound


def table(measured: list[Measured]) -> str:
    lines = [
        "| frame | p95, °C | largest, °C | bound, °C | ramps, largest, °C | over its bound, °C |",
        "|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {each.label} | {each.frame_p95:.3f} | {each.frame:.3f} | {each.bound:g} | {each.ramp:.2f} | "
        f"{max(0.0, each.exceeded):.2f} |"
        for each in measured
    ]
    return "\n".join(lines)


def main(program: str) -> None:
    reference, folder = Reference(Path(program)), Path(os.environ["ARGUS_SAMPLES"]) / "dji"
    facts = json.loads((folder / "reference.json").read_text(encoding="utf-8"))
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        found = pool.map(
            lambda name: measure(reference, _label(name, facts[name]["format"]), (folder / name).read_bytes()),
            sorted(facts),
        )
        measured = [each for each in found if each]
    text = table(measured)
    page = PAGE.read_text(encoding="utf-8")
    new = re.sub(f"(?s){BEGIN}.*{END}", lambda _: f"{BEGIN}\n\n{text}\n\n{END}", page)
    PAGE.write_text(new, encoding="utf-8")
    print(text)


def _label(name: str, form: str) -> str:
    return f"{name.removesuffix('.jpg')}, {'no table' if form == 'none' else form}"


if __name__ == "__main__":
    main(*sys.argv[1:])
