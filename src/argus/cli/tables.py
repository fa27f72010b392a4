"""Wire documents as tables. Cells are `Text`, never markup: brackets in a name stay brackets."""

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from rich import box
from rich.table import Table
from rich.text import Text

from argus.cli import words
from argus.cli.words import clean

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

Item = Mapping[str, Any]


def _table(title: str, *columns: str, right: Sequence[str] = (), whole: Sequence[str] = ()) -> Table:
    """`whole` columns are for copying: they keep their width, the others give way."""
    table = Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        table.add_column(
            column, justify="right" if column in right else "left", no_wrap=column in whole, overflow="fold"
        )
    return table


def _word(value: str) -> Text:
    """A severity, a state or a status in its colour; the word says it without."""
    return Text(clean(value.replace("_", " ")), style=_STYLES.get(value, ""))


def _row(table: Table, *cells: object) -> None:
    table.add_row(*(cell if isinstance(cell, Text) else Text(clean(cell)) for cell in cells))


def images(items: Iterable[Item]) -> Table:
    table = _table(
        "Images",
        "Image",
        "File",
        "State",
        "Accuracy",
        "Min °C",
        "Mean °C",
        "Max °C",
        "Size",
        "Remarks",
        "Uploaded",
        right=("Min °C", "Mean °C", "Max °C", "Size"),
        whole=("Image",),
    )
    for image in items:
        stats = image["stats"] or {}
        _row(
            table,
            image["id"],
            image["name"],
            _word(image["state"]),
            image["accuracy"] or "",
            *(words.celsius(stats.get(name)) for name in ("min_c", "mean_c", "max_c")),
            words.size(image["size"]),
            image["reason"] or "",
            words.when(image["created_at"]),
        )
    return table


def uploads(items: Iterable[Item]) -> Table:
    numbers = ("Min °C", "Mean °C", "Max °C")
    table = _table("Uploads", "File", "Image", "State", *numbers, "Remarks", right=numbers, whole=("Image",))
    for item in items:
        stats = item["stats"] or {}
        _row(
            table,
            Path(item["file"]).name,
            item["image_id"] or "",
            _word(item["state"]),
            *(words.celsius(stats.get(name)) for name in ("min_c", "mean_c", "max_c")),
            item["reason"] or ("approximate temperatures" if item["accuracy"] == "approximate" else ""),
        )
    return table


def scans(items: Iterable[Item], names: Mapping[str, str] | None = None) -> Table:
    table = _table(
        "Scans",
        "Scan",
        "Target",
        "Plugins",
        "State",
        "Progress",
        "Findings",
        "Remarks",
        "Requested",
        right=("Progress",),
        whole=("Scan",),
    )
    for scan in items:
        steps = "; ".join(f"{step['plugin']}: {step['reason']}" for step in scan["steps"] if step["reason"])
        _row(
            table,
            scan["id"],
            words.target(scan["target"], names or {}),
            ", ".join(step["plugin"] for step in scan["steps"]),
            _word(scan["state"]),
            f"{scan['progress']} %",
            words.counts(scan["counts"]),
            "; ".join(filter(None, dict.fromkeys((scan["reason"], steps)))),  # often a scan's reason is its steps'
            words.when(scan["created_at"]),
        )
    return table


def findings(items: Iterable[Item], names: Mapping[str, str] | None = None) -> Table:
    table = _table("Findings", "Severity", "Status", "Finding", "Target", "Place", "Evidence", "Last seen")
    for finding in items:
        _row(
            table,
            _word(finding["severity"]),
            _word(finding["status"]),
            finding["title"],
            words.target(finding["target"], names or {}),
            finding["place"],
            words.evidence(finding["evidence"]),
            words.when(finding["last_seen_at"]),
        )
    return table


def plugins(items: Iterable[Item]) -> Table:
    table = _table("Plugins", "Plugin", "Version", "Scans", "What it finds", "Options", whole=("Plugin",))
    for plugin in items:
        _row(
            table,
            plugin["id"],
            plugin["version"],
            ", ".join(plugin["consumes"]),
            plugin["summary"],
            ", ".join(_option(name, schema) for name, schema in plugin["options"].get("properties", {}).items()),
        )
    return table


def _option(name: str, schema: Item) -> str:
    return f"{name}={json.dumps(schema['default'])}" if "default" in schema else name


def keys(items: Iterable[Item]) -> Table:
    table = _table("API keys", "Key", "Name", "State", "Scopes", "Tier", "Made", "Ends", "Last used", whole=("Key",))
    for key in items:
        _row(
            table,
            key["id"],
            key["name"],
            _word(key["state"]),
            ", ".join(key["scopes"]),
            key["tier"],
            words.when(key["created_at"]),
            words.when(key["expires_at"]),
            words.when(key["last_used_at"]),
        )
    return table


def facts(pairs: Mapping[str, object]) -> Table:
    """One thing, fact by fact; what is not known is left out."""
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in pairs.items():
        if value not in (None, ""):
            _row(table, name, value)
    return table
