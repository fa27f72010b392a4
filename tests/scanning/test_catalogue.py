"""Manifests as they are read, and options as they are checked."""

import json
import math
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from argus.capabilities import installed
from argus.container import Container
from argus.core.declarations import Tool
from argus.core.errors import FieldError
from argus.core.settings import Settings
from argus.scanning.catalogue import (
    PLUGINS,
    Budget,
    Catalogue,
    InvalidOptions,
    MalformedManifest,
    Manifest,
    NoSuchPlugin,
)
from argus.scanning.tools import functions_of

OPTIONS = {
    "kelvin": {"type": "number", "minimum": 1, "maximum": 100, "default": 10, "unit": "K", "narrows": "raised"},
    "limit": {
        "type": ["number", "null"],
        "minimum": -50,
        "maximum": 100,
        "default": None,
        "unit": "celsius",
        "narrows": "raised",
    },
    "pixels": {"type": "integer", "minimum": 1, "maximum": 100, "default": 9, "unit": "pixels", "narrows": "never"},
    "share": {"type": "number", "minimum": 0, "maximum": 1, "default": 0.5, "unit": "of 1", "narrows": "changed"},
    "deep": {"type": "boolean", "default": False, "unit": None, "narrows": "lowered"},
    "word": {
        "type": "string",
        "enum": ["red", "Blue"],
        "maxLength": 9,
        "default": "red",
        "unit": None,
        "narrows": "changed",
    },
}
DEFAULTS = {name: option["default"] for name, option in OPTIONS.items()}
WIRE: dict[str, Any] = {
    "id": "lamp",
    "version": "1.2.3",
    "name": "Lamp",
    "summary": "Finds lamps that are lit.",
    "description": "Checks every lamp in turn.",
    "target_kinds": ["image"],
    "permissions": [],
    "price": {"minor_units": 0, "currency": "EUR"},
    "options": {"type": "object", "additionalProperties": False, "properties": OPTIONS},
    "rules": {
        "lit": {
            "title": "Lit",
            "severity": "low",
            "description": "The lamp is lit.",
            "remediation": "Put it out.",
            "cwe": None,
            "references": ["A book"],
        }
    },
    "budget": {"seconds": 5, "requests": 0},
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "lamp").mkdir()
    (tmp_path / "lamp" / "manifest.json").write_text(json.dumps(WIRE))
    return tmp_path


@pytest.fixture
def lamp(folder: Path) -> Manifest:
    return Catalogue.load(folder).get("lamp")


def test_the_catalogue_contains_every_plugin_ordered_by_id() -> None:
    assert [manifest.id for manifest in Catalogue.load().all()] == sorted(
        path.parent.name for path in PLUGINS.glob("*/manifest.json")
    )


def test_a_manifest_is_serialized_without_changes(lamp: Manifest) -> None:
    assert json.loads(json.dumps(lamp.as_wire())) == WIRE


@pytest.mark.parametrize(
    ("damage", "error"),
    [
        (lambda wire: wire["rules"]["hotspot"].pop("references"), "rules.hotspot must contain ['references']"),
        (lambda wire: wire["rules"]["hotspot"].update(severity="dire"), "rules.hotspot.severity must be one of"),
        (lambda wire: wire["rules"]["hotspot"].update(colour="red"), "rules.hotspot must not contain {'colour'}"),
        (lambda wire: wire.update(rules=["hotspot"]), "rules must be object"),
        (lambda wire: wire.update(price=None), "price must be object"),
        (lambda wire: wire.pop("budget"), "must contain ['budget']"),
    ],
    ids=["missing", "invalid", "unknown", "not an object", "null", "missing at the top"],
)
def test_the_error_of_an_invalid_manifest_names_the_file_and_the_member(
    tmp_path: Path, damage: Callable[[Any], Any], error: str
) -> None:
    wire = json.loads((PLUGINS / "thermal_hotspots" / "manifest.json").read_text())
    damage(wire)
    path = tmp_path / "manifest.json"
    path.write_text(json.dumps(wire))
    with pytest.raises(MalformedManifest, match=re.escape(f"{path}: {error}")):
        Manifest.read(path)


def test_the_error_of_a_manifest_with_invalid_json_names_the_file_and_the_line(tmp_path: Path) -> None:
    path = tmp_path / "manifest.json"
    path.write_text('{\n"id": }')
    with pytest.raises(MalformedManifest, match=re.escape(f"{path}: Expecting value: line 2")):
        Manifest.read(path)


def test_changing_a_response_does_not_change_the_manifest(lamp: Manifest) -> None:
    lamp.as_wire()["options"]["properties"].clear()
    assert lamp.check_options({}) == DEFAULTS


def test_an_unknown_plugin_is_not_found(folder: Path) -> None:
    with pytest.raises(NoSuchPlugin, match="torch"):
        Catalogue.load(folder).get("torch")


def test_a_missing_option_has_its_default(lamp: Manifest) -> None:
    assert lamp.check_options({"kelvin": 20.5, "limit": 80}) == {**DEFAULTS, "kelvin": 20.5, "limit": 80}


@pytest.mark.parametrize(
    ("name", "value", "error"),
    [
        ("kelvim", 5, "There is no such option."),
        ("kelvin", 0.5, "Must be bigger than or equal to 1."),
        ("kelvin", 100.5, "Must be smaller than or equal to 100."),
        ("kelvin", True, "Must be number."),
        ("kelvin", "5", "Must be number."),
        ("kelvin", None, "Must be number."),
        ("kelvin", [5], "Must be number."),
        ("kelvin", math.nan, "Must be a finite number of reasonable size."),
        ("kelvin", -math.inf, "Must be a finite number of reasonable size."),
        ("kelvin", 10**400, "Must be a finite number of reasonable size."),
        ("share", 1e-300, "Must be a finite number of reasonable size."),
        ("limit", False, "Must be number or null."),
        ("pixels", 2.5, "Must be integer."),
        ("pixels", True, "Must be integer."),
        ("deep", 1, "Must be boolean."),
        ("deep", 0.0, "Must be boolean."),
        ("word", "green", "Must be one of ['red', 'Blue']."),
    ],
)
def test_an_invalid_option_is_rejected(lamp: Manifest, name: str, value: Any, error: str) -> None:
    with pytest.raises(InvalidOptions) as refused:
        lamp.check_options({name: value})
    assert refused.value.errors == (FieldError((name,), sentence=error),)


def test_every_invalid_option_is_reported(lamp: Manifest) -> None:
    with pytest.raises(InvalidOptions) as refused:
        lamp.check_options({"kelvin": -1, "pixels": 5, "light": 1, "deep": "yes"})
    assert str(refused.value) == (
        "The plugin lamp does not accept these options: deep, kelvin, light. See “errors” for details."
    )
    assert {each.path for each in refused.value.errors} == {("kelvin",), ("light",), ("deep",)}


def test_a_whole_number_becomes_an_integer_for_an_integer_option(lamp: Manifest) -> None:
    checked = lamp.check_options({"pixels": 12.0, "kelvin": 12.0})
    assert (type(checked["pixels"]), type(checked["kelvin"])) == (int, float)


def test_reading_the_catalogue_imports_no_plugin_no_numpy_and_no_schema_library() -> None:
    script = (
        "import sys; from argus.scanning.catalogue import Catalogue; Catalogue.load().all(); "
        "print(*(name for name in sys.modules if name.startswith(('numpy', 'PIL', 'fastjsonschema', "
        "'argus.scanning.plugins', 'argus.imagery'))))"
    )
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert loaded.stdout.split() == []


@pytest.mark.parametrize(
    ("now", "then", "expected"),
    [
        ({}, {}, True),
        ({"kelvin": 10}, {"kelvin": 20}, True),
        ({"kelvin": 20}, {"kelvin": 10}, False),
        ({"limit": 40}, {"limit": None}, True),
        ({"limit": None}, {"limit": 40}, False),
        ({"limit": 41}, {"limit": 40}, False),
        ({"deep": True}, {"deep": False}, True),
        ({"deep": False}, {"deep": True}, False),
        ({"share": 0.6}, {"share": 0.5}, False),
        ({"word": "Blue"}, {"word": "red"}, False),
        ({"pixels": 90}, {"pixels": 9}, True),
        ({"kelvin": 10}, {"kelvin": "high"}, False),
    ],
    ids=str,
)
def test_the_sensitivity_of_options_is_compared(
    lamp: Manifest, now: dict[str, Any], then: dict[str, Any], expected: bool
) -> None:
    seen_with = lamp.sensitivity({**DEFAULTS, **then})
    assert set(seen_with) == set(OPTIONS) - {"pixels"}
    assert lamp.is_as_sensitive({**DEFAULTS, **now}, as_with=seen_with) is expected


def test_an_option_unknown_to_an_older_version_counts_as_its_default(lamp: Manifest) -> None:
    assert lamp.is_as_sensitive({**DEFAULTS, "kelvin": 9}, as_with={})
    assert not lamp.is_as_sensitive({**DEFAULTS, "kelvin": 11}, as_with={})


# ---------------------------------------------------------------- declared kinds and permissions

TOOLS = {
    "lens": Tool("Reads images", lambda _: None),
    "socket": Tool("Calls hosts", lambda _: None, function="scanner"),
    "wire": Tool("Calls hosts", lambda _: None, function="scanner"),
}


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        (
            {"target_kinds": ("image", "moon")},
            "lamp: target_kinds: no capability declares moon; declared are: host, image",
        ),
        (
            {"permissions": ("lens", "wand")},
            "lamp: permissions: no capability declares wand; declared are: lens, socket",
        ),
        ({"permissions": ("lens", "socket")}, "lamp: permissions: they belong to the functions scanner and worker"),
        ({"permissions": ("lens",), "budget": Budget(101, 0)}, "lamp: budget: the worker allows a plugin 100 s"),
        ({"permissions": ("wire",), "budget": Budget(851, 0)}, "lamp: budget: the scanner allows a plugin 850 s"),
    ],
    ids=["kind", "permission", "two functions", "too long for the worker", "too long for the scanner"],
)
def test_a_manifest_with_undeclared_kinds_or_permissions_is_rejected(
    lamp: Manifest, changes: dict[str, Any], error: str
) -> None:
    changed = Catalogue({"lamp": replace(lamp, **changes)})
    with pytest.raises(MalformedManifest, match=re.escape(error)):
        changed.check({"image", "host"}, TOOLS)


@pytest.mark.parametrize(
    ("permissions", "function"), [((), "worker"), (("lens",), "worker"), (("socket", "wire"), "scanner")]
)
def test_permissions_decide_which_function_runs_a_plugin(
    lamp: Manifest, permissions: tuple[str, ...], function: str
) -> None:
    changed = replace(lamp, permissions=permissions)
    changed.check_declared({"image"}, TOOLS)
    assert functions_of(changed.permissions, TOOLS) == {function}


def test_a_container_does_not_start_with_a_plugin_of_an_undeclared_kind() -> None:
    bare = Container(Settings.from_env({}), capabilities=tuple(one for one in installed() if one.name != "imagery"))
    with pytest.raises(MalformedManifest, match="no capability declares image; declared are: none"):
        _ = bare.catalogue
