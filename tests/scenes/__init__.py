"""Synthetic thermal files of known truth: for tests, benchmarks and the demo survey of `make run`.

Plain code on numpy and Pillow, without anything of Argus or pytest: it states the formats and formulas in its own
words, so that a decoder cannot be right about its own mistake.
"""

from tests.scenes.dji import dji_scene
from tests.scenes.flir import FlirFile, Settings, flir_scene
from tests.scenes.pipeline import Leak, Truth
from tests.scenes.survey import demo_survey
from tests.scenes.tiff import tiff16

__all__ = ["FlirFile", "Leak", "Settings", "Truth", "demo_survey", "dji_scene", "flir_scene", "tiff16"]
