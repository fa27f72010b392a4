"""DJI's radiometric JPEGs.

The joined APP3 segments are the counts (uint16, little-endian, row by row; APP4 on an XT S). APP4 names the format and
contains the settings of the scene, and APP5 the calibration. The format decides the conversion, never the camera alone:
an M30T writes iirp or girp, an M3TD or M4T iirp or hirp.

| format | conversion |
|---|---|
| iirp | DJI's own law, from the file's transmission table (`iirp`) |
| girp, hirp | measured curves for the cameras and settings that were measured (`curves`) |
| others | none is known: refused |

Everything was measured on files, with DJI's software as a black box; `benchmarks/dji_reference.py` repeats it. An
external decoder of the operator's choice (`argus.imagery.external`) replaces all of it. The visible picture may have
another size.
"""

import logging
from dataclasses import replace

from argus.imagery import flight, notes
from argus.imagery.dji.conversion import conversion
from argus.imagery.dji.layout import Layout
from argus.imagery.external import DecoderFailed, ExternalDecoder, Final
from argus.imagery.jpeg import Segment
from argus.imagery.model import Camera, Capture
from argus.imagery.tags import Exif
from argus.imagery.thermogram import Radiometry, Thermogram, develop
from argus.imagery.xmp import Xmp

# Model in EXIF -> common name.
NAMES = {
    "MAVIC2-ENTERPRISE-ADVANCED": "M2EA",
    "ZH20N": "H20N",
    "ZH20T": "H20T",
    "ZH30T": "H30T",
    "XTS": "XT S",
}

_log = logging.getLogger("argus.imagery")


def is_dji(segments: list[Segment]) -> bool:
    """Whether a JPEG contains DJI's thermal data."""
    return Layout.of(segments).is_dji(make=Exif.among(segments).camera.make)


def decode_rjpeg(
    data: bytes, segments: list[Segment], *, laser_distance: bool = False, external: ExternalDecoder | None = None
) -> Thermogram:
    """The thermogram of a JPEG with these segments. Raises Undecodable.

    `laser_distance` uses the distance of the drone's laser, if it is stated and the conversion is known for it.
    """
    layout, exif, xmp = Layout.of(segments), Exif.among(segments), Xmp.among(segments)
    camera, counts = _camera(exif), layout.counts
    height, width = counts.shape
    final = _final(external, data, width=width, height=height)
    radiometry: Radiometry
    if final:
        radiometry, parameters = final, replace(layout.settings, distance_source=None)  # it may use another
    else:
        known = conversion(layout, camera.model, flight.laser_metres(xmp) if laser_distance else None)
        radiometry, parameters = known.radiometry, known.parameters
    taken_at = flight.taken_at(xmp) or exif.taken_at
    capture = Capture(
        format="dji_rjpeg",
        width=width,
        height=height,
        accuracy=radiometry.accuracy(counts, parameters),
        camera=camera,
        parameters=parameters,
        position=flight.position(xmp) or exif.position,
        taken_at=taken_at,
        taken_at_local=None if taken_at else exif.taken_at_local,
        flight=flight.flight(xmp),
        notes=notes.orientation(exif),
    )
    return develop(capture, counts, radiometry)


def _camera(exif: Exif) -> Camera:
    """The camera, with the common name of its model."""
    found = exif.camera
    model = NAMES.get(found.model.upper(), found.model)
    return Camera(make="DJI", model=model, serial=found.serial.strip("0") and found.serial, lens=found.lens)


def _final(external: ExternalDecoder | None, data: bytes, *, width: int, height: int) -> Final | None:
    """The temperatures that the external decoder makes; None if there is none, or if it fails."""
    if external is None:
        return None
    try:
        return Final(external.celsius(data, width=width, height=height))
    except DecoderFailed as failure:
        _log.warning("the external decoder failed", extra={"reason": failure.cause})
        return None
