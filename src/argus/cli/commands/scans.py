"""Commands about scans, findings and plugins."""

import click

from argus.cli import scanning
from argus.cli.api import segment
from argus.cli.errors import Incomplete
from argus.cli.invocation import Command, Invocation

_limit = click.option("--limit", type=click.IntRange(1), default=50, show_default=True, help="How many.")
_all = click.option("--all", "everything", is_flag=True, help="All of them.")


@click.command(cls=Command)
@click.argument("targets", nargs=-1, required=True, metavar="TARGET...")
@click.option("--plugin", "plugins", multiple=True, help=f"What to run.  [default: {scanning.FOR_IMAGES} for images]")
@click.option("--option", "options", multiple=True, metavar="NAME=VALUE", help="An option of the plugin.")
@click.option("--wait/--no-wait", default=True, help="Wait for the end, and show what was found.  [default: wait]")
@click.pass_obj
def scan(
    argus: Invocation, targets: tuple[str, ...], plugins: tuple[str, ...], options: tuple[str, ...], wait: bool
) -> None:
    """Scan targets: an image's id, or kind:value."""
    from argus.cli import tables

    wanted = [scanning.target(text) for text in targets]
    if not plugins and any(target["kind"] != "image" for target in wanted):
        raise click.UsageError("say what to run: --plugin (see `argus plugins`)")
    chosen = scanning.choices(plugins or (scanning.FOR_IMAGES,), options)
    requested = scanning.request(argus.api, wanted, chosen)
    if not wait:
        argus.screen.show({"items": requested}, tables.scans(requested))
        return
    scans = scanning.finish(argus.api, requested, deadline=argus.deadline(), screen=argus.screen)
    blocks = [tables.scans(scans.items)] + ([tables.findings(scans.findings)] if scans.findings else [])
    argus.screen.show({"items": scans.document()}, *blocks)
    scanning.sum_up(scans, argus.screen)
    if scans.unfinished:
        raise Incomplete(f"{len(scans.unfinished)} of {len(scans.items)} scans did not succeed")


@click.command(cls=Command)
@_limit
@_all
@click.pass_obj
def scans(argus: Invocation, limit: int, everything: bool) -> None:
    """List scans, newest first."""
    from argus.cli import tables

    items, cursor = argus.api.pages("/scans", {}, limit=None if everything else limit)
    argus.screen.show({"items": items, "next_cursor": cursor}, tables.scans(items))
    if cursor:
        argus.screen.note("There are more: --all")


@click.command(cls=Command)
@click.option("--severity", type=click.Choice(scanning.SEVERITIES), help="Only of this severity.")
@click.option("--status", type=click.Choice(scanning.STATUSES), help="Only with this status.")
@click.option("--target", help="Only of this target: an image's id, or kind:value.")
@click.option("--plugin", help="Only by this plugin.")
@click.option("--scan", "scan_id", help="As this scan left them.  [default: as they stand now]")
@_limit
@_all
@click.pass_obj
def findings(
    argus: Invocation, /, target: str | None, scan_id: str | None, limit: int, everything: bool, **filters: str | None
) -> None:
    """List findings, gravest first."""
    from argus.cli import tables

    query = {name: value for name, value in filters.items() if value}
    if target:
        wanted = scanning.target(target)
        query["target"] = f"{wanted['kind']}:{wanted.get('id') or wanted['value']}"
    path = f"/scans/{segment(scan_id)}/findings" if scan_id else "/findings"
    items, cursor = argus.api.pages(path, query, limit=None if everything else limit)
    argus.screen.show({"items": items, "next_cursor": cursor}, tables.findings(items))
    if cursor:
        argus.screen.note("There are more: --all")


@click.command(cls=Command)
@click.pass_obj
def plugins(argus: Invocation) -> None:
    """List plugins: what they scan, what they find, their options."""
    from argus.cli import tables

    found = argus.api.get("/plugins")
    argus.screen.show(found, tables.plugins(found["items"]))
