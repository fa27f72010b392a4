"""Values of the wire as people read them. What a server sends never steers the terminal."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

# C0, DEL and C1 steer terminals; bidirectional marks (Unicode UAX 9) make text read as another; lone surrogates
# cannot be printed.
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
SHOWN_EVIDENCE = 2
_UNITS = {"celsius": "°C", "metres": "m", "metres2": "m²", "pixels": "px", "pixels2": "px²", "percent": "%"}


def clean(text: object) -> str:
    """One line of harmless text."""
    return _UNPRINTABLE.sub("\N{REPLACEMENT CHARACTER}", re.sub(r"\s+", " ", str(text)))


def when(timestamp: str | None) -> str:
    """An RFC 3339 time in the time zone of whoever reads; as it is where that has none, at the ends of the calendar."""
    if not timestamp:
        return ""
    moment = datetime.fromisoformat(timestamp)
    try:
        return moment.astimezone().strftime("%Y-%m-%d %H:%M %Z")
    except (OverflowError, ValueError):
        return clean(timestamp)


def celsius(value: float | None) -> str:
    return "" if value is None else f"{value:.1f}"


def size(size_bytes: int) -> str:
    if size_bytes < 1024:
        return f"{size_bytes} B"
    return f"{size_bytes / 1024:.0f} KiB" if size_bytes < 1024**2 else f"{size_bytes / 1024**2:.1f} MiB"


def target(wire: Mapping[str, str], names: Mapping[str, str]) -> str:
    """A target by the name a person gave it, if that is known."""
    return names.get(wire["value"]) or f"{wire['kind']}:{wire['value']}"


def evidence(wire: Mapping[str, Any]) -> str:
    """The first measured values, in the order the plugin gave them; all are in reports and `--json`."""
    values = [(name, value) for name, value in wire.items() if isinstance(value, int | float | str)]
    return ", ".join(_measure(name, value) for name, value in values[:SHOWN_EVIDENCE])


def _measure(name: str, value: object) -> str:
    label, _, unit = name.rpartition("_")
    number = f"{value:.1f}" if isinstance(value, float) else str(value)
    if label and unit in _UNITS:
        return f"{label.replace('_', ' ')} {number} {_UNITS[unit]}"
    return f"{name.replace('_', ' ')} {number}"


def counts(wire: Mapping[str, int]) -> str:
    """`2 critical, 1 low`: what there is, gravest first."""
    return ", ".join(f"{number} {name}" for name, number in reversed(list(wire.items())) if number) or "none"
