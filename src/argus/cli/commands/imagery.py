"""The commands for thermal images."""

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import click

from argus.cli import formatting, scans
from argus.cli.api import segment
from argus.cli.commands.scanning import FINDINGS, SCANS
from argus.cli.errors import CliError, Incomplete, RequestRejected
from argus.cli.folders import EXTENSIONS, read_folders, selected
from argus.cli.formatting import label, local_time, one_decimal
from argus.cli.invocation import Group, Invocation
from argus.cli.options import CommaSeparated, join_values, paged
from argus.cli.tables import Column, Details, Item, Rows, Table
from argus.cli.uploading import Uploaded, Uploader
from argus.cli.waiting import FINAL_IMAGE_STATES, Deadline, wait_for

FILE_NAME_WIDTH = 20  # cells, enough for names such as NORTH_P01_0001_T.JPG
STATES = ("awaiting_upload", "processing", "ready", "rejected")


def _nested(field: str, name: str) -> Callable[[Item], Any]:
    """Reads a field of a nested object, which may be null."""
    return lambda item: (item[field] or {}).get(name)


def _temperatures(min_priority: int = 1, mean_priority: int = 1, max_priority: int = 1) -> tuple[Column, ...]:
    return (
        Column("Min °C", _nested("stats", "min_c"), min_priority, one_decimal, right=True),
        Column("Mean °C", _nested("stats", "mean_c"), mean_priority, one_decimal, right=True),
        Column("Max °C", _nested("stats", "max_c"), max_priority, one_decimal, right=True),
    )


def _survey(image: Item) -> str:
    return " / ".join(filter(None, image["survey"].values()))


def _camera(image: Item) -> str:
    camera = image["camera"] or {}
    return " ".join(filter(None, map(camera.get, ("make", "model", "serial"))))


def _pixels(image: Item) -> str:
    return f"{image['width']} × {image['height']}" if image["width"] else ""


def _position(image: Item) -> str:
    position = image["position"]
    return f"{position['latitude']:.6f}, {position['longitude']:.6f}" if position else ""


def _link(*path: str) -> Callable[[Item], str | None]:
    """Reads the URL of a link, if the image has it."""

    def read(image: Item) -> str | None:
        link = image["links"] or {}
        for name in path:
            link = link.get(name) or {}
        return link.get("url")

    return read


def _preview(image: Item) -> str | None:
    """The preview of the first palette; --json has all."""
    previews = list((image["links"] or {}).get("previews", {}).values())
    return previews[0]["url"] if previews else None


def _links_expire(image: Item) -> str | None:
    return image["links"]["original"]["expires_at"] if image["links"] else None


def _remark(uploaded: Item) -> str | None:
    accuracy, pixels = uploaded["accuracy"] or {}, uploaded["pixels"] or {}
    remarks = [
        uploaded["reason"],
        "approximate temperatures" if accuracy.get("kind") == "approximate" else "",
        f"{pixels['out_of_range']} pixels out of range" if pixels.get("out_of_range") else "",
    ]
    return "; ".join(filter(None, remarks)) or None


def _accuracy(image: Item) -> str:
    accuracy = image["accuracy"]
    if not accuracy:
        return ""
    error = accuracy["error_c"]
    return accuracy["kind"] if error is None else f"{accuracy['kind']}, ±{error:g} °C"


def _span(field: str) -> Callable[[Item], str]:
    def read(image: Item) -> str:
        span = image[field] or {}
        low, high = (span.get(f"{end}_celsius") for end in ("low", "high"))
        return "" if low is None and high is None else f"{_end(low)} to {_end(high)}"

    return read


def _end(celsius: float | None) -> str:
    return "?" if celsius is None else f"{celsius:g}"


def _out_of_range(image: Item) -> str:
    pixels = image["pixels"] or {}
    counts = {name: pixels.get(f"{name}_range", 0) for name in ("below", "above")}
    return ", ".join(f"{count} pixels {name}" for name, count in counts.items() if count)


def _notes(image: Item) -> str:
    return " ".join(note["text"] for note in image["notes"])


def _georeference(image: Item) -> str:
    return f"EPSG:{image['georeference']['epsg']}" if image["georeference"] else ""


def _distance(image: Item) -> str:
    parameters = image["parameters"] or {}
    metres = parameters.get("distance_metres")
    return "" if metres is None else f"{metres:g}{' (laser)' if parameters.get('distance_source') == 'laser' else ''}"


def _direction(image: Item) -> str:
    gimbal = (image["flight"] or {}).get("gimbal") or {}
    return ", ".join(f"{axis} {gimbal[axis]:g}°" for axis in ("yaw", "pitch", "roll") if gimbal.get(axis) is not None)


def _laser(image: Item) -> Any:
    return ((image["flight"] or {}).get("laser") or {}).get("distance_metres")


def _taken(image: Item) -> str:
    if image["taken_at"]:
        return local_time(image["taken_at"])
    return f"{image['taken_at_local'].replace('T', ' ')} by the camera’s clock" if image["taken_at_local"] else ""


IMAGES = Table(
    "Images",
    (
        Column.of("Image", "id", 1, whole=True),
        Column.of("File", "name", 2, min_width=FILE_NAME_WIDTH),
        Column.of("State", "state", 3, label, coloured=True),
        Column("Accuracy", _nested("accuracy", "kind"), 9),
        *_temperatures(8, 7, 5),
        Column.of("Size", "size_bytes", 10, formatting.file_size, right=True),
        Column("Remarks", _remark, 4),
        Column.of("Uploaded", "created_at", 6, local_time, whole=True),
    ),
)
IMAGE = (
    Column.of("Image", "id"),
    Column.of("File", "name"),
    Column.of("Size", "size_bytes", show=formatting.file_size),
    Column.of("State", "state", show=label, coloured=True),
    Column.of("Remarks", "reason"),
    Column("Survey", _survey),
    Column.of("Uploaded", "created_at", show=local_time),
    Column("Taken", _taken),
    Column.of("Format", "format"),
    Column("Accuracy", _accuracy),
    Column("Camera", _camera),
    Column("Pixels", _pixels),
    *_temperatures(),
    Column("Camera range °C", _span("limits")),
    Column("Set range °C", _span("set_range")),
    Column("Out of range", _out_of_range),
    Column("Pixels without temperature", _nested("pixels", "without")),
    Column("Pixels outside set range", _nested("pixels", "outside_set_range")),
    Column("Notes", _notes),
    Column("Emissivity", _nested("parameters", "emissivity")),
    Column("Distance metres", _distance),
    Column("Reflected °C", _nested("parameters", "reflected_celsius"), show=one_decimal),
    Column("Position", _position),
    Column("Map", _georeference),
    Column("Height metres", _nested("flight", "altitude_above_takeoff_metres")),
    Column("Camera direction", _direction),
    Column("Laser distance metres", _laser),
    Column("Links expire", _links_expire, show=local_time),
    Column("Temperatures URL", _link("cog")),
    Column("Preview URL", _preview),
    Column("Original URL", _link("original")),
)
UPLOADS = Table(
    "Uploads",
    (
        Column("File", lambda uploaded: Path(uploaded["file"]).name, 2, min_width=FILE_NAME_WIDTH),
        Column.of("Image", "image_id", 1, whole=True),
        Column.of("State", "state", 3, label, coloured=True),
        *_temperatures(7, 6, 5),
        Column("Remarks", _remark, 4),
    ),
)
_REASONS = {
    "below_range": "The pixel is colder than the camera can measure.",
    "above_range": "The pixel is hotter than the camera can measure.",
    "without": "The pixel has no temperature.",
}
_FILE = Column.of("Target", "file", 3)  # instead of the target's id, which is in the table of uploads


@click.group(cls=Group)
def image() -> None:
    """Upload, list, show and delete thermal images."""


@image.command()
@click.argument(
    "paths",
    nargs=-1,
    required=True,
    metavar="FILE_OR_FOLDER...",
    type=click.Path(exists=True, path_type=Path),
)
@click.option("--site", default="", help="Survey: the site.")
@click.option("--sector", default="", help="Survey: the sector of the site.")
@click.option("--period", default="", help="Survey: the period, such as 2026-05.")
@click.option("--pad", default="", help="Survey: the well pad in the sector.")
@click.option("--scale-factor", type=float, help="TIFF: degrees Celsius per count, if the file does not contain it.")
@click.option("--scale-offset", type=float, default=0.0, help="TIFF: degrees Celsius of count 0.")
@click.option("--laser-distance", is_flag=True, help="DJI: use the distance of the laser, not the camera’s setting.")
@click.option("--wait/--no-wait", default=True, help="Wait until the images are decoded.  [default: wait]")
@click.option("--scan", is_flag=True, help="Scan every image that becomes ready, and show the findings.")
@click.option(
    "--plugin", "plugins", multiple=True, help=f"With --scan: the plugin to run.  [default: {scans.IMAGE_PLUGIN}]"
)
@click.option("--option", "options", multiple=True, metavar="NAME=VALUE", help="With --scan: an option of the plugin.")
@click.pass_obj
def upload(
    argus: Invocation,
    /,
    paths: tuple[Path, ...],
    scale_factor: float | None,
    scale_offset: float,
    laser_distance: bool,
    wait: bool,
    scan: bool,
    plugins: tuple[str, ...],
    options: tuple[str, ...],
    **survey: str,
) -> None:
    """Upload radiometric images, and wait until they are decoded.

    From folders and their subfolders, uploads the files that end in .fff, .jpeg, .jpg, .tif or .tiff, except hidden
    files. Files named on the command line are always uploaded.
    """
    if not scan and (plugins or options):
        raise click.UsageError("--plugin and --option require --scan.")
    if scan and not wait:
        raise click.UsageError("--scan requires decoded images: omit --no-wait.")
    if scale_offset and scale_factor is None:
        raise click.UsageError("--scale-offset requires --scale-factor.")
    chosen = scans.parse_plugins(plugins or (scans.IMAGE_PLUGIN,), options)
    scale = None if scale_factor is None else {"factor": scale_factor, "offset": scale_offset}

    files, skipped = _select(argus, paths)
    uploads = _upload(argus, files, survey, scale, laser_distance=laser_distance)
    deadline = argus.deadline()
    if wait:
        uploads = _wait_for_images(argus, uploads, deadline)
    ready = [uploaded.image_id for uploaded in uploads if uploaded.state == "ready" and uploaded.image_id]
    targets = [{"kind": "image", "id": image_id} for image_id in ready] if scan else []
    show = partial(_show, argus, uploads, skipped=skipped, scanned=scan)
    try:
        requested = scans.request(argus.api, targets, chosen)
    except CliError:
        show(scans.Scans([], []))
        argus.screen.note(f"The images were uploaded. To scan them: argus scan run {' '.join(ready)} --plugin ...")
        raise
    finished = scans.finish(argus.api, requested, deadline=deadline, screen=argus.screen)
    show(finished)

    failed = [uploaded for uploaded in uploads if uploaded.state != ("ready" if wait else "uploaded")]
    if failed:
        raise Incomplete(f"{len(failed)} of {len(uploads)} files are not {'ready' if wait else 'uploaded'}.")
    finished.require_success()


def _select(argus: Invocation, paths: Sequence[Path]) -> tuple[list[Path], list[Path]]:
    """The files to upload, and the skipped files. Raises click.UsageError if there is no file to upload."""
    folders = read_folders(paths)
    for folder in folders:
        argus.screen.note(folder.summary())
    files = selected(paths, folders)
    if not files:
        raise click.UsageError(f"No file ends in {', '.join(EXTENSIONS)}. To upload other files, name them.")
    return files, [file for folder in folders for file in folder.skipped]


def _upload(
    argus: Invocation,
    files: Sequence[Path],
    survey: Mapping[str, str],
    scale: Mapping[str, float] | None,
    *,
    laser_distance: bool,
) -> list[Uploaded]:
    total = sum(path.stat().st_size for path in files)
    with argus.screen.progress("Uploading", total, in_bytes=True) as advance:
        return list(Uploader(argus.api, survey, scale, laser_distance, advance).upload(files))


def _wait_for_images(argus: Invocation, uploads: list[Uploaded], deadline: Deadline) -> list[Uploaded]:
    """Wait until all images are ready or rejected, or until the deadline. Returns the updated results."""
    ids = [uploaded.image_id for uploaded in uploads if uploaded.image_id and uploaded.state == "uploaded"]
    with argus.screen.progress("Processing", len(ids)) as advance:
        latest = wait_for(
            argus.api, "/images", ids, final=FINAL_IMAGE_STATES, deadline=deadline, on_final=lambda _: advance(1)
        )
    return [uploaded.updated(latest.get(uploaded.image_id or "")) for uploaded in uploads]


def _show(
    argus: Invocation, uploads: list[Uploaded], finished: scans.Scans, *, skipped: list[Path], scanned: bool
) -> None:
    items: list[dict[str, Any]] = [asdict(uploaded) for uploaded in uploads]
    by_image = {scan["target"]["id"]: scan for scan in finished.document()}
    if scanned:
        items = [{**item, "scan": by_image.get(item["image_id"])} for item in items]
    names = {uploaded.image_id: Path(uploaded.file).name for uploaded in uploads if uploaded.image_id}
    blocks = [Rows(UPLOADS, items)]
    if finished.unsuccessful:
        blocks.append(_by_file(SCANS, finished.unsuccessful, names))
    if finished.findings:
        blocks.append(_by_file(FINDINGS, finished.findings, names))
    argus.screen.show({"items": items, "skipped": list(map(str, skipped))}, *blocks)
    finished.note_summary(argus.screen, names)


def _by_file(table: Table, items: Sequence[Item], names: Mapping[str, str]) -> Rows:
    """Scans or findings, with the uploaded file as the target."""
    return Rows(table.replacing(_FILE), [{**item, "file": names[item["target"]["id"]]} for item in items])


@image.command("list")
@click.option("--state", multiple=True, type=CommaSeparated(STATES), help="Only images in these states.")
@paged
@click.pass_obj
def list_images(argus: Invocation, state: tuple[list[str], ...], limit: int | None) -> None:
    """List images, newest first."""
    query = {"state": join_values(state)} if state else {}
    argus.screen.show_list(IMAGES, argus.api.list("/images", query, limit=limit))


@image.command()
@click.argument("image_id", metavar="IMAGE")
@click.pass_obj
def show(argus: Invocation, image_id: str) -> None:
    """Show one image with its URLs."""
    found = argus.api.get(f"/images/{segment(image_id)}")
    argus.screen.show(found, Details(IMAGE, found))


@image.command()
@click.argument("image_id", metavar="IMAGE")
@click.argument("x", type=click.IntRange(0))
@click.argument("y", type=click.IntRange(0))
@click.pass_obj
def temperature(argus: Invocation, image_id: str, x: int, y: int) -> None:
    """Print the temperature of one pixel in degrees Celsius.

    X is the column from the left and Y the row from the top, both from 0. For a pixel without a temperature, prints an
    empty line, and the reason on standard error.
    """
    found = argus.api.get(f"/images/{segment(image_id)}/temperature", {"x": x, "y": y})
    argus.screen.show(found)
    argus.screen.line("" if found["celsius"] is None else f"{found['celsius']:.2f}")
    if found["celsius"] is None:
        argus.screen.note(_REASONS[found["state"]])


@image.command()
@click.argument("image_ids", nargs=-1, required=True, metavar="IMAGE...")
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
@click.pass_obj
def delete(argus: Invocation, image_ids: tuple[str, ...], yes: bool) -> None:
    """Delete images with their originals and products. Findings and reports are kept."""
    if not yes and not sys.stdin.isatty():
        raise click.UsageError("Standard input is not a terminal. Confirm with --yes.")
    if not yes:
        click.confirm(f"Delete {formatting.number_of(len(image_ids), 'image')} permanently?", abort=True, err=True)
    items: list[dict[str, Any]] = []
    errors = []
    for image_id in image_ids:
        try:
            argus.api.delete(f"/images/{segment(image_id)}")
            items.append({"id": image_id, "deleted": True})
        except RequestRejected as error:
            errors.append(error)
            items.append({"id": image_id, "deleted": False, "problem": error.as_problem()})
    argus.screen.show({"items": items})
    for item in items:
        if item["deleted"]:
            argus.screen.line(f"Deleted {item['id']}.")
    if errors:
        raise errors[0]


COMMANDS = (image,)
