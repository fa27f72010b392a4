"""Conversion of text to characters of the typeface.

Characters that the typeface does not contain are replaced by their base letter (ő by o) or, if there is none, by `?`.
"""

import html
import re
import unicodedata
from dataclasses import dataclass
from typing import Any

from reportlab import platypus

from argus.core.pdf.paragraphs import Paragraph
from argus.core.pdf.style import glyphs, style
from argus.core.text import BLANK, JOINERS, MISLEADING, well_formed

_UNKNOWN = "?"
_NO_BREAK_SPACE, _NARROW_NO_BREAK_SPACE = "\u00a0", "\u202f"
_INVISIBLE, _BLANK = re.compile(f"[{MISLEADING}{JOINERS}]"), re.compile(f"[{BLANK}]")
_PLAIN = re.compile("[!-~]+(?: [!-~]+)*")  # most text: words of ASCII, which the typeface contains, with single spaces
_RAW_PER_CHARACTER = 50  # what is longer is cut before white space is collapsed


@dataclass
class Typesetter:
    """Converts text to characters of the typeface, and records whether characters were replaced."""

    replaced: bool = False

    def line(self, text: Any, *, limit: int | None = 300) -> str:
        """One line of at most `limit` characters of the typeface, to be drawn without markup. `…` ends a cut text."""
        return self._legible(text, limit=limit, lines=False)

    def markup(self, text: Any, *, limit: int | None = 300) -> str:
        """The same, escaped for `marked_up`."""
        return html.escape(self.line(text, limit=limit), quote=False)

    def paragraph(self, text: Any, name: str = "body", *, limit: int | None = 300, lines: bool = False) -> Paragraph:
        """A paragraph of plain text. `name` is the name of its style; `lines` keeps the line breaks of the text."""
        return Paragraph(self._legible(text, limit=limit, lines=lines), style(name))

    def _legible(self, text: Any, *, limit: int | None, lines: bool) -> str:
        raw, cap = str(text), None if limit is None else _RAW_PER_CHARACTER * limit
        if _PLAIN.fullmatch(raw):
            return _truncated(raw, limit)
        normalised = unicodedata.normalize("NFC", well_formed(raw[:cap]))
        each = normalised.splitlines() if lines else [normalised]
        collapsed = "\n".join(map(_collapsed, each)).strip("\n")
        is_cut = cap is not None and bool(raw[cap:].strip())
        legible = _truncated(collapsed, limit, is_cut=is_cut)
        return _truncated("".join(map(self._character, legible)), limit)

    def _character(self, character: str) -> str:
        if character == "\n" or ord(character) in glyphs():
            return character
        self.replaced = True
        base = "".join(part for part in unicodedata.normalize("NFKD", character) if ord(part) in glyphs())
        return base.strip() or _UNKNOWN


def _collapsed(line: str) -> str:
    """The line without repeated spaces and invisible characters. Non-breaking spaces stay."""
    return " ".join(part for part in "".join(map(_visible, line)).split(" ") if part)


def _visible(character: str) -> str:
    """The character, a space for other white space, nothing for a character without width (joiner, mark, accent)."""
    if ord(character) in glyphs():
        return character
    if character == _NARROW_NO_BREAK_SPACE:
        return _NO_BREAK_SPACE
    category = unicodedata.category(character)
    if category in ("Cc", "Zl", "Zp") or _BLANK.match(character):
        return " "
    return "" if category in ("Cf", "Mn", "Me") or _INVISIBLE.match(character) else character


def _truncated(text: str, limit: int | None, *, is_cut: bool = False) -> str:
    if limit is None or (len(text) <= limit and not is_cut):
        return text
    return f"{text[: limit - 1].rstrip()}…"


def marked_up(markup: str, name: str = "body") -> platypus.Paragraph:
    """A paragraph of reportlab's markup. `Typesetter.markup` escapes external text for it."""
    return platypus.Paragraph(markup, style(name))
