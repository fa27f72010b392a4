"""The wrapper of dji_irp, DJI's program, on a program that behaves like it."""

import sys
from pathlib import Path

import numpy as np
import pytest

from argus.imagery.external import DecoderFailed, ExternalDecoder

WRAPPERS = Path(__file__).parents[3] / "services" / "worker" / "decoders"


# As DJI's program: -s source -a measure --measurefmt float32 -o output. It writes pixels without a header.
IRP = """#!{python}
import array, sys
options = dict(zip(sys.argv[1::2], sys.argv[2::2]))
assert options["-a"] == "measure" and options["--measurefmt"] == "float32"
assert open(options["-s"], "rb").read(2) == b"\\xff\\xd8"
open(options["-o"], "wb").write(array.array("f", (n / 1000 for n in range({pixels}))).tobytes())
print("done")
"""


def irp(folder: Path, pixels: int) -> ExternalDecoder:
    program = folder / "dji_irp"
    program.write_text(IRP.format(python=sys.executable, pixels=pixels), encoding="utf-8")
    program.chmod(0o755)
    wrapper = str(WRAPPERS / "dji_irp.py")
    return ExternalDecoder((sys.executable, wrapper, str(program), "{input}", "{output}"))


def test_the_pixels_of_dji_irp_become_a_tiff(tmp_path: Path) -> None:
    celsius = irp(tmp_path, 640 * 512).celsius(b"\xff\xd8", width=640, height=512)
    np.testing.assert_allclose(celsius.ravel(), np.arange(640 * 512) / 1000, rtol=1e-6)


def test_a_failure_of_dji_irp_has_its_message(tmp_path: Path) -> None:
    with pytest.raises(DecoderFailed, match="wrote 400 bytes: done"):
        irp(tmp_path, 100).celsius(b"\xff\xd8", width=640, height=512)
