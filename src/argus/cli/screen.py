"""What goes to standard output and standard error: for people, or with `--json` for machines."""

import json
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import click

from argus.cli.errors import CliError, Refused
from argus.cli.words import clean

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

UNWRAPPED = 10_000  # columns of a file or pipe: lines there are for grep, not for eyes

Tell = Callable[[int], None]


@dataclass(frozen=True)
class Screen:
    """Standard output and error of one command."""

    json: bool = False
    quiet: bool = False

    def show(self, document: Mapping[str, Any], *blocks: "RenderableType") -> None:
        """The result of a command: one JSON document, or blocks for people, if any."""
        if self.json:
            # ASCII only: safe for any terminal and any encoding.
            click.echo(json.dumps(document, indent=2 if sys.stdout.isatty() else None))
            return
        if not blocks:
            return
        with self.out.capture() as text:
            self.out.print(*blocks, sep="\n")
        lines = text.get().splitlines()
        # A terminal's colours may end a line; a file's lines end where their text does.
        click.echo("\n".join(lines if sys.stdout.isatty() else map(str.rstrip, lines)))

    def line(self, text: str) -> None:
        """One line of the result for people, never broken: an address stays one address."""
        if not self.json:
            click.echo(clean(text))

    def note(self, text: str) -> None:
        """Something worth knowing that is not the result."""
        if not self.json and not self.quiet:
            click.echo(clean(text), err=True)

    def error(self, error: CliError) -> None:
        if self.json:
            click.echo(json.dumps(error.as_problem()), err=True)
            return
        click.echo(clean(f"argus: {error.title.rstrip('.')}: {error.detail}"), err=True)
        if isinstance(error, Refused):
            for field, why in error.fields():
                click.echo(f"  {clean(field)}: {clean(why)}", err=True)
            if request_id := error.problem.get("request_id"):
                click.echo(f"  request {clean(request_id)}", err=True)

    @contextmanager
    def progress(self, what: str, total: int, *, in_bytes: bool = False) -> Iterator[Tell]:
        """A bar on standard error while a person watches; yields how to say that more is done."""
        if self.json or self.quiet or not sys.stderr.isatty():
            yield lambda _: None
            return
        from rich.progress import BarColumn, DownloadColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

        amount = DownloadColumn(binary_units=True) if in_bytes else MofNCompleteColumn()
        columns = (TextColumn("{task.description:<10}"), BarColumn(), amount, TimeElapsedColumn())
        with Progress(*columns, console=self.err) as bars:
            bar = bars.add_task(what, total=total)
            yield lambda more: bars.advance(bar, more)

    @cached_property
    def out(self) -> "Console":
        from rich.console import Console

        return Console(width=None if sys.stdout.isatty() else UNWRAPPED, highlight=False, markup=False, emoji=False)

    @cached_property
    def err(self) -> "Console":
        from rich.console import Console

        return Console(stderr=True, highlight=False, markup=False, emoji=False)
