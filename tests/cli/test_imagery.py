"""Commands for images: upload, list, show, delete."""

import json
import os
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from werkzeug.wrappers import Request, Response

from services.local.demo.scenes import Setting, dji_scene, tiff16
from tests.cli.conftest import Terminal
from tests.processes import start


@pytest.fixture
def snapshot(tmp_path: Path) -> Path:
    """A JPEG without temperatures."""
    path = tmp_path / "holiday.jpg"
    Image.new("RGB", (64, 48), "teal").save(path)
    return path


def test_uploaded_frames_become_ready(terminal: Terminal, running_workers: None, frames: list[Path]) -> None:
    result = terminal.run("image", "upload", *map(str, frames), "--site", "North", "--period", "2026-05")
    assert result.exit_code == 0, result.output
    assert result.stdout.count("ready") == 2
    newest = terminal.json("image", "list", "--limit", "2")["items"]
    assert {image["name"] for image in newest} == {path.name for path in frames}
    assert newest[0]["survey"] == {"site": "North", "sector": "", "period": "2026-05", "pad": ""}


def test_a_rejected_file_is_listed_with_its_reason(
    terminal: Terminal, running_workers: None, frames: list[Path], snapshot: Path, tmp_path: Path
) -> None:
    empty = tmp_path / "empty.jpg"
    empty.touch()
    result = terminal.run("image", "upload", str(empty), str(frames[0]), str(snapshot))
    assert result.exit_code == 1
    lines = {
        name: line for line in result.stdout.splitlines() for name in ("empty", "NORTH", "holiday") if name in line
    }
    assert "The file is empty." in lines["empty"]
    assert "ready" in lines["NORTH"]
    assert "rejected" in lines["holiday"]
    assert "2 of 3 files are not ready" in result.stderr


def test_a_file_whose_name_has_invisible_characters_is_uploaded_without_them(
    terminal: Terminal, running_workers: None, frames: list[Path], tmp_path: Path
) -> None:
    path = tmp_path / "a\u200bb\u00ad\U000e0041.jpg"
    path.write_bytes(frames[0].read_bytes())
    (item,) = terminal.json("image", "upload", str(path))["items"]
    assert terminal.json("image", "show", item["image_id"])["name"] == "a\ufffdb\ufffd\ufffd.jpg"


def test_a_rejection_has_the_same_code_and_reason_in_json(
    terminal: Terminal, running_workers: None, snapshot: Path
) -> None:
    (item,) = terminal.json("image", "upload", str(snapshot), code=1)["items"]
    image = terminal.json("image", "show", item["image_id"])
    assert (item["state"], item["code"], item["reason"]) == ("rejected", image["code"], image["reason"])
    assert item["reason"]


def test_upload_and_scan_show_the_leak(terminal: Terminal, running_workers: None, frames: list[Path]) -> None:
    document = terminal.json("image", "upload", *map(str, frames), "--scan", "--option", "delta_celsius=8")
    leaking, intact = document["items"]
    assert leaking["scan"]["steps"][0]["options"]["delta_celsius"] == 8
    assert [finding["rule"] for finding in leaking["scan"]["findings"]] == ["hotspot"]
    assert intact["scan"]["findings"] == []


def test_upload_and_scan_list_the_file_name(terminal: Terminal, running_workers: None, frames: list[Path]) -> None:
    result = terminal.run("image", "upload", str(frames[0]), "--scan")
    assert result.exit_code == 0, result.output
    (row,) = [line for line in result.stdout.splitlines() if "Hot spot" in line]
    assert frames[0].name in row
    assert "1 scan, findings: 1 " in result.stderr
    assert "\x1b" not in result.stdout


@pytest.mark.parametrize("wrong", [("--plugin", "nope"), ("--option", "delta_celsius=cold")], ids=["plugin", "option"])
def test_images_whose_scan_is_rejected_are_listed_and_can_be_scanned(
    terminal: Terminal, running_workers: None, frames: list[Path], wrong: tuple[str, str]
) -> None:
    result = terminal.run("image", "upload", str(frames[0]), "--scan", *wrong)
    assert result.exit_code == 4
    (row,) = [line for line in result.stdout.splitlines() if frames[0].name in line]
    (image_id,) = [cell for cell in row.split("\t") if cell.startswith("img_")]
    assert f"argus scan run {image_id} --plugin" in result.stderr
    (item,) = terminal.json("image", "upload", str(frames[0]), "--scan", *wrong, code=4)["items"]
    assert (item["state"], item["scan"]) == ("ready", None)


def test_the_scale_of_a_tiff_can_be_an_option(terminal: Terminal, running_workers: None, tmp_path: Path) -> None:
    path = tmp_path / "scene.tif"
    path.write_bytes(tiff16(np.tile(np.arange(261, 341, dtype=np.uint16), (64, 1))))
    (item,) = terminal.json("image", "upload", str(path), "--scale-factor", "0.1", "--scale-offset", "-5")["items"]
    assert item["stats"]["mean_c"] == pytest.approx(25.05, abs=0.01)


def test_the_lasers_distance_can_be_an_option(terminal: Terminal, running_workers: None, tmp_path: Path) -> None:
    path = tmp_path / "DJI_0001_T.JPG"
    path.write_bytes(dji_scene(laser_metres=21.5, setting=Setting(distance=2))[0])
    (item,) = terminal.json("image", "upload", str(path), "--laser-distance")["items"]
    shown = _shown(terminal, item["image_id"])
    assert shown["accuracy"] == "exact, ±0.3 °C"
    assert shown["distance_metres"] == "21.5 (laser)"
    assert shown["camera_direction"] == "yaw 94.9°, pitch -89.9°, roll 0°"
    assert shown["height_metres"] == "32.0"
    assert shown["laser_distance_metres"] == "21.5"


def test_an_approximate_image_says_so(terminal: Terminal, running_workers: None, tmp_path: Path) -> None:
    path = tmp_path / "DJI_0002_T.JPG"
    path.write_bytes(dji_scene(xmp={}, has_table=False, setting=Setting(distance=5))[0])
    uploaded = terminal.run("image", "upload", str(path)).stdout
    assert "approximate temperatures" in uploaded
    (item,) = terminal.json("image", "list", "--limit", "1")["items"]
    shown = _shown(terminal, item["id"])
    assert shown["accuracy"].startswith("approximate, ±")
    assert shown["taken"] == "2025-05-14 06:20:00 by the camera’s clock"


def _shown(terminal: Terminal, image_id: str) -> dict[str, str]:
    lines = terminal.run("image", "show", image_id).stdout.splitlines()
    return dict(line.split("\t", 1) for line in lines)


def test_no_wait_ends_when_the_bytes_are_sent(terminal: Terminal, frames: list[Path]) -> None:
    (item,) = terminal.json("image", "upload", str(frames[0]), "--no-wait")["items"]
    assert item["state"] == "uploaded"
    assert terminal.json("image", "show", item["image_id"])["state"] == "awaiting_upload"


def test_a_timeout_of_zero_does_not_wait(terminal: Terminal, frames: list[Path]) -> None:
    terminal.json("image", "upload", str(frames[0]), "--timeout", "0", code=1)


def test_waiting_ends_at_the_timeout(terminal: Terminal, frames: list[Path]) -> None:
    (item,) = terminal.json("image", "upload", str(frames[0]), "--timeout", "0.2", code=1)["items"]
    assert item["state"] == "awaiting_upload"


@pytest.mark.parametrize(
    "arguments",
    [
        ("FRAME", "--scan", "--no-wait"),
        ("FRAME", "--option", "delta_celsius=8"),
        ("FRAME", "--scan", "--option", "delta_celsius"),
        ("FRAME", "--scan", "--option", "another_plugin.delta_celsius=8"),
        ("FRAME", "--scale-offset", "3"),
        ("missing.jpg",),
        (),
    ],
    ids=lambda arguments: " ".join(arguments) or "nothing",
)
def test_contradictory_options_are_a_usage_error(
    terminal: Terminal, frames: list[Path], arguments: tuple[str, ...]
) -> None:
    replaced = [str(frames[0]) if argument == "FRAME" else argument for argument in arguments]
    assert terminal.run("image", "upload", *replaced).exit_code == 2


def test_a_rejected_request_lists_every_field(terminal: Terminal, frames: list[Path]) -> None:
    result = terminal.run("image", "upload", str(frames[0]), "--site", "x" * 101)
    assert result.exit_code == 4
    assert "  site: " in result.stderr
    assert "  request req_" in result.stderr


def test_one_image_is_shown_with_its_links(terminal: Terminal, running_workers: None, frames: list[Path]) -> None:
    (item,) = terminal.json("image", "upload", str(frames[0]))["items"]
    result = terminal.run("image", "show", item["image_id"])
    assert "640 × 512" in result.stdout
    links = terminal.json("image", "show", item["image_id"])["links"]
    assert f"\ntemperatures_url\t{links['cog']['url']}\n" in result.stdout


def test_the_temperature_of_a_pixel_is_printed(terminal: Terminal, running_workers: None, frames: list[Path]) -> None:
    (item,) = terminal.json("image", "upload", str(frames[0]))["items"]
    result = terminal.run("image", "temperature", item["image_id"], "51", "70")
    celsius = terminal.json("image", "temperature", item["image_id"], "51", "70")["celsius"]
    assert result.stdout == f"{celsius:.2f}\n"
    assert terminal.run("image", "temperature", item["image_id"], "640", "0").exit_code == 4


def test_a_missing_image_is_an_error_document_with_json(terminal: Terminal) -> None:
    result = terminal.run("--json", "image", "show", "../me")
    assert (result.exit_code, result.stdout) == (4, "")
    assert json.loads(result.stderr)["status"] == 404


def test_deleted_images_are_not_found(terminal: Terminal, frames: list[Path]) -> None:
    (item,) = terminal.json("image", "upload", str(frames[0]), "--no-wait")["items"]
    unconfirmed = terminal.run("image", "delete", item["image_id"])
    assert (unconfirmed.exit_code, "Confirm with --yes." in unconfirmed.stderr) == (2, True)
    result = terminal.run("image", "delete", "--yes", item["image_id"], "img_nothing")
    assert result.exit_code == 4
    assert f"Deleted {item['image_id']}." in result.stdout
    assert terminal.run("image", "show", item["image_id"]).exit_code == 4


def test_a_name_cannot_control_the_terminal(terminal_for: Callable[..., Terminal]) -> None:
    hostile = "\x1b]0;owned\x07\x9b31m\u202egpj.exe [bold red]x[/] \ud800\r\n"
    page = {"items": [_summary("img_1", name=hostile)], "next_cursor": None}
    terminal = terminal_for(lambda _: Response(json.dumps(page)))
    result = terminal.run("image", "list")
    assert result.exit_code == 0
    assert not {"\x1b", "\x07", "\x9b", "\u202e", "\r"} & set(result.stdout)
    assert "[bold red]x[/]" in result.stdout
    assert terminal.json("image", "list")["items"][0]["name"] == hostile


def test_an_upload_whose_response_was_lost_is_created_once(
    terminal: Terminal, url: str, terminal_for: Callable[..., Terminal], frames: list[Path]
) -> None:
    from argus.cli.api import Api

    keys = []

    def respond(request: Request) -> Response:
        """Forwards all requests, and loses the first response to a POST."""
        import httpx

        headers = {name: value for name, value in request.headers if name not in ("Host", "Content-Length")}
        response = httpx.request(request.method, url + request.full_path, headers=headers, content=request.get_data())
        if request.method == "POST":
            keys.append((request.headers["Idempotency-Key"], response.headers.get("Idempotent-Replayed")))
            if len(keys) == 1:
                return Response(status=502)
        return Response(response.content, response.status_code)

    lossy = terminal_for(respond)
    lossy.environment["ARGUS_TOKEN"] = Api.of(url, {"ARGUS_CONFIG_DIR": str(terminal.folder)}).token()
    earlier = len(terminal.json("image", "list", "--all")["items"])
    lossy.json("image", "upload", str(frames[0]), "--no-wait")
    assert len(terminal.json("image", "list", "--all")["items"]) == earlier + 1
    assert keys == [(keys[0][0], None), (keys[0][0], "true")]


def test_an_s3_error_is_the_reason_of_the_file(terminal_for: Callable[..., Terminal], frames: list[Path]) -> None:
    def respond(request: Request) -> Response:
        if request.path == "/bucket":
            assert "Authorization" not in request.headers
            assert list(request.form) == ["key", "policy"]
            return Response("<Error><Code>AccessDenied</Code><Message>Policy expired.</Message></Error>", 403)
        return _upload_form(request)

    (item,) = terminal_for(respond).json("image", "upload", str(frames[0]), "--no-wait", code=1)["items"]
    assert (item["state"], item["reason"]) == ("rejected", "S3 responded with status 403: Policy expired.")


def test_waiting_ends_when_the_image_is_deleted(terminal_for: Callable[..., Terminal], frames: list[Path]) -> None:
    def respond(request: Request) -> Response:
        if request.path == "/api/v1/images/img_1":
            return Response(json.dumps({"title": "gone", "status": 404}), 404)
        if request.path == "/api/v1/uploads":
            return _upload_form(request)
        request.get_data()
        return Response(status=204)

    (item,) = terminal_for(respond).json("image", "upload", str(frames[0]), code=1)["items"]
    assert item["state"] == "deleted"


@pytest.mark.parametrize("stalled", ["bucket", "images"], ids=["sending", "waiting"])
def test_ctrl_c_ends_the_upload_at_once(
    terminal_for: Callable[..., Terminal], frames: list[Path], stalled: str
) -> None:
    reached, release = threading.Event(), threading.Event()

    def respond(request: Request) -> Response:
        request.get_data()
        if stalled in request.path:
            reached.set()
            release.wait(100)
        return _upload_form(request) if request.path == "/api/v1/uploads" else Response(status=204)

    terminal = terminal_for(respond)
    process = start(
        [sys.executable, "-m", "argus.cli", "image", "upload", str(frames[0])],
        {**os.environ, **terminal.environment, "ARGUS_URL": terminal.url},
    )
    assert reached.wait(100)
    process.send_signal(signal.SIGINT)
    output = process.communicate(timeout=100)
    release.set()
    assert (process.returncode, *output) == (130, "", "argus: interrupted\n")


def test_many_files_are_uploaded_in_batches(terminal_for: Callable[..., Terminal], tmp_path: Path) -> None:
    paths = [tmp_path / f"{number:03}.jpg" for number in range(130)]
    for path in paths:
        path.write_bytes(path.name.encode())
    batches: list[list[str]] = []
    received: dict[str, bytes] = {}

    def respond(request: Request) -> Response:
        if request.path == "/bucket":
            received[request.form["key"]] = request.files["file"].read()
            return Response(status=204)
        batches.append([file["name"] for file in request.get_json()["files"]])
        return _upload_forms(request, batches[-1])

    items = terminal_for(respond).json("image", "upload", *map(str, paths), "--no-wait")["items"]
    assert [len(batch) for batch in batches] == [100, 30]
    assert [(Path(item["file"]).name, item["image_id"]) for item in items] == [(path.name,) * 2 for path in paths]
    assert received == {path.name: path.name.encode() for path in paths}


def _upload_form(request: Request) -> Response:
    return _upload_forms(request, ["img_1"])


def _upload_forms(request: Request, image_ids: list[str]) -> Response:
    """The response of `POST /uploads`: a form for each file, which posts to this server."""
    form = {"url": f"{request.host_url}bucket", "method": "POST"}
    items = [
        {"image_id": image_id, "upload": {**form, "fields": {"key": image_id, "policy": "p"}}} for image_id in image_ids
    ]
    return Response(json.dumps({"items": items}), 201)


def _summary(image_id: str, **values: Any) -> dict[str, Any]:
    return {
        "id": image_id,
        "name": "frame.jpg",
        "size_bytes": 2048,
        "state": "ready",
        "code": None,
        "reason": None,
        "survey": {},
        "accuracy": {"kind": "exact", "error_c": 0.001},
        "pixels": {"measured": 327680, "out_of_range": 0},
        "stats": None,
        "created_at": "2026-05-03T10:00:00Z",
        **values,
    }


def test_remarks_say_what_was_not_measured(terminal_for: Callable[..., Terminal]) -> None:
    pixels = {"measured": 1000, "out_of_range": 24}
    approximate = {"kind": "approximate", "error_c": 0.5}
    page = {"items": [_summary("img_1", pixels=pixels, accuracy=approximate)], "next_cursor": None}
    shown = terminal_for(lambda _: Response(json.dumps(page))).run("image", "list").stdout
    assert "approximate temperatures; 24 pixels out of range" in shown


@pytest.mark.parametrize("state", ["below_range", "above_range", "without"])
def test_a_pixel_without_a_temperature_prints_its_reason(terminal_for: Callable[..., Terminal], state: str) -> None:
    terminal = terminal_for(lambda _: Response(json.dumps({"celsius": None, "state": state})))
    result = terminal.run("image", "temperature", "img_1", "1", "2")
    assert (result.exit_code, result.stdout) == (0, "\n")
    reasons = {"below_range": "colder than", "above_range": "hotter than", "without": "no temperature"}
    assert reasons[state] in result.stderr
