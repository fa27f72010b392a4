"""Fixtures of an Argus whose plugins are scripted."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from argus.app import create_app
from argus.container import Container
from services.scheduler import main as scheduler
from services.worker import main as worker
from tests.conftest import Person, Workers
from tests.scanning.scripted import Scripted, admit_every_image, container_with


@pytest.fixture
def first() -> Scripted:
    return Scripted("first")


@pytest.fixture
def second() -> Scripted:
    return Scripted("second")


@pytest.fixture
def scripted(argus: Container, first: Scripted, second: Scripted) -> Container:
    """An Argus whose plugins are scripted and whose images need not exist."""
    container = container_with(argus, first, second)
    admit_every_image(container)
    return container


@pytest.fixture
def client(scripted: Container, owner: Person) -> Person:
    return Person(create_app(scripted).test_client(), owner.headers, owner.organisation_id)


@pytest.fixture
def work(workers: Workers, scripted: Container, monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    monkeypatch.setattr(worker, "container", lambda: scripted)
    return workers.work


@pytest.fixture
def tick(nothing_due: None, scripted: Container, monkeypatch: pytest.MonkeyPatch) -> Callable[[], object]:
    monkeypatch.setattr(scheduler, "container", lambda: scripted)
    return lambda: scheduler.handler(scheduler.TICK, None)


class LongContext:
    """A Lambda context with enough time: only the test ends it, on any machine."""

    def get_remaining_time_in_millis(self) -> int:
        return 3_600_000


@pytest.fixture
def timed(workers: Workers, work: Callable[[], None]) -> Workers:
    """Workers with a deadline, as in Lambda."""
    pollers = [
        replace(poller, handler=lambda event, _: worker.handler(event, LongContext())) for poller in workers.pollers
    ]
    return replace(workers, pollers=pollers)
