"""The demo survey: a drone follows a pipeline over a fictional geothermal field."""

from datetime import timedelta

from services.local.demo.scenes.flir import SITE, TAKEN_AT, flir_scene
from services.local.demo.scenes.pipeline import Truth

LEAKS = (1, 0, 2, 3, 1, 2)  # per frame
STEP_DEGREES = (0.00022, 0.00051)  # about 25 m north and 25 m east, at 64° north
SECONDS_BETWEEN = 4


def demo_survey(seed: int = 7) -> list[tuple[str, bytes, Truth]]:
    """(file name, radiometric JPEG, truth) of each frame, 640 x 512 pixels; the same for the same seed."""
    frames = []
    for index, leaks in enumerate(LEAKS):
        latitude, longitude = (start + index * step for start, step in zip(SITE, STEP_DEGREES, strict=True))
        data, truth = flir_scene(
            seed=seed * 100 + index,
            leaks=leaks,
            position=(round(latitude, 6), round(longitude, 6), 410.0),
            taken_at=TAKEN_AT + index * timedelta(seconds=SECONDS_BETWEEN),
            record="raw" if index % 3 == 2 else "png",
        )
        frames.append((f"NORTH_P01_{index + 1:04}_T.JPG", data, truth))
    return frames
