"""The status of findings over several scans, including scans that fail."""

import itertools
import json
import signal
from collections.abc import Callable, Iterable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from argus.app import create_app
from argus.container import Container
from argus.core.backoff import CONTENTION, Contended
from argus.scanning import publishing
from argus.scanning.engine import MAX_NOT_TESTED
from argus.scanning.finding_store import FindingStore
from argus.scanning.model import Finding, ScanState, Severity
from argus.scanning.plugin import Tools
from argus.scanning.service import Scanning
from services.worker.batch import MAX_RECEIVES
from tests.conftest import MovableClock, Person, Workers
from tests.scanning.api import (
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
    client: Person, work: Callable[[], None], first: Scripted
) -> None:
    first.finds("a")
    assert scanned(client, work)["delta"] == delta(new=1)
    assert scanned(client, work)["delta"] == delta(unchanged=1)
    first.finds()
    fixed = scanned(client, work)
    assert (fixed["delta"], fixed["counts"]["medium"]) == (delta(fixed=1), 0)
    (finding,) = client.get("/findings").get_json()["items"]
    assert (finding["status"], finding["open"], finding["scan_id"]) == ("fixed", False, fixed["id"])
    assert finding["fixed_at"]
    assert scanned(client, work)["delta"] == delta()
    first.finds("a")
    assert scanned(client, work)["delta"] == delta(regressed=1)
    (finding,) = client.get("/findings").get_json()["items"]
    assert (finding["status"], finding["open"], finding["fixed_at"]) == ("regressed", True, None)
    assert finding["first_seen_at"] < finding["last_seen_at"]


def test_a_finding_of_a_plugin_that_did_not_run_is_not_fixed(
    client: Person, work: Callable[[], None], first: Scripted, second: Scripted
) -> None:
    first.finds("a")
    second.finds("b")
    scanned(client, work, "first", "second")
    assert scanned(client, work, "first")["delta"] == delta(unchanged=1, not_tested=1)
    assert statuses(client) == {"a": "unchanged", "b": "not_tested"}
    assert scanned(client, work, "first", "second")["delta"] == delta(unchanged=2)


def test_a_finding_that_a_failed_step_did_not_detect_is_not_fixed(
    client: Person, work: Callable[[], None], first: Scripted
) -> None:
    first.finds("a")
    scanned(client, work)
    first.script = _raises
    assert scanned(client, work)["delta"] == delta(new=1, not_tested=1)


def test_a_finding_omitted_from_a_truncated_result_is_not_fixed(
    client: Person, work: Callable[[], None], first: Scripted
) -> None:
    def cut_short(tools: Tools) -> Iterable[Finding]:
        tools.mark_not_tested("spot")
        yield spot("a")

    first.finds("a", "b")
    scanned(client, work)
    first.script = cut_short
    done = scanned(client, work)
    assert (done["delta"], done["steps"][0]["not_tested"]) == (
        delta(unchanged=1, not_tested=1),
        [{"rule": "spot", "location_key": None}],
    )


def test_a_scan_cancelled_before_it_is_finalized_publishes_nothing(
    client: Person, work: Callable[[], None], first: Scripted, scripted: Container, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = type(scripted.scanning.store).save

    def cancelled_before_the_end(store: Any, scan: Any, **kwargs: Any) -> Any:
        if not scan.open_runs and scan.state == "running":
            monkeypatch.setattr(type(store), "save", real)
            saved = real(store, scan, **kwargs)
            client.post(f"/scans/{scan.id}/cancel")
            return saved
        return real(store, scan, **kwargs)

    first.finds("a")
    scan_id = request(client)
    monkeypatch.setattr(type(scripted.scanning.store), "save", cancelled_before_the_end)
    work()
    assert (scan(client, scan_id)["state"], statuses(client)) == ("cancelled", {})


def test_a_scan_cancelled_at_any_write_publishes_nothing_or_everything(
    client: Person, work: Callable[[], None], first: Scripted
) -> None:
    """A scan that ended counts what it published. Findings of a cancelled scan are new in the next."""
    targets = (f"img_{number:026}" for number in itertools.count())
    target, is_scanned, outcomes = next(targets), False, []
    for writes in range(17):
        if not is_scanned:
            first.finds("a", "gone")
            request(client, target=target)
            work()
        first.finds("a", "b", "c")
        scan_id, cancelled = request(client, target=target), list[int]()
        with before_write(writes, _cancel(client, scan_id, cancelled)):
            work()
        ended, now = scan(client, scan_id), _statuses_of(client, target)
        outcomes += cancelled
        if cancelled == [200]:  # the next scan finds the target as it was
            assert (ended["state"], ended["delta"]) == ("cancelled", {}), writes
            assert now == {"a": "new", "gone": "new"}, writes
            is_scanned = True
        else:
            assert cancelled == [409], writes
            assert (ended["state"], ended["delta"]) == ("succeeded", delta(new=2, unchanged=1, fixed=1)), writes
            assert now == {"a": "unchanged", "b": "new", "c": "new", "gone": "fixed"}, writes
            next_id = request(client, target=target)
            work()
            assert scan(client, next_id)["delta"] == delta(unchanged=3), writes
            target, is_scanned = next(targets), False
    assert (outcomes, len(set(outcomes))) == (sorted(outcomes), 2)


def _cancel(client: Person, scan_id: str, status_codes: list[int]) -> Callable[[], None]:
    return lambda: status_codes.append(client.post(f"/scans/{scan_id}/cancel").status_code)


def _statuses_of(client: Person, target: str) -> dict[str, str]:
    found = client.get(f"/findings?target=image:{target}").get_json()["items"]
    return {entry["location_key"]: entry["status"] for entry in found}


def test_a_scan_that_times_out_while_publishing_resumes_until_all_is_published(
    client: Person, timed: Workers, first: Scripted, clock: MovableClock, tick: Any
) -> None:
    locations = "abcdef"  # one more than receives
    first.finds(*locations)
    scan_id = request(client)
    with pytest.MonkeyPatch.context() as patch:
        published = _one_finding_per_attempt(patch)
        dead = timed.work_until_dead(timed.outputs.jobs_dead_queue_url, scan_id)
    assert (json.loads(dead["Body"])["arguments"]["scan_id"], len(published)) == (scan_id, MAX_RECEIVES)
    assert (scan(client, scan_id)["state"], statuses(client)) == ("running", dict.fromkeys(published, "new"))
    assert client.post(f"/scans/{scan_id}/cancel").get_json()["code"] == "scan_ending"
    clock.move(minutes=10)
    tick()
    timed.work()
    done = scan(client, scan_id)
    assert (done["state"], done["delta"], done["counts"]["medium"]) == ("succeeded", delta(new=6), 6)
    assert statuses(client) == dict.fromkeys(locations, "new")
    request(client)
    timed.work()
    assert statuses(client) == dict.fromkeys(locations, "unchanged")


def _one_finding_per_attempt(patch: pytest.MonkeyPatch) -> list[str]:
    """Time out after each published finding. Returns the location keys of the published findings."""
    real, published = FindingStore.track, []

    def track(store: FindingStore, findings: Any) -> None:
        real(store, findings)
        published.extend(finding.location_key for finding in findings)
        signal.raise_signal(signal.SIGALRM)

    patch.setattr(publishing, "PAGE", 1)
    patch.setattr(FindingStore, "track", track)
    return published


def test_of_two_concurrent_scans_the_one_published_later_reports_unchanged(
    client: Person, first: Scripted, scripted: Container
) -> None:
    """The first tested earlier, and ends while the second tests the target."""

    def meanwhile(_tools: Tools) -> Iterable[Finding]:
        scripted.scanning.finalize(client.organisation_id, earlier)
        yield spot("a")

    first.finds("a")
    earlier, later = request(client), request(client)
    scripted.scanning.run(client.organisation_id, f"{earlier}.00")
    first.script = meanwhile
    run(scripted, client.organisation_id, later)
    (finding,) = client.get("/findings").get_json()["items"]
    assert (finding["status"], finding["scan_id"]) == ("unchanged", later)
    assert statuses(client, later) == {"a": "unchanged"}
    assert scan(client, earlier)["delta"] == delta(new=1)
    assert scan(client, later)["delta"] == delta(unchanged=1)
    assert finding["first_seen_at"] < finding["last_seen_at"]


def test_a_scan_that_started_earlier_and_ends_later_reports_nothing_new(
    client: Person, first: Scripted, scripted: Container
) -> None:
    def meanwhile(_tools: Tools) -> Iterable[Finding]:
        first.finds("a")
        run(scripted, client.organisation_id, inner)
        yield spot("a")
        yield spot("b")

    inner, outer = request(client), request(client)
    first.script = meanwhile
    run(scripted, client.organisation_id, outer)
    assert statuses(client, outer) == {"a": "unchanged", "b": "new"}
    assert (statuses(client), scan(client, inner)["delta"]) == ({"a": "new", "b": "new"}, delta(new=1))


@pytest.mark.parametrize("evidence", [{"peak": float("nan")}, {"peak": object()}, {"text": "x" * 70_000}])
def test_a_finding_that_cannot_be_stored_fails_its_step(
    client: Person, work: Callable[[], None], first: Scripted, evidence: Any
) -> None:
    first.script = lambda _tools: [spot("a", evidence=evidence)]
    done = scanned(client, work)
    assert (done["state"], done["steps"][0]["state"]) == ("failed", "failed")


def test_a_cancel_of_an_outdated_version_is_rejected(client: Person, work: Callable[[], None]) -> None:
    scan_id = request(client)
    early = client.get(f"/scans/{scan_id}").headers["ETag"]
    work()
    assert client.post(f"/scans/{scan_id}/cancel", headers={"If-Match": early}).status_code == 412


def test_a_cancel_of_a_version_that_changes_concurrently_is_rejected(
    client: Person, scripted: Container, clock: MovableClock
) -> None:
    scan_id = request(client)
    early = client.get(f"/scans/{scan_id}").headers["ETag"]

    def claimed_meanwhile() -> None:
        stored = scripted.scanning.store.get(client.organisation_id, scan_id)
        assert stored is not None
        assert scripted.scanning.store.save(replace(stored, state=ScanState.RUNNING)) is not None

    with before_write(0, claimed_meanwhile):
        response = client.post(f"/scans/{scan_id}/cancel", headers={"If-Match": early})
    assert (response.status_code, scan(client, scan_id)["state"]) == (412, "running")
    assert client.post(f"/scans/{scan_id}/cancel").get_json()["state"] == "cancelled"


def _without_pauses(scripted: Container) -> Scanning:
    """Scanning that tries as often as always, but does not wait."""
    backoff = replace(CONTENTION, sleep=lambda _: None)
    scanning: Scanning = scripted.scanning
    return replace(
        scanning,
        backoff=backoff,
        engine=replace(scanning.engine, backoff=backoff),
        finding_store=replace(scanning.finding_store, backoff=backoff),
    )


def test_a_cancel_of_a_scan_that_others_keep_changing_ends_with_a_conflict(
    client: Person, scripted: Container, monkeypatch: pytest.MonkeyPatch
) -> None:
    scan_id = request(client)
    monkeypatch.setitem(vars(scripted), "scanning", _without_pauses(scripted))
    http = create_app(scripted).test_client()
    with monkeypatch.context() as patch:
        patch.setattr(type(scripted.scanning.store), "save", lambda *_: None)
        response = Person(http, client.headers).post(f"/scans/{scan_id}/cancel")
    assert (response.status_code, response.get_json()["code"], response.headers["Retry-After"]) == (
        409,
        "contended",
        "1",
    )
    assert Person(http, client.headers).post(f"/scans/{scan_id}/cancel").get_json()["state"] == "cancelled"


def test_a_job_that_loses_every_race_fails_and_is_delivered_again(
    client: Person, scripted: Container, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored = scripted.scanning.store.get(client.organisation_id, request(client))
    (first_run,) = scripted.scanning.run_store.of_scan(stored)
    scanning = _without_pauses(scripted)
    monkeypatch.setattr(type(scanning.store), "save", lambda *_: None)
    monkeypatch.setattr(FindingStore, "_write_counts", lambda *_: False)
    monkeypatch.setattr(FindingStore, "tracked", lambda *_: iter([]))
    monkeypatch.setattr("argus.scanning.finding_store.count_rules", lambda _: {"plugin": {}})
    for contended in (
        lambda: scanning.engine._start(stored),
        lambda: scanning.engine.join(first_run),
        lambda: scanning.finding_store.recount(client.organisation_id, stored.target),
    ):
        with pytest.raises(Contended):
            contended()


def test_findings_of_other_targets_and_organisations_do_not_change(
    client: Person, work: Callable[[], None], first: Scripted, stranger: Person
) -> None:
    first.finds("a")
    scanned(client, work)
    request(client, target="img_00000000000000000000000001")
    other = Person(client.http, stranger.headers)
    request(other)
    first.finds()
    work()
    assert statuses(client) == {"a": "new"}
    assert statuses(other) == {}


def test_evidence_severity_and_version_are_not_part_of_the_fingerprint(
    client: Person, work: Callable[[], None], first: Scripted
) -> None:
    first.script = lambda _tools: [spot("a", severity=Severity.LOW, evidence={"peak": 1.0})]
    scanned(client, work)
    first.version = "2.0.0"
    first.script = lambda _tools: [spot("a", severity=Severity.HIGH, evidence={"peak": 99.5})]
    assert scanned(client, work)["delta"] == delta(unchanged=1)
    (finding,) = client.get("/findings").get_json()["items"]
    assert (finding["severity"], finding["evidence"]) == ("high", {"peak": 99.5})


def test_an_older_scan_that_ends_later_does_not_override_a_newer_one(
    client: Person, work: Callable[[], None], first: Scripted, scripted: Container
) -> None:
    """A finding fixed by a scan that started later does not regress because of an older detection."""

    def overtaken(_tools: Tools) -> Iterable[Finding]:
        first.finds()
        newer = request(client)
        run(scripted, client.organisation_id, newer)
        yield spot("a")

    first.finds("a")
    scanned(client, work)
    first.script = overtaken
    older = scanned(client, work)
    assert (statuses(client), older["delta"]) == ({"a": "fixed"}, delta(unchanged=1))


# ---------------------------------------------------------------- when a finding is fixed


def test_a_finding_not_tested_at_its_location_is_not_fixed(
    client: Person, work: Callable[[], None], first: Scripted
) -> None:
    def partly(tools: Tools) -> Iterable[Finding]:
        tools.mark_not_tested("spot", "b")
        return []

    first.finds("a", "b")
    scanned(client, work)
    first.script = partly
    done = scanned(client, work)
    assert done["steps"][0]["not_tested"] == [{"rule": "spot", "location_key": "b"}]
    assert statuses(client) == {"a": "fixed", "b": "not_tested"}


def test_a_rule_with_too_many_untested_locations_is_not_tested(
    client: Person, work: Callable[[], None], first: Scripted
) -> None:
    def partly(tools: Tools) -> Iterable[Finding]:
        for number in range(MAX_NOT_TESTED + 1):
            tools.mark_not_tested("spot", f"location {number}")
        return []

    first.finds("a")
    scanned(client, work)
    first.script = partly
    assert scanned(client, work)["steps"][0]["not_tested"] == [{"rule": "spot", "location_key": None}]
    assert statuses(client) == {"a": "not_tested"}


def test_a_finding_that_a_less_sensitive_scan_does_not_detect_is_not_fixed(
    client: Person, work: Callable[[], None], first: Scripted
) -> None:
    """`--option delta_celsius=40` once marked spots of 33 °C as fixed."""
    first.finds("a")
    scanned(client, work, options={"delta": 10})
    first.finds()
    assert scanned(client, work, options={"delta": 40})["delta"] == delta(not_tested=1)
    assert statuses(client) == {"a": "not_tested"}
    assert scanned(client, work, options={"delta": 10})["delta"] == delta(fixed=1)


def test_a_finding_is_compared_with_the_options_that_found_it_last(
    client: Person, work: Callable[[], None], first: Scripted
) -> None:
    first.finds("a")
    scanned(client, work, options={"delta": 10})
    scanned(client, work, options={"delta": 20})
    first.finds()
    assert scanned(client, work, options={"delta": 15})["delta"] == delta(fixed=1)


def test_an_uninstalled_plugin_fixes_nothing(
    client: Person, work: Callable[[], None], first: Scripted, second: Scripted, scripted: Container
) -> None:
    first.finds("a")
    scanned(client, work)

    def uninstalled(_tools: Tools) -> Iterable[Finding]:
        del scripted.catalogue.manifests["first"]
        return []

    second.script = uninstalled
    assert scanned(client, work, "first", "second")["delta"] == delta(unchanged=1)
    assert scanned(client, work, "second")["delta"] == delta(not_tested=1)


@pytest.mark.parametrize("mark", [("Spot",), ("spot", 5)], ids=["unknown rule", "invalid location key"])
def test_an_invalid_not_tested_mark_fails_its_step(
    client: Person, work: Callable[[], None], first: Scripted, mark: Any
) -> None:
    def misspelt(tools: Tools) -> Iterable[Finding]:
        tools.mark_not_tested(*mark)
        return []

    first.finds("a")
    scanned(client, work)
    first.script = misspelt
    assert scanned(client, work)["delta"] == delta(not_tested=1)


def test_not_tested_marks_that_do_not_fit_into_a_step_become_marks_of_their_rules(
    client: Person, work: Callable[[], None], first: Scripted
) -> None:
    def long(tools: Tools) -> Iterable[Finding]:
        tools.mark_not_tested("spot", "x" * 100_000)
        return []

    first.script = long
    assert scanned(client, work)["steps"][0]["not_tested"] == [{"rule": "spot", "location_key": None}]


def test_a_scan_of_other_plugins_does_not_override_a_running_scan(
    client: Person, work: Callable[[], None], first: Scripted, second: Scripted, scripted: Container
) -> None:
    """It started later and did not test the rules of the other."""

    def meanwhile(_tools: Tools) -> Iterable[Finding]:
        run(scripted, client.organisation_id, request(client, "second"))
        assert statuses(client) == {"a": "not_tested", "b": "not_tested"}
        yield spot("a")

    first.finds("a", "b")
    scanned(client, work)
    first.script = meanwhile
    assert scanned(client, work)["delta"] == delta(unchanged=1, fixed=1)
    assert statuses(client) == {"a": "unchanged", "b": "fixed"}


def test_a_failed_scan_that_started_earlier_does_not_override_a_later_one(
    client: Person, work: Callable[[], None], first: Scripted, scripted: Container
) -> None:
    def fails(_tools: Tools) -> Iterable[Finding]:
        first.finds("a")
        run(scripted, client.organisation_id, request(client))
        raise ValueError
        yield

    first.finds("a")
    scanned(client, work)
    first.script = fails
    assert scanned(client, work)["delta"] == delta()
    assert statuses(client) == {"a": "unchanged"}


def test_the_start_of_the_step_counts_not_that_of_its_scan(
    client: Person, first: Scripted, second: Scripted, scripted: Container
) -> None:
    """A scan starts, another starts, then the second run of the first tests: its finding is not fixed."""

    def finds_nothing(_tools: Tools) -> Iterable[Finding]:
        return []

    first.budget = second.budget = SimpleNamespace(seconds=90, requests=0)
    second.script = finds_nothing
    earlier = request(client, "first", "second")
    scripted.scanning.run(client.organisation_id, f"{earlier}.01")
    first.finds()
    between = request(client)
    scripted.scanning.run(client.organisation_id, f"{between}.00")
    first.finds("leak")
    scripted.scanning.run(client.organisation_id, f"{earlier}.00")
    scripted.scanning.finalize(client.organisation_id, earlier)
    scripted.scanning.finalize(client.organisation_id, between)
    assert statuses(client) == {"leak": "new"}


def test_a_finding_keeps_its_first_seen_time_when_two_scans_publish_it(
    client: Person, first: Scripted, scripted: Container, clock: MovableClock
) -> None:
    """The scan that publishes later was interrupted after its point of no return, and resumes."""
    first.finds("a")
    one, other = request(client), request(client)
    for scan_id in (one, other):
        scripted.scanning.run(client.organisation_id, f"{scan_id}.00")
    die_after(1, lambda: scripted.scanning.finalize(client.organisation_id, other))
    scripted.scanning.finalize(client.organisation_id, one)
    (before,) = client.get("/findings").get_json()["items"]
    clock.move(minutes=20)
    scripted.scanning.finalize(client.organisation_id, other)
    (after,) = client.get("/findings").get_json()["items"]
    assert (after["first_seen_at"], after["scan_id"]) == (before["first_seen_at"], other)
