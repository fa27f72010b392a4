"""Decodes every thermal file format. The content of a file determines its format, never its name."""

from argus.imagery import dji, flir, jpeg, tiff
from argus.imagery.model import LinearScale
from argus.imagery.thermogram import NotRadiometric, Thermogram, Undecodable, Unsupported

__all__ = ["Thermogram", "Undecodable", "decode"]


def decode(data: bytes, *, declared_scale: LinearScale | None = None) -> Thermogram:
    """The thermogram in a file. Raises a subclass of Undecodable for any other data.

    `declared_scale` converts the counts of a 16-bit TIFF and takes precedence over the scale in the file. Other formats
    contain their own calibration and ignore it.
    """
    if data.startswith(jpeg.START):
        return _decode_jpeg(data)
    if data.startswith(flir.MAGICS):
        return flir.decode_fff(data)
    if data.startswith(tiff.MAGICS):
        return tiff.decode_tiff(data, declared_scale)
    if data.startswith(tiff.BIG_MAGICS):
        raise Unsupported("big_tiff")
    raise NotRadiometric("format")


def _decode_jpeg(data: bytes) -> Thermogram:
    segments = list(jpeg.segments(data))
    if any(map(flir.is_part, segments)):
        return flir.decode_rjpeg(segments)
    if dji.is_dji(segments):
        return dji.decode_rjpeg(segments)
    raise NotRadiometric("jpeg")
