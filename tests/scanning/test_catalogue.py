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
        "enum": ["red", "blue"],
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
    "description": "Looks at every lamp in turn.",
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


def test_the_catalogue_holds_every_plugin_in_the_order_of_ids() -> None:
    assert [manifest.id for manifest in Catalogue.load().all()] == sorted(
        path.parent.name for path in PLUGINS.glob("*/manifest.json")
    )


def test_a_manifest_comes_out_as_it_went_in(lamp: Manifest) -> None:
    assert json.loads(json.dumps(lamp.as_wire())) == WIRE


@pytest.mark.parametrize(
    ("damage", "why"),
    [
        (lambda wire: wire["rules"]["hotspot"].pop("references"), "rules.hotspot must contain ['references']"),
        (lambda wire: wire["rules"]["hotspot"].update(severity="dire"), "rules.hotspot.severity must be one of"),
        (lambda wire: wire["rules"]["hotspot"].update(colour="red"), "rules.hotspot must not contain {'colour'}"),
        (lambda wire: wire.update(rules=["hotspot"]), "rules must be object"),
        (lambda wire: wire.update(price=None), "price must be object"),
        (lambda wire: wire.pop("budget"), "must contain ['budget']"),
    ],
    ids=["lacking", "wrong", "too much", "no object", "null", "lacking above"],
)
def test_a_manifest_that_cannot_be_read_is_named_and_what_is_wrong_with_it(
    tmp_path: Path, damage: Callable[[Any], Any], why: str
) -> None:
    wire = json.loads((PLUGINS / "thermal_hotspots" / "manifest.json").read_text())
    damage(wire)
    path = tmp_path / "manifest.json"
    path.write_text(json.dumps(wire))
    with pytest.raises(MalformedManifest, match=re.escape(f"{path}: {why}")):
        Manifest.read(path)


def test_a_manifest_that_is_no_json_is_named_and_the_line(tmp_path: Path) -> None:
    path = tmp_path / "manifest.json"
    path.write_text('{\n"id": }')
    with pytest.raises(MalformedManifest, match=re.escape(f"{path}: Expecting value: line 2")):
        Manifest.read(path)


def test_an_answer_may_be_changed_without_changing_the_manifest(lamp: Manifest) -> None:
    lamp.as_wire()["options"]["properties"].clear()
    assert lamp.check_options({}) == DEFAULTS


def test_an_unknown_plugin_is_not_found(folder: Path) -> None:
    with pytest.raises(NoSuchPlugin, match="torch"):
        Catalogue.load(folder).get("torch")


def test_what_is_left_out_takes_its_default(lamp: Manifest) -> None:
    assert lamp.check_options({"kelvin": 20.5, "limit": 80}) == {**DEFAULTS, "kelvin": 20.5, "limit": 80}


@pytest.mark.parametrize(
    ("name", "value", "why"),
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
        ("word", "green", "Must be one of ['red', 'blue']."),
    ],
)
def test_an_option_that_the_plugin_does_not_take_is_refused(lamp: Manifest, name: str, value: Any, why: str) -> None:
    with pytest.raises(InvalidOptions) as refused:
        lamp.check_options({name: value})
    assert refused.value.errors == {name: [why]}


def test_everything_wrong_is_said_at_once(lamp: Manifest) -> None:
    with pytest.raises(InvalidOptions) as refused:
        lamp.check_options({"kelvin": -1, "pixels": 5, "light": 1, "deep": "yes"})
    assert str(refused.value) == (
        "The plugin lamp does not accept these options: deep, kelvin, light. errors says why."
    )
    assert set(refused.value.errors or {}) == {"kelvin", "light", "deep"}


def test_a_whole_number_becomes_an_integer_where_one_is_wanted(lamp: Manifest) -> None:
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
        ({"word": "blue"}, {"word": "red"}, False),
        ({"pixels": 90}, {"pixels": 9}, True),
        ({"kelvin": 10}, {"kelvin": "high"}, False),
    ],
    ids=str,
)
def test_options_are_as_sensitive_as_others_or_not(
    lamp: Manifest, now: dict[str, Any], then: dict[str, Any], expected: bool
) -> None:
    seen_with = lamp.sensitivity({**DEFAULTS, **then})
    assert set(seen_with) == set(OPTIONS) - {"pixels"}
    assert lamp.is_as_sensitive({**DEFAULTS, **now}, as_with=seen_with) is expected


def test_an_option_that_an_older_version_did_not_have_had_its_default(lamp: Manifest) -> None:
    assert lamp.is_as_sensitive({**DEFAULTS, "kelvin": 9}, as_with={})
    assert not lamp.is_as_sensitive({**DEFAULTS, "kelvin": 11}, as_with={})


# ---------------------------------------------------------------- what capabilities declare

TOOLS = {
    "lens": Tool("Looks", lambda _: None),
    "socket": Tool("Calls", lambda _: None, function="scanner"),
    "wire": Tool("Calls too", lambda _: None, function="scanner"),
}


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        (
            {"target_kinds": ("image", "moon")},
            "lamp: target_kinds: no capability declares moon; there are: host, image",
        ),
        ({"permissions": ("lens", "wand")}, "lamp: permissions: no capability declares wand; there are: lens, socket"),
        ({"permissions": ("lens", "socket")}, "lamp: permissions: they belong to the functions scanner and worker"),
        ({"permissions": ("lens",), "budget": Budget(101, 0)}, "lamp: budget: the worker has 100 s for a plugin"),
        ({"permissions": ("wire",), "budget": Budget(851, 0)}, "lamp: budget: the scanner has 850 s for a plugin"),
    ],
    ids=["kind", "permission", "two functions", "too long for the worker", "too long for the scanner"],
)
def test_a_manifest_that_asks_for_what_is_not_declared_is_refused(
    lamp: Manifest, asked: dict[str, Any], why: str
) -> None:
    asking = Catalogue({"lamp": replace(lamp, **asked)})
    with pytest.raises(MalformedManifest, match=re.escape(why)):
        asking.check({"image", "host"}, TOOLS)


@pytest.mark.parametrize(
    ("permissions", "function"), [((), "worker"), (("lens",), "worker"), (("socket", "wire"), "scanner")]
)
def test_a_plugin_runs_where_its_permissions_say(lamp: Manifest, permissions: tuple[str, ...], function: str) -> None:
    asking = replace(lamp, permissions=permissions)
    asking.check_declared({"image"}, TOOLS)
    assert functions_of(asking.permissions, TOOLS) == {function}


def test_a_container_does_not_start_with_a_plugin_that_asks_for_what_is_not_declared() -> None:
    bare = Container(Settings.from_env({}), capabilities=tuple(one for one in installed() if one.name != "imagery"))
    with pytest.raises(MalformedManifest, match="no capability declares image; there are: none"):
        _ = bare.catalogue
