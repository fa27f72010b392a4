"""A capability is one folder and one template: the toy of `tests/toy`, installed into a copy of the sources.

No other file is edited. The copy's own repository-wide tests then include the toy, and the generated documents contain
it.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TOY = ROOT / "tests" / "toy"
PLUGIN = "src/argus/scanning/plugins/slack_springs/"


class Sources:
    """A copy of the tracked sources, with methods to run commands in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def run(self, *arguments: str) -> None:
        """Run Python with this copy."""
        done = self._python(arguments)
        assert done.returncode == 0, (done.stdout + done.stderr)[-5000:]

    def pytest(self, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
        """Run some tests of this copy."""
        return self._python(("-m", "pytest", *arguments), **environ)

    def _python(self, arguments: Sequence[str], **environ: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, *arguments],
            cwd=self.folder,
            env={**os.environ, "PYTHONPATH": str(self.folder / "src"), "PYTHONDONTWRITEBYTECODE": "1", **environ},
            capture_output=True,
            text=True,
            check=False,
        )

    def git(self, *arguments: str) -> str:
        who = ("-c", "user.name=Argus", "-c", "user.email=argus@example.com")
        done = subprocess.run(["git", *who, *arguments], cwd=self.folder, capture_output=True, text=True, check=True)
        return done.stdout

    def changed(self) -> set[str]:
        """Files that differ from what was copied, and new ones."""
        return {line[3:] for line in self.git("status", "--porcelain").splitlines()}

    def text(self, name: str) -> str:
        return (self.folder / name).read_text()


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sources]:
    folder = tmp_path_factory.mktemp("sources")
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in listed.splitlines():
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    copy = Sources(folder)
    copy.git("init", "--quiet")
    copy.git("add", "--all")
    copy.git("commit", "--quiet", "--message", "as it is")
    skip = shutil.ignore_patterns("__pycache__")
    shutil.copytree(TOY / "capability", folder / "src" / "argus" / "toy", ignore=skip)
    shutil.copytree(TOY / "plugin", folder / PLUGIN, ignore=skip)
    shutil.copy(TOY / "toy.yaml", folder / "infra" / "toy.yaml")
    yield copy
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def documented(sources: Sources) -> Sources:
    """The sources after `make docs`."""
    assert sources.changed() == {"infra/toy.yaml", "src/argus/toy/", PLUGIN}
    for module in ("services.api.openapi", "services.api.reference"):
        sources.run("-m", module)
    wrote = sources.pytest("tests/test_data.py", "tests/infra/test_roles.py", "-k", "page", ARGUS_WRITE_DOCS="1")
    assert wrote.returncode == 0, wrote.stdout[-5000:]
    return sources


def test_the_generated_documents_contain_the_toy(documented: Sources) -> None:
    assert '"/api/v1/toys/{toy_id}"' in documented.text("docs/openapi.json")
    kind = json.loads(documented.text("docs/openapi.json"))["components"]["schemas"]["TargetIn"]["properties"]["kind"]
    assert kind["enum"] == ["image", "toy"]
    assert "| POST /toys |" in documented.text("docs/data.md")
    assert "| job toy.wind |" in documented.text("docs/data.md")
    assert "| toy | `<organisation>#toys` |" in documented.text("docs/data.md")
    assert "| `toys:write` | Create toys | yes | yes | yes |  | yes |" in documented.text("docs/access.md")
    assert "| `ARGUS_TOY_TURNS` | `12` |" in documented.text("docs/settings.md")
    assert "| `no_such_toy` | 404 |" in documented.text("docs/errors.md")
    assert "`table/argus-<stage>-toy`" in documented.text("infra/README.md")


def test_no_other_file_changes(documented: Sources) -> None:
    written = {"docs/openapi.json", "docs/data.md", "docs/access.md", "docs/settings.md", "docs/errors.md"}
    assert documented.changed() == {"infra/toy.yaml", "src/argus/toy/", PLUGIN, "infra/README.md", *written}


def test_the_tests_over_all_plugins_include_the_toys_plugin(documented: Sources) -> None:
    ran = documented.pytest("tests/scanning/test_plugins.py", "-k", "slack_springs")
    assert ran.returncode == 0, ran.stdout[-5000:]
    assert re.search(r"\b2\d passed", ran.stdout), ran.stdout


def test_the_repository_wide_tests_include_the_toy(documented: Sources) -> None:
    life = documented.folder / "tests" / "test_life_of_a_toy.py"
    shutil.copy(TOY / "life.py", life)
    chosen = [
        "repository",
        "without_a_token",
        "another_tenant_finds",
        "viewer",
        "every_stored_key",
        "journey_uses",
        "live",
        "toy",
    ]
    names = ("infra/test_roles", "infra/test_rules")
    names += tuple(f"test_{name}" for name in ("isolation", "life_of_a_toy", "openapi", "repository"))
    ran = documented.pytest("--verbose", *(f"tests/{name}.py" for name in names), "-k", " or ".join(chosen))
    life.unlink()
    assert ran.returncode == 0, ran.stdout[-5000:]
    passed = [line for line in ran.stdout.splitlines() if " PASSED " in line]
    assert [word for word in chosen if not any(word in line for line in passed)] == []
