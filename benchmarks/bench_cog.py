"""The products of a 640 × 512 image: the GeoTIFF against rasterio's COG driver, previews against Pillow."""

import io
import warnings

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from rasterio.errors import NotGeoreferencedWarning
from rasterio.io import MemoryFile
from rasterio.shutil import copy

from argus.imagery import cog, palettes, preview, stats
from argus.imagery.png import with_palette
from benchmarks.harness import Row, alternate

ROUNDS = 15
DRIVER = {
    "driver": "COG",
    "compress": "DEFLATE",
    "predictor": "STANDARD",
    "overview_predictor": "STANDARD",
    "blocksize": 256,
    "resampling": "AVERAGE",
}


def run() -> list[Row]:
    rows = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        for kind, step in (("noise finer than 0.01 °C", 0.0), ("steps of 1/16 °C", 0.0625)):
            rows += _cog(f"frame COG, {kind}", frame(step))
    return [*rows, _previews(frame(0.0)), _statistics(frame(0.0))]


def frame(step: float) -> NDArray[np.float32]:
    """A warm slope with pipes and detector noise, rounded to multiples of `step` degrees unless it is 0."""
    rows, columns = np.indices((512, 640), sparse=True)
    pipes = 12 * np.exp(-(((rows - 0.4 * columns - 90) % 170 - 85) ** 2) / 60)
    noise = np.random.default_rng(11).normal(0, 0.06, (512, 640))
    celsius = 18 + rows / 90 + 2 * np.sin(columns / 70) + pipes + noise
    rounded: NDArray[np.float64] = np.round(celsius / step) * step if step else celsius
    return rounded.astype(np.float32)


def _cog(name: str, celsius: NDArray[np.float32]) -> list[Row]:
    """The same tiles, predictor, overviews and resampling; each side at its default compression level."""
    counts = np.rint(celsius * 100).astype(np.int16)
    timing = alternate(lambda: cog.write(celsius), lambda: by_rasterio(counts), ROUNDS)
    ours, theirs = len(cog.write(celsius).data) / 1000, len(by_rasterio(counts)) / 1000
    return [
        timing.row(name, peer_name="rasterio, GDAL", goal="≥ 1.5×"),
        Row(f"{name}: size", ours, "rasterio, GDAL", theirs, "kB", "≥ 0.9×", theirs / ours),
    ]


def by_rasterio(counts: NDArray[np.int16]) -> bytes:
    height, width = counts.shape
    profile = {"driver": "GTiff", "width": width, "height": height, "count": 1, "dtype": "int16", "nodata": cog.NODATA}
    with MemoryFile() as source, MemoryFile() as target:
        with source.open(**profile) as dataset:
            dataset.write(counts, 1)
            dataset.scales = (0.01,)
        copy(source.name, target.name, **DRIVER)
        return bytes(target.read())


def _previews(celsius: NDArray[np.float32]) -> Row:
    bounds = preview.bounds(celsius)

    def by_pillow() -> list[bytes]:
        return [
            _by_pillow(celsius, palettes.table(name), bounds.low_celsius, bounds.high_celsius)
            for name in palettes.PALETTES
        ]

    def by_argus() -> list[bytes]:
        first, *others = palettes.PALETTES
        stored = preview.write(celsius, first, low=bounds.low_celsius, high=bounds.high_celsius)
        return [stored, *(with_palette(stored, palettes.table(name)) for name in others)]

    timing = alternate(by_argus, by_pillow, 7)
    return timing.row(f"previews in {len(palettes.PALETTES)} palettes", peer_name="Pillow", goal="")


def _by_pillow(celsius: NDArray[np.float32], table: bytes, low: float, high: float) -> bytes:
    indices = np.clip((celsius - low) * (255 / (high - low)), 0, 255).astype(np.uint8)
    image = Image.fromarray(indices)
    image.putpalette(table)  # from grey to indexed
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


def _statistics(celsius: NDArray[np.float32]) -> Row:
    def by_numpy() -> object:
        return celsius.min(), celsius.max(), celsius.mean(dtype=np.float64), np.nanpercentile(celsius, (5, 95))

    timing = alternate(lambda: stats.statistics(celsius), by_numpy, ROUNDS)
    return timing.row("statistics of a frame", peer_name="numpy.nanpercentile", goal="")
