"""A typesetter of A4 documents as PDF. Capabilities import it from this package, not from its modules.

A document is a sequence of `Item`s: blocks with their spacing. The functions below return blocks, except `heading`,
which returns an item with the spacing of headings. `write` lays the items out on pages with a header and a footer, the
`Frame`, and returns the file. Equal input makes equal bytes. Lengths are in points; `20 * MM` are 20 millimetres.

Strings are plain text of any origin: they are escaped, truncated, and shown in the characters of the typeface. Only
`marked_up` takes markup, and a `Typesetter` escapes the external parts of it.

Importing this package imports reportlab: only workers do, inside functions.
"""

from argus.core.pdf.blocks import Tile, chip, heading, note, tiles
from argus.core.pdf.pages import HEIGHT, MM, WIDTH, Block, Drawing, Frame, Item, Metadata, write
from argus.core.pdf.style import BOLD, INK, MUTED, PAPER, REGULAR, SHADE, Colour, colour
from argus.core.pdf.tables import Column, key_values, table
from argus.core.pdf.text import Typesetter, marked_up
from argus.core.pdf.values import MISSING, day, moment, number

__all__ = [
    "BOLD",
    "HEIGHT",
    "INK",
    "MISSING",
    "MM",
    "MUTED",
    "PAPER",
    "REGULAR",
    "SHADE",
    "WIDTH",
    "Block",
    "Colour",
    "Column",
    "Drawing",
    "Frame",
    "Item",
    "Metadata",
    "Tile",
    "Typesetter",
    "chip",
    "colour",
    "day",
    "heading",
    "key_values",
    "marked_up",
    "moment",
    "note",
    "number",
    "table",
    "tiles",
    "write",
]
