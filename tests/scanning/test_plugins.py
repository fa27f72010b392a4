"""Tests over every plugin folder. The test cases of a plugin are in its `fixtures.py`."""

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
    """The test cases of a plugin; none if its fixtures raise, which the test that every rule has a case reports."""
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


def test_the_catalogue_contains_the_plugin_folders() -> None:
    assert "thermal_hotspots" in FOLDERS
    assert [manifest.id for manifest in Catalogue.load().all()] == FOLDERS


@every_plugin
def test_the_manifest_is_valid_and_its_id_is_the_folder_name(plugin: str) -> None:
    check(PLUGINS / plugin / "manifest.json")
    assert manifest_of(plugin).id == plugin


@every_plugin
def test_capabilities_declare_its_target_kinds_and_permissions(plugin: str) -> None:
    manifest_of(plugin).check_declared(capabilities.target_kinds(), capabilities.tools())


@every_plugin
def test_the_name_of_a_plugin_is_unique(plugin: str) -> None:
    name = manifest_of(plugin).name
    assert [other for other in FOLDERS if manifest_of(other).name == name] == [plugin]


@every_plugin
def test_the_default_options_are_valid(plugin: str) -> None:
    manifest = manifest_of(plugin)
    defaults = manifest.check_options({})
    assert set(defaults) == set(manifest.options["properties"])
    assert manifest.check_options(defaults) == defaults


@every_plugin
def test_a_plugin_without_network_has_no_request_budget(plugin: str) -> None:
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
def test_an_invalid_manifest_is_rejected(damage: Callable[[Any], Any], tmp_path: Path) -> None:
    wire = json.loads((PLUGINS / "thermal_hotspots" / "manifest.json").read_text())
    damage(wire)
    path = tmp_path / "manifest.json"
    path.write_text(json.dumps(wire))
    with pytest.raises(MalformedManifest, match=re.escape(str(path))):
        check(path)


# ---------------------------------------------------------------- cases


@every_plugin
def test_every_rule_has_a_case_with_findings_and_a_case_without(plugin: str) -> None:
    cases = testkit.cases(plugin)
    assert len({case.name for case in cases}) == len(cases)
    with_findings = {rule for case in cases for rule, count in case.expects.items() if count > 0}
    without_findings = {rule for case in cases for rule, count in case.expects.items() if count == 0}
    assert with_findings == without_findings == set(manifest_of(plugin).rules)


@every_case
def test_the_plugin_finds_exactly_what_the_case_expects(plugin: str, case: Case) -> None:
    expected = {rule: count for rule, count in case.expects.items() if count}
    assert outcome_of(plugin, case.name).counts == expected


@every_case
def test_the_plugin_marks_exactly_the_rules_that_it_did_not_fully_test(plugin: str, case: Case) -> None:
    assert outcome_of(plugin, case.name).not_tested == case.not_tested


@every_case
def test_the_same_case_twice_yields_the_same_findings(plugin: str, case: Case) -> None:
    assert testkit.run(manifest_of(plugin), case).findings == outcome_of(plugin, case.name).findings


@every_case
def test_only_declared_rules_are_raised(plugin: str, case: Case) -> None:
    outcome = outcome_of(plugin, case.name)
    assert {*outcome.counts, *outcome.not_tested} <= set(manifest_of(plugin).rules)


@every_case
def test_the_plugin_supports_the_target_and_keeps_its_budget(plugin: str, case: Case) -> None:
    assert case.target.kind in manifest_of(plugin).target_kinds
    assert outcome_of(plugin, case.name).seconds < manifest_of(plugin).budget.seconds


@every_case
def test_findings_are_plain_json_with_finite_numbers(plugin: str, case: Case) -> None:
    for finding in outcome_of(plugin, case.name).findings:
        values = [finding.location, finding.evidence]
        assert json.loads(json.dumps(values, allow_nan=False)) == values
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
def test_plugins_import_no_service_code(plugin: str) -> None:
    script = (
        f"import sys; from argus.scanning.catalogue import Catalogue; Catalogue.load().get({plugin!r}).load_run(); "
        "print(*(name for name in sys.modules if name.split('.')[0] in ('boto3', 'botocore', 'flask', 'requests') "
        "or name.endswith(('.store', '.service', '.routes', '.testkit', '.fixtures'))))"
    )
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert loaded.stdout.split() == []


def test_the_testkit_refuses_tools_without_permission() -> None:
    manifest = replace(manifest_of("thermal_hotspots"), permissions=())
    with pytest.raises(Forbidden, match="permission imagery"):
        testkit.run(manifest, testkit.cases("thermal_hotspots")[0])


def test_progress_above_one_is_an_error() -> None:
    with pytest.raises(ValueError, match="from 0 to 1"):
        testkit.tools_for(manifest_of("thermal_hotspots"), testkit.World()).progress(30)


def test_the_testkit_gives_a_position_its_name_once_per_rule() -> None:
    tools = testkit.tools_for(manifest_of("thermal_hotspots"), testkit.World(known_positions={"hotspot": ("5.0,5.0",)}))
    names = [tools.positions("hotspot").match(6, 5, tolerance=8) for _ in range(2)]
    assert names == ["5.0,5.0", "6.0,5.0"]


def test_a_case_with_a_missing_image_names_it() -> None:
    case = Case("", Target("image", "img_2"), testkit.World(), {})
    with pytest.raises(testkit.UnknownImage, match="img_2"):
        testkit.run(manifest_of("thermal_hotspots"), case)
