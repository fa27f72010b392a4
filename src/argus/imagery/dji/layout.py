"""The application segments of DJI's radiometric JPEGs: format, settings and pixels.

APP4 begins with `ff d2 d1 ff` and the name of the format, and contains the settings of the scene; on an M2EA they come
first, and an H20T begins with `aa 55 12 06`. Sources: measured (see the package), and ExifTool, lib/Image/ExifTool/
DJI.pm (ThermalParams 1 to 3).
"""

import math
import struct
from dataclasses import asdict, dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from argus.imagery.jpeg import APP3, APP4, APP5, Segment
from argus.imagery.model import DistanceSource, Parameters
from argus.imagery.thermogram import Damaged

HEADER = b"\xff\xd2\xd1\xff"
HEADER_SIZE = 32
H20T_HEADER = b"\xaa\x55\x12\x06"
FLOATS_MARK = (32, b"\x2c\x01\x20\x00")  # (offset, bytes) after the settings of an M2EA
GIRP_MARK = b"\xaa\x55\x38\x00"  # before the settings of a girp file
FIXED_POINT = 8192  # 1.0 in settings of a hirp file
FRAMES = ((640, 512), (1280, 1024), (336, 256), (160, 120))
SIZES = {2 * width * height: (height, width) for width, height in FRAMES}

IIRP, GIRP, HIRP, M2EA, H20T, XT_S, UNKNOWN = "iirp", "girp", "hirp", "M2EA", "H20T", "XT S", "unknown"


@dataclass(frozen=True)
class Layout:
    """The joined segments of each kind."""

    app3: bytes
    app4: bytes
    app5: bytes

    @classmethod
    def of(cls, segments: list[Segment]) -> "Layout":
        return cls(*(b"".join(each.payload for each in segments if each.marker == kind) for kind in (APP3, APP4, APP5)))

    def is_dji(self, *, make: str) -> bool:
        """Whether the segments are DJI's: DJI's header, DJI as the make in EXIF, or a whole frame without a make."""
        if self.app4.startswith((HEADER, H20T_HEADER)):
            return True
        frame = len(self.app3) in SIZES or len(self.app4) in SIZES
        return (make == "DJI" and bool(self.app3)) or (not make and frame)

    @cached_property
    def format(self) -> str:
        """The name of the format that APP4 states; M2EA, H20T and XT S for the layouts without a name."""
        if self.app4.startswith(HEADER):
            name = self.app4[4:8].decode("ascii", "replace")
            return name if name.isalnum() and name.isascii() else UNKNOWN
        if self.app4.startswith(H20T_HEADER):
            return H20T
        if len(self.app4) in SIZES:
            return XT_S
        at, mark = FLOATS_MARK
        return M2EA if self.app4[at : at + len(mark)] == mark else UNKNOWN

    @property
    def counts(self) -> NDArray[np.uint16]:
        """The counts, (height, width). Raises Damaged if they are not a frame of a DJI camera."""
        pixels = self.app4 if self.format == XT_S else self.app3
        if len(pixels) not in SIZES:
            raise Damaged("dji_pixels", size_bytes=len(pixels))
        return np.frombuffer(pixels, "<u2").reshape(SIZES[len(pixels)]).astype(np.uint16)

    @property
    def settings(self) -> Parameters:
        """The settings of the scene; those that cannot be read are None."""
        read = {IIRP: self._floats, M2EA: self._floats, GIRP: self._girp, HIRP: self._hirp, H20T: self._h20t}
        try:
            settings = read[self.format]()
        except (KeyError, struct.error):  # an unknown layout, or one that ends too early
            return Parameters()
        known = {name: value for name, value in asdict(settings).items() if value is not None and math.isfinite(value)}
        return Parameters(**known, distance_source=DistanceSource.FILE)

    def unsigned(self, at: int, code: str = "H") -> int:
        """An integer in APP4. Raises struct.error."""
        (value,) = struct.unpack_from("<" + code, self.app4, at)
        return int(value)

    def _floats(self) -> Parameters:
        air, distance, emissivity, humidity, reflected = struct.unpack_from(
            "<5f", self.app4, 0 if self.format == M2EA else HEADER_SIZE
        )
        return Parameters(
            emissivity=round(emissivity, 6),  # float32: 0.95, not 0.949999988
            distance_metres=round(distance, 6),
            reflected_celsius=round(reflected, 4),
            atmospheric_celsius=round(air, 4),
            relative_humidity=round(humidity, 6),
        )

    def _girp(self) -> Parameters:
        if self.app4[HEADER_SIZE : HEADER_SIZE + 4] != GIRP_MARK:
            return Parameters()
        percent, decimetres, hundredths, tenths = struct.unpack_from("<3Hh", self.app4, 36)
        return Parameters(
            emissivity=hundredths / 100,
            distance_metres=decimetres / 10,
            reflected_celsius=tenths / 10,
            relative_humidity=percent / 100,
        )

    def _h20t(self) -> Parameters:
        distance, percent, hundredths, tenths = struct.unpack_from("<3Hh", self.app4, 68)
        return Parameters(
            emissivity=hundredths / 100,
            distance_metres=float(distance),
            reflected_celsius=tenths / 10,
            relative_humidity=percent / 100,
        )

    def _hirp(self) -> Parameters:
        if self.unsigned(130) == 512:
            reflected, air = (struct.unpack_from("<i", self.app4, at)[0] / FIXED_POINT for at in (96, 132))
        else:
            reflected = air = self.unsigned(112) / 1000
        return Parameters(
            emissivity=round(self.unsigned(88, "I") / FIXED_POINT, 4),
            distance_metres=round(self.unsigned(92, "I") / FIXED_POINT, 4),
            reflected_celsius=round(reflected, 4),
            atmospheric_celsius=round(air, 4),
            relative_humidity=round(self.unsigned(116, "I") / 100_000, 6),
        )
