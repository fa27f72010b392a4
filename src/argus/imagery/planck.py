"""FLIR's radiometric formula: converts detector counts to temperatures under scene settings.

The counts of a FLIR camera are linear in radiance. With R1, R2, B, F, O from the camera's calibration, a black body of
T kelvin gives S(T) = R1 / (R2 · (exp(B / T) - F)) - O. The detector receives radiance through half of the air, an
infrared window and the other half of the air:

    S1 = τ·[ε·S(object) + (1 - ε)·S(reflected)] + (1 - τ)·S(air)
    S2 = w·S1 + (1 - w)·S(window)
    S  = τ·S2 + (1 - τ)·S(air)

The formula is solved for S(object) and then for T.

Sources: FLIR Systems, "The measurement formula" and "Theory of thermography", in the user's manuals of the Exx and T6xx
series; the transmission of air and the split at the window as in Glenn J. Tattersall, "Thermimage: Thermal Image
Analysis" (function raw2temp), doi:10.5281/zenodo.1069704; the constants' names as in ExifTool's FLIR tags.
"""

import math
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from argus.imagery.model import Accuracy, AccuracyKind, Parameters, Span
from argus.imagery.thermogram import HOTTEST_CELSIUS, Counts, Implausible, Limits, Temperatures

KELVIN = 273.15
MAX_DISTANCE_METRES = 100_000.0


@dataclass(frozen=True)
class Scene:
    """Parameters that are all known, and possible."""

    emissivity: float
    distance_metres: float
    reflected_celsius: float
    atmospheric_celsius: float
    relative_humidity: float
    window_celsius: float
    window_transmission: float

    @classmethod
    def of(cls, parameters: Parameters) -> "Scene":
        """Raises Implausible with the setting that is missing, or that no scene can have."""
        values = {name: getattr(parameters, name) for name in _SETTINGS}
        for name, value in values.items():
            if value is None:
                raise Implausible("missing_setting", setting=name)
        scene = cls(**values)
        scene._check()
        return scene

    def _check(self) -> None:
        if not 0 < self.emissivity <= 1:
            raise Implausible("emissivity", value=self.emissivity)
        if not 0 <= self.distance_metres <= MAX_DISTANCE_METRES:
            raise Implausible("distance", metres=self.distance_metres, max_metres=MAX_DISTANCE_METRES)
        if not 0 <= self.relative_humidity <= 1:
            raise Implausible("relative_humidity", value=self.relative_humidity)
        if not 0 < self.window_transmission <= 1:
            raise Implausible("window_transmission", value=self.window_transmission)
        if not _possible(self.atmospheric_celsius):
            raise Implausible("atmospheric_temperature", celsius=self.atmospheric_celsius, max_celsius=HOTTEST_CELSIUS)
        # Where these two have no weight, cameras store any number, such as 0 K.
        if not _possible(self.reflected_celsius, has_weight=self.emissivity < 1):
            raise Implausible("reflected_temperature", celsius=self.reflected_celsius, max_celsius=HOTTEST_CELSIUS)
        if not _possible(self.window_celsius, has_weight=self.window_transmission < 1):
            raise Implausible("window_temperature", celsius=self.window_celsius, max_celsius=HOTTEST_CELSIUS)


_SETTINGS = tuple(each.name for each in fields(Scene))


@dataclass(frozen=True)
class Atmosphere:
    """Constants of the air's transmission. The defaults are those of FLIR's cameras."""

    alpha1: float = 0.006569
    alpha2: float = 0.01262
    beta1: float = -0.002276
    beta2: float = -0.00667
    x: float = 1.9

    def transmission(self, *, distance_metres: float, celsius: float, relative_humidity: float) -> float:
        """The fraction of radiance that the air transmits, 0..1, by the formula in FLIR's manuals."""
        water = relative_humidity * math.exp(
            1.5587 + 6.939e-2 * celsius - 2.7816e-4 * celsius**2 + 6.8455e-7 * celsius**3
        )
        path, root = math.sqrt(distance_metres), math.sqrt(water)
        first = math.exp(-path * (self.alpha1 + self.beta1 * root))
        second = math.exp(-path * (self.alpha2 + self.beta2 * root))
        return self.x * first + (1 - self.x) * second


@dataclass(frozen=True)
class Path:
    """S(object) = counts · gain + offset, under the settings of a scene."""

    gain: float
    offset: float


@dataclass(frozen=True)
class Planck:
    """A camera's calibration. Implements Radiometry.

    `lowest` and `highest` are the counts that the camera can measure, whatever the settings of the scene are.
    """

    r1: float
    b: float
    f: float
    o: float
    r2: float
    atmosphere: Atmosphere = Atmosphere()
    lowest: float = -math.inf
    highest: float = math.inf

    adjustable = True
    rises = True

    def accuracy(self, _counts: Counts, _parameters: Parameters, /) -> Accuracy:
        """The formula is FLIR's own; real files agree with it in float64 to 0.001 °C."""
        return Accuracy(AccuracyKind.EXACT, 0.001)

    def limits(self, parameters: Parameters, /) -> Limits:
        """The limits, with the temperatures of their counts under these settings."""
        path = self.path(parameters)
        low, high = (self.at(end, path) for end in (self.lowest, self.highest))
        span = Span(*(round(end, 2) if math.isfinite(end) else None for end in (low, high)))
        return Limits(self.lowest, self.highest, span)

    def at(self, count: float, path: Path) -> float:
        """The temperature of a count; NaN if it has none, or is infinite."""
        if math.isinf(count):
            return math.nan
        signal = count * path.gain + path.offset
        try:
            return self.b / math.log(self.r1 / (self.r2 * (signal + self.o)) + self.f) - KELVIN
        except (ArithmeticError, ValueError):
            return math.nan

    def count(self, celsius: float, path: Path) -> float:
        """The count of an object of this temperature, with decimals; NaN if there is none."""
        try:
            return (self.signal(celsius) - path.offset) / path.gain
        except ArithmeticError:
            return math.nan

    def signal(self, celsius: float) -> float:
        """The counts of a black body of this temperature."""
        return self.r1 / (self.r2 * (math.exp(self.b / (celsius + KELVIN)) - self.f)) - self.o

    def celsius(self, counts: Counts, parameters: Parameters, /) -> Temperatures:
        """Temperatures by the formula in float64, from a table with one entry per possible count.

        Counts outside the formula's domain (below any temperature) become NaN.
        """
        path = self.path(parameters)
        gain, offset = path.gain, path.offset
        low, high = int(counts.min()), int(counts.max())
        if high - low > counts.size:
            with np.errstate(over="ignore"):
                return self._black_body(counts.astype(np.float64) * gain + offset).astype(np.float32)
        # The table starts at count 0, so that counts are its indices; entries below `low` are never read.
        table = np.empty(high + 1, np.float32)
        with np.errstate(over="ignore"):
            table[low:] = self._black_body(np.arange(low, high + 1, dtype=np.float64) * gain + offset)
        return table.take(counts)

    def path(self, parameters: Parameters) -> Path:
        """The path from the object to the detector. Raises Implausible."""
        scene = Scene.of(parameters)
        try:
            gain, offset = self._through_air_and_window(scene)
        except (ArithmeticError, ValueError) as error:
            raise Implausible("calibration") from error
        if not (math.isfinite(gain) and math.isfinite(offset) and gain > 0):
            raise Implausible("calibration")
        return Path(gain, offset)

    def _through_air_and_window(self, p: Scene) -> tuple[float, float]:
        # Half of the air is in front of the window, half behind it.
        tau = self.atmosphere.transmission(
            distance_metres=p.distance_metres / 2, celsius=p.atmospheric_celsius, relative_humidity=p.relative_humidity
        )
        if not 0 < tau <= 1 + 1e-3:  # with FLIR's constants, damp air over a few metres gives slightly more than 1
            raise Implausible("air", transmission=tau)
        emissivity, window = p.emissivity, p.window_transmission
        # Terms without weight are left out: cameras store any value, even 0 K, in a setting without effect.
        terms = (
            ((1 - emissivity) / emissivity, p.reflected_celsius),
            ((1 - tau) / (emissivity * tau), p.atmospheric_celsius),
            ((1 - window) / (emissivity * tau * window), p.window_celsius),
            ((1 - tau) / (emissivity * tau * window * tau), p.atmospheric_celsius),
        )
        offset = -math.fsum(weight * self.signal(celsius) for weight, celsius in terms if weight)
        return 1 / (emissivity * tau * window * tau), offset

    def _black_body(self, signal: NDArray[np.float64]) -> NDArray[np.float64]:
        """Celsius of black bodies with these signals, NaN outside the formula's domain."""
        with np.errstate(all="ignore"):
            exponent = np.log(self.r1 / (self.r2 * (signal + self.o)) + self.f)
            celsius = self.b / exponent - KELVIN
        celsius[~((exponent > 0) & np.isfinite(exponent) & (signal + self.o > 0))] = np.nan
        return celsius


def _possible(celsius: float, *, has_weight: bool = True) -> bool:
    return -KELVIN < celsius <= HOTTEST_CELSIUS if has_weight else math.isfinite(celsius)
