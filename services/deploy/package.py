"""The zips that Lambda runs: `python -m services.deploy.package [TARGET]`, which `make package` calls.

Each is built in a clean folder: the wheels that its pinned requirements name, for the runtime's platform; argus,
installed as the package it is; the doorways it serves. What only tests, builds or Zappa's command line need is left
out, everything is compiled beforehand, and the zip is written so that the same sources make the same bytes.

The API's zip holds what `zappa package` would put in, but for `handler.py`: Lambda calls `services.api.gateway`, which
calls Zappa's handler. It is deployed by `zappa deploy STAGE --zip build/package/api.zip`; docs/decisions/packaging.md
says why it is not packaged by Zappa too.
"""

import contextlib
import hashlib
import io
import json
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory

from argus.core.errors import ArgusError

ROOT = Path(__file__).resolve().parents[2]
TARGET = ROOT / "build" / "package"
TASK_FOLDER = "/var/task"  # where Lambda unpacks a zip; what tracebacks name

_TRIES = 3  # of pip
PYTHON = (3, 11)
# Lambda's python3.11 is Amazon Linux 2, whose glibc is 2.26: of the tags that manylinux2014 (2.17) admits, all load.
PLATFORM = "manylinux2014_x86_64"

# Lambda's runtime brings boto3; Zappa's handler, unlike its command line, needs nothing of its own but durationpy; and
# pycparser is for building cffi. What only these ask for stays out with them.
_OF_THE_RUNTIME = frozenset({"boto3", "botocore"})
_OF_BUILDS = frozenset({"pycparser"})
_ASKED_BY_THE_HANDLER = frozenset({"durationpy"})

# Files that no function reads. A pattern matches from the top of the zip. Pillow's AVIF decoder goes because it is a
# tenth of the worker, and a parser of hostile input that Argus has no use for.
_UNUSED = (
    "*.dist-info/RECORD",
    "*.dist-info/INSTALLER",
    "*.dist-info/REQUESTED",
    "*.dist-info/direct_url.json",
    "*.dist-info/sboms/*",
    "bin/*",
    "**/tests/**/*",
    "**/*.pyi",
    "**/*.pxd",
    "**/*.pyx",
    "**/*.c",
    "**/*.h",
    "argus/cli/**/*",
    "argus/scanning/docs.py",
    "argus/scanning/testkit.py",
    "argus/scanning/plugins/*/fixtures.py",
    "services/api/openapi.py",
    "services/api/reference.py",
    "zappa/asynchronous.py",
    "zappa/cli.py",
    "zappa/core.py",
    "zappa/ext/**/*",
    "zappa/letsencrypt.py",
    "flask_swagger_ui/dist/index.css",
    "flask_swagger_ui/dist/oauth2-redirect.*",
    "flask_swagger_ui/dist/swagger-ui.js",
    "flask_swagger_ui/dist/swagger-ui-standalone-preset.js",
    "flask_swagger_ui/templates/**/*",
    "PIL/*_avif*",
    "pillow.libs/libavif*",
    "numpy/_core/lib/**/*",
    "numpy/_pyinstaller/**/*",
    "numpy/conftest.py",
    "numpy/distutils/**/*",
    "numpy/f2py/**/*",
    "numpy/random/lib/**/*",
    "numpy/random/_examples/**/*",
)


class NotPackaged(ArgusError):
    """A package cannot be built."""


@dataclass(frozen=True)
class Package:
    """One zip: its pinned requirements and the doorways it serves."""

    name: str
    requirements: str
    services: tuple[str, ...]


# The realtime function runs from the API's zip: it needs what decides about tokens, and loads nothing of Flask.
API = Package("api", "requirements-api.txt", ("api", "realtime"))
# Scanner and scheduler run from the worker's zip: they import neither numpy nor Pillow, and what is not imported costs
# nothing.
WORKER = Package("worker", "requirements-worker.txt", ("worker", "scanner", "scheduler"))
PACKAGES = (API, WORKER)


def build(package: Package, target: Path) -> Path:
    """Build one zip in a clean folder; `target/<name>.zip`. Raises `NotPackaged`."""
    if sys.version_info[:2] != PYTHON:
        raise NotPackaged(f"{package.name}: bytecode must be made by Python {PYTHON[0]}.{PYTHON[1]}, the runtime's")
    target.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=f"argus-{package.name}-") as temporary:
        folder = Path(temporary) / "task"
        folder.mkdir()
        _install_wheels(package, folder, Path(temporary))
        _install_argus(folder, Path(temporary))
        _copy_services(package, folder)
        if "api" in package.services:
            (folder / "zappa_settings.py").write_text(zappa_settings())
        _remove_unused(folder)
        _compile(folder)
        return _zip(folder, target / f"{package.name}.zip")


def content_hash(path: Path) -> str:
    """What a zip holds, in one word: names, permissions and bytes."""
    digest = hashlib.sha256()
    with zipfile.ZipFile(path) as opened:
        for entry in sorted(opened.infolist(), key=lambda entry: entry.filename):
            content = hashlib.sha256(opened.read(entry)).hexdigest()
            digest.update(f"{entry.filename} {entry.external_attr >> 16:o} {content}\n".encode())
    return digest.hexdigest()


# ---------------------------------------------------------------- what goes in


def pins(package: Package) -> list[str]:
    """The pinned requirements that the zip carries."""
    asked_by = dict(_pinned((ROOT / package.requirements).read_text()))
    out = {name for name in asked_by if _name(name) in _OF_THE_RUNTIME | _OF_BUILDS}
    while further := {pin for pin, parents in asked_by.items() if _only_for(parents, out)} - out - _needed(asked_by):
        out |= further
    return [pin for pin in asked_by if pin not in out]


def _pinned(text: str) -> Iterator[tuple[str, frozenset[str]]]:
    """Each pin with who asked for it, as pip-compile notes beside it: `idna==3.20  # via requests`."""
    for line in text.splitlines():
        pin, noted, parents = line.partition("# via ")
        if noted and "==" in pin:
            yield pin.strip(), frozenset(parents.split(", ")) - {"-c requirements.txt"}


def _only_for(parents: frozenset[str], out: set[str]) -> bool:
    return bool(parents) and parents <= {_name(pin) for pin in out} | {"zappa"}


def _needed(pins: Iterable[str]) -> set[str]:
    return {pin for pin in pins if _name(pin) in _ASKED_BY_THE_HANDLER}


def _name(pin: str) -> str:
    return pin.partition("==")[0]


def _install_wheels(package: Package, folder: Path, temporary: Path) -> None:
    requirements = temporary / "requirements.txt"
    requirements.write_text("\n".join(pins(package)) + "\n")
    only_fitting = ["--platform", PLATFORM, "--python-version", ".".join(map(str, PYTHON)), "--only-binary", ":all:"]
    _pip(package.name, "install", "--requirement", str(requirements), *only_fitting, "--target", str(folder))


def _install_argus(folder: Path, temporary: Path) -> None:
    """From a copy: setuptools leaves its workings beside the sources."""
    sources = temporary / "sources"
    clean = shutil.ignore_patterns("__pycache__", "*.egg-info")
    shutil.copytree(ROOT / "src", sources / "src", ignore=clean)
    for name in ("pyproject.toml", "README.md"):
        shutil.copy(ROOT / name, sources / name)
    _pip("argus", "install", str(sources), "--no-build-isolation", "--target", str(folder))


def _pip(what: str, *arguments: str) -> None:
    """Run pip. Three tries: connections break, and a registry's mirrors do not all know a release at once."""
    command = [sys.executable, "-m", "pip", *arguments, "--no-deps", "--no-compile", "--quiet", "--upgrade"]
    for _ in range(_TRIES):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if not done.returncode:
            return
    raise NotPackaged(f"{what}: {done.stderr[-2000:]}")


def _copy_services(package: Package, folder: Path) -> None:
    (folder / "services").mkdir()
    shutil.copy(ROOT / "services" / "__init__.py", folder / "services")
    for service in package.services:
        shutil.copytree(
            ROOT / "services" / service, folder / "services" / service, ignore=shutil.ignore_patterns("__pycache__")
        )


def zappa_settings() -> str:
    """The module that Zappa's handler reads, as Zappa makes it, but for what differs between stages: their
    name, and the base path of a custom domain. Both come from the environment.

    One package serves every stage, so that what was tried in staging is, byte for byte, what goes to production. Raises
    `NotPackaged` when the stages differ in more than their name.
    """
    stages = [stage for stage in json.loads((ROOT / "zappa_settings.json").read_text()) if "_" not in stage]
    texts = {
        _zappa_settings_of(stage)
        .replace(f"API_STAGE='{stage}'", "API_STAGE=os.environ['ARGUS_STAGE']")
        .replace("BASE_PATH=None", "BASE_PATH=os.environ.get('ARGUS_BASE_PATH')")
        for stage in stages
    }
    if len(texts) != 1:
        raise NotPackaged(f"Zappa's settings of {', '.join(stages)} differ in more than the stage's name")
    return f"import os\n\n{texts.pop()}"


def _zappa_settings_of(stage: str) -> str:
    from zappa.cli import ZappaCLI

    cli = ZappaCLI()
    cli.api_stage = stage
    cli.load_credentials = False
    # Zappa searches the folder it runs in for WebSocket handlers, and takes its own, under build/, for one.
    with TemporaryDirectory() as empty, contextlib.chdir(empty), contextlib.redirect_stdout(io.StringIO()):
        cli.load_settings(str(ROOT / "zappa_settings.json"))
    return str(cli.get_zappa_settings_string())


# ---------------------------------------------------------------- how it is written


def _remove_unused(folder: Path) -> None:
    for pattern in _UNUSED:
        for path in sorted(folder.glob(pattern)):
            if path.is_file():
                path.unlink()


def _compile(folder: Path) -> None:
    """Bytecode that Lambda takes as it is. Entries of a zip have no true dates, so bytecode that is checked against
    its source's date would be made anew at each cold start."""
    environment = {**os.environ, "PYTHONHASHSEED": "0"}  # else the order of sets differs between builds
    done = subprocess.run(
        [
            *(sys.executable, "-m", "compileall", "-q", "-f", "--invalidation-mode", "unchecked-hash"),
            *("-s", str(folder), "-p", TASK_FOLDER, str(folder)),
        ],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise NotPackaged(f"not compiled: {done.stdout[-2000:]}")


def _zip(folder: Path, path: Path) -> Path:
    """The folder as a zip: entries in order, without dates, readable by the user Lambda runs as."""
    made = path.with_suffix(".part")
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as opened:
        for name, file in _files(folder):
            entry = zipfile.ZipInfo(str(name), date_time=(1980, 1, 1, 0, 0, 0))
            entry.create_system = 3  # Unix, whose permissions follow
            entry.external_attr = (0o100755 if ".so" in name.suffixes else 0o100644) << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            opened.writestr(entry, file.read_bytes())
    made.replace(path)
    return path


def _files(folder: Path) -> Iterator[tuple[PurePosixPath, Path]]:
    files = {PurePosixPath(path.relative_to(folder)): path for path in folder.rglob("*") if path.is_file()}
    yield from sorted(files.items())


def main() -> int:
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else TARGET
    for package in PACKAGES:
        path = build(package, target)
        with zipfile.ZipFile(path) as opened:
            unzipped = sum(entry.file_size for entry in opened.infolist())
        sizes = f"{path.stat().st_size / 1e6:.1f} MB, {unzipped / 1e6:.1f} MB unzipped"
        sys.stdout.write(f"{path}: {sizes}, content {content_hash(path)[:16]}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
