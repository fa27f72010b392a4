"""A decoded thermal image: its temperatures, and the counts and calibration they came from."""

from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from argus.core.errors import Invalid
from argus.imagery.model import Capture, Parameters

Counts = NDArray[np.uint16] | NDArray[np.int16]
Temperatures = NDArray[np.float32]

# A frame has 2 million pixels at most (1280 x 1024 from a Zenmuse H30T, 1024 x 768 from FLIR's largest); the rest is
# headroom for 16-bit TIFFs. At this cap a decode needs about 250 MB.
MAX_PIXELS = 4096 * 4096
MIN_SIDE = 8  # pixels; the coarsest thermal arrays sold have 32 x 24

# What a scene on Earth that a thermal camera was pointed at can have as its middle temperature.
COLDEST_SCENE_CELSIUS = -100.0
HOTTEST_SCENE_CELSIUS = 2500.0

# What any pixel, or anything that surrounds a scene, can have.
ABSOLUTE_ZERO_CELSIUS = -273.15
HOTTEST_CELSIUS = 5000.0


class Undecodable(Invalid):
    """The file cannot be turned into temperatures."""


class NotRadiometric(Undecodable):
    """The file holds no temperatures."""


class Damaged(Undecodable):
    """The file is damaged or cut short."""


class Unsupported(Undecodable):
    """The file is of a kind that Argus cannot convert to true temperatures."""


class Implausible(Undecodable):
    """The file's settings or temperatures are impossible."""


class TooManyPixels(Undecodable):
    """The image is larger than a thermal camera makes."""


class NoTemperatureScale(Undecodable):
    """The file's counts have no declared relation to temperature."""


class FixedTemperatures(Invalid):
    """The file holds finished temperatures, which scene settings cannot change."""


class Radiometry(Protocol):
    """How one file's counts become temperatures."""

    @property
    def adjustable(self) -> bool:
        """Whether the result depends on the scene settings."""

    def celsius(self, counts: Counts, parameters: Parameters, /) -> Temperatures:
        """Temperatures of the same shape, NaN where there is none; raises Implausible for impossible settings.

        They rise or fall with the counts all the way, but for counts without temperature.
        """


@dataclass(frozen=True, eq=False)
class Thermogram:
    """What a file holds, in pixels.

    `celsius` and `counts` are (height, width), row 0 at the top; `celsius` is NaN where there is no temperature. Both
    are read-only, as they are shared by everyone who looks at the image.
    """

    capture: Capture
    celsius: Temperatures
    counts: Counts
    radiometry: Radiometry

    def recalibrated(self, parameters: Parameters) -> "Thermogram":
        """The same picture under other scene settings; raises FixedTemperatures, Implausible."""
        if not self.radiometry.adjustable:
            raise FixedTemperatures(format=self.capture.format)
        return develop(replace(self.capture, parameters=parameters), self.counts, self.radiometry)


def develop(capture: Capture, counts: Counts, radiometry: Radiometry) -> Thermogram:
    """Counts into a thermogram, refusing what cannot be a picture of a scene; raises Implausible.

    A pixel that comes out colder than absolute zero, or hotter than anything, has no temperature.
    """
    ends = np.array([[counts.min(), counts.max()]])
    if ends[0, 0] == ends[0, 1]:
        raise Implausible("blank")
    celsius = radiometry.celsius(counts, capture.parameters)
    _check_scene(celsius)
    # Every radiometry rises with the counts, so two of them tell for all whether the pixels need a look.
    if not _possible(radiometry.celsius(ends, capture.parameters)).all():
        celsius[~_possible(celsius)] = np.nan
        _check_scene(celsius)
    celsius.flags.writeable = False
    counts.flags.writeable = False
    return Thermogram(capture, celsius, counts, radiometry)


def _possible(celsius: Temperatures) -> NDArray[np.bool_]:
    with np.errstate(invalid="ignore"):
        return (celsius >= np.float32(ABSOLUTE_ZERO_CELSIUS)) & (celsius <= HOTTEST_CELSIUS)


def check_size(width: int, height: int) -> None:
    """Refuse dimensions before anything is allocated for them; raises Implausible, TooManyPixels."""
    if min(width, height) < MIN_SIDE:
        raise Implausible("too_small", width=width, height=height)
    if width * height > MAX_PIXELS:
        raise TooManyPixels(width=width, height=height, max_pixels=MAX_PIXELS)


def _check_scene(celsius: Temperatures) -> None:
    """A coarse look: some thousand pixels tell whether the whole can be a scene."""
    step = max(1, int((celsius.size / 4096) ** 0.5))
    sample = celsius[::step, ::step]
    known = sample[np.isfinite(sample)]
    if known.size * 2 < sample.size:
        raise Implausible("few_temperatures")
    middle = float(np.median(known))
    if not COLDEST_SCENE_CELSIUS <= middle <= HOTTEST_SCENE_CELSIUS:
        raise Implausible("scene", celsius=middle)
