"""The command that prints change events."""

import click

from argus.cli import listening
from argus.cli.invocation import Command, Invocation


@click.command(cls=Command)
@click.pass_obj
def watch(argus: Invocation) -> None:
    """Print changes of images, scans and reports as they happen.

    Press Ctrl-C to stop. With --json, each change is one line. Changes are missed while the connection is lost.
    """
    for event in listening.events(
        argus.api,
        on_open=lambda url: argus.screen.note(f"Connected to {url}. Press Ctrl-C to stop."),
        on_lost=lambda reason: argus.screen.note(f"Connection lost ({reason}). Reconnecting…"),
    ):
        if argus.screen.json:
            argus.screen.show_json(event)
            continue
        progress = f" {event['progress']} %" if "progress" in event else ""
        argus.screen.line(f"{event['at']} {event['id']} {event['state']}{progress}")


COMMANDS = (watch,)
