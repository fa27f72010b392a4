"""Curves that were measured for files of the formats girp and hirp, whose law is not known.

Each is valid for one camera and range, at the distance at which it was measured. It is converted to the emissivity of
the file by the radiance W(t) = (t + 273.15)⁴. Counts outside the measured range get no temperature. Errors were
measured on ramps of counts, on DJI's software as a black box (`benchmarks/dji_reference.py`).
"""

import struct
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from argus.imagery.dji import layout
from argus.imagery.dji.iirp import Floats, radiance
from argus.imagery.dji.layout import Layout
from argus.imagery.dji.ranges import Range, check
from argus.imagery.model import Accuracy, AccuracyKind, Parameters
from argus.imagery.planck import KELVIN
from argus.imagery.thermogram import Counts, Temperatures

# The emissivities for which the errors below were measured, with the file's own settings otherwise.
LOWEST_EMISSIVITY = 0.8


@dataclass(frozen=True)
class Curve:
    """A polynomial of z, which the counts and the file determine, and what it was measured for. Errors are in °C."""

    coefficients: tuple[float, ...]  # of z, highest power first
    z: Range  # of which it was measured, from -30 (girp) or -20 to 150 °C
    emissivity: float
    distance_metres: float
    reflected_celsius: Range
    error: float
    error_other_emissivity: float


GIRP_M30T = Curve((28.632, -44.597, 8.119, 140.448, -4.523), (-0.1857, 1.1501), 0.98, 5.0, (0.0, 40.0), 0.5, 0.9)
HIRP_M4T_HIGH = Curve(
    (19.078, -77.125, 134.964, -113.207, 164.447, -17.706), (-0.0138, 1.2877), 0.95, 5.0, (-10.0, 40.0), 0.4, 0.6
)
HIRP_M3TD_LOW = Curve(
    (80.479, -166.039, 148.961, -72.233, 164.957, 30.945), (-0.2588, 0.7918), 0.95, 1.0, (-10.0, 40.0), 0.5, 0.7
)
GIRP_FIRMWARE = 2  # byte 266 of APP4; newer firmware writes 3, and the curve is 6 °C off
HIGH_GAIN, LOW_GAIN = 2500, 6000


@dataclass(frozen=True, eq=False)
class Measured:
    """A curve for one file. Implements Radiometry."""

    curve: Curve
    z: Callable[[Floats], Floats]  # of counts

    adjustable = False

    def accuracy(self, _counts: Counts, parameters: Parameters, /) -> Accuracy:
        same = abs((parameters.emissivity or 0) - self.curve.emissivity) < 0.005
        return Accuracy(AccuracyKind.APPROXIMATE, self.curve.error if same else self.curve.error_other_emissivity)

    def celsius(self, counts: Counts, parameters: Parameters, /) -> Temperatures:
        curve = self.curve
        check(
            parameters,
            distance_metres=(curve.distance_metres, curve.distance_metres),
            emissivity=(LOWEST_EMISSIVITY, 1.0),
            reflected_celsius=curve.reflected_celsius,
        )
        low = int(counts.min())
        with np.errstate(all="ignore"):
            z = self.z(np.arange(low, int(counts.max()) + 1, dtype=np.float64))
            celsius: Floats = np.asarray(np.polyval(curve.coefficients, z), np.float64)
        first, last = curve.z
        celsius[~((z >= first) & (z <= last))] = np.nan
        emissivity, reflected = parameters.emissivity or 1, radiance(parameters.reflected_celsius or 0)
        measured = curve.emissivity * radiance(celsius) + (1 - curve.emissivity) * reflected
        radiant = (measured - (1 - emissivity) * reflected) / emissivity
        return (np.maximum(radiant, 0) ** 0.25 - KELVIN).astype(np.float32).take(counts - low)


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
