"""The scheduler: EventBridge sends a tick every minute, which runs each sweep independently."""

import logging
import random
import time
from functools import cache
from typing import Any

from argus.container import Container
from argus.core.errors import ArgusError
from argus.core.work import sweep
from argus.jobs import TICKS

# The event that EventBridge sends; the local system and the tests send it too.
TICK = {"source": "aws.events", "detail-type": "Scheduled Event"}
TICK_SECONDS = 40.0  # limit for all sweeps together; the function's timeout is 50 s
SWEEP_SECONDS = 15.0
_SOURCES = {TICK["source"], "aws.scheduler"}

_log = logging.getLogger("argus.scheduler")


class UnknownEvent(ArgusError):
    """The event is not a tick from EventBridge."""


class SweepsFailed(ArgusError):
    """Some sweeps failed; Lambda retries the tick."""


@cache
def container() -> Container:
    return Container.from_env()


def handler(event: Any, _context: object) -> dict[str, Any]:
    """Lambda's entry point."""
    if not isinstance(event, dict) or event.get("source") not in _SOURCES:
        raise UnknownEvent(f"keys {sorted(event)[:20]}" if isinstance(event, dict) else type(event).__name__)
    tick_id, ends_at = str(event.get("id", "")), time.monotonic() + TICK_SECONDS
    failed = [
        name
        for name in random.sample(
            list(TICKS), len(TICKS)
        )  # random order: no sweep is always last, with little time left
        if not _run(name, tick_id, seconds=min(SWEEP_SECONDS, ends_at - time.monotonic()))
    ]
    if failed:
        raise SweepsFailed(", ".join(failed))
    return {"ran": list(TICKS)}


def _run(name: str, tick_id: str, *, seconds: float) -> bool:
    with sweep(name, request_id=tick_id, seconds=seconds) as run:
        try:
            TICKS[name](container())()
            run.mark_done()
        except Exception as error:
            run.mark_failed()
            _log.error("sweep failed", extra={"sweep": name}, exc_info=error)
    return run.outcome == "done"
