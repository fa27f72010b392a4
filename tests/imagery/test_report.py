"""What reports show of an image."""

import csv
import io
import json
from dataclasses import replace
from typing import Any

import pytest

from argus.core import pdf
from argus.core.pdf.style import CAUTION_SHADE
from argus.imagery.model import Accuracy, AccuracyKind, PixelCounts, Span
from argus.imagery.report import shapes
from argus.imagery.report.drawing import drawing
from argus.imagery.report.section import COLUMNS, section_of
from argus.reports import as_csv, as_geojson, as_json, as_pdf
from argus.reports.data import ReportData
from argus.reports.model import Mark
from argus.scanning.model import Severity, Status
from tests import documents
from tests.reports.report_data import finding, flat_png, plain_picture, report_data

FINDING = finding(1, title="Wet insulation", severity=Severity.HIGH, status=Status.NEW)


def first_page(known: ReportData) -> str:
    return documents.pages(as_pdf.build(known))[0]


def mark(number: int, location: dict[str, Any]) -> Mark:
    return Mark(
        number=number,
        title="Hot spot",
        rule="hotspot",
        severity=Severity.LOW,
        location=location,
        evidence={},
        fill=pdf.colour("#2f7fb8"),
        ink=pdf.PAPER,
    )


# ---------------------------------------------------------------- the section


def test_the_section_has_the_metadata_of_the_image_without_its_pixels() -> None:
    picture = plain_picture()

    section = section_of(picture)

    assert (section.name, section.facts) == (picture.name, {})
    assert list(section.details) == [
        "width", "height", "name", "low_celsius", "high_celsius", "accuracy", "camera", "taken_at",
        "taken_at_local", "statistics",
        "parameters", "pixels", "limits", "set_range", "notes", "accuracy_note", "range_note",
    ]  # fmt: skip
    assert section.pdf.title == "Thermal inspection report"
    assert section.pdf.facts == {
        "Camera": "FLIR T640",
        "Taken": picture.taken_at,
        "Image size": "64 × 48 pixels",
        "Temperatures": "exact, within 0.001 °C",
    }
    assert section_of(plain_picture(camera="")).pdf.facts["Camera"] == "not in the file"
    local = plain_picture(taken_at=None, taken_at_local="2025-05-14T06:20:00")
    assert section_of(local).pdf.facts["Taken"] == "2025-05-14 06:20:00 by the camera’s clock"
    assert section_of(plain_picture(taken_at=None)).pdf.facts["Taken"] is None


def test_settings_and_statistics_have_units() -> None:
    shown = " ".join(documents.pages(as_pdf.build(report_data(FINDING, picture=plain_picture()))))

    for line in (
        "Emissivity 0.95",
        "Distance 12.0 m",
        "Reflected temperature \u22123.5 °C",
        "Relative humidity 62 %",
        "95th percentile 15.9 °C",
    ):
        assert line in shown


@pytest.mark.parametrize(
    ("pixels", "shown", "not_shown"),
    [
        (PixelCounts(3072), [], ["Range.", "hatched", "Notes."]),
        (
            PixelCounts(2072, 1000),
            ["1,000 colder than the camera can measure (-40 °C)", "hatched"],
            ["at least as hot"],
        ),
        (PixelCounts(3000, 0, 72), ["72 hotter than the camera can measure (150 °C)", "at least as hot"], []),
        (PixelCounts(3000, 0, 0, 72), ["72 without a temperature"], ["hatched"]),
        (
            PixelCounts(3072, 0, 0, 0, 5),
            ["Range.", "5 measured outside the range to which the camera was"],
            ["hatched"],
        ),
    ],
    ids=["all measured", "below", "above", "no data", "outside the set range"],
)
def test_the_page_says_what_was_not_measured(pixels: PixelCounts, shown: list[str], not_shown: list[str]) -> None:
    picture = plain_picture(pixels=pixels, limits=Span(-40, 150), set_range=Span(-20, 120))
    page = " ".join(first_page(report_data(FINDING, picture=picture)).split())
    assert [text for text in shown if text not in page] == []
    assert [text for text in not_shown if text in page] == []


def test_notes_are_on_the_page() -> None:
    assert "Notes. The TIFF states no unit." in first_page(
        report_data(FINDING, picture=plain_picture(notes=["The TIFF states no unit."]))
    )


def test_a_setting_without_a_label_is_shown_under_its_key() -> None:
    assert "gain 1.500" in first_page(report_data(picture=plain_picture(parameters={"gain": 1.5, "emissivity": 0.9})))


def test_the_first_page_has_a_warning_about_approximate_temperatures() -> None:
    approximate, exact = (
        first_page(report_data(FINDING, picture=plain_picture(accuracy=accuracy)))
        for accuracy in (Accuracy(AccuracyKind.APPROXIMATE, 2.8), Accuracy(AccuracyKind.EXACT, 0.3))
    )

    assert "Approximate temperatures." in approximate
    assert "by up to 2.8 °C" in approximate
    assert "Approximate temperatures." not in exact
    assert "Exact conversion." in exact
    assert "within 0.3 °C" in exact


def test_only_approximate_temperatures_have_the_caution_colour() -> None:
    caution = " ".join(f"{part:.6f}".strip("0") for part in CAUTION_SHADE.rgb()).replace("1. ", "1 ")

    streams = [
        documents.read(as_pdf.build(report_data(FINDING, picture=plain_picture(accuracy=accuracy))))
        .pages[0]
        .get_contents()
        .get_data()
        for accuracy in (Accuracy(AccuracyKind.APPROXIMATE, 2.8), Accuracy(AccuracyKind.EXACT, 0.3))
    ]

    assert [f"{caution} rg".encode() in stream for stream in streams] == [True, False]


@pytest.mark.parametrize(
    ("accuracy", "note"),
    (
        (Accuracy(AccuracyKind.EXACT, 0.3), ""),
        (Accuracy(AccuracyKind.APPROXIMATE, 2.8), "by up to 2.8 °C"),
        (Accuracy(AccuracyKind.APPROXIMATE, None), "by an unknown amount"),
    ),
    ids=str,
)
def test_every_format_has_the_accuracy_and_its_warning(accuracy: Accuracy, note: str) -> None:
    data = report_data(FINDING, picture=plain_picture(accuracy=accuracy))
    kind, error = accuracy.kind.value, accuracy.error_celsius

    image = json.loads(as_json.build(data))["image"]
    (feature,) = json.loads(as_geojson.build(data))["features"]
    (row,) = csv.DictReader(io.StringIO(as_csv.build(data).decode("utf-8-sig"), newline=""))

    assert image["accuracy"] == {"kind": kind, "error_celsius": error}
    properties = feature["properties"]
    assert (properties["accuracy"], properties["accuracy_error_celsius"]) == (kind, error)
    assert (row["accuracy"], row["accuracy_error_celsius"]) == (kind, "" if error is None else str(error))
    for text in (image["accuracy_note"], properties["accuracy_note"], row["accuracy_note"]):
        assert note in text
        assert bool(text) == bool(note)
    if note:
        assert note in first_page(data)


def test_geojson_has_the_accuracy_also_without_findings() -> None:
    picture = plain_picture(accuracy=Accuracy(AccuracyKind.APPROXIMATE, 2.8))
    report = json.loads(as_geojson.build(report_data(picture=picture)))
    assert (report["features"], report["argus"]["accuracy_error_celsius"]) == ([], 2.8)
    assert report["argus"]["accuracy_note"]


def test_temperatures_that_a_file_states_have_no_settings() -> None:
    stated = first_page(report_data(FINDING, picture=plain_picture(parameters=dict.fromkeys(["emissivity"]))))

    assert "The file states these temperatures." in stated
    assert "None" not in stated


# ---------------------------------------------------------------- measurements


def test_the_columns_are_the_measurements_and_the_centroid_in_pixels() -> None:
    evidence = {"peak_celsius": 71.25, "delta_celsius": -3.5, "area_pixels": 12, "pipe": "B7"}
    location = {"polygon": [[0, 0], [4, 0], [4, 4], [0, 4], [0, 0]]}

    assert {column.name: column.value(evidence, location) for column in COLUMNS} == {
        "peak_celsius": 71.25,
        "mean_celsius": None,
        "background_celsius": None,
        "delta_celsius": -3.5,
        "area_pixels": 12,
        "perimeter_pixels": None,
        "above_range_pixels": None,
        "centroid_x_pixels": 2.0,
        "centroid_y_pixels": 2.0,
    }


@pytest.mark.parametrize(
    ("location", "centroid"),
    [
        ({}, None),
        ({"centroid": [10.5, 20]}, (10.5, 20.0)),
        ({"centroid": {"x": 1, "y": 2}, "polygon": [[0, 0], [4, 0], [4, 4]]}, (1.0, 2.0)),
        ({"centroid": [float("nan"), 1], "polygon": [[0, 0], [3, 0], [3, 3]]}, (2.0, 1.0)),
        ({"centroid": "1,2"}, None),
        ({"centroid": [True, 1]}, None),
        ({"centroid": [10**400, 1]}, None),
        ({"polygon": [[0, 0], [4, 0]]}, None),
        ({"polygon": [[0, 0], [4, 0], "x"]}, None),
        ({"polygon": "[[0, 0]]"}, None),
    ],
    ids=str,
)
def test_a_location_has_a_centroid_unless_its_shapes_are_invalid(
    location: dict[str, Any], centroid: tuple[float, float] | None
) -> None:
    assert shapes.centroid(location) == centroid


# ---------------------------------------------------------------- the picture


def test_fixed_and_untested_findings_are_not_outlined() -> None:
    picture = plain_picture()
    untested = [replace(FINDING, status=status) for status in (Status.FIXED, Status.NOT_TESTED)]

    assert "Outlined regions" in first_page(report_data(FINDING, picture=picture))
    assert "Outlined regions" not in first_page(report_data(*untested, picture=picture))


@pytest.mark.parametrize(("width", "height"), ((640, 512), (512, 640), (4000, 300), (60, 900)))
def test_a_picture_of_any_proportions_keeps_them_and_stays_on_the_page(width: int, height: int) -> None:
    picture = plain_picture(width=width, height=height, colour_bar_png=flat_png(184, 640))

    drawn = RecordingCanvas()
    drawn_picture = drawing(picture, [])
    drawn_picture.draw(drawn, 0, 0)

    (_, _, across, up), (legend_x, _, legend_across, _) = drawn.images
    assert across / up == pytest.approx(width / height)
    assert max(legend_x + legend_across, across) <= pdf.WIDTH + 0.01
    assert up <= drawn_picture.height + 0.01 <= pdf.HEIGHT


def test_a_region_is_outlined_at_its_position_and_numbered() -> None:
    picture = plain_picture(width=100, height=80)
    outer = mark(7, {"polygon": [[0, 0], [100, 0], [100, 80], [0, 80]]})
    inner = mark(8, {"polygon": [[50, 40], [60, 40], [60, 60]]})

    drawn = RecordingCanvas()
    drawing(picture, [outer, inner]).draw(drawn, 10, 20)

    (x, y, width, height), _ = drawn.images
    assert drawn.outlines[1][:3] == [(x, y + height), (x + width, y + height), (x + width, y)]
    assert drawn.outlines[3][0] == pytest.approx((x + width / 2, y + height / 2))
    assert drawn.texts == ["8"]  # no space around the other within the picture


def test_labels_do_not_overlap() -> None:
    marks = [mark(number, {"centroid": [50 + number, 40]}) for number in range(1, 12)]

    drawn = RecordingCanvas()
    drawing(plain_picture(width=100, height=80), marks).draw(drawn, 0, 0)

    boxes = drawn.labels
    assert len(boxes) == len(marks)
    for index, (x, y, width, height) in enumerate(boxes):
        for x2, y2, width2, height2 in boxes[index + 1 :]:
            assert x + width <= x2 or x2 + width2 <= x or y + height <= y2 or y2 + height2 <= y


class RecordingCanvas:
    """A canvas, or a path on it, that records its calls."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, tuple[Any, ...]]] = []

    def __getattr__(self, name: str) -> Any:
        def record(*arguments: Any, **_options: Any) -> Any:
            self.calls.append((name, arguments))
            return RecordingCanvas() if name == "beginPath" else None

        return record

    def calls_of(self, *names: str) -> list[tuple[Any, ...]]:
        return [arguments for name, arguments in self.calls if name in names]

    @property
    def images(self) -> list[tuple[float, ...]]:
        return [box for _, *box in self.calls_of("drawImage")]

    @property
    def outlines(self) -> list[list[tuple[float, float]]]:
        return [path.calls_of("moveTo", "lineTo") for (path,) in self.calls_of("drawPath")]

    @property
    def labels(self) -> list[tuple[float, ...]]:
        return [box[:4] for box in self.calls_of("roundRect")]

    @property
    def texts(self) -> list[str]:
        return [text for _, _, text in self.calls_of("drawCentredString")]
