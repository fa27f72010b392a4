"""The products of an image: the GeoTIFF against GDAL's COG driver, previews against Pillow, statistics against numpy.

GeoTIFFs of both sides have the same tiles, predictor, overviews and resampling. GDAL deflates with libdeflate, at level
1, which makes files as large as ours, and at 6, its default.
"""

import io
import warnings
from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from rasterio.errors import NotGeoreferencedWarning
from rasterio.io import MemoryFile
from rasterio.shutil import copy

from argus.imagery import cog, palettes, preview
from argus.imagery.png import with_palette
from argus.imagery.stats import Distribution
from benchmarks.harness import Row, alternate

ROUNDS = 15
FRAMES = {"not rounded": 0.0, "rounded to 1/16 °C": 0.0625}
MOSAIC, MOSAIC_TILE = 8000, 512
DRIVER = {
    "driver": "COG",
    "compress": "DEFLATE",
    "predictor": "STANDARD",
    "overview_predictor": "STANDARD",
    "resampling": "AVERAGE",
}


def run() -> list[Row]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        return list(_rows())


def _rows() -> Iterator[Row]:
    for name, step in FRAMES.items():
        celsius = frame(step)
        yield from _cog(f"GeoTIFF of a frame, {name}", celsius, level=1, goal="≥ 2.5×", size_goal="≥ 0.97×")
        yield from _cog(f"GeoTIFF of a frame, {name}", celsius, level=6)
    mosaic = np.tile(frame(0.0), (-(-MOSAIC // 512), -(-MOSAIC // 640)))[:MOSAIC, :MOSAIC]
    mosaic += np.random.default_rng(12).normal(0, 0.03, mosaic.shape).astype(np.float32)  # no two tiles are equal
    yield from _cog(
        f"GeoTIFF of {MOSAIC:,}²", mosaic, level=1, goal="≥ 2×", size_goal="≥ 0.97×", tile_size=MOSAIC_TILE, rounds=3
    )
    yield from _previews(frame(0.0))
    yield _statistics(frame(0.0))


def frame(step: float) -> NDArray[np.float32]:
    """A warm slope with pipes and detector noise, rounded to multiples of `step` degrees unless it is 0."""
    rows, columns = np.indices((512, 640), sparse=True)
    pipes = 12 * np.exp(-(((rows - 0.4 * columns - 90) % 170 - 85) ** 2) / 60)
    noise = np.random.default_rng(11).normal(0, 0.06, (512, 640))
    celsius = 18 + rows / 90 + 2 * np.sin(columns / 70) + pipes + noise
    rounded: NDArray[np.float64] = np.round(celsius / step) * step if step else celsius
    return rounded.astype(np.float32)


def _cog(
    name: str,
    celsius: NDArray[np.float32],
    *,
    level: int,
    goal: str = "",
    size_goal: str = "",
    tile_size: int = cog.TILE_SIZE,
    rounds: int = ROUNDS,
) -> list[Row]:
    counts = np.rint(celsius * 100).astype(np.int16)

    def ours() -> bytes:
        return cog.write(celsius, tile_size=tile_size).data

    def theirs() -> bytes:
        return by_gdal(counts, level, tile_size)

    return _compared(name, ours, theirs, peer=f"GDAL, level {level}", goal=goal, size_goal=size_goal, rounds=rounds)


def _compared(
    name: str,
    ours: Callable[[], bytes],
    theirs: Callable[[], bytes],
    *,
    peer: str,
    goal: str,
    size_of: str = "",
    size_goal: str = "",
    rounds: int,
) -> list[Row]:
    """Time, and size of the file that both return."""
    our_kb, peer_kb = len(ours()) / 1000, len(theirs()) / 1000
    return [
        alternate(ours, theirs, rounds).row(name, peer_name=peer, goal=goal),
        Row(f"{size_of or name}: size", our_kb, peer, peer_kb, "kB", size_goal, peer_kb / our_kb),
    ]


def by_gdal(counts: NDArray[np.int16], level: int, tile_size: int) -> bytes:
    height, width = counts.shape
    profile = {"driver": "GTiff", "width": width, "height": height, "count": 1, "dtype": "int16", "nodata": cog.NODATA}
    with MemoryFile() as source, MemoryFile() as target:
        with source.open(**profile) as dataset:
            dataset.write(counts, 1)
            dataset.scales = (0.01,)
        copy(source.name, target.name, **DRIVER, level=level, blocksize=tile_size)
        return bytes(target.read())


def _previews(celsius: NDArray[np.float32]) -> Iterator[Row]:
    """Both sides encode once, and replace the palette for the other seven."""
    bounds = preview.bounds(Distribution.of(celsius))
    ends = {"low": bounds.low_celsius, "high": bounds.high_celsius}
    first, *others = palettes.PALETTES

    def ours() -> bytes:
        return _in_all(preview.write(celsius, first, low=ends["low"], high=ends["high"]))

    def theirs(level: int) -> bytes:
        return _in_all(_by_pillow(celsius, palettes.table(first), level=level, **ends))

    def _in_all(picture: bytes) -> bytes:
        for name in others:
            with_palette(picture, palettes.table(name))
        return picture

    name = f"previews in {len(palettes.PALETTES)} palettes"
    for level, goal in ((1, "≥ 3×"), (6, "")):
        peer = f"Pillow, level {level}"
        yield from _compared(name, ours, partial(theirs, level), peer=peer, goal=goal, size_of="one preview", rounds=7)


def _by_pillow(celsius: NDArray[np.float32], table: bytes, *, low: float, high: float, level: int) -> bytes:
    indices = np.clip((celsius - low) * (255 / (high - low)), 0, 255).astype(np.uint8)
    image = Image.fromarray(indices)
    image.putpalette(table)  # from grey to indexed
    file = io.BytesIO()
    image.save(file, "PNG", compress_level=level)
    return file.getvalue()


def _statistics(celsius: NDArray[np.float32]) -> Row:
    def by_argus() -> object:
        temperatures = Distribution.of(celsius)
        return temperatures.statistics(), temperatures.histogram(), preview.bounds(temperatures)

    def by_numpy() -> object:
        quantiles = np.nanpercentile(celsius, (0.1, 5, 95, 99.9))
        return celsius.min(), celsius.max(), celsius.mean(dtype=np.float64), quantiles, np.histogram(celsius, 64)

    timing = alternate(by_argus, by_numpy, ROUNDS)
    return timing.row("statistics, histogram and bounds of a frame", peer_name="numpy's functions", goal="")
