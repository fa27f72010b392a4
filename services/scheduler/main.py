"""The scheduler's tick: every minute EventBridge calls, and each sweep runs on its own."""

import logging
from functools import cache
from typing import Any

from argus.container import Container
from argus.core.errors import ArgusError
from argus.core.work import job
from argus.jobs import TICKS

# What EventBridge sends; the laptop and the tests send it too.
TICK = {"source": "aws.events", "detail-type": "Scheduled Event"}
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
    tick_id = str(event.get("id", ""))
    failed = [name for name in TICKS if not _run(name, tick_id)]
    if failed:
        raise SweepsFailed(", ".join(failed))
    return {"ran": list(TICKS)}


def _run(name: str, tick_id: str) -> bool:
    with job(name, request_id=tick_id) as told:
        try:
            TICKS[name](container())()
            told.done()
        except Exception as error:
            told.failed()
            _log.error("sweep failed", extra={"sweep": name}, exc_info=error)
    return told.outcome == "done"
