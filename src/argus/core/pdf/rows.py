"""The rows of a table below a head that is repeated on every page."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from reportlab.platypus import Flowable

from argus.core.pdf import style
from argus.core.pdf.paragraphs import Paragraph, Pen

_PADDING = 3.5  # above and below the cells of a row

Cell = Sequence[Paragraph]  # below each other, broken into lines


@dataclass(frozen=True)
class Row:
    """Cells side by side, above a line."""

    cells: Sequence[Cell]
    has_thick_line: bool = False  # below it, instead of a thin one

    @cached_property
    def height(self) -> float:
        return max(map(_height, self.cells)) + 2 * _PADDING

    def split(self, height: float) -> list["Row"]:
        """The row in two parts, of which the first fits; none if no line fits."""
        parts = [_split(cell, height - 2 * _PADDING) for cell in self.cells]
        if not any(first for first, _ in parts):
            return []
        return [Row([first for first, _ in parts]), replace(self, cells=[rest for _, rest in parts])]

    def draw(self, pen: Pen, lefts: Sequence[float], y: float, *, at_bottom: bool) -> None:
        """Draw the cells above `y`, at the bottom or the top of the row."""
        for left, cell in zip(lefts, self.cells, strict=True):
            top = y + _PADDING + (_height(cell) if at_bottom else self.height - 2 * _PADDING)
            for paragraph in cell:
                top -= paragraph.style.spaceBefore
                paragraph.draw_with(pen, left, top)
                top -= paragraph.height


def _height(cell: Cell) -> float:
    height: float = sum(paragraph.height + paragraph.style.spaceBefore for paragraph in cell)
    return height


def _split(cell: Cell, height: float) -> tuple[Cell, Cell]:
    for index, paragraph in enumerate(cell):
        height -= paragraph.style.spaceBefore
        parts = paragraph.split(paragraph.width, height)
        if parts != [paragraph]:
            return [*cell[:index], *parts[:1]], [*(parts[1:] or [paragraph]), *cell[index + 1 :]]
        height -= paragraph.height
    return cell, []


class Rows(Flowable):
    """Rows with the same columns, which begin at `lefts`. The last `together` rows stay on one page."""

    def __init__(self, head: Row, rows: Sequence[Row], lefts: Sequence[float], *, together: int) -> None:
        super().__init__()
        self.head, self.rows, self.lefts, self.together = head, rows, lefts, together
        self.splitInRow = False  # set by `pages._parts`, as for reportlab's tables

    def wrap(self, width: float, _height: float) -> tuple[float, float]:
        self.width, self.height = width, self.head.height + sum(row.height for row in self.rows)
        return self.width, self.height

    def split(self, width: float, height: float) -> list["Rows"]:
        if not self.rows or self.wrap(width, height)[1] <= height:
            return [self]
        room = height - self.head.height
        count = self._fitting(room)
        apart = min(count, len(self.rows) - self.together)
        if apart > 0:
            return self._split_at(self.rows[:apart], self.rows[apart:])
        if not self.splitInRow:
            return []
        if count:  # there is no page with room for the rows that should stay together
            return self._split_at(self.rows[:count], self.rows[count:])
        parts = self.rows[0].split(room)
        return self._split_at(parts[:1], [*parts[1:], *self.rows[1:]]) if parts else []

    def _fitting(self, room: float) -> int:
        """How many rows fit; the last one never counts."""
        for count, row in enumerate(self.rows[:-1]):
            room -= row.height
            if room < 0:
                return count
        return len(self.rows) - 1

    def _split_at(self, first: Sequence[Row], rest: Sequence[Row]) -> list["Rows"]:
        return [
            Rows(self.head, first, self.lefts, together=0),
            Rows(self.head, rest, self.lefts, together=self.together),
        ]

    def draw(self) -> None:
        pen, y = Pen(self.canv), self.height
        thin: list[float] = []
        thick: list[float] = []
        for row in (self.head, *self.rows):
            y -= row.height
            row.draw(pen, self.lefts, y, at_bottom=row is self.head)
            (thick if row.has_thick_line else thin).append(y)
        for edges, colour, width in ((thin, style.LINE, 0.4), (thick, style.ACCENT, 0.9)):
            self.canv.setStrokeColor(colour)
            self.canv.setLineWidth(width)
            self.canv.lines([(0, edge, self.width, edge) for edge in edges])
        pen.finish()
