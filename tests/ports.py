"""Free ports for processes that get their port as an argument."""

import random
import socket

# Below the kernel's ports for outgoing connections (32768 and up), which could take a free port before the process
# listens.
_PORTS = range(20_000, 32_000)
_random = random.SystemRandom()


def free_port() -> int:
    """A port of 127.0.0.1 without a listener."""
    while True:
        port = _random.choice(_PORTS)
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) != 0:
                return port
