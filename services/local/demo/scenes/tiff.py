"""16-bit TIFFs, with or without GDAL's temperature scale."""

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.TiffImagePlugin import ImageFileDirectory_v2


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
