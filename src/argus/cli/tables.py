"""Items of the API as tables that fit the terminal, as tab-separated values, or one item with all its values."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

from argus.cli.formatting import clean, plain
from argus.core.text import is_formula

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
_MIN_WIDTH = 16  # cells; a column is dropped rather than truncated further

Item = Mapping[str, Any]


@dataclass(frozen=True)
class Column:
    """One value of an item. On narrow terminals, the column with the largest `priority` is dropped first.

    `read` returns the value for programs, `show` the text for a terminal.
    """

    name: str
    read: Callable[[Item], Any]
    priority: int = 1
    show: Callable[[Any], str] = plain
    min_width: int = _MIN_WIDTH
    right: bool = False
    whole: bool = False  # never truncated, only dropped: ids and times; also numbers, in `right` columns
    coloured: bool = False  # for severities, states and statuses

    @classmethod
    def of(cls, name: str, field: str, priority: int = 1, show: Callable[[Any], str] = plain, **more: Any) -> "Column":
        """A column that reads one field."""
        return cls(name, lambda item: item[field], priority, show, **more)


class Cell(NamedTuple):
    """One value: for programs and as shown on a terminal."""

    value: str
    shown: str
    style: str


@dataclass(frozen=True)
class Table:
    """The columns of one kind of item, in order."""

    title: str
    columns: tuple[Column, ...]

    def tsv(self, item: Item) -> str:
        """One line with all values, untruncated, separated by tabs, and for a spreadsheet without formulas."""
        return "\t".join(cell.value for cell in _row(self.columns, item))

    def replacing(self, *columns: Column) -> "Table":
        """The table with these columns instead of those with the same names."""
        replacements = {column.name: column for column in columns}
        return replace(self, columns=tuple(replacements.get(column.name, column) for column in self.columns))


def _row(columns: Sequence[Column], item: Item) -> list[Cell]:
    return [_cell(column, item) for column in columns]


def _cell(column: Column, item: Item) -> Cell:
    value = column.read(item)
    text = plain(value)
    # Always format both, so that an unexpected shape is an error in every output format.
    shown = clean(column.show(value))
    quoted = not isinstance(value, int | float) and is_formula(text)  # lines may be opened in a spreadsheet
    return Cell(f"'{text}" if quoted else text, shown, _STYLES.get(value, "") if column.coloured else "")


@dataclass(frozen=True)
class Rows:
    """Items as a table."""

    table: Table
    items: Sequence[Item]

    def lines(self) -> Iterator[str]:
        """The lines for programs."""
        return map(self.table.tsv, self.items)

    def render(self, width: int) -> "RenderableType":
        """The table for a terminal with `width` cells."""
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
    """The widths of the columns to print, by index. Empty and less important columns are dropped first."""
    from rich.cells import cell_len

    natural = {}
    for index, column in enumerate(columns):
        natural[index] = max(cell_len(text) for text in (column.name, *(row[index].shown for row in rows)))
    min_widths = {
        index: natural[index] if column.whole or column.right else min(natural[index], column.min_width)
        for index, column in enumerate(columns)
    }
    empty = {index for index in natural if not any(row[index].shown for row in rows)}
    by_importance = sorted(natural, key=lambda index: (index in empty, columns[index].priority, index))

    def remaining(widths: Mapping[int, int], chosen: Iterable[int]) -> int:
        cells = [widths[index] + _GAP for index in chosen]
        return width - sum(cells) + _GAP

    chosen = list(by_importance)
    while len(chosen) > 1 and remaining(min_widths, chosen) < 0:
        chosen.pop()
    widths = {index: min_widths[index] for index in chosen}
    for index in chosen:  # widen the most important first
        widths[index] += max(0, min(natural[index] - widths[index], remaining(widths, chosen)))
    return dict(sorted(widths.items()))


@dataclass(frozen=True)
class Details:
    """One item: a line for each value that is not empty."""

    columns: Sequence[Column]
    item: Item

    def lines(self) -> Iterator[str]:
        """The lines for programs: the name in lower case, a tab, the value."""
        for name, cell in self._cells():
            yield f"{name.lower().replace('°c', 'celsius').replace(' ', '_')}\t{cell.value}"

    def render(self, width: int) -> "RenderableType":
        """The text for a terminal. The terminal wraps long lines, so URLs can be copied."""
        from rich.text import Text

        cells = list(self._cells())
        names = max((len(name) for name, _ in cells), default=0)
        lines = [
            Text.assemble((name, "bold"), " " * (names - len(name) + _GAP), (cell.shown, cell.style))
            for name, cell in cells
        ]
        return Text("\n").join(lines)

    def _cells(self) -> Iterator[tuple[str, Cell]]:
        for column, cell in zip(self.columns, _row(self.columns, self.item), strict=True):
            if cell.shown:
                yield column.name, cell
