"""Running scans, and reading findings and plugins."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from werkzeug.wrappers import Request, Response

from tests.cli.conftest import Terminal
from tests.conftest import Workers


def test_a_scan_shows_what_it_found(terminal: Terminal, leaking: str) -> None:
    result = terminal.run("scan", "run", leaking)
    assert result.exit_code == 0, result.output
    assert "Hot spot" in result.stdout
    assert "peak" in result.stdout
    assert re.match(rf"1 scan, findings: 1 \w+\.\nargus report create scan_\w+ # image:{leaking}\n", result.stderr)


def test_a_scan_not_waited_for_is_queued(terminal: Terminal, leaking: str) -> None:
    (scan,) = terminal.json("scan", "run", f"image:{leaking}", "--no-wait")["items"]
    assert scan["target"] == {"kind": "image", "value": leaking, "link": f"/api/v1/images/{leaking}"}
    assert scan["id"] in terminal.run("scan", "list").stdout


def test_a_scan_is_waited_for_and_shown(terminal: Terminal, leaking: str) -> None:
    (queued,) = terminal.json("scan", "run", leaking, "--no-wait")["items"]
    (ended,) = terminal.json("scan", "wait", queued["id"])["items"]
    assert (ended["state"], len(ended["findings"])) == ("succeeded", 1)
    shown = terminal.run("scan", "show", queued["id"])
    assert f"scan\t{queued['id']}\ntarget\timage:{leaking}\nstate\tsucceeded\n" in shown.stdout
    assert "not_tested\tthermal_hotspots.over_limit\n" in shown.stdout


def test_a_spot_that_a_less_sensitive_scan_does_not_see_is_not_fixed(terminal: Terminal, leaking: str) -> None:
    (seen,) = terminal.json("scan", "run", leaking)["items"]
    (spot,) = seen["findings"]
    limit = str(spot["evidence"]["delta_celsius"] + 5)
    (blind,) = terminal.json("scan", "run", leaking, "--option", f"delta_celsius={limit}")["items"]
    assert (blind["delta"]["not_tested"], blind["delta"]["fixed"]) == (1, 0)
    (finding,) = terminal.json("finding", "list", "--target", leaking)["items"]
    assert (finding["status"], finding["open"]) == ("not_tested", True)


def test_a_scan_is_cancelled_until_it_has_ended(terminal: Terminal, frames: list[Path], workers: Workers) -> None:
    (item,) = terminal.json("image", "upload", str(frames[0]), "--no-wait")["items"]
    workers.work()
    (queued,) = terminal.json("scan", "run", item["image_id"], "--no-wait")["items"]
    assert terminal.json("scan", "cancel", queued["id"])["state"] == "cancelled"
    result = terminal.run("scan", "wait", queued["id"])
    assert (result.exit_code, "1 scan cancelled." in result.stderr) == (1, True)


def test_findings_are_filtered(terminal: Terminal, leaking: str) -> None:
    (scan,) = terminal.json("scan", "run", leaking)["items"]
    (finding,) = terminal.json("finding", "list", "--target", leaking)["items"]
    assert terminal.json("finding", "list", "--scan", scan["id"])["items"][0]["fingerprint"] == finding["fingerprint"]
    assert terminal.json("finding", "list", "--target", leaking, "--status", "fixed")["items"] == []
    only = ("--severity", finding["severity"], "--plugin", "thermal_hotspots", "--status", "new")
    assert terminal.json("finding", "list", "--target", leaking, *only)["items"] == [finding]
    assert finding["severity"] in terminal.run("finding", "list", "--target", leaking).stdout


def test_filters_take_several_values_and_lists_are_sorted(before: Callable[..., Terminal]) -> None:
    asked = []

    def respond(request: Request) -> Response:
        asked.append(request.args.to_dict())
        return Response(json.dumps({"items": [], "next_cursor": None}))

    several = ("--severity", "high,critical", "--status", "new", "--status", "regressed", "--plugin", "a,b")
    targets = ("--target", "img_1", "--target", "host:north.example")
    before(respond).json("finding", "list", *several, *targets, "--rule", "a.x", "--text", "Hot", "--sort", "severity")
    assert asked == [
        {
            "limit": "50",
            "severity": "high,critical",
            "status": "new,regressed",
            "plugin": "a,b",
            "target": "image:img_1,host:north.example",
            "rule": "a.x",
            "text": "Hot",
            "sort": "severity",
        }
    ]


def test_a_severity_that_is_none_is_wrong_usage(stranger_terminal: Terminal) -> None:
    result = stranger_terminal.run("finding", "list", "--severity", "high,huge")
    assert result.exit_code == 2
    assert "'huge' is not one of info, low, medium, high, critical." in result.stderr


def test_findings_are_counted(terminal: Terminal, leaking: str) -> None:
    terminal.run("scan", "run", leaking)
    (finding,) = terminal.json("finding", "list", "--target", leaking)["items"]
    assert terminal.json("finding", "count", "--target", leaking)["by_severity"][finding["severity"]] == 1
    lines = terminal.run("finding", "count", "--target", leaking, "--text", "hot").stdout.splitlines()
    assert [line.split("\t")[0] for line in lines] == ["critical", "high", "medium", "low", "info"]
    assert sum(int(line.split("\t")[1]) for line in lines) == 1


def test_options_a_plugin_does_not_take_are_refused(terminal: Terminal, leaking: str) -> None:
    result = terminal.run("scan", "run", leaking, "--option", "delta_celsius=cold")
    assert result.exit_code == 4
    assert "delta_celsius" in result.stderr


@pytest.mark.parametrize(
    "arguments",
    [("nonsense",), ("host:north.example",), ("img_1", "--option", "=8"), ("image:",)],
    ids=["no target", "no plugin", "no option", "no value"],
)
def test_what_cannot_be_scanned_is_wrong_usage(terminal: Terminal, arguments: tuple[str, ...]) -> None:
    assert terminal.run("scan", "run", *arguments).exit_code == 2


def test_a_scan_in_the_place_of_a_target_is_explained(terminal: Terminal) -> None:
    result = terminal.run("scan", "run", "scan_1")
    assert result.exit_code == 2
    assert "scan_1 is a scan: see `argus finding list --scan scan_1` and `argus report create scan_1`" in result.stderr


def test_plugins_are_listed_with_their_options(terminal: Terminal) -> None:
    result = terminal.run("plugin", "list")
    assert "thermal_hotspots" in result.stdout
    assert "delta_celsius=" in result.stdout


def test_one_plugin_is_shown(terminal: Terminal) -> None:
    lines = terminal.run("plugin", "show", "thermal_hotspots").stdout.splitlines()
    assert lines[0] == "plugin\tthermal_hotspots"
    assert terminal.run("plugin", "show", "nope").exit_code == 4


KINDS = {"items": [{"kind": "host", "given_by": "value"}, {"kind": "mosaic", "given_by": "id"}], "next_cursor": None}


@pytest.mark.parametrize(
    ("target", "named"),
    [
        ("host:north.example", {"kind": "host", "value": "north.example"}),
        ("mosaic:mos_1", {"kind": "mosaic", "id": "mos_1"}),
        ("moon:north", {"kind": "moon", "value": "north"}),  # which the server refuses
        ("image:img_1", {"kind": "image", "id": "img_1"}),
    ],
)
def test_a_target_is_given_as_the_server_says_of_its_kind(
    before: Callable[..., Terminal], target: str, named: dict[str, str]
) -> None:
    asked = []

    def respond(request: Request) -> Response:
        if request.path.endswith("/target-kinds"):
            return Response(json.dumps(KINDS))
        asked.append(request.get_json()["target"])
        return Response(json.dumps(_scan(state="queued")), 202)

    before(respond).json("scan", "run", target, "--plugin", "a", "--no-wait")
    assert asked == [named]


def test_kinds_of_target_are_listed(terminal: Terminal) -> None:
    lines = terminal.run("target", "kinds").stdout.splitlines()
    assert "image\tid\tA thermal image\t/api/v1/images/{value}" in lines


def test_options_reach_the_plugin_they_name_as_json(before: Callable[..., Terminal]) -> None:
    asked = []

    def respond(request: Request) -> Response:
        if request.method == "GET":
            return Response(json.dumps(KINDS))
        asked.append(request.get_json())
        return Response(json.dumps(_scan(state="queued")), 202)

    arguments = ("--plugin", "a", "--plugin", "b", "--option", "b.deep=[1, 2]", "--option", "a.word=plain")
    before(respond).json("scan", "run", "host:north.example", "--no-wait", *arguments)
    assert asked == [
        {
            "target": {"kind": "host", "value": "north.example"},
            "plugins": [{"id": "a", "options": {"word": "plain"}}, {"id": "b", "options": {"deep": [1, 2]}}],
        }
    ]


def test_a_failed_scan_is_shown_with_its_reason(before: Callable[..., Terminal]) -> None:
    def respond(request: Request) -> Response:
        state = "queued" if request.method == "POST" else "failed"
        return Response(json.dumps(_scan(state=state, reason="the camera melted")))

    result = before(respond).run("scan", "run", "img_1")
    assert result.exit_code == 1
    assert "the camera melted" in result.stdout
    assert "1 of 1 scans did not succeed" in result.stderr


def test_the_summary_of_a_failed_scan_has_no_findings(before: Callable[..., Terminal]) -> None:
    step = {"plugin": "thermal_hotspots", "reason": "the camera melted"}
    failed = _scan(state="failed", reason="thermal_hotspots: the camera melted", steps=[step])

    result = before(lambda _: Response(json.dumps(failed))).run("scan", "run", "img_1")
    assert result.stdout.count("the camera melted") == 1
    assert result.stderr.startswith("1 scan failed.\n")


def test_the_summary_counts_failed_scans_beside_the_others(before: Callable[..., Terminal]) -> None:
    def respond(request: Request) -> Response:
        if request.method == "POST":
            name = request.get_json()["target"]["id"]
            return Response(json.dumps(_scan(id=f"scan_{name}", target={"kind": "image", "value": name})))
        ends = {"scan_img_1": "failed", "scan_img_2": "succeeded", "scan_img_3": "failed"}
        items = [_scan(id=name, state=state) for name, state in ends.items()]
        return Response(json.dumps({"items": items, "next_cursor": None}))

    result = before(respond).run("scan", "run", "img_1", "img_2", "img_3")
    summary, report, _ = result.stderr.splitlines()
    assert summary == "3 scans, findings: none; 2 scans failed."
    assert report.startswith("argus report create scan_img_2 ")


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
