"""The command that makes and fetches a report."""

import secrets
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from argus.cli import words
from argus.cli.api import Api, segment
from argus.cli.errors import Incomplete, Misconfigured
from argus.cli.invocation import Command, Invocation
from argus.cli.retries import persistently
from argus.cli.waiting import REPORT_ENDS, SCAN_ENDS, wait_for

FORMATS = ("pdf", "csv", "json", "geojson")


@click.command(cls=Command)
@click.argument("scan_id")
@click.option("--format", "kind", type=click.Choice(FORMATS), default="pdf", show_default=True, help="What to make.")
@click.option("--output", "-o", metavar="FILE", help="Download it to this file; - is standard output.")
@click.pass_obj
def report(argus: Invocation, scan_id: str, kind: str, output: str | None) -> None:
    """Make a report of a scan, and print where it can be fetched until when."""
    if output == "-" and argus.screen.json:
        raise click.UsageError("--json and the report cannot share standard output")
    api, deadline = argus.api, argus.deadline()
    scan = api.get(f"/scans/{segment(scan_id)}")
    if scan["state"] not in SCAN_ENDS:
        wait_for(api, "/scans", [scan_id], ends=SCAN_ENDS, deadline=deadline)
    made = api.post("/reports", {"scan_id": scan_id, "format": kind})
    made = wait_for(api, "/reports", [made["id"]], ends=REPORT_ENDS, deadline=deadline)[made["id"]]
    if made["state"] != "ready":
        argus.screen.show(made)
        raise Incomplete(f"{made['id']} is {made['state']}: {made.get('reason') or 'it takes longer than --timeout'}")
    if output:
        _save(_download(api, made), output)
    _show(argus, made, output)


def _show(argus: Invocation, made: Mapping[str, Any], output: str | None) -> None:
    if output == "-":
        return
    argus.screen.show({**made, "output": output})
    if output:
        argus.screen.line(f"Saved {output} ({words.size(made['size_bytes'])}).")
    argus.screen.line(f"Report {made['id']}, until {words.when(made['link']['expires_at'])}:")
    argus.screen.line(made["link"]["url"])


def _download(api: Api, made: Mapping[str, Any]) -> bytes:
    url = made["link"]["url"]
    response = persistently(lambda: api.http.get(url), where="the report's address")
    if not response.is_success:
        raise Incomplete(f"{made['id']}: its address answered {response.status_code}")
    return response.content


def _save(document: bytes, output: str) -> None:
    """Write the file whole or not at all."""
    if output == "-":
        sys.stdout.buffer.write(document)
        return
    path = Path(output)
    beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        beside.write_bytes(document)
        beside.replace(path)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise Misconfigured(f"{output} cannot be written: {error.strerror}") from error
