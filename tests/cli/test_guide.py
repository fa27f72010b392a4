"""docs/cli.md is correct: its commands run, and its tables are complete."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import click
import pytest

from argus.cli.command import argus
from infra.embedded.aws import EmbeddedAws, StackOutputs
from tests.cli.conftest import PASSWORD
from tests.cli.test_tables import TABLES

GUIDE = (Path(__file__).parents[2] / "docs" / "cli.md").read_text(encoding="utf-8")
OWNER, READER = "owner@north.example", "reader@guide.example"  # the pool is shared with tests that create the owner


@pytest.fixture
def folder(tmp_path: Path, frames: list[Path], aws: EmbeddedAws, outputs: StackOutputs) -> Path:
    """The working folder of the guide: an account, a password file and a survey."""
    reader = {"UserPoolId": outputs.user_pool_id, "Username": READER}
    aws.client("cognito-idp").admin_create_user(**reader, MessageAction="SUPPRESS")
    aws.client("cognito-idp").admin_set_user_password(**reader, Password=PASSWORD, Permanent=True)
    (tmp_path / "password.txt").write_text(PASSWORD)
    (tmp_path / "survey").mkdir()
    for path in frames:
        shutil.copy(path, tmp_path / "survey")
    return tmp_path


def test_every_line_of_the_guide_runs(url: str, running_workers: None, folder: Path) -> None:
    lines = re.findall(r"^\$ (.*)$", "".join(re.findall(r"```console\n(.*?)```", GUIDE, re.DOTALL)), re.MULTILINE)
    lines = [line.replace(OWNER, READER) for line in lines]
    assert len(lines) > 20
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("ARGUS_")}
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    process = subprocess.run(
        ["bash", "-e", "-o", "pipefail", "-x", "-c", "\n".join(lines)],
        env={**inherited, "PATH": path, "SERVER": url, "ARGUS_CONFIG_DIR": str(folder / "config")},
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert process.returncode == 0, process.stderr
    assert (folder / "report.pdf").read_bytes()[:5] == b"%PDF-"
    assert (folder / "again.pdf").stat().st_size > 0


def test_the_guide_lists_every_command() -> None:
    rows = dict(re.findall(r"^\| `argus (\w+)` \| (.*) \|$", GUIDE, re.MULTILINE))
    for name, command in argus.commands.items():
        if isinstance(command, click.Group):
            assert set(re.findall(r"`(\w+)`", rows[name])) == set(command.commands)
        else:
            assert f"`argus {name}`" in GUIDE


def test_the_guide_lists_the_columns_of_every_list() -> None:
    for table in TABLES.values():
        assert f"| {', '.join(column.name for column in table.columns)} |" in GUIDE


def test_the_guide_lists_every_exit_code_and_environment_variable_of_the_help() -> None:
    codes = re.findall(r"^  (\d+) +\w", argus.epilog or "", re.MULTILINE)
    variables = re.findall(r"^  ([A-Z_]+) ", argus.epilog or "", re.MULTILINE)
    assert (len(codes), len(variables)) == (7, 6)
    for name in codes:
        assert f"\n| {name} | " in GUIDE
    for name in variables:
        assert f"\n| `{name}` | " in GUIDE
