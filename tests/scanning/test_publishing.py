"""Publishing the findings of a scan, page by page."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import timedelta
from itertools import count, pairwise
from typing import Any

import pytest

from argus.container import Container
from argus.core.background import HEARTBEAT_SECONDS
from argus.scanning.finding_store import FindingStore
from argus.scanning.model import Scan, Status, Target, TrackedFinding
from argus.scanning.publishing import PAGE
from argus.scanning.store import ScanStore
from tests.conftest import MovableClock, Person
from tests.scanning.api import TARGET, delta, request, run, scan, scanned, statuses
from tests.scanning.scripted import Scripted, spot

LOCATIONS = [f"{number:03}" for number in range(2 * PAGE + 50)]


def _before_each_page(monkeypatch: pytest.MonkeyPatch, act: Callable[[list[TrackedFinding]], object]) -> None:
    real = FindingStore.track

    def track(self: FindingStore, findings: Iterable[TrackedFinding]) -> None:
        page = list(findings)
        act(page)
        real(self, page)

    monkeypatch.setattr(FindingStore, "track", track)


def _tracked(container: Container, client: Person) -> dict[str, TrackedFinding]:
    """The current state of each finding, by location key."""
    found = container.scanning.finding_store.tracked(client.organisation_id, Target("image", TARGET))
    return {finding.location_key: finding for finding in found}


def test_known_findings_are_published_in_pages_and_the_claim_is_renewed_between_them(
    client: Person, first: Scripted, scripted: Container, clock: MovableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    events: list[Any] = []
    leases: list[Any] = []
    save = ScanStore.save

    def saved(self: ScanStore, item: Scan) -> Scan | None:
        if item.finalizing:
            events.append("renewed")
            leases.append(item.lease_until)
        return save(self, item)

    def published(page: list[TrackedFinding]) -> None:
        events.append(len(page))
        clock.move(minutes=2)

    first.finds(*LOCATIONS)
    run(scripted, client.organisation_id, request(client))
    rescan = request(client)
    seconds = count(step=HEARTBEAT_SECONDS)
    monkeypatch.setitem(vars(scripted.scanning.scans), "monotonic", lambda: next(seconds))
    monkeypatch.setattr(ScanStore, "save", saved)
    _before_each_page(monkeypatch, published)
    run(scripted, client.organisation_id, rescan)
    assert events == ["renewed", PAGE, "renewed", PAGE, "renewed", 50, "renewed"]
    assert all(later - earlier >= timedelta(minutes=2) for earlier, later in pairwise(leases))
    done = scan(client, rescan)
    assert (done["state"], done["delta"]) == ("succeeded", delta(unchanged=len(LOCATIONS)))
    tracked = _tracked(scripted, client)
    assert sorted(tracked) == LOCATIONS
    assert {(one.scan_id, one.status) for one in tracked.values()} == {(rescan, Status.UNCHANGED)}


def test_a_finding_that_a_newer_scan_publishes_at_the_same_time_is_not_overwritten(
    client: Person, first: Scripted, scripted: Container, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = scripted.scanning.finding_store

    def newer_scan(page: list[TrackedFinding]) -> None:
        """It started later, and did not find the first finding of the page."""
        monkeypatch.undo()
        later = page[0].tested_at + timedelta(seconds=1)
        store.track([replace(page[0], tested_at=later, scan_id="scan_newer", status=Status.FIXED, open=False)])

    first.finds("a", "b", "c")
    run(scripted, client.organisation_id, request(client))
    rescan = request(client)
    _before_each_page(monkeypatch, newer_scan)
    run(scripted, client.organisation_id, rescan)
    assert Counter(one.scan_id for one in _tracked(scripted, client).values()) == {"scan_newer": 1, rescan: 2}
    assert sorted(statuses(client).values()) == ["fixed", "unchanged", "unchanged"]


EVIDENCE = {
    "text": 'Ω 温度 🔥 «quoted» "\\ \u2028 \x7f' * 200,
    "floats": [5e-324, 1e-200, -1.7976931348623157e308, 0.1, 1 / 3, 1e22, -0.5],
    "integers": [0, -1, 2**53 + 1, 10**40],
    "nested": [[], [[[]]], {}, {"": {"a": [None, True, False, ""]}}],
    "nothing": None,
}


def test_a_finding_is_read_back_exactly_as_its_plugin_gave_it(
    client: Person, first: Scripted, scripted: Container
) -> None:
    first.script = lambda _tools: [spot("ö/1 🔥", evidence=EVIDENCE)]
    scan_id = request(client)
    run(scripted, client.organisation_id, scan_id)
    for path in ("/findings", f"/scans/{scan_id}/findings"):
        (finding,) = client.get(path).get_json()["items"]
        assert (finding["evidence"], finding["location"]) == (EVIDENCE, {"at": "ö/1 🔥"})
        assert repr(finding["evidence"]["floats"]) == repr(EVIDENCE["floats"])


@pytest.mark.parametrize("where", ["evidence", "location"])
def test_a_text_that_utf_8_cannot_encode_fails_the_step_of_its_plugin(
    client: Person, work: Callable[[], None], first: Scripted, where: str
) -> None:
    """It failed the whole scan, after three attempts."""
    lone_surrogate = "\ud800"
    finding = spot("a") if where == "evidence" else spot(lone_surrogate)
    first.script = lambda _tools: [replace(finding, evidence={"text": lone_surrogate})]
    done = scanned(client, work)
    assert (done["state"], done["steps"][0]["state"]) == ("failed", "failed")
    assert done["steps"][0]["reason"] is not None
