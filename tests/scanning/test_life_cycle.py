"""A finding through its whole life, whatever happens to the scans that find it."""

import json
import signal
from collections.abc import Callable, Iterable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from argus.container import Container
from argus.scanning.engine import MAX_NOT_TESTED
from argus.scanning.finding_store import FindingStore
from argus.scanning.model import Finding, ScanState, Severity
from argus.scanning.plugin import Tools
from tests.conftest import MovableClock, Person, Workers
from tests.scanning.front_door import (
    before_write,
    delta,
    die_after,
    request,
    run,
    scan,
    scanned,
    statuses,
)
from tests.scanning.scripted import Scripted, spot


def _raises(_tools: Tools) -> Iterable[Finding]:
    yield spot("before")
    raise ValueError("could not open org_x/images/img_x/original")


def test_a_finding_is_new_then_unchanged_then_fixed_then_regressed(
    door: Person, work: Callable[[], None], first: Scripted
) -> None:
    first.finds("a")
    assert scanned(door, work)["delta"] == delta(new=1)
    assert scanned(door, work)["delta"] == delta(unchanged=1)
    first.finds()
    repaired = scanned(door, work)
    assert (repaired["delta"], repaired["counts"]["medium"]) == (delta(fixed=1), 0)
    (finding,) = door.get("/findings").get_json()["items"]
    assert (finding["status"], finding["open"], finding["scan_id"]) == ("fixed", False, repaired["id"])
    assert finding["fixed_at"]
    assert scanned(door, work)["delta"] == delta()
    first.finds("a")
    assert scanned(door, work)["delta"] == delta(regressed=1)
    (finding,) = door.get("/findings").get_json()["items"]
    assert (finding["status"], finding["open"], finding["fixed_at"]) == ("regressed", True, None)
    assert finding["first_seen_at"] < finding["last_seen_at"]


def test_what_was_not_looked_for_is_not_fixed(
    door: Person, work: Callable[[], None], first: Scripted, second: Scripted
) -> None:
    first.finds("a")
    second.finds("b")
    scanned(door, work, "first", "second")
    assert scanned(door, work, "first")["delta"] == delta(unchanged=1, not_tested=1)
    assert statuses(door) == {"a": "unchanged", "b": "not_tested"}
    assert scanned(door, work, "first", "second")["delta"] == delta(unchanged=2)


def test_what_a_failed_step_did_not_see_is_not_fixed(door: Person, work: Callable[[], None], first: Scripted) -> None:
    first.finds("a")
    scanned(door, work)
    first.script = _raises
    assert scanned(door, work)["delta"] == delta(new=1, not_tested=1)


def test_what_was_seen_but_not_told_is_not_fixed(door: Person, work: Callable[[], None], first: Scripted) -> None:
    def cut_short(tools: Tools) -> Iterable[Finding]:
        tools.mark_not_tested("spot")
        yield spot("a")

    first.finds("a", "b")
    scanned(door, work)
    first.script = cut_short
    done = scanned(door, work)
    assert (done["delta"], done["steps"][0]["not_tested"]) == (
        delta(unchanged=1, not_tested=1),
        [{"rule": "spot", "location_key": None}],
    )


def test_a_scan_cancelled_at_its_very_end_tells_nothing(
    door: Person, work: Callable[[], None], first: Scripted, scripted: Container, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = type(scripted.scanning.store).save

    def cancelled_before_the_end(store: Any, scan: Any, **kwargs: Any) -> Any:
        if not scan.open_runs and scan.state == "running":
            monkeypatch.setattr(type(store), "save", real)
            saved = real(store, scan, **kwargs)
            door.post(f"/scans/{scan.id}/cancel")
            return saved
        return real(store, scan, **kwargs)

    first.finds("a")
    scan_id = request(door)
    monkeypatch.setattr(type(scripted.scanning.store), "save", cancelled_before_the_end)
    work()
    assert (scan(door, scan_id)["state"], statuses(door)) == ("cancelled", {})


@pytest.mark.parametrize("writes", range(17))
def test_a_scan_cancelled_at_any_write_has_told_nothing_or_tells_it_all(
    door: Person, work: Callable[[], None], first: Scripted, writes: int
) -> None:
    """What a scan that ended told, it counts; what a cancelled one found is new to the next."""
    first.finds("a", "gone")
    scanned(door, work)
    first.finds("a", "b", "c")
    scan_id = request(door)
    answers: list[int] = []
    with before_write(writes, lambda: answers.append(door.post(f"/scans/{scan_id}/cancel").status_code)):
        work()
    ended, expected = scan(door, scan_id), delta(new=2, unchanged=1, fixed=1)
    if answers == [200]:
        assert (ended["state"], ended["delta"]) == ("cancelled", {})
        assert statuses(door) == {"a": "new", "gone": "new"}
        assert scanned(door, work)["delta"] == expected
    else:
        assert answers == [409]
        assert (ended["state"], ended["delta"]) == ("succeeded", expected)
        assert scanned(door, work)["delta"] == delta(unchanged=3)


def test_a_scan_whose_time_runs_out_while_it_tells_goes_on_until_all_is_told(
    door: Person, timed: Workers, first: Scripted, clock: MovableClock, tick: Any
) -> None:
    first.finds("a", "b", "c", "d")
    scan_id = request(door)
    with pytest.MonkeyPatch.context() as patch:
        told = _only_one_each_time(patch)
        dead = timed.work_until_dead(timed.outputs.jobs_dead_queue_url, scan_id)
    assert (json.loads(dead["Body"])["arguments"]["scan_id"], len(told)) == (scan_id, 3)
    assert (scan(door, scan_id)["state"], statuses(door)) == ("running", dict.fromkeys(told, "new"))
    assert door.post(f"/scans/{scan_id}/cancel").get_json()["code"] == "scan_ending"
    clock.move(minutes=10)
    tick()
    timed.work()
    done = scan(door, scan_id)
    assert (done["state"], done["delta"], done["counts"]["medium"]) == ("succeeded", delta(new=4), 4)
    assert statuses(door) == dict.fromkeys("abcd", "new")
    request(door)
    timed.work()
    assert statuses(door) == dict.fromkeys("abcd", "unchanged")


def _only_one_each_time(patch: pytest.MonkeyPatch) -> list[str]:
    """Time for telling one finding and no more, every time; the places of those that were told."""
    real, told = FindingStore.track, []

    def track(store: FindingStore, finding: Any) -> None:
        real(store, finding)
        told.append(finding.location_key)
        signal.raise_signal(signal.SIGALRM)

    patch.setattr(FindingStore, "track", track)
    return told


def test_of_two_scans_at_once_the_one_that_is_published_later_finds_the_same_unchanged(
    door: Person, first: Scripted, scripted: Container
) -> None:
    """The first tested earlier, and ends while the second tests its target."""

    def meanwhile(_tools: Tools) -> Iterable[Finding]:
        scripted.scanning.finalize(door.organisation_id, earlier)
        yield spot("a")

    first.finds("a")
    earlier, later = request(door), request(door)
    scripted.scanning.run(door.organisation_id, f"{earlier}.00")
    first.script = meanwhile
    run(scripted, door.organisation_id, later)
    (finding,) = door.get("/findings").get_json()["items"]
    assert (finding["status"], finding["scan_id"]) == ("unchanged", later)
    assert statuses(door, later) == {"a": "unchanged"}
    assert scan(door, earlier)["delta"] == delta(new=1)
    assert scan(door, later)["delta"] == delta(unchanged=1)
    assert finding["first_seen_at"] < finding["last_seen_at"]


def test_a_scan_that_began_earlier_and_ends_later_says_nothing_new(
    door: Person, first: Scripted, scripted: Container
) -> None:
    def meanwhile(_tools: Tools) -> Iterable[Finding]:
        first.finds("a")
        run(scripted, door.organisation_id, inner)
        yield spot("a")
        yield spot("b")

    inner, outer = request(door), request(door)
    first.script = meanwhile
    run(scripted, door.organisation_id, outer)
    assert statuses(door, outer) == {"a": "unchanged", "b": "new"}
    assert (statuses(door), scan(door, inner)["delta"]) == ({"a": "new", "b": "new"}, delta(new=1))


@pytest.mark.parametrize("evidence", [{"peak": float("nan")}, {"peak": object()}, {"text": "x" * 70_000}])
def test_a_finding_that_could_not_be_stored_fails_its_step(
    door: Person, work: Callable[[], None], first: Scripted, evidence: Any
) -> None:
    first.script = lambda _tools: [spot("a", evidence=evidence)]
    done = scanned(door, work)
    assert (done["state"], done["steps"][0]["state"]) == ("failed", "failed")


def test_a_cancel_decided_upon_another_version_is_refused(door: Person, work: Callable[[], None]) -> None:
    scan_id = request(door)
    early = door.get(f"/scans/{scan_id}").headers["ETag"]
    work()
    assert door.post(f"/scans/{scan_id}/cancel", headers={"If-Match": early}).status_code == 412


def test_a_cancel_decided_upon_a_version_that_changes_meanwhile_is_refused(
    door: Person, scripted: Container, clock: MovableClock
) -> None:
    scan_id = request(door)
    early = door.get(f"/scans/{scan_id}").headers["ETag"]

    def claimed_meanwhile() -> None:
        mine = scripted.scanning.store.get(door.organisation_id, scan_id)
        assert mine is not None
        assert scripted.scanning.store.save(replace(mine, state=ScanState.RUNNING)) is not None

    with before_write(0, claimed_meanwhile):
        answer = door.post(f"/scans/{scan_id}/cancel", headers={"If-Match": early})
    assert (answer.status_code, scan(door, scan_id)["state"]) == (412, "running")
    assert door.post(f"/scans/{scan_id}/cancel").get_json()["state"] == "cancelled"


def test_findings_of_other_targets_and_tenants_are_not_touched(
    door: Person, work: Callable[[], None], first: Scripted, stranger: Person
) -> None:
    first.finds("a")
    scanned(door, work)
    request(door, target="img_00000000000000000000000001")
    other = Person(door.http, stranger.headers)
    request(other)
    first.finds()
    work()
    assert statuses(door) == {"a": "new"}
    assert statuses(other) == {}


def test_evidence_severity_and_version_do_not_make_another_finding(
    door: Person, work: Callable[[], None], first: Scripted
) -> None:
    first.script = lambda _tools: [spot("a", severity=Severity.LOW, evidence={"peak": 1.0})]
    scanned(door, work)
    first.version = "2.0.0"
    first.script = lambda _tools: [spot("a", severity=Severity.HIGH, evidence={"peak": 99.5})]
    assert scanned(door, work)["delta"] == delta(unchanged=1)
    (finding,) = door.get("/findings").get_json()["items"]
    assert (finding["severity"], finding["evidence"]) == ("high", {"peak": 99.5})


def test_an_older_scan_that_ends_later_does_not_overrule_a_newer_one(
    door: Person, work: Callable[[], None], first: Scripted, scripted: Container
) -> None:
    """What was fixed by a scan that began later does not regress by an older observation."""

    def overtaken(_tools: Tools) -> Iterable[Finding]:
        first.finds()
        newer = request(door)
        run(scripted, door.organisation_id, newer)
        yield spot("a")

    first.finds("a")
    scanned(door, work)
    first.script = overtaken
    older = scanned(door, work)
    assert (statuses(door), older["delta"]) == ({"a": "fixed"}, delta(unchanged=1))


# ---------------------------------------------------------------- when a finding is fixed


def test_what_was_not_tested_at_its_place_is_not_fixed(door: Person, work: Callable[[], None], first: Scripted) -> None:
    def partly(tools: Tools) -> Iterable[Finding]:
        tools.mark_not_tested("spot", "b")
        return []

    first.finds("a", "b")
    scanned(door, work)
    first.script = partly
    done = scanned(door, work)
    assert done["steps"][0]["not_tested"] == [{"rule": "spot", "location_key": "b"}]
    assert statuses(door) == {"a": "fixed", "b": "not_tested"}


def test_a_rule_that_was_not_tested_at_very_many_places_was_not_tested(
    door: Person, work: Callable[[], None], first: Scripted
) -> None:
    def hardly(tools: Tools) -> Iterable[Finding]:
        for number in range(MAX_NOT_TESTED + 1):
            tools.mark_not_tested("spot", f"place {number}")
        return []

    first.finds("a")
    scanned(door, work)
    first.script = hardly
    assert scanned(door, work)["steps"][0]["not_tested"] == [{"rule": "spot", "location_key": None}]
    assert statuses(door) == {"a": "not_tested"}


def test_what_a_less_sensitive_scan_does_not_see_is_not_fixed(
    door: Person, work: Callable[[], None], first: Scripted
) -> None:
    """`--option delta_celsius=40` once marked spots of 33 °C as fixed."""
    first.finds("a")
    scanned(door, work, options={"delta": 10})
    first.finds()
    assert scanned(door, work, options={"delta": 40})["delta"] == delta(not_tested=1)
    assert statuses(door) == {"a": "not_tested"}
    assert scanned(door, work, options={"delta": 10})["delta"] == delta(fixed=1)


def test_a_finding_is_compared_with_the_options_that_found_it_last(
    door: Person, work: Callable[[], None], first: Scripted
) -> None:
    first.finds("a")
    scanned(door, work, options={"delta": 10})
    scanned(door, work, options={"delta": 20})
    first.finds()
    assert scanned(door, work, options={"delta": 15})["delta"] == delta(fixed=1)


def test_a_plugin_that_is_no_more_fixes_nothing(
    door: Person, work: Callable[[], None], first: Scripted, second: Scripted, scripted: Container
) -> None:
    first.finds("a")
    scanned(door, work)

    def uninstalled(_tools: Tools) -> Iterable[Finding]:
        del scripted.catalogue.manifests["first"]
        return []

    second.script = uninstalled
    assert scanned(door, work, "first", "second")["delta"] == delta(unchanged=1)
    assert scanned(door, work, "second")["delta"] == delta(not_tested=1)


@pytest.mark.parametrize("mark", [("Spot",), ("spot", 5)], ids=["no rule", "no place"])
def test_a_mark_that_would_cover_nothing_fails_its_step(
    door: Person, work: Callable[[], None], first: Scripted, mark: Any
) -> None:
    def misspelt(tools: Tools) -> Iterable[Finding]:
        tools.mark_not_tested(*mark)
        return []

    first.finds("a")
    scanned(door, work)
    first.script = misspelt
    assert scanned(door, work)["delta"] == delta(not_tested=1)


def test_marks_that_would_not_fit_into_a_step_become_marks_of_their_rules(
    door: Person, work: Callable[[], None], first: Scripted
) -> None:
    def long(tools: Tools) -> Iterable[Finding]:
        tools.mark_not_tested("spot", "x" * 100_000)
        return []

    first.script = long
    assert scanned(door, work)["steps"][0]["not_tested"] == [{"rule": "spot", "location_key": None}]


def test_a_scan_of_other_plugins_does_not_silence_one_that_still_runs(
    door: Person, work: Callable[[], None], first: Scripted, second: Scripted, scripted: Container
) -> None:
    """It began later and tested nothing of what the other tests."""

    def meanwhile(_tools: Tools) -> Iterable[Finding]:
        run(scripted, door.organisation_id, request(door, "second"))
        assert statuses(door) == {"a": "not_tested", "b": "not_tested"}
        yield spot("a")

    first.finds("a", "b")
    scanned(door, work)
    first.script = meanwhile
    assert scanned(door, work)["delta"] == delta(unchanged=1, fixed=1)
    assert statuses(door) == {"a": "unchanged", "b": "fixed"}


def test_a_failed_scan_that_began_earlier_does_not_overrule_a_later_one(
    door: Person, work: Callable[[], None], first: Scripted, scripted: Container
) -> None:
    def fails(_tools: Tools) -> Iterable[Finding]:
        first.finds("a")
        run(scripted, door.organisation_id, request(door))
        raise ValueError
        yield

    first.finds("a")
    scanned(door, work)
    first.script = fails
    assert scanned(door, work)["delta"] == delta()
    assert statuses(door) == {"a": "unchanged"}


def test_the_time_of_the_step_decides_not_that_of_its_scan(
    door: Person, first: Scripted, second: Scripted, scripted: Container
) -> None:
    """A scan began earlier, and its other run tests later: what it finds is not fixed by a scan that began between."""

    def begins(_tools: Tools) -> Iterable[Finding]:
        return []

    first.budget = second.budget = SimpleNamespace(seconds=90, requests=0)
    second.script = begins
    earlier = request(door, "first", "second")
    scripted.scanning.run(door.organisation_id, f"{earlier}.01")
    first.finds()
    between = request(door)
    scripted.scanning.run(door.organisation_id, f"{between}.00")
    first.finds("leak")
    scripted.scanning.run(door.organisation_id, f"{earlier}.00")
    scripted.scanning.finalize(door.organisation_id, earlier)
    scripted.scanning.finalize(door.organisation_id, between)
    assert statuses(door) == {"leak": "new"}


def test_a_finding_keeps_its_first_sight_when_two_scans_publish_it(
    door: Person, first: Scripted, scripted: Container, clock: MovableClock
) -> None:
    """The one that publishes later was interrupted after its point of no return, and goes on."""
    first.finds("a")
    one, other = request(door), request(door)
    for scan_id in (one, other):
        scripted.scanning.run(door.organisation_id, f"{scan_id}.00")
    die_after(1, lambda: scripted.scanning.finalize(door.organisation_id, other))
    scripted.scanning.finalize(door.organisation_id, one)
    (before,) = door.get("/findings").get_json()["items"]
    clock.move(minutes=20)
    scripted.scanning.finalize(door.organisation_id, other)
    (after,) = door.get("/findings").get_json()["items"]
    assert (after["first_seen_at"], after["scan_id"]) == (before["first_seen_at"], other)
