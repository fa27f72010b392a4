"""Values of the API as text. Control characters from the server never reach the terminal."""

import json
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from argus.core.text import MISLEADING

# Control characters control terminals, and direction marks change the order in which text is read; lone surrogates
# cannot be printed. The API accepts the text that remains as a name.
_MISLEADING = re.compile(rf"[{MISLEADING}\ud800-\udfff]")
EVIDENCE_VALUES = 2
_UNITS = {"celsius": "°C", "metres": "m", "metres2": "m²", "pixels": "px", "pixels2": "px²", "percent": "%"}


def clean(text: object) -> str:
    """Text on one line, without control characters and invisible ones."""
    return _MISLEADING.sub("\N{REPLACEMENT CHARACTER}", re.sub(r"\s+", " ", str(text)))


def plain(value: object) -> str:
    """A value for programs: complete, on one line, without tabs. Lists are joined by commas, objects are JSON."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Mapping):
        return json.dumps(value, separators=(",", ":"))
    return clean(",".join(map(plain, value)) if isinstance(value, list | tuple) else value)


def label(value: str) -> str:
    """`awaiting upload` for `awaiting_upload`."""
    return value.replace("_", " ")


def joined(values: list[str]) -> str:
    return ", ".join(values)


def local_time(timestamp: str | None) -> str:
    """An RFC 3339 time in the local time zone; unchanged if it cannot be converted to that zone."""
    if not timestamp:
        return ""
    moment = datetime.fromisoformat(timestamp)
    try:
        return moment.astimezone().strftime("%Y-%m-%d %H:%M %Z")
    except (OverflowError, ValueError):
        return timestamp


def one_decimal(value: float | None) -> str:
    return "" if value is None else f"{value:.1f}"


def celsius(value: float | None) -> str:
    return "" if value is None else f"{value:.1f} °C"


def metres(value: float | None) -> str:
    return "" if value is None else f"{value:g} m"


def percent(value: int) -> str:
    return f"{value} %"


def file_size(size_bytes: int) -> str:
    if size_bytes < 1024:
        return f"{size_bytes} B"
    return f"{size_bytes / 1024:.0f} KiB" if size_bytes < 1024**2 else f"{size_bytes / 1024**2:.1f} MiB"


def target(document: Mapping[str, str]) -> str:
    """`kind:value`, as on the command line."""
    return f"{document['kind']}:{target_name(document)}"


def target_name(document: Mapping[str, str]) -> str:
    """The id of a resource in Argus, or the name of an external target."""
    return document["id"] if "id" in document else document["value"]


def evidence(document: Mapping[str, Any]) -> str:
    """The first measured values, in the plugin's order; reports and `--json` have all."""
    values = [(name, value) for name, value in document.items() if isinstance(value, int | float | str)]
    return ", ".join(_measurement(name, value) for name, value in values[:EVIDENCE_VALUES])


def _measurement(name: str, value: object) -> str:
    quantity, _, unit = name.rpartition("_")
    number = f"{value:.1f}" if isinstance(value, float) else str(value)
    if quantity and unit in _UNITS:
        return f"{quantity.replace('_', ' ')} {number} {_UNITS[unit]}"
    return f"{name.replace('_', ' ')} {number}"


def counts(document: Mapping[str, int]) -> str:
    """`2 critical, 1 low`: most severe first. The document has the least severe first."""
    return ", ".join(f"{number} {name}" for name, number in reversed(list(document.items())) if number) or "none"


def number_of(count: int, noun: str) -> str:
    """`1 scan`, `2 scans`."""
    return f"{count} {noun}{'s' * (count != 1)}"
