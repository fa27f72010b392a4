"""DJI's law for files of the format iirp, with the transmission table in the file.

Let W(t) = (t + 273.15)⁴, v the camera's apparent temperature (count >> 2, in sixteenths of a kelvin), τ the
transmission of the path, P the temperature of the path and R the reflected temperature. With the emissivity ε:

    W(path) = (W(v) - (1 - τ) W(P)) / τ        W(object) = (W(path) - (1 - ε) W(R)) / ε

τ depends on the object's temperature. It is read from the table for v, then for the result, and the second time it is
multiplied by exp(-k G(T)) for the humidity of the air. On an H30T and an M4T, ε depends on v, too.

τ is looked up twice, and not until it is steady: so does DJI's software. Measured with it as a black box, on ramps of
counts up to 550 °C under many settings, the difference is within the bounds of `Law.accuracy`
(`benchmarks/dji_reference.py`).
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from argus.imagery.dji.ranges import check
from argus.imagery.model import Accuracy, AccuracyKind, Parameters, Span
from argus.imagery.planck import KELVIN
from argus.imagery.thermogram import Counts, Limits, Temperatures

Floats = NDArray[np.float64]

WHOLE = 16384  # 1.0 in the table, with which each of its rows begins
ROW_LENGTHS = (64, 88)
ROWS = (24, 42, 45, 56)  # of the tables that were seen
ROW_CELSIUS = 25.0  # row r is for an object of -25 + 25 r °C
# The distances of the columns, in metres.
NODES = np.concatenate(
    [
        np.arange(25, 121, 5) / 100,
        np.arange(13, 21) / 10,
        np.arange(22, 41, 2) / 10,
        np.arange(45, 81, 5) / 10,
        np.arange(9, 15),
        np.arange(16, 31, 2),
        np.arange(35, 51, 5),
        np.arange(60, 101, 10),
        np.arange(120, 481, 20),
    ]
)
SHORTEST_METRES = 1.0  # that DJI's software accepts
# In °C: the lowest temperature, and the highest first estimate, for which the law was measured.
COLDEST, HOTTEST = -40.0, 550.0
LIMITS = Limits(celsius=Span(COLDEST, HOTTEST))


@dataclass(frozen=True)
class Camera:
    """How the law differs between cameras."""

    path_is_air: bool = False  # P is the temperature of the air; otherwise it is the reflected temperature
    emissivity_varies: bool = False  # with v
    humidity_weight: float = 1.0
    longest_humid_path_metres: float = math.inf
    highest_vapour_pressure: float = 30.0  # hPa
    constant_transmission: float = 0.82  # at 5 m, if the file has no table


_LATER = Camera(path_is_air=True, emissivity_varies=True, longest_humid_path_metres=10.0, highest_vapour_pressure=40.0)
CAMERAS = {
    "H20N": Camera(),
    "M2EA": Camera(constant_transmission=0.839),
    "M30T": Camera(),
    "M3T": Camera(),
    "M3TD": Camera(),
    "H30T": replace(_LATER, humidity_weight=0.3),
    "M4T": replace(_LATER, humidity_weight=0.6),
}
LOWEST_VAPOUR_PRESSURE = 8.0  # hPa


@dataclass(frozen=True)
class Transmission:
    """The transmission of the path at one distance, for objects of -25, 0, 25 … °C; a single value for all of them."""

    rows: Floats

    def __call__(self, celsius: Floats) -> Floats:
        """The transmission for objects of these temperatures: linear between rows, and before the first."""
        if self.rows.size == 1:
            return np.full_like(celsius, self.rows[0])
        at = np.minimum((celsius + ROW_CELSIUS) / ROW_CELSIUS, self.rows.size - 1)
        below = np.clip(np.floor(np.nan_to_num(at)), 0, self.rows.size - 2).astype(np.intp)
        found: Floats = self.rows[below] + (self.rows[below + 1] - self.rows[below]) * (at - below)
        return found


@dataclass(frozen=True, eq=False)
class Table:
    """The transmission by the object's temperature (rows) and distance (columns)."""

    values: Floats

    @classmethod
    def of(cls, app5: bytes, start: int) -> "Table | None":
        """The table that begins at an offset in APP5; None if there is none."""
        words = np.frombuffer(app5[start : len(app5) - (len(app5) - start) % 2], "<u2")
        for length in ROW_LENGTHS:
            firsts = words[: words.size - words.size % length : length]
            rows = int(np.argmin(np.append(firsts == WHOLE, [False])))
            table = words[: rows * length].reshape(rows, length)
            if rows in ROWS and (table[:, 1:] < WHOLE).all() and table.all():
                return cls(table / WHOLE)
        return None

    @property
    def longest_metres(self) -> float:
        """The longest distance that DJI's software accepts for such a table."""
        return 25.0 if self.values.shape[1] == ROW_LENGTHS[0] else 300.0

    def at(self, metres: float) -> Transmission:
        """The transmission at a distance, linear between columns."""
        nodes = NODES[: self.values.shape[1]]
        return Transmission(np.array([np.interp(metres, nodes, row) for row in self.values]))


@dataclass(frozen=True, eq=False)
class Law:
    """The law for one camera and file. Implements Radiometry."""

    camera: Camera
    table: Table

    adjustable = True
    rises = True

    def limits(self, _parameters: Parameters, /) -> Limits:
        return LIMITS

    def accuracy(self, _counts: Counts, parameters: Parameters, /) -> Accuracy:
        usual = (
            _or_nan(parameters.emissivity) >= 0.6
            and _or_nan(parameters.reflected_celsius) <= 60
            and _or_nan(parameters.distance_metres) <= 100
        )
        return Accuracy(AccuracyKind.EXACT, 0.3 if usual else 1.0)

    def celsius(self, counts: Counts, parameters: Parameters, /) -> Temperatures:
        distances = (SHORTEST_METRES, self.table.longest_metres)
        check(parameters, distance_metres=distances, needs_air=self.camera.path_is_air)
        transmission = self.table.at(parameters.distance_metres or 0)
        return by_count(counts, lambda apparent: objects(apparent, parameters, self.camera, transmission))


@dataclass(frozen=True)
class WithoutTable:
    """The law with one transmission for all objects, at 5 m. Implements Radiometry."""

    camera: Camera

    adjustable = False
    rises = True

    def limits(self, _parameters: Parameters, /) -> Limits:
        return LIMITS

    def accuracy(self, counts: Counts, parameters: Parameters, /) -> Accuracy:
        hottest = float(np.nanmax(np.append(self.celsius(counts, parameters), COLDEST)))
        error = next((error for celsius, error in WITHOUT_TABLE_ERRORS if hottest <= celsius), math.nan)
        return Accuracy(AccuracyKind.APPROXIMATE, None if math.isnan(error) else error)

    def celsius(self, counts: Counts, parameters: Parameters, /) -> Temperatures:
        distances = (WITHOUT_TABLE_METRES, WITHOUT_TABLE_METRES)
        check(
            parameters,
            distance_metres=distances,
            needs_air=self.camera.path_is_air,
            emissivity=(0.8, 1.0),
            reflected_celsius=WITHOUT_TABLE_CELSIUS,
            atmospheric_celsius=WITHOUT_TABLE_CELSIUS,
            relative_humidity=(0.2, 0.9),
        )
        constant = Transmission(np.array([self.camera.constant_transmission]))
        return by_count(counts, lambda apparent: objects(apparent, parameters, self.camera, constant))


WITHOUT_TABLE_METRES = 5.0
WITHOUT_TABLE_CELSIUS = (-20.0, 40.0)  # of the reflection and the air, for which the errors were measured
# (hottest pixel, largest difference that was measured), in °C. DJI's software uses a table of its own for an M2EA.
WITHOUT_TABLE_ERRORS = ((60.0, 4.8), (100.0, 7.0), (150.0, 11.5), (300.0, 26.0), (550.0, 45.0))


def by_count(counts: Counts, convert: Callable[[Floats], Floats]) -> Temperatures:
    """Convert apparent temperatures in °C, once for each possible count."""
    steps = counts >> 2  # the two lower bits are flags
    low = int(steps.min())
    apparent = np.arange(low, int(steps.max()) + 1, dtype=np.float64) / 16 - KELVIN
    return convert(apparent).astype(np.float32).take(steps - low)


def objects(apparent: Floats, parameters: Parameters, camera: Camera, transmission: Transmission) -> Floats:
    """Temperatures of objects from apparent ones, °C; NaN where the law was not measured."""
    emissivity, metres = _or_nan(parameters.emissivity), _or_nan(parameters.distance_metres)
    reflected = _or_nan(parameters.reflected_celsius)
    path = _or_nan(parameters.atmospheric_celsius) if camera.path_is_air else reflected
    weight = _emissivity_weight(emissivity) if camera.emissivity_varies else 0
    effective = emissivity / (1 + weight * _emissivity_curve(apparent))

    def convert(tau: Floats) -> Floats:
        tau = np.where(tau > 0, tau, np.nan)  # below the first row of a damaged table
        after_path = (radiance(apparent) - (1 - tau) * radiance(path)) / tau
        radiant = (after_path - (1 - effective) * radiance(reflected)) / effective
        return np.maximum(radiant, 0) ** 0.25 - KELVIN

    first = convert(transmission(apparent))
    vapour = _or_nan(parameters.relative_humidity) * 6.112 * math.exp(17.67 * path / (path + 243.5))
    k = (
        camera.humidity_weight
        * 0.06105
        * math.log(min(metres, camera.longest_humid_path_metres))
        * math.log(min(max(vapour, LOWEST_VAPOUR_PRESSURE), camera.highest_vapour_pressure) / 14.25)
    )
    second = convert(transmission(first) * np.exp(-k * _humidity_curve(first)))
    second[~((first <= HOTTEST) & (second >= COLDEST))] = np.nan
    return second


def radiance(celsius: Floats | float) -> Floats | float:
    """W(t)."""
    return (celsius + KELVIN) ** 4


def _humidity_curve(celsius: Floats) -> Floats:
    """G(T), which is 0 below 0 °C and 1 at 200 °C."""
    x = np.clip(celsius, 0, HOTTEST) / 100
    return np.asarray(np.polyval([0.002655, -0.046296, 0.316452, -0.998846, 1.56342, 0], x), np.float64)


def _emissivity_weight(emissivity: float) -> float:
    y = 1 / emissivity - 1
    return min(1.0, 3.9 * y + 0.4 * y * y)


def _emissivity_curve(apparent: Floats) -> Floats:
    x = np.clip(apparent, -10, HOTTEST) / 100
    curve = np.polyval([-0.000155, 0.002406, -0.014403, 0.041107, -0.009078, 0.000247], x)
    return curve + 0.0005 * np.maximum(-10 - apparent, 0)


def _or_nan(value: float | None) -> float:
    return math.nan if value is None else value
