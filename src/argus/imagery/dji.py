"""DJI's radiometric JPEGs, by the public approximation.

The joined APP3 segments are the counts (uint16, little-endian, row by row); an APP4 segment contains the settings of
the scene. The visible picture may have another size. Source of the layouts: ExifTool, lib/Image/ExifTool/JPEG.pm (APP3,
APP4) and DJI.pm (ThermalParams2 and 3).

Public tools (uav4geo/Thermal-Tools among others) use celsius = (count >> 2) · 0.0625 - 273.15. That is the camera's own
estimate, before emissivity, distance and reflection: compared with DJI's SDK it is off by 3 to 10 °C, by 20 °C on an
H30T. So every result is labelled approximate and cannot be recalibrated. Cameras whose counts have another meaning are
refused; exact temperatures need DJI's SDK.
"""

import re
import struct
from dataclasses import dataclass

import numpy as np

from argus.imagery.jpeg import APP1, APP3, APP4, XMP, Segment
from argus.imagery.model import Accuracy, Camera, Capture, Parameters, Position
from argus.imagery.planck import KELVIN, check
from argus.imagery.tags import Exif, position
from argus.imagery.thermogram import Counts, Damaged, Implausible, Temperatures, Thermogram, Unsupported, develop

# Model in EXIF -> common name.
APPROXIMATED = {
    "MAVIC2-ENTERPRISE-ADVANCED": "M2EA",
    "M2EA": "M2EA",
    "M3T": "M3T",
    "M30T": "M30T",
    "M4T": "M4T",
    "ZH20N": "H20N",
    "H20N": "H20N",
    "ZH30T": "H30T",
    "H30T": "H30T",
}
REFUSED = {"ZH20T": "H20T", "H20T": "H20T", "XT S": "XT S", "XTS": "XT S", "M3TD": "M3TD", "M4TD": "M4TD"}
SIZES = {2 * width * height: (width, height) for width, height in ((640, 512), (1280, 1024))}

HEADER_SIZE = 32  # some cameras write it before the settings: ff d2 d1 ff, then "iirp" or "hirp"
FLOATS_MARK = (32, b"\x2c\x01\x20\x00")  # (offset, bytes) after float settings
INTEGERS_MARK = (0, b"\xaa\x55\x38\x00")  # before integer settings


@dataclass(frozen=True)
class PublicApproximation:
    """Counts in sixteenths of a kelvin, above two status bits. Implements Radiometry."""

    adjustable = False

    def celsius(self, counts: Counts, _parameters: Parameters, /) -> Temperatures:
        return ((counts >> 2) * np.float32(0.0625) - np.float32(KELVIN)).astype(np.float32)


def is_dji(segments: list[Segment]) -> bool:
    """Whether a JPEG is from DJI: it has APP3 segments, and EXIF names DJI as the make."""
    return any(each.marker == APP3 for each in segments) and Exif.among(segments).camera.make == "DJI"


def decode_rjpeg(segments: list[Segment]) -> Thermogram:
    """The thermogram in a JPEG's segments. Raises Undecodable."""
    exif = Exif.among(segments)
    camera = exif.camera
    model = _approximated(camera.model)
    pixels = b"".join(each.payload for each in segments if each.marker == APP3)
    if len(pixels) not in SIZES:
        raise Damaged("dji_pixels", size_bytes=len(pixels), model=model)
    width, height = SIZES[len(pixels)]
    capture = Capture(
        format="dji_rjpeg",
        width=width,
        height=height,
        accuracy=Accuracy.APPROXIMATE,
        camera=Camera(
            make=camera.make, model=model, serial=camera.serial.strip("0") and camera.serial, lens=camera.lens
        ),
        parameters=_parameters(segments),
        position=_xmp_position(segments) or exif.position,
        taken_at=exif.taken_at,
    )
    counts = np.frombuffer(pixels, "<u2").reshape(height, width).astype(np.uint16)
    return develop(capture, counts, PublicApproximation())


def _approximated(model: str) -> str:
    name = model.upper()
    if name in REFUSED:
        raise Unsupported("dji_sdk", model=REFUSED[name])
    if not name:
        raise Unsupported("dji_unnamed")
    if name not in APPROXIMATED:
        raise Unsupported("dji_camera", model=model)
    return APPROXIMATED[name]


def _parameters(segments: list[Segment]) -> Parameters:
    """The camera's settings, or the defaults if their layout is not publicly known."""
    for segment in segments:
        if segment.marker == APP4:
            block = bytes(segment.payload[: 4 * HEADER_SIZE])
            for start in (HEADER_SIZE, 0):
                settings = _settings(block[start:])
                if settings is not None:
                    return settings
    return Parameters()


def _settings(block: bytes) -> Parameters | None:
    """Settings in one of the two known layouts; None if there are none, or impossible ones."""
    at, mark = FLOATS_MARK
    if block[at : at + len(mark)] == mark:
        air, distance, emissivity, humidity, reflected = struct.unpack_from("<5f", block)
    elif block.startswith(INTEGERS_MARK[1]) and len(block) >= 12:
        percent, decimetres, hundredths, tenths = struct.unpack_from("<4H", block, 4)
        air, distance, emissivity = Parameters().atmospheric_celsius, decimetres / 10, hundredths / 100
        humidity, reflected = percent / 100, tenths / 10
    else:
        return None
    settings = Parameters(
        emissivity=round(emissivity, 6),  # float32: 0.95, not 0.949999988
        distance_metres=round(distance, 6),
        reflected_celsius=round(reflected, 4),
        atmospheric_celsius=round(air, 4),
        relative_humidity=round(humidity, 6),
    )
    try:
        check(settings)
    except Implausible:  # the temperatures do not depend on the settings, so the file is still useful
        return None
    return settings


def _xmp_position(segments: list[Segment]) -> Position | None:
    """The drone's position, from DJI's XMP. Some firmware misspells longitude."""
    for segment in segments:
        if segment.marker == APP1 and segment.starts_with(XMP):
            xmp = bytes(segment.payload)
            latitude, longitude = _xmp_number(xmp, b"GpsLatitude"), _xmp_number(xmp, b"GpsLong(?:i|ti)tude")
            if latitude is not None and longitude is not None:
                return position(latitude, longitude, _xmp_number(xmp, b"AbsoluteAltitude"))
    return None


def _xmp_number(xmp: bytes, name: bytes) -> float | None:
    """A number in DJI's namespace, written as an attribute or an element."""
    match = re.search(
        rb"drone-dji:" + name + rb"""\s{0,8}(?:=\s{0,8}["']|>)\s{0,8}([+-]?\d{1,6}(?:\.\d{1,12})?)""", xmp
    )
    return float(match[1]) if match else None
