"""The plugins there are, read from their manifests. No plugin code is imported before a worker runs it.

The API reads this at every cold start: what only a check of options needs is imported then.
"""

import importlib
import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import asdict, dataclass, fields
from functools import cache, cached_property
from pathlib import Path
from typing import Any, cast

from argus.core.declarations import Tool
from argus.core.errors import ArgusError, Invalid, NotFound
from argus.core.functions import FUNCTIONS
from argus.scanning.model import Severity
from argus.scanning.plugin import RunFunction
from argus.scanning.tools import functions_of

PLUGINS = Path(__file__).parent / "plugins"
SCHEMA = Path(__file__).with_name("manifest.schema.json")

# Beyond these a number has no place in DynamoDB; no option needs it.
_LARGEST, _SMALLEST = 1e100, 1e-100


class NoSuchPlugin(NotFound):
    """There is no such plugin."""


class MalformedManifest(ArgusError):
    """A plugin's manifest is not as its schema says."""


class InvalidOptions(Invalid):
    """The plugin does not take these options."""


@dataclass(frozen=True)
class RuleManifest:
    """Something that a plugin may find."""

    title: str
    severity: Severity  # of findings that say none themselves
    description: str
    remediation: str
    references: tuple[str, ...]
    cwe: int | None = None  # of the Common Weakness Enumeration


@dataclass(frozen=True)
class Price:
    """What one run costs."""

    minor_units: int
    currency: str


@dataclass(frozen=True)
class Budget:
    """What one run may use."""

    seconds: int
    requests: int


@dataclass(frozen=True)
class Manifest:
    """What a plugin says of itself; `manifest.schema.json` has the whole contract."""

    id: str
    version: str
    name: str
    summary: str
    description: str
    target_kinds: tuple[str, ...]
    permissions: tuple[str, ...]
    price: Price
    options: Mapping[str, Any]  # a JSON Schema of an object
    rules: Mapping[str, RuleManifest]
    budget: Budget

    @classmethod
    def read(cls, path: Path) -> "Manifest":
        """Raises MalformedManifest where something is missing; `check` is stricter, and slower."""
        try:
            wire = json.loads(path.read_text(encoding="utf-8"))
            return cls(
                **{
                    **{name: wire[name] for name in (known.name for known in fields(cls))},
                    "target_kinds": tuple(wire["target_kinds"]),
                    "permissions": tuple(wire["permissions"]),
                    "price": Price(**wire["price"]),
                    "rules": {name: _rule(rule) for name, rule in wire["rules"].items()},
                    "budget": Budget(**wire["budget"]),
                }
            )
        except (AttributeError, KeyError, TypeError, ValueError):
            check(path)  # says what is wrong and where, which these do not
            raise

    def check_declared(self, kinds: Collection[str], tools: Mapping[str, Tool]) -> None:
        """Raise MalformedManifest unless capabilities declare what it asks for, and one function has time for it."""
        if unknown := set(self.target_kinds) - set(kinds):
            raise MalformedManifest(f"{self.id}: target_kinds: {_undeclared(unknown, kinds)}")
        if unknown := set(self.permissions) - set(tools):
            raise MalformedManifest(f"{self.id}: permissions: {_undeclared(unknown, tools)}")
        if len(functions := functions_of(self.permissions, tools)) > 1:
            named = " and ".join(sorted(functions))
            raise MalformedManifest(
                f"{self.id}: permissions: they belong to the functions {named}; a plugin runs in one"
            )
        (function,) = functions
        if self.budget.seconds > (most := FUNCTIONS[function].plugin_seconds):
            raise MalformedManifest(f"{self.id}: budget: the {function} has {most} s for a plugin")

    def as_wire(self) -> dict[str, Any]:
        """The manifest for an answer; the caller may change it."""
        return asdict(self)

    def check_options(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """The options with defaults for those left out; raises InvalidOptions, saying what is wrong with each."""
        properties = self._options
        checked = {name: option["default"] for name, option in properties.items()}
        errors = {}
        for name, value in options.items():
            if name not in properties:
                errors[name] = ["There is no such option."]
            elif why := self._complaint(name, value):
                errors[name] = [why]
            else:
                checked[name] = _plain(value, properties[name])
        if errors:
            raise InvalidOptions(plugin=self.id, options=", ".join(sorted(errors)), errors=errors)
        return checked

    def load_run(self) -> RunFunction:
        """The plugin's code; imports it, so for workers only."""
        return cast(RunFunction, importlib.import_module(f"argus.scanning.plugins.{self.id}.plugin").run)

    def sensitivity(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """Those of the options that decide how much the plugin finds."""
        return {name: options[name] for name, schema in self._options.items() if schema["narrows"] != "never"}

    def is_as_sensitive(self, options: Mapping[str, Any], *, as_with: Mapping[str, Any]) -> bool:
        """Whether the plugin finds with these options all that it finds with others.

        `as_with` may be of another version: an option that it does not have had its default.
        """
        return all(
            _finds_as_much(
                schema["narrows"], now=options.get(name, schema["default"]), then=as_with.get(name, schema["default"])
            )
            for name, schema in self._options.items()
        )

    @property
    def _options(self) -> Mapping[str, Any]:
        properties: Mapping[str, Any] = self.options["properties"]
        return properties

    def _complaint(self, name: str, value: object) -> str:
        """What is wrong with an option's value; empty when nothing is."""
        from fastjsonschema import JsonSchemaValueException

        if isinstance(value, int | float) and not _is_reasonable(value):
            return "Must be a finite number of reasonable size."
        try:
            self._checks[name](value)
        except JsonSchemaValueException as error:
            return f"{error.message.removeprefix('data ').capitalize()}."
        return ""

    @cached_property
    def _checks(self) -> Mapping[str, Callable[[object], object]]:
        import fastjsonschema

        return {name: fastjsonschema.compile(schema) for name, schema in self._options.items()}


@dataclass(frozen=True)
class Catalogue:
    """Every plugin, by id."""

    manifests: Mapping[str, Manifest]

    @classmethod
    def load(cls, folder: Path = PLUGINS) -> "Catalogue":
        found = [Manifest.read(path) for path in sorted(folder.glob("*/manifest.json"))]
        return cls({manifest.id: manifest for manifest in found})

    def all(self) -> list[Manifest]:
        """In the order of their ids."""
        return list(self.manifests.values())

    def check(self, kinds: Collection[str], tools: Mapping[str, Tool]) -> None:
        """Raise MalformedManifest unless capabilities declare what the plugins ask for."""
        for manifest in self.manifests.values():
            manifest.check_declared(kinds, tools)

    def get(self, plugin_id: str) -> Manifest:
        if plugin_id not in self.manifests:
            raise NoSuchPlugin(plugin=plugin_id)
        return self.manifests[plugin_id]


def check(path: Path) -> None:
    """Raise MalformedManifest, naming the file and the field, unless the manifest is all that its schema says."""
    try:
        _schema()(json.loads(path.read_text(encoding="utf-8")))
    except ValueError as error:  # of JSON, or of the schema
        what = str(error).removeprefix("data").lstrip(" .")
        raise MalformedManifest(f"{path}: {what}; see {SCHEMA.name}") from error


@cache
def _schema() -> Callable[[object], object]:
    import fastjsonschema

    compiled: Callable[[object], object] = fastjsonschema.compile(json.loads(SCHEMA.read_text(encoding="utf-8")))
    return compiled


def _undeclared(unknown: Collection[str], declared: Collection[str]) -> str:
    return f"no capability declares {', '.join(sorted(unknown))}; there are: {', '.join(sorted(declared)) or 'none'}"


def _rule(wire: Mapping[str, Any]) -> RuleManifest:
    return RuleManifest(**{**wire, "severity": Severity(wire["severity"]), "references": tuple(wire["references"])})


def _finds_as_much(narrows: str, *, now: Any, then: Any) -> bool:
    """Whether a plugin finds as much with one value of an option as with another. Null is the narrowest."""
    if narrows == "never":
        return True
    if narrows == "changed":
        return bool(now == then)
    if None in (now, then):
        return then is None
    try:
        return bool(now <= then if narrows == "raised" else now >= then)
    except TypeError:  # in another version of the plugin the option had another type
        return False


def _is_reasonable(value: int | float) -> bool:
    return value == 0 or _SMALLEST <= abs(value) <= _LARGEST  # NaN is neither


def _plain(value: object, schema: Mapping[str, Any]) -> object:
    """JSON does not tell 10.0 from 10, and JSON Schema takes both for an integer; Python's slices do not."""
    kinds = schema.get("type", ())
    wants_integer = "integer" in ((kinds,) if isinstance(kinds, str) else kinds)
    return int(value) if wants_integer and isinstance(value, float) else value
