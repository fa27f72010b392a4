"""How findings are stored: read back unchanged, in groups that do not mix."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from argus.core.dynamo import from_wire, to_wire
from argus.scanning.finding_query import index_keys, target_key
from argus.scanning.finding_store import FindingStore, _finding_item, _tracking, from_item
from argus.scanning.model import Severity, Status, Target, TrackedFinding
from infra.embedded.capacity import WRITE_BYTES, item_bytes
from tests.conftest import Person
from tests.scanning.test_findings import finding, listed

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)
OBJECT = st.dictionaries(st.text(), JSON, max_size=4)
TIME = st.datetimes(datetime(2020, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)).map(
    lambda time: time.replace(microsecond=time.microsecond // 1000 * 1000)
)
NAME = st.from_regex(r"[a-z][a-z0-9_]{1,39}", fullmatch=True)
FINDING = st.builds(
    TrackedFinding,
    fingerprint=st.integers(0, 16**64 - 1).map(lambda number: f"v1:{number:064x}"),
    organisation_id=st.just("org_00000000000000000000000000"),
    target=st.builds(Target, NAME, st.text(min_size=1)),
    plugin=NAME,
    rule=NAME,
    title=st.text(),
    severity=st.sampled_from(Severity),
    location_key=st.text(),
    location=OBJECT,
    evidence=OBJECT,
    status=st.sampled_from(Status),
    scan_id=st.just("scan_00000000000000000000000000"),
    tested_at=TIME,
    first_seen_at=TIME,
    last_seen_at=TIME,
    fixed_at=st.none() | TIME,
    open=st.booleans(),
    order=st.integers(0, 9999),
    seen_with=OBJECT,
)


def _stored(item: dict[str, Any]) -> dict[str, Any]:
    return {name: from_wire(to_wire(value)) for name, value in item.items()}


def _exact(one: TrackedFinding) -> str:
    """Distinguishes True from 1 and 1 from 1.0, which are equal in Python."""
    return json.dumps([one.location, one.evidence, one.seen_with], sort_keys=True)


@given(FINDING, st.booleans())
def test_a_finding_is_read_back_unchanged(one: TrackedFinding, tracked: bool) -> None:
    if tracked:
        item = dict(_tracking(one).item)
    else:
        pk = f"{one.organisation_id}#scan#{one.scan_id}"
        item = _finding_item(one, pk, f"{one.plugin}#{one.fingerprint}", tracked=False)
    read = from_item(_stored(item))
    assert read == one
    assert _exact(read) == _exact(one)


def test_a_usual_finding_costs_one_write_unit() -> None:
    seen_at = datetime(2026, 5, 1, tzinfo=UTC) + timedelta(milliseconds=123)
    usual = finding(
        16**63,
        organisation_id="org_01jb8z3k9q2m4n6p8r0s2t4v6w",
        target=Target("host", f"{'very-' * 8}long.example.org"),
        plugin="certificate_transparency",
        rule="certificate_of_unknown_issuer",
        scan_id="scan_01k0n2y6d3f7h1k5n9q2s4v8x0",
        location={"host": "www.example.org", "port": 443, "path": "/a/b/c?d=e"},
        evidence={"issuer": "CN=An issuer, O=An organisation, C=NL", "serial": "0f:3a:99:12", "days": 13.25},
        tested_at=seen_at,
        first_seen_at=seen_at,
        last_seen_at=seen_at,
        seen_with={"threshold": 5.5},
    )
    item = {name: to_wire(value) for name, value in _tracking(usual).item.items()}
    assert item_bytes(item) < WRITE_BYTES


SHORT = st.sampled_from(["a", "b", "ab", "b_a"])  # few, so that some are equal, and some when joined
PLACE = st.tuples(st.sampled_from(["org_a", "org_b"]), st.sampled_from(["findings", "scan#findings", "scan#a"]))


@settings(max_examples=500)
@given(st.tuples(PLACE, SHORT, SHORT, SHORT, SHORT), st.tuples(PLACE, SHORT, SHORT, SHORT, SHORT))
def test_two_findings_are_in_the_same_group_only_if_what_it_groups_by_is_equal(one: Any, other: Any) -> None:
    groups, values = [], []
    for place, kind, value, plugin, rule in (one, other):
        target = Target(kind, value)
        pk = "#".join(place)
        keys = index_keys(finding(1, target=target, plugin=plugin, rule=rule), pk, tracked=True)
        groups.append({name: key for name, key in keys.items() if name.endswith("_pk")})
        values.append(
            {
                "plugin_pk": (place, plugin),
                "rule_pk": (place, plugin, rule),
                "target_pk": (place, target),
                "target_plugin_pk": (place, target, plugin),
                "target_rule_pk": (place, target, plugin, rule),
            }
        )
    assert {name: groups[0][name] == groups[1][name] for name in groups[0]} == {
        name: values[0][name] == values[1][name] for name in values[0]
    }


@pytest.fixture
def store(argus: Any) -> FindingStore:
    found: FindingStore = argus.scanning.finding_store
    return found


def test_rules_plugins_and_targets_with_similar_names_are_listed_apart(owner: Person, store: FindingStore) -> None:
    """Rules of one plugin, a rule name of two plugins, and names that are equal when joined."""
    rules = [("tls", "old"), ("tls", "weak"), ("web", "old"), ("ab", "c"), ("a", "bc"), ("ab", "bc"), ("a", "b_c")]
    targets = [Target("image", "img_00000000000000000000000001"), Target("image", "img_00000000000000000000000010")]
    cases = [(target, plugin, rule) for target in targets for plugin, rule in rules]
    findings = [
        finding(number, organisation_id=owner.organisation_id, target=target, plugin=plugin, rule=rule)
        for number, (target, plugin, rule) in enumerate(cases)
    ]
    store.track(findings)
    assert len({target_key(target) for target in targets}) == 2
    for one in findings:
        target, rule = f"image:{one.target.value}", f"{one.plugin}.{one.rule}"
        assert listed(owner, "/findings", rule=rule, target=target) == [one.fingerprint]
        assert len(listed(owner, "/findings", rule=rule)) == len(targets)
        of_plugin = {each.fingerprint for each in findings if (each.target, each.plugin) == (one.target, one.plugin)}
        assert set(listed(owner, "/findings", plugin=one.plugin, target=target)) == of_plugin
