"""The style of PDF reports: typeface, colours, and conversion of text to characters of the typeface.

The typeface is Bitstream Vera, which comes with reportlab and may be embedded, so that pages look the same everywhere.
Its 283 glyphs cover English, French, Spanish and the symbols of measurement. Other characters are replaced by their
base letter (ő by o) or, if there is none, by `?`. The report has a note then; JSON and CSV keep the original text.
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

# They differ in lightness as well as in hue, for colour-blind readers and greyscale prints.
SEVERITY_COLOURS = {
    Severity.CRITICAL: HexColor("#6d1433"),
    Severity.HIGH: HexColor("#c8471b"),
    Severity.MEDIUM: HexColor("#f0b428"),
    Severity.LOW: HexColor("#2f7fb8"),
    Severity.INFO: HexColor("#8795a1"),
}

MISSING = "—"
_UNKNOWN = "?"


def text_colour(severity: Severity) -> Color:
    """The colour of text on the colour of the severity."""
    return INK if severity is Severity.MEDIUM else PAPER


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
        textColor=text_colour(severity),
        backColor=SEVERITY_COLOURS[severity],
        borderPadding=(1.4, 0, 2, 0),
        borderRadius=2.5,
    )


@dataclass
class Typesetter:
    """Converts text to characters of the typeface, and records whether characters were replaced."""

    replaced: bool = False

    def line(self, text: Any, *, limit: int = 300) -> str:
        """One line of at most `limit` characters of the typeface, to be drawn without markup."""
        normalised = unicodedata.normalize("NFC", well_formed(str(text)[: limit + 1]))
        shown = " ".join("".join(self._character(character) for character in normalised).split())
        return shown if len(shown) <= limit else f"{shown[: limit - 1]}…"

    def markup(self, text: Any, *, limit: int = 300) -> str:
        """The same, escaped for the markup of a paragraph."""
        return html.escape(self.line(text, limit=limit), quote=False)

    def paragraph(self, text: Any, name: str = "body", *, limit: int = 300) -> Paragraph:
        return Paragraph(self.markup(text, limit=limit), style(name))

    def _character(self, character: str) -> str:
        if ord(character) in glyphs():
            return character
        category = unicodedata.category(character)
        if category in ("Cc", "Zs", "Zl", "Zp"):
            return " "
        if category in ("Cf", "Mn", "Me"):  # characters without width: joiners, direction marks, accents
            return ""
        self.replaced = True
        base = "".join(part for part in unicodedata.normalize("NFKD", character) if ord(part) in glyphs())
        return base or _UNKNOWN


def number(value: Any, decimals: int, unit: str = "") -> str:
    """A number with a true minus sign and its unit; a dash if the value is not a number."""
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


# Not from strftime, which depends on the locale of the worker.
_MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
