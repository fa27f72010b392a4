"""The command line as a whole: commands, help, imports."""

import os
import re
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from argus.cli import commands
from argus.cli.command import argus, command_line
from argus.cli.invocation import Command, Group
from tests.cli.conftest import Terminal


def _commands(group: click.Group, name: str) -> list[tuple[str, click.Command]]:
    found: list[tuple[str, click.Command]] = []
    for child in group.commands.values():
        path = f"{name} {child.name}"
        found += [(path, child), *(_commands(child, path) if isinstance(child, click.Group) else [])]
    return found


ALL = dict(_commands(argus, "argus"))


def test_a_module_added_to_the_package_is_discovered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = """
import click
from argus.cli.invocation import Group

@click.group(cls=Group)
def survey():
    "List surveys."

COMMANDS = (survey,)
"""
    (tmp_path / "surveys.py").write_text(source)
    monkeypatch.setattr(commands, "__path__", [*commands.__path__, str(tmp_path)])
    try:
        shown = CliRunner().invoke(command_line(), ["--help"]).stdout
    finally:
        sys.modules.pop("argus.cli.commands.surveys", None)
    assert re.search(r"^  survey +List surveys\.$", shown, re.MULTILINE)
    assert "\n  image " in shown


def test_help_lists_every_exit_code_and_command(signed_out_terminal: Terminal) -> None:
    result = signed_out_terminal.run("--help")
    for code in ("0  ", "1  ", "2  ", "3  ", "4  ", "5  ", "130"):
        assert f"\n    {code}" in result.stdout
    for name in argus.commands:
        assert f"\n  {name}" in result.stdout


def test_commands_are_a_noun_and_a_verb() -> None:
    expected = {
        "image": {"delete", "list", "show", "temperature", "upload"},
        "scan": {"cancel", "list", "run", "show", "wait"},
        "finding": {"count", "list"},
        "plugin": {"list", "show"},
        "report": {"create", "download", "list", "show"},
        "key": {"create", "list", "revoke", "show"},
        "profile": {"delete", "list"},
    }
    groups = {name: group for name, group in argus.commands.items() if isinstance(group, click.Group)}
    assert {name: set(groups[name].commands) for name in expected} == expected


@pytest.mark.parametrize("path", ALL)
def test_every_command_has_help_and_global_options(path: str) -> None:
    command = ALL[path]
    assert isinstance(command, Command | Group)
    assert (command.help or "").partition("\n")[0].endswith(".")
    options = {option for parameter in command.params for option in parameter.opts}
    assert {"--url", "--profile", "--json", "--query", "--quiet", "--timeout"} <= options


def test_version_is_the_version_of_the_package(signed_out_terminal: Terminal) -> None:
    assert version("argus") in signed_out_terminal.run("--version").stdout


def test_help_loads_no_httpx_no_rich_and_no_capability() -> None:
    script = "import sys, argus.cli.command; print(*sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    own = {name for name in loaded if name.startswith("argus.") and not name.startswith("argus.cli")}
    assert own == {"argus.core", "argus.core.errors", "argus.core.languages", "argus.core.text"}
    assert not loaded & {"httpx", "rich", "jmespath", "websockets", "flask", "boto3", "numpy"}


@pytest.mark.parametrize(
    "arguments",
    [
        ("key", "create", "\udcff", "--scope", "images:read"),
        ("image", "show", "\udcff"),
        ("finding", "list", "--text", "\udcff"),
    ],
)
def test_an_argument_that_is_not_utf_8_is_named(terminal: Terminal, arguments: tuple[str, ...]) -> None:
    """Python decodes other bytes of the command line as lone surrogates."""
    result = terminal.run(*arguments)
    assert (result.exit_code, result.exception.__class__) == (2, SystemExit)
    assert "is not valid UTF-8." in result.stderr


def test_an_output_encoding_that_lacks_a_character_is_named(terminal: Terminal) -> None:
    assert terminal.run("key", "create", "\N{SNOWMAN}", "--scope", "images:read").exit_code == 0
    environment = {"ARGUS_URL": terminal.url, "ARGUS_CONFIG_DIR": str(terminal.folder), "PYTHONIOENCODING": "latin-1"}
    command = [sys.executable, "-c", "from argus.cli import main; main()"]
    done = subprocess.run(
        [*command, "key", "list"],
        env={**os.environ, **terminal.environment, **environment},
        capture_output=True,
        check=False,
    )
    assert done.returncode == 3
    assert b"PYTHONIOENCODING=utf-8" in done.stderr
