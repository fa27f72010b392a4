"""Tables: values below their labels, and rows below repeated headings."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import Any, Literal

from reportlab.lib.styles import ParagraphStyle
from reportlab.platypus import Table

from argus.core.pdf import style
from argus.core.pdf.pages import HEIGHT, MM, WIDTH
from argus.core.pdf.paragraphs import Paragraph
from argus.core.pdf.rows import Cell, Row, Rows
from argus.core.pdf.text import Typesetter

_MIN_WIDTH = 20 * MM  # of a column that has no width of its own
_HEADING_LIMIT = 60  # characters of each line
_KEY_LIMIT = 40  # characters of a key
_PADDING = 4  # at the left and right of cells

Cells = Sequence[Any]  # of a row: text or, in a text column, a paragraph or several below each other


@dataclass(frozen=True)
class Column:
    """A column of a table. Columns without a width share the width that the others leave."""

    heading: str  # may have several lines
    width: float | None = None  # in points, as all lengths here: 20 * MM
    kind: Literal["text", "number", "key"] = "text"  # only text is wrapped; numbers are right-aligned, keys are bold


def key_values(
    typesetter: Typesetter, pairs: Sequence[tuple[str, str]], *, columns: int, limit: int | None = 200
) -> Table:
    """Values in columns, each below its label. `limit` is that of each value; None: they have no limit."""
    cells = [
        [typesetter.paragraph(label, "label", limit=60), typesetter.paragraph(value, "value", limit=limit)]
        for label, value in pairs
    ]
    cells += [[] for _ in range(-len(cells) % columns or (0 if cells else columns))]
    rows = [cells[start : start + columns] for start in range(0, len(cells), columns)]
    table = Table(rows, colWidths=[WIDTH / columns] * columns)
    table.setStyle(
        [
            ("VALIGN", (0, 0), (-1, -1), "TOP"),
            ("LINEABOVE", (0, 0), (-1, -1), 0.4, style.LINE),
            ("LEFTPADDING", (0, 0), (-1, -1), 0),
            ("RIGHTPADDING", (0, 0), (-1, -1), 8),
            ("TOPPADDING", (0, 0), (-1, -1), 3),
            ("BOTTOMPADDING", (0, 0), (-1, -1), 5),
        ]
    )
    return table


def table(
    typesetter: Typesetter,
    columns: Sequence[Column],
    rows: Sequence[Cells],
    *,
    totals: Sequence[Cells] = (),
    limit: int | None = 300,
) -> Rows:
    """Rows below headings that are repeated on every page. Totals are bold, and on the page of the last row.

    `limit` is that of each cell of a text column; None: they have no limit. Raises ValueError if the columns do not fit
    on the page.
    """
    lefts, widths = _positions(columns)

    def row(cells: Cells, name: str) -> Row:
        return Row([_cell(typesetter, *each, name, limit) for each in zip(columns, widths, cells, strict=True)])

    head = Row([_heading(typesetter, *each) for each in zip(columns, widths, strict=True)], has_thick_line=True)
    body = [row(cells, "cell") for cells in rows]
    foot = [row(cells, "total") for cells in totals]
    if body and foot:
        body[-1] = replace(body[-1], has_thick_line=True)
    last = [*body[-1:], *foot] if foot else []
    is_on_a_page = sum(row.height for row in (head, *last)) <= HEIGHT
    return Rows(head, [*body, *foot], lefts, together=len(last) if is_on_a_page else 0)


def _heading(typesetter: Typesetter, column: Column, width: float) -> Cell:
    lines = (typesetter.line(line, limit=_HEADING_LIMIT) for line in column.heading.split("\n"))
    name = "label of numbers" if column.kind == "number" else "label"
    return _set(Paragraph("\n".join(lines), style.style(name)), width)


def _cell(typesetter: Typesetter, column: Column, width: float, cell: Any, name: str, limit: int | None) -> Cell:
    if not isinstance(cell, str):
        return _set(cell, width)
    if column.kind == "text":
        return _set(typesetter.paragraph(cell, name, limit=limit), width)
    if column.kind == "key":
        return _set(Paragraph(typesetter.line(cell, limit=_KEY_LIMIT), style.style("total"), is_wrapped=False), width)
    figure = typesetter.line(cell, limit=None)
    full = style.style("total number" if name == "total" else "number")
    size = style.fitting_size(figure, font=full.fontName, size=full.fontSize, width=width)
    smaller = full if size == full.fontSize else ParagraphStyle("figure", full, fontSize=size)
    return _set(Paragraph(figure, smaller, is_wrapped=False), width)


def _set(content: Paragraph | Cell, width: float) -> Cell:
    """A cell whose paragraphs are broken into lines."""
    cell = [content] if isinstance(content, Paragraph) else content
    for paragraph in cell:
        paragraph.wrap(width)
    return cell


def _positions(columns: Sequence[Column]) -> tuple[list[float], list[float]]:
    """The left edges and the widths of the cells. There is space at both sides of each, but none left of the first."""
    widths = _widths(columns)
    indents = [0.0, *[_PADDING] * (len(columns) - 1)]
    lefts = [edge + indent for edge, indent in zip(accumulate(widths, initial=0.0), indents, strict=False)]
    return lefts, [width - indent - _PADDING for width, indent in zip(widths, indents, strict=True)]


def _widths(columns: Sequence[Column]) -> list[float]:
    fixed = sum(column.width for column in columns if column.width is not None)
    sharing = sum(column.width is None for column in columns)
    share = (WIDTH - fixed) / max(sharing, 1)
    if share < (_MIN_WIDTH if sharing else 0):
        needed = [f"{_name(column)} {column.width or _MIN_WIDTH:.0f}" for column in columns]
        total = fixed + sharing * _MIN_WIDTH
        raise ValueError(f"columns need {total:.0f} points, a page has {WIDTH:.0f}: {', '.join(needed)}")
    return [share if column.width is None else column.width for column in columns]


def _name(column: Column) -> str:
    heading = " ".join(column.heading.split())
    return f"'{heading}'" if column.width is not None else f"'{heading}' at least"
