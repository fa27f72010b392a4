"""A decoded thermal image: its temperatures, and the counts and calibration from which they are computed."""

import math
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from argus.core.errors import Invalid
from argus.imagery.model import UNLIMITED, Accuracy, Capture, Parameters, Span

Counts = NDArray[Any]  # uint16 or int16; float32 of a TIFF of floating-point numbers
Temperatures = NDArray[np.float32]
Mask = NDArray[np.bool_]

# A camera's frame has at most 2 million pixels (1280 x 1024 from a Zenmuse H30T, 1024 x 768 from FLIR's largest); the
# rest is headroom for TIFFs. At this limit, decoding needs about 450 MB.
MAX_PIXELS = 4096 * 4096
MIN_SIDE = 8  # pixels; the smallest thermal sensors on the market have 32 x 24

# The possible median temperatures of a scene.
COLDEST_SCENE_CELSIUS = -100.0
HOTTEST_SCENE_CELSIUS = 2500.0

# The possible temperatures of a pixel, and of anything that surrounds a scene.
ABSOLUTE_ZERO_CELSIUS = -273.15
HOTTEST_CELSIUS = 5000.0


class Undecodable(Invalid):
    """The file cannot be turned into temperatures."""

    in_responses = False


class NotRadiometric(Undecodable):
    """The file contains no temperatures."""


class Damaged(Undecodable):
    """The file is damaged or truncated."""


class Unsupported(Undecodable):
    """Argus cannot convert this kind of file to true temperatures."""


class Implausible(Undecodable):
    """The file's settings or temperatures are impossible."""


class TooManyPixels(Undecodable):
    """The image has more pixels than Argus accepts."""


class NoTemperatureScale(Undecodable):
    """No temperature scale is declared for the file's counts."""


class FixedTemperatures(Invalid):
    """The file contains final temperatures, which scene settings cannot change."""

    in_responses = False


@dataclass(frozen=True)
class Limits:
    """What a camera can measure, in counts and in °C; infinite counts and None if it is not known."""

    lowest: float = -math.inf
    highest: float = math.inf
    celsius: Span = UNLIMITED


class Radiometry(Protocol):
    """Converts one file's counts to temperatures."""

    @property
    def adjustable(self) -> bool:
        """Whether the temperatures depend on the scene settings."""

    @property
    def rises(self) -> bool:
        """Whether temperatures rise with counts, so that counts without one, below and above all others, are of
        objects too cold and too hot."""

    def limits(self, parameters: Parameters, /) -> Limits:
        """What the camera can measure, under these settings."""

    def accuracy(self, counts: Counts, parameters: Parameters, /) -> Accuracy:
        """How far the temperatures of these counts can be trusted."""

    def celsius(self, counts: Counts, parameters: Parameters, /) -> Temperatures:
        """Temperatures in the shape of `counts`, NaN for counts without one. Raises Implausible for bad settings."""


@dataclass(frozen=True, eq=False)
class Thermogram:
    """The pixels of a file.

    `celsius` and `counts` are (height, width), row 0 at the top. `celsius` is NaN for pixels without a temperature.
    `below` and `above` are the pixels that are out of range: colder or hotter than the camera can measure; None if
    there are none. All are read-only, because plugins share them.
    """

    capture: Capture
    celsius: Temperatures
    counts: Counts
    radiometry: Radiometry
    below: Mask | None = None
    above: Mask | None = None

    @property
    def at_least(self) -> Temperatures:
        """The temperatures, and the camera's upper limit for pixels above it: they are at least as hot."""
        if self.above is None:
            return self.celsius
        hottest, limit = float(np.nanmax(self.celsius)), self.capture.limits.high_celsius
        return np.where(self.above, np.float32(hottest if limit is None else max(hottest, limit)), self.celsius)

    def recalibrated(self, parameters: Parameters) -> "Thermogram":
        """The same image under other scene settings. Raises FixedTemperatures, Implausible."""
        if not self.radiometry.adjustable:
            raise FixedTemperatures(format=self.capture.format)
        accuracy = self.radiometry.accuracy(self.counts, parameters)
        capture = replace(self.capture, parameters=parameters, accuracy=accuracy)
        return develop(capture, self.counts, self.radiometry)


def develop(capture: Capture, counts: Counts, radiometry: Radiometry) -> Thermogram:
    """Converts counts to a thermogram. Raises Implausible for counts that cannot be an image of a scene.

    A pixel below absolute zero or above HOTTEST_CELSIUS, or outside the camera's limits, gets no temperature.
    """
    lowest, highest = counts.min(), counts.max()
    if lowest == highest:
        raise Implausible("blank")
    celsius = radiometry.celsius(counts, capture.parameters)
    limits = radiometry.limits(capture.parameters)
    outside = None
    if lowest < limits.lowest or highest > limits.highest:
        outside = (counts < limits.lowest) | (counts > limits.highest)
        if outside.all():
            raise Implausible("out_of_range")

    def check() -> None:
        inside = celsius if outside is None else celsius[~outside].reshape(1, -1)
        check_scene(inside, most=radiometry.rises)  # elsewhere the file says which pixels have no temperature

    check()
    missing = not _possible(np.array([celsius.min(), celsius.max()])).all()  # NaN if any pixel is NaN
    if missing:
        celsius[~_possible(celsius)] = np.nan
        check()
    if outside is not None:
        celsius[outside] = np.nan
        missing = True
    below, above = _beyond(counts, celsius) if missing and radiometry.rises else (None, None)
    for array in (celsius, counts, below, above):
        if array is not None:
            array.flags.writeable = False
    if limits.celsius != capture.limits:
        capture = replace(capture, limits=limits.celsius)
    return Thermogram(capture, celsius, counts, radiometry, below, above)


def _beyond(counts: Counts, celsius: Temperatures) -> tuple[Mask | None, Mask | None]:
    """The pixels without a temperature whose counts are below, and above, those of all others. Raises Implausible."""
    missing = np.isnan(celsius)
    known = counts[~missing]
    if not known.size:
        raise Implausible("out_of_range")
    below, above = missing & (counts < known.min()), missing & (counts > known.max())
    return below if below.any() else None, above if above.any() else None


def _possible(celsius: Temperatures) -> NDArray[np.bool_]:
    with np.errstate(invalid="ignore"):
        return (celsius >= np.float32(ABSOLUTE_ZERO_CELSIUS)) & (celsius <= HOTTEST_CELSIUS)


def check_size(width: int, height: int) -> None:
    """Check dimensions before allocating memory for them. Raises Implausible, TooManyPixels."""
    if min(width, height) < MIN_SIDE:
        raise Implausible("too_small", width=width, height=height)
    if width * height > MAX_PIXELS:
        raise TooManyPixels(width=width, height=height, max_pixels=MAX_PIXELS)


def check_scene(celsius: Temperatures, *, most: bool = True) -> None:
    """Check a sample of some thousand pixels. Raises Implausible if they cannot be a scene.

    `most`: whether most pixels must have a temperature; otherwise any is enough.
    """
    step = max(1, int((celsius.size / 4096) ** 0.5))
    sample = celsius[:: min(step, celsius.shape[0]), ::step]
    known = np.sort(sample[np.isfinite(sample)])
    if most and known.size * 2 < sample.size:
        raise Implausible("few_temperatures")
    if not known.size:
        known = np.sort(celsius[np.isfinite(celsius)])
    if not known.size:
        raise Implausible("no_temperature")
    median = float(known[(known.size - 1) // 2] + known[known.size // 2]) / 2
    if not COLDEST_SCENE_CELSIUS <= median <= HOTTEST_SCENE_CELSIUS:
        raise Implausible("scene", celsius=median)
