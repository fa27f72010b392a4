"""The `argus` command: a client of the HTTP API.

It uses the public API only, so any program can do what it does. click, httpx and rich are imported where they are first
used: `argus --help` loads click only.
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
        # A thread may still be sending on a stalled connection; a normal exit would wait for it.
        sys.stdout.flush()
        os._exit(INTERRUPTED)
