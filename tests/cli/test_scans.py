"""Scanning, reading findings, fetching reports."""

import csv
import io
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from werkzeug.wrappers import Request, Response

from tests.cli.conftest import Terminal


@pytest.fixture
def leaking(terminal: Terminal, working: None, frames: list[Path]) -> str:
    """An image with one leak; the workers go on working."""
    (item,) = terminal.json("upload", str(frames[0]))["items"]
    return item["image_id"]


def test_a_scan_shows_what_it_found(terminal: Terminal, leaking: str) -> None:
    result = terminal.run("scan", leaking)
    assert result.exit_code == 0, result.output
    assert "Hot spot" in result.stdout
    assert "peak" in result.stdout
    assert re.search(rf"\n1 scan, findings: 1 \w+\.\nargus report scan_\w+ # image:{leaking}\n", result.stdout)


def test_a_scan_not_waited_for_is_queued(terminal: Terminal, leaking: str) -> None:
    (scan,) = terminal.json("scan", f"image:{leaking}", "--no-wait")["items"]
    assert scan["target"] == {"kind": "image", "value": leaking}
    assert scan["id"] in terminal.run("scans").stdout


def test_findings_are_filtered(terminal: Terminal, leaking: str) -> None:
    (scan,) = terminal.json("scan", leaking)["items"]
    (finding,) = terminal.json("findings", "--target", leaking)["items"]
    assert terminal.json("findings", "--scan", scan["id"])["items"][0]["fingerprint"] == finding["fingerprint"]
    assert terminal.json("findings", "--target", leaking, "--status", "fixed")["items"] == []
    only = ("--severity", finding["severity"], "--plugin", "thermal_hotspots", "--status", "new")
    assert terminal.json("findings", "--target", leaking, *only)["items"] == [finding]
    assert finding["severity"] in terminal.run("findings", "--target", leaking).stdout


def test_a_report_is_waited_for_and_saved(terminal: Terminal, leaking: str, tmp_path: Path) -> None:
    (scan,) = terminal.json("scan", leaking, "--no-wait")["items"]
    nowhere = terminal.run("report", scan["id"], "--format", "csv", "--output", str(tmp_path / "none" / "report.csv"))
    assert (nowhere.exit_code, "No such file" in nowhere.stderr) == (3, True)
    output = tmp_path / "report.csv"
    result = terminal.run("report", scan["id"], "--format", "csv", "--output", str(output))
    assert result.exit_code == 0, result.output
    assert len(list(csv.reader(io.StringIO(output.read_text())))) == 2
    assert "\nhttp://127.0.0.1" in result.stdout
    assert [path.name for path in output.parent.glob("*report*")] == ["report.csv"]


def test_a_report_on_standard_output_is_nothing_else(terminal: Terminal, leaking: str) -> None:
    (scan,) = terminal.json("scan", leaking)["items"]
    result = terminal.run("report", scan["id"], "--format", "geojson", "--output", "-")
    assert json.loads(result.stdout)["type"] == "FeatureCollection"
    assert terminal.run("--json", "report", scan["id"], "--output", "-").exit_code == 2


def test_options_a_plugin_does_not_take_are_refused(terminal: Terminal, leaking: str) -> None:
    result = terminal.run("scan", leaking, "--option", "delta_celsius=cold")
    assert result.exit_code == 4
    assert "delta_celsius" in result.stderr


@pytest.mark.parametrize(
    "arguments",
    [("nonsense",), ("host:north.example",), ("img_1", "--option", "=8"), ("image:",)],
    ids=["no target", "no plugin", "no option", "no value"],
)
def test_what_cannot_be_scanned_is_wrong_usage(terminal: Terminal, arguments: tuple[str, ...]) -> None:
    assert terminal.run("scan", *arguments).exit_code == 2


def test_where_a_target_belongs_a_scan_is_told_from_one(terminal: Terminal) -> None:
    result = terminal.run("scan", "scan_1")
    assert result.exit_code == 2
    assert "scan_1 is a scan: see `argus findings --scan scan_1` and `argus report scan_1`" in result.stderr


def test_plugins_are_listed_with_their_options(terminal: Terminal) -> None:
    result = terminal.run("plugins")
    assert "thermal_hotspots" in result.stdout
    assert "delta_celsius=" in result.stdout


def test_options_reach_the_plugin_they_name_as_json(before: Callable[..., Terminal]) -> None:
    asked = []

    def respond(request: Request) -> Response:
        asked.append(request.get_json())
        return Response(json.dumps(_scan(state="queued")), 202)

    arguments = ("--plugin", "a", "--plugin", "b", "--option", "b.deep=[1, 2]", "--option", "a.word=plain")
    before(respond).json("scan", "host:north.example", "--no-wait", *arguments)
    assert asked == [
        {
            "target": {"kind": "host", "value": "north.example"},
            "plugins": [{"id": "a", "options": {"word": "plain"}}, {"id": "b", "options": {"deep": [1, 2]}}],
        }
    ]


def test_a_failed_scan_is_told_with_its_reason(before: Callable[..., Terminal]) -> None:
    def respond(request: Request) -> Response:
        state = "queued" if request.method == "POST" else "failed"
        return Response(json.dumps(_scan(state=state, reason="the camera melted")))

    result = before(respond).run("scan", "img_1")
    assert result.exit_code == 1
    assert "the camera melted" in result.stdout
    assert "1 of 1 scans did not succeed" in result.stderr


def test_a_scan_that_failed_is_not_summed_up_as_clean(before: Callable[..., Terminal]) -> None:
    step = {"plugin": "thermal_hotspots", "reason": "the camera melted"}
    failed = _scan(state="failed", reason="thermal_hotspots: the camera melted", steps=[step])

    result = before(lambda _: Response(json.dumps(failed))).run("scan", "img_1")
    assert result.stdout.count("the camera melted") == 1
    assert result.stdout.endswith("\n1 scan failed.\n")


def test_a_scan_that_failed_is_counted_beside_the_others(before: Callable[..., Terminal]) -> None:
    def respond(request: Request) -> Response:
        if request.method == "POST":
            name = request.get_json()["target"]["id"]
            return Response(json.dumps(_scan(id=f"scan_{name}", target={"kind": "image", "value": name})))
        ends = {"scan_img_1": "failed", "scan_img_2": "succeeded", "scan_img_3": "failed"}
        items = [_scan(id=name, state=state) for name, state in ends.items()]
        return Response(json.dumps({"items": items, "next_cursor": None}))

    result = before(respond).run("scan", "img_1", "img_2", "img_3")
    *_, summary, report = result.stdout.splitlines()
    assert summary == "3 scans, findings: none; 2 scans failed."
    assert report.startswith("argus report scan_img_2 ")


def _scan(**values: Any) -> dict[str, Any]:
    return {
        "id": "scan_1",
        "target": {"kind": "image", "value": "img_1"},
        "state": "queued",
        "progress": 0,
        "reason": "",
        "steps": [],
        "counts": {},
        "delta": {},
        "created_at": "2026-05-03T10:00:00Z",
        **values,
    }
