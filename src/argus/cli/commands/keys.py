"""Commands about API keys: what programs call with."""

import click

from argus.cli import words
from argus.cli.api import segment
from argus.cli.errors import Incomplete
from argus.cli.invocation import Command, Invocation

SCOPES = (
    "images:read",
    "images:write",
    "plugins:read",
    "profile:read",
    "reports:read",
    "reports:write",
    "scans:read",
    "scans:write",
)


@click.group()
def keys() -> None:
    """Make, list and revoke API keys, for programs that call."""


@keys.command(cls=Command)
@click.argument("name")
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    required=True,
    help=f"What it may do; repeat it: {', '.join(SCOPES)}.",
)
@click.option("--days", type=click.IntRange(1, 365), default=90, show_default=True, help="How long it lives.")
@click.option("--tier", default="standard", show_default=True, help="Which limit of requests holds for it.")
@click.pass_obj
def create(argus: Invocation, name: str, scopes: tuple[str, ...], days: int, tier: str) -> None:
    """Make a key, and show it: this once.

    ARGUS_API_KEY=$(argus --quiet keys create nightly --scope scans:read)
    """
    wanted = {"name": name, "scopes": list(scopes), "expires_in_days": days, "tier": tier}
    made = argus.api.post("/api-keys", wanted)
    argus.screen.show(made)
    if made["key"] is None:  # the first answer was lost on its way, and this one is its repetition
        raise Incomplete(f"{made['id']} was made, but its text was lost: revoke it, and make another")
    argus.screen.line(made["key"])
    argus.screen.note(f"{made['id']} lives until {words.when(made['expires_at'])}. It is not shown again.")


@keys.command("list", cls=Command)
@click.pass_obj
def list_keys(argus: Invocation) -> None:
    """List the organisation's keys, newest first."""
    from argus.cli import tables

    items, cursor = argus.api.pages("/api-keys", {}, limit=None)
    argus.screen.show({"items": items, "next_cursor": cursor}, tables.keys(items))


@keys.command(cls=Command)
@click.argument("key_id")
@click.pass_obj
def revoke(argus: Invocation, key_id: str) -> None:
    """End a key now: from the next request on it opens nothing."""
    if key_id.startswith("argus_"):  # it would stand in the logs of every proxy
        raise click.UsageError(f"that is a key itself, which goes into no address; its id is key_{key_id[6:32]}")
    argus.api.delete(f"/api-keys/{segment(key_id)}")
    argus.screen.show({"id": key_id, "revoked": True})
    argus.screen.line(f"Revoked {key_id}.")
