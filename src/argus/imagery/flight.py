"""What a DJI drone states about the flight in XMP, also for cameras of FLIR."""

import re
from dataclasses import astuple
from datetime import UTC, datetime
from typing import TypeVar

from argus.imagery.model import Attitude, Flight, Laser, Position, Rtk
from argus.imagery.tags import moment
from argus.imagery.tags import position as checked_position
from argus.imagery.xmp import Xmp

Part = TypeVar("Part", Attitude, Laser, Rtk, Flight)

PREFIX = "drone-dji:"
MAX_METRES, MAX_DEGREES = 100_000.0, 360.0


def _dji(name: str) -> str:
    return PREFIX + name


def position(xmp: Xmp) -> Position | None:
    """The drone's position. Some firmware misspells longitude."""
    latitude = xmp.number(_dji("GpsLatitude"))
    longitude = xmp.number(_dji("GpsLongitude"), _dji("GpsLongtitude"))
    if latitude is None or longitude is None:
        return None
    return checked_position(latitude, longitude, xmp.number(_dji("AbsoluteAltitude")))


def taken_at(xmp: Xmp) -> datetime | None:
    """The time of exposure, else of the file's creation if its time zone is stated."""
    exposed = re.sub(r"^(\d{4}):(\d\d):", r"\1-\2-", xmp.text(_dji("UTCAtExposure")))
    return _moment(f"{exposed}+00:00") or _moment(xmp.text("xmp:CreateDate"))


def laser_metres(xmp: Xmp) -> float | None:
    """The distance that the laser measured; None if it did not measure one."""
    metres = _metres(xmp, "LRFTargetDistance")
    return metres if metres is not None and metres > 0 and xmp.text(_dji("LRFStatus")) in ("", "Normal") else None


def flight(xmp: Xmp) -> Flight | None:
    """All facts of the flight; None if there is none."""
    if PREFIX.encode() not in xmp.packets:
        return None
    flag = xmp.number(_dji("RtkFlag"))
    rtk = Rtk(
        flag=None if flag is None else int(flag),
        latitude_error_metres=_size(xmp, "RtkStdLat"),
        longitude_error_metres=_size(xmp, "RtkStdLon"),
        altitude_error_metres=_size(xmp, "RtkStdHgt"),
    )
    latitude, longitude = xmp.number(_dji("LRFTargetLat")), xmp.number(_dji("LRFTargetLon"))
    target = None
    if latitude is not None and longitude is not None:
        target = checked_position(latitude, longitude, None)
    measured = laser_metres(xmp)
    laser = Laser(
        distance_metres=measured,
        latitude=target.latitude if target and measured else None,
        longitude=target.longitude if target and measured else None,
        altitude_metres=_metres(xmp, "LRFTargetAbsAlt") if measured else None,
    )
    return _stated(
        Flight(
            gimbal=_attitude(xmp, "Gimbal"),
            aircraft=_attitude(xmp, "Flight"),
            altitude_above_takeoff_metres=_metres(xmp, "RelativeAltitude"),
            altitude_metres=_metres(xmp, "AbsoluteAltitude"),
            laser=_stated(laser),
            rtk=_stated(rtk),
        )
    )


def _moment(text: str) -> datetime | None:
    """The time in UTC; None if the text is no plausible time with a time zone."""
    try:
        at = datetime.fromisoformat(text)
        return moment(at.astimezone(UTC)) if at.tzinfo else None
    except (ValueError, OverflowError):
        return None


def _attitude(xmp: Xmp, of: str) -> Attitude | None:
    return _stated(Attitude(*(_degrees(xmp, f"{of}{axis}Degree") for axis in ("Yaw", "Pitch", "Roll"))))


def _stated(part: Part) -> Part | None:
    """The part; None if all of its values are unknown."""
    return part if any(value is not None for value in astuple(part)) else None


def _metres(xmp: Xmp, name: str) -> float | None:
    value = xmp.number(_dji(name))
    return value if value is not None and abs(value) <= MAX_METRES else None


def _size(xmp: Xmp, name: str) -> float | None:
    value = _metres(xmp, name)
    return value if value is not None and value >= 0 else None


def _degrees(xmp: Xmp, name: str) -> float | None:
    value = xmp.number(_dji(name))
    return value if value is not None and abs(value) <= MAX_DEGREES else None
