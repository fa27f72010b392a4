"""Page layout: all pages are laid out first and then drawn, so that each page can show the number of pages."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from io import BytesIO
from typing import Any

from reportlab import rl_config
from reportlab.lib.pagesizes import A4
from reportlab.lib.units import mm
from reportlab.pdfbase.pdfmetrics import stringWidth
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Table

from argus.core.languages import ENGLISH, Language, Text
from argus.core.pdf import style
from argus.core.pdf.rows import Rows
from argus.core.pdf.text import Typesetter
from argus.core.text import well_formed

# Binary streams: as text they would be a quarter larger and take a third of the total time.
rl_config.useA85 = 0

MM = mm  # a millimetre in points, the unit of all lengths here
LEFT = RIGHT = 18 * MM
TOP, BOTTOM = 25 * MM, 21 * MM  # contain the header and the footer
WIDTH = A4[0] - LEFT - RIGHT
HEIGHT = A4[1] - TOP - BOTTOM

MIN_PART_HEIGHT = 30 * MM  # the smallest part of a block at the bottom of a page
_MAX_FOOTER_LINES = 3
_FOOTER_LEADING = 3 * MM

_LANGUAGE_TAGS: Mapping[Language, str] = {"en": "en-GB", "fr": "fr-FR", "es": "es-ES"}
_PAGE = Text(en="Page {number} of {pages}", fr="Page {number} sur {pages}", es="Página {number} de {pages}")


@dataclass(frozen=True)
class Drawing:
    """An indivisible block of full width. `draw(canvas, x, y)` takes its lower left corner. In points."""

    height: float
    draw: Callable[[Any, float, float], None]


Block = Any  # a `Drawing` or a reportlab flowable, which has no type


@dataclass(frozen=True)
class Item:
    """A block and its spacing, in points."""

    block: Block
    space_before: float = 0.0  # ignored at the top of a page
    with_next: float = 0.0  # height below it that must fit on the same page; if not 0, it stays with the next item


@dataclass(frozen=True)
class Placed:
    """An item and the position of the lower left corner of its block."""

    item: Item
    x: float
    y: float


Page = list[Placed]


@dataclass(frozen=True)
class Metadata:
    """The metadata of the file."""

    title: str
    author: str
    subject: str
    creator: str
    created_at: datetime
    language: Language = ENGLISH  # of the text, for screen readers, and of the number of the page


@dataclass(frozen=True)
class Frame:
    """The header and footer of every page. The number of the page is at the end of the first line of the footer."""

    brand: str  # at the top left, in bold
    left: str  # beside the brand
    right: str  # at the top right
    footer: Sequence[str]  # at most three lines of 110 characters

    def __post_init__(self) -> None:
        if isinstance(self.footer, str) or len(self.footer) > _MAX_FOOTER_LINES:
            raise ValueError(f"a footer is a sequence of at most {_MAX_FOOTER_LINES} lines, not {self.footer!r}")


def write(typesetter: Typesetter, items: Iterable[Item], frame: Frame, metadata: Metadata) -> bytes:
    """A PDF file. Equal input makes equal bytes.

    The frame is set before the items are read, so that a generator of items can end with a note if the typesetter has
    replaced characters.
    """
    style.glyphs()  # registers the typeface
    buffer = BytesIO()
    canvas = Canvas(buffer, pagesize=A4, pageCompression=1, invariant=1, lang=_LANGUAGE_TAGS[metadata.language])
    canvas.setTitle(well_formed(metadata.title))
    canvas.setAuthor(well_formed(metadata.author))
    canvas.setSubject(well_formed(metadata.subject))
    canvas.setCreator(well_formed(metadata.creator))
    canvas.setDateFormatter(lambda *_now: f"D:{metadata.created_at.astimezone(UTC):%Y%m%d%H%M%S}Z")
    legible = _legible(frame, typesetter)
    pages = _lay_out(canvas, items)
    for index, page in enumerate(pages, start=1):
        _draw_frame(canvas, legible, _PAGE.format(metadata.language, {"number": index, "pages": len(pages)}))
        for placed in page:
            _draw(canvas, placed)
        canvas.showPage()
    canvas.save()
    return buffer.getvalue()


def _legible(frame: Frame, typesetter: Typesetter) -> Frame:
    return Frame(
        brand=typesetter.line(frame.brand, limit=20),
        left=typesetter.line(frame.left, limit=45),
        right=typesetter.line(frame.right, limit=45),
        footer=[typesetter.line(line, limit=110) for line in frame.footer],
    )


def _lay_out(canvas: Any, items: Iterable[Item]) -> list[Page]:
    pages: list[Page] = [[]]
    available = HEIGHT
    remaining = list(items)[::-1]
    while remaining:
        item = remaining.pop()
        page = pages[-1]
        before = item.space_before if page else 0.0
        height = _height(canvas, item.block, available - before)
        if before + height + item.with_next <= available or (not page and height <= HEIGHT):
            available -= before + height
            page.append(Placed(item, LEFT, BOTTOM + available))
            continue
        parts = _parts(canvas, item.block, available - before, within_row=not _rest(page))
        if len(parts) > 1:
            height = _height(canvas, parts[0], available - before)
            page.append(Placed(Item(parts[0]), LEFT, BOTTOM + available - before - height))
            remaining += [Item(part) for part in parts[:0:-1]]
        elif page:  # headings above it move to the next page with it
            remaining.append(item)
            rest = _rest(page) or page
            remaining += [placed.item for placed in page[: len(rest) - 1 : -1]]
            del page[len(rest) :]
        elif isinstance(item.block, Drawing):  # taller than a page: the bottom is cut off
            page.append(Placed(item, LEFT, BOTTOM + HEIGHT - height))
        else:
            raise ValueError(f"a block of {height:.0f} points cannot be split; a page has {HEIGHT:.0f} points")
        if remaining:
            pages.append([])
            available = HEIGHT
    return pages


def _rest(page: Page) -> Page:
    """A page without the headings at its end."""
    rest = page[:]
    while rest and rest[-1].item.with_next:
        rest.pop()
    return rest


def _height(canvas: Any, block: Block, available: float) -> float:
    height: float = block.height if isinstance(block, Drawing) else block.wrapOn(canvas, WIDTH, available)[1]
    return height


def _parts(canvas: Any, block: Block, available: float, *, within_row: bool) -> list[Block]:
    """A block in two parts, of which the first fits; none or one if it cannot be split there."""
    if isinstance(block, Drawing) or available < MIN_PART_HEIGHT:
        return []
    if isinstance(block, Table | Rows):
        block.splitInRow = within_row  # a row is split only if it does not fit on a page of its own
    parts: list[Block] = block.splitOn(canvas, WIDTH, available)
    return parts


def _draw(canvas: Any, placed: Placed) -> None:
    block = placed.item.block
    if isinstance(block, Drawing):
        block.draw(canvas, placed.x, placed.y)
    else:
        block.drawOn(canvas, placed.x, placed.y)


def _draw_frame(canvas: Any, frame: Frame, page: str) -> None:
    right, top, bottom = LEFT + WIDTH, BOTTOM + HEIGHT + 7 * MM, BOTTOM - 6 * MM
    canvas.setStrokeColor(style.LINE)
    canvas.setLineWidth(0.6)
    canvas.line(LEFT, top, right, top)
    canvas.line(LEFT, bottom, right, bottom)
    canvas.setFillColor(style.ACCENT)
    canvas.setFont(style.BOLD, 8)
    canvas.drawString(LEFT, top + 2.2 * MM, frame.brand)
    canvas.setFillColor(style.MUTED)
    canvas.setFont(style.REGULAR, 7)
    beside = LEFT + max(14 * MM, stringWidth(frame.brand, style.BOLD, 8) + 3 * MM)
    canvas.drawString(beside, top + 2.2 * MM, frame.left)
    canvas.drawRightString(right, top + 2.2 * MM, frame.right)
    for number, line in enumerate(frame.footer):
        canvas.drawString(LEFT, bottom - 4.2 * MM - number * _FOOTER_LEADING, line)
    canvas.drawRightString(right, bottom - 4.2 * MM, page)
