"""Blocks of a document: headings, notes, figures."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from reportlab.lib.styles import ParagraphStyle
from reportlab.platypus import Table

from argus.core.pdf import style
from argus.core.pdf.pages import HEIGHT, MIN_PART_HEIGHT, MM, WIDTH, Drawing, Item
from argus.core.pdf.paragraphs import Paragraph
from argus.core.pdf.style import Colour
from argus.core.pdf.text import Typesetter, marked_up

_BUTT = 0  # line cap: lines end exactly at their end points
_TILE_PADDING = 9


def heading(typesetter: Typesetter, text: str, *, with_next: float = MIN_PART_HEIGHT) -> Item:
    """A heading, with an entry in the outline of the document."""
    line = typesetter.line(text)
    paragraph = typesetter.paragraph(text, "heading")
    _, height = paragraph.wrap(WIDTH, HEIGHT)

    def draw(canvas: Any, x: float, y: float) -> None:
        paragraph.wrapOn(canvas, WIDTH, HEIGHT)
        paragraph.drawOn(canvas, x, y)
        key = f"heading {canvas.getPageNumber()} {y:.1f}"
        canvas.bookmarkHorizontal(key, 0, y + height + 5)
        canvas.addOutlineEntry(line, key, level=0)

    return Item(Drawing(height, draw), space_before=5.5 * MM, with_next=with_next)


def note(typesetter: Typesetter, lead: str, text: str, *, caution: bool = False, limit: int | None = 3_000) -> Table:
    """A box with a text that begins with a bold sentence. `limit` is that of the text; None: it has no limit."""
    colour, shade = (style.CAUTION, style.CAUTION_SHADE) if caution else (style.LINE, style.SHADE)
    markup = f"<b>{typesetter.markup(lead)}</b> {typesetter.markup(text, limit=limit)}"
    table = Table([[marked_up(markup, "value")]], colWidths=[WIDTH])
    table.setStyle(
        [
            ("BACKGROUND", (0, 0), (-1, -1), shade),
            ("LINEBEFORE", (0, 0), (0, -1), 3, colour, _BUTT),
            ("LEFTPADDING", (0, 0), (-1, -1), 9),
            ("TOPPADDING", (0, 0), (-1, -1), 5),
            ("BOTTOMPADDING", (0, 0), (-1, -1), 6),
        ]
    )
    return table


class Tile(NamedTuple):
    """A figure above its label, below a line in its colour."""

    figure: str
    label: str
    colour: Colour


def tiles(typesetter: Typesetter, items: Sequence[Tile]) -> Table:
    """Figures side by side, in equal columns. A figure that is wider than its column is set smaller."""
    width = WIDTH / len(items)
    cells = [
        [_figure(typesetter, tile.figure, width - 2 * _TILE_PADDING), _label(typesetter, tile.label)] for tile in items
    ]
    table = Table([cells], colWidths=[width] * len(cells))
    table.setStyle(
        [
            ("BACKGROUND", (0, 0), (-1, -1), style.SHADE),
            ("LEFTPADDING", (0, 0), (-1, -1), _TILE_PADDING),
            ("TOPPADDING", (0, 0), (-1, -1), 5),
            ("BOTTOMPADDING", (0, 0), (-1, -1), 6),
            ("INNERGRID", (0, 0), (-1, -1), 3, style.PAPER),
            *(("LINEABOVE", (column, 0), (column, 0), 3, tile.colour, _BUTT) for column, tile in enumerate(items)),
        ]
    )
    return table


def _label(typesetter: Typesetter, label: str) -> Paragraph:
    return typesetter.paragraph(label, "label", limit=60)


def _figure(typesetter: Typesetter, figure: str, width: float) -> Paragraph:
    line, full = typesetter.line(figure, limit=None), style.style("tile")
    size = style.fitting_size(line, font=full.fontName, size=full.fontSize, width=width)
    return Paragraph(line, ParagraphStyle("figure", full, fontSize=size), is_wrapped=False)


def chip(typesetter: Typesetter, word: str, *, fill: Colour, ink: Colour) -> Paragraph:
    """A word on a coloured background, for a cell of a table."""
    return Paragraph(typesetter.line(word, limit=30), style.chip_style(fill, ink))
