"""Page layout: all pages are laid out first and then drawn, so that each page can show the number of pages."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from io import BytesIO
from typing import Any

from reportlab import rl_config
from reportlab.lib.pagesizes import A4
from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas

# Binary streams: as text they would be a quarter larger and take a third of the total time.
rl_config.useA85 = 0

LEFT = RIGHT = 18 * mm
TOP, BOTTOM = 25 * mm, 21 * mm  # contain the header and the footer
WIDTH = A4[0] - LEFT - RIGHT
HEIGHT = A4[1] - TOP - BOTTOM

_MIN_PART_HEIGHT = 30 * mm  # the smallest part of a block at the bottom of a page


@dataclass(frozen=True)
class Drawing:
    """An indivisible block of full width. `draw(canvas, x, y)` takes its lower left corner. In points."""

    height: float
    draw: Callable[[Any, float, float], None]


Block = Any  # a `Drawing` or a reportlab flowable, which has no type


@dataclass(frozen=True)
class Item:
    """A block and its spacing."""

    block: Block
    space_before: float = 0.0  # ignored at the top of a page
    with_next: float = 0.0  # height that must fit below it on the same page


@dataclass(frozen=True)
class Placed:
    """A block and the position of its lower left corner."""

    block: Block
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
    created: str  # a PDF date: D:20260131090500Z


def write(items: Iterable[Item], frame: Callable[[Any, int, int], None], metadata: Metadata) -> bytes:
    """A PDF file. `frame(canvas, page, pages)` draws header and footer. Equal input makes equal bytes."""
    buffer = BytesIO()
    canvas = Canvas(buffer, pagesize=A4, pageCompression=1, invariant=1, lang="en-GB")
    canvas.setTitle(metadata.title)
    canvas.setAuthor(metadata.author)
    canvas.setSubject(metadata.subject)
    canvas.setCreator(metadata.creator)
    canvas.setDateFormatter(lambda *_now: metadata.created)
    pages = _lay_out(canvas, items)
    for index, page in enumerate(pages, start=1):
        frame(canvas, index, len(pages))
        for placed in page:
            _draw(canvas, placed)
        canvas.showPage()
    canvas.save()
    return buffer.getvalue()


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
            page.append(Placed(item.block, LEFT, BOTTOM + available))
            continue
        parts = _parts(canvas, item.block, available - before) if available - before >= _MIN_PART_HEIGHT else []
        if len(parts) > 1:
            height = _height(canvas, parts[0], available - before)
            page.append(Placed(parts[0], LEFT, BOTTOM + available - before - height))
            remaining += [Item(part) for part in parts[:0:-1]]
        elif page:
            remaining.append(item)
        else:  # taller than a page and indivisible: the bottom is cut off
            page.append(Placed(item.block, LEFT, BOTTOM + HEIGHT - height))
        if remaining:
            pages.append([])
            available = HEIGHT
    return pages


def _height(canvas: Any, block: Block, available: float) -> float:
    height: float = block.height if isinstance(block, Drawing) else block.wrapOn(canvas, WIDTH, available)[1]
    return height


def _parts(canvas: Any, block: Block, available: float) -> list[Block]:
    return [] if isinstance(block, Drawing) else block.splitOn(canvas, WIDTH, available)


def _draw(canvas: Any, placed: Placed) -> None:
    if isinstance(placed.block, Drawing):
        placed.block.draw(canvas, placed.x, placed.y)
    else:
        placed.block.drawOn(canvas, placed.x, placed.y)
