"""The settings for which the conversions of DJI's files were measured."""

from argus.imagery.model import Parameters
from argus.imagery.thermogram import Unsupported

Range = tuple[float, float]

# What DJI's software accepts.
RANGES: dict[str, Range] = {
    "emissivity": (0.1, 1.0),
    "relative_humidity": (0.01, 1.0),
    "reflected_celsius": (-40.0, 100.0),
    "atmospheric_celsius": (-40.0, 80.0),
}
TOLERANCE = 1e-3


def check(parameters: Parameters, *, distance_metres: Range, needs_air: bool, **narrower: Range) -> None:
    """Raises Unsupported for a setting that is unknown, or outside the range that was measured.

    `needs_air`: whether the temperature of the air must be known.
    """
    for setting, (low, high) in {**RANGES, **narrower, "distance_metres": distance_metres}.items():
        value = getattr(parameters, setting)
        if value is None and setting == "atmospheric_celsius" and not needs_air:
            continue
        if value is None or not low - TOLERANCE <= value <= high + TOLERANCE:
            shown = "?" if value is None else f"{value:g}"
            raise Unsupported("dji_setting", setting=setting, value=shown, low=low, high=high)
