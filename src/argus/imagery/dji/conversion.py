"""Chooses the conversion of a file by its format."""

from dataclasses import dataclass, replace

from argus.imagery.dji import curves, layout
from argus.imagery.dji.iirp import CAMERAS, SHORTEST_METRES, WITHOUT_TABLE_METRES, Law, Table, WithoutTable
from argus.imagery.dji.layout import Layout
from argus.imagery.model import DistanceSource, Parameters
from argus.imagery.thermogram import Radiometry, Unsupported

TABLE_START = 256  # in APP5, except on an M2EA


@dataclass(frozen=True)
class Conversion:
    """How to convert the counts of a file, and the settings that count."""

    radiometry: Radiometry
    parameters: Parameters


def conversion(file: Layout, model: str, laser_metres: float | None) -> Conversion:
    """The conversion of a file. Raises Unsupported with the reason if none is known.

    `laser_metres` replaces the distance in the settings if the conversion is known for it.
    """
    name = file.format
    if name in (layout.H20T, layout.XT_S, layout.UNKNOWN):
        raise Unsupported("dji_format", format=name, model=model or "?")
    if not model:
        raise Unsupported("dji_unnamed", format=name)
    parameters = file.settings
    if name in (layout.IIRP, layout.M2EA):
        if model not in CAMERAS:
            raise Unsupported("dji_camera", format=name, model=model)
        return _law(Table.of(file.app5, 0 if name == layout.M2EA else TABLE_START), model, parameters, laser_metres)
    measured = curves.of(file, model)
    if measured is None:
        raise Unsupported("dji_format", format=name, model=model)
    return Conversion(measured, parameters)


def _law(table: Table | None, model: str, parameters: Parameters, laser_metres: float | None) -> Conversion:
    if table is None:
        metres = parameters.distance_metres
        if metres is not None and metres != WITHOUT_TABLE_METRES:
            raise Unsupported("dji_table", metres=metres)
        return Conversion(WithoutTable(CAMERAS[model]), parameters)
    if laser_metres is not None and SHORTEST_METRES <= laser_metres <= table.longest_metres:
        parameters = replace(parameters, distance_metres=laser_metres, distance_source=DistanceSource.LASER)
    return Conversion(Law(CAMERAS[model], table), parameters)
