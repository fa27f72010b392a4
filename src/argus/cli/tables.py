"""Items of the API as tables that fit a terminal, as tab-separated values for programs, and one item in full."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

from argus.cli.formatting import clean, plain

if TYPE_CHECKING:
    from rich.console import RenderableType

_STYLES = {
    "critical": "bold white on red",
    "high": "bold red",
    "medium": "yellow",
    "low": "cyan",
    "info": "dim",
    "active": "green",
    "ready": "green",
    "succeeded": "green",
    "fixed": "green",
    "rejected": "bold red",
    "failed": "bold red",
    "regressed": "bold red",
    "new": "bold",
    "unchanged": "dim",
    "not_tested": "dim",
    "expired": "dim",
    "revoked": "dim",
}
_GAP = 2  # spaces between columns
_NARROWEST = 16  # cells to which a column is truncated before it is dropped

Item = Mapping[str, Any]


@dataclass(frozen=True)
class Column:
    """One value of an item. Where space is short, the column with the largest `priority` number is dropped first.

    `read` gives the value that programs get, `show` the text for people.
    """

    name: str
    read: Callable[[Item], Any]
    priority: int = 1
    show: Callable[[Any], str] = plain
    narrowest: int = _NARROWEST
    right: bool = False
    whole: bool = False  # an id or a time, printed in full or not at all; so are the numbers of a `right` column
    coloured: bool = False  # a severity, a state or a status

    @classmethod
    def of(cls, name: str, field: str, priority: int = 1, show: Callable[[Any], str] = plain, **more: Any) -> "Column":
        """A column that reads one field."""
        return cls(name, lambda item: item[field], priority, show, **more)


class Cell(NamedTuple):
    """One value twice: for programs and for people."""

    value: str
    shown: str
    style: str


@dataclass(frozen=True)
class Table:
    """The columns of one kind of item, in the order in which they are printed."""

    title: str
    columns: tuple[Column, ...]

    def tsv(self, item: Item) -> str:
        """One line: every value in full, separated by tabs."""
        return "\t".join(cell.value for cell in _row(self.columns, item))

    def replacing(self, *columns: Column) -> "Table":
        """The table with other columns in the places of those with the same name."""
        changed = {column.name: column for column in columns}
        return replace(self, columns=tuple(changed.get(column.name, column) for column in self.columns))


def _row(columns: Sequence[Column], item: Item) -> list[Cell]:
    return [_cell(column, item) for column in columns]


def _cell(column: Column, item: Item) -> Cell:
    value = column.read(item)
    # Both texts are made wherever the output goes, so that an answer of another shape is noticed everywhere.
    shown = clean(column.show(value))
    return Cell(plain(value), shown, _STYLES.get(value, "") if column.coloured else "")


@dataclass(frozen=True)
class Rows:
    """Items as a table."""

    table: Table
    items: Sequence[Item]

    def lines(self) -> Iterator[str]:
        """For programs."""
        return map(self.table.tsv, self.items)

    def render(self, width: int) -> "RenderableType":
        """For a terminal that is `width` cells wide."""
        from rich.table import Table as RichTable
        from rich.text import Text

        rows = [_row(self.table.columns, item) for item in self.items]
        widths = _fit(self.table.columns, rows, width)
        table = RichTable(
            title=self.table.title,
            title_justify="left",
            title_style="bold",
            header_style="bold",
            box=None,
            width=sum(widths.values()) + _GAP * (len(widths) - 1),
            pad_edge=False,
            padding=(0, _GAP, 0, 0),
        )
        for index, cells in widths.items():
            column = self.table.columns[index]
            table.add_column(
                column.name,
                justify="right" if column.right else "left",
                width=cells,
                no_wrap=True,
                overflow="ellipsis",
            )
        for row in rows:
            table.add_row(*(Text(row[index].shown, style=row[index].style) for index in widths))
        return table


def _fit(columns: Sequence[Column], rows: Sequence[Sequence[Cell]], width: int) -> dict[int, int]:
    """The width of each column that is printed, by its index: empty and unimportant columns are dropped first."""
    from rich.cells import cell_len

    natural = {}
    for index, column in enumerate(columns):
        natural[index] = max(cell_len(text) for text in (column.name, *(row[index].shown for row in rows)))
    narrowest = {
        index: natural[index] if column.whole or column.right else min(natural[index], column.narrowest)
        for index, column in enumerate(columns)
    }
    empty = {index for index in natural if not any(row[index].shown for row in rows)}
    by_importance = sorted(natural, key=lambda index: (index in empty, columns[index].priority, index))

    def left(wanted: Mapping[int, int], chosen: Iterable[int]) -> int:
        cells = [wanted[index] + _GAP for index in chosen]
        return width - sum(cells) + _GAP

    chosen = list(by_importance)
    while len(chosen) > 1 and left(narrowest, chosen) < 0:
        chosen.pop()
    widths = {index: narrowest[index] for index in chosen}
    for index in chosen:  # the most important grow first
        widths[index] += max(0, min(natural[index] - widths[index], left(widths, chosen)))
    return dict(sorted(widths.items()))


@dataclass(frozen=True)
class Details:
    """One item, a line for each value that is known."""

    columns: Sequence[Column]
    item: Item

    def lines(self) -> Iterator[str]:
        """For programs: a name in lower case, a tab, the value."""
        for name, cell in self._known():
            yield f"{name.lower().replace('°c', 'celsius').replace(' ', '_')}\t{cell.value}"

    def render(self, width: int) -> "RenderableType":
        """For a terminal, which wraps long lines itself: an address stays one address."""
        from rich.text import Text

        known = list(self._known())
        names = max((len(name) for name, _ in known), default=0)
        lines = [
            Text.assemble((name, "bold"), " " * (names - len(name) + _GAP), (cell.shown, cell.style))
            for name, cell in known
        ]
        return Text("\n").join(lines)

    def _known(self) -> Iterator[tuple[str, Cell]]:
        for column, cell in zip(self.columns, _row(self.columns, self.item), strict=True):
            if cell.shown:
                yield column.name, cell
