"""An external decoder for ARGUS_DJI_DECODER: dji_irp, the program in DJI's Thermal SDK.

    /usr/bin/env LD_LIBRARY_PATH=/opt/dji /usr/bin/python3 /opt/dji/dji_irp.py /opt/dji/dji_irp {input} {output}

DJI's licence does not allow others to distribute the SDK. `dji_irp` writes raw float32 pixels without a header; this
file adds the header of a TIFF. It uses only the standard library.
"""

import struct
import subprocess
import sys
from pathlib import Path

SIZES = {4 * width * height: (width, height) for width, height in ((640, 512), (1280, 1024), (336, 256), (160, 120))}
LONG, SHORT = 4, 3
HEADER_SIZE = 8


def main(program: str, source: str, target: str) -> None:
    """Convert one file. Raises SystemExit with the program's message if it fails."""
    raw = Path(target).with_name("dji_irp.raw")
    command = [program, "-s", source, "-a", "measure", "--measurefmt", "float32", "-o", str(raw)]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    pixels = raw.read_bytes() if raw.exists() else b""
    if done.returncode or len(pixels) not in SIZES:
        raise SystemExit(f"dji_irp ended with {done.returncode} and wrote {len(pixels)} bytes: {done.stdout[-300:]}")
    Path(target).write_bytes(tiff(pixels, *SIZES[len(pixels)]))


def tiff(pixels: bytes, width: int, height: int) -> bytes:
    """A TIFF with one strip of little-endian float32 pixels (TIFF 6.0, section 2)."""
    entries = [(256, LONG, width), (257, LONG, height), (258, SHORT, 32), (259, SHORT, 1), (262, SHORT, 1)]
    entries += [(273, LONG, 0), (277, SHORT, 1), (278, LONG, height), (279, LONG, len(pixels)), (339, SHORT, 3)]
    start = HEADER_SIZE + 2 + 12 * len(entries) + 4
    directory = b"".join(
        struct.pack("<HHII", tag, kind, 1, start if tag == 273 else value) for tag, kind, value in entries
    )
    return struct.pack("<2sHIH", b"II", 42, HEADER_SIZE, len(entries)) + directory + bytes(4) + pixels


if __name__ == "__main__":
    main(*sys.argv[1:])
