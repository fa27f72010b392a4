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
_RAW_PER_CHARACTER = 50  # what is longer is cut before white space is collapsed


@dataclass
class Typesetter:
    """Converts text to characters of the typeface, and records whether characters were replaced."""

    replaced: bool = False

    def line(self, text: Any, *, limit: int | None = 300) -> str:
        """One line of at most `limit` characters of the typeface, to be drawn without markup. `…` ends a cut text."""
        raw, cap = str(text), None if limit is None else _RAW_PER_CHARACTER * limit
        normalised = unicodedata.normalize("NFC", well_formed(raw[:cap]))
        collapsed = " ".join("".join(map(_visible, normalised)).split())
        is_cut = cap is not None and bool(raw[cap:].strip())
        legible = _truncated(collapsed, limit, is_cut=is_cut)
        return _truncated("".join(map(self._character, legible)), limit)

    def markup(self, text: Any, *, limit: int | None = 300) -> str:
        """The same, escaped for the markup of a paragraph."""
        return html.escape(self.line(text, limit=limit), quote=False)

    def paragraph(self, text: Any, name: str = "body", *, limit: int | None = 300) -> Paragraph:
        """A paragraph of plain text. `name` is the name of its style."""
        return marked_up(self.markup(text, limit=limit), name)

    def _character(self, character: str) -> str:
        if ord(character) in glyphs():
            return character
        self.replaced = True
        base = "".join(part for part in unicodedata.normalize("NFKD", character) if ord(part) in glyphs())
        return base or _UNKNOWN


def _visible(character: str) -> str:
    """The character, a space for other white space, nothing for a character without width (joiner, mark, accent)."""
    if ord(character) in glyphs():
        return character
    category = unicodedata.category(character)
    if category in ("Cc", "Zs", "Zl", "Zp"):
        return " "
    return "" if category in ("Cf", "Mn", "Me") else character


def _truncated(text: str, limit: int | None, *, is_cut: bool = False) -> str:
    if limit is None or (len(text) <= limit and not is_cut):
        return text
    return f"{text[: limit - 1].rstrip()}…"


def marked_up(markup: str, name: str = "body") -> Paragraph:
    """A paragraph of reportlab's markup. `Typesetter.markup` escapes external text for it."""
    return Paragraph(markup, style(name))
