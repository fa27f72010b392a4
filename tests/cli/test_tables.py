"""Lists as tables on terminals of any width, and as lines for programs."""

import io
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

import pytest
from rich.console import Console
from werkzeug.wrappers import Response

from argus.cli import commands
from argus.cli.tables import Column, Item, Rows, Table
from tests.cli.conftest import Terminal

ID = "kind_01k0n2xw9g8v5r3t7y1z4b6c2d"
WORDS = "thirty-two characters of a value"
IMAGE: dict[str, Any] = {
    "id": "img_01k0n2xw9g8v5r3t7y1z4b6c2d",
    "name": "NORTH_P01_0001_T.JPG",
    "state": "ready",
    "accuracy": {"kind": "exact", "error_c": 0.001},
    "pixels": {"measured": 327680, "out_of_range": 0},
    "reason": None,
    "stats": {"min_c": 1.04, "mean_c": 2.0, "max_c": 30.0},
    "size_bytes": 2048,
    "created_at": "2026-05-03T10:00:00Z",
}


def _tables() -> Iterator[Table]:
    for module in iter_modules(commands.__path__, f"{commands.__name__}."):
        yield from (value for value in vars(import_module(module.name)).values() if isinstance(value, Table))


TABLES = {table.title: table for table in _tables()}


def _filled(column: Column) -> Column:
    text = ID if column.whole else WORDS
    return replace(column, read=lambda _: text, show=str, coloured=False)


def _render(table: Table, items: list[Item], width: int) -> list[str]:
    console = Console(file=io.StringIO(), width=width, color_system=None)
    with console.capture() as captured:
        console.print(Rows(table, items).render(width), soft_wrap=True)
    return [line.rstrip() for line in captured.get().splitlines()]


def _only(item: dict[str, Any]) -> Callable[[object], Response]:
    return lambda _: Response(json.dumps({"items": [item], "next_cursor": None}))


@pytest.mark.parametrize("width", [200, 80, 60, 40])
@pytest.mark.parametrize("title", TABLES)
def test_every_table_fits_and_wraps_neither_ids_nor_lines(title: str, width: int) -> None:
    columns = tuple(map(_filled, TABLES[title].columns))
    title_line, header, row = _render(Table(title, columns), [{}], width)
    assert (title_line, header != "") == (title, True)
    assert max(len(header), len(row)) <= width
    for cell in re.split(r"  +", row):
        assert cell in {ID, WORDS} or (cell.endswith("…") and WORDS.startswith(cell[:-1]))


@pytest.mark.parametrize("title", TABLES)
def test_every_table_has_distinct_priorities(title: str) -> None:
    priorities = [column.priority for column in TABLES[title].columns]
    assert sorted(priorities) == list(range(1, len(priorities) + 1))


def test_empty_columns_are_dropped_first_then_the_least_important() -> None:
    def column(name: str, priority: int, text: str) -> Column:
        return Column(name, lambda _: text, priority)

    table = Table("T", (column("Last", 3, "x" * 10), column("First", 1, "y" * 10), column("Empty", 2, "")))
    assert _render(table, [{}], 29)[1].split() == ["Last", "First", "Empty"]
    assert _render(table, [{}], 28)[1].split() == ["Last", "First"]
    assert _render(table, [{}], 21)[1].split() == ["First"]


def test_an_id_is_not_truncated_on_a_narrow_terminal() -> None:
    table = Table("T", (_filled(Column.of("Id", "id", whole=True)),))
    assert _render(table, [{}], 20)[-1] == ID


def test_wide_characters_count_as_two_cells() -> None:
    table = Table("T", (Column.of("Name", "name"),))
    assert _render(table, [{"name": "\N{CJK UNIFIED IDEOGRAPH-4E00}" * 20}], 11)[-1].endswith("…")


def test_a_list_on_80_columns(terminal_for: Callable[..., Terminal]) -> None:
    output = terminal_for(_only(IMAGE)).on_terminal("image", "list")
    assert re.sub(r"\x1b\[[0-9;]*m", "", output).splitlines() == [
        "Images",
        "Image                           File                  State  Max °C",
        "img_01k0n2xw9g8v5r3t7y1z4b6c2d  NORTH_P01_0001_T.JPG  ready    30.0",
    ]
    assert "\x1b[32mready" in output


def test_the_reason_of_a_rejected_image_is_in_the_column_remarks(terminal_for: Callable[..., Terminal]) -> None:
    rejected = {**IMAGE, "state": "rejected", "accuracy": None, "stats": None, "reason": "not radiometric"}
    output = terminal_for(_only(rejected)).on_terminal("image", "list")
    _, head, row = re.sub(r"\x1b\[[0-9;]*m", "", output).splitlines()
    assert row.index("not ra") == head.index("Remarks")


def test_an_empty_list_has_no_header(terminal_for: Callable[..., Terminal]) -> None:
    assert terminal_for(lambda _: Response('{"items": [], "next_cursor": null}')).on_terminal("image", "list") == ""


def test_in_a_pipe_each_item_is_one_line_with_full_values(terminal_for: Callable[..., Terminal]) -> None:
    hostile = {**IMAGE, "name": "a\tname\nof two lines"}
    result = terminal_for(_only(hostile)).run("image", "list")
    assert result.stdout == (
        "img_01k0n2xw9g8v5r3t7y1z4b6c2d\ta name of two lines\tready\texact\t1.04\t2.0\t30.0\t2048\t\t"
        "2026-05-03T10:00:00Z\n"
    )


@pytest.mark.parametrize("name", ["=1+1", "\N{MINUS SIGN}2+3", "\u2800@SUM(A1)"], ids=ascii)
def test_in_a_pipe_text_that_starts_like_a_formula_is_escaped(terminal_for: Callable[..., Terminal], name: str) -> None:
    cold = {**IMAGE, "name": name, "stats": {**IMAGE["stats"], "min_c": -3.5}}
    cells = terminal_for(_only(cold)).run("image", "list").stdout.split("\t")
    assert cells[1].startswith("'")
    assert cells[4] == "-3.5"


def test_in_a_pipe_pages_are_printed_as_they_are_read(terminal_for: Callable[..., Terminal]) -> None:
    pages = iter([Response(json.dumps({"items": [IMAGE], "next_cursor": "more"})), Response("nonsense")])
    result = terminal_for(lambda _: next(pages)).run("image", "list", "--all")
    assert (result.exit_code, result.stdout.count("img_")) == (5, 1)


def test_details_are_lines_of_a_name_and_a_value(terminal_for: Callable[..., Terminal]) -> None:
    names = ("id", "scan_id", "format", "state", "reason", "size_bytes", "created_at", "finished_at")
    values = ("rep_1", "scan_1", "pdf", "ready", "", 2048, "2026-05-03T10:00:00Z", "2026-05-03T10:00:05Z")
    link = {"url": f"https://media.example/{'x' * 100}", "expires_at": "2026-05-03T11:00:00Z"}
    terminal = terminal_for(lambda _: Response(json.dumps({**dict(zip(names, values, strict=True)), "link": link})))
    lines = terminal.run("report", "show", "rep_1").stdout.splitlines()
    assert lines[:4] == ["report\trep_1", "scan\tscan_1", "format\tpdf", "state\tready"]
    assert lines[-2:] == ["url_expires\t2026-05-03T11:00:00Z", f"url\t{link['url']}"]
    assert f"  {link['url']}\n" in terminal.on_terminal("report", "show", "rep_1"), "a URL is not wrapped"
