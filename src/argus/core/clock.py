"""Times. Services receive the clock as a parameter, so that tests control it."""

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    return datetime.now(UTC)


def rfc3339(moment: datetime) -> str:
    """UTC with milliseconds, `2026-01-31T09:05:00.000Z`. Texts sort in the order of their times."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def to_milliseconds(moment: datetime) -> datetime:
    """The moment in the precision in which it is stored."""
    return from_rfc3339(rfc3339(moment))


def from_rfc3339(text: str) -> datetime:
    return datetime.fromisoformat(text)


def optional_rfc3339(moment: datetime | None) -> str | None:
    return rfc3339(moment) if moment else None


def parse_optional(text: str | None) -> datetime | None:
    return from_rfc3339(text) if text else None
