"""Numbers and times as text, in each language."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from argus.core.languages import DECIMAL_SEPARATORS, ENGLISH, GROUP_SEPARATORS, Language

MISSING = "—"

# Not from strftime, which depends on the locale of the worker.
_MONTHS: Mapping[Language, tuple[str, ...]] = {
    "en": (
        "January", "February", "March", "April", "May", "June",
        "July", "August", "September", "October", "November", "December",
    ),
    "fr": (
        "janvier", "février", "mars", "avril", "mai", "juin",
        "juillet", "août", "septembre", "octobre", "novembre", "décembre",
    ),
    "es": (
        "enero", "febrero", "marzo", "abril", "mayo", "junio",
        "julio", "agosto", "septiembre", "octubre", "noviembre", "diciembre",
    ),
}  # fmt: skip


def number(value: Any, decimals: int, unit: str = "", *, language: Language = ENGLISH, is_grouped: bool = False) -> str:
    """A number with a true minus sign and its unit; a dash if the value is not a finite number. Integers and `Decimal`s
    are exact, however large. `is_grouped` separates the thousands."""
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return MISSING
    exact = Decimal(value)
    if not exact.is_finite():
        return MISSING
    text = f"{exact:{',' if is_grouped else ''}.{decimals}f}"
    whole, _, fraction = text.lstrip("-").partition(".")
    if language == "es" and len(whole) == len("1,234"):
        whole = whole.replace(",", "")  # Spanish groups from five digits
    whole = whole.replace(",", GROUP_SEPARATORS[language])
    sign = "\u2212" if text.startswith("-") and text.strip("-0.,") else ""
    separator = DECIMAL_SEPARATORS[language] if fraction else ""
    return f"{sign}{whole}{separator}{fraction} {unit}".rstrip()


def day(on: date | None, *, language: Language = ENGLISH) -> str:
    """`14 March 2026`, `14 mars 2026`, `14 de marzo de 2026`"""
    if on is None:
        return MISSING
    month = _MONTHS[language][on.month - 1]
    if language == "es":
        return f"{on.day} de {month} de {on.year}"
    ordinal = "er" if language == "fr" and on.day == 1 else ""
    return f"{on.day}{ordinal} {month} {on.year}"


def moment(at: datetime | None, *, language: Language = ENGLISH) -> str:
    """`14 March 2026, 12:30 UTC`"""
    if at is None:
        return MISSING
    utc = at.astimezone(UTC)
    return f"{day(utc, language=language)}, {utc:%H:%M} UTC"
