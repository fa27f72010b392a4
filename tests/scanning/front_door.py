"""Scans through the front door, and workers that die at a chosen write."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from types import MappingProxyType
from typing import Any

import pytest

from argus.container import Container
from argus.core.dynamo import Table
from tests.conftest import Person

TARGET = "img_00000000000000000000000000"


def request(
    door: Person, *plugins: str, target: str = TARGET, options: Mapping[str, Any] = MappingProxyType({})
) -> str:
    chosen = [{"id": plugin, "options": dict(options)} for plugin in plugins or ["first"]]
    body = {"target": {"kind": "image", "id": target}, "plugins": chosen}
    answer = door.post("/scans", body)
    assert answer.status_code == 202, answer.get_json()
    assert answer.headers["Location"] == f"/api/v1/scans/{answer.get_json()['id']}"
    return str(answer.get_json()["id"])


def run(container: Container, organisation_id: str, scan_id: str) -> None:
    """As the workers do it, without their queue."""
    found = container.scanning.store.get(organisation_id, scan_id)
    assert found is not None
    for one in container.scanning.run_store.of_scan(found):
        container.scanning.run(organisation_id, one.id)
    container.scanning.finalize(organisation_id, scan_id)


def scan(door: Person, scan_id: str) -> dict[str, Any]:
    return dict(door.get(f"/scans/{scan_id}").get_json())


def scanned(
    door: Person, work: Callable[[], None], *plugins: str, options: Mapping[str, Any] = MappingProxyType({})
) -> dict[str, Any]:
    scan_id = request(door, *plugins, options=options)
    work()
    return scan(door, scan_id)


def statuses(door: Person, scan_id: str | None = None) -> dict[str, str]:
    """Status by place, of one scan or as of now."""
    path = f"/scans/{scan_id}/findings" if scan_id else "/findings"
    return {entry["location_key"]: entry["status"] for entry in door.get(f"{path}?limit=100").get_json()["items"]}


def delta(**counts: int) -> dict[str, int]:
    return {"new": 0, "unchanged": 0, "regressed": 0, "fixed": 0, "not_tested": 0, **counts}


class Crash(BaseException):
    """The worker dies, between two writes."""


def die_after(writes: int, act: Callable[[], None]) -> None:
    def die() -> None:
        raise Crash

    with before_write(writes, die, ever_after=True), suppress(Crash):
        act()


@contextmanager
def before_write(number: int, act: Callable[[], None], *, ever_after: bool = False) -> Iterator[None]:
    """Do something before the write of that number to the tables of Argus; writes inside of it do not count."""
    left, acting = number, False

    def counted(real: Any) -> Any:
        def write(self: Table, *args: Any, **kwargs: Any) -> Any:
            nonlocal left, acting
            left -= not acting
            if not acting and (left == -1 or (ever_after and left < 0)):
                acting = True
                try:
                    act()
                finally:
                    acting = False
            return real(self, *args, **kwargs)

        return write

    with pytest.MonkeyPatch.context() as patch:
        for verb in ("put", "put_many", "delete_many", "transact"):
            patch.setattr(Table, verb, counted(getattr(Table, verb)))
        yield
