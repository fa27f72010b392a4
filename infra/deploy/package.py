"""The zips that Lambda runs: `python -m infra.deploy.package [TARGET]`, which `make package` calls.

Each is built in a clean folder from the wheels of its pinned requirements, for the runtime's platform; argus, installed
as a package; and its entry points in services/. Files that only tests, builds or Zappa's command line need are left
out, all code is compiled ahead of time, and the build is reproducible: the same sources give the same bytes.

The API's zip has the content of `zappa package`, except `handler.py`: Lambda calls `services.api.gateway`, which calls
Zappa's handler. `zappa deploy STAGE --zip build/package/api.zip` deploys it; docs/decisions/packaging.md explains why
Zappa does not build the package too.
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
TASK_FOLDER = "/var/task"  # where Lambda unpacks a zip; tracebacks show this path

_ATTEMPTS = 3  # of pip
PYTHON = (3, 11)
# Lambda's python3.11 runs on Amazon Linux 2 with glibc 2.26, which loads every manylinux2014 wheel (glibc 2.17).
PLATFORM = "manylinux2014_x86_64"

# Lambda's runtime includes boto3; Zappa's handler, unlike its command line, needs only durationpy; pycparser is for
# building cffi. Requirements that only these packages need are left out with them.
_IN_RUNTIME = frozenset({"boto3", "botocore"})
_FOR_BUILDS = frozenset({"pycparser"})
_FOR_HANDLER = frozenset({"durationpy"})

# Files that no function reads. Patterns are relative to the top of the zip. Pillow's AVIF decoder is left out because
# it is a tenth of the worker's size, and a parser of untrusted input that Argus does not use.
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
    """A package could not be built."""


@dataclass(frozen=True)
class Package:
    """One zip: its pinned requirements and its entry points in services/."""

    name: str
    requirements: str
    services: tuple[str, ...]


# The realtime function runs from the API's zip: it needs the token verification, and does not load Flask.
API = Package("api", "requirements-api.txt", ("api", "realtime"))
# Scanner and scheduler run from the worker's zip: they import neither numpy nor Pillow, and modules that are not
# imported cost nothing at run time.
WORKER = Package("worker", "requirements-worker.txt", ("worker", "scanner", "scheduler"))
PACKAGES = (API, WORKER)


def build(package: Package, target: Path) -> Path:
    """Build one zip in a clean folder; returns `target/<name>.zip`. Raises `NotPackaged`."""
    if sys.version_info[:2] != PYTHON:
        version = f"{PYTHON[0]}.{PYTHON[1]}"
        raise NotPackaged(f"{package.name}: build with Python {version}, the version of Lambda's runtime")
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
    """A hash of a zip's content: names, permissions and bytes."""
    digest = hashlib.sha256()
    with zipfile.ZipFile(path) as opened:
        for entry in sorted(opened.infolist(), key=lambda entry: entry.filename):
            content = hashlib.sha256(opened.read(entry)).hexdigest()
            digest.update(f"{entry.filename} {entry.external_attr >> 16:o} {content}\n".encode())
    return digest.hexdigest()


# ---------------------------------------------------------------- content


def pins(package: Package) -> list[str]:
    """The pinned requirements that the zip contains."""
    required_by = dict(_pinned((ROOT / package.requirements).read_text()))
    out = {name for name in required_by if _name(name) in _IN_RUNTIME | _FOR_BUILDS}
    while (
        further := {pin for pin, parents in required_by.items() if _only_for(parents, out)} - out - _needed(required_by)
    ):
        out |= further
    return [pin for pin in required_by if pin not in out]


def _pinned(text: str) -> Iterator[tuple[str, frozenset[str]]]:
    """Each pin with the packages that require it, from pip-compile's comments: `idna==3.20  # via requests`."""
    for line in text.splitlines():
        pin, noted, parents = line.partition("# via ")
        if noted and "==" in pin:
            yield pin.strip(), frozenset(parents.split(", ")) - {"-c requirements.txt"}


def _only_for(parents: frozenset[str], out: set[str]) -> bool:
    return bool(parents) and parents <= {_name(pin) for pin in out} | {"zappa"}


def _needed(pins: Iterable[str]) -> set[str]:
    return {pin for pin in pins if _name(pin) in _FOR_HANDLER}


def _name(pin: str) -> str:
    return pin.partition("==")[0]


def _install_wheels(package: Package, folder: Path, temporary: Path) -> None:
    requirements = temporary / "requirements.txt"
    requirements.write_text("\n".join(pins(package)) + "\n")
    only_fitting = ["--platform", PLATFORM, "--python-version", ".".join(map(str, PYTHON)), "--only-binary", ":all:"]
    _pip(package.name, "install", "--requirement", str(requirements), *only_fitting, "--target", str(folder))


def _install_argus(folder: Path, temporary: Path) -> None:
    """Install from a copy, because setuptools writes build files beside the sources."""
    sources = temporary / "sources"
    clean = shutil.ignore_patterns("__pycache__", "*.egg-info")
    shutil.copytree(ROOT / "src", sources / "src", ignore=clean)
    for name in ("pyproject.toml", "README.md"):
        shutil.copy(ROOT / name, sources / name)
    _pip("argus", "install", str(sources), "--no-build-isolation", "--target", str(folder))


def _pip(subject: str, *arguments: str) -> None:
    """Run pip with up to three attempts: connections break, and mirrors of a registry are not always in sync."""
    command = [sys.executable, "-m", "pip", *arguments, "--no-deps", "--no-compile", "--quiet", "--upgrade"]
    for _ in range(_ATTEMPTS):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if not done.returncode:
            return
    raise NotPackaged(f"{subject}: {done.stderr[-2000:]}")


def _copy_services(package: Package, folder: Path) -> None:
    (folder / "services").mkdir()
    shutil.copy(ROOT / "services" / "__init__.py", folder / "services")
    for service in package.services:
        shutil.copytree(
            ROOT / "services" / service, folder / "services" / service, ignore=shutil.ignore_patterns("__pycache__")
        )


def zappa_settings() -> str:
    """The settings module that Zappa's handler reads, as Zappa generates it, except for the values that differ between
    stages: the stage's name and the base path of a custom domain. Both are read from the environment.

    One package serves every stage, so that the package tested in staging is deployed to production byte for byte.
    Raises `NotPackaged` when the stages differ in more than their name.
    """
    stages = [stage for stage in json.loads((ROOT / "zappa_settings.json").read_text()) if "_" not in stage]
    texts = {
        _zappa_settings_of(stage)
        .replace(f"API_STAGE='{stage}'", "API_STAGE=os.environ['ARGUS_STAGE']")
        .replace("BASE_PATH=None", "BASE_PATH=os.environ.get('ARGUS_BASE_PATH')")
        for stage in stages
    }
    if len(texts) != 1:
        raise NotPackaged(f"the settings of {', '.join(stages)} in zappa_settings.json differ in more than the name")
    return f"import os\n\n{texts.pop()}"


def _zappa_settings_of(stage: str) -> str:
    from zappa.cli import ZappaCLI

    cli = ZappaCLI()
    cli.api_stage = stage
    cli.load_credentials = False
    # Zappa searches the current folder for WebSocket handlers, and would find its own copy under build/.
    with TemporaryDirectory() as empty, contextlib.chdir(empty), contextlib.redirect_stdout(io.StringIO()):
        cli.load_settings(str(ROOT / "zappa_settings.json"))
    return str(cli.get_zappa_settings_string())


# ---------------------------------------------------------------- archive


def _remove_unused(folder: Path) -> None:
    for pattern in _UNUSED:
        for path in sorted(folder.glob(pattern)):
            if path.is_file():
                path.unlink()


def _compile(folder: Path) -> None:
    """Compile to bytecode that Lambda loads unchecked. Entries of the zip have no real dates, so bytecode that is
    validated by the source's date would be compiled again at each cold start."""
    environment = {**os.environ, "PYTHONHASHSEED": "0"}  # otherwise the order of sets differs between builds
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
        raise NotPackaged(f"compileall failed: {done.stdout[-2000:]}")


def _zip(folder: Path, path: Path) -> Path:
    """Write the folder as a zip: sorted entries, constant dates, readable by the user that Lambda runs as."""
    partial = path.with_suffix(".part")
    with zipfile.ZipFile(partial, "w") as opened:
        for name, file in _files(folder):
            entry = zipfile.ZipInfo(str(name), date_time=(1980, 1, 1, 0, 0, 0))
            entry.create_system = 3  # Unix: external_attr holds Unix permissions
            entry.external_attr = (0o100755 if ".so" in name.suffixes else 0o100644) << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            opened.writestr(entry, file.read_bytes())
    partial.replace(path)
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
        sys.stdout.write(f"{path}: {sizes}, content hash {content_hash(path)[:16]}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
