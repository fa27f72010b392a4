"""All that a report shows, gathered before it is built. No I/O."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from argus.scanning.model import Scan, TrackedFinding


@dataclass(frozen=True)
class RuleText:
    """What a rule's manifest says of it."""

    title: str
    description: str
    remedy: str


@dataclass(frozen=True)
class Picture:
    """A preview of the scanned image, empty where the format shows none, and what is known of it."""

    preview_png: bytes
    colour_bar_png: bytes
    width: int
    height: int
    name: str
    low_celsius: float
    high_celsius: float
    accuracy: str
    camera: str
    taken_at: datetime | None
    statistics: Mapping[str, float]
    parameters: Mapping[str, float]


@dataclass(frozen=True)
class Document:
    """All that a report shows."""

    scan: Scan
    findings: Sequence[TrackedFinding]
    rules: Mapping[tuple[str, str], RuleText]
    generated_at: datetime
    argus_version: str
    organisation_name: str
    picture: Picture | None = None
