"""The command that listens."""

import json

import click

from argus.cli import listening
from argus.cli.invocation import Command, Invocation


@click.command(cls=Command)
@click.pass_obj
def watch(argus: Invocation) -> None:
    """Tell of images, scans and reports as they change, until Ctrl-C.

    With --json each change is a line of its own. What happens while the connection is lost is not told later.
    """
    for event in listening.events(
        argus.api,
        connected=lambda url: argus.screen.note(f"listening to {url}; Ctrl-C ends it"),
        lost=lambda why: argus.screen.note(f"connecting again: {why}"),
    ):
        if argus.screen.json:
            click.echo(json.dumps(event))
            continue
        progress = f" {event['progress']} %" if "progress" in event else ""
        argus.screen.line(f"{event['at']} {event['id']} {event['state']}{progress}")
