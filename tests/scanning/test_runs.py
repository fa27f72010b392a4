"""Scans with several runs: planned by evidence and time, joined once in any order, with repeats and crashes."""

import itertools
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from argus.container import Container
from argus.core.background import MAX_ATTEMPTS
from argus.core.declarations import Tool
from argus.core.functions import FUNCTIONS, SCANNER, WORKER
from argus.scanning.catalogue import Catalogue
from argus.scanning.model import Finding, Run, Scan, Target
from argus.scanning.planning import plan
from argus.scanning.plugin import Tools
from services.scanner import main as scanner
from tests.conftest import MovableClock, Person, Workers
from tests.scanning.api import TARGET, before_write, delta, die_after, request, run, scan, scanned, statuses
from tests.scanning.scripted import Scripted, add_network_plugin, spot, time_runs_out

OWN_RUN = SimpleNamespace(seconds=90, requests=0)  # two plugins with this budget do not fit into one run


@pytest.fixture
def apart(first: Scripted, second: Scripted) -> None:
    """The two plugins have separate runs."""
    first.budget = second.budget = OWN_RUN


def runs_of(container: Container, client: Person, scan_id: str) -> list[Run]:
    found = container.scanning.store.get(client.organisation_id, scan_id)
    return list(container.scanning.run_store.of_scan(found))


# ---------------------------------------------------------------- planning


def planned(*plugins: Any) -> list[tuple[str, tuple[str, ...]]]:
    created_at: Any = None
    scan_to_plan = Scan("scan_1", "org_1", Target("image", "img_1"), "usr_1", created_at)
    functions = {"imagery": WORKER, "http": SCANNER, "dns": SCANNER}
    tools = {name: Tool("", lambda _: None, function=function) for name, function in functions.items()}
    return [(one.function, one.plugins) for one in plan(scan_to_plan, plugins, tools)]


def plugin(name: str, *permissions: str, seconds: int = 40) -> Scripted:
    return Scripted(name, permissions=permissions, budget=SimpleNamespace(seconds=seconds, requests=0))


def test_plugins_with_the_same_permissions_share_a_run() -> None:
    assert planned(plugin("a", "imagery"), plugin("b", "http"), plugin("c", "imagery"), plugin("d", "dns", "http")) == [
        (WORKER, ("a", "c")),
        (SCANNER, ("b",)),
        (SCANNER, ("d",)),
    ]


def test_a_plugin_without_permissions_is_run_by_the_worker() -> None:
    assert planned(plugin("a")) == [(WORKER, ("a",))]


@pytest.mark.parametrize(("permission", "name"), [("imagery", WORKER), ("http", SCANNER)])
def test_the_budgets_of_a_run_fit_into_one_invocation_of_its_function(permission: str, name: str) -> None:
    seconds = FUNCTIONS[name].plugin_seconds
    fits = [plugin("a", permission, seconds=seconds // 2), plugin("b", permission, seconds=seconds - seconds // 2)]
    assert planned(*fits, plugin("c", permission, seconds=1)) == [(name, ("a", "b")), (name, ("c",))]


def test_sixty_plugins_make_at_most_sixty_runs() -> None:
    plugins = [plugin(f"p{number}", seconds=100) for number in range(60)]
    assert planned(*plugins) == [(WORKER, (one.id,)) for one in plugins]


# ---------------------------------------------------------------- concurrent runs


def test_the_scanner_runs_network_plugins_and_the_worker_the_others(
    client: Person, scripted: Container, workers: Workers, work: Callable[[], None], first: Scripted,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(scanner, "container", lambda: scripted)
    probe = add_network_plugin(scripted)
    first.finds("a")
    scan_id = request(client, "first", probe.id)
    assert [(one.function, one.plugins) for one in runs_of(scripted, client, scan_id)] == [
        (WORKER, ("first",)),
        (SCANNER, (probe.id,)),
    ]
    jobs, scans = (
        replace(workers, pollers=[poller for poller in workers.pollers if poller.queue_url == url])
        for url in (workers.outputs.jobs_queue_url, workers.outputs.scans_queue_url)
    )
    jobs.work()
    assert (scan(client, scan_id)["progress"], first.runs, probe.runs) == (50, 1, 0)
    scans.work()
    assert probe.runs == 1
    jobs.work()
    assert (scan(client, scan_id)["state"], statuses(client)) == ("succeeded", {"a": "new", "443": "new"})


def test_each_run_has_its_own_message_lease_and_end(
    client: Person, apart: None, work: Callable[[], None], first: Scripted, second: Scripted, scripted: Container
) -> None:
    first.finds("a")
    second.finds("b")
    scan_id = request(client, "first", "second")
    assert [(one.plugins, one.state, one.attempts) for one in runs_of(scripted, client, scan_id)] == [
        (("first",), "queued", 0),
        (("second",), "queued", 0),
    ]
    work()
    assert [(one.state, one.attempts) for one in runs_of(scripted, client, scan_id)] == [("ended", 1)] * 2
    done = scan(client, scan_id)
    assert (done["state"], done["delta"]) == ("succeeded", delta(new=2))
    assert [step["plugin"] for step in done["steps"]] == ["first", "second"]


def test_progress_is_the_sum_of_all_runs(
    client: Person, apart: None, first: Scripted, second: Scripted, scripted: Container
) -> None:
    elapsed = itertools.count(step=3)
    object.__setattr__(scripted.scanning.runs, "monotonic", lambda: float(next(elapsed)))
    shown: list[tuple[str, int]] = []

    def other(tools: Tools) -> Iterable[Finding]:
        tools.progress(0.5)
        shown.append((scan(client, scan_id)["state"], scan(client, scan_id)["progress"]))
        return []

    def half(tools: Tools) -> Iterable[Finding]:
        tools.progress(0.5)
        scripted.scanning.run(client.organisation_id, f"{scan_id}.01")
        return []

    first.script, second.script = half, other
    scan_id = request(client, "first", "second")
    scripted.scanning.run(client.organisation_id, f"{scan_id}.00")
    assert shown == [("running", 50)]
    assert scan(client, scan_id)["progress"] == 100
    assert [each["progress"] for each in client.get("/scans?limit=1").get_json()["items"]] == [100]


def test_a_failed_step_does_not_affect_other_runs(
    client: Person, apart: None, work: Callable[[], None], first: Scripted, second: Scripted
) -> None:
    def out_of_memory(_tools: Tools) -> Iterable[Finding]:
        raise MemoryError

    first.finds("a")
    second.finds("b")
    scanned(client, work, "first", "second")
    first.script, second.script = out_of_memory, lambda _tools: [spot("c")]
    done = scanned(client, work, "first", "second")
    assert [(step["state"], step["reason"]) for step in done["steps"]] == [
        ("failed", "The plugin stopped with an internal error (MemoryError)."),
        ("succeeded", ""),
    ]
    assert (done["state"], done["delta"]) == ("failed", delta(new=1, fixed=1, not_tested=1))


def test_a_plugin_that_always_hangs_does_not_block_the_others_of_its_run(
    client: Person, timed: Workers, first: Scripted, second: Scripted
) -> None:
    first.script = time_runs_out
    second.finds("b")
    scan_id = request(client, "first", "second")
    timed.work_until_dead(timed.outputs.jobs_dead_queue_url, scan_id)
    timed.work()
    done = scan(client, scan_id)
    assert [step["state"] for step in done["steps"]] == ["failed", "succeeded"]
    assert (done["state"], done["delta"]) == ("failed", delta(new=1))


def test_cancelling_a_scan_cancels_all_its_runs(
    client: Person, apart: None, work: Callable[[], None], first: Scripted, second: Scripted, scripted: Container
) -> None:
    def cancelled(_tools: Tools) -> Iterable[Finding]:
        assert client.post(f"/scans/{scan_id}/cancel").status_code == 200
        yield spot("a")

    first.script = cancelled
    second.finds("b")
    scan_id = request(client, "first", "second")
    work()
    ended = scan(client, scan_id)
    assert (ended["state"], [step["state"] for step in ended["steps"]]) == ("cancelled", ["cancelled", "cancelled"])
    assert ([one.state for one in runs_of(scripted, client, scan_id)], second.runs) == (["cancelled"] * 2, 0)
    assert statuses(client) == {}


def test_an_interrupted_cancel_stops_a_run_at_its_next_step(
    client: Person, scripted: Container, work: Callable[[], None], first: Scripted, second: Scripted
) -> None:
    """The scan is cancelled, but its run is not."""

    def cancelled(_tools: Tools) -> Iterable[Finding]:
        with before_write(1, _fails):
            assert client.post(f"/scans/{scan_id}/cancel").status_code == 500
        yield spot("a")

    first.script = cancelled
    second.finds("b")
    scan_id = request(client, "first", "second")
    work()
    assert (scan(client, scan_id)["state"], second.runs, statuses(client)) == ("cancelled", 0, {})
    assert client.post(f"/scans/{scan_id}/cancel").status_code == 200
    assert [one.state for one in runs_of(scripted, client, scan_id)] == ["cancelled"]


def test_the_sweep_ends_a_run_without_a_scan(
    client: Person, workers: Workers, work: Callable[[], None], scripted: Container, clock: MovableClock, tick: Any
) -> None:
    """The API died between storing the runs and the scan: the client received no scan."""
    with before_write(2, _fails):
        body = {"target": {"kind": "image", "id": TARGET}, "plugins": [{"id": "first"}]}
        assert client.post("/scans", body).status_code == 500
    assert client.get("/scans").get_json()["items"] == []
    clock.move(minutes=3)
    tick()
    work()
    page = scripted.scanning.run_store.list(client.organisation_id, limit=10, after=None)
    assert [one.state for one in page.items] == ["cancelled"]


def _fails() -> None:
    raise RuntimeError("the API dies")


def test_a_lost_finalize_job_is_sent_again(
    client: Person, workers: Workers, scripted: Container, work: Callable[[], None], first: Scripted,
    clock: MovableClock, tick: Any,
) -> None:  # fmt: skip
    first.finds("a")
    scan_id = request(client)
    workers.discard(scan_id)
    scripted.scanning.run(client.organisation_id, f"{scan_id}.00")
    workers.discard(scan_id)
    assert scan(client, scan_id)["state"] == "running"
    clock.move(minutes=3)
    tick()
    work()
    assert (scan(client, scan_id)["state"], statuses(client)) == ("succeeded", {"a": "new"})


def test_a_scan_is_not_finalized_while_a_run_is_open(
    client: Person, apart: None, scripted: Container, first: Scripted, second: Scripted
) -> None:
    scan_id = request(client, "first", "second")
    for _ in range(2):
        scripted.scanning.run(client.organisation_id, f"{scan_id}.01")
        scripted.scanning.finalize(client.organisation_id, scan_id)
    assert (scan(client, scan_id)["state"], first.runs, second.runs) == ("running", 0, 1)
    run(scripted, client.organisation_id, scan_id)
    assert scan(client, scan_id)["state"] == "succeeded"


def test_a_late_worker_does_not_overwrite_the_step_of_the_attempt_that_followed(
    client: Person, scripted: Container, first: Scripted, clock: MovableClock
) -> None:
    """The first worker hangs until its lease has expired, and continues after the second has ended the step."""

    def hangs(_tools: Tools) -> Iterable[Finding]:
        clock.move(minutes=20)
        first.finds("a")
        run(scripted, client.organisation_id, scan_id)
        raise ValueError("too late")
        yield

    first.script = hangs
    scan_id = request(client)
    scripted.scanning.run(client.organisation_id, f"{scan_id}.00")
    done = scan(client, scan_id)
    assert (done["state"], done["steps"][0]["state"], statuses(client)) == ("succeeded", "succeeded", {"a": "new"})


def test_a_worker_that_lost_its_claim_writes_no_finding(
    client: Person, scripted: Container, first: Scripted, clock: MovableClock
) -> None:
    """It computes until its lease has expired without a heartbeat, while another worker executes the run."""
    elapsed = itertools.count(step=3)
    object.__setattr__(scripted.scanning.runs, "monotonic", lambda: float(next(elapsed)))

    def computes(_tools: Tools) -> Iterable[Finding]:
        clock.move(minutes=20)
        first.finds("a")
        run(scripted, client.organisation_id, scan_id)
        yield spot("too late")

    first.script = computes
    scan_id = request(client)
    scripted.scanning.run(client.organisation_id, f"{scan_id}.00")
    assert statuses(client, scan_id) == statuses(client) == {"a": "new"}


def test_a_run_that_another_worker_claims_is_not_given_up(client: Person, scripted: Container, first: Scripted) -> None:
    """The last attempt of one message fails while a duplicate of the message is processed."""
    first.finds("a")
    scan_id = request(client)
    read_before = runs_of(scripted, client, scan_id)[0]

    def claimed(_tools: Tools) -> Iterable[Finding]:
        assert scripted.scanning.runs.give_up(read_before)
        assert scan(client, scan_id)["steps"][0]["state"] == "running"
        yield spot("a")

    first.script = claimed
    run(scripted, client.organisation_id, scan_id)
    done = scan(client, scan_id)
    assert (done["state"], done["steps"][0]["state"], statuses(client)) == ("succeeded", "succeeded", {"a": "new"})


def test_a_run_that_is_being_given_up_cannot_be_claimed(
    client: Person, scripted: Container, first: Scripted, clock: MovableClock
) -> None:
    scan_id = request(client)
    (given_up,) = runs_of(scripted, client, scan_id)
    with before_write(1, lambda: scripted.scanning.run(client.organisation_id, given_up.id)):
        assert scripted.scanning.runs.give_up(given_up)
    scripted.scanning.finalize(client.organisation_id, scan_id)
    done = scan(client, scan_id)
    assert (done["state"], done["steps"][0]["state"], first.runs) == ("failed", "failed", 0)


def test_a_network_plugin_keeps_its_claim_while_it_yields_within_the_timeout_of_its_function(
    client: Person, scripted: Container, clock: MovableClock
) -> None:
    """It waits for a host for longer than the lease of a worker, and yields a finding from time to time."""
    elapsed = itertools.count(step=3)
    object.__setattr__(scripted.scanning.runs, "monotonic", lambda: float(next(elapsed)))
    probe = add_network_plugin(scripted)

    def slow(_tools: Tools) -> Iterable[Finding]:
        for number in range(3):
            clock.move(seconds=FUNCTIONS[SCANNER].timeout_seconds - 10)
            scripted.scanning.run(client.organisation_id, f"{scan_id}.00")
            yield spot(str(number))

    probe.script = slow
    scan_id = request(client, probe.id)
    run(scripted, client.organisation_id, scan_id)
    assert (probe.runs, statuses(client)) == (1, {"0": "new", "1": "new", "2": "new"})


@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(
    order=st.lists(st.sampled_from(["00", "01", "finalize"]), min_size=3, max_size=7),
    crashes=st.lists(st.integers(0, 9), max_size=7),
)
def test_two_runs_publish_once_in_any_order_with_repeats_and_crashes(
    scripted: Container, client: Person, first: Scripted, second: Scripted, apart: None, clock: MovableClock,
    order: list[str], crashes: list[int],
) -> None:  # fmt: skip
    """A target that is scanned again and again: each run finds one spot anew, and no longer that of the last scan."""
    number, target = next(_NUMBERS), _TARGETS.pop(client.organisation_id, None)
    if target is None:  # the first example, and the first after a failed one
        target = f"img_{number:026}"
        first.finds("a", f"first {number - 1}")
        second.finds("b", f"second {number - 1}")
        run(scripted, client.organisation_id, request(client, "first", "second", target=target))
    first.finds("a", f"first {number}")
    second.finds("b", f"second {number}")
    scan_id = request(client, "first", "second", target=target)

    def deliver(job: str) -> None:
        if job == "finalize":
            scripted.scanning.finalize(client.organisation_id, scan_id)
        else:
            scripted.scanning.run(client.organisation_id, f"{scan_id}.{job}")

    crashed = Counter[str]()  # without an attempt left, a run would not be executed again
    for job, crash in itertools.zip_longest(order, crashes):
        clock.move(minutes=20)
        if crash is not None and crashed[job or "00"] < MAX_ATTEMPTS - 1:
            crashed[job or "00"] += die_after(crash, lambda job=job: deliver(job or "00"))
        else:
            deliver(job or "00")
    clock.move(minutes=20)
    run(scripted, client.organisation_id, scan_id)
    done = scan(client, scan_id)
    assert (done["state"], done["delta"]) == ("succeeded", delta(new=2, unchanged=2, fixed=2))
    now = client.get(f"/findings?target=image:{target}&limit=100").get_json()["items"]
    present = {"a": "unchanged", "b": "unchanged", f"first {number}": "new", f"second {number}": "new"}
    assert {entry["location_key"]: entry["status"] for entry in now if entry["status"] != "fixed"} == present
    gone = [entry["location_key"] for entry in now if entry["location_key"].endswith(f" {number - 1}")]
    assert sorted(gone) == [f"first {number - 1}", f"second {number - 1}"]
    _TARGETS[client.organisation_id] = target


_NUMBERS = itertools.count(1)
_TARGETS: dict[str, str] = {}  # by organisation


def test_a_scan_accepts_sixty_plugins_and_no_more(
    client: Person, scripted: Container, work: Callable[[], None]
) -> None:
    budget = SimpleNamespace(seconds=FUNCTIONS[WORKER].plugin_seconds // 20, requests=0)  # three runs
    plugins = [Scripted(f"p{number:02}", budget=budget) for number in range(61)]
    for one in plugins:
        one.finds(f"at {one.id}")
    manifests: Any = {one.id: one for one in plugins}
    for holder in (scripted.scanning, scripted.scanning.engine, scripted.scanning.publisher):
        object.__setattr__(holder, "catalogue", Catalogue(manifests))
    names = [one.id for one in plugins]
    refused = client.post(
        "/scans", {"target": {"kind": "image", "id": TARGET}, "plugins": [{"id": name} for name in names]}
    )
    assert refused.status_code == 422
    done = scanned(client, work, *names[:60])
    assert (done["state"], done["delta"]) == ("succeeded", delta(new=60))
    assert [step["plugin"] for step in done["steps"]] == names[:60]
    assert [len(one["steps"]) for one in client.get("/scans").get_json()["items"]] == [60]
