"""Options that several commands share."""

from collections.abc import Callable
from functools import wraps
from typing import Any

import click

DEFAULT_LIMIT = 50

Callback = Callable[..., Any]


def paged(callback: Callback) -> Callback:
    """`--limit` and `--all`. The command receives `limit`: how many items, or None for all."""

    @click.option("--limit", type=click.IntRange(1), default=DEFAULT_LIMIT, show_default=True, help="How many.")
    @click.option("--all", "everything", is_flag=True, help="All of them.")
    @wraps(callback)
    def limited(*arguments: Any, limit: int, everything: bool, **keywords: Any) -> Any:
        return callback(*arguments, limit=None if everything else limit, **keywords)

    return limited
