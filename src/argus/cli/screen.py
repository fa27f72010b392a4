"""Standard output and standard error: for people, for programs that read lines, and with `--json` as one document."""

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import click

from argus.cli.api import Listing
from argus.cli.errors import CliError, Refused
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
        """The result of a command: one JSON document, or tables for people, or their lines for programs."""
        if self.json:
            self.show_json(document, indent=2 if self.is_terminal else None)
        elif self.is_terminal:
            for number, block in enumerate(blocks):
                self._render(block, apart=number > 0)
        else:
            for number, block in enumerate(blocks):
                click.echo("\n" * (number > 0) + "".join(f"{line}\n" for line in block.lines()), nl=False)

    def show_json(self, document: Any, *, indent: int | None = None) -> None:
        """The document, or what the query selects. One that does not fit the document must not cost the result of a
        command that has changed something: the whole document is printed, and the command ends with the error."""
        selected, misfit = document, None
        if self.query:
            try:
                selected = self.query.select(document)
            except click.UsageError as error:
                misfit = error
        click.echo(json.dumps(selected, indent=indent))  # ASCII only: safe for any terminal and any encoding
        if misfit:
            raise misfit

    def show_list(self, table: Table, listing: Listing) -> None:
        """A list: for programs that read lines, each is printed as soon as it is read."""
        if self.json or self.is_terminal:
            items = list(listing)
            self.show({"items": items, "next_cursor": listing.next_cursor}, *([Rows(table, items)] if items else []))
        else:
            for item in listing:
                click.echo(table.tsv(item))
        if self.is_terminal and not listing.count:
            self.note(f"{table.title}: none")
        if listing.next_cursor:
            self.note("More exist: add --all")

    def line(self, text: str) -> None:
        """One line of the result, never broken."""
        if not self.json:
            click.echo(clean(text))

    def note(self, text: str) -> None:
        """Something useful that is not the result."""
        if not self.json and not self.quiet:
            click.echo(clean(text), err=True)

    def error(self, error: CliError) -> None:
        if self.json:
            click.echo(json.dumps(error.as_problem()), err=True)
            return
        click.echo(clean(f"argus: {error.title.rstrip('.')}: {error.cause}"), err=True)
        if isinstance(error, Refused):
            for field, message in error.fields():
                click.echo(f"  {clean(field)}: {clean(message)}", err=True)
            if request_id := error.problem.get("request_id"):
                click.echo(f"  request {clean(request_id)}", err=True)

    @contextmanager
    def progress(self, description: str, total: int, *, in_bytes: bool = False) -> Iterator[Advance]:
        """A bar on standard error, if that is a terminal; yields the function that moves it."""
        if self.json or self.quiet or not sys.stderr.isatty():
            yield lambda _: None
            return
        from rich.progress import BarColumn, DownloadColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

        amount = DownloadColumn(binary_units=True) if in_bytes else MofNCompleteColumn()
        columns = (TextColumn("{task.description:<10}"), BarColumn(), amount, TimeElapsedColumn())
        with Progress(*columns, console=self._stderr) as bars:
            bar = bars.add_task(description, total=total)
            yield lambda more: bars.advance(bar, more)

    def _render(self, block: Block, *, apart: bool) -> None:
        console = self._stdout
        with console.capture() as captured:
            # The table has fitted itself; only ids wider than the terminal pass its edge, and are not cut.
            console.print(block.render(console.width), soft_wrap=True)
        lines = [line.rstrip() for line in captured.get().splitlines()]
        click.echo("\n" * apart + "\n".join(lines))

    @cached_property
    def _stdout(self) -> "Console":
        from rich.console import Console

        return Console(highlight=False, markup=False, emoji=False)

    @cached_property
    def _stderr(self) -> "Console":
        from rich.console import Console

        return Console(stderr=True, highlight=False, markup=False, emoji=False)
