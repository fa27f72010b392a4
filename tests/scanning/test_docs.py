"""The pages of plugins match their manifests, and the commands of the guide work."""

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from argus.scanning import docs
from argus.scanning.catalogue import Catalogue, Manifest, Price

ROOT = Path(__file__).parents[2]
PAGES = ROOT / docs.FOLDER
GUIDE = PAGES / "README.md"
MANIFESTS = Catalogue.load().all()


@pytest.mark.parametrize("manifest", MANIFESTS, ids=lambda manifest: manifest.id)
def test_the_page_matches_the_manifest(manifest: Manifest) -> None:
    page = (PAGES / f"{manifest.id}.md").read_text(encoding="utf-8")
    assert page == docs.page(manifest), "run: python -m argus.scanning.docs"


def test_every_page_has_a_plugin_and_the_guide_lists_them_all() -> None:
    pages = {path.stem for path in PAGES.glob("*.md")} - {"README"}
    assert pages == {manifest.id for manifest in MANIFESTS}
    for manifest in MANIFESTS:
        assert f"- [{manifest.name}]({manifest.id}.md)" in GUIDE.read_text(encoding="utf-8")


def test_the_page_shows_options_of_every_type_and_the_cwe() -> None:
    manifest = MANIFESTS[0]
    word = {"type": "string", "enum": ["a|b"], "maxLength": 3, "default": "a|b", "description": "x|y"}
    name = {"type": "string", "minLength": 1, "maxLength": 9, "pattern": "^a", "default": "a", "description": "A name."}
    deep = {"type": "boolean", "default": True, "description": "How deep."}
    options = {"properties": {"word": word, "name": name, "deep": deep}}
    rules = {"rule": replace(next(iter(manifest.rules.values())), cwe=79)}
    priced = replace(manifest, options=options, rules=rules, permissions=(), price=Price(25, "EUR"))
    page = docs.page(priced)
    assert "| `word` | `a\\|b` | `a\\|b` | x\\|y |" in page
    assert "| `name` | `a` | string, 1 to 9 characters, matching `^a` | A name. |" in page
    assert "| `deep` | `true` | boolean | How deep. |" in page
    assert "[CWE-79](https://cwe.mitre.org/data/definitions/79.html)" in page
    assert "| price | 25 EUR minor units per run |" in page
    assert "| permissions | none |" in page
    assert "None." in docs.page(replace(manifest, options={"properties": {}}))


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the files that the commands of the guide use."""
    skip = shutil.ignore_patterns("__pycache__", "*.egg-info", "conftest.py")
    for part in ("src/argus", "docs/plugins", "tests/scanning"):
        shutil.copytree(ROOT / part, tmp_path / part, ignore=skip)
    shutil.copy(ROOT / "tests" / "__init__.py", tmp_path / "tests")
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def shell(script: str, folder: Path) -> subprocess.CompletedProcess[str]:
    environment = {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(folder / "src"),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    return subprocess.run(
        ["sh", "-e"], input=script, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


def test_the_commands_of_the_guide_create_a_plugin_that_passes_and_has_a_page(copy: Path) -> None:
    (snippet,) = re.findall(r"```sh\n(.+?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)
    result = shell(snippet, copy)
    assert result.returncode == 0, result.stdout + result.stderr
    assert re.search(r"\d{2} passed, \d+ deselected", result.stdout)
    assert "| id | `my_plugin` |" in (copy / "docs/plugins/my_plugin.md").read_text(encoding="utf-8")


def test_an_invalid_manifest_is_reported_in_one_line(copy: Path) -> None:
    path = copy / "src/argus/scanning/plugins/thermal_hotspots/manifest.json"
    wire = json.loads(path.read_text(encoding="utf-8"))
    wire["options"]["properties"]["delta_celsius"].pop("default")  # used by the page but not by Manifest.read
    path.write_text(json.dumps(wire), encoding="utf-8")
    result = shell("python -m argus.scanning.docs", copy)
    assert result.returncode == 1
    (line,) = result.stderr.splitlines()
    assert line.startswith(f"{path}: options.properties.delta_celsius must contain ['default']")


def test_fixtures_that_raise_fail_only_their_own_plugin(copy: Path) -> None:
    plugins = copy / "src/argus/scanning/plugins"
    shutil.copytree(plugins / "thermal_hotspots", plugins / "flat")
    with (plugins / "flat" / "fixtures.py").open("a", encoding="utf-8") as fixtures:
        fixtures.write("thermogram(np.full((20, 30), 10.0))\n")
    result = shell("python -m pytest -q tests/scanning/test_plugins.py -k 'has_a_case or expects'", copy)
    assert "every pixel has the same value" in result.stdout
    assert re.search(r"\b1 failed, \d{2} passed", result.stdout), result.stdout + result.stderr
