"""What tests of the core share."""

from collections.abc import Callable
from typing import Any

import pytest

from argus.container import Container
from argus.core.functions import FUNCTIONS
from argus.jobs import JOBS, JobHandler
from services.local import events
from services.local.demo.scenes import flir_scene
from services.realtime import main as realtime
from services.scanner import main as scanner
from services.worker import main as worker
from services.worker.time_limit import DeadlineExceeded
from tests.conftest import Person, Workers
from tests.imagery.uploads import uploaded
from tests.services import queue_events

FILE = {"name": "a.jpg", "size": 10, "content_type": "image/jpeg"}


@pytest.fixture(scope="module")
def caller(new_owner: Callable[[], Person]) -> Person:
    """An owner for tests in which other data of the organisation does not matter."""
    return new_owner()


@pytest.fixture
def every_kind_of_work(
    owner: Person,
    argus: Container,
    workers: Workers,
    tick: Callable[[], Any],
    monkeypatch: pytest.MonkeyPatch,
) -> Callable[[], None]:
    """Does work of every entry point, with every kind of end."""

    def request(image_id: str) -> None:
        etag = owner.get(f"/images/{image_id}").headers["ETag"]
        assert owner.get(f"/images/{image_id}", headers={"If-None-Match": etag}).status_code == 304
        assert owner.call("BREW", "/nothing").status_code == 404
        with monkeypatch.context() as broken:
            broken.setattr(type(argus.imagery), "get", lambda *_: 1 / 0)
            assert owner.get(f"/images/{image_id}").status_code == 500

    def end(how: str) -> None:
        if how == "out of time":
            raise DeadlineExceeded
        if how == "failed":
            raise RuntimeError("requested failure")

    def work() -> None:
        image_id = uploaded(owner, workers, flir_scene(seed=9, width=160, height=120)[0])["id"]
        owner.post("/scans", {"target": {"kind": "image", "id": image_id}, "plugins": [{"id": "thermal_hotspots"}]})
        workers.work()
        request(image_id)
        for function in (worker, scanner):
            for how in ("done", "failed", "out of time"):
                function.handler(queue_events.sqs({"job": "end", "arguments": {"how": how}}), None)
        for route in ("$connect", "$default", "$disconnect"):
            realtime.handler(events.socket(route, "one="), None)
        tick()

    monkeypatch.setattr(realtime, "container", lambda: argus)
    monkeypatch.setitem(JOBS, "end", JobHandler(lambda _: end, lambda _: end, tuple(FUNCTIONS)))
    return work
