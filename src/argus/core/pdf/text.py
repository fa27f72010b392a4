"""Conversion of text to characters of the typeface.

Characters that the typeface does not contain are replaced by their base letter (ő by o) or, if there is none, by `?`.
"""

import html
import unicodedata
from dataclasses import dataclass
from typing import Any

from reportlab.platypus import Paragraph

from argus.core.pdf.style import glyphs, style
from argus.core.text import well_formed

_UNKNOWN = "?"


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
        """A paragraph of plain text. `name` is the name of its style."""
        return marked_up(self.markup(text, limit=limit), name)

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


def marked_up(markup: str, name: str = "body") -> Paragraph:
    """A paragraph of reportlab's markup. `Typesetter.markup` escapes external text for it."""
    return Paragraph(markup, style(name))
