"""API keys from a shell, and a shell that has one."""

import os
import re
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest
from werkzeug.wrappers import Request, Response

from argus.identity.model import KEY_SCOPES, SCOPES
from tests.cli.conftest import Terminal

README = Path(__file__).parents[2] / "README.md"


def _key(terminal: Terminal, *scopes: str) -> str:
    options = [part for scope in scopes for part in ("--scope", scope)]
    return terminal.run("--quiet", "keys", "create", f"for CI {os.urandom(4).hex()}", *options).stdout.strip()


@pytest.fixture
def pipeline(terminal: Terminal, tmp_path: Path) -> Callable[..., Terminal]:
    """Makes another machine, where nobody is signed in and a new key is set."""

    def make(*scopes: str) -> Terminal:
        return Terminal(terminal.url, tmp_path / "pipeline", {"ARGUS_API_KEY": _key(terminal, *scopes)})

    return make


def test_a_key_is_shown_when_it_is_made_and_alone_when_quiet(terminal: Terminal) -> None:
    told = terminal.run("keys", "create", "nightly", "--scope", "images:read", "--days", "7")
    assert told.exit_code == 0
    assert told.stdout.startswith("argus_")
    assert "It is not shown again." in told.stderr
    quiet = terminal.run("--quiet", "keys", "create", "nightly", "--scope", "images:read")
    assert (len(quiet.stdout.split()), quiet.stderr) == (1, "")


def test_help_names_every_scope_that_a_key_can_have(terminal: Terminal) -> None:
    named = re.findall(r"[a-z]+:(?:read|write)", terminal.run("keys", "create", "--help").stdout)
    assert set(named) == frozenset().union(*SCOPES.values()) - KEY_SCOPES


def test_keys_are_listed_and_revoked(terminal: Terminal, pipeline: Callable[..., Terminal]) -> None:
    made = terminal.json("keys", "create", "nightly", "--scope", "plugins:read")
    program = Terminal(terminal.url, terminal.folder / "elsewhere", {"ARGUS_API_KEY": made["key"]})
    assert program.run("plugins").exit_code == 0
    assert made["key"] not in terminal.run("keys", "list").stdout
    (listed,) = [key for key in terminal.json("keys", "list")["items"] if key["id"] == made["id"]]
    assert (listed["state"], listed["scopes"]) == ("active", ["plugins:read"])
    assert f"Revoked {made['id']}." in terminal.run("keys", "revoke", made["id"]).stdout
    refused = program.run("plugins")
    assert (refused.exit_code, "ARGUS_API_KEY is not accepted" in refused.stderr) == (3, True)
    assert made["key"] not in refused.output


def test_a_key_itself_is_never_sent_where_its_id_belongs(terminal: Terminal) -> None:
    made = terminal.json("keys", "create", "nightly", "--scope", "plugins:read")
    result = terminal.run("keys", "revoke", made["key"])
    assert (result.exit_code, f"its id is {made['id']}" in result.stderr) == (2, True)
    assert made["key"] not in result.output


@pytest.mark.usefixtures("working")
def test_a_pipeline_with_a_key_uploads_scans_and_reads(
    pipeline: Callable[..., Terminal], frames: list[Path], tmp_path: Path
) -> None:
    resources = ("images", "scans", "reports")
    machine = pipeline(*(f"{name}:{verb}" for name in resources for verb in ("read", "write")), "profile:read")
    (item,) = machine.json("upload", str(frames[0]), "--scan")["items"]
    assert item["scan"]["state"] == "succeeded"
    report = tmp_path / "report.json"
    assert machine.run("report", item["scan"]["id"], "--format", "json", "-o", str(report)).exit_code == 0
    assert report.stat().st_size > 0
    assert machine.run("findings").exit_code == machine.run("images").exit_code == 0
    assert "API key" in machine.run("whoami").stdout
    assert not machine.session_file.exists()


@pytest.mark.usefixtures("working")
def test_the_key_of_the_readme_is_enough_to_upload_scan_and_wait(
    terminal: Terminal, frames: list[Path], tmp_path: Path
) -> None:
    (line,) = re.findall(r"^    argus (keys create .*)$", README.read_text(), re.MULTILINE)
    key = terminal.run("--quiet", *shlex.split(line)).stdout.strip()
    program = Terminal(terminal.url, tmp_path / "program", {"ARGUS_API_KEY": key})
    (item,) = program.json("upload", str(frames[0]), "--scan")["items"]
    assert item["scan"]["state"] == "succeeded"


def test_a_key_goes_before_the_session(terminal: Terminal, pipeline: Callable[..., Terminal]) -> None:
    key = pipeline("profile:read").environment["ARGUS_API_KEY"]
    assert "for CI" in terminal.run("whoami", ARGUS_API_KEY=key).stdout
    assert terminal.run("images", ARGUS_API_KEY=key).exit_code == 4, "its scopes are its own"
    assert terminal.run("token", ARGUS_API_KEY=key).exit_code == 2


@pytest.mark.parametrize(
    ("environment", "why"),
    [
        ({"ARGUS_API_KEY": "k", "ARGUS_TOKEN": "t"}, "both set"),
        ({"ARGUS_API_KEY": "kéy"}, "no key has"),
        ({"ARGUS_API_KEY": "k\r\nX-Evil: 1"}, "no key has"),
    ],
    ids=["a token too", "not ASCII", "a header more"],
)
def test_a_key_that_cannot_be_sent_is_not_sent(terminal: Terminal, environment: dict[str, str], why: str) -> None:
    result = terminal.run("images", **environment)
    assert result.exit_code == 3
    assert why in result.stderr


@pytest.mark.parametrize("arguments", [("--scope", "keys:write"), ("--scope", "images:read", "--tier", "high")])
def test_a_key_that_may_not_be_made_is_refused(terminal: Terminal, arguments: tuple[str, ...]) -> None:
    assert terminal.run("keys", "create", "n", *arguments).exit_code == 4


def test_a_key_whose_text_was_lost_on_the_way_is_named(before: Callable[..., Terminal]) -> None:
    def answer(_: Request) -> Response:
        body = b'{"id": "key_1", "key": null, "expires_at": "2027-01-01T00:00:00.000Z"}'
        return Response(body, 201, {"Idempotent-Replayed": "true"}, content_type="application/json")

    result = before(answer).run("keys", "create", "n", "--scope", "images:read")
    assert result.exit_code == 1
    assert "key_1 was made, but its text was lost" in result.stderr
