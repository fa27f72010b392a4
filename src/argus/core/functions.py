"""The functions that run jobs, with their queues and timeouts.

The timeouts are repeated in zappa_settings.json and infra/data.yaml; tests compare them.
"""

from collections.abc import Mapping
from dataclasses import dataclass

WORKER = "worker"  # every job without a function of its own
SCANNER = "scanner"  # jobs that connect to other hosts; cannot read the media bucket


@dataclass(frozen=True)
class Function:
    """A function behind a queue of jobs.

    `plugin_seconds` is the time for all plugins of one run. The rest of the timeout is for a cold start, for writes,
    and for stopping in time.
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
