"""Processes that tests start and interrupt."""

import signal
import subprocess
from collections.abc import Mapping, Sequence


def start(command: Sequence[str], environment: Mapping[str, str]) -> subprocess.Popen[str]:
    """A process that SIGINT interrupts, even where the tests themselves ignore it, as a shell's `&` has them do.

    A process inherits that a signal is ignored, and Python then raises no KeyboardInterrupt. It does not inherit a
    handler: while this one is made, there is one.
    """
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    finally:
        signal.signal(signal.SIGINT, before)
