"""Blocks onto pages: first all pages are laid out, then drawn, so that each can say how many there are."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from io import BytesIO
from typing import Any

from reportlab import rl_config
from reportlab.lib.pagesizes import A4
from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas

# Binary streams: written as text they would be a quarter larger, and take a third of the whole time.
rl_config.useA85 = 0

LEFT = RIGHT = 18 * mm
TOP, BOTTOM = 25 * mm, 21 * mm  # the header and the footer stand in them
WIDTH = A4[0] - LEFT - RIGHT
HEIGHT = A4[1] - TOP - BOTTOM

_ENOUGH = 30 * mm  # less of a block is not left behind at the foot of a page


@dataclass(frozen=True)
class Drawing:
    """A block that is not divided, as wide as the text; `draw(canvas, x, y)` takes its lower left corner. Points."""

    height: float
    draw: Callable[[Any, float, float], None]


Block = Any  # a `Drawing`, or one of reportlab's flowables, which have no types


@dataclass(frozen=True)
class Item:
    """A block and how it stands in the text."""

    block: Block
    space_before: float = 0.0  # not at the top of a page
    with_next: float = 0.0  # what must fit below it on the same page


@dataclass(frozen=True)
class Placed:
    """A block and its lower left corner."""

    block: Block
    x: float
    y: float


Page = list[Placed]


@dataclass(frozen=True)
class About:
    """What the file says of itself."""

    title: str
    author: str
    subject: str
    creator: str
    created: str  # as PDF writes dates: D:20260131090500Z


def write(items: Iterable[Item], frame: Callable[[Any, int, int], None], about: About) -> bytes:
    """A PDF file; `frame(canvas, page, pages)` draws what stands around the text. Equal input makes equal bytes."""
    buffer = BytesIO()
    canvas = Canvas(buffer, pagesize=A4, pageCompression=1, invariant=1, lang="en-GB")
    canvas.setTitle(about.title)
    canvas.setAuthor(about.author)
    canvas.setSubject(about.subject)
    canvas.setCreator(about.creator)
    canvas.setDateFormatter(lambda *_now: about.created)
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
    room = HEIGHT
    waiting = list(items)[::-1]
    while waiting:
        item = waiting.pop()
        page = pages[-1]
        before = item.space_before if page else 0.0
        height = _height(canvas, item.block, room - before)
        if before + height + item.with_next <= room or (not page and height <= HEIGHT):
            room -= before + height
            page.append(Placed(item.block, LEFT, BOTTOM + room))
            continue
        parts = _parts(canvas, item.block, room - before) if room - before >= _ENOUGH else []
        if len(parts) > 1:
            height = _height(canvas, parts[0], room - before)
            page.append(Placed(parts[0], LEFT, BOTTOM + room - before - height))
            waiting += [Item(part) for part in parts[:0:-1]]
        elif page:
            waiting.append(item)
        else:  # taller than a page and indivisible: its top is shown
            page.append(Placed(item.block, LEFT, BOTTOM + HEIGHT - height))
        if waiting:
            pages.append([])
            room = HEIGHT
    return pages


def _height(canvas: Any, block: Block, room: float) -> float:
    height: float = block.height if isinstance(block, Drawing) else block.wrapOn(canvas, WIDTH, room)[1]
    return height


def _parts(canvas: Any, block: Block, room: float) -> list[Block]:
    return [] if isinstance(block, Drawing) else block.splitOn(canvas, WIDTH, room)


def _draw(canvas: Any, placed: Placed) -> None:
    if isinstance(placed.block, Drawing):
        placed.block.draw(canvas, placed.x, placed.y)
    else:
        placed.block.drawOn(canvas, placed.x, placed.y)
