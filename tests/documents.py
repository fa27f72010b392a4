"""Reads PDF documents."""

from io import BytesIO

from pypdf import PdfReader


def read(body: bytes) -> PdfReader:
    return PdfReader(BytesIO(body), strict=True)


def pages(body: bytes) -> list[str]:
    """The text of each page on one line, as a line can break anywhere."""
    return [" ".join(page.extract_text().split()) for page in read(body).pages]


def outline(body: bytes) -> list[str]:
    """The headings in the outline."""
    return [entry["/Title"] for entry in read(body).outline if isinstance(entry, dict)]


HOSTILE = (
    "<b>unclosed & <para><img src='/etc/passwd'/><a href='javascript:x'>",
    "&lt;&#0;&nosuch; ]]> <!-- <?xml ?> {0} %s %(name)s",
    "x" * 5000,
    "\x00\x01\x1b[31m\r\n\t\x7f\x85\u2028",
    "👩‍🚒🔥 פח חם صمام 管道 \ud800 \ufdfa\ufdfa \u202egnp.exe",
    "a\u0300\u0301\u0302" * 200,
    "",
    "   ",
)
