"""Dealing with whatever is due, each thing on its own: one that fails does not keep those behind it from their turn."""

import logging
from collections.abc import Callable, Iterable
from operator import attrgetter
from typing import TypeVar

from argus.core.errors import ArgusError

_log = logging.getLogger("argus.sweep")


Due = TypeVar("Due")


class LeftOver(ArgusError):
    """A sweep could not deal with everything that was due."""


def deal_with_each(
    due: Iterable[Due], deal: Callable[[Due], None], *, named: Callable[[Due], str] = attrgetter("id")
) -> None:
    """Deal with each; raise `LeftOver` at the end for those that failed.

    `deal` puts a thing off before it does anything else, so that one that fails has its next turn behind others.
    """
    failed = []
    for thing in due:
        try:
            deal(thing)
        except Exception as error:
            _log.error("could not deal with what is due", extra={"id": named(thing)}, exc_info=error)
            failed.append(named(thing))
    if failed:
        raise LeftOver(f"{len(failed)} failed, {failed[0]} the first")
