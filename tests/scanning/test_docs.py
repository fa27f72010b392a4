"""The plugins' pages are what their manifests say, and the guide's commands do what it says."""

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
def test_the_page_is_what_the_manifest_says(manifest: Manifest) -> None:
    page = (PAGES / f"{manifest.id}.md").read_text(encoding="utf-8")
    assert page == docs.page(manifest), "run: python -m argus.scanning.docs"


def test_there_is_no_page_without_a_plugin_and_the_guide_lists_them_all() -> None:
    pages = {path.stem for path in PAGES.glob("*.md")} - {"README"}
    assert pages == {manifest.id for manifest in MANIFESTS}
    for manifest in MANIFESTS:
        assert f"- [{manifest.name}]({manifest.id}.md)" in GUIDE.read_text(encoding="utf-8")


def test_options_of_every_kind_and_weaknesses_are_told() -> None:
    manifest = MANIFESTS[0]
    word = {"type": "string", "enum": ["a|b"], "maxLength": 3, "default": "a|b", "description": "x|y"}
    name = {"type": "string", "minLength": 1, "maxLength": 9, "pattern": "^a", "default": "a", "description": "A name."}
    deep = {"type": "boolean", "default": True, "description": "How deep."}
    options = {"properties": {"word": word, "name": name, "deep": deep}}
    rules = {"rule": replace(next(iter(manifest.rules.values())), cwe=79)}
    priced = replace(manifest, options=options, rules=rules, permissions=(), price=Price(25, "EUR"))
    page = docs.page(priced)
    assert "| `word` | `a\\|b` | `a\\|b` | x\\|y |" in page
    assert "| `name` | `a` | string, 1 to 9 characters, as `^a` | A name. |" in page
    assert "| `deep` | `true` | boolean | How deep. |" in page
    assert "[CWE-79](https://cwe.mitre.org/data/definitions/79.html)" in page
    assert "| price | 25 EUR minor units a run |" in page
    assert "| may use | nothing but the clock |" in page
    assert "None." in docs.page(replace(manifest, options={"properties": {}}))


def test_the_guides_commands_make_a_plugin_that_passes_and_has_a_page(tmp_path: Path) -> None:
    (snippet,) = re.findall(r"```sh\n(.+?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)
    skip = shutil.ignore_patterns("__pycache__", "*.egg-info")
    for part in ("src/argus", "docs/plugins", "tests/scanning"):
        shutil.copytree(ROOT / part, tmp_path / part, ignore=skip)
    shutil.copy(ROOT / "tests" / "__init__.py", tmp_path / "tests")
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    environment = {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(tmp_path / "src"),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    ran = subprocess.run(
        ["sh", "-e"], input=snippet, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert re.search(r"\d{2} passed, \d+ deselected", ran.stdout)
    assert "| id | `my_plugin` |" in (tmp_path / "docs/plugins/my_plugin.md").read_text(encoding="utf-8")
