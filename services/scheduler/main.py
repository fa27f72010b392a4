"""The scheduler's tick: every minute EventBridge calls, and each sweep runs on its own."""

import logging
from functools import cache
from typing import Any

from argus.container import Container
from argus.core.errors import ArgusError
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
    failed = [name for name in TICKS if not _run(name)]
    if failed:
        raise SweepsFailed(", ".join(failed))
    return {"ran": list(TICKS)}


def _run(name: str) -> bool:
    try:
        TICKS[name](container())()
    except Exception as error:
        _log.error("sweep failed", extra={"sweep": name}, exc_info=error)
        return False
    return True
