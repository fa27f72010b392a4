"""What must hold for every plugin folder. A plugin's own cases are in its `fixtures.py`."""

import json
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from argus import capabilities
from argus.core.errors import Forbidden
from argus.scanning import testkit
from argus.scanning.catalogue import PLUGINS, Catalogue, MalformedManifest, Manifest, check
from argus.scanning.model import Finding, Severity, Target, fingerprint
from argus.scanning.testkit import Case, Outcome
from argus.scanning.tools import functions_of

FOLDERS = sorted(path.name for path in PLUGINS.iterdir() if path.is_dir() and not path.name.startswith("_"))


def params(folder: str) -> list[Any]:
    """A plugin's cases. Fixtures that raise have none: the test that every rule has a case raises it again."""
    try:
        return [pytest.param(folder, case, id=f"{folder}: {case.name}") for case in testkit.cases(folder)]
    except Exception:
        return []


every_plugin = pytest.mark.parametrize("plugin", FOLDERS)
every_case = pytest.mark.parametrize(("plugin", "case"), [param for folder in FOLDERS for param in params(folder)])


def manifest_of(plugin: str) -> Manifest:
    return Manifest.read(PLUGINS / plugin / "manifest.json")


@cache
def outcome_of(plugin: str, name: str) -> Outcome:
    (case,) = (case for case in testkit.cases(plugin) if case.name == name)
    return testkit.run(manifest_of(plugin), case)


# ---------------------------------------------------------------- manifests


def test_there_are_plugins() -> None:
    assert "thermal_hotspots" in FOLDERS
    assert [manifest.id for manifest in Catalogue.load().all()] == FOLDERS


@every_plugin
def test_the_manifest_is_whole_and_named_as_its_folder(plugin: str) -> None:
    check(PLUGINS / plugin / "manifest.json")
    assert manifest_of(plugin).id == plugin


@every_plugin
def test_capabilities_declare_the_kinds_and_permissions_it_asks_for(plugin: str) -> None:
    manifest_of(plugin).check_declared(capabilities.target_kinds(), capabilities.tools())


@every_plugin
def test_no_other_plugin_has_its_name(plugin: str) -> None:
    name = manifest_of(plugin).name
    assert [other for other in FOLDERS if manifest_of(other).name == name] == [plugin]


@every_plugin
def test_the_options_left_out_are_options_the_plugin_takes(plugin: str) -> None:
    manifest = manifest_of(plugin)
    defaults = manifest.check_options({})
    assert set(defaults) == set(manifest.options["properties"])
    assert manifest.check_options(defaults) == defaults


@every_plugin
def test_a_plugin_that_reaches_nothing_asks_for_no_requests(plugin: str) -> None:
    manifest = manifest_of(plugin)
    if functions_of(manifest.permissions, capabilities.tools()) == {"worker"}:
        assert manifest.budget.requests == 0


@pytest.mark.parametrize(
    "damage",
    [
        lambda wire: wire.pop("price"),
        lambda wire: wire.update(colour="red"),
        lambda wire: wire.update(version="1.0"),
        lambda wire: wire.update(id="Hot Spots"),
        lambda wire: wire.update(target_kinds=[]),
        lambda wire: wire.update(permissions=["Every thing"]),
        lambda wire: wire.update(target_kinds=["Moon!"]),
        lambda wire: wire.update(rules={}),
        lambda wire: wire["budget"].update(seconds=100_000),
        lambda wire: wire["options"].update(additionalProperties=True),
        lambda wire: wire["options"]["properties"]["delta_celsius"].pop("maximum"),
        lambda wire: wire["options"]["properties"]["delta_celsius"].pop("default"),
        lambda wire: wire["options"]["properties"]["delta_celsius"].update(unit=None),
        lambda wire: wire["rules"]["hotspot"].update(severity="dreadful"),
        lambda wire: wire["rules"]["hotspot"].update(remediation=""),
        lambda wire: wire["rules"]["hotspot"].pop("references"),
    ],
)
def test_a_manifest_that_is_not_whole_is_noticed(damage: Callable[[Any], Any], tmp_path: Path) -> None:
    wire = json.loads((PLUGINS / "thermal_hotspots" / "manifest.json").read_text())
    damage(wire)
    path = tmp_path / "manifest.json"
    path.write_text(json.dumps(wire))
    with pytest.raises(MalformedManifest, match=re.escape(str(path))):
        check(path)


# ---------------------------------------------------------------- cases


@every_plugin
def test_every_rule_has_a_case_that_breaks_it_and_one_that_does_not(plugin: str) -> None:
    cases = testkit.cases(plugin)
    assert len({case.name for case in cases}) == len(cases)
    broken = {rule for case in cases for rule, count in case.expects.items() if count > 0}
    kept = {rule for case in cases for rule, count in case.expects.items() if count == 0}
    assert broken == kept == set(manifest_of(plugin).rules)


@every_case
def test_the_plugin_finds_what_the_case_expects_and_nothing_else(plugin: str, case: Case) -> None:
    expected = {rule: count for rule, count in case.expects.items() if count}
    assert outcome_of(plugin, case.name).counts == expected


@every_case
def test_the_plugin_says_which_rules_it_did_not_look_for_to_the_end(plugin: str, case: Case) -> None:
    assert outcome_of(plugin, case.name).not_tested == case.not_tested


@every_case
def test_the_same_case_twice_yields_the_same_findings(plugin: str, case: Case) -> None:
    assert testkit.run(manifest_of(plugin), case).findings == outcome_of(plugin, case.name).findings


@every_case
def test_only_declared_rules_are_raised(plugin: str, case: Case) -> None:
    outcome = outcome_of(plugin, case.name)
    assert {*outcome.counts, *outcome.not_tested} <= set(manifest_of(plugin).rules)


@every_case
def test_the_plugin_consumes_the_target_and_keeps_its_budget(plugin: str, case: Case) -> None:
    assert case.target.kind in manifest_of(plugin).target_kinds
    assert outcome_of(plugin, case.name).seconds < manifest_of(plugin).budget.seconds


@every_case
def test_what_is_told_is_plain_json_with_finite_numbers(plugin: str, case: Case) -> None:
    for finding in outcome_of(plugin, case.name).findings:
        told = [finding.location, finding.evidence]
        assert json.loads(json.dumps(told, allow_nan=False)) == told
        assert finding.location_key
        assert finding.severity is None or finding.severity in set(Severity)


@every_case
def test_no_two_findings_of_a_run_share_a_fingerprint(plugin: str, case: Case) -> None:
    def name(finding: Finding) -> str:
        return fingerprint(organisation_id="org_1", target=case.target, plugin=plugin, finding=finding)

    names = [name(finding) for finding in outcome_of(plugin, case.name).findings]
    assert len(set(names)) == len(names)


# ---------------------------------------------------------------- the code


@every_plugin
def test_plugins_use_none_of_what_services_use(plugin: str) -> None:
    script = (
        f"import sys; from argus.scanning.catalogue import Catalogue; Catalogue.load().get({plugin!r}).load_run(); "
        "print(*(name for name in sys.modules if name.split('.')[0] in ('boto3', 'botocore', 'flask', 'requests') "
        "or name.endswith(('.store', '.service', '.routes', '.testkit', '.fixtures'))))"
    )
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert loaded.stdout.split() == []


def test_a_plugin_under_test_is_refused_what_its_manifest_does_not_ask_for() -> None:
    modest = replace(manifest_of("thermal_hotspots"), permissions=())
    with pytest.raises(Forbidden, match="permission imagery"):
        testkit.run(modest, testkit.cases("thermal_hotspots")[0])


def test_progress_beyond_the_whole_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="from 0 to 1"):
        testkit.tools_for(manifest_of("thermal_hotspots"), testkit.World()).progress(30)


def test_a_case_of_an_image_that_is_not_there_says_so() -> None:
    case = Case("", Target("image", "img_2"), testkit.World(), {})
    with pytest.raises(testkit.UnknownImage, match="img_2"):
        testkit.run(manifest_of("thermal_hotspots"), case)
