"""Numbers and times as text."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

MISSING = "—"

# Not from strftime, which depends on the locale of the worker.
_MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip


def number(value: Any, decimals: int, unit: str = "") -> str:
    """A number with a true minus sign and its unit; a dash if the value is not a finite number. Integers and `Decimal`s
    are exact, however large."""
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return MISSING
    exact = Decimal(value)
    if not exact.is_finite():
        return MISSING
    text = f"{exact:.{decimals}f}"
    signed = text.replace("-", "\u2212") if text.strip("-0.") else text.lstrip("-")
    return f"{signed} {unit}".rstrip()


def day(on: date | None) -> str:
    """`14 March 2026`"""
    return f"{on.day} {_MONTHS[on.month - 1]} {on.year}" if on else MISSING


def moment(at: datetime | None) -> str:
    """`14 March 2026, 12:30 UTC`"""
    if at is None:
        return MISSING
    utc = at.astimezone(UTC)
    return f"{day(utc)}, {utc:%H:%M} UTC"
