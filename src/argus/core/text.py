"""Text of unknown origin: which characters are invisible, blank, or read as a formula.

The sets follow the Unicode Character Database, version 16 (`DerivedCoreProperties.txt`, `PropList.txt`). Each is the
content of a character class, for `re` and for the ECMAScript patterns of OpenAPI with the flag `u`.
"""

import re


def _characters(*ranges: tuple[int, int]) -> str:
    """The content of a character class. Escapes of characters beyond U+FFFF differ between `re` and ECMAScript."""
    return "".join(
        f"{_character(first)}-{_character(last)}" if first < last else _character(first) for first, last in ranges
    )


def _character(code: int) -> str:
    return f"\\u{code:04x}" if code <= 0xFFFF else chr(code)


# Characters that move the cursor, change the text direction, or are invisible without a use in names: controls, line
# separators, format controls, `Default_Ignorable_Code_Point` except JOINERS, and noncharacters. Lone surrogates are not
# among them: a decoder rejects or replaces them.
MISLEADING = _characters(
    (0x0000, 0x001F),
    (0x007F, 0x009F),
    (0x00AD, 0x00AD),  # soft hyphen
    (0x034F, 0x034F),  # combining grapheme joiner
    (0x061C, 0x061C),  # Arabic letter mark
    (0x115F, 0x1160),  # Hangul fillers
    (0x17B4, 0x17B5),  # Khmer inherent vowels
    (0x180E, 0x180E),  # Mongolian vowel separator
    (0x200B, 0x200B),  # zero width space
    (0x200E, 0x200F),  # direction marks
    (0x2028, 0x202E),  # line separators, direction controls
    (0x2060, 0x206F),  # word joiner, invisible operators, direction isolates
    (0x3164, 0x3164),  # Hangul filler
    (0xFDD0, 0xFDEF),  # noncharacters
    (0xFEFF, 0xFEFF),  # byte order mark
    (0xFFA0, 0xFFA0),  # Hangul filler
    (0xFFF0, 0xFFFB),  # reserved, interlinear annotations
    (0xFFFE, 0xFFFF),  # noncharacters
    (0x1BCA0, 0x1BCA3),  # shorthand controls
    (0x1D173, 0x1D17A),  # musical controls
    *((plane + 0xFFFE, plane + 0xFFFF) for plane in range(0x10000, 0xE0000, 0x10000)),  # noncharacters
    (0xE0000, 0xE00FF),  # tags, also in the flags of England, Scotland and Wales
    (0xE01F0, 0xE0FFF),
    *((plane + 0xFFFE, plane + 0xFFFF) for plane in range(0xE0000, 0x110000, 0x10000)),  # noncharacters
)
# Characters that are invisible but change how their neighbours are shown: in emoji, Persian, Indic, Mongolian and Han.
JOINERS = _characters(
    (0x180B, 0x180D),  # Mongolian variation selectors
    (0x180F, 0x180F),
    (0x200C, 0x200D),  # zero width non-joiner and joiner
    (0xFE00, 0xFE0F),  # variation selectors
    (0xE0100, 0xE01EF),
)
# Spaces, and characters that look like one.
BLANK = _characters(
    (0x0020, 0x0020),
    (0x00A0, 0x00A0),
    (0x1680, 0x1680),
    (0x2000, 0x200A),
    (0x202F, 0x202F),
    (0x205F, 0x205F),
    (0x2800, 0x2800),  # the Braille pattern without dots
    (0x3000, 0x3000),
    (0x13430, 0x1343F),  # hieroglyph format controls
    (0x13441, 0x13442),  # hieroglyph blanks
    (0x16FE4, 0x16FE4),  # the Khitan filler
    (0x1D159, 0x1D159),  # the musical symbol without a note head
)
# Minus, and the characters whose compatibility form (NFKC) starts with = + - or @.
_OPERATORS = r"=+\-@\u207a-\u207c\u208a-\u208c\u2212\u2a75\u2a76\ufb29\ufe62\ufe63\ufe66\ufe6b\uff0b\uff0d\uff1d\uff20"

# One line in which something is visible. `$(?!\n)` matches only at the end of the text, in `re` and in ECMAScript. Each
# character has one place in the pattern, so the time is linear.
NAME = rf"^[{BLANK}{JOINERS}]*[^{MISLEADING}{BLANK}{JOINERS}][^{MISLEADING}]*$(?!\n)"
NAME_OR_EMPTY = rf"^(?:[{BLANK}{JOINERS}]*[^{MISLEADING}{BLANK}{JOINERS}][^{MISLEADING}]*)?$(?!\n)"

# Spreadsheets interpret a cell that starts with an operator as a formula, and may drop tabs, line breaks and invisible
# characters before it.
_FORMULA = re.compile(rf"[\t\r\n]|[{MISLEADING}{JOINERS}{BLANK}]*[{_OPERATORS}]")


def well_formed(text: str) -> str:
    """Text that UTF-8 can encode: an unpaired surrogate becomes U+FFFD."""
    return str(text).encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def is_formula(text: str) -> bool:
    """Whether a spreadsheet could interpret the text as a formula."""
    return _FORMULA.match(text) is not None
