"""Dealing with whatever is due, each thing on its own: one that fails does not keep those behind it from their turn."""

import logging
from collections.abc import Callable, Iterable
from typing import Protocol, TypeVar

from argus.core.errors import ArgusError

_log = logging.getLogger("argus.sweep")


class Named(Protocol):
    """Something with an id."""

    @property
    def id(self) -> str: ...


Due = TypeVar("Due", bound=Named)


class LeftOver(ArgusError):
    """A sweep could not deal with everything that was due."""


def deal_with_each(due: Iterable[Due], deal: Callable[[Due], None]) -> None:
    """Deal with each; raise `LeftOver` at the end for those that failed.

    `deal` puts a thing off before it does anything else, so that one that fails has its next turn behind others.
    """
    failed = []
    for thing in due:
        try:
            deal(thing)
        except Exception as error:
            _log.error("could not deal with what is due", extra={"id": thing.id}, exc_info=error)
            failed.append(thing.id)
    if failed:
        raise LeftOver(f"{len(failed)} failed, {failed[0]} the first")
