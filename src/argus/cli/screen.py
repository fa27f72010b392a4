"""Output: tables on a terminal, lines in a pipe, and one JSON document with `--json`."""

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import click

from argus.cli.api import Listing
from argus.cli.errors import CliError, RequestRejected
from argus.cli.formatting import clean
from argus.cli.query import Query
from argus.cli.tables import Details, Rows, Table

if TYPE_CHECKING:
    from rich.console import Console

Advance = Callable[[int], None]
Block = Rows | Details


@dataclass(frozen=True)
class Screen:
    """Standard output and error of one command."""

    json: bool = False
    quiet: bool = False
    query: Query | None = None  # only with `json`

    @property
    def is_terminal(self) -> bool:
        return sys.stdout.isatty()

    def show(self, document: Any, *blocks: Block) -> None:
        """Print the result of a command: as a JSON document, as tables on a terminal, or as lines in a pipe."""
        if self.json:
            self.show_json(document, indent=2 if self.is_terminal else None)
        elif self.is_terminal:
            for number, block in enumerate(blocks):
                self._render(block, blank_line=number > 0)
        else:
            for number, block in enumerate(blocks):
                click.echo("\n" * (number > 0) + "".join(f"{line}\n" for line in block.lines()), nl=False)

    def show_json(self, document: Any, *, indent: int | None = None) -> None:
        """Print the document, or the values that the query selects.

        If the query does not apply, the whole document is printed before the error: a command that has changed
        something must not lose its result.
        """
        selected, query_error = document, None
        if self.query:
            try:
                selected = self.query.select(document)
            except click.UsageError as error:
                query_error = error
        click.echo(json.dumps(selected, indent=indent))  # ASCII only: safe for all terminals and encodings
        if query_error:
            raise query_error

    def show_list(self, table: Table, listing: Listing) -> None:
        """Print a list. In a pipe, each item is printed as soon as it is read."""
        if self.json or self.is_terminal:
            items = list(listing)
            self.show({"items": items, "next_cursor": listing.next_cursor}, *([Rows(table, items)] if items else []))
        else:
            for item in listing:
                click.echo(table.tsv(item))
        if self.is_terminal and not listing.count:
            self.note(f"{table.title}: none")
        if listing.next_cursor:
            self.note("There are more. Add --all to list them.")

    def line(self, text: str) -> None:
        """Print one line of the result, without wrapping."""
        if not self.json:
            click.echo(clean(text))

    def note(self, text: str) -> None:
        """Print information that is not the result, on standard error."""
        if not self.json and not self.quiet:
            click.echo(clean(text), err=True)

    def error(self, error: CliError) -> None:
        if self.json:
            click.echo(json.dumps(error.as_problem()), err=True)
            return
        click.echo(clean(f"argus: {error.title}. {error.cause}").rstrip(), err=True)
        if isinstance(error, RequestRejected):
            for field, message in error.fields():
                click.echo(f"  {clean(field)}: {clean(message)}", err=True)
            if request_id := error.problem.get("request_id"):
                click.echo(f"  request {clean(request_id)}", err=True)

    @contextmanager
    def progress(self, description: str, total: int, *, in_bytes: bool = False) -> Iterator[Advance]:
        """A progress bar, if standard error is a terminal. Yields the function that advances it."""
        if self.json or self.quiet or not sys.stderr.isatty():
            yield lambda _: None
            return
        from rich.progress import BarColumn, DownloadColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

        amount = DownloadColumn(binary_units=True) if in_bytes else MofNCompleteColumn()
        columns = (TextColumn("{task.description:<10}"), BarColumn(), amount, TimeElapsedColumn())
        with Progress(*columns, console=self._stderr) as bars:
            bar = bars.add_task(description, total=total)
            yield lambda more: bars.advance(bar, more)

    def _render(self, block: Block, *, blank_line: bool) -> None:
        console = self._stdout
        with console.capture() as captured:
            # The table already fits. Only ids that are wider than the terminal exceed it; they are not truncated.
            console.print(block.render(console.width), soft_wrap=True)
        lines = [line.rstrip() for line in captured.get().splitlines()]
        click.echo("\n" * blank_line + "\n".join(lines))

    @cached_property
    def _stdout(self) -> "Console":
        from rich.console import Console

        return Console(highlight=False, markup=False, emoji=False)

    @cached_property
    def _stderr(self) -> "Console":
        from rich.console import Console

        return Console(stderr=True, highlight=False, markup=False, emoji=False)
