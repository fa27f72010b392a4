"""Options that several commands share."""

from collections.abc import Callable, Iterable, Sequence
from functools import wraps
from typing import Any

import click
from click.shell_completion import CompletionItem

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


class Several(click.ParamType[list[str]]):
    """Values with commas between them; of `choices`, where there are some. The command receives a list."""

    name = "text"

    def __init__(self, choices: Sequence[str] = ()) -> None:
        self.choices = choices

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str | None:
        return f"[{'|'.join(self.choices)}],…" if self.choices else "TEXT,…"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> list[str]:
        values = value if isinstance(value, list) else [one.strip() for one in value.split(",")]
        for one in values:
            if not one or (self.choices and one not in self.choices):
                self.fail(f"{one!r} is not one of {', '.join(self.choices)}." if self.choices else "a value is empty.")
        return values

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        before, comma, last = incomplete.rpartition(",")
        return [CompletionItem(f"{before}{comma}{one}") for one in self.choices if one.startswith(last)]


def comma_separated(values: Iterable[Sequence[str]]) -> str:
    """The values of an option that may be given more than once, as the API has them."""
    return ",".join(one for given in values for one in given)
