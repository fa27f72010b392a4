"""Paragraphs of plain text.

Most of a document is cells of tables: plain text in one style, usually one line. reportlab's paragraph parses each as
markup and measures each word: docs/decisions/pdf.md.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from reportlab.lib.enums import TA_CENTER, TA_LEFT
from reportlab.lib.styles import ParagraphStyle
from reportlab.platypus import Flowable

from argus.core.pdf.style import Colour, text_width

_MIN_LINES = 2  # at the bottom of a page, of a paragraph that continues on the next


class Pen:
    """Writes lines of text on a canvas, and sets the font and colour only where they change."""

    def __init__(self, canvas: Any) -> None:
        self.canvas = canvas
        self._text = canvas.beginText()
        self._font: tuple[str, float, float] | None = None
        self._colour: Colour | None = None

    def write(self, lines: Sequence[str], x: float, y: float, style: ParagraphStyle) -> None:
        """Lines below each other; `y` is the baseline of the first."""
        font = style.fontName, style.fontSize, style.leading
        if font != self._font:
            self._font = font
            self._text.setFont(*font)
        if style.textColor is not self._colour:
            self._colour = style.textColor
            self._text.setFillColor(self._colour)
        empty = next((number for number, line in enumerate(lines) if line), 0)
        self._text.setTextOrigin(x, y - empty * style.leading)  # reportlab sets the leading with the first text
        for line in lines[empty:]:
            self._text.textLine(line)

    def finish(self) -> None:
        self.canvas.drawText(self._text)


class Paragraph(Flowable):
    """Characters of the typeface in one style, broken into lines at line feeds and where a line is full."""

    def __init__(self, text: str, style: ParagraphStyle, *, is_wrapped: bool = True) -> None:
        super().__init__()
        self.text, self.style, self.is_wrapped = text, style, is_wrapped
        self.lines: list[str] = []

    def wrap(self, width: float, _height: float = 0) -> tuple[float, float]:
        self.width = width
        self.lines = list(self._broken(width)) if self.text else []
        self.height = len(self.lines) * self.style.leading
        return self.width, self.height

    def split(self, width: float, height: float) -> list["Paragraph"]:
        self.wrap(width)
        count = int(height / self.style.leading)
        if count >= len(self.lines):
            return [self]
        if count < _MIN_LINES:
            return []
        parts = [
            Paragraph("\n".join(lines), self.style, is_wrapped=self.is_wrapped)
            for lines in (self.lines[:count], self.lines[count:])
        ]
        for part in parts:
            part.wrap(width)
        return parts

    def draw(self) -> None:
        pen = Pen(self.canv)
        self.draw_with(pen, 0, self.height)
        pen.finish()

    def draw_with(self, pen: Pen, x: float, top: float) -> None:
        """Draw the background now, and the text when the pen finishes."""
        style = self.style
        if style.backColor:
            above, right, below, left = style.borderPadding
            pen.canvas.setFillColor(style.backColor)
            bottom, height = top - self.height - below, self.height + above + below
            pen.canvas.rect(x - left, bottom, self.width + left + right, height, stroke=0, fill=1)
        baseline = top - style.fontSize
        if style.alignment == TA_LEFT:
            pen.write(self.lines, x, baseline, style)
            return
        share = 0.5 if style.alignment == TA_CENTER else 1.0
        for number, line in enumerate(self.lines):
            indent = share * (self.width - text_width(line, style.fontName, style.fontSize))
            pen.write([line], x + indent, baseline - number * style.leading, style)

    def _broken(self, width: float) -> Iterator[str]:
        for line in self.text.split("\n"):
            if not self.is_wrapped or self._width(line) <= width:
                yield line
            else:
                yield from self._wrapped(line, width)

    def _wrapped(self, text: str, width: float) -> Iterator[str]:
        """Lines of whole words. A word that is wider than a line begins on the line of the word before it."""
        line = ""
        for word in text.split(" "):
            longer = f"{line} {word}" if line else word
            if self._width(longer) <= width:
                line = longer
            elif self._width(word) <= width:
                yield line
                line = word
            else:
                *full, line = (piece.strip(" ") for piece in self._cut(longer, width))
                yield from full
        yield line

    def _cut(self, text: str, width: float) -> Iterator[str]:
        start, used = 0, 0.0
        for index, character in enumerate(text):
            advance = self._width(character)
            if used + advance > width and index > start:
                yield text[start:index]
                start, used = index, 0.0
            used += advance
        yield text[start:]

    def _width(self, text: str) -> float:
        return text_width(text, self.style.fontName, self.style.fontSize)
