"""Commands for reports: create, list, download."""

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from werkzeug.wrappers import Request, Response

from tests.cli.conftest import Terminal


def test_create_waits_for_the_report_and_saves_it(terminal: Terminal, leaking_image: str, tmp_path: Path) -> None:
    (scan,) = terminal.json("scan", "run", leaking_image, "--no-wait")["items"]
    unwritable = terminal.run(
        "report", "create", scan["id"], "--format", "csv", "--output", str(tmp_path / "none" / "report.csv")
    )
    assert (unwritable.exit_code, "No such file" in unwritable.stderr) == (3, True)
    output = tmp_path / "report.csv"
    result = terminal.run("report", "create", scan["id"], "--format", "csv", "--output", str(output))
    assert result.exit_code == 0, result.output
    assert len(list(csv.reader(io.StringIO(output.read_text())))) == 2
    assert "\nurl\thttp://127.0.0.1" in result.stdout
    assert [path.name for path in output.parent.glob("*report*")] == ["report.csv"]


def test_output_to_standard_output_prints_only_the_report(terminal: Terminal, leaking_image: str) -> None:
    (scan,) = terminal.json("scan", "run", leaking_image)["items"]
    result = terminal.run("report", "create", scan["id"], "--format", "geojson", "--output", "-")
    assert json.loads(result.stdout)["type"] == "FeatureCollection"
    assert terminal.run("--json", "report", "create", scan["id"], "--output", "-").exit_code == 2


def test_a_report_is_listed_shown_and_downloaded(
    terminal: Terminal, leaking_image: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (scan,) = terminal.json("scan", "run", leaking_image)["items"]
    created = terminal.json("report", "create", scan["id"], "--format", "csv")
    assert f"{created['id']}\t{scan['id']}\tcsv\tready\t" in terminal.run("report", "list").stdout
    assert terminal.json("report", "show", created["id"])["size_bytes"] == created["size_bytes"]
    result = terminal.run("report", "download", created["id"])
    assert (result.exit_code, result.stderr) == (0, f"Saved {created['id']}.csv ({created['size_bytes']} B).\n")
    assert (tmp_path / f"{created['id']}.csv").stat().st_size == created["size_bytes"]
    again = terminal.run("report", "download", created["id"], "--output", "-")
    assert again.stdout_bytes == (tmp_path / f"{created['id']}.csv").read_bytes()


def test_a_report_is_requested_without_waiting(terminal: Terminal, leaking_image: str) -> None:
    (scan,) = terminal.json("scan", "run", leaking_image)["items"]
    created = terminal.json("report", "create", scan["id"], "--no-wait")
    assert created["state"] == "queued"
    assert terminal.run("report", "create", scan["id"], "--no-wait", "--output", "a.pdf").exit_code == 2


@pytest.mark.parametrize("state", ["queued", "failed"])
def test_only_ready_reports_are_downloaded(terminal_for: Callable[..., Terminal], state: str, tmp_path: Path) -> None:
    report = {"id": "rep_1", "format": "pdf", "state": state, "link": None}
    result = terminal_for(lambda _: Response(json.dumps(report))).run("report", "download", "rep_1")
    assert (
        result.exit_code,
        f"The state of the report rep_1 is {state}. Only ready reports can be downloaded." in result.stderr,
    ) == (1, True)


def test_the_name_of_a_downloaded_file_is_never_a_path(
    terminal_for: Callable[..., Terminal], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    def respond(request: Request) -> Response:
        link = {"url": f"{request.host_url}media", "expires_at": "2026-05-03T11:00:00Z"}
        names = ("scan_id", "reason", "created_at", "finished_at")
        report = {"id": "../../rep", "format": "/x", "state": "ready", "size_bytes": 1, "link": link}
        return Response(json.dumps({**report, **dict.fromkeys(names)}))

    assert terminal_for(respond).run("report", "download", "rep_1").exit_code == 0
    assert [path.name for path in tmp_path.iterdir()] == ["_.._rep._x"]
