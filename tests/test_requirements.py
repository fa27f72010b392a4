"""The compiled requirements agree with one another and with pyproject.toml."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
EXTRAS = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
SUBSETS = {
    "requirements-run.txt": {"api", "worker", "cli", "local"},
    "requirements-api.txt": {"api", "aws", "zappa"},
    "requirements-worker.txt": {"worker", "aws"},
}


def pins(name: str) -> dict[str, str]:
    """The versions that a file pins, by package."""
    return dict(re.findall(r"^([\w.-]+)==(\S+)", (ROOT / name).read_text(), re.MULTILINE))


def direct(extras: set[str]) -> set[str]:
    """The packages that pyproject.toml names in these extras."""
    return {re.split(r"[\[<>=]", entry)[0] for extra in extras for entry in EXTRAS[extra]}


@pytest.mark.parametrize("name", SUBSETS)
def test_a_subset_has_the_versions_of_all_requirements(name: str) -> None:
    everything, subset = pins("requirements.txt"), pins(name)
    assert subset.items() <= everything.items()
    assert direct(SUBSETS[name]) <= set(subset)


def test_all_requirements_contain_every_extra() -> None:
    assert direct(set(EXTRAS)) <= set(pins("requirements.txt"))


def test_a_package_of_a_subset_is_required_by_it() -> None:
    """No line is left over from an extra that moved: nothing in `make run` is only for tests or deployments."""
    others = direct(set(EXTRAS)) - direct(SUBSETS["requirements-run.txt"])
    text = (ROOT / "requirements-run.txt").read_text()
    leftover = {line.partition("==")[0] for line in text.splitlines() if "argus (pyproject.toml)" in line} & others
    assert leftover == set()


def test_what_is_installed_has_its_requirements() -> None:
    """`services/local/install.py` lets pip install without resolving."""
    checked = subprocess.run([sys.executable, "-m", "pip", "check"], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout
