"""Paragraphs of plain text: where lines break, what is split, and where lines are drawn."""

import io
import re

import pytest
from reportlab.pdfgen.canvas import Canvas

from argus.core import pdf
from argus.core.pdf.paragraphs import Paragraph
from argus.core.pdf.style import style


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("one two three", ["one two", "three"]),
        ("one\n\ntwo", ["one", "", "two"]),
        ("one abcdefghijklmnop", ["one abcdef", "ghijklmnop"]),
        ("abcdefghijklmno one", ["abcdefghijk", "lmno one"]),
        ("", []),
    ],
    ids=["words", "line feeds", "a long word last", "a long word first", "empty"],
)
def test_text_is_broken_at_spaces_and_where_a_word_is_wider_than_a_line(text: str, lines: list[str]) -> None:
    paragraph = pdf.Typesetter().paragraph(text, lines=True)
    paragraph.wrap(50)

    assert paragraph.lines == lines


def test_a_paragraph_leaves_no_single_line_at_the_bottom_of_a_page() -> None:
    paragraph = pdf.Typesetter().paragraph("one two three four", "body")
    paragraph.wrap(30)
    assert (paragraph.lines, paragraph.height) == (["one", "two", "three", "four"], 48)

    assert [part.lines for part in paragraph.split(30, 35)] == [["one", "two"], ["three", "four"]]
    assert paragraph.split(30, 23) == []
    assert paragraph.split(30, 48) == [paragraph]


def test_an_empty_first_line_takes_its_place() -> None:
    baselines = []
    for text in ("one", "\none"):
        paragraph = Paragraph(text, style("body"))
        canvas = Canvas(io.BytesIO(), pageCompression=0)
        paragraph.wrap(100)
        paragraph.drawOn(canvas, 0, 0)
        *_, baseline = re.findall(rb"1 0 0 1 0 ([\d.]+) Tm", canvas.getpdfdata())
        baselines.append(paragraph.height - float(baseline))
    assert baselines[1] - baselines[0] == pytest.approx(style("body").leading)


def test_no_line_of_a_wrapped_text_begins_or_ends_with_a_space() -> None:
    paragraph = Paragraph("one " + 30 * "a", style("body"))
    for width in range(5, 60):
        paragraph.wrap(width)
        assert [line for line in paragraph.lines if line != line.strip()] == [], width
        assert "".join(paragraph.lines).replace(" ", "") == "one" + 30 * "a"
