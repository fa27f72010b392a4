"""Counts instructions with valgrind. Unlike times, they do not depend on what else the machine does.

valgrind emulates an old processor, for which OpenSSL has slower code: verifying a signature takes more of them here
than in reality.
"""

import os
import re
import shutil
import subprocess
import sys

CALLS = 30
_VALGRIND = ("valgrind", "--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null")


def can_count() -> bool:
    return shutil.which(_VALGRIND[0]) is not None


def per_call(module: str, *arguments: str, sent: str) -> float:
    """Instructions per call: the difference between `python -m module arguments… 60` and `… 30`, divided by 30, so that
    the start does not count. Both read `sent` from their standard input."""
    once, twice = (_count([module, *arguments, str(calls)], sent) for calls in (CALLS, 2 * CALLS))
    return (twice - once) / CALLS


def _count(command: list[str], sent: str) -> int:
    environment = {**os.environ, "PYTHONHASHSEED": "0"}
    done = subprocess.run(
        [*_VALGRIND, sys.executable, "-m", *command],
        input=sent,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    (found,) = re.findall(r"I +refs: +([\d,]+)", done.stderr)
    return int(found.replace(",", ""))
