"""Requests scans over HTTP, and simulates workers that die at a chosen write."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from types import MappingProxyType
from typing import Any

import pytest

from argus.container import Container
from argus.core import dynamo
from argus.core.dynamo import Table
from tests.conftest import Person

TARGET = "img_00000000000000000000000000"


def request(
    client: Person, *plugins: str, target: str = TARGET, options: Mapping[str, Any] = MappingProxyType({})
) -> str:
    selections = [{"id": plugin, "options": dict(options)} for plugin in plugins or ["first"]]
    body = {"target": {"kind": "image", "id": target}, "plugins": selections}
    response = client.post("/scans", body)
    assert response.status_code == 202, response.get_json()
    assert response.headers["Location"] == f"/api/v1/scans/{response.get_json()['id']}"
    return str(response.get_json()["id"])


def run(container: Container, organisation_id: str, scan_id: str) -> None:
    """Run a scan like the workers, without their queue."""
    stored = container.scanning.store.get(organisation_id, scan_id)
    assert stored is not None
    for each in container.scanning.run_store.of_scan(stored):
        container.scanning.run(organisation_id, each.id)
    container.scanning.finalize(organisation_id, scan_id)


def scan(client: Person, scan_id: str) -> dict[str, Any]:
    return dict(client.get(f"/scans/{scan_id}").get_json())


def scanned(
    client: Person, work: Callable[[], None], *plugins: str, options: Mapping[str, Any] = MappingProxyType({})
) -> dict[str, Any]:
    scan_id = request(client, *plugins, options=options)
    work()
    return scan(client, scan_id)


def statuses(client: Person, scan_id: str | None = None) -> dict[str, str]:
    """Status by location key, of one scan or of the current findings."""
    path = f"/scans/{scan_id}/findings" if scan_id else "/findings"
    return {entry["location_key"]: entry["status"] for entry in client.get(f"{path}?limit=100").get_json()["items"]}


def delta(**counts: int) -> dict[str, int]:
    return {"new": 0, "unchanged": 0, "regressed": 0, "fixed": 0, "not_tested": 0, **counts}


class Crash(BaseException):
    """The worker dies between two writes."""


def die_after(writes: int, act: Callable[[], None]) -> bool:
    """Whether the worker died: not if it makes fewer writes."""

    def die() -> None:
        raise Crash

    with before_write(writes, die, repeat=True), suppress(Crash):
        act()
        return False
    return True


@contextmanager
def before_write(number: int, act: Callable[[], None], *, repeat: bool = False) -> Iterator[None]:
    """Call `act` before the write with this number to the tables of Argus. Writes by `act` do not count."""
    left, acting = number, False

    def counted(real: Any) -> Any:
        def write(self: Table, *args: Any, **kwargs: Any) -> Any:
            nonlocal left, acting
            left -= not acting
            if not acting and (left == -1 or (repeat and left < 0)):
                acting = True
                try:
                    act()
                finally:
                    acting = False
            return real(self, *args, **kwargs)

        return write

    with pytest.MonkeyPatch.context() as patch:
        for method in ("put", "put_many", "delete_many", "transact"):
            patch.setattr(Table, method, counted(getattr(Table, method)))
        patch.setattr(dynamo, "call_each", lambda call, arguments: list(map(call, arguments)))  # one after another
        yield
