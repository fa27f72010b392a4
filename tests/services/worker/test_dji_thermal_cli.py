"""dji-thermal-cli as an external decoder: an independent judge of our law."""

import shutil
import struct
import subprocess
from pathlib import Path

import numpy as np
import pytest

from argus.imagery.decode import decode
from argus.imagery.external import DecoderFailed, ExternalDecoder
from services.local.demo.scenes import Setting, dji_scene
from tests.services.worker.pythons import newer_python

WRAPPER = Path(__file__).parents[3] / "services" / "worker" / "decoders" / "dji_thermal_cli.py"
PINNED = "dji-thermal-cli==1.4.0"
M2EA = "MAVIC2-ENTERPRISE-ADVANCED"


@pytest.fixture(scope="module")
def thermal_cli(tmp_path_factory: pytest.TempPathFactory) -> ExternalDecoder:
    """The program in an environment of its own, from PyPI."""
    folder = tmp_path_factory.mktemp("dji")
    subprocess.run([str(newer_python()), "-m", "venv", str(folder)], check=True, capture_output=True)
    python = str(folder / "bin" / "python")
    subprocess.run([python, "-m", "pip", "install", "--quiet", PINNED], check=True, capture_output=True)
    shutil.copy(WRAPPER, folder)
    return ExternalDecoder((python, str(folder / WRAPPER.name), "{input}", "{output}"))


def test_dji_thermal_cli_and_our_law_agree(thermal_cli: ExternalDecoder) -> None:
    for setting in (Setting(distance=5), Setting(distance=25, emissivity=0.7, humidity=0.9, reflected=30)):
        data, truth = dji_scene(form="M2EA", model=M2EA, setting=setting)
        theirs = decode(data, dji_decoder=thermal_cli)
        ours = decode(data)
        assert (theirs.capture.accuracy.error_celsius, ours.capture.accuracy.error_celsius) == (None, 0.3)
        assert np.abs(theirs.celsius - truth.celsius).max() < 0.3
        assert np.abs(theirs.celsius - ours.celsius).max() < 0.2


def test_what_dji_thermal_cli_refuses_is_refused_with_its_reason(thermal_cli: ExternalDecoder) -> None:
    with pytest.raises(DecoderFailed, match=r"(?i)skip"):
        thermal_cli.celsius(b"\xff\xd8" + struct.pack(">HH", 0xFFD9, 0), width=640, height=512)
