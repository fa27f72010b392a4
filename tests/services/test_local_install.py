"""Packages are installed by the real pip, from an index on this machine, with lines that show the progress."""

import functools
import io
import subprocess
import threading
import venv
import zipfile
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from services.local.install import _progress, _show

ROOT = Path(__file__).parents[2]
NAMES = [f"argus-probe-{number}" for number in range(12)]


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Quiet."""


def _wheel(folder: Path, name: str) -> None:
    module, info = name.replace("-", "_"), f"{name.replace('-', '_')}-1.0.dist-info"
    folder.mkdir(parents=True)
    with zipfile.ZipFile(folder / f"{module}-1.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr(f"{module}.py", "")
        wheel.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        wheel.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        wheel.writestr(f"{info}/RECORD", "")


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a package index."""
    folder = tmp_path_factory.mktemp("index")
    for name in NAMES:
        _wheel(folder / name, name)
    handler = functools.partial(_Quiet, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of a new virtual environment."""
    folder = tmp_path_factory.mktemp("new") / ".venv"
    venv.create(folder, with_pip=True)
    return folder / "bin/python"


def _install(python: Path, requirements: Path, index: str) -> subprocess.CompletedProcess[str]:
    environment = {"PIP_CONFIG_FILE": "/dev/null", "PIP_INDEX_URL": index, "PIP_NO_CACHE_DIR": "1", "PATH": "/usr/bin"}
    command = [str(python), str(ROOT / "services/local/install.py"), str(requirements)]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def test_packages_are_counted_while_they_are_installed(python: Path, index: str, tmp_path: Path) -> None:
    requirements = tmp_path / "requirements-run.txt"
    requirements.write_text("".join(f"{name}==1.0  # via argus\n" for name in NAMES))
    done = _install(python, requirements, index)
    assert (done.returncode, done.stderr) == (0, "")
    first, *lines, last = done.stdout.splitlines()
    assert first == "requirements-run.txt: 12 packages into .venv"
    assert lines == ["  10 of 12, 0 MB: argus_probe_9", "  unpacking 12 packages"]
    assert last.startswith("  done in ")
    again = _install(python, requirements, index)
    assert again.stdout.splitlines()[:1] == [first]
    assert "unpacking" not in again.stdout


def test_a_failure_ends_with_what_pip_said(python: Path, index: str, tmp_path: Path) -> None:
    requirements = tmp_path / "requirements.txt"
    requirements.write_text("argus-missing==1.0\n")
    done = _install(python, requirements, index)
    assert done.returncode == 1
    assert "No matching distribution found for argus-missing==1.0" in done.stdout
    assert "done" not in done.stdout


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("Downloading numpy-2.2.6-cp311-cp311-manylinux_2_17_x86_64.whl (16.8 MB)", "2 of 3, 17 MB: numpy"),
        ("  Downloading numpy-2.2.6-cp311-cp311-manylinux_2_17_x86_64.whl (16.8 MB)", "2 of 3, 17 MB: numpy"),
        (
            "  Downloading https://files.example/a/flask_cors-6.0.5-py3-none-any.whl (900 kB)",
            "2 of 3, 1 MB: flask_cors",
        ),
        ("Using cached six-1.17.0-py2.py3-none-any.whl (11 kB)", "2 of 3, 0 MB: six"),
        (
            "Processing /opt/wheels/cffi-2.1.1-cp311-cp311-manylinux_2_17_x86_64.whl (from -r r.txt)",
            "2 of 3, 0 MB: cffi",
        ),
        ("  Downloading hjson-3.1.0.tar.gz (40 kB)", "2 of 3, 0 MB: hjson"),
        ("Installing collected packages: six", "unpacking 0 packages"),
        ("  Downloading six-1.17.0-py2.py3-none-any.whl.metadata (1.7 kB)", ""),
        ("Collecting six==1.17.0 (from -r requirements-run.txt (line 48))", ""),
        ("Successfully installed six-1.17.0", ""),
    ],
)
def test_lines_of_several_versions_of_pip_are_understood(line: str, expected: str) -> None:
    present = "Requirement already satisfied: wrapt==2.5.2 in ./.venv/lib (from -r r.txt (line 1))"
    assert list(_progress([present, line], 3)) == ([expected] if expected else [])


def test_a_terminal_shows_one_line_that_changes() -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    out = Terminal()
    _show(["1 of 2, 0 MB: six", "2 of 2, 17 MB: numpy"], out)
    assert "\n" not in out.getvalue()
    assert [text.strip() for text in out.getvalue().split("\r\033[K")] == [
        "",
        "1 of 2, 0 MB: six",
        "2 of 2, 17 MB: numpy",
        "",
    ]
