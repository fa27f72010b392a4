"""TIFFs of counts, with or without GDAL's temperature scale, and of any other samples."""

import io
import struct
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.TiffImagePlugin import ImageFileDirectory_v2

from argus.imagery import tiff_tags
from argus.imagery.tiff_tags import Tag

FORMATS = {"u": 1, "i": 2, "f": 3}


def tiff16(
    counts: NDArray[np.uint16],
    *,
    scale: float | str | None = None,
    offset: float | str = 0.0,
    unit: str = "",
    nodata: str = "",
    compression: str | None = None,
) -> bytes:
    """A single-band TIFF of these counts; `scale` and `offset`, if given, are written as GDAL metadata."""
    tags = ImageFileDirectory_v2()
    if scale is not None:
        items = [("SCALE", "scale", scale), ("OFFSET", "offset", offset)]
        if unit:
            items.append(("UNITTYPE", "unittype", unit))
        lines = "".join(f'<Item name="{name}" sample="0" role="{role}">{value}</Item>' for name, role, value in items)
        tags[42112] = f"<GDALMetadata>{lines}</GDALMetadata>"
    if nodata:
        tags[42113] = nodata
    out = io.BytesIO()
    Image.fromarray(counts).save(out, "TIFF", tiffinfo=tags, compression=compression)
    return out.getvalue()


def plain_tiff(*pages: NDArray[Any], tags: tuple[Tag, ...] = (), kinds: tuple[int, ...] = ()) -> bytes:
    """A TIFF of one or several pages, uncompressed, one band of any type, little-endian.

    `tags` are of the first page; `kinds` are the subfile types (tag 254) of the pages, 0 if there are fewer.
    """
    data, following = bytearray(8), 4
    for index, page in enumerate(pages):
        height, width = page.shape
        strip = len(data)
        data += page.astype(page.dtype.newbyteorder("<")).tobytes()
        data += bytes(len(data) % 2)
        entries = [
            tiff_tags.long(254, kinds[index] if index < len(kinds) else 0),
            tiff_tags.long(256, width),
            tiff_tags.long(257, height),
            tiff_tags.short(258, 8 * page.dtype.itemsize),
            tiff_tags.short(259, 1),
            tiff_tags.short(262, 1),
            tiff_tags.long(273, strip),
            tiff_tags.short(277, 1),
            tiff_tags.long(278, height),
            tiff_tags.long(279, page.nbytes),
            tiff_tags.short(339, FORMATS[page.dtype.kind]),
            *(tags if index == 0 else ()),
        ]
        directory = len(data)
        data += tiff_tags.directory(entries, offset=directory, following=0)
        struct.pack_into("<I", data, following, directory)
        following = directory + 2 + 12 * len(entries)
    data[:4] = b"II*\0"
    return bytes(data)
