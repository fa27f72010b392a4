"""Asking each thing that Argus stands on whether it answers, all at once and in bounded time."""

import logging
import queue
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from threading import Lock, Thread

SECONDS = 1.5  # for all checks together
KEPT_SECONDS = 3.0  # an answer: nobody's asking, however often, is work for what Argus stands on

_log = logging.getLogger("argus.health")


class Outcome(StrEnum):
    """How a check ended."""

    OK = "ok"
    FAILED = "failed"
    TIMEOUT = "timeout"


@dataclass(frozen=True)
class Check:
    """One thing that was asked, and how long it took to answer."""

    name: str
    outcome: Outcome
    ms: float


@dataclass(frozen=True)
class Health:
    """Readiness. A check is a call that returns when its thing answers, and raises when not."""

    checks: Callable[[], Mapping[str, Callable[[], object]]]  # made with the first question: clients come with them
    seconds: float = SECONDS
    monotonic: Callable[[], float] = time.monotonic
    _asking: Lock = field(default_factory=Lock, init=False, repr=False)
    _kept: list[tuple[float, list[Check]]] = field(default_factory=list, init=False, repr=False)  # at most one

    def ready(self) -> list[Check]:
        """Every check, in the order of their names, as it ended a few seconds ago at most. One asks at a time, and
        whoever came meanwhile has the same answer."""
        with self._asking:
            for until, answer in self._kept:
                if self.monotonic() < until:
                    return answer
            answer = self._ask_all()
            self._kept[:] = [(self.monotonic() + KEPT_SECONDS, answer)]
            return answer

    def _ask_all(self) -> list[Check]:
        """What went wrong is for the log; callers learn which did."""
        checks = self.checks()
        answers: queue.SimpleQueue[Check] = queue.SimpleQueue()
        started = time.monotonic()
        for name, check in checks.items():
            # Not a pool: what hangs is left behind, and a pool would wait for it when the process ends.
            Thread(target=_ask, args=(name, check, answers), name=f"ready-{name}", daemon=True).start()
        found: dict[str, Check] = {}
        while len(found) < len(checks):
            try:
                answer = answers.get(timeout=max(0.0, started + self.seconds - time.monotonic()))
            except queue.Empty:
                break
            found[answer.name] = answer
        late = Outcome.TIMEOUT
        return [found.get(name) or Check(name, late, round(self.seconds * 1000, 1)) for name in sorted(checks)]


def _ask(name: str, check: Callable[[], object], answers: "queue.SimpleQueue[Check]") -> None:
    started = time.monotonic()
    try:
        check()
        outcome = Outcome.OK
    except Exception as error:
        _log.warning("not ready: %s", name, exc_info=error)
        outcome = Outcome.FAILED
    answers.put(Check(name, outcome, round((time.monotonic() - started) * 1000, 1)))
