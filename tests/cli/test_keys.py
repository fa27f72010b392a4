"""Commands for API keys, and commands that use one."""

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
    """Creates a terminal without a session, with a new API key."""

    def create(*scopes: str) -> Terminal:
        return Terminal(terminal.url, tmp_path / "pipeline", {"ARGUS_API_KEY": _key(terminal, *scopes)})

    return create


def test_a_new_key_is_printed_and_quiet_prints_only_the_key(terminal: Terminal) -> None:
    result = terminal.run("key", "create", "nightly", "--scope", "images:read", "--days", "7")
    assert result.exit_code == 0
    assert result.stdout.startswith("argus_")
    assert "The key itself is not shown again." in result.stderr
    quiet = terminal.run("--quiet", "key", "create", "nightly", "--scope", "images:read")
    assert (len(quiet.stdout.split()), quiet.stderr) == (1, "")


def test_an_unknown_scope_is_rejected_with_the_valid_scopes(terminal: Terminal) -> None:
    result = terminal.run("key", "create", "nightly", "--scope", "images:paint")
    assert result.exit_code == 4
    assert "images:read" in result.stderr


def test_keys_are_listed_and_revoked(terminal: Terminal, pipeline: Callable[..., Terminal]) -> None:
    created = terminal.json("key", "create", "nightly", "--scope", "plugins:read")
    program = Terminal(terminal.url, terminal.folder / "elsewhere", {"ARGUS_API_KEY": created["key"]})
    assert program.run("plugin", "list").exit_code == 0
    assert created["key"] not in terminal.run("key", "list").stdout
    (listed,) = [key for key in terminal.json("key", "list")["items"] if key["id"] == created["id"]]
    assert (listed["state"], listed["scopes"]) == ("active", ["plugins:read"])
    assert f"Revoked {created['id']}." in terminal.run("key", "revoke", created["id"]).stdout
    rejected = program.run("plugin", "list")
    assert (rejected.exit_code, "ARGUS_API_KEY is not accepted" in rejected.stderr) == (3, True)
    assert created["key"] not in rejected.output


def test_show_does_not_print_the_key_itself(terminal: Terminal) -> None:
    created = terminal.json("key", "create", "nightly", "--scope", "plugins:read")
    shown = terminal.run("key", "show", created["id"]).stdout
    assert f"key\t{created['id']}\nname\tnightly\nstate\tactive\nscopes\tplugins:read\n" in shown
    assert created["key"] not in shown


def test_a_key_is_never_sent_instead_of_its_id(terminal: Terminal) -> None:
    created = terminal.json("key", "create", "nightly", "--scope", "plugins:read")
    for verb in ("revoke", "show"):
        result = terminal.run("key", verb, created["key"])
        assert (result.exit_code, f"Its id is {created['id']}" in result.stderr) == (2, True)
        assert created["key"] not in result.output


@pytest.mark.usefixtures("running_workers")
def test_a_key_can_upload_scan_and_read(pipeline: Callable[..., Terminal], frames: list[Path], tmp_path: Path) -> None:
    resources = ("images", "scans", "reports")
    client = pipeline(*(f"{name}:{verb}" for name in resources for verb in ("read", "write")), "profile:read")
    (item,) = client.json("image", "upload", str(frames[0]), "--scan")["items"]
    assert item["scan"]["state"] == "succeeded"
    report = tmp_path / "report.json"
    assert client.run("report", "create", item["scan"]["id"], "--format", "json", "-o", str(report)).exit_code == 0
    assert report.stat().st_size > 0
    assert client.run("finding", "list").exit_code == client.run("image", "list").exit_code == 0
    assert "\napi_key_id\tkey_" in client.run("whoami").stdout
    assert not client.profiles_file.exists()


@pytest.mark.usefixtures("running_workers")
def test_the_key_in_the_readme_can_upload_scan_and_wait(terminal: Terminal, frames: list[Path], tmp_path: Path) -> None:
    (line,) = re.findall(r"^    argus (key create .*)$", README.read_text(), re.MULTILINE)
    key = terminal.run("--quiet", *shlex.split(line)).stdout.strip()
    program = Terminal(terminal.url, tmp_path / "program", {"ARGUS_API_KEY": key})
    (item,) = program.json("image", "upload", str(frames[0]), "--scan")["items"]
    assert item["scan"]["state"] == "succeeded"


def test_a_key_overrides_the_session(terminal: Terminal, pipeline: Callable[..., Terminal]) -> None:
    key = pipeline("profile:read").environment["ARGUS_API_KEY"]
    assert "for CI" in terminal.run("whoami", ARGUS_API_KEY=key).stdout
    assert terminal.run("image", "list", ARGUS_API_KEY=key).exit_code == 4, "the key has its own scopes"
    assert terminal.run("token", ARGUS_API_KEY=key).exit_code == 2


@pytest.mark.parametrize(
    ("environment", "reason"),
    [
        ({"ARGUS_API_KEY": "k", "ARGUS_TOKEN": "t"}, "are both set"),
        ({"ARGUS_API_KEY": "kéy"}, "contains invalid characters"),
        ({"ARGUS_API_KEY": "k\r\nX-Evil: 1"}, "contains invalid characters"),
    ],
    ids=["with a token", "not ASCII", "header injection"],
)
def test_an_invalid_key_is_not_sent(terminal: Terminal, environment: dict[str, str], reason: str) -> None:
    result = terminal.run("image", "list", **environment)
    assert result.exit_code == 3
    assert reason in result.stderr


@pytest.mark.parametrize("arguments", [("--scope", "keys:write"), ("--scope", "images:read", "--tier", "high")])
def test_a_forbidden_key_is_rejected(terminal: Terminal, arguments: tuple[str, ...]) -> None:
    assert terminal.run("key", "create", "n", *arguments).exit_code == 4


def test_a_created_key_that_was_lost_is_reported(terminal_for: Callable[..., Terminal]) -> None:
    def respond(_: Request) -> Response:
        body = b'{"id": "key_1", "key": null, "expires_at": "2027-01-01T00:00:00.000Z"}'
        return Response(body, 201, {"Idempotent-Replayed": "true"}, content_type="application/json")

    result = terminal_for(respond).run("key", "create", "n", "--scope", "images:read")
    assert result.exit_code == 1
    assert "key_1 was created, but the response with the key was lost." in result.stderr
