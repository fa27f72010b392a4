"""Shell completion."""

import pytest
from click.testing import CliRunner

from argus.cli.command import argus
from argus.cli.commands.completion import SHELLS
from tests.cli.conftest import Terminal


def _completed(*words: str, shell: str = "bash") -> list[str]:
    """The completions of the last word, requested as click's shell scripts request them."""
    environment = {
        "_ARGUS_COMPLETE": f"{shell}_complete",
        "COMP_WORDS": " ".join(words),
        "COMP_CWORD": words[-1] if shell == "fish" else str(len(words) - 1),
    }
    return CliRunner().invoke(argus, [], prog_name="argus", env=environment).stdout.splitlines()


@pytest.mark.parametrize("shell", SHELLS)
def test_script_calls_argus(signed_out_terminal: Terminal, shell: str) -> None:
    result = signed_out_terminal.run("completion", shell)
    assert result.exit_code == 0
    assert f"_ARGUS_COMPLETE={shell}_complete" in result.stdout


def test_unknown_shell_is_a_usage_error(signed_out_terminal: Terminal) -> None:
    assert signed_out_terminal.run("completion", "tcsh").exit_code == 2


@pytest.mark.parametrize(
    ("words", "completions"),
    [
        (("argus", "ima"), ["plain,image"]),
        (("argus", "image", "up"), ["plain,upload"]),
        (("argus", "report", "create", "scan_1", "--format", "g"), ["plain,geojson"]),
        (("argus", "report", "create", "scan_1", "--out"), ["plain,--output"]),
        (("argus", "finding", "list", "--severity", "low,c"), ["plain,low,critical"]),
    ],
    ids=["group", "command", "value", "option", "one of several values"],
)
def test_bash_completes(words: tuple[str, ...], completions: list[str]) -> None:
    assert _completed(*words) == completions


def test_zsh_and_fish_complete() -> None:
    assert _completed("argus", "ima", shell="zsh")[:2] == ["plain", "image"]
    assert "image" in "".join(_completed("argus", "ima", shell="fish"))
