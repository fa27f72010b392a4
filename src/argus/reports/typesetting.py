"""How a PDF report looks: type, colours, and words that the type can show.

The face is Bitstream Vera, which comes with reportlab and may be embedded: the pages look the same everywhere, and its
283 glyphs hold English, French, Spanish and the signs of measurement. Any other character is shown by its base letter
(ő as o) or, where it has none, by `?`; the report then says so, and JSON and CSV keep the text as it was.
"""

import html
import unicodedata
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import reportlab
from reportlab.lib.colors import Color, HexColor
from reportlab.lib.enums import TA_CENTER, TA_RIGHT
from reportlab.lib.styles import ParagraphStyle
from reportlab.pdfbase.pdfmetrics import registerFont, registerFontFamily
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.platypus import Paragraph

from argus.reports.plain import well_formed
from argus.scanning.model import Severity

REGULAR, BOLD = "Vera", "VeraBd"

INK, MUTED, LINE, SHADE = (HexColor(code) for code in ("#1f2933", "#61707f", "#d5dbe1", "#f4f6f8"))
ACCENT = HexColor("#15465c")
CAUTION, CAUTION_SHADE = HexColor("#b45f06"), HexColor("#fff4e0")
PAPER = HexColor("#ffffff")

# They differ in lightness as well as in hue, so that they stay apart for the colour-blind and on grey prints.
SEVERITY_COLOURS = {
    Severity.CRITICAL: HexColor("#6d1433"),
    Severity.HIGH: HexColor("#c8471b"),
    Severity.MEDIUM: HexColor("#f0b428"),
    Severity.LOW: HexColor("#2f7fb8"),
    Severity.INFO: HexColor("#8795a1"),
}

MISSING = "—"
_UNKNOWN = "?"


def on(severity: Severity) -> Color:
    """The colour of words on the severity's colour."""
    return INK if severity is Severity.MEDIUM else PAPER


@cache
def glyphs() -> frozenset[int]:
    """The code points that both cuts of the face can show. The first call makes the face known to reportlab."""
    folder = Path(reportlab.__file__).parent / "fonts"
    regular, bold = (TTFont(name, str(folder / f"{name}.ttf")) for name in (REGULAR, BOLD))
    for font in (regular, bold):
        registerFont(font)
    registerFontFamily(REGULAR, normal=REGULAR, bold=BOLD, italic=REGULAR, boldItalic=BOLD)
    return frozenset(regular.face.charToGlyph) & frozenset(bold.face.charToGlyph) - {0xFFFF}


@cache
def style(name: str) -> ParagraphStyle:
    """A paragraph's style, by what the paragraph is."""
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
        "small": {"fontSize": 6.8, "leading": 8.8, "textColor": MUTED},
        "caption": {"fontSize": 7.4, "leading": 10, "textColor": MUTED},
        "tile": {"fontName": BOLD, "fontSize": 17, "leading": 20},
    }
    body = {"fontName": REGULAR, "fontSize": 8.5, "leading": 12, "textColor": INK}
    return ParagraphStyle(name, **{**body, **changes[name]})


@cache
def chip_style(severity: Severity) -> ParagraphStyle:
    return ParagraphStyle(
        f"chip {severity}",
        fontName=BOLD,
        fontSize=6.6,
        leading=8,
        alignment=TA_CENTER,
        textColor=on(severity),
        backColor=SEVERITY_COLOURS[severity],
        borderPadding=(1.4, 0, 2, 0),
        borderRadius=2.5,
    )


@dataclass
class Typesetter:
    """Sets words in the face, and remembers whether some of their characters are not in it."""

    replaced: bool = False

    def line(self, words: Any, *, limit: int = 300) -> str:
        """Text of at most `limit` characters that the face can show, on one line: what is drawn as it is."""
        told = unicodedata.normalize("NFC", well_formed(str(words)[: limit + 1]))
        shown = " ".join("".join(self._character(character) for character in told).split())
        return shown if len(shown) <= limit else f"{shown[: limit - 1]}…"

    def markup(self, words: Any, *, limit: int = 300) -> str:
        """The same, to stand within a paragraph's markup."""
        return html.escape(self.line(words, limit=limit), quote=False)

    def paragraph(self, words: Any, name: str = "body", *, limit: int = 300) -> Paragraph:
        return Paragraph(self.markup(words, limit=limit), style(name))

    def _character(self, character: str) -> str:
        if ord(character) in glyphs():
            return character
        category = unicodedata.category(character)
        if category in ("Cc", "Zs", "Zl", "Zp"):
            return " "
        if category in ("Cf", "Mn", "Me"):  # marks without a width: joiners, directions, accents
            return ""
        self.replaced = True
        base = "".join(part for part in unicodedata.normalize("NFKD", character) if ord(part) in glyphs())
        return base or _UNKNOWN


def number(value: Any, decimals: int, unit: str = "") -> str:
    """A number with a true minus sign and its unit, or a dash when it is none."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < 1e12:
        return MISSING
    text = f"{value:.{decimals}f}"
    signed = text.replace("-", "\u2212") if float(text) else text.lstrip("-")
    return f"{signed} {unit}".rstrip()


def moment(at: datetime | None) -> str:
    """`14 March 2026, 12:30 UTC`"""
    if at is None:
        return MISSING
    utc = at.astimezone(UTC)
    return f"{utc.day} {_MONTHS[utc.month - 1]} {utc.year}, {utc:%H:%M} UTC"


# Not strftime's: those depend on the worker's locale.
_MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
