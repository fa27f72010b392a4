"""The blocks of an image in PDF reports: accuracy, picture, settings and statistics of its temperatures."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from argus.core.pdf import MM, Block, Item, Typesetter, heading, key_values, note, number
from argus.imagery.report.drawing import MAX_LABELS, drawing
from argus.imagery.report.picture import Picture
from argus.reports.model import Mark

_Labels = Mapping[str, tuple[str, Callable[[Any], str]]]


def _percent(fraction: Any) -> str:
    return number(fraction * 100 if isinstance(fraction, int | float) else None, 0, "%")


_SETTINGS: _Labels = {
    "emissivity": ("Emissivity", lambda value: number(value, 2)),
    "distance_metres": ("Distance", lambda value: number(value, 1, "m")),
    "reflected_celsius": ("Reflected temperature", lambda value: number(value, 1, "°C")),
    "atmospheric_celsius": ("Atmospheric temperature", lambda value: number(value, 1, "°C")),
    "relative_humidity": ("Relative humidity", _percent),
    "window_celsius": ("Window temperature", lambda value: number(value, 1, "°C")),
    "window_transmission": ("Window transmission", lambda value: number(value, 2)),
    "distance_source": ("Distance from", lambda value: value or "–"),
}
_STATISTICS: _Labels = {
    key: (label, lambda value: number(value, 1, "°C"))
    for key, label in (
        ("min_celsius", "Coldest measured"),
        ("p5_celsius", "5th percentile"),
        ("mean_celsius", "Mean"),
        ("p95_celsius", "95th percentile"),
        ("max_celsius", "Hottest measured"),
    )
}
_COMPUTED = (
    "Temperatures are computed from the calibration in the file and the settings below{bound}. Their accuracy depends "
    "on these settings, mainly on the emissivity."
)
_STATED = "The file states these temperatures. It does not state the settings with which they were made."


def blocks(picture: Picture, typesetter: Typesetter, marks: Sequence[Mark]) -> Iterator[Item]:
    """The blocks of a picture with outlined and numbered findings."""
    yield Item(_accuracy_note(picture, typesetter), space_before=3 * MM)
    unmeasured = picture.pixels.out_of_range > 0
    for lead, text, caution in (
        ("Range.", _range_text(picture), unmeasured),
        ("Notes.", " ".join(picture.notes), False),
    ):
        if text:
            yield Item(note(typesetter, lead, text, caution=caution), space_before=2 * MM)
    yield Item(drawing(picture, marks), space_before=4 * MM, with_next=12 * MM)
    yield Item(typesetter.paragraph(_caption(picture, len(marks)), "caption", limit=400), space_before=2 * MM)
    yield heading(typesetter, "Measurement settings", with_next=13 * MM)
    settings = _labelled(picture.parameters, _SETTINGS)
    yield Item(key_values(typesetter, settings, columns=4), space_before=2 * MM)
    yield heading(typesetter, "Temperatures in the image", with_next=13 * MM)
    statistics = _labelled(picture.statistics, _STATISTICS)
    yield Item(key_values(typesetter, statistics, columns=5), space_before=2 * MM)


def _accuracy_note(picture: Picture, typesetter: Typesetter) -> Block:
    if picture.accuracy_note:
        lead, _, text = picture.accuracy_note.partition(": ")
        return note(typesetter, f"{lead}.", text[:1].upper() + text[1:], caution=True)
    if not any(picture.parameters.values()):
        return note(typesetter, "Temperatures of the file.", _STATED)
    error = picture.accuracy.error_celsius
    bound = "" if error is None else f", as by the manufacturer’s software within {error:g} °C"
    return note(typesetter, "Exact conversion.", _COMPUTED.format(bound=bound))


def _range_text(picture: Picture) -> str:
    """How many pixels were not measured, and what that means for the page."""
    if not picture.range_note or not picture.pixels.out_of_range:
        return picture.range_note
    hatched = "Pixels out of the camera’s range are hatched in the picture and left out of the temperatures below."
    bound = " The hottest are at least as hot as the camera’s limit." if picture.pixels.above_range else ""
    return f"{picture.range_note} {hatched}{bound}"


def _caption(picture: Picture, marked: int) -> str:
    colours = f"{number(picture.low_celsius, 1)} to {number(picture.high_celsius, 1, '°C')}"
    caption = f"Colours range from {colours}. Measured pixels outside this range have the colour of the nearer limit."
    if not marked:
        return caption
    limit = f", for the {MAX_LABELS} most severe where there is room" if marked > MAX_LABELS else ""
    return f"{caption} Outlined regions have the numbers of the findings table{limit}."


def _labelled(values: Mapping[str, float], labels: _Labels) -> list[tuple[str, str]]:
    """Values with a label in the order of the labels, then the other values under their keys."""
    labelled = [(label, show(values[key])) for key, (label, show) in labels.items() if key in values]
    return labelled + [(key, number(value, 3)) for key, value in values.items() if key not in labels]
