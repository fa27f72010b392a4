"""Files that attack a decoder: each contains a false claim, or takes much time or memory if the decoder trusts it."""

import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
from PIL import Image

from services.local.demo.scenes.flir import FlirFile, Settings, png_of, segment, visible
from services.local.demo.scenes.pipeline import pipeline
from services.local.demo.scenes.tiff import tiff16

START = b"\xff\xd8"
DIRECTORY = 64  # its position in a FlirFile; entry 0 is the camera, entry 1 the counts
BOMB_BYTES = 400_000_000


@dataclass(frozen=True, eq=False)
class WithCountsRecord(FlirFile):
    """A file with arbitrary bytes as its counts record."""

    content: bytes = b""

    def counts_record(self) -> tuple[int, bytes]:
        return 3, self.content


@cache
def small() -> FlirFile:
    """A valid file of 64 x 48 pixels, the base of the invalid ones."""
    celsius, _ = pipeline(seed=3, width=64, height=48, leaks=1)
    return FlirFile(Settings().counts(celsius))


def fff(data: bytes) -> bytes:
    """A JPEG with this FFF file, valid or not, in as many parts as it needs."""
    parts = [data[at : at + 65_000] for at in range(0, len(data), 65_000)]
    segments = [segment(0xE1, b"FLIR\0\1" + bytes([index, len(parts) - 1]) + part) for index, part in enumerate(parts)]
    return START + b"".join(segments) + b"\xff\xd9"


def patched(at: int, form: str, *values: int | float) -> bytes:
    """The valid file with some bytes of its FFF data overwritten."""
    data = bytearray(small().fff())
    struct.pack_into(form, data, at, *values)
    return fff(bytes(data))


def camera(at: int, value: float) -> bytes:
    """The valid file with one float of the camera record overwritten."""
    return patched(DIRECTORY + 14 * 32 + at, "<f", value)


def with_png(width: int, height: int, png: bytes) -> bytes:
    header = struct.pack("<HHH", 2, width, height).ljust(32, b"\0")
    return fff(WithCountsRecord(small().counts, content=header + png).fff())


@cache
def zeros_compressed() -> bytes:
    """A zlib stream of 400 kB that inflates to 400 MB."""
    compressor, block = zlib.compressobj(6), bytes(1_000_000)
    return b"".join(compressor.compress(block) for _ in range(BOMB_BYTES // len(block))) + compressor.flush()


def repeated_part() -> bytes:
    parts = FlirFile(small().counts, part_bytes=4000).parts()
    return START + b"".join([*parts, parts[1]]) + b"\xff\xd9"


def missing_part() -> bytes:
    return START + b"".join(FlirFile(small().counts, part_bytes=4000).parts()[:-1]) + b"\xff\xd9"


def two_counts_records() -> bytes:
    data = bytearray(small().fff())
    data[DIRECTORY + 64 : DIRECTORY + 96] = data[DIRECTORY + 32 : DIRECTORY + 64]
    return fff(bytes(data))


def many_records() -> bytes:
    """An FFF file with a directory of 100 000 empty entries, all of them present."""
    data = bytearray(small().fff())
    struct.pack_into(">II", data, 24, len(data), 100_000)
    return bytes(data) + bytes(32 * 100_000)


def tiff_with(tag: int, value: int, *, kind: int = 4, count: int = 1) -> bytes:
    """A TIFF with another value for a tag that it has."""
    data = bytearray(tiff16(small().counts, scale=0.002, offset=-20, nodata="0"))
    (start,) = struct.unpack_from("<I", data, 4)
    (entries,) = struct.unpack_from("<H", data, start)
    for at in range(start + 2, start + 2 + 12 * entries, 12):
        if struct.unpack_from("<H", data, at)[0] == tag:
            struct.pack_into("<HII", data, at + 2, kind, count, value)
    return bytes(data)


def tiff_of_enormous_width() -> bytes:
    """A TIFF whose width is a DOUBLE of 301 digits."""
    position = len(tiff_with(256, 0))
    return tiff_with(256, position, kind=12) + struct.pack("<d", 1e300)


def tiff_adding(*entries: tuple[int, int, int, int]) -> bytes:
    """A TIFF with more entries at the end of its directory: tag, type, count, value."""
    data = tiff16(small().counts, scale=0.002, offset=-20, nodata="0")
    (start,) = struct.unpack_from("<I", data, 4)
    (count,) = struct.unpack_from("<H", data, start)
    original = data[start + 2 : start + 2 + 12 * count]
    directory = original + b"".join(struct.pack("<HHII", *entry) for entry in entries) + bytes(4)
    head = data[:4] + struct.pack("<I", len(data)) + data[8:]
    return head + struct.pack("<H", count + len(entries)) + directory


def tiff_of_tags_that_share_data() -> bytes:
    """A TIFF of a megabyte, with 400 tags that each claim this megabyte."""
    size = 1_000_000
    shared = tiff_adding(*((50_000 + number, 7, size, 8) for number in range(400)))
    return shared + bytes(size)


def looping_exif() -> bytes:
    """EXIF whose directories point to themselves."""
    return with_exif(*((tag, 4, 1, 8) for tag in (0x8769, 0x8825)))


def exif_outside_the_file() -> bytes:
    """EXIF whose make, model and GPS values are outside the EXIF data, or longer than it."""
    values = [(0x010F, 2, 20, 0xFFFFFF00), (0x0110, 2, 0xFFFFFFFF, 8), (0x8825, 4, 1, 8)]
    return with_exif(*values, (1, 2, 2, 0x4E), (2, 5, 3, 0x7FFFFFFF), (3, 2, 2, 0x45), (4, 5, 3, 5000))


def with_exif(*entries: tuple[int, int, int, int]) -> bytes:
    """The valid FLIR parts after EXIF with these entries: tag, type, count, value or its position."""
    directory = b"".join(struct.pack("<HHII", *entry) for entry in entries)
    exif = b"Exif\0\0II*\0" + struct.pack("<IH", 8, len(entries)) + directory + bytes(4)
    return START + segment(0xE1, exif) + b"".join(FlirFile(small().counts, gps_record=False).parts()) + b"\xff\xd9"


# name: (code, key and parameters of the expected error, function that builds the file)
REFUSED: dict[str, tuple[str, str, dict[str, str | int | float], Callable[[], bytes]]] = {
    "empty file": ("not_radiometric", "format", {}, lambda: b""),
    "only a JPEG's first bytes": ("damaged", "jpeg_marker", {"position": 2}, lambda: START),
    "picture without temperatures": (
        "not_radiometric",
        "jpeg",
        {},
        lambda: visible(np.arange(4096, dtype=np.uint16).reshape(64, 64), Image.Exif()),
    ),
    "million empty segments": (
        "damaged",
        "jpeg_segments",
        {"max_segments": 4096},
        lambda: START + segment(0xE0, b"") * 1_000_000,
    ),
    "only fill bytes": ("damaged", "jpeg_marker", {"position": 2}, lambda: START + b"\xff" * 5_000_000),
    "segment of length zero": (
        "damaged",
        "jpeg_segment",
        {"position": 4},
        lambda: START + b"\xff\xe1\0\0" + bytes(100),
    ),
    "segment longer than the file": (
        "damaged",
        "jpeg_segment",
        {"position": 4},
        lambda: START + b"\xff\xe1\xff\xffFLIR\0\1\0\0FFF\0",
    ),
    "a repeated FLIR part": ("damaged", "flir_part_repeated", {}, repeated_part),
    "a missing FLIR part": ("damaged", "flir_part_missing", {"present": 1, "expected": 2}, missing_part),
    "no FFF header": ("damaged", "fff_header", {}, lambda: fff(bytes(5000))),
    "unknown FFF version": ("unsupported", "fff_version", {}, lambda: patched(20, ">I", 7)),
    "four billion records": (
        "damaged",
        "fff_directory",
        {"records": 4294967295},
        lambda: patched(28, ">I", 0xFFFFFFFF),
    ),
    "directory of a hundred thousand": ("damaged", "fff_directory", {"records": 100000}, many_records),
    "directory past the end": ("damaged", "fff_directory", {"records": 14}, lambda: patched(24, ">I", 0xFFFFFF00)),
    "record past the end": (
        "damaged",
        "flir_record_end",
        {"record": 1, "size_bytes": len(small().counts_record()[1])},
        lambda: patched(DIRECTORY + 32 + 12, ">I", 0x7FFFFFFF),
    ),
    "record longer than the file": (
        "damaged",
        "flir_record_end",
        {"record": 1, "size_bytes": 4294967295},
        lambda: patched(DIRECTORY + 32 + 16, ">I", 0xFFFFFFFF),
    ),
    "camera record too short": (
        "damaged",
        "flir_record_short",
        {"position": 32},
        lambda: patched(DIRECTORY + 16, ">I", 40),
    ),
    "no camera record": ("damaged", "flir_calibration", {}, lambda: patched(DIRECTORY, ">H", 0)),
    "JPEG-LS, as in CSQ recordings": ("unsupported", "flir_jpeg_ls", {}, lambda: with_png(64, 48, b"\xff\xd8\xff\xf7")),
    "no counts record": ("not_radiometric", "flir_record", {}, lambda: patched(DIRECTORY + 32, ">H", 0)),
    "two counts records": ("unsupported", "flir_sequence", {"record": 1}, two_counts_records),
    "four billion pixels": (
        "too_many_pixels",
        "",
        {"width": 65535, "height": 65535, "max_pixels": 16777216},
        lambda: with_png(65535, 65535, png_of(65535, 65535, b"")),
    ),
    "four billion raw pixels": (
        "too_many_pixels",
        "",
        {"width": 65535, "height": 65535, "max_pixels": 16777216},
        lambda: with_png(65535, 65535, b""),
    ),
    "no pixels": ("implausible", "too_small", {"width": 0, "height": 48}, lambda: with_png(0, 48, b"")),
    "huge PNG in a small record": (
        "damaged",
        "png_size",
        {"width": 64, "height": 48},
        lambda: with_png(64, 48, png_of(2**31 - 1, 2**31 - 1, b"")),
    ),
    "PNG cut short": ("damaged", "png_pixels", {}, lambda: with_png(64, 48, png_of(64, 48, zlib.compress(bytes(500))))),
    "PNG without its last row": (
        "damaged",
        "png_pixels",
        {},
        lambda: with_png(64, 48, png_of(64, 48, zlib.compress(_rows()[:-129]))),
    ),
    "PNG of half the rows": (
        "damaged",
        "png_pixels",
        {},
        lambda: with_png(64, 48, png_of(64, 48, zlib.compress(_rows()[: 24 * 129]))),
    ),
    "PNG without a stream": ("damaged", "png_pixels", {}, lambda: with_png(64, 48, png_of(64, 48, b""))),
    "PNG that inflates to 400 MB": (
        "implausible",
        "blank",
        {},
        lambda: with_png(64, 48, png_of(64, 48, zeros_compressed())),
    ),
    "blank frame": ("implausible", "blank", {}, lambda: fff(FlirFile(np.full((48, 64), 15000, np.uint16)).fff())),
    "emissivity zero": ("implausible", "emissivity", {"value": 0.0}, lambda: camera(0x20, 0.0)),
    "emissivity not a number": ("implausible", "emissivity", {"value": "nan"}, lambda: camera(0x20, float("nan"))),
    "infinite distance": (
        "implausible",
        "distance",
        {"metres": "inf", "max_metres": 100000.0},
        lambda: camera(0x24, float("inf")),
    ),
    "negative reflected kelvin": (
        "implausible",
        "reflected_temperature",
        {"celsius": -278.15, "max_celsius": 5000.0},
        lambda: camera(0x28, -5.0),
    ),
    "calibration not a number": ("implausible", "calibration", {}, lambda: camera(0x58, float("nan"))),
    "calibration zero": ("implausible", "calibration", {}, lambda: camera(0x30C, 0.0)),
    "calibration of a hot star": ("implausible", "calibration", {}, lambda: camera(0x5C, 1e9)),
    "TIFF of four billion columns": (
        "too_many_pixels",
        "",
        {"width": 4294967295, "height": 48, "max_pixels": 16777216},
        lambda: tiff_with(256, 0xFFFFFFFF),
    ),
    "TIFF of enormous width": (
        "too_many_pixels",
        "",
        {"width": 4294967295, "height": 48, "max_pixels": 16777216},
        tiff_of_enormous_width,
    ),
    "TIFF wider than its pixels": ("damaged", "tiff_pixels", {}, lambda: tiff_with(256, 4000)),
    "TIFF pixels past the end": ("damaged", "tiff_pixels", {}, lambda: tiff_with(273, 0x7FFFFFFF)),
    "TIFF of a million strips": (
        "damaged",
        "tiff_pixels",
        {},
        lambda: tiff_with(273, 8, count=1_000_000) + bytes(4_000_000),
    ),
    "TIFF of unknown compression": (
        "unsupported",
        "tiff_compression",
        {"compression": 9999, "supported": "none, LZW, deflate, PackBits"},
        lambda: tiff_with(259, 9999),
    ),
    "TIFF of eight bits": ("not_radiometric", "tiff", {}, lambda: tiff_with(258, 8)),
    "TIFF directory past the end": ("damaged", "tiff_directory", {}, lambda: b"II*\0\xff\xff\xff\x7f"),
    "only a TIFF's first bytes": ("damaged", "tiff_directory", {}, lambda: b"MM\0*"),
    "TIFF of two widths": ("damaged", "tiff_tags", {"max_tags": 512}, lambda: tiff_adding((256, 4, 1, 10_000_000))),
    "TIFF of a thousand tags": (
        "damaged",
        "tiff_tags",
        {"max_tags": 512},
        lambda: tiff_adding(*((50_000 + number, 4, 1, 0) for number in range(1000))),
    ),
    "BigTIFF": ("unsupported", "big_tiff", {}, lambda: b"II+\0\x08\0\0\0"),
}

# name: function that builds a strange file, which still contains a whole thermogram
ACCEPTED: dict[str, Callable[[], bytes]] = {
    "EXIF directories that loop": looping_exif,
    "EXIF values past its end": exif_outside_the_file,
    "TIFF of tags that share their data": tiff_of_tags_that_share_data,
    "TIFF with a long, cut tag": lambda: tiff_with(42113, 8, kind=2, count=100_000),
    "PNG with a text chunk that inflates to 400 MB": lambda: with_png(
        64,
        48,
        png_of(64, 48, _stream(), (b"zTXt", b"a\0\0" + zeros_compressed())),
    ),
    "PNG of three parts, one empty": lambda: with_png(
        64, 48, png_of(64, 48, _stream()[100:], (b"IDAT", _stream()[:100]), (b"IDAT", b""))
    ),
}


def _stream() -> bytes:
    return zlib.compress(_rows())


def _rows() -> bytes:
    """The rows of the PNG, without a filter: 129 bytes each."""
    rows = small().counts.astype(">u2").tobytes()
    return b"".join(b"\0" + rows[at : at + 128] for at in range(0, len(rows), 128))
