"""The scheduler: EventBridge sends a tick every minute, which runs each sweep independently."""

import logging
import random
import time
from functools import cache
from typing import Any

from argus.container import Container
from argus.core.background import OutOfTime
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
    outcomes = {
        name: _run(name, tick_id, seconds=min(SWEEP_SECONDS, ends_at - time.monotonic()))
        for name in random.sample(list(TICKS), len(TICKS))  # no sweep is always last, with little time left
    }
    failed = [name for name, outcome in outcomes.items() if outcome == "failed"]
    if failed:
        raise SweepsFailed(", ".join(failed))
    return {"outcomes": outcomes}


def _run(name: str, tick_id: str, *, seconds: float) -> str:
    """Run a sweep, and return its outcome."""
    with sweep(name, request_id=tick_id, seconds=seconds) as run:
        try:
            TICKS[name](container())()
            run.mark_done()
        except OutOfTime:
            run.mark_out_of_time()  # the next tick continues
        except Exception as error:
            run.mark_failed()
            _log.error("sweep failed", extra={"sweep": name}, exc_info=error)
    return run.outcome
