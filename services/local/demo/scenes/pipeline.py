"""A pipeline seen from above: cool ground, an insulated pipe crossing it, and leaks in the insulation."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

GROUND_CELSIUS = 12.0
JACKET_CELSIUS = 3.0  # temperature of intact insulation above the ground
PIPE_HALF_WIDTH = 14.0  # pixels
NOISE_CELSIUS = 0.05  # of a good uncooled detector
SEVERITIES = (6.0, 15.0, 30.0, 60.0)  # kelvin above the jacket, one in each of NETA's classes


@dataclass(frozen=True)
class Leak:
    """A place without insulation. At `radius_pixels` from the centre, the excess over the pipe is half of the peak."""

    x: float  # column of the centre
    y: float  # row of the centre
    radius_pixels: float
    peak_celsius: float


@dataclass(frozen=True, eq=False)
class Truth:
    """The contents of a generated file: `celsius` (float64) and `counts` (uint16) are (height, width)."""

    leaks: tuple[Leak, ...]
    celsius: NDArray[np.float64]
    counts: NDArray[np.uint16]


def pipeline(
    *, seed: int, width: int, height: int, leaks: int | Sequence[Leak], angle_degrees: float | None = None
) -> tuple[NDArray[np.float64], tuple[Leak, ...]]:
    """The scene's temperatures, (height, width) in celsius, and its leaks; the same for the same arguments.

    `leaks` are the leaks, or how many to scatter along the pipe: small and large, from slight to severe.
    """
    random = np.random.default_rng(seed)
    angle = np.radians(random.uniform(-40, 40) if angle_degrees is None else angle_degrees)
    y, x = np.mgrid[0:height, 0:width].astype(np.float64)
    centre_x, centre_y = width / 2, height * random.uniform(0.4, 0.6)
    across = np.abs((y - centre_y) * np.cos(angle) - (x - centre_x) * np.sin(angle))
    ground = GROUND_CELSIUS + 1.5 * (x / width - 0.5) + _texture(random, width, height)
    scene = ground + JACKET_CELSIUS / (1 + (across / _half_width(width)) ** 10)

    if isinstance(leaks, int):
        leaks = _scattered(random, leaks, (centre_x, centre_y), float(angle), (width, height))
    for leak in leaks:
        row, column = int(leak.y), int(leak.x)
        distance = np.hypot(x - leak.x, y - leak.y)
        scene += (leak.peak_celsius - scene[row, column]) / (1 + (distance / leak.radius_pixels) ** 8)
    return scene + random.normal(0, NOISE_CELSIUS, scene.shape), tuple(leaks)


def _half_width(width: int) -> float:
    return PIPE_HALF_WIDTH * width / 640


def _texture(random: np.random.Generator, width: int, height: int) -> NDArray[np.float64]:
    """Soft patches of a few tenths of a degree, as of soil and stones."""
    coarse = Image.fromarray(random.normal(0, 0.4, (9, 11)).astype(np.float32))
    return np.asarray(coarse.resize((width, height), Image.Resampling.BICUBIC), np.float64)


def _scattered(
    random: np.random.Generator, count: int, centre: tuple[float, float], angle: float, size: tuple[int, int]
) -> list[Leak]:
    """Leaks on the axis of the pipe, each in its own section, so that they never touch; severities in turn."""
    width, height = size
    reach = 0.4 * min(width, abs(height / np.sin(angle)) * 0.5 if angle else width)  # stays inside the image
    section = 2 * reach / max(count, 1)
    first = int(random.integers(len(SEVERITIES)))
    leaks = []
    for index in range(count):
        along = -reach + section * (index + random.uniform(0.35, 0.65))
        leaks.append(
            Leak(
                x=round(centre[0] + along * float(np.cos(angle)), 1),
                y=round(centre[1] + along * float(np.sin(angle)), 1),
                radius_pixels=round(random.uniform(7, 12) * width / 640, 1),
                peak_celsius=GROUND_CELSIUS + JACKET_CELSIUS + SEVERITIES[(first + index) % len(SEVERITIES)],
            )
        )
    return leaks
