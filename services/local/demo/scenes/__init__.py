"""Synthetic thermal files with known temperatures, for tests, benchmarks and the demo survey of `make run`.

The code uses numpy and Pillow, but neither Argus nor pytest: formats and formulas are implemented a second time, so
that a mistake in a decoder is not repeated here.
"""

from services.local.demo.scenes.dji import Setting, dji_scene
from services.local.demo.scenes.flir import FlirFile, Settings, flir_scene
from services.local.demo.scenes.pipeline import Leak, Truth
from services.local.demo.scenes.survey import demo_survey
from services.local.demo.scenes.tiff import plain_tiff, tiff16

__all__ = [
    "FlirFile",
    "Leak",
    "Setting",
    "Settings",
    "Truth",
    "demo_survey",
    "dji_scene",
    "flir_scene",
    "plain_tiff",
    "tiff16",
]
