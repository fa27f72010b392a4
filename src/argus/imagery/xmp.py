"""A reader of single properties of XMP metadata, written as attributes or as elements.

The XML is not parsed: a property is found by its name, with the prefix that cameras use, so a damaged or hostile packet
costs no more than a search.
"""

import re
from dataclasses import dataclass
from functools import cache

from argus.imagery.jpeg import APP1, XMP, Segment


@dataclass(frozen=True)
class Xmp:
    """The XMP packets of a file, joined."""

    packets: bytes = b""

    @classmethod
    def among(cls, segments: list[Segment]) -> "Xmp":
        """The packets in a JPEG's segments; empty if there are none."""
        found = [each.payload[len(XMP) :] for each in segments if each.marker == APP1 and each.starts_with(XMP)]
        return cls(b"\n".join(map(bytes, found)))

    def text(self, *names: str) -> str:
        """The value of the first of these properties that is stated, such as `xmp:CreateDate`; empty if none is."""
        for name in names if self.packets else ():
            if match := _property(name).search(self.packets):
                return match[1].decode("ascii", "replace")
        return ""

    def number(self, *names: str) -> float | None:
        """The number of the first of these properties that is stated; None if none is, or it is not a number."""
        text = self.text(*names)
        return float(text) if re.fullmatch(r"[+-]?\d{1,9}(?:\.\d{0,15})?", text) else None


@cache
def _property(name: str) -> re.Pattern[bytes]:
    form = rf"""[\s<]{re.escape(name)}\s{{0,8}}(?:=\s{{0,8}}["']|>)\s{{0,8}}([^<>"']{{1,64}}?)\s{{0,8}}["'<]"""
    return re.compile(form.encode())
