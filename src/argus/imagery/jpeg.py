"""The marker segments of a JPEG file before the first scan (ITU-T T.81, annex B)."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from argus.imagery.thermogram import Damaged

START = b"\xff\xd8"
APP1, APP2, APP3, APP4, APP5 = 0xE1, 0xE2, 0xE3, 0xE4, 0xE5
START_OF_SCAN, END_OF_IMAGE = 0xDA, 0xD9
MARKER = re.compile(rb"\xff++([^\x00\xff])", re.DOTALL)  # fill bytes may precede any marker
MAX_SEGMENTS = 4096  # thermal files have up to a few hundred; a 64 MiB file could contain 16 million empty ones

EXIF = b"Exif\0\0"
XMP = b"http://ns.adobe.com/xap/1.0/\0"


@dataclass(frozen=True)
class Segment:
    """One marker segment; `payload` follows the length."""

    marker: int
    payload: memoryview

    def starts_with(self, prefix: bytes) -> bool:
        return self.payload[: len(prefix)] == prefix


def segments(data: bytes) -> Iterator[Segment]:
    """The segments before the image data, in the order of the file. Raises Damaged."""
    view, position = memoryview(data), len(START)
    for _ in range(MAX_SEGMENTS):
        match = MARKER.match(data, position)
        if not match:
            raise Damaged("jpeg_marker", position=position)
        marker, start = match[1][0], match.end()
        if marker in (START_OF_SCAN, END_OF_IMAGE):
            return
        size = int.from_bytes(data[start : start + 2], "big")
        position = start + size
        if size < 2 or position > len(data):
            raise Damaged("jpeg_segment", position=start)
        yield Segment(marker, view[start + 2 : position])
    raise Damaged("jpeg_segments", max_segments=MAX_SEGMENTS)
