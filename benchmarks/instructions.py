"""Counts instructions with valgrind. Unlike times, they do not depend on what else the machine does.

valgrind shows the processor of 20 years ago to OpenSSL, so the verification of a signature takes more of them than
without it.
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
    """Instructions of one call: of `python -m module arguments… calls`, which reads `sent`, with twice as many calls
    and once."""
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
