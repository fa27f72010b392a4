"""Imagery's resources for the tests of all routes."""

from typing import Any

from services.local.demo.scenes import flir_scene
from tests.imagery.uploads import uploaded


def _image(resources: Any) -> str:
    data, _ = flir_scene(seed=3, width=80, height=60, leaks=1)
    return str(uploaded(resources.owner, resources.workers, data)["id"])


CREATORS = {"image_id": _image}
QUERIES = {"images.get_temperature": "x=0&y=0"}
