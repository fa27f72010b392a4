"""Commands about thermal images."""

import sys
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from argus.cli import scanning, words
from argus.cli.api import segment
from argus.cli.errors import CliError, Incomplete, Refused
from argus.cli.invocation import Command, Invocation
from argus.cli.uploading import Sent, Uploader
from argus.cli.waiting import IMAGE_ENDS, Deadline, Item, wait_for

STATES = ("awaiting_upload", "processing", "ready", "rejected")


@click.command(cls=Command)
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--site", default="", help="Survey: the site.")
@click.option("--sector", default="", help="Survey: the sector of the site.")
@click.option("--period", default="", help="Survey: when, as in 2026-05.")
@click.option("--pad", default="", help="Survey: the pad of the sector.")
@click.option("--scale-factor", type=float, help="TIFF: degrees Celsius per count, where the file does not say.")
@click.option("--scale-offset", type=float, default=0.0, help="TIFF: degrees Celsius of count 0.")
@click.option("--wait/--no-wait", default=True, help="Wait until the images are decoded.  [default: wait]")
@click.option("--scan", is_flag=True, help="Scan every image that becomes ready, and show what is found.")
@click.option("--plugin", "plugins", multiple=True, help=f"With --scan: what to run.  [default: {scanning.FOR_IMAGES}]")
@click.option("--option", "options", multiple=True, metavar="NAME=VALUE", help="With --scan: an option of the plugin.")
@click.pass_obj
def upload(
    argus: Invocation,
    /,
    files: tuple[Path, ...],
    scale_factor: float | None,
    scale_offset: float,
    wait: bool,
    scan: bool,
    plugins: tuple[str, ...],
    options: tuple[str, ...],
    **survey: str,
) -> None:
    """Upload radiometric images, and wait until they are decoded."""
    if not scan and (plugins or options):
        raise click.UsageError("--plugin and --option go with --scan")
    if scan and not wait:
        raise click.UsageError("--scan needs decoded images: it goes without --no-wait")
    if scale_offset and scale_factor is None:
        raise click.UsageError("--scale-offset goes with --scale-factor")
    chosen = scanning.choices(plugins or (scanning.FOR_IMAGES,), options)
    scale = None if scale_factor is None else {"factor": scale_factor, "offset": scale_offset}

    sent = _send(argus, files, survey, scale)
    deadline = argus.deadline()
    if wait:
        sent = _settle(argus, sent, deadline)
    ready = {file.image_id: file for file in sent if file.state == "ready" and file.image_id}
    targets = [{"kind": "image", "id": image_id} for image_id in ready] if scan else []
    try:
        requested = scanning.request(argus.api, targets, chosen)
    except CliError:
        _show(argus, sent, scanning.Scans([], []), scanned=True)
        argus.screen.note(f"The images are uploaded. To go on: argus scan {' '.join(ready)} --plugin ...")
        raise
    scans = scanning.finish(argus.api, requested, deadline=deadline, screen=argus.screen)
    _show(argus, sent, scans, scanned=scan)

    missing = [file for file in sent if file.state != ("ready" if wait else "uploaded")]
    if missing:
        raise Incomplete(f"{len(missing)} of {len(sent)} files did not get through")
    if scans.unfinished:
        raise Incomplete(f"{len(scans.unfinished)} of {len(scans.items)} scans did not succeed")


def _send(
    argus: Invocation, files: tuple[Path, ...], survey: Mapping[str, str], scale: Mapping[str, float] | None
) -> list[Sent]:
    total = sum(path.stat().st_size for path in files)
    with argus.screen.progress("Uploading", total, in_bytes=True) as tell:
        return list(Uploader(argus.api, survey, scale, tell).send(files))


def _settle(argus: Invocation, sent: list[Sent], deadline: Deadline) -> list[Sent]:
    """The files once their images have ended, or the time is over."""
    ids = [file.image_id for file in sent if file.image_id and file.state == "uploaded"]
    with argus.screen.progress("Processing", len(ids)) as tell:
        latest = wait_for(argus.api, "/images", ids, ends=IMAGE_ENDS, deadline=deadline, ended=lambda _: tell(1))
    return [file.now(latest.get(file.image_id or "")) for file in sent]


def _show(argus: Invocation, sent: list[Sent], scans: scanning.Scans, *, scanned: bool) -> None:
    from argus.cli import tables

    items: list[dict[str, Any]] = [asdict(file) for file in sent]
    by_image = {scan["target"]["value"]: scan for scan in scans.document()}
    if scanned:
        items = [{**item, "scan": by_image.get(item["image_id"])} for item in items]
    names = {file.image_id: Path(file.file).name for file in sent if file.image_id}
    blocks = [tables.uploads(items)]
    if scans.unfinished:
        blocks.append(tables.scans(scans.unfinished, names))
    if scans.findings:
        blocks.append(tables.findings(scans.findings, names))
    argus.screen.show({"items": items}, *blocks)
    scanning.sum_up(scans, argus.screen, names)


@click.command(cls=Command)
@click.option("--state", type=click.Choice(STATES), help="Only images in this state.")
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True, help="How many.")
@click.option("--all", "everything", is_flag=True, help="All of them.")
@click.pass_obj
def images(argus: Invocation, state: str | None, limit: int, everything: bool) -> None:
    """List images, newest first."""
    from argus.cli import tables

    query = {"state": state} if state else {}
    items, cursor = argus.api.pages("/images", query, limit=None if everything else limit)
    argus.screen.show({"items": items, "next_cursor": cursor}, tables.images(items))
    if cursor:
        argus.screen.note("There are more: --all")


@click.command(cls=Command)
@click.argument("image_id")
@click.pass_obj
def image(argus: Invocation, image_id: str) -> None:
    """Show one image: facts, temperatures, links."""
    from argus.cli import tables

    found = argus.api.get(f"/images/{segment(image_id)}")
    argus.screen.show(found, tables.facts(dict(_facts(found))))
    for name, link in _links(found["links"] or {}):
        argus.screen.line(f"{name}, until {words.when(link['expires_at'])}:")
        argus.screen.line(link["url"])


def _facts(image: Item) -> Iterator[tuple[str, object]]:
    yield "Image", image["id"]
    yield "File", f"{image['name']} ({words.size(image['size'])})"
    yield "State", image["state"]
    yield "Reason", image["reason"]
    yield "Survey", " / ".join(filter(None, image["survey"].values()))
    yield "Uploaded", words.when(image["created_at"])
    yield "Taken", words.when(image["taken_at"])
    yield "Format", image["format"]
    yield "Accuracy", image["accuracy"]
    if camera := image["camera"]:
        yield "Camera", " ".join(filter(None, (camera["make"], camera["model"], camera["serial"])))
    if image["width"]:
        yield "Pixels", f"{image['width']} × {image['height']}"
    if stats := image["stats"]:
        yield "Temperatures", f"{stats['min_c']:.1f} to {stats['max_c']:.1f} °C, mean {stats['mean_c']:.1f} °C"
    if settings := image["parameters"]:
        yield "Emissivity", settings["emissivity"]
        yield "Distance", f"{settings['distance_metres']:g} m"
        yield "Reflected", f"{settings['reflected_celsius']:.1f} °C"
    if position := image["position"]:
        yield "Position", f"{position['latitude']:.6f}, {position['longitude']:.6f}"


def _links(links: Item) -> Iterator[tuple[str, Item]]:
    """The temperatures, one picture and the original; all others are in --json."""
    if links:
        yield "Temperatures", links["cog"]
        for palette in list(links["previews"])[:1]:
            yield f"Preview ({palette})", links["previews"][palette]
        yield "Original", links["original"]


@click.command(cls=Command)
@click.argument("image_ids", nargs=-1, required=True)
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
def delete(argus: Invocation, image_ids: tuple[str, ...], yes: bool) -> None:
    """Remove images, their originals and their products. Findings, and reports that were made, stay."""
    if not yes and not sys.stdin.isatty():
        raise click.UsageError("nobody can be asked here: say --yes")
    if not yes:
        click.confirm(f"Remove {len(image_ids)} image{'s' * (len(image_ids) > 1)} for ever?", abort=True, err=True)
    items: list[dict[str, Any]] = []
    refusals = []
    for image_id in image_ids:
        try:
            argus.api.delete(f"/images/{segment(image_id)}")
            items.append({"id": image_id, "deleted": True})
        except Refused as refused:
            refusals.append(refused)
            items.append({"id": image_id, "deleted": False, "problem": refused.as_problem()})
    argus.screen.show({"items": items})
    for item in items:
        if item["deleted"]:
            argus.screen.line(f"Removed {item['id']}.")
    if refusals:
        raise refusals[0]
