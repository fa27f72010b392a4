"""Installs pinned packages into the virtual environment of this Python, and shows its progress.

    .venv/bin/python services/local/install.py requirements-run.txt

pip prints either nothing for minutes or hundreds of lines. This prints one line that changes, or every tenth line if
the output is not a terminal. It returns pip's exit code, and prints pip's messages if it failed. The file must name
every package with its version, because pip does not resolve requirements here. Python compiles what it imports, later.

Only the standard library is used: nothing else is installed yet.
"""

import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO

ARGUMENTS = ("--no-deps", "--no-compile", "--progress-bar", "off", "--disable-pip-version-check", "--no-input")
SIZES = {"bytes": 1e-6, "kB": 1e-3, "MB": 1.0, "GB": 1e3}  # in MB, as pip prints them

# "Downloading https://…/numpy-2.2.6-cp311….whl (16.8 MB)", which older versions of pip indent; not "….whl.metadata".
_FETCHED = re.compile(
    r"\s*(?:Downloading|Using cached|Processing) (?:\S*/)?([^/\s]+?)-\d\S*(?:\.whl|\.tar\.gz|\.zip)"
    r"(?: \(([\d.]+) (\w+)\))?(?!\S)"
)
_PRESENT = "Requirement already satisfied:"
_UNPACKING = "Installing collected packages:"


def install(requirements: Path, out: IO[str]) -> int:
    """Install the packages; returns pip's exit code."""
    count = sum(1 for line in requirements.read_text().splitlines() if re.match(r"[\w.-]+==", line))
    print(f"{requirements.name}: {count} packages into {Path(sys.prefix).name}", file=out, flush=True)
    start = time.monotonic()
    command = [sys.executable, "-m", "pip", "install", *ARGUMENTS, "--requirement", str(requirements)]
    with tempfile.TemporaryFile("w+") as messages:
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=messages, text=True) as pip:
            assert pip.stdout is not None  # noqa: S101 — because of PIPE
            _show(_progress(pip.stdout, count), out)
        if pip.returncode:
            messages.seek(0)
            out.write(messages.read())
        else:
            print(f"  done in {time.monotonic() - start:.0f} s", file=out, flush=True)
    return pip.returncode


def _progress(lines: Iterable[str], count: int) -> Iterator[str]:
    """A line for each package that pip begins to fetch, and one when it unpacks them all."""
    present = fetched = 0
    megabytes = 0.0
    for line in lines:
        found = _FETCHED.match(line)
        if found:
            fetched += 1
            name, size, unit = found.groups()
            megabytes += float(size or 0) * SIZES.get(unit, 0)
            yield f"{fetched + present} of {count}, {megabytes:.0f} MB: {name}"
        elif line.startswith(_PRESENT):
            present += 1
        elif line.startswith(_UNPACKING):
            yield f"unpacking {fetched} packages"


def _show(lines: Iterable[str], out: IO[str]) -> None:
    terminal = out.isatty()
    for number, line in enumerate(lines, start=1):
        if terminal:
            print(f"\r\033[K  {line}", end="", file=out, flush=True)
        elif number % 10 == 0 or line.startswith("unpacking"):
            print(f"  {line}", file=out, flush=True)
    if terminal:
        print("\r\033[K", end="", file=out)


if __name__ == "__main__":
    try:
        sys.exit(install(Path(sys.argv[1]), sys.stdout))
    except KeyboardInterrupt:
        print("\nnot installed: interrupted")
        sys.exit(130)
