"""Cursors of listings. Signed, not secret, and bound to the organisation and the query that they came from."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from argus.core.dynamo import Item
from argus.core.errors import Invalid
from argus.core.sealing import Sealer, WrongSeal

T = TypeVar("T")


class BadCursor(Invalid):
    """The cursor does not belong to this listing."""


@dataclass(frozen=True)
class Listing(Generic[T]):
    """One page of a list; `last_key` is where the next page starts, None on the last page."""

    items: list[T]
    last_key: Item | None = None

    def map(self, change: Callable[[T], "U"]) -> "Listing[U]":
        return Listing([change(item) for item in self.items], self.last_key)


U = TypeVar("U")


@dataclass(frozen=True)
class Cursors:
    """Seals the last key of a page as a cursor, and opens cursors."""

    sealer: Sealer

    def seal(self, last_key: Item, *, bound_to: str) -> str:
        return self.sealer.seal(last_key, bound_to=bound_to)

    def open(self, cursor: str, *, bound_to: str) -> Item:
        try:
            opened: Item = self.sealer.open(cursor, bound_to=bound_to)
        except ValueError as error:
            raise BadCursor("malformed") from error
        except WrongSeal as error:
            raise BadCursor("foreign") from error
        return opened
