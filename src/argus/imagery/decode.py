"""Decodes every thermal file format. The content of a file determines its format, never its name."""

from argus.imagery import dji, flir, jpeg, tiff
from argus.imagery.external import ExternalDecoder
from argus.imagery.model import LinearScale, NewFile
from argus.imagery.thermogram import NotRadiometric, Thermogram, Undecodable, Unsupported

__all__ = ["Thermogram", "Undecodable", "decode", "decode_file"]

INFIRAY = b"IJPEG\0"  # at offset 2 of APP2 (ExifTool, lib/Image/ExifTool/InfiRay.pm)


def decode(
    data: bytes,
    *,
    declared_scale: LinearScale | None = None,
    laser_distance: bool = False,
    dji_decoder: ExternalDecoder | None = None,
) -> Thermogram:
    """The thermogram in a file. Raises a subclass of Undecodable for any other data.

    `declared_scale` converts the counts of a 16-bit TIFF and takes precedence over the scale in the file. Other formats
    contain their own calibration and ignore it. `laser_distance` and `dji_decoder` apply to DJI's files.
    """
    if data.startswith(jpeg.START):
        return _decode_jpeg(data, laser_distance=laser_distance, dji_decoder=dji_decoder)
    if data.startswith(flir.MAGICS):
        return flir.decode_fff(data)
    if data.startswith(tiff.MAGICS):
        return tiff.decode_tiff(data, declared_scale)
    if data.startswith(tiff.BIG_MAGICS):
        raise Unsupported("big_tiff")
    raise NotRadiometric("format")


def decode_file(file: NewFile, data: bytes, dji_decoder: ExternalDecoder | None) -> Thermogram:
    """The thermogram of an uploaded file, as its uploader asked. Raises a subclass of Undecodable."""
    return decode(data, declared_scale=file.scale, laser_distance=file.laser_distance, dji_decoder=dji_decoder)


def _decode_jpeg(data: bytes, *, laser_distance: bool, dji_decoder: ExternalDecoder | None) -> Thermogram:
    segments = list(jpeg.segments(data))
    if any(map(flir.is_part, segments)):
        return flir.decode_rjpeg(segments)
    if any(each.marker == jpeg.APP2 and INFIRAY in bytes(each.payload[:10]) for each in segments):
        raise Unsupported("infiray")
    if dji.is_dji(segments):
        return dji.decode_rjpeg(data, segments, laser_distance=laser_distance, external=dji_decoder)
    raise NotRadiometric("jpeg")
