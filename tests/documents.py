"""Reads PDF documents."""

from collections.abc import Iterable, Sequence
from io import BytesIO
from typing import Any

from pypdf import PageObject, PdfReader


def read(body: bytes) -> PdfReader:
    return PdfReader(BytesIO(body), strict=True)


def pages(body: bytes) -> list[str]:
    """The text of each page on one line, as a line can break anywhere. Fails if text begins outside its page."""
    return [" ".join(_text(page).split()) for page in read(body).pages]


def _text(page: PageObject) -> str:
    width, height = page.mediabox.upper_right

    def check(operator: bytes, operands: Any, around: Sequence[float], matrix: Sequence[float]) -> None:
        if operator == b"Tj":
            x = matrix[4] * around[0] + matrix[5] * around[2] + around[4]
            y = matrix[4] * around[1] + matrix[5] * around[3] + around[5]
            assert 0 <= x <= width, operands
            assert 0 <= y <= height, operands

    return page.extract_text(visitor_operand_before=check)


def squeezed(texts: Iterable[str]) -> str:
    """The text without white space, as a line can break anywhere."""
    return "".join("".join(texts).split())


def outline(body: bytes) -> list[str]:
    """The headings in the outline."""
    return [entry["/Title"] for entry in read(body).outline if isinstance(entry, dict)]


# Text of any origin, and what pages contain of it, without white space.
HOSTILE = {
    "<b>unclosed & <para><img src='/etc/passwd'/><a href='javascript:x'>": (
        "<b>unclosed&<para><imgsrc='/etc/passwd'/><ahref='javascript:x'>"
    ),
    "&lt;&#0;&nosuch; ]]> <!-- <?xml ?> {0} %s %(name)s": "&lt;&#0;&nosuch;]]><!--<?xml?>{0}%s%(name)s",
    "x" * 5000: "x" * 119,
    "\x00\x01\x1b[31m\r\n\t\x7f\x85\u2028": "[31m",
    "👩‍🚒🔥 פח חם صمام 管道 \ud800 \ufdfa\ufdfa \u202egnp.exe": "??????????????gnp.exe",
    "a\u0300\u0301\u0302" * 200: "à" * 119,
    "": "",
    "   ": "",
}
