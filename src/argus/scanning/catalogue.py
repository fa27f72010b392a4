"""The installed plugins, read from their manifests. Plugin code is imported only when a worker runs it.

The API loads this module at every cold start, so the JSON Schema library is imported only when it is needed.
"""

import importlib
import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import asdict, dataclass, fields
from functools import cache, cached_property
from pathlib import Path
from typing import Any, cast

from argus.core.declarations import Tool
from argus.core.errors import ArgusError, FieldError, Invalid, NotFound
from argus.core.functions import FUNCTIONS
from argus.scanning.model import Severity
from argus.scanning.plugin import RunFunction
from argus.scanning.tools import functions_of

PLUGINS = Path(__file__).parent / "plugins"
SCHEMA = Path(__file__).with_name("manifest.schema.json")

# DynamoDB stores no larger or smaller numbers; no option needs them.
_LARGEST, _SMALLEST = 1e100, 1e-100


class NoSuchPlugin(NotFound):
    """The plugin does not exist."""


class MalformedManifest(ArgusError):
    """A plugin's manifest does not match its schema."""


class InvalidOptions(Invalid):
    """The plugin does not accept these options."""


@dataclass(frozen=True)
class RuleManifest:
    """A rule that a plugin checks."""

    title: str
    severity: Severity  # of findings without a severity of their own
    description: str
    remediation: str
    references: tuple[str, ...]
    cwe: int | None = None  # of the Common Weakness Enumeration


@dataclass(frozen=True)
class Price:
    """The price of one run."""

    minor_units: int
    currency: str


@dataclass(frozen=True)
class Budget:
    """The limits of one run."""

    seconds: int
    requests: int


@dataclass(frozen=True)
class Manifest:
    """The description of a plugin; `manifest.schema.json` is the full contract."""

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
        """Raises MalformedManifest if a member is missing; `check` is stricter and slower."""
        try:
            wire = json.loads(path.read_text(encoding="utf-8"))
            return cls(
                **{
                    **{name: wire[name] for name in (field.name for field in fields(cls))},
                    "target_kinds": tuple(wire["target_kinds"]),
                    "permissions": tuple(wire["permissions"]),
                    "price": Price(**wire["price"]),
                    "rules": {name: _rule(rule) for name, rule in wire["rules"].items()},
                    "budget": Budget(**wire["budget"]),
                }
            )
        except (AttributeError, KeyError, TypeError, ValueError):
            check(path)  # raises MalformedManifest, which names the member
            raise

    def check_declared(self, kinds: Collection[str], tools: Mapping[str, Tool]) -> None:
        """Raises MalformedManifest unless its kinds and permissions are declared and one function can run it."""
        if unknown := set(self.target_kinds) - set(kinds):
            raise MalformedManifest(f"{self.id}: target_kinds: {_undeclared(unknown, kinds)}")
        if unknown := set(self.permissions) - set(tools):
            raise MalformedManifest(f"{self.id}: permissions: {_undeclared(unknown, tools)}")
        if len(functions := functions_of(self.permissions, tools)) > 1:
            named = " and ".join(sorted(functions))
            raise MalformedManifest(
                f"{self.id}: permissions: they belong to the functions {named}; a plugin runs in one function"
            )
        (function,) = functions
        if self.budget.seconds > (limit := FUNCTIONS[function].plugin_seconds):
            raise MalformedManifest(f"{self.id}: budget: the {function} allows a plugin {limit} s")

    def as_wire(self) -> dict[str, Any]:
        """The manifest for a response. The caller may change it."""
        return asdict(self)

    def check_options(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """The options, with defaults for missing ones. Raises InvalidOptions with an error for each invalid option."""
        properties = self._options
        checked = {name: option["default"] for name, option in properties.items()}
        errors = []
        for name, value in options.items():
            if name not in properties:
                errors.append(FieldError((name,), sentence="There is no such option."))
            elif error := self._error(name, value):
                errors.append(FieldError((name,), sentence=error))
            else:
                checked[name] = _normalised(value, properties[name])
        if errors:
            invalid = ", ".join(sorted(str(error.path[0]) for error in errors))
            raise InvalidOptions(plugin=self.id, options=invalid, errors=tuple(errors))
        return checked

    def load_run(self) -> RunFunction:
        """The plugin's `run` function. Imports the plugin, so only workers call it."""
        return cast(RunFunction, importlib.import_module(f"argus.scanning.plugins.{self.id}.plugin").run)

    def sensitivity(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """The options that affect how much the plugin finds."""
        return {name: options[name] for name, schema in self._options.items() if schema["narrows"] != "never"}

    def is_as_sensitive(self, options: Mapping[str, Any], *, as_with: Mapping[str, Any]) -> bool:
        """Whether the plugin finds with `options` everything that it finds with `as_with`.

        `as_with` may come from another version of the plugin. An option missing there had its default.
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

    def _error(self, name: str, value: object) -> str:
        """Why the value of an option is invalid; empty if it is valid."""
        from fastjsonschema import JsonSchemaValueException

        if isinstance(value, int | float) and not _is_reasonable(value):
            return "Must be a finite number of reasonable size."
        try:
            self._checks[name](value)
        except JsonSchemaValueException as error:
            text = error.message.removeprefix("data ")
            return f"{text[:1].upper()}{text[1:]}."
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
        """Every manifest, ordered by id."""
        return list(self.manifests.values())

    def check(self, kinds: Collection[str], tools: Mapping[str, Tool]) -> None:
        """Raises MalformedManifest unless every plugin passes `check_declared`."""
        for manifest in self.manifests.values():
            manifest.check_declared(kinds, tools)

    def get(self, plugin_id: str) -> Manifest:
        if plugin_id not in self.manifests:
            raise NoSuchPlugin(plugin=plugin_id)
        return self.manifests[plugin_id]


def check(path: Path) -> None:
    """Raises MalformedManifest, with the file and the member, unless the manifest matches its schema."""
    try:
        _schema()(json.loads(path.read_text(encoding="utf-8")))
    except ValueError as error:  # invalid JSON, or it does not match the schema
        detail = str(error).removeprefix("data").lstrip(" .")
        raise MalformedManifest(f"{path}: {detail}; see {SCHEMA.name}") from error


@cache
def _schema() -> Callable[[object], object]:
    import fastjsonschema

    compiled: Callable[[object], object] = fastjsonschema.compile(json.loads(SCHEMA.read_text(encoding="utf-8")))
    return compiled


def _undeclared(unknown: Collection[str], declared: Collection[str]) -> str:
    return f"no capability declares {', '.join(sorted(unknown))}; declared are: {', '.join(sorted(declared)) or 'none'}"


def _rule(wire: Mapping[str, Any]) -> RuleManifest:
    return RuleManifest(**{**wire, "severity": Severity(wire["severity"]), "references": tuple(wire["references"])})


def _finds_as_much(narrows: str, *, now: Any, then: Any) -> bool:
    """Whether a plugin finds as much with the value `now` of an option as with `then`. Null is the narrowest."""
    if narrows == "never":
        return True
    if narrows == "changed":
        return bool(now == then)
    if None in (now, then):
        return then is None
    try:
        return bool(now <= then if narrows == "raised" else now >= then)
    except TypeError:  # the option has another type in another version of the plugin
        return False


def _is_reasonable(value: int | float) -> bool:
    return value == 0 or _SMALLEST <= abs(value) <= _LARGEST  # false for NaN


def _normalised(value: object, schema: Mapping[str, Any]) -> object:
    """Convert 10.0 to 10 for integer options: JSON Schema accepts 10.0 as an integer, but Python's slices do not."""
    types = schema.get("type", ())
    is_integer = "integer" in ((types,) if isinstance(types, str) else types)
    return int(value) if is_integer and isinstance(value, float) else value
