"""Processes that tests start and interrupt."""

import signal
import subprocess
from collections.abc import Mapping, Sequence


def start(command: Sequence[str], environment: Mapping[str, str]) -> subprocess.Popen[str]:
    """Start a process that SIGINT interrupts, even if the tests themselves ignore SIGINT, as after `&` in a shell.

    A child inherits ignored signals, and Python then raises no KeyboardInterrupt. It does not inherit handlers, so a
    handler is installed while the child starts.
    """
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    finally:
        signal.signal(signal.SIGINT, before)
