"""How the command line polls."""

from types import SimpleNamespace
from typing import Any

import pytest

from argus.cli import waiting


class SlowApi:
    """An API whose lists take two seconds, and whose items are ready after a minute."""

    def __init__(self) -> None:
        self.now = 0.0
        self.reading = 0.0

    def list(self, _path: str) -> list[dict[str, Any]]:
        self.now += 2
        self.reading += 2
        return [{"id": name, "state": "ready" if self.now >= 60 else "pending"} for name in "ab"]


def test_requests_fill_at_most_half_of_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    api: Any = SlowApi()
    pause = lambda seconds: setattr(api, "now", api.now + seconds)  # noqa: E731
    monkeypatch.setattr(waiting, "time", SimpleNamespace(monotonic=lambda: api.now, sleep=pause))
    deadline = waiting.Deadline.after(600)
    found = waiting.wait_for(api, "/scans", ["a", "b"], final=frozenset({"ready"}), deadline=deadline)
    assert {item["state"] for item in found.values()} == {"ready"}
    assert api.reading - 2 <= api.now / 2  # no pause follows the last request
