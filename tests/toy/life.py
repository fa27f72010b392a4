"""The life of a toy; `tests/journeys/test_toy.py` runs it in its copy of the sources."""

from collections.abc import Callable
from typing import Any

from tests.conftest import MovableClock, Person, Workers


def test_life(owner: Person, workers: Workers, clock: MovableClock, tick: Callable[[], Any]) -> None:
    toy = owner.post("/toys", {"name": "Tin mouse"}).get_json()
    workers.lose(toy["id"])
    clock.move(minutes=3)
    assert "toys.sweep" in tick()["ran"]
    workers.work()
    wound = owner.get(f"/toys/{toy['id']}").get_json()
    assert (wound["state"], wound["turns"]) == ("wound", 12)
    assert owner.get("/toys/toy_0").get_json()["code"] == "no_such_toy"
