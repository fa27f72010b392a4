"""The functions that run jobs: where each takes them from, and how long it has.

zappa_settings.json gives the functions their timeouts, and infra/data.yaml the queues theirs; tests compare them.
"""

from collections.abc import Mapping
from dataclasses import dataclass

WORKER = "worker"  # images, uploads, reports, and everything that is not said to be for another
SCANNER = "scanner"  # the network: it can read no image


@dataclass(frozen=True)
class Function:
    """A function behind a queue of jobs.

    `plugin_seconds` is how long the plugins of one run may take together. The rest of the timeout is for a cold start,
    for writes, and for stopping in time.
    """

    name: str
    queue: str  # `argus-<stage>-<queue>`
    timeout_seconds: int
    plugin_seconds: int


FUNCTIONS: Mapping[str, Function] = {
    function.name: function
    for function in (
        Function(WORKER, queue="jobs", timeout_seconds=120, plugin_seconds=100),
        Function(SCANNER, queue="scans", timeout_seconds=900, plugin_seconds=850),
    )
}
