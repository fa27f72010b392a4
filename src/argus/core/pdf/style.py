"""Typeface, colours, and styles of paragraphs.

The typeface is Bitstream Vera, which comes with reportlab and may be embedded, so that pages look the same everywhere.
Its 283 glyphs cover English, French, Spanish and the symbols of measurement.
"""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TypeAlias

import reportlab
from reportlab.lib.colors import Color, HexColor
from reportlab.lib.enums import TA_CENTER, TA_RIGHT
from reportlab.lib.styles import ParagraphStyle
from reportlab.pdfbase.pdfmetrics import getFont, registerFont, registerFontFamily
from reportlab.pdfbase.ttfonts import TTFont

Colour: TypeAlias = Color

REGULAR, BOLD = "Vera", "VeraBd"

INK, MUTED, LINE, SHADE = (HexColor(code) for code in ("#1f2933", "#61707f", "#d5dbe1", "#f4f6f8"))
ACCENT = HexColor("#15465c")
CAUTION, CAUTION_SHADE = HexColor("#b45f06"), HexColor("#fff4e0")
PAPER = HexColor("#ffffff")


def colour(code: str) -> Colour:
    """The colour of a code: `#15465c`."""
    return HexColor(code)


@cache
def glyphs() -> frozenset[int]:
    """The code points of the regular and bold typeface. The first call registers the typeface with reportlab."""
    folder = Path(reportlab.__file__).parent / "fonts"
    regular, bold = (TTFont(name, str(folder / f"{name}.ttf")) for name in (REGULAR, BOLD))
    for font in (regular, bold):
        registerFont(font)
    registerFontFamily(REGULAR, normal=REGULAR, bold=BOLD, italic=REGULAR, boldItalic=BOLD)
    return frozenset(regular.face.charToGlyph) & frozenset(bold.face.charToGlyph) - {0xFFFF}


@cache
def style(name: str) -> ParagraphStyle:
    """The style of a kind of paragraph."""
    glyphs()
    changes = {
        "title": {"fontName": BOLD, "fontSize": 19, "leading": 23, "textColor": ACCENT},
        "subtitle": {"fontSize": 10.5, "leading": 14, "textColor": MUTED},
        "heading": {"fontName": BOLD, "fontSize": 11.5, "leading": 15, "textColor": ACCENT},
        "subheading": {"fontName": BOLD, "fontSize": 8.5, "leading": 12},
        "body": {},
        "label": {"fontSize": 6.8, "leading": 9, "textColor": MUTED},
        "label of numbers": {"fontSize": 6.8, "leading": 9, "textColor": MUTED, "alignment": TA_RIGHT},
        "value": {"fontSize": 8.2, "leading": 11},
        "cell": {"fontSize": 7.4, "leading": 9.6},
        "faded": {"fontSize": 7.4, "leading": 9.6, "textColor": MUTED},
        "rule": {"fontSize": 6.4, "leading": 8.6, "textColor": MUTED, "spaceBefore": 1},
        "number": {"fontSize": 7.4, "leading": 9.6, "alignment": TA_RIGHT},
        "total": {"fontName": BOLD, "fontSize": 7.4, "leading": 9.6},
        "total number": {"fontName": BOLD, "fontSize": 7.4, "leading": 9.6, "alignment": TA_RIGHT},
        "small": {"fontSize": 6.8, "leading": 8.8, "textColor": MUTED},
        "caption": {"fontSize": 7.4, "leading": 10, "textColor": MUTED},
        "tile": {"fontName": BOLD, "fontSize": 17, "leading": 20},
    }
    body = {"fontName": REGULAR, "fontSize": 8.5, "leading": 12, "textColor": INK}
    return ParagraphStyle(name, **{**body, **changes[name]})


@cache
def _widths(font: str) -> Mapping[str, float]:
    """The width of each character in thousandths of the size."""
    widths = getFont(font).face.charWidths
    return {chr(code): widths[code] for code in glyphs()}


def text_width(text: str, font: str, size: float) -> float:
    """The width of a line of characters of the typeface, in points. Takes half the time of reportlab's."""
    return sum(map(_widths(font).__getitem__, text)) * size / 1000


def fitting_size(text: str, *, font: str, size: float, width: float) -> float:
    """The size, in points, at which a line is as wide as `width` at most."""
    natural = text_width(text, font, size)
    return size if natural <= width else size * width / natural


@cache
def chip_style(fill: Colour, ink: Colour) -> ParagraphStyle:
    """The style of a word on a coloured background."""
    glyphs()
    return ParagraphStyle(
        f"chip {fill}",
        fontName=BOLD,
        fontSize=6.6,
        leading=8,
        alignment=TA_CENTER,
        textColor=ink,
        backColor=fill,
        borderPadding=(1.4, 0, 2, 0),
    )
