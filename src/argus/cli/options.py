"""Options of several commands."""

from collections.abc import Callable, Iterable, Sequence
from functools import wraps
from typing import Any

import click
from click.shell_completion import CompletionItem

DEFAULT_LIMIT = 50

Callback = Callable[..., Any]


def paged(callback: Callback) -> Callback:
    """`--limit` and `--all`. The command receives `limit`: the number of items, or None for all."""

    @click.option(
        "--limit", type=click.IntRange(1), default=DEFAULT_LIMIT, show_default=True, help="The number of items."
    )
    @click.option("--all", "all_items", is_flag=True, help="All items.")
    @wraps(callback)
    def limited(*arguments: Any, limit: int, all_items: bool, **keywords: Any) -> Any:
        return callback(*arguments, limit=None if all_items else limit, **keywords)

    return limited


class CommaSeparated(click.ParamType[list[str]]):
    """Values separated by commas, from `choices` if it is not empty. The command receives a list."""

    name = "text"

    def __init__(self, choices: Sequence[str] = ()) -> None:
        self.choices = choices

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str | None:
        return f"[{'|'.join(self.choices)}],…" if self.choices else "TEXT,…"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> list[str]:
        values = value if isinstance(value, list) else [each.strip() for each in value.split(",")]
        for each in values:
            if not each or (self.choices and each not in self.choices):
                self.fail(f"{each!r} is not one of {', '.join(self.choices)}." if self.choices else "A value is empty.")
        return values

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        before, comma, last = incomplete.rpartition(",")
        return [CompletionItem(f"{before}{comma}{each}") for each in self.choices if each.startswith(last)]


def join_values(values: Iterable[Sequence[str]]) -> str:
    """The values of a repeatable option, in the format of the API."""
    return ",".join(value for each in values for value in each)
