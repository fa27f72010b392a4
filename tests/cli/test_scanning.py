"""Commands for scans, findings, plugins and kinds of target."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from werkzeug.wrappers import Request, Response

from tests.cli.conftest import Terminal
from tests.conftest import Workers


def test_run_prints_the_findings(terminal: Terminal, leaking_image: str) -> None:
    result = terminal.run("scan", "run", leaking_image)
    assert result.exit_code == 0, result.output
    assert "Hot spot" in result.stdout
    assert "peak" in result.stdout
    assert re.match(
        rf"1 scan, findings: 1 \w+\.\nargus report create scan_\w+ # image:{leaking_image}\n", result.stderr
    )


def test_no_wait_prints_the_queued_scan(terminal: Terminal, leaking_image: str) -> None:
    (scan,) = terminal.json("scan", "run", f"image:{leaking_image}", "--no-wait")["items"]
    assert scan["target"] == {"kind": "image", "id": leaking_image, "link": f"/api/v1/images/{leaking_image}"}
    assert scan["id"] in terminal.run("scan", "list").stdout


def test_wait_and_show_print_the_scan(terminal: Terminal, leaking_image: str) -> None:
    (queued,) = terminal.json("scan", "run", leaking_image, "--no-wait")["items"]
    (ended,) = terminal.json("scan", "wait", queued["id"])["items"]
    assert (ended["state"], len(ended["findings"])) == ("succeeded", 1)
    shown = terminal.run("scan", "show", queued["id"])
    assert f"scan\t{queued['id']}\ntarget\timage:{leaking_image}\nstate\tsucceeded\n" in shown.stdout
    assert "not_tested\tthermal_hotspots.over_limit\n" in shown.stdout


def test_a_hot_spot_below_the_threshold_of_a_later_scan_is_not_tested(terminal: Terminal, leaking_image: str) -> None:
    (first,) = terminal.json("scan", "run", leaking_image)["items"]
    (spot,) = first["findings"]
    limit = str(spot["evidence"]["delta_celsius"] + 5)
    (second,) = terminal.json("scan", "run", leaking_image, "--option", f"delta_celsius={limit}")["items"]
    assert (second["delta"]["not_tested"], second["delta"]["fixed"]) == (1, 0)
    (finding,) = terminal.json("finding", "list", "--target", leaking_image)["items"]
    assert (finding["status"], finding["open"]) == ("not_tested", True)


def test_a_queued_scan_is_cancelled(terminal: Terminal, frames: list[Path], workers: Workers) -> None:
    (item,) = terminal.json("image", "upload", str(frames[0]), "--no-wait")["items"]
    workers.work()
    (queued,) = terminal.json("scan", "run", item["image_id"], "--no-wait")["items"]
    assert terminal.json("scan", "cancel", queued["id"])["state"] == "cancelled"
    result = terminal.run("scan", "wait", queued["id"])
    assert (result.exit_code, "1 scan cancelled." in result.stderr) == (1, True)


def test_findings_are_filtered(terminal: Terminal, leaking_image: str) -> None:
    (scan,) = terminal.json("scan", "run", leaking_image)["items"]
    (finding,) = terminal.json("finding", "list", "--target", leaking_image)["items"]
    assert terminal.json("finding", "list", "--scan", scan["id"])["items"][0]["fingerprint"] == finding["fingerprint"]
    assert terminal.json("finding", "list", "--target", leaking_image, "--status", "fixed")["items"] == []
    only = ("--severity", finding["severity"], "--plugin", "thermal_hotspots", "--status", "new")
    assert terminal.json("finding", "list", "--target", leaking_image, *only)["items"] == [finding]
    assert finding["severity"] in terminal.run("finding", "list", "--target", leaking_image).stdout


def test_filters_accept_several_values_and_lists_are_sorted(terminal_for: Callable[..., Terminal]) -> None:
    requests = []

    def respond(request: Request) -> Response:
        requests.append(request.args.to_dict())
        return Response(json.dumps({"items": [], "next_cursor": None}))

    several = ("--severity", "high,critical", "--status", "new", "--status", "regressed", "--plugin", "a,b")
    targets = ("--target", "img_1", "--target", "host:north.example")
    terminal_for(respond).json(
        "finding", "list", *several, *targets, "--rule", "a.x", "--text", "Hot", "--sort", "severity"
    )
    assert requests == [
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


def test_an_unknown_severity_is_a_usage_error(signed_out_terminal: Terminal) -> None:
    result = signed_out_terminal.run("finding", "list", "--severity", "high,huge")
    assert result.exit_code == 2
    assert "'huge' is not one of info, low, medium, high, critical." in result.stderr


def test_findings_are_counted(terminal: Terminal, leaking_image: str) -> None:
    terminal.run("scan", "run", leaking_image)
    (finding,) = terminal.json("finding", "list", "--target", leaking_image)["items"]
    assert terminal.json("finding", "count", "--target", leaking_image)["by_severity"][finding["severity"]] == 1
    lines = terminal.run("finding", "count", "--target", leaking_image, "--text", "hot").stdout.splitlines()
    assert [line.split("\t")[0] for line in lines] == ["critical", "high", "medium", "low", "info"]
    assert sum(int(line.split("\t")[1]) for line in lines) == 1


def test_invalid_options_of_a_plugin_are_rejected(terminal: Terminal, leaking_image: str) -> None:
    result = terminal.run("scan", "run", leaking_image, "--option", "delta_celsius=cold")
    assert result.exit_code == 4
    assert "delta_celsius" in result.stderr


@pytest.mark.parametrize(
    "arguments",
    [("nonsense",), ("host:north.example",), ("img_1", "--option", "=8"), ("image:",)],
    ids=["no target", "no plugin", "no option", "no value"],
)
def test_an_invalid_target_is_a_usage_error(terminal: Terminal, arguments: tuple[str, ...]) -> None:
    assert terminal.run("scan", "run", *arguments).exit_code == 2


def test_a_scan_id_instead_of_a_target_is_explained(terminal: Terminal) -> None:
    result = terminal.run("scan", "run", "scan_1")
    assert result.exit_code == 2
    assert "scan_1 is a scan. See `argus finding list --scan scan_1` and `argus report create scan_1`." in result.stderr


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
    ("target", "expected"),
    [
        ("host:north.example", {"kind": "host", "value": "north.example"}),
        ("mosaic:mos_1", {"kind": "mosaic", "id": "mos_1"}),
        ("moon:north", {"kind": "moon", "value": "north"}),  # the server rejects it
        ("image:img_1", {"kind": "image", "id": "img_1"}),
    ],
)
def test_a_target_is_sent_by_id_or_by_value_depending_on_its_kind(
    terminal_for: Callable[..., Terminal], target: str, expected: dict[str, str]
) -> None:
    requests = []

    def respond(request: Request) -> Response:
        if request.path.endswith("/target-kinds"):
            return Response(json.dumps(KINDS))
        requests.append(request.get_json()["target"])
        return Response(json.dumps(_scan(state="queued")), 202)

    terminal_for(respond).json("scan", "run", target, "--plugin", "a", "--no-wait")
    assert requests == [expected]


def test_kinds_of_target_are_listed(terminal: Terminal) -> None:
    lines = terminal.run("target", "kinds").stdout.splitlines()
    assert "image\tid\tA thermal image\t/api/v1/images/{value}" in lines


def test_options_are_sent_as_json_to_the_named_plugin(terminal_for: Callable[..., Terminal]) -> None:
    requests = []

    def respond(request: Request) -> Response:
        if request.method == "GET":
            return Response(json.dumps(KINDS))
        requests.append(request.get_json())
        return Response(json.dumps(_scan(state="queued")), 202)

    arguments = ("--plugin", "a", "--plugin", "b", "--option", "b.deep=[1, 2]", "--option", "a.word=plain")
    terminal_for(respond).json("scan", "run", "host:north.example", "--no-wait", *arguments)
    assert requests == [
        {
            "target": {"kind": "host", "value": "north.example"},
            "plugins": [{"id": "a", "options": {"word": "plain"}}, {"id": "b", "options": {"deep": [1, 2]}}],
        }
    ]


def test_a_failed_scan_is_listed_with_its_reason(terminal_for: Callable[..., Terminal]) -> None:
    def respond(request: Request) -> Response:
        state = "queued" if request.method == "POST" else "failed"
        return Response(json.dumps(_scan(state=state, reason="the camera melted")))

    result = terminal_for(respond).run("scan", "run", "img_1")
    assert result.exit_code == 1
    assert "the camera melted" in result.stdout
    assert "1 of 1 scans have not succeeded" in result.stderr


def test_the_summary_of_a_failed_scan_has_no_findings(terminal_for: Callable[..., Terminal]) -> None:
    step = {"plugin": "thermal_hotspots", "reason": "the camera melted"}
    failed = _scan(state="failed", reason="These plugins did not finish: thermal_hotspots.", steps=[step])

    result = terminal_for(lambda _: Response(json.dumps(failed))).run("scan", "run", "img_1")
    remarks = "These plugins did not finish: thermal_hotspots. thermal_hotspots: the camera melted"
    assert remarks in result.stdout
    assert result.stderr.startswith("1 scan failed.\n")


def test_the_summary_counts_failed_scans_separately(terminal_for: Callable[..., Terminal]) -> None:
    def respond(request: Request) -> Response:
        if request.method == "POST":
            name = request.get_json()["target"]["id"]
            return Response(json.dumps(_scan(id=f"scan_{name}", target={"kind": "image", "id": name})))
        states = {"scan_img_1": "failed", "scan_img_2": "succeeded", "scan_img_3": "failed"}
        items = [_scan(id=name, state=state) for name, state in states.items()]
        return Response(json.dumps({"items": items, "next_cursor": None}))

    result = terminal_for(respond).run("scan", "run", "img_1", "img_2", "img_3")
    summary, report, _ = result.stderr.splitlines()
    assert summary == "3 scans, findings: none; 2 scans failed."
    assert report.startswith("argus report create scan_img_2 ")


def _scan(**values: Any) -> dict[str, Any]:
    return {
        "id": "scan_1",
        "target": {"kind": "image", "id": "img_1"},
        "state": "queued",
        "progress": 0,
        "reason": "",
        "steps": [],
        "counts": {},
        "delta": {},
        "created_at": "2026-05-03T10:00:00Z",
        **values,
    }
