"""Shell completion."""

import pytest
from click.testing import CliRunner

from argus.cli.command import argus
from argus.cli.commands.completion import SHELLS
from tests.cli.conftest import Terminal


def _completed(*words: str, shell: str = "bash") -> list[str]:
    """What the shell offers for the last word: click is asked as its scripts ask."""
    environment = {
        "_ARGUS_COMPLETE": f"{shell}_complete",
        "COMP_WORDS": " ".join(words),
        "COMP_CWORD": words[-1] if shell == "fish" else str(len(words) - 1),
    }
    return CliRunner().invoke(argus, [], prog_name="argus", env=environment).stdout.splitlines()


@pytest.mark.parametrize("shell", SHELLS)
def test_the_script_asks_argus_itself(stranger_terminal: Terminal, shell: str) -> None:
    result = stranger_terminal.run("completion", shell)
    assert result.exit_code == 0
    assert f"_ARGUS_COMPLETE={shell}_complete" in result.stdout


def test_an_unknown_shell_is_wrong_usage(stranger_terminal: Terminal) -> None:
    assert stranger_terminal.run("completion", "tcsh").exit_code == 2


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (("argus", "ima"), ["plain,image"]),
        (("argus", "image", "up"), ["plain,upload"]),
        (("argus", "report", "create", "scan_1", "--format", "g"), ["plain,geojson"]),
        (("argus", "report", "create", "scan_1", "--out"), ["plain,--output"]),
        (("argus", "finding", "list", "--severity", "low,c"), ["plain,low,critical"]),
    ],
    ids=["group", "command", "value", "option", "one of several values"],
)
def test_bash_completes(words: tuple[str, ...], offered: list[str]) -> None:
    assert _completed(*words) == offered


def test_zsh_and_fish_complete() -> None:
    assert _completed("argus", "ima", shell="zsh")[:2] == ["plain", "image"]
    assert "image" in "".join(_completed("argus", "ima", shell="fish"))
