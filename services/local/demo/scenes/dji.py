"""DJI radiometric JPEGs: counts in APP3, settings in APP4, position in XMP."""

import struct
from typing import Literal

import numpy as np
from PIL import Image

from services.local.demo.scenes.flir import segment, visible
from services.local.demo.scenes.pipeline import Truth, pipeline

SETTINGS = (18.0, 25.0, 0.95, 0.55, 20.0)  # air, distance, emissivity, humidity, reflected
PART_BYTES = 65_532
XMP = (
    b"http://ns.adobe.com/xap/1.0/\0"
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    b'<rdf:Description xmlns:drone-dji="http://www.dji.com/drone-dji/1.0/" drone-dji:AbsoluteAltitude="+412.5" '
    b'drone-dji:RelativeAltitude="+32.0" drone-dji:GpsLatitude="64.037000" drone-dji:%s="-21.401000"/>'
    b"</rdf:RDF></x:xmpmeta>"
)


def dji_scene(
    *,
    seed: int = 0,
    model: str = "M3T",
    width: int = 640,
    height: int = 512,
    settings: Literal["prefixed floats", "floats", "integers", "unknown"] = "prefixed floats",
    longitude_name: bytes = b"GpsLongitude",
    status_bits: int = 0,
) -> tuple[bytes, Truth]:
    """A radiometric JPEG in DJI's public layout, and its truth: sixteenths of a kelvin above two status bits."""
    celsius, leaks = pipeline(seed=seed, width=width, height=height, leaks=2)
    counts = ((np.rint((celsius + 273.15) * 16).astype(np.uint16) << 2) | status_bits).astype(np.uint16)
    exif = Image.Exif()
    exif[271], exif[272], exif[306] = "DJI", model, "2025:05:14 06:20:00"
    picture = visible(celsius, exif)
    pixels = counts.astype("<u2").tobytes()
    extra = segment(0xE1, XMP % longitude_name)
    for at in range(0, len(pixels), PART_BYTES):
        extra += segment(0xE3, pixels[at : at + PART_BYTES])
    extra += segment(0xE4, _settings(settings))
    at = picture.index(b"\xff\xdb")  # the first quantisation table follows the application segments
    return picture[:at] + extra + picture[at:], Truth(leaks, celsius, counts)


def _settings(layout: str) -> bytes:
    _, distance, emissivity, humidity, reflected = SETTINGS
    floats = struct.pack("<5f", *SETTINGS).ljust(32, b"\0") + b"\x2c\x01\x20\x00"
    integers = b"\xaa\x55\x38\x00" + struct.pack(
        "<4H", round(humidity * 100), round(distance * 10), round(emissivity * 100), round(reflected * 10)
    )
    prefix = b"\xff\xd2\xd1\xffiirp".ljust(32, b"\0")
    blocks = {"prefixed floats": prefix + floats, "floats": floats, "integers": prefix + integers, "unknown": b"?"}
    return blocks[layout].ljust(256, b"\0")
