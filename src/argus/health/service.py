"""Readiness: runs all checks in parallel, in bounded time."""

import logging
import queue
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from threading import Lock, Thread

SECONDS = 1.5  # for all checks together
CACHE_SECONDS = 3.0  # of a result, so that frequent requests to /ready cost the checked services nothing

_log = logging.getLogger("argus.health")


class Outcome(StrEnum):
    """How a check ended."""

    OK = "ok"
    FAILED = "failed"
    TIMEOUT = "timeout"


@dataclass(frozen=True)
class Check:
    """The outcome of one check, and how long it took."""

    name: str
    outcome: Outcome
    ms: float


@dataclass(frozen=True)
class Health:
    """Readiness. A check is a function that returns if its service answers, and raises if not."""

    checks: Callable[[], Mapping[str, Callable[[], object]]]  # created on first use, because checks need clients
    seconds: float = SECONDS
    monotonic: Callable[[], float] = time.monotonic
    _lock: Lock = field(default_factory=Lock, init=False, repr=False)
    _cached: list[tuple[float, list[Check]]] = field(default_factory=list, init=False, repr=False)  # at most one

    def ready(self) -> list[Check]:
        """Every check by name, with an outcome that is a few seconds old at most. Concurrent calls share one run."""
        with self._lock:
            for until, checks in self._cached:
                if self.monotonic() < until:
                    return checks
            checks = self._run_checks()
            self._cached[:] = [(self.monotonic() + CACHE_SECONDS, checks)]
            return checks

    def _run_checks(self) -> list[Check]:
        """Run all checks. Errors are logged; callers see only the outcomes."""
        checks = self.checks()
        results: queue.SimpleQueue[Check] = queue.SimpleQueue()
        started = time.monotonic()
        for name, check in checks.items():
            # Daemon threads, not a pool: a pool would wait for hanging checks when the process ends.
            Thread(target=_run_check, args=(name, check, results), name=f"ready-{name}", daemon=True).start()
        finished: dict[str, Check] = {}
        while len(finished) < len(checks):
            try:
                result = results.get(timeout=max(0.0, started + self.seconds - time.monotonic()))
            except queue.Empty:
                break
            finished[result.name] = result
        milliseconds = round(self.seconds * 1000, 1)
        return [finished.get(name) or Check(name, Outcome.TIMEOUT, milliseconds) for name in sorted(checks)]


def _run_check(name: str, check: Callable[[], object], results: "queue.SimpleQueue[Check]") -> None:
    started = time.monotonic()
    try:
        check()
        outcome = Outcome.OK
    except Exception as error:
        _log.warning("not ready: %s", name, exc_info=error)
        outcome = Outcome.FAILED
    results.put(Check(name, outcome, round((time.monotonic() - started) * 1000, 1)))
