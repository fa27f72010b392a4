"""The commands for scans, findings, plugins and kinds of target."""

import json
from collections.abc import Iterator
from typing import Any

import click

from argus.cli import formatting, scans
from argus.cli.api import segment
from argus.cli.formatting import label, local_time
from argus.cli.invocation import Group, Invocation
from argus.cli.options import Callback, CommaSeparated, join_values, paged
from argus.cli.tables import Column, Details, Item, Rows, Table


def _steps(scan: Item) -> list[str]:
    return [step["plugin"] for step in scan["steps"]]


def _remarks(scan: Item) -> str:
    """Why a scan failed: its reason and those of its steps."""
    steps = (f"{step['plugin']}: {step['reason']}" for step in scan["steps"] if step["reason"])
    return " ".join(filter(None, (scan["reason"], *steps)))


def _not_tested(scan: Item) -> Iterator[str]:
    for step in scan["steps"]:
        for entry in step["not_tested"]:
            where = "" if entry["location_key"] is None else f" at {entry['location_key']}"
            yield f"{step['plugin']}.{entry['rule']}{where}"


def _option(name: str, schema: Item) -> str:
    return f"{name}={json.dumps(schema['default'])}" if "default" in schema else name


def _options(plugin: Item) -> list[str]:
    return [_option(name, schema) for name, schema in plugin["options"].get("properties", {}).items()]


def _changes(delta: Item) -> str:
    return ", ".join(f"{number} {label(status)}" for status, number in delta.items() if number)


TARGET = Column("Target", lambda item: formatting.target(item["target"]), 6, whole=True)

SCANS = Table(
    "Scans",
    (
        Column.of("Scan", "id", 1, whole=True),
        TARGET,
        Column("Plugins", _steps, 8, formatting.joined),
        Column.of("State", "state", 2, label, coloured=True),
        Column.of("Progress", "progress", 7, formatting.percent, right=True),
        Column.of("Findings", "counts", 3, formatting.counts),
        Column("Remarks", _remarks, 4),
        Column.of("Requested", "created_at", 5, local_time, whole=True),
    ),
)
SCAN = (
    Column.of("Scan", "id"),
    TARGET,
    Column.of("State", "state", show=label, coloured=True),
    Column.of("Progress", "progress", show=formatting.percent),
    Column("Remarks", _remarks),
    Column("Plugins", lambda scan: [f"{step['plugin']} {step['version']}" for step in scan["steps"]]),
    Column("Not tested", lambda scan: list(_not_tested(scan)), show=formatting.joined),
    Column.of("Findings", "counts", show=formatting.counts),
    Column.of("Changes", "delta", show=_changes),
    Column.of("Requested", "created_at", show=local_time),
    Column.of("Started", "started_at", show=local_time),
    Column.of("Finished", "finished_at", show=local_time),
)
FINDINGS = Table(
    "Findings",
    (
        Column.of("Severity", "severity", 1, label, coloured=True),
        Column.of("Status", "status", 5, label, coloured=True),
        Column.of("Finding", "title", 2),
        Column("Target", lambda finding: formatting.target(finding["target"]), 3, whole=True),
        Column.of("Location", "location_key", 6),
        Column.of("Evidence", "evidence", 4, formatting.evidence),
        Column.of("Last seen", "last_seen_at", 7, local_time, whole=True),
    ),
)
COUNTS = Table(
    "Findings by severity and status",
    (
        Column.of("Severity", "severity", 1, label, coloured=True),
        *(
            Column.of(label(status).capitalize(), status, priority, right=True)
            for priority, status in enumerate(scans.STATUSES, start=2)
        ),
    ),
)
PLUGINS = Table(
    "Plugins",
    (
        Column.of("Plugin", "id", 1, whole=True),
        Column.of("Version", "version", 3),
        Column.of("Targets", "target_kinds", 4, formatting.joined),
        Column.of("Summary", "summary", 2),
        Column("Options", _options, 5, formatting.joined),
    ),
)
TARGET_KINDS = Table(
    "Kinds of target",
    (
        Column.of("Kind", "kind", 1, whole=True),
        Column.of("Given by", "given_by", 3),
        Column.of("About", "about", 2),
        Column.of("Link", "link", 4),
    ),
)
PLUGIN = (
    Column.of("Plugin", "id"),
    Column.of("Name", "name"),
    Column.of("Version", "version"),
    Column.of("Summary", "summary"),
    Column.of("Description", "description"),
    Column.of("Targets", "target_kinds", show=formatting.joined),
    Column.of("Permissions", "permissions", show=formatting.joined),
    Column("Options", _options, show=formatting.joined),
    Column("Rules", lambda plugin: list(plugin["rules"]), show=formatting.joined),
)


@click.group(cls=Group)
def scan() -> None:
    """Run scans, and list, show, cancel or wait for them."""


@scan.command()
@click.argument("targets", nargs=-1, required=True, metavar="TARGET...")
@click.option(
    "--plugin", "plugins", multiple=True, help=f"The plugin to run.  [default: {scans.IMAGE_PLUGIN} for images]"
)
@click.option("--option", "options", multiple=True, metavar="NAME=VALUE", help="An option of the plugin.")
@click.option(
    "--wait/--no-wait", default=True, help="Wait until the scans have ended, and show the findings.  [default: wait]"
)
@click.pass_obj
def run(
    argus: Invocation, targets: tuple[str, ...], plugins: tuple[str, ...], options: tuple[str, ...], wait: bool
) -> None:
    """Scan targets. A target is an image id or kind:value."""
    parsed = [scans.parse_target(text) for text in targets]
    if not plugins and any(kind != "image" for kind, _ in parsed):
        raise click.UsageError("Specify a plugin with --plugin. `argus plugin list` lists the plugins.")
    chosen = scans.parse_plugins(plugins or (scans.IMAGE_PLUGIN,), options)
    requested = scans.request(argus.api, scans.target_documents(argus.api, parsed), chosen)
    if wait:
        _finish(argus, requested)
    else:
        argus.screen.show({"items": requested}, Rows(SCANS, requested))


@scan.command()
@click.argument("scan_ids", nargs=-1, required=True, metavar="SCAN...")
@click.pass_obj
def wait(argus: Invocation, scan_ids: tuple[str, ...]) -> None:
    """Wait until scans have ended, and show their findings."""
    _finish(argus, [argus.api.get(f"/scans/{segment(scan_id)}") for scan_id in scan_ids])


def _finish(argus: Invocation, requested: list[Item]) -> None:
    finished = scans.finish(argus.api, requested, deadline=argus.deadline(), screen=argus.screen)
    blocks = [Rows(SCANS, finished.items)] + ([Rows(FINDINGS, finished.findings)] if finished.findings else [])
    argus.screen.show({"items": finished.document()}, *blocks)
    finished.note_summary(argus.screen)
    finished.require_success()


@scan.command("list")
@paged
@click.pass_obj
def list_scans(argus: Invocation, limit: int | None) -> None:
    """List scans, newest first."""
    argus.screen.show_list(SCANS, argus.api.list("/scans", limit=limit))


@scan.command("show")
@click.argument("scan_id", metavar="SCAN")
@click.pass_obj
def show_scan(argus: Invocation, scan_id: str) -> None:
    """Show one scan."""
    found = argus.api.get(f"/scans/{segment(scan_id)}")
    argus.screen.show(found, Details(SCAN, found))


@scan.command()
@click.argument("scan_id", metavar="SCAN")
@click.pass_obj
def cancel(argus: Invocation, scan_id: str) -> None:
    """Cancel a scan that has not ended."""
    cancelled = argus.api.post(f"/scans/{segment(scan_id)}/cancel")
    argus.screen.show(cancelled, Details(SCAN, cancelled))


@click.group(cls=Group)
def finding() -> None:
    """List and count findings."""


def _filters(callback: Callback) -> Callback:
    """The filter options of lists and counts."""
    for option in (
        click.option("--text", help="Only findings whose title starts with this text."),
        click.option("--rule", multiple=True, type=CommaSeparated(), help="Only findings of these rules: plugin.rule."),
        click.option("--plugin", multiple=True, type=CommaSeparated(), help="Only findings of these plugins."),
        click.option(
            "--target",
            "targets",
            multiple=True,
            help="Only findings of these targets: image ids or kind:value.",
        ),
    ):
        callback = option(callback)
    return callback


def _query(targets: tuple[str, ...], text: str | None, **repeatable: tuple[list[str], ...]) -> dict[str, str]:
    named_targets = [":".join(scans.parse_target(text)) for text in targets]
    query = {"target": ",".join(named_targets), "text": text or ""}
    query |= {name: join_values(values) for name, values in repeatable.items()}
    return {name: value for name, value in query.items() if value}


@finding.command("list")
@click.option(
    "--severity", multiple=True, type=CommaSeparated(scans.SEVERITIES), help="Only findings of these severities."
)
@click.option("--status", multiple=True, type=CommaSeparated(scans.STATUSES), help="Only findings with these statuses.")
@_filters
@click.option(
    "--scan", "scan_id", metavar="SCAN", help="The findings at the end of this scan.  [default: the current findings]"
)
@click.option(
    "--sort",
    type=click.Choice(scans.SORTS),
    help="The order; with -, the highest or newest first.  [default: -severity]",
)
@paged
@click.pass_obj
def list_findings(
    argus: Invocation, /, scan_id: str | None, sort: str | None, limit: int | None, **filters: Any
) -> None:
    """List findings, most severe first."""
    query = _query(**filters) | ({"sort": sort} if sort else {})
    path = f"/scans/{segment(scan_id)}/findings" if scan_id else "/findings"
    argus.screen.show_list(FINDINGS, argus.api.list(path, query, limit=limit))


@finding.command("count")
@_filters
@click.pass_obj
def count_findings(argus: Invocation, /, **filters: Any) -> None:
    """Count findings by severity and status."""
    counts = argus.api.get("/findings/counts", _query(**filters))
    rows = [{"severity": severity, **counts["by_severity_and_status"][severity]} for severity in scans.SEVERITIES[::-1]]
    argus.screen.show(counts, Rows(COUNTS, rows))


@click.group(cls=Group)
def plugin() -> None:
    """List and show plugins: their targets, rules and options."""


@plugin.command("list")
@click.pass_obj
def list_plugins(argus: Invocation) -> None:
    """List plugins."""
    found = argus.api.get("/plugins")
    argus.screen.show(found, Rows(PLUGINS, found["items"]))


@plugin.command("show")
@click.argument("plugin_id", metavar="PLUGIN")
@click.pass_obj
def show_plugin(argus: Invocation, plugin_id: str) -> None:
    """Show one plugin."""
    found = argus.api.get(f"/plugins/{segment(plugin_id)}")
    argus.screen.show(found, Details(PLUGIN, found))


@click.group(cls=Group)
def target() -> None:
    """List the kinds of target that can be scanned."""


@target.command("kinds")
@click.pass_obj
def list_target_kinds(argus: Invocation) -> None:
    """List the kinds of target, and whether each is given by id or by value."""
    found = argus.api.get("/target-kinds")
    argus.screen.show(found, Rows(TARGET_KINDS, found["items"]))


COMMANDS = (scan, finding, plugin, target)
