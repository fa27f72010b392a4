"""The scanned image on the page: outlined and numbered findings, with the colour legend next to it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Any

from reportlab.lib.colors import Color
from reportlab.lib.utils import ImageReader

from argus.core.pdf import BOLD, MM, PAPER, SHADE, WIDTH, Drawing
from argus.imagery.report import shapes
from argus.imagery.report.picture import Picture
from argus.reports.model import Mark

MAX_LABELS = 99  # more labels would hide the picture; the most severe findings have one

_MAX_HEIGHT = 102 * MM  # leaves space for the settings on the first page
_GAP = 4 * MM
_CASING = Color(0.05, 0.07, 0.09, 0.75)
_FONT_SIZE = 6.4
_LABEL_HEIGHT = 8.6


@dataclass(frozen=True)
class _Box:
    x: float
    y: float
    width: float
    height: float

    def overlaps(self, other: "_Box") -> bool:
        return (
            self.x < other.x + other.width
            and other.x < self.x + self.width
            and self.y < other.y + other.height
            and other.y < self.y + self.height
        )

    def is_within(self, other: "_Box") -> bool:
        return (
            other.x <= self.x
            and other.y <= self.y
            and self.x + self.width <= other.x + other.width
            and self.y + self.height <= other.y + other.height
        )


def drawing(picture: Picture, marks: Sequence[Mark]) -> Drawing:
    """The picture in its own proportions, limited by text width and maximum height. Marks are most severe first."""
    legend = ImageReader(BytesIO(picture.colour_bar_png))
    preview = ImageReader(BytesIO(picture.preview_png))
    legend_ratio = legend.getSize()[0] / legend.getSize()[1]
    ratio = picture.width / picture.height
    height = min(_MAX_HEIGHT, (WIDTH - _GAP) / (ratio + legend_ratio))
    width = height * ratio

    def draw(canvas: Any, x: float, y: float) -> None:
        frame = _Box(x, y, width, height)
        canvas.setFillColor(SHADE)
        canvas.rect(x, y, width, height, stroke=0, fill=1)
        canvas.drawImage(preview, x, y, width, height, mask="auto")
        canvas.drawImage(legend, x + width + _GAP, y, height * legend_ratio, height, mask="auto")
        _draw_marks(canvas, marks, frame, scale=width / picture.width)

    return Drawing(height, draw)


def _draw_marks(canvas: Any, marks: Sequence[Mark], frame: _Box, *, scale: float) -> None:
    """Draw outlines first and labels above them, so that no outline crosses a label."""
    canvas.saveState()
    canvas.setLineJoin(1)
    clip = canvas.beginPath()
    clip.rect(frame.x, frame.y, frame.width, frame.height)
    canvas.clipPath(clip, stroke=0, fill=0)
    anchors: list[tuple[Mark, _Box]] = []
    for mark in marks:
        outline = _outline(mark.location, frame, scale)
        if outline:
            _draw_outline(canvas, outline)
            anchors.append((mark, _around(outline)))
    taken: list[_Box] = []
    for mark, anchor in anchors[:MAX_LABELS]:
        label = _label_box(str(mark.number), anchor, frame, taken)
        if label:
            taken.append(label)
            _draw_label(canvas, mark, label)
    canvas.restoreState()


def _outline(location: Mapping[str, Any], frame: _Box, scale: float) -> list[shapes.Point]:
    """The region in points on the page, y upwards. A location without an area becomes a small diamond."""
    ring = shapes.polygon(location)
    if ring is None:
        middle = shapes.centroid(location)
        if middle is None:
            return []
        radius = 4 / scale
        ring = [(middle[0] + dx * radius, middle[1] + dy * radius) for dx, dy in ((-1, 0), (0, 1), (1, 0), (0, -1))]
    return [(frame.x + x * scale, frame.y + frame.height - y * scale) for x, y in ring]


def _draw_outline(canvas: Any, corners: Sequence[shapes.Point]) -> None:
    """A white line with a dark border, visible on every colour of every palette."""
    path = canvas.beginPath()
    path.moveTo(*corners[0])
    for corner in corners[1:]:
        path.lineTo(*corner)
    path.close()
    for colour, width in ((_CASING, 2.1), (PAPER, 0.85)):
        canvas.setStrokeColor(colour)
        canvas.setLineWidth(width)
        canvas.drawPath(path, stroke=1, fill=0)


def _draw_label(canvas: Any, mark: Mark, box: _Box) -> None:
    canvas.setFillColor(mark.fill)
    canvas.setStrokeColor(PAPER)
    canvas.setLineWidth(0.6)
    canvas.roundRect(box.x, box.y, box.width, box.height, 2, stroke=1, fill=1)
    canvas.setFillColor(mark.ink)
    canvas.setFont(BOLD, _FONT_SIZE)
    canvas.drawCentredString(box.x + box.width / 2, box.y + 2, str(mark.number))


def _around(corners: Sequence[shapes.Point]) -> _Box:
    xs, ys = [x for x, _ in corners], [y for _, y in corners]
    return _Box(min(xs), min(ys), max(xs) - min(xs), max(ys) - min(ys))


def _label_box(text: str, anchor: _Box, frame: _Box, taken: Sequence[_Box]) -> _Box | None:
    """The box of a label next to its region that overlaps no other label; None if there is no space."""
    width = 4.6 * len(text) + 4
    for x, y in _candidates(anchor, width):
        box = _Box(x, y, width, _LABEL_HEIGHT)
        if box.is_within(frame) and not any(box.overlaps(other) for other in taken):
            return box
    return None


def _candidates(anchor: _Box, width: float) -> Iterable[shapes.Point]:
    """Lower left corners for a label: above right first, then around the region, then farther away."""
    for gap in (1.5, 6.0, 12.0):
        left, right = anchor.x - width - gap, anchor.x + anchor.width + gap
        below, above = anchor.y - _LABEL_HEIGHT - gap, anchor.y + anchor.height + gap
        middle_x = anchor.x + (anchor.width - width) / 2
        middle_y = anchor.y + (anchor.height - _LABEL_HEIGHT) / 2
        yield from (
            (right, above), (left, above), (right, below), (left, below),
            (middle_x, above), (right, middle_y), (left, middle_y), (middle_x, below),
        )  # fmt: skip
