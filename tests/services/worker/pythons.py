"""Pythons of this machine."""

import os
import shutil
import subprocess
from functools import cache
from pathlib import Path

NAMES = ("python3.12", "python3.13", "python3.14")


@cache
def newer_python() -> str | None:
    """A Python 3.12 or later that runs, from PATH or from pyenv; None if there is none."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    found = [
        *filter(None, map(shutil.which, NAMES)),
        *(str(path) for name in NAMES for path in pyenv.glob(f"*/bin/{name}")),
    ]
    return next((path for path in found if _runs(path)), None)


def _runs(path: str) -> bool:
    return subprocess.run([path, "-c", ""], check=False, capture_output=True).returncode == 0
