"""Tables: values below their labels, and rows below repeated headings."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from reportlab.platypus import Table

from argus.core.pdf import style
from argus.core.pdf.pages import HEIGHT, MM, WIDTH
from argus.core.pdf.text import Typesetter, marked_up

_MIN_WIDTH = 20 * MM  # of a column that has no width of its own
_HEADING_LIMIT = 60  # characters of each line
_KEY_LIMIT = 40  # characters of a key
_SIZE, _LEADING = 7.4, 9.6  # of cells, in points, as the paragraphs of text columns
_PADDING = 4  # at the left and right of cells

Row = Sequence[Any]  # a cell is text, or a paragraph of a text column


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
    rows: Sequence[Row],
    *,
    totals: Sequence[Row] = (),
    limit: int | None = 300,
) -> Table:
    """Rows below headings that are repeated on every page. Totals are bold, and on the page of the last row.

    `limit` is that of each cell of a text column; None: they have no limit. Raises ValueError if the columns do not fit
    on the page.
    """
    head = [_heading(typesetter, column) for column in columns]
    body = [_cells(typesetter, columns, row, "cell", limit) for row in rows]
    foot = [_cells(typesetter, columns, row, "total", limit) for row in totals]
    lines = Table([head, *body, *foot], colWidths=_widths(columns), repeatRows=1)
    lines.setStyle(
        [
            ("VALIGN", (0, 0), (-1, -1), "TOP"),
            ("VALIGN", (0, 0), (-1, 0), "BOTTOM"),
            ("LINEBELOW", (0, 0), (-1, 0), 0.9, style.ACCENT),
            ("LEFTPADDING", (0, 0), (-1, -1), _PADDING),
            ("LEFTPADDING", (0, 0), (0, -1), 0),
            ("RIGHTPADDING", (0, 0), (-1, -1), _PADDING),
            ("TOPPADDING", (0, 0), (-1, -1), 3.5),
            ("BOTTOMPADDING", (0, 0), (-1, -1), 3.5),
            *(_body_style(columns) if body or foot else ()),
            *(_totals_style(columns, len(foot)) if foot else ()),
        ]
    )
    lines.setStyle(
        [*_fitted(columns, body, style.REGULAR, first=1), *_fitted(columns, foot, style.BOLD, first=-len(foot))]
    )
    if foot and _fit_on_a_page(columns, [head, *body[-1:], *foot]):
        lines.setStyle([("NOSPLIT", (0, -len(foot) - bool(body)), (-1, -1))])
    return lines


def _fit_on_a_page(columns: Sequence[Column], rows: Sequence[Sequence[Any]]) -> bool:
    _, height = Table(rows, colWidths=_widths(columns)).wrap(WIDTH, HEIGHT)
    return bool(height <= HEIGHT)


def _heading(typesetter: Typesetter, column: Column) -> Any:
    lines = (typesetter.markup(line, limit=_HEADING_LIMIT) for line in column.heading.split("\n"))
    return marked_up("<br/>".join(lines), "label of numbers" if column.kind == "number" else "label")


def _cells(typesetter: Typesetter, columns: Sequence[Column], row: Row, name: str, limit: int | None) -> list[Any]:
    return [_cell(typesetter, column, cell, name, limit) for column, cell in zip(columns, row, strict=True)]


def _cell(typesetter: Typesetter, column: Column, cell: Any, name: str, limit: int | None) -> Any:
    if not isinstance(cell, str):
        return cell
    if column.kind == "text":
        return typesetter.paragraph(cell, name, limit=limit)
    return typesetter.line(cell, limit=None if column.kind == "number" else _KEY_LIMIT)


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


def _body_style(columns: Sequence[Column]) -> Iterator[tuple[Any, ...]]:
    yield "LINEBELOW", (0, 1), (-1, -1), 0.4, style.LINE
    yield "TEXTCOLOR", (0, 1), (-1, -1), style.INK
    for index, column in enumerate(columns):
        if column.kind != "text":
            font = style.BOLD if column.kind == "key" else style.REGULAR
            yield "FONT", (index, 1), (index, -1), font, _SIZE, _LEADING
        if column.kind == "number":
            yield "ALIGN", (index, 1), (index, -1), "RIGHT"


def _fitted(columns: Sequence[Column], rows: Sequence[Row], font: str, *, first: int) -> Iterator[tuple[Any, ...]]:
    """A smaller size for each number that is wider than its column; the rows begin with row `first` of the table."""
    widths = _widths(columns)
    for index, column in enumerate(columns):
        for number, row in enumerate(rows, start=first):
            if column.kind == "number" and isinstance(row[index], str):
                size = style.fitting_size(row[index], font=font, size=_SIZE, width=widths[index] - 2 * _PADDING)
                if size < _SIZE:
                    yield "FONT", (index, number), (index, number), font, size, _LEADING


def _totals_style(columns: Sequence[Column], count: int) -> Iterator[tuple[Any, ...]]:
    yield "LINEABOVE", (0, -count), (-1, -count), 0.9, style.ACCENT
    for index, column in enumerate(columns):
        if column.kind == "number":
            yield "FONT", (index, -count), (index, -1), style.BOLD, _SIZE, _LEADING
