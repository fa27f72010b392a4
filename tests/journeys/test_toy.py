"""A capability is one folder and one template: the toy of `tests/toy`, installed into a copy of the sources.

No other file is edited. The copy's own repository-wide tests then include the toy, and the generated documents contain
it.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TOY = ROOT / "tests" / "toy"
PLUGIN_ID = "slack_springs"
PLUGIN = f"src/argus/scanning/plugins/{PLUGIN_ID}/"


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


CHOSEN = (
    PLUGIN_ID,
    "repository",
    "without_a_token",
    "another_tenant_finds",
    "viewer",
    "every_stored_key",
    "journey_uses",
    "live",
    "toy",
)
FILES = (
    *("test_data", "infra/test_roles", "infra/test_rules", "test_isolation", "test_life_of_a_toy", "test_openapi"),
    *("test_repository", "scanning/test_plugins"),
)


@pytest.fixture(scope="module")
def passed(sources: Sources) -> list[str]:
    """The tests that passed in the copy after `make docs`.

    Two processes do both, because starting is what they cost: the pages that tests write (`page`) are written first.
    """
    assert sources.changed() == {"infra/toy.yaml", "src/argus/toy/", PLUGIN}
    life = sources.folder / "tests" / "test_life_of_a_toy.py"
    shutil.copy(TOY / "life.py", life)
    modules = ("services.api.openapi", "services.api.reference")
    sources.run(
        "-c", "; ".join(("import runpy", *(f"runpy.run_module('{name}', None, '__main__')" for name in modules)))
    )
    chosen = " or ".join(("page", *CHOSEN))
    ran = sources.pytest("--verbose", *(f"tests/{name}.py" for name in FILES), "-k", chosen, ARGUS_WRITE_DOCS="1")
    life.unlink()
    assert ran.returncode == 0, ran.stdout[-5000:]
    return [line for line in ran.stdout.splitlines() if " PASSED " in line]


@pytest.mark.usefixtures("passed")
def test_the_generated_documents_contain_the_toy(sources: Sources) -> None:
    assert '"/api/v1/toys/{toy_id}"' in sources.text("docs/openapi.json")
    kind = json.loads(sources.text("docs/openapi.json"))["components"]["schemas"]["TargetIn"]["properties"]["kind"]
    assert kind["enum"] == ["image", "toy"]
    assert "| POST /toys |" in sources.text("docs/data.md")
    assert "| job toy.wind |" in sources.text("docs/data.md")
    assert "| toy | `<organisation>#toys` |" in sources.text("docs/data.md")
    assert "| `toys:write` | Create toys | yes | yes | yes |  | yes |" in sources.text("docs/access.md")
    assert "| `ARGUS_TOY_TURNS` | `12` |" in sources.text("docs/settings.md")
    assert "| `no_such_toy` | 404 |" in sources.text("docs/errors.md")
    assert "`table/argus-<stage>-toy`" in sources.text("infra/README.md")


@pytest.mark.usefixtures("passed")
def test_no_other_file_changes(sources: Sources) -> None:
    written = {"docs/openapi.json", "docs/data.md", "docs/access.md", "docs/settings.md", "docs/errors.md"}
    written |= {"src/argus/explorer/errors.json"}
    assert sources.changed() == {"infra/toy.yaml", "src/argus/toy/", PLUGIN, "infra/README.md", *written}


def test_the_tests_over_all_plugins_include_the_toys_plugin(passed: list[str]) -> None:
    of_the_plugin = [line for line in passed if line.startswith("tests/scanning/test_plugins.py") and PLUGIN_ID in line]
    assert 20 <= len(of_the_plugin) < 30


def test_the_repository_wide_tests_include_the_toy(passed: list[str]) -> None:
    assert [word for word in CHOSEN if not any(word in line for line in passed)] == []
