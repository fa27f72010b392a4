"""The commands for reports."""

import re
import secrets
import sys
from pathlib import Path

import click

from argus.cli import formatting
from argus.cli.api import Api, segment
from argus.cli.errors import Incomplete, Misconfigured
from argus.cli.formatting import label, local_time
from argus.cli.invocation import Group, Invocation
from argus.cli.options import paged
from argus.cli.retries import with_retries
from argus.cli.tables import Column, Details, Item, Table
from argus.cli.waiting import FINAL_REPORT_STATES, FINAL_SCAN_STATES, Deadline, wait_for

FORMATS = ("pdf", "csv", "json", "geojson")
STANDARD_OUTPUT = "-"

REPORTS = Table(
    "Reports",
    (
        Column.of("Report", "id", 1, whole=True),
        Column.of("Scan", "scan_id", 4, whole=True),
        Column.of("Format", "format", 2),
        Column.of("State", "state", 3, label, coloured=True),
        Column.of("Size", "size_bytes", 6, formatting.file_size, right=True),
        Column.of("Remarks", "reason", 5),
        Column.of("Requested", "created_at", 7, local_time, whole=True),
    ),
)
REPORT = (
    Column.of("Report", "id"),
    Column.of("Scan", "scan_id"),
    Column.of("Format", "format"),
    Column.of("State", "state", show=label, coloured=True),
    Column.of("Remarks", "reason"),
    Column.of("Size", "size_bytes", show=formatting.file_size),
    Column.of("Requested", "created_at", show=local_time),
    Column.of("Finished", "finished_at", show=local_time),
    Column("URL expires", lambda report: (report["link"] or {}).get("expires_at"), show=local_time),
    Column("URL", lambda report: (report["link"] or {}).get("url")),
)

_output = click.option("--output", "-o", metavar="FILE", help="Save the report to this file; - for standard output.")


@click.group(cls=Group)
def report() -> None:
    """Create, list, show and download reports."""


@report.command()
@click.argument("scan_id", metavar="SCAN")
@click.option("--format", "kind", type=click.Choice(FORMATS), default="pdf", show_default=True, help="The format.")
@click.option("--wait/--no-wait", default=True, help="Wait until the report is ready.  [default: wait]")
@_output
@click.pass_obj
def create(argus: Invocation, scan_id: str, kind: str, wait: bool, output: str | None) -> None:
    """Create a report of a scan, and print its URL.

    Waits until the scan has ended and the report is ready.
    """
    _require_single_output(argus, output)
    if output and not wait:
        raise click.UsageError("--output requires a ready report: omit --no-wait.")
    deadline = argus.deadline()
    if wait:
        _wait_for_scan(argus.api, scan_id, deadline)
    created = argus.api.post("/reports", {"scan_id": scan_id, "format": kind})
    if wait:
        found = wait_for(argus.api, "/reports", [created["id"]], final=FINAL_REPORT_STATES, deadline=deadline)
        created = {**created, **found[created["id"]]}
        if created["state"] != "ready":
            argus.screen.show(created)
            reason = created["reason"] or (
                f"It took longer than --timeout. Run `argus report download {created['id']}` later."
            )
            raise Incomplete(f"{_describe_state(created)} {reason}")
    _save_and_show(argus, created, output)


def _wait_for_scan(api: Api, scan_id: str, deadline: Deadline) -> None:
    scan = api.get(f"/scans/{segment(scan_id)}")
    if scan["state"] not in FINAL_SCAN_STATES:
        wait_for(api, "/scans", [scan_id], final=FINAL_SCAN_STATES, deadline=deadline)


@report.command("list")
@paged
@click.pass_obj
def list_reports(argus: Invocation, limit: int | None) -> None:
    """List reports, newest first."""
    argus.screen.show_list(REPORTS, argus.api.list("/reports", limit=limit))


@report.command()
@click.argument("report_id", metavar="REPORT")
@click.pass_obj
def show(argus: Invocation, report_id: str) -> None:
    """Show one report with its URL."""
    found = argus.api.get(f"/reports/{segment(report_id)}")
    argus.screen.show(found, Details(REPORT, found))


@report.command()
@click.argument("report_id", metavar="REPORT")
@_output
@click.pass_obj
def download(argus: Invocation, report_id: str, output: str | None) -> None:
    """Download a ready report to REPORT.FORMAT in the current folder, or to --output."""
    _require_single_output(argus, output)
    found = argus.api.get(f"/reports/{segment(report_id)}")
    if found["state"] != "ready":
        raise Incomplete(f"{_describe_state(found)} Only ready reports can be downloaded.")
    _save_and_show(argus, found, output or _file_name(found))


def _require_single_output(argus: Invocation, output: str | None) -> None:
    if output == STANDARD_OUTPUT and argus.screen.json:
        raise click.UsageError("--json and --output - both write to standard output. Choose one.")


def _describe_state(report: Item) -> str:
    return f"The state of the report {report['id']} is {report['state']}."


def _file_name(report: Item) -> str:
    """`rpt_….pdf`: never a path, whatever the server sends."""
    return re.sub(r"[^\w.]", "_", f"{report['id']}.{report['format']}").lstrip(".")


def _save_and_show(argus: Invocation, report: Item, output: str | None) -> None:
    if output:
        _save(_download(argus.api, report), output)
    if output == STANDARD_OUTPUT:
        return
    argus.screen.show({**report, "output": output}, Details(REPORT, report))
    if output:
        argus.screen.note(f"Saved {output} ({formatting.file_size(report['size_bytes'])}).")


def _download(api: Api, report: Item) -> bytes:
    url = report["link"]["url"]
    response = with_retries(lambda: api.http.get(url), host="The URL of the report")
    if not response.is_success:
        raise Incomplete(f"The URL of {report['id']} responded with HTTP status {response.status_code}.")
    return response.content


def _save(document: bytes, output: str) -> None:
    """Write the file atomically."""
    if output == STANDARD_OUTPUT:
        sys.stdout.buffer.write(document)
        return
    path = Path(output)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        temporary.write_bytes(document)
        temporary.replace(path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise Misconfigured(f"{output} cannot be written: {error.strerror}.") from error


COMMANDS = (report,)
