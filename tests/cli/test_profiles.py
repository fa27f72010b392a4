"""Profiles: several servers and sessions, selected by name."""

import json
import stat
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from werkzeug.wrappers import Request, Response

from argus.cli.profiles import DEFAULT_PROFILE, Profile, Profiles, Session
from argus.cli.sessions import Sessions
from tests.cli.conftest import PASSWORD, USER, Terminal

SESSION = {
    "user": "u",
    "access_token": "a",
    "refresh_token": "r",
    "expires_at": 4e9,
    "client_id": "c",
    "endpoint": "http://127.0.0.1:1",
}


@pytest.fixture
def staging(signed_out_terminal: Terminal) -> Terminal:
    """A terminal with a session in the profile `staging`, without ARGUS_URL."""
    signed_in = signed_out_terminal.run("login", "--profile", "staging", *_as_user(), stdin=PASSWORD)
    assert signed_in.exit_code == 0, signed_in.output
    return replace(signed_out_terminal, environment={"ARGUS_URL": ""})


def _as_user() -> tuple[str, ...]:
    return ("--user", USER, "--password-stdin")


@pytest.mark.parametrize(
    ("arguments", "environment"),
    [
        (("--profile", "staging", "image", "list"), {}),
        (("image", "list", "--profile", "staging"), {}),
        (("image", "list"), {"ARGUS_PROFILE": "staging"}),
    ],
    ids=["before", "after", "environment"],
)
def test_a_profile_stores_its_url_and_session(
    staging: Terminal, arguments: tuple[str, ...], environment: dict[str, str]
) -> None:
    assert staging.run(*arguments, **environment).exit_code == 0


def test_without_a_name_the_default_profile_is_used(terminal: Terminal) -> None:
    assert terminal.run("image", "list", ARGUS_URL="").exit_code == 0
    assert f"profile\t{DEFAULT_PROFILE}\n" in terminal.run("whoami").stdout


def test_an_explicit_url_overrides_the_profile_and_gets_no_session(
    staging: Terminal, terminal_for: Callable[..., Terminal]
) -> None:
    requests: list[Request] = []

    def respond(request: Request) -> Response:
        requests.append(request)
        return Response(status=500)

    other = terminal_for(respond).url
    for arguments, environment in ((("--url", other), {}), ((), {"ARGUS_URL": other})):
        result = staging.run("--profile", "staging", *arguments, "image", "list", **environment)
        assert result.exit_code == 3
        assert f"The profile staging has no session at {other}." in result.stderr
    assert requests == []


def test_an_option_overrides_the_environment(staging: Terminal) -> None:
    assert staging.run("--profile", "staging", "whoami", ARGUS_PROFILE="nowhere").exit_code == 0


@pytest.mark.parametrize("command", [("image", "list"), ("login", *_as_user())], ids=["list", "login"])
def test_a_profile_that_does_not_exist_needs_a_url(staging: Terminal, command: tuple[str, ...]) -> None:
    result = staging.run("--profile", "production", *command, stdin=PASSWORD)
    assert result.exit_code == 3
    assert "Create it with `argus login --profile production --url URL`." in result.stderr


@pytest.mark.parametrize("name", ["../escape", "two words", "-x", "x" * 65])
def test_an_invalid_name_is_a_usage_error(signed_out_terminal: Terminal, name: str) -> None:
    assert signed_out_terminal.run("profile", "list", f"--profile={name}").exit_code == 2


def test_profiles_are_listed_and_deleted(staging: Terminal) -> None:
    url = Profiles(staging.profiles_file).all()["staging"].url
    Profiles(staging.profiles_file).put("empty", Profile("https://argus.example"))
    listed = staging.run("profile", "list", "--profile", "staging").stdout
    assert listed == f"empty\thttps://argus.example\t\tfalse\nstaging\t{url}\t{USER}\ttrue\n"
    deleted = staging.run("profile", "delete", "staging")
    assert (deleted.exit_code, deleted.stdout, deleted.stderr) == (0, "Deleted staging.\n", "")
    assert staging.json("profile", "list")["items"] == [
        {"name": "empty", "url": "https://argus.example", "user": None, "active": False}
    ]
    assert staging.run("profile", "delete", "staging").exit_code == 3


def test_profile_list_prints_no_tokens(staging: Terminal) -> None:
    session = json.loads(staging.profiles_file.read_text())["staging"]["session"]
    shown = staging.run("--json", "profile", "list").output
    assert not [secret for secret in (session["access_token"], session["refresh_token"]) if secret in shown]


def test_deleting_a_profile_revokes_its_refresh_token(
    signed_out_terminal: Terminal, terminal_for: Callable[..., Terminal]
) -> None:
    revoked: list[Any] = []

    def respond(request: Request) -> Response:
        revoked.append((request.headers["X-Amz-Target"].rpartition(".")[2], request.get_json(force=True)["Token"]))
        return Response("{}")

    session = Session(**{**SESSION, "endpoint": terminal_for(respond).url})
    Profiles(signed_out_terminal.profiles_file).put("old", Profile("https://gone.example", session))
    assert signed_out_terminal.json("profile", "delete", "old") == {"name": "old", "deleted": True, "revoked": True}
    assert revoked == [("RevokeToken", "r")]


def test_logout_of_one_profile_keeps_other_sessions(staging: Terminal) -> None:
    Profiles(staging.profiles_file).put("other", Profile("https://elsewhere.example", Session(**SESSION)))
    assert staging.run("logout", "--profile", "staging").exit_code == 0
    profiles = Profiles(staging.profiles_file).all()
    assert (profiles["staging"].session, profiles["other"].session) == (None, Session(**SESSION))
    assert staging.run("--profile", "staging", "whoami").exit_code == 3


def test_a_renewal_does_not_restore_a_changed_profile(tmp_path: Path) -> None:
    profiles = Profiles(tmp_path / "profiles.json")
    sessions = Sessions(profiles.path, "staging")
    sessions.renew("https://old.example", Session(**SESSION))
    assert profiles.all() == {}
    profiles.put("staging", Profile("https://new.example", Session(**SESSION)))
    sessions.renew("https://old.example", Session(**{**SESSION, "user": "someone"}))
    assert profiles.all() == {"staging": Profile("https://new.example", Session(**SESSION))}


def test_only_the_owner_can_read_the_file_after_each_change(staging: Terminal) -> None:
    staging.run("logout", "--profile", "staging")
    assert stat.S_IMODE(staging.profiles_file.stat().st_mode) == 0o600
    staging.run("profile", "delete", "staging")
    assert stat.S_IMODE(staging.profiles_file.stat().st_mode) == 0o600
    assert stat.S_IMODE(staging.folder.stat().st_mode) == 0o700
    assert [path.name for path in staging.folder.iterdir()] == ["profiles.json"]


@pytest.mark.parametrize("command", [("whoami",), ("profile", "list"), ("login", *_as_user())], ids=" ".join)
@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        "\xff",
        "[" * 100_000,
        '{"default": 1}',
        '{"default": {"url": "https://argus.example"}}',
        '{"default": {"url": 1, "session": null}}',
        '{"default": {"url": "https://argus.example", "session": {"user": "u"}}}',
        json.dumps({"default": {"url": "https://argus.example", "session": {**SESSION, "expires_at": "soon"}}}),
    ],
    ids=["truncated", "list", "no UTF-8", "deep", "no object", "no session", "no URL", "fields missing", "wrong type"],
)
def test_a_damaged_file_is_reported_and_kept(
    signed_out_terminal: Terminal, command: tuple[str, ...], text: str
) -> None:
    signed_out_terminal.folder.mkdir()
    signed_out_terminal.profiles_file.write_text(text, encoding="latin-1")
    result = signed_out_terminal.run(*command, ARGUS_URL="", stdin=PASSWORD)
    assert result.exit_code == 3
    assert f"{signed_out_terminal.profiles_file} cannot be read" in result.stderr
    assert signed_out_terminal.profiles_file.read_text(encoding="latin-1") == text
