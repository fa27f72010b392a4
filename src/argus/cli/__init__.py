"""The `argus` command: a client of the HTTP API, and of nothing else.

It knows the wire and no capability's code, so what it can do, any program can. Each of click, httpx and rich is
imported where it is first needed: `argus --help` loads click alone.
"""

import os
import sys


def main() -> None:
    """The entry point of the installed command."""
    from argus.cli.command import argus
    from argus.cli.errors import INTERRUPTED

    try:
        argus(prog_name="argus")
    except SystemExit as end:
        if end.code != INTERRUPTED:
            raise
        # A thread may still be sending into a stalled connection; a plain exit would wait for it.
        sys.stdout.flush()
        os._exit(INTERRUPTED)
