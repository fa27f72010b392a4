"""Free ports for processes that are told theirs."""

import random
import socket

# Below those that the kernel gives to outgoing connections (32768 and up): one of these may take what was free before
# the process has begun to listen.
_PORTS = range(20_000, 32_000)
_random = random.SystemRandom()


def free_port() -> int:
    """A port of 127.0.0.1 at which nobody listens."""
    while True:
        port = _random.choice(_PORTS)
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) != 0:
                return port
