"""Listing, sorting and counting findings, compared with results computed from all findings in memory."""

import random
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from threading import Lock
from typing import Any
from urllib.parse import urlencode

import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from argus.container import Container
from argus.core.dynamo import Table
from argus.core.ids import Ids
from argus.scanning.finding_query import FindingFilter, Sort
from argus.scanning.finding_store import FindingStore
from argus.scanning.model import Scan, ScanState, Severity, Status, Step, Target, TrackedFinding
from tests.conftest import Issuer, Person

BEGINNING = datetime(2026, 5, 1, tzinfo=UTC)
TARGETS = (
    Target("image", "img_00000000000000000000000001"),
    Target("image", "img_00000000000000000000000002"),
    Target("image", "img_00000000000000000000000003"),
    Target("image", "img_00000000000000000000000004"),
)
TITLES = {
    "tls.expired": "Certificate has expired",
    "tls.weak": "Cipher is weak",
    "web.header": "Header is missing",
    "web.listing": "Directory is listed",
    "web.old": "Certificate of the server is old",
    "zeal.spot": "Über-hot spot",
}
STATUS_ORDER = (Status.FIXED, Status.NOT_TESTED, Status.UNCHANGED, Status.REGRESSED, Status.NEW)


def finding(number: int, *, organisation_id: str = "org", **values: Any) -> TrackedFinding:
    attributes: dict[str, Any] = {
        "fingerprint": f"v1:{number:064x}",
        "organisation_id": organisation_id,
        "target": TARGETS[0],
        "plugin": "tls",
        "rule": "weak",
        "severity": Severity.MEDIUM,
        "location_key": str(number),
        "location": {},
        "evidence": {},
        "status": Status.NEW,
        "scan_id": "scan_0",
        "tested_at": BEGINNING,
        "first_seen_at": BEGINNING,
        "last_seen_at": BEGINNING,
        "order": number,
        **values,
    }
    attributes.setdefault("title", TITLES.get(f"{attributes['plugin']}.{attributes['rule']}", "A title"))
    return TrackedFinding(**attributes)


def some_findings(organisation_id: str, scan_id: str, count: int) -> Iterator[TrackedFinding]:
    """Random findings, many with the same first seen time."""
    rng = random.Random(7)
    for number in range(count):
        plugin, _, rule = rng.choice(list(TITLES)).partition(".")
        yield finding(
            rng.getrandbits(64),
            organisation_id=organisation_id,
            scan_id=scan_id,
            target=rng.choice(TARGETS),
            plugin=plugin,
            rule=rule,
            severity=rng.choice(list(Severity)),
            status=rng.choice(list(Status)),
            first_seen_at=BEGINNING + timedelta(hours=rng.randrange(12)),
            order=number,
        )


def a_scan(organisation_id: str, target: Target) -> Scan:
    return Scan(
        id=Ids().new("scan"),
        organisation_id=organisation_id,
        target=target,
        steps=(Step("tls", "1.0.0", {}), Step("web", "1.0.0", {})),
        requested_by="usr_00000000000000000000000000",
        created_at=BEGINNING,
        state=ScanState.SUCCEEDED,
    )


@dataclass(frozen=True)
class Organisation:
    """An organisation with tracked findings, and a scan with its own findings."""

    owner: Person
    tracked: list[TrackedFinding]
    scan: Scan
    of_scan: list[TrackedFinding]


@pytest.fixture(scope="module")
def store(argus: Container) -> FindingStore:
    return argus.scanning.finding_store


@pytest.fixture(scope="module")
def organisation(argus: Container, http: FlaskClient, issuer: Issuer, store: FindingStore) -> Organisation:
    headers = {"Authorization": f"Bearer {issuer.token('organisation-of-findings')}"}
    organisation_id = Person(http, headers).get("/me").get_json()["organisation"]["id"]
    scan = a_scan(organisation_id, TARGETS[0])
    argus.scanning.store.add(scan)
    tracked = list(some_findings(organisation_id, scan.id, 150))
    of_scan = [replace(one, target=scan.target) for one in tracked[:40]]
    store.track(tracked)
    store.put_findings(scan, of_scan)
    for target in TARGETS:
        store.recount(organisation_id, target)
    return Organisation(Person(http, headers, organisation_id), tracked, scan, of_scan)


class TooManyCombinations(Exception):
    """The filters were rejected, since they need too many queries."""


def pages(person: Person, path: str, query: Mapping[str, Any]) -> Iterator[list[dict[str, Any]]]:
    cursor: dict[str, str] = {}
    while True:
        response = person.get(f"{path}?{urlencode({**query, **cursor})}")
        page = response.get_json()
        if not cursor and page.get("code") == "too_many_combinations":
            raise TooManyCombinations
        assert response.status_code == 200, page
        assert len(page["items"]) <= int(query.get("limit", 50))
        yield page["items"]
        if page["next_cursor"] is None:
            return
        cursor = {"cursor": page["next_cursor"]}


def listed(person: Person, path: str, **query: Any) -> list[str]:
    return [one["fingerprint"] for page in pages(person, path, query) for one in page]


def chosen_of(findings: Iterable[TrackedFinding], query: Mapping[str, Any]) -> list[TrackedFinding]:
    """The findings that match the filters of a query: the reference implementation."""

    def matches(one: TrackedFinding) -> bool:
        texts = {
            "severity": one.severity,
            "status": one.status,
            "target": f"{one.target.kind}:{one.target.value}",
            "plugin": one.plugin,
            "rule": f"{one.plugin}.{one.rule}",
        }
        by_value = all(text in values for name, text in texts.items() if (values := query.get(name)) is not None)
        return by_value and one.title.casefold().startswith(query.get("text", "").casefold())

    return [one for one in findings if matches(one)]


def in_order(findings: Iterable[TrackedFinding], sort: str, *, of_a_scan: bool) -> list[str]:
    def key(one: TrackedFinding) -> tuple[Any, ...]:
        time = (one.first_seen_at, -one.order if of_a_scan else 0, one.fingerprint)
        return time if "first_seen_at" in sort else (one.severity.rank, STATUS_ORDER.index(one.status), *time)

    return [one.fingerprint for one in sorted(findings, key=key, reverse=sort.startswith("-"))]


SORTS = st.sampled_from(["-severity", "severity", "-first_seen_at", "first_seen_at"])
TEXTS = st.sampled_from(["Certificate", "certificate has", "CIPHER is weak", "über", "hot", "Header"])


def some_of(values: Iterable[str], most: int) -> st.SearchStrategy[list[str]]:
    return st.lists(st.sampled_from(list(values)), min_size=1, max_size=most, unique=True)


COUNT_FILTERS = {
    "target": some_of([f"{target.kind}:{target.value}" for target in TARGETS], 2),
    "plugin": some_of(["tls", "web", "zeal", "none"], 2),
    "rule": some_of([*TITLES, "tls.none"], 3),
    "text": TEXTS,
}
FILTERS = {"severity": some_of(Severity, 3), "status": some_of(Status, 3), **COUNT_FILTERS}


def query_parameters(query: Mapping[str, Any]) -> dict[str, str]:
    return {name: value if isinstance(value, str) else ",".join(value) for name, value in query.items()}


@settings(max_examples=30, deadline=None, suppress_health_check=HealthCheck)
@given(
    query=st.fixed_dictionaries({"sort": SORTS}, optional=FILTERS),
    page_count=st.integers(1, 4),
    of_a_scan=st.booleans(),
)
def test_every_combination_of_filters_lists_exactly_the_matching_findings(
    organisation: Organisation, query: dict[str, Any], page_count: int, of_a_scan: bool
) -> None:
    findings = organisation.of_scan if of_a_scan else organisation.tracked
    path = f"/scans/{organisation.scan.id}/findings" if of_a_scan else "/findings"
    expected = in_order(chosen_of(findings, query), query["sort"], of_a_scan=of_a_scan)
    query = {name: values for name, values in query.items() if values}
    limit = min(100, max(1, len(expected) // page_count))
    sent = query_parameters({**query, "limit": str(limit)})
    with suppress(TooManyCombinations):
        assert listed(organisation.owner, path, **sent) == expected


@settings(max_examples=25, deadline=None, suppress_health_check=HealthCheck)
@given(query=st.fixed_dictionaries({}, optional=COUNT_FILTERS))
def test_every_combination_of_filters_counts_exactly_what_it_lists(
    organisation: Organisation, query: dict[str, Any]
) -> None:
    counts = organisation.owner.get(f"/findings/counts?{urlencode(query_parameters(query))}").get_json()
    findings = chosen_of(organisation.tracked, query)
    both = Counter((one.severity, one.status) for one in findings)
    assert counts == {
        "total": len(findings),
        "by_severity": {name: sum(both[name, status] for status in Status) for name in Severity},
        "by_status": {name: sum(both[severity, name] for severity in Severity) for name in Status},
        "by_severity_and_status": {name: {status: both[name, status] for status in Status} for name in Severity},
    }


@pytest.mark.parametrize("sort", ["-severity", "severity", "-first_seen_at", "first_seen_at"])
def test_small_pages_list_each_finding_once(organisation: Organisation, sort: str) -> None:
    for query in ({}, {"severity": "low,high"}, {"plugin": "tls,web", "status": "new"}):
        some = listed(organisation.owner, f"/scans/{organisation.scan.id}/findings", sort=sort, limit="5", **query)
        values = {name: text.split(",") for name, text in query.items()}
        assert some == in_order(chosen_of(organisation.of_scan, values), sort, of_a_scan=True)


def test_another_organisation_sees_no_finding(organisation: Organisation, stranger: Person) -> None:
    assert stranger.get("/findings").get_json()["items"] == []
    assert stranger.get(f"/findings?target=image:{TARGETS[0].value}&plugin=tls").get_json()["items"] == []
    assert stranger.get("/findings?text=Certificate").get_json()["items"] == []
    assert stranger.get("/findings/counts").get_json()["total"] == 0
    assert stranger.get(f"/findings/counts?target=image:{TARGETS[0].value}").get_json()["total"] == 0
    assert stranger.get(f"/scans/{organisation.scan.id}/findings").status_code == 404


def test_a_cursor_is_valid_only_for_its_own_query(organisation: Organisation) -> None:
    cursor = organisation.owner.get("/findings?limit=1&severity=high,low").get_json()["next_cursor"]
    assert organisation.owner.get(f"/findings?limit=1&severity=low,high&cursor={cursor}").status_code == 200
    for other in ("severity=high", "severity=high,low&sort=severity", "severity=high,low&text=A"):
        assert organisation.owner.get(f"/findings?limit=1&{other}&cursor={cursor}").get_json()["code"] == "bad_cursor"


def test_filters_that_need_too_many_queries_are_rejected(owner: Person) -> None:
    plugins = ",".join(f"p{number}" for number in range(26))
    response = owner.get(f"/findings?plugin={plugins}&severity=high,low&sort=first_seen_at")
    assert (response.status_code, response.get_json()["code"]) == (422, "too_many_combinations")
    assert response.get_json()["detail"] == (
        "The chosen values make 260 combinations; at most 250 are allowed. Choose fewer values."
    )
    assert owner.get(f"/findings?plugin={plugins}&severity=high,low").status_code == 200


@pytest.mark.parametrize(
    "query",
    [
        *("severity=huge", "severity=", "severity=high,,low", "status=new,gone", "sort=title", "text="),
        *("target=host", "plugin=UPPER", "plugin=a b", "rule=spot", "rule=tls.a%23b"),
        f"plugin={','.join(f'p{number}' for number in range(51))}",
    ],
)
def test_an_invalid_filter_is_rejected(organisation: Organisation, query: str) -> None:
    response = organisation.owner.get(f"/findings?{query}")
    assert (response.status_code, response.get_json()["code"]) == (422, "unprocessable_entity")


# ---------------------------------------------------------------- reads


@contextmanager
def reads(argus: Container) -> Iterator[Counter[str]]:
    """Count queries, the entries that they read, and the items fetched."""
    counted: Counter[str] = Counter()
    lock = Lock()  # some queries are parallel

    def record(parsed: Any, model: Any, **_: Any) -> None:
        with lock:
            if model.name == "Query":
                counted.update(queries=1, entries=parsed["ScannedCount"])
            elif model.name == "BatchGetItem":
                counted.update(items=sum(map(len, parsed["Responses"].values())))

    events = argus.aws.client("dynamodb").meta.events
    events.register("after-call.dynamodb.*", record, unique_id="reads")
    try:
        yield counted
    finally:
        events.unregister("after-call.dynamodb.*", unique_id="reads")


@pytest.fixture(scope="module")
def large(argus: Container, http: FlaskClient, issuer: Issuer, store: FindingStore) -> Organisation:
    """A scan with 600 findings, of which 1 in 100 is critical, and 1 in 200 of a rare plugin."""
    headers = {"Authorization": f"Bearer {issuer.token('large-organisation-of-findings')}"}
    organisation_id = Person(http, headers).get("/me").get_json()["organisation"]["id"]
    scan = a_scan(organisation_id, TARGETS[0])
    argus.scanning.store.add(scan)
    findings = [
        finding(
            number,
            organisation_id=organisation_id,
            plugin="web" if number % 200 == 7 else "tls",
            severity=Severity.CRITICAL if number % 100 == 9 else Severity.LOW,
            first_seen_at=BEGINNING + timedelta(minutes=number),
        )
        for number in range(600)
    ]
    store.put_findings(scan, findings)
    return Organisation(Person(http, headers, organisation_id), [], scan, findings)


@pytest.mark.parametrize(
    ("query", "queries", "entries", "items"),
    [
        ("", 1, 100, 100),
        ("sort=first_seen_at", 28, 106, 100),
        ("severity=critical", 1, 6, 6),
        ("plugin=web", 1, 3, 3),
        ("plugin=web&sort=-first_seen_at", 25, 3, 3),
        ("severity=critical&status=new&plugin=tls", 1, 6, 6),
        ("status=fixed", 5, 0, 0),
        ("plugin=tls,web", 3, 103, 100),
        ("severity=low,critical&sort=first_seen_at", 13, 106, 100),
    ],
)
def test_a_page_reads_only_the_findings_that_it_shows(
    argus: Container, large: Organisation, query: str, queries: int, entries: int, items: int
) -> None:
    with reads(argus) as counted:
        page = large.owner.get(f"/scans/{large.scan.id}/findings?limit=100&{query}").get_json()["items"]
    assert (counted["items"], len(page)) == (items, items)
    assert (counted["queries"], counted["entries"]) == (queries, entries)


def test_a_finding_that_changed_since_its_index_entry_was_written_is_omitted(
    owner: Person, store: FindingStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    organisation_id = owner.organisation_id
    store.track(finding(number, organisation_id=organisation_id) for number in range(4))
    real = Table.get_many

    def changed_meanwhile(table: Table, keys: Iterable[tuple[str, str]]) -> list[dict[str, Any]]:
        first, second, *others = real(table, keys)
        high, fixed = "3" + first["severity_sk"][1:], "2#0" + second["severity_sk"][3:]
        return [{**first, "severity_sk": high}, {**second, "severity_sk": fixed}, *others[1:]]  # and one is gone

    monkeypatch.setattr(Table, "get_many", changed_meanwhile)
    assert listed(owner, "/findings", severity="medium", status="new") == [f"v1:{0:064x}"]
    assert len(listed(owner, "/findings")) == 3


def test_a_rescan_without_changes_writes_no_index_entry(owner: Person, store: FindingStore) -> None:
    seen = finding(1, organisation_id=owner.organisation_id, status=Status.UNCHANGED, scan_id="scan_1")
    store.track([seen])
    (before,) = store.table.query_all(f"{owner.organisation_id}#findings")
    store.track([replace(seen, scan_id="scan_2", last_seen_at=BEGINNING + timedelta(days=1), order=7)])
    (after,) = store.table.query_all(f"{owner.organisation_id}#findings")
    keys = [name for name in before if name.endswith(("pk", "sk"))]
    assert len(keys) == 8
    assert [before[name] for name in keys] == [after[name] for name in keys]


def test_a_target_longer_than_a_key_has_findings(owner: Person, store: FindingStore) -> None:
    target = Target("text", "x" * 2048)
    store.track([finding(1, organisation_id=owner.organisation_id, target=target)])
    store.recount(owner.organisation_id, target)
    chosen = FindingFilter(targets=frozenset({target}), plugins=frozenset({"tls"}))
    page = store.list_tracked(owner.organisation_id, chosen, Sort.MOST_SEVERE, limit=10, after=None)
    assert [one.target for one in page.items] == [target]
    assert store.totals(owner.organisation_id, chosen).total == 1


# ---------------------------------------------------------------- counts


class Crash(BaseException):
    """The worker dies."""


def counted_now(store: FindingStore, organisation_id: str) -> tuple[dict[str, int], dict[str, int]]:
    """Current counts from the counters and from the summaries, by `<severity>_<status>`."""
    targets = frozenset(TARGETS)
    of_all = store.totals(organisation_id, FindingFilter())
    of_targets = store.totals(organisation_id, FindingFilter(targets=targets))
    return {**_without_zeros(of_all.counts)}, {**_without_zeros(of_targets.counts)}


def _without_zeros(counts: Mapping[str, int]) -> dict[str, int]:
    return {name: number for name, number in counts.items() if number}


def fully_counted(store: FindingStore, organisation_id: str) -> dict[str, int]:
    tracked = (one for target in TARGETS for one in store.tracked(organisation_id, target))
    return dict(Counter(f"{one.severity.value}_{one.status.value}" for one in tracked))


SCAN = st.tuples(
    st.sampled_from(TARGETS[:2]),
    st.dictionaries(
        st.integers(0, 5),
        st.tuples(st.sampled_from(list(TITLES)), st.sampled_from(list(Severity)[:2]), st.sampled_from(list(Status))),
        min_size=1,
        max_size=4,
    ),
)
INTERRUPTIONS = st.sampled_from(["", "", "before", "after", "meanwhile"])


@settings(max_examples=12, deadline=None, suppress_health_check=HealthCheck)
@given(scans=st.lists(st.tuples(SCAN, INTERRUPTIONS, st.integers(0, 2), SCAN), min_size=1, max_size=4))
def test_after_the_last_recount_the_counts_equal_a_full_count(
    store: FindingStore, scans: list[tuple[Any, str, int, Any]]
) -> None:
    """Scans in any order. A worker dies before or after any transaction, or another scan runs in between."""
    organisation_id = Ids().new("org")
    ids = iter(range(1000))

    def publish(target: Target, found: Mapping[int, Any]) -> None:
        scan_id = f"scan_{next(ids):04}"
        for number, (rule, severity, status) in found.items():
            plugin, _, name = rule.partition(".")
            changed = finding(
                number,
                organisation_id=organisation_id,
                target=target,
                plugin=plugin,
                rule=name,
                severity=severity,
                status=status,
                scan_id=scan_id,
            )
            store.track([changed])
        store.recount(organisation_id, target)

    for scan, how, writes, other in scans:
        with interrupted(how, writes, lambda other=other: publish(*other)), suppress(Crash):
            publish(*scan)
        store.recount(organisation_id, scan[0])
    expected = fully_counted(store, organisation_id)
    assert counted_now(store, organisation_id) == (expected, expected)
    store.recount(organisation_id, TARGETS[0])
    assert counted_now(store, organisation_id) == (expected, expected)


@contextmanager
def interrupted(how: str, writes: int, meanwhile: Callable[[], None]) -> Iterator[None]:
    """Interrupt the transaction with this number."""
    real, left = Table.transact, writes

    def transact(table: Table, entries: Any) -> None:
        nonlocal left
        left -= 1
        if left != -1 or not how:
            return real(table, entries)
        if how == "before":
            raise Crash
        if how == "meanwhile":
            meanwhile()
        real(table, entries)
        if how == "after":
            raise Crash
        return None

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Table, "transact", transact)
        yield


def test_two_concurrent_scans_of_a_target_are_counted_once(owner: Person, store: FindingStore) -> None:
    organisation_id = owner.organisation_id

    def found(number: int) -> None:
        store.track([finding(number, organisation_id=organisation_id)])

    def another_scan_ends() -> None:
        found(3)
        store.recount(organisation_id, TARGETS[0])

    found(1)
    store.recount(organisation_id, TARGETS[0])
    found(2)
    with interrupted("meanwhile", 0, another_scan_ends):
        store.recount(organisation_id, TARGETS[0])
    assert counted_now(store, organisation_id) == ({"medium_new": 3}, {"medium_new": 3})


def test_a_plugin_with_more_rules_than_a_transaction_allows_is_counted(owner: Person, store: FindingStore) -> None:
    organisation_id = owner.organisation_id
    for number in range(110):
        store.track([finding(number, organisation_id=organisation_id, rule=f"r{number:03}", title=f"Rule {number}")])
    store.recount(organisation_id, TARGETS[0])
    assert owner.get("/findings/counts").get_json()["total"] == 110
    assert owner.get(f"/findings/counts?target=image:{TARGETS[0].value}&text=rule 10").get_json()["total"] == 11


def test_a_changed_title_is_found_by_its_new_text(owner: Person, store: FindingStore) -> None:
    before = finding(1, organisation_id=owner.organisation_id, title="Old text", scan_id="scan_1")
    for one in (before, replace(before, title="New text", scan_id="scan_2")):
        store.track([one])
        store.recount(one.organisation_id, one.target)
    assert len(listed(owner, "/findings", text="new")) == 1
    assert listed(owner, "/findings", text="old") == []
