"""The scheduler's tick: every minute EventBridge calls, and each sweep runs on its own."""

import logging
import random
import time
from functools import cache
from typing import Any

from argus.container import Container
from argus.core.errors import ArgusError
from argus.core.work import job
from argus.jobs import TICKS

# What EventBridge sends; the laptop and the tests send it too.
TICK = {"source": "aws.events", "detail-type": "Scheduled Event"}
TICK_SECONDS = 40.0  # for all sweeps together; the function has 50
SWEEP_SECONDS = 15.0
_SOURCES = {TICK["source"], "aws.scheduler"}

_log = logging.getLogger("argus.scheduler")


class UnknownEvent(ArgusError):
    """The event is not a tick of EventBridge."""


class SweepsFailed(ArgusError):
    """Some sweeps failed; EventBridge tries the tick again."""


@cache
def container() -> Container:
    return Container.from_env()


def handler(event: Any, _context: object) -> dict[str, Any]:
    """Lambda's entry."""
    if not isinstance(event, dict) or event.get("source") not in _SOURCES:
        raise UnknownEvent(f"keys {sorted(event)[:20]}" if isinstance(event, dict) else type(event).__name__)
    tick_id, ends_at = str(event.get("id", "")), time.monotonic() + TICK_SECONDS
    failed = [
        name
        for name in random.sample(list(TICKS), len(TICKS))  # none is always the last, for whom little time is left
        if not _run(name, tick_id, seconds=min(SWEEP_SECONDS, ends_at - time.monotonic()))
    ]
    if failed:
        raise SweepsFailed(", ".join(failed))
    return {"ran": list(TICKS)}


def _run(name: str, tick_id: str, *, seconds: float) -> bool:
    with job(name, function="scheduler", request_id=tick_id, seconds=seconds) as run:
        try:
            TICKS[name](container())()
            run.done()
        except Exception as error:
            run.failed()
            _log.error("sweep failed", extra={"sweep": name}, exc_info=error)
    return run.outcome == "done"
