"""What reports show of an image: its metadata in every format, and in PDF its picture with outlined findings."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING, Any

from argus.imagery.model import Accuracy, Products
from argus.imagery.png import colour_bar_in
from argus.imagery.report import shapes
from argus.imagery.report.picture import Picture
from argus.reports.model import Column, Mark, PdfSection, TargetSection

if TYPE_CHECKING:
    from argus.core.pdf import Item, Typesetter


def _centroid(axis: int, location: Mapping[str, Any]) -> float | None:
    centroid = shapes.centroid(location)
    return centroid[axis] if centroid else None


COLUMNS = (
    Column("peak_celsius", "Peak\n°C", decimals=1),
    Column("mean_celsius"),
    Column("background_celsius"),
    Column("delta_celsius", "∆T\n°C", decimals=1, width_millimetres=14),
    Column("area_pixels", "Area\npixels", decimals=0),
    Column("perimeter_pixels"),
    Column("above_range_pixels"),
    Column("centroid_x_pixels", locate=partial(_centroid, 0)),
    Column("centroid_y_pixels", locate=partial(_centroid, 1)),
)


def section(name: str, products: Products, read: Callable[[str], bytes] | None) -> TargetSection:
    """The section of an image. `read` returns a product by its name; None if the format shows no blocks."""
    capture = products.capture
    preview = read(products.stored_preview) if read else b""
    picture = Picture(
        preview_png=preview,
        colour_bar_png=colour_bar_in(preview) if read else b"",
        width=capture.width,
        height=capture.height,
        name=name,
        low_celsius=products.bounds.low_celsius,
        high_celsius=products.bounds.high_celsius,
        accuracy=capture.accuracy,
        camera=" ".join(part for part in (capture.camera.make, capture.camera.model) if part),
        taken_at=capture.taken_at,
        taken_at_local=capture.taken_at_local,
        statistics=asdict(products.statistics),
        parameters=asdict(capture.parameters),
        pixels=products.pixels,
        limits=capture.limits,
        set_range=capture.set_range,
        notes=[each.sentence() for each in capture.notes],
    )
    return section_of(picture)


def section_of(picture: Picture) -> TargetSection:
    """The section that shows a picture."""
    return TargetSection(
        picture.name,
        details=picture.details(),
        columns=picture.columns(),
        pdf=PdfSection(
            title="Thermal inspection report",
            facts={
                "Camera": picture.camera or "not in the file",
                "Taken": picture.taken_at or _by_the_camera(picture.taken_at_local),
                "Image size": f"{picture.width} × {picture.height} pixels",
                "Temperatures": _accuracy(picture.accuracy),
            },
            blocks=partial(_blocks, picture),
        ),
    )


def _by_the_camera(local: str | None) -> str | None:
    return f"{local.replace('T', ' ')} by the camera’s clock" if local else None


def _accuracy(accuracy: Accuracy) -> str:
    bound = "" if accuracy.error_celsius is None else f", within {accuracy.error_celsius:g} °C"
    return f"{accuracy.kind}{bound}"


def _blocks(picture: Picture, typesetter: "Typesetter", marks: Sequence[Mark]) -> "Iterator[Item]":
    from argus.imagery.report.blocks import blocks  # imports reportlab

    return blocks(picture, typesetter, marks)
