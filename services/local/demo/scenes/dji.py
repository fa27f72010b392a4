"""DJI radiometric JPEGs: counts in APP3, format and settings in APP4, transmission table in APP5, flight in XMP.

The law is written a second time here, for one temperature at a time, and inverted by interpolation.
"""

import math
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from services.local.demo.scenes.flir import segment, visible
from services.local.demo.scenes.pipeline import Truth, pipeline

PART_BYTES = 65_532
KELVIN = 273.15
WHOLE = 16384
APP5_HEADER = b"\0\0\x14\0".ljust(256, b"\xff")
LATER = ("H30T", "ZH30T", "M4T")  # cameras whose path has the temperature of the air

DISTANCES = (
    [0.25 + 0.05 * step for step in range(20)]
    + [1.3 + 0.1 * step for step in range(8)]
    + [2.2 + 0.2 * step for step in range(10)]
    + [4.5 + 0.5 * step for step in range(8)]
    + [9.0 + step for step in range(6)]
    + [16.0 + 2 * step for step in range(8)]
    + [35.0, 40.0, 45.0, 50.0]
    + [60.0 + 10 * step for step in range(5)]
    + [120.0 + 20 * step for step in range(19)]
)

Form = Literal["iirp", "M2EA", "girp", "hirp", "hirp, low gain"]


@dataclass(frozen=True)
class Setting:
    """The settings of a scene, as the camera stores them."""

    air: float = 18.0
    distance: float = 20.0
    emissivity: float = 0.95
    humidity: float = 0.55
    reflected: float = 12.0


# What XMP states about the flight, by name.
FLIGHT = {
    "drone-dji:AbsoluteAltitude": "+412.5",
    "drone-dji:RelativeAltitude": "+32.0",
    "drone-dji:GpsLatitude": "64.037000",
    "drone-dji:GpsLongitude": "-21.401000",
    "drone-dji:GimbalYawDegree": "+94.90",
    "drone-dji:GimbalPitchDegree": "-89.90",
    "drone-dji:GimbalRollDegree": "+0.00",
    "drone-dji:FlightYawDegree": "+93.10",
    "drone-dji:FlightPitchDegree": "-6.20",
    "drone-dji:FlightRollDegree": "+1.40",
    "drone-dji:LRFStatus": "Normal",
    "drone-dji:LRFTargetDistance": "21.500",
    "drone-dji:LRFTargetLat": "64.0370100",
    "drone-dji:LRFTargetLon": "-21.4009800",
    "drone-dji:LRFTargetAbsAlt": "380.250",
    "drone-dji:RtkFlag": "50",
    "drone-dji:RtkStdLon": "0.01200",
    "drone-dji:RtkStdLat": "0.01100",
    "drone-dji:RtkStdHgt": "0.02300",
    "drone-dji:UTCAtExposure": "2025:05:14 06:20:00.125",
}


def dji_scene(
    *,
    seed: int = 0,
    form: Form = "iirp",
    model: str = "M3T",
    width: int = 640,
    height: int = 512,
    setting: Setting = Setting(),
    laser_metres: float | None = None,
    columns: int = 64,
    has_table: bool = True,
    header: bytes = b"",
    status_bits: int = 0,
    xmp: Mapping[str, str] = FLIGHT,
) -> tuple[bytes, Truth]:
    """A radiometric JPEG and its truth. `laser_metres` is the true distance, if the camera's setting is not.

    `columns` of the transmission table are 64 or 88. `header` replaces the header of APP4.
    """
    celsius, leaks = pipeline(seed=seed, width=width, height=height, leaks=2)
    table = transmission_table(columns)
    counts = _counts(celsius, form, model, setting, table if has_table else None, laser_metres)
    counts |= status_bits
    exif = Image.Exif()
    exif[271], exif[272], exif[306] = "DJI", model, "2025:05:14 06:20:00"
    picture = visible(celsius, exif)
    pixels = counts.astype("<u2").tobytes()
    extra = segment(0xE1, xmp_packet(xmp))
    for at in range(0, len(pixels), PART_BYTES):
        extra += segment(0xE3, pixels[at : at + PART_BYTES])
    block = bytearray(SETTINGS[form](setting).ljust(320, b"\0"))
    block[: len(header)] = header
    if form == "iirp":
        struct.pack_into("<2H", block, IIRP_SIZE, width, height)
    extra += segment(0xE4, bytes(block))
    if has_table and form in ("iirp", "M2EA"):
        words = np.rint(table * WHOLE).astype("<u2").tobytes()
        extra += segment(0xE5, (b"" if form == "M2EA" else APP5_HEADER) + words + bytes(64))
    at = picture.index(b"\xff\xdb")  # the first quantisation table follows the application segments
    return picture[:at] + extra + picture[at:], Truth(leaks, celsius, counts)


def transmission_table(columns: int) -> NDArray[np.float64]:
    """A transmission by temperature (rows from -25 °C, 25 °C apart) and distance; 1 only in the first column."""
    rows, metres = np.arange(56 if columns == 64 else 45)[:, None], np.array(DISTANCES[:columns])[None, :]
    table = np.exp(-(0.075 + 0.002 * rows) * np.sqrt(np.maximum(metres - 0.24, 0)))
    table[:, 0] = 1
    rounded: NDArray[np.float64] = np.rint(table * WHOLE) / WHOLE
    return rounded


def object_celsius(
    apparent: float, *, model: str, setting: Setting, distance: float, transmission: Callable[[float], float]
) -> float:
    """The temperature of an object whose apparent temperature the camera measured."""
    later = model in LATER
    path = setting.air if later else setting.reflected
    emissivity = setting.emissivity
    if later:
        y, x = 1 / emissivity - 1, min(max(apparent, -10), 550) / 100
        curve = 0.000247 - 0.009078 * x + 0.041107 * x**2 - 0.014403 * x**3 + 0.002406 * x**4 - 0.000155 * x**5
        emissivity /= 1 + min(1, 3.9 * y + 0.4 * y * y) * (curve + 0.0005 * max(-10 - apparent, 0))

    def through(tau: float) -> float:
        beyond = ((apparent + KELVIN) ** 4 - (1 - tau) * (path + KELVIN) ** 4) / tau
        own = (beyond - (1 - emissivity) * (setting.reflected + KELVIN) ** 4) / emissivity
        return math.copysign(abs(own) ** 0.25, own) - KELVIN

    first = through(transmission(apparent))
    vapour = setting.humidity * 6.112 * math.exp(17.67 * path / (path + 243.5))
    weight, longest, most = (
        {"M4T": 0.6}.get(model, 0.3) if later else 1.0,
        10.0 if later else math.inf,
        40.0 if later else 30.0,
    )
    k = weight * 0.06105 * math.log(min(distance, longest)) * math.log(min(max(vapour, 8), most) / 14.25)
    x = min(max(first, 0), 550) / 100
    curve = ((((0.002655 * x - 0.046296) * x + 0.316452) * x - 0.998846) * x + 1.56342) * x
    return through(transmission(first) * math.exp(-k * curve))


def _counts(
    celsius: NDArray[np.float64],
    form: Form,
    model: str,
    setting: Setting,
    table: NDArray[np.float64] | None,
    laser_metres: float | None,
) -> NDArray[np.uint16]:
    if form == "girp":
        z = _inverse(
            (28.632, -44.597, 8.119, 140.448, -4.523), celsius, setting, Setting(reflected=23, emissivity=0.98)
        )
        return _rounded((4000 * np.exp(z) - 5000 - GIRP_OFFSET) * 8192 / GIRP_GAIN)
    if form == "hirp":
        own = Setting(air=15.37, reflected=15.3, emissivity=0.95)
        z = _inverse((19.078, -77.125, 134.964, -113.207, 164.447, -17.706), celsius, setting, own, transmission=0.84)
        return _rounded(4000 * np.exp(z) + 1149 - HIRP_SENSOR)
    if form == "hirp, low gain":
        own = Setting(air=21.6, reflected=21.6, emissivity=0.95)
        curve = (80.479, -166.039, 148.961, -72.233, 164.957, 30.945)
        z = _inverse(curve, celsius, replace(setting, air=setting.reflected), own, transmission=0.88)
        return _rounded(1000 * np.exp(z) + 1500 - 0.225 * (HIRP_SENSOR - 1539))
    distance = laser_metres or setting.distance
    constant = 0.839 if form == "M2EA" else 0.82
    rows = None if table is None else [float(np.interp(distance, DISTANCES[: len(row)], row)) for row in table]

    def transmission(temperature: float) -> float:
        if rows is None:
            return constant
        at = min((temperature + 25) / 25, len(rows) - 1)
        below = min(max(math.floor(at), 0), len(rows) - 2)
        return rows[below] + (rows[below + 1] - rows[below]) * (at - below)

    steps = np.arange((KELVIN - 60) * 16, (KELVIN + 160) * 16, dtype=np.int64)
    objects = [
        object_celsius(
            float(step) / 16 - KELVIN, model=model, setting=setting, distance=distance, transmission=transmission
        )
        for step in steps
    ]
    return _rounded(np.interp(celsius, objects, steps)) << np.uint16(2)


def _rounded(counts: NDArray[np.float64]) -> NDArray[np.uint16]:
    return np.rint(counts).astype(np.uint16)


def _inverse(
    coefficients: tuple[float, ...],
    celsius: NDArray[np.float64],
    setting: Setting,
    own: Setting,
    transmission: float = 1.0,
) -> NDArray[np.float64]:
    """z of a curve that is valid for its `own` setting, for objects under another one."""
    fourth = [(each + KELVIN) ** 4 for each in (setting.reflected, own.reflected, setting.air, own.air)]
    path = setting.emissivity * (celsius + KELVIN) ** 4 + (1 - setting.emissivity) * fourth[0]
    path += (fourth[2] - fourth[3]) * (1 - transmission) / transmission
    measured = ((path - (1 - own.emissivity) * fourth[1]) / own.emissivity) ** 0.25 - KELVIN
    z = np.linspace(-0.18, 1.1, 20_001)
    z = z[np.polyval(np.polyder(coefficients), z) > 0]
    found: NDArray[np.float64] = np.interp(measured, np.polyval(coefficients, z), z)
    return found


def xmp_packet(values: Mapping[str, str]) -> bytes:
    """The content of an APP1 segment with these properties."""
    attributes = " ".join(f'{name}="{value}"' for name, value in values.items())
    return (
        b"http://ns.adobe.com/xap/1.0/\0"
        b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        b'<rdf:Description xmlns:drone-dji="http://www.dji.com/drone-dji/1.0/" '
        b'xmlns:xmp="http://ns.adobe.com/xap/1.0/" ' + attributes.encode() + b"/></rdf:RDF></x:xmpmeta>"
    )


# ---------------------------------------------------------------- APP4

IIRP_SIZE = 157
GIRP_GAIN, GIRP_OFFSET = 7970, -3781
HIRP_SENSOR = 1600
_HEADER = b"\xff\xd2\xd1\xff"


def _floats(setting: Setting) -> bytes:
    values = (setting.air, setting.distance, setting.emissivity, setting.humidity, setting.reflected)
    return struct.pack("<5f", *values).ljust(32, b"\0") + b"\x2c\x01\x20\x00"


def _iirp(setting: Setting) -> bytes:
    return (_HEADER + b"iirp").ljust(32, b"\0") + _floats(setting)


def _girp(setting: Setting) -> bytes:
    block = bytearray((_HEADER + b"girp").ljust(320, b"\0"))
    block[32:36] = b"\xaa\x55\x38\x00"
    values = (setting.humidity * 100, setting.distance * 10, setting.emissivity * 100, setting.reflected * 10)
    struct.pack_into("<3Hh", block, 36, *map(round, values))
    block[266] = 2
    struct.pack_into("<2h", block, 292, GIRP_GAIN, GIRP_OFFSET)
    return bytes(block)


def _hirp(setting: Setting) -> bytes:
    block = bytearray((_HEADER + b"hirp").ljust(320, b"\0"))
    struct.pack_into("<H", block, 56, 2500)
    struct.pack_into("<II", block, 88, round(setting.emissivity * 8192), round(setting.distance * 8192))
    struct.pack_into("<i", block, 96, round(setting.reflected * 8192))
    struct.pack_into("<I", block, 116, round(setting.humidity * 100_000))
    struct.pack_into("<H", block, 120, HIRP_SENSOR)
    struct.pack_into("<H", block, 130, 512)
    struct.pack_into("<i", block, 132, round(setting.air * 8192))
    return bytes(block)


def _hirp_low_gain(setting: Setting) -> bytes:
    block = bytearray(_hirp(setting))
    struct.pack_into("<H", block, 56, 6000)
    struct.pack_into("<H", block, 112, round(setting.reflected * 1000))  # also the temperature of the air
    struct.pack_into("<H", block, 130, 0)
    return bytes(block)


SETTINGS: Mapping[Form, Callable[[Setting], bytes]] = {
    "iirp": _iirp,
    "M2EA": _floats,
    "girp": _girp,
    "hirp": _hirp,
    "hirp, low gain": _hirp_low_gain,
}
