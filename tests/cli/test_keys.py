"""API keys from a shell, and a shell that has one."""

import os
import re
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest
from werkzeug.wrappers import Request, Response

from tests.cli.conftest import Terminal

README = Path(__file__).parents[2] / "README.md"


def _key(terminal: Terminal, *scopes: str) -> str:
    options = [part for scope in scopes for part in ("--scope", scope)]
    return terminal.run("--quiet", "key", "create", f"for CI {os.urandom(4).hex()}", *options).stdout.strip()


@pytest.fixture
def pipeline(terminal: Terminal, tmp_path: Path) -> Callable[..., Terminal]:
    """Makes another machine, where nobody is signed in and a new key is set."""

    def make(*scopes: str) -> Terminal:
        return Terminal(terminal.url, tmp_path / "pipeline", {"ARGUS_API_KEY": _key(terminal, *scopes)})

    return make


def test_a_key_is_shown_when_it_is_created_and_alone_when_quiet(terminal: Terminal) -> None:
    result = terminal.run("key", "create", "nightly", "--scope", "images:read", "--days", "7")
    assert result.exit_code == 0
    assert result.stdout.startswith("argus_")
    assert "It is not shown again." in result.stderr
    quiet = terminal.run("--quiet", "key", "create", "nightly", "--scope", "images:read")
    assert (len(quiet.stdout.split()), quiet.stderr) == (1, "")


def test_an_unknown_scope_is_refused_by_argus_which_lists_the_known_ones(terminal: Terminal) -> None:
    result = terminal.run("key", "create", "nightly", "--scope", "images:paint")
    assert result.exit_code == 4
    assert "images:read" in result.stderr


def test_keys_are_listed_and_revoked(terminal: Terminal, pipeline: Callable[..., Terminal]) -> None:
    made = terminal.json("key", "create", "nightly", "--scope", "plugins:read")
    program = Terminal(terminal.url, terminal.folder / "elsewhere", {"ARGUS_API_KEY": made["key"]})
    assert program.run("plugin", "list").exit_code == 0
    assert made["key"] not in terminal.run("key", "list").stdout
    (listed,) = [key for key in terminal.json("key", "list")["items"] if key["id"] == made["id"]]
    assert (listed["state"], listed["scopes"]) == ("active", ["plugins:read"])
    assert f"Revoked {made['id']}." in terminal.run("key", "revoke", made["id"]).stdout
    refused = program.run("plugin", "list")
    assert (refused.exit_code, "ARGUS_API_KEY is not accepted" in refused.stderr) == (3, True)
    assert made["key"] not in refused.output


def test_one_key_is_shown_without_its_text(terminal: Terminal) -> None:
    made = terminal.json("key", "create", "nightly", "--scope", "plugins:read")
    shown = terminal.run("key", "show", made["id"]).stdout
    assert f"key\t{made['id']}\nname\tnightly\nstate\tactive\nscopes\tplugins:read\n" in shown
    assert made["key"] not in shown


def test_a_key_itself_is_never_sent_in_place_of_its_id(terminal: Terminal) -> None:
    made = terminal.json("key", "create", "nightly", "--scope", "plugins:read")
    for verb in ("revoke", "show"):
        result = terminal.run("key", verb, made["key"])
        assert (result.exit_code, f"its id is {made['id']}" in result.stderr) == (2, True)
        assert made["key"] not in result.output


@pytest.mark.usefixtures("working")
def test_a_pipeline_with_a_key_uploads_scans_and_reads(
    pipeline: Callable[..., Terminal], frames: list[Path], tmp_path: Path
) -> None:
    resources = ("images", "scans", "reports")
    machine = pipeline(*(f"{name}:{verb}" for name in resources for verb in ("read", "write")), "profile:read")
    (item,) = machine.json("image", "upload", str(frames[0]), "--scan")["items"]
    assert item["scan"]["state"] == "succeeded"
    report = tmp_path / "report.json"
    assert machine.run("report", "create", item["scan"]["id"], "--format", "json", "-o", str(report)).exit_code == 0
    assert report.stat().st_size > 0
    assert machine.run("finding", "list").exit_code == machine.run("image", "list").exit_code == 0
    assert "\napi_key_id\tkey_" in machine.run("whoami").stdout
    assert not machine.profiles_file.exists()


@pytest.mark.usefixtures("working")
def test_the_key_of_the_readme_is_enough_to_upload_scan_and_wait(
    terminal: Terminal, frames: list[Path], tmp_path: Path
) -> None:
    (line,) = re.findall(r"^    argus (key create .*)$", README.read_text(), re.MULTILINE)
    key = terminal.run("--quiet", *shlex.split(line)).stdout.strip()
    program = Terminal(terminal.url, tmp_path / "program", {"ARGUS_API_KEY": key})
    (item,) = program.json("image", "upload", str(frames[0]), "--scan")["items"]
    assert item["scan"]["state"] == "succeeded"


def test_a_key_goes_before_the_session(terminal: Terminal, pipeline: Callable[..., Terminal]) -> None:
    key = pipeline("profile:read").environment["ARGUS_API_KEY"]
    assert "for CI" in terminal.run("whoami", ARGUS_API_KEY=key).stdout
    assert terminal.run("image", "list", ARGUS_API_KEY=key).exit_code == 4, "its scopes are its own"
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
    result = terminal.run("image", "list", **environment)
    assert result.exit_code == 3
    assert why in result.stderr


@pytest.mark.parametrize("arguments", [("--scope", "keys:write"), ("--scope", "images:read", "--tier", "high")])
def test_a_key_that_may_not_be_created_is_refused(terminal: Terminal, arguments: tuple[str, ...]) -> None:
    assert terminal.run("key", "create", "n", *arguments).exit_code == 4


def test_a_key_whose_text_was_lost_is_named(before: Callable[..., Terminal]) -> None:
    def answer(_: Request) -> Response:
        body = b'{"id": "key_1", "key": null, "expires_at": "2027-01-01T00:00:00.000Z"}'
        return Response(body, 201, {"Idempotent-Replayed": "true"}, content_type="application/json")

    result = before(answer).run("key", "create", "n", "--scope", "images:read")
    assert result.exit_code == 1
    assert "key_1 was created, but its text was lost" in result.stderr
