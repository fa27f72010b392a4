"""Curves that were measured for files of the formats girp and hirp, whose law is not known.

Each was measured for one camera under one setting, on ramps of counts, with DJI's software as a black box
(`benchmarks/dji_reference.py`). Let W(t) = (t + 273.15)⁴. A curve gives the temperature of an object under its own
setting, hence the radiance W(path) before the air; that is converted to the emissivity, the reflected temperature and
the air of the file. The error grows with the distance from the setting of the curve, by the measured slopes. Counts
outside the measured range get no temperature.
"""

import math
import struct
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from argus.imagery.dji import layout
from argus.imagery.dji.iirp import Floats, radiance
from argus.imagery.dji.layout import Layout
from argus.imagery.dji.ranges import Range, check
from argus.imagery.model import Accuracy, AccuracyKind, Parameters, Span
from argus.imagery.planck import KELVIN
from argus.imagery.thermogram import Counts, Limits, Temperatures

LOWEST_EMISSIVITY, HIGHEST_EMISSIVITY = 0.8, 0.99
COLDEST_AIR, HOTTEST_AIR = -20.0, 40.0
DRIEST, MOST_HUMID = 0.2, 0.9


@dataclass(frozen=True)
class Curve:
    """A polynomial of z, which the counts and the file determine, and the setting for which it was measured."""

    coefficients: tuple[float, ...]  # of z, highest power first
    z: Range  # that was measured, from -30 (girp) or -20 to 150 °C
    emissivity: float
    distance_metres: float
    reflected_celsius: float
    atmospheric_celsius: float | None  # None: files do not state it
    relative_humidity: float
    reflected: Range  # for which the errors were measured
    transmission: float  # of the air
    # The largest difference from DJI's software, in °C: under the setting itself, and in addition for another
    # emissivity, for each °C of the air, and for each unit of humidity.
    error: float
    emissivity_error: float
    air_slope: float
    humidity_slope: float


GIRP_M30T = Curve(
    coefficients=(28.632, -44.597, 8.119, 140.448, -4.523),
    z=(-0.1857, 1.1501),
    emissivity=0.98,
    distance_metres=5.0,
    reflected_celsius=23.0,
    atmospheric_celsius=None,
    relative_humidity=0.6,
    reflected=(3.0, 43.0),
    transmission=1.0,
    error=0.5,
    emissivity_error=0.4,
    air_slope=0.0,
    humidity_slope=2.0,
)
HIRP_M4T_HIGH = Curve(
    coefficients=(19.078, -77.125, 134.964, -113.207, 164.447, -17.706),
    z=(-0.0138, 1.2877),
    emissivity=0.95,
    distance_metres=5.0,
    reflected_celsius=15.3,
    atmospheric_celsius=15.37,
    relative_humidity=0.5,
    reflected=(-25.0, 55.0),
    transmission=0.84,
    error=0.4,
    emissivity_error=0.1,
    air_slope=0.085,
    humidity_slope=4.0,
)
HIRP_M3TD_LOW = Curve(
    coefficients=(80.479, -166.039, 148.961, -72.233, 164.957, 30.945),
    z=(-0.2588, 0.7918),
    emissivity=0.95,
    distance_metres=1.0,
    reflected_celsius=21.6,
    atmospheric_celsius=21.6,
    relative_humidity=0.6,
    reflected=(-19.0, 42.0),
    transmission=0.88,
    error=0.5,
    emissivity_error=0.2,
    air_slope=0.05,
    humidity_slope=0.0,
)
SAME = 0.005  # emissivities that differ less are the same
GIRP_FIRMWARE = 2  # byte 266 of APP4; newer firmware writes 3, and the curve is 6 °C off
HIGH_GAIN, LOW_GAIN = 2500, 6000


@dataclass(frozen=True, eq=False)
class Measured:
    """A curve for one file. Implements Radiometry."""

    curve: Curve
    z: Callable[[Floats], Floats]  # of counts

    adjustable = False
    rises = True

    def limits(self, parameters: Parameters, /) -> Limits:
        """The ends of the curve, under the setting of the file."""
        ends = self._under(parameters, np.asarray(np.polyval(self.curve.coefficients, self.curve.z), np.float64))
        low, high = (round(float(end), 1) if math.isfinite(end) else None for end in ends)
        return Limits(celsius=Span(low, high))

    def accuracy(self, _counts: Counts, parameters: Parameters, /) -> Accuracy:
        curve, air = self.curve, parameters.atmospheric_celsius
        error = curve.error
        if abs((parameters.emissivity or 0) - curve.emissivity) > SAME:
            error += curve.emissivity_error
        if air is not None and curve.atmospheric_celsius is not None:
            error += curve.air_slope * abs(air - curve.atmospheric_celsius)
        error += curve.humidity_slope * abs((parameters.relative_humidity or 0) - curve.relative_humidity)
        return Accuracy(AccuracyKind.APPROXIMATE, math.ceil(round(10 * error, 6)) / 10)

    def celsius(self, counts: Counts, parameters: Parameters, /) -> Temperatures:
        curve = self.curve
        check(
            parameters,
            distance_metres=(curve.distance_metres, curve.distance_metres),
            needs_air=curve.atmospheric_celsius is not None,
            emissivity=(LOWEST_EMISSIVITY, HIGHEST_EMISSIVITY),
            reflected_celsius=curve.reflected,
            atmospheric_celsius=(COLDEST_AIR, HOTTEST_AIR),
            relative_humidity=(DRIEST, MOST_HUMID),
        )
        low = int(counts.min())
        with np.errstate(all="ignore"):
            z = self.z(np.arange(low, int(counts.max()) + 1, dtype=np.float64))
            celsius: Floats = np.asarray(np.polyval(curve.coefficients, z), np.float64)
        first, last = curve.z
        celsius[~((z >= first) & (z <= last))] = np.nan
        return self._under(parameters, celsius).astype(np.float32).take(counts - low)

    def _under(self, parameters: Parameters, celsius: Floats) -> Floats:
        """Temperatures under the setting of the file, from those under the setting of the curve."""
        curve, air = self.curve, parameters.atmospheric_celsius
        emissivity, reflected = parameters.emissivity or 1, radiance(parameters.reflected_celsius or 0)
        path = curve.emissivity * radiance(celsius) + (1 - curve.emissivity) * radiance(curve.reflected_celsius)
        if air is not None and curve.atmospheric_celsius is not None:
            lost = (1 - curve.transmission) / curve.transmission
            path = path + lost * (radiance(curve.atmospheric_celsius) - radiance(air))
        radiant = (path - (1 - emissivity) * reflected) / emissivity
        return np.where(radiant > 0, radiant, np.nan) ** 0.25 - KELVIN


def of(file: Layout, model: str) -> Measured | None:
    """The curve of a file; None if none was measured for its format, camera and gain, or if APP4 ends too early."""
    try:
        if (file.format, model) == (layout.GIRP, "M30T"):
            return _girp(file)
        return _hirp(file, model) if file.format == layout.HIRP else None
    except (IndexError, struct.error):
        return None


def _girp(file: Layout) -> Measured | None:
    gain, offset = struct.unpack_from("<2h", file.app4, 292)
    if file.app4[266] != GIRP_FIRMWARE or gain <= 0:
        return None
    return Measured(GIRP_M30T, lambda counts: np.log((counts * gain / 8192 + offset + 5000) / 4000))


def _hirp(file: Layout, model: str) -> Measured | None:
    gain, sensor = file.unsigned(56), file.unsigned(120)
    if (model, gain) == ("M4T", HIGH_GAIN):
        return Measured(HIRP_M4T_HIGH, lambda counts: np.log((counts + sensor - 1149) / 4000))
    if (model, gain) == ("M3TD", LOW_GAIN):
        return Measured(HIRP_M3TD_LOW, lambda counts: np.log((counts + 0.225 * (sensor - 1539) - 1500) / 1000))
    return None
