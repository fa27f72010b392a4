"""Finds the templates in infra/, and parses them as CloudFormation does: short forms, parameters and references."""

import json
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import yaml

from argus.core.errors import ArgusError

INFRA = Path(__file__).parent
CAPABILITIES = INFRA.parent / "src" / "argus"

# ${Name}, ${Name.Attribute} or ${AWS::Name}; ${!Literal} stays.
_SUBSTITUTION = re.compile(r"\$\{(!?)([A-Za-z0-9_.:]+)\}")


class NotAsDeclared(ArgusError):
    """A stack cannot be created as its template declares it."""


def capability_templates(infra: Path = INFRA, capabilities: Path = CAPABILITIES) -> tuple[Path, ...]:
    """The templates that are named after a capability's folder, in alphabetical order.

    They depend on the stage, the key and the roles, but not on each other. The deployment lists the other templates.
    """
    return tuple(path for path in sorted(infra.glob("*.yaml")) if (capabilities / path.stem / "capability.py").exists())


class _Loader(yaml.CSafeLoader):
    """A safe loader with our constructors; constructors are stored on the class, and PyYAML's own class is shared."""


def _long_form(loader: yaml.CSafeLoader, tag: str, node: yaml.Node) -> dict[str, Any]:
    if isinstance(node, yaml.ScalarNode):
        value: Any = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_mapping(cast(yaml.MappingNode, node), deep=True)
    if tag in ("Ref", "Condition"):
        return {tag: value}
    if tag == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {f"Fn::{tag}": value}


_Loader.add_multi_constructor("!", _long_form)


@dataclass(frozen=True)
class Template:
    """One template file, with every `!Short` form written out as `{"Fn::Short": ...}`."""

    name: str
    body: Mapping[str, Any]

    @classmethod
    def read(cls, path: Path) -> "Template":
        return cls.parse(path.read_text(encoding="utf-8"), name=path.stem)

    @classmethod
    def parse(cls, text: str, *, name: str) -> "Template":
        loader = _Loader(text)
        try:
            return cls(name=name, body=loader.get_single_data())
        finally:
            loader.dispose()

    @property
    def resources(self) -> Mapping[str, Mapping[str, Any]]:
        return dict(self.body["Resources"])

    @property
    def outputs(self) -> Mapping[str, Any]:
        return {name: output["Value"] for name, output in (self.body.get("Outputs") or {}).items()}

    def conditions(self, refs: Mapping[str, Any]) -> dict[str, bool]:
        """Every condition of the template, evaluated with these values of Ref."""
        declared = self.body.get("Conditions") or {}
        return {name: _holds(condition, declared, refs) for name, condition in declared.items()}

    def with_literal_names(self, refs: Mapping[str, str]) -> "Template":
        """The template with literal names of resources, if `refs` has the values of the references in them.

        CloudFormation imports an existing resource by its name only if the name is literal. Resources of our templates
        have the names `argus-${Stage}-…`.
        """
        resources = {
            logical_id: {**declared, "Properties": _with_literal_names(declared.get("Properties", {}), refs)}
            for logical_id, declared in self.resources.items()
        }
        return Template(name=self.name, body={**self.body, "Resources": resources})

    def only(self, logical_ids: Collection[str]) -> "Template":
        """The template with only these resources, and without outputs."""
        body = {section: entry for section, entry in self.body.items() if section != "Outputs"}
        resources = {logical_id: self.resources[logical_id] for logical_id in logical_ids}
        return Template(name=self.name, body={**body, "Resources": resources})

    def text(self) -> str:
        """The template as JSON, as CloudFormation accepts it too."""
        return json.dumps(self.body, separators=(",", ":"))

    def with_conditions(self, conditions: Mapping[str, bool]) -> "Template":
        """The template without the resources and outputs whose condition is false."""
        kept = {
            section: {
                name: entry
                for name, entry in (self.body.get(section) or {}).items()
                if "Condition" not in entry or conditions[entry["Condition"]]
            }
            for section in ("Resources", "Outputs")
        }
        return Template(name=self.name, body={**self.body, **kept})

    def parameters(self, given: Mapping[str, str]) -> dict[str, str]:
        """Every parameter with its value as text: given or default. Undeclared parameters are ignored."""
        found: dict[str, str] = {}
        for name, declared in (self.body.get("Parameters") or {}).items():
            value = given.get(name, declared.get("Default"))
            if value is None:
                raise NotAsDeclared(f"{self.name}: parameter {name} has no value")
            found[name] = str(value)
        return found

    def values(self, parameters: Mapping[str, str]) -> dict[str, Any]:
        """The value of a Ref to each parameter: text, or a list of texts for list types."""
        declared = self.body.get("Parameters") or {}
        return {
            name: [part.strip() for part in value.split(",")] if "List" in declared[name]["Type"] else value
            for name, value in parameters.items()
        }


def is_retained(declared: Mapping[str, Any]) -> bool:
    """Whether a resource outlives its stack."""
    return str(declared.get("DeletionPolicy", "")).startswith("Retain")


def _with_literal_names(properties: Mapping[str, Any], refs: Mapping[str, str]) -> dict[str, Any]:
    def literal(value: Any) -> Any:
        try:
            return Scope(refs, _no_attribute).resolve(value)
        except LookupError:  # CloudFormation resolves it
            return value

    return {name: literal(value) if name.endswith("Name") else value for name, value in properties.items()}


def _no_attribute(logical_id: str, name: str) -> str:
    raise LookupError(f"{logical_id}.{name} is not a parameter")


def _holds(condition: Any, declared: Mapping[str, Any], refs: Mapping[str, Any]) -> bool:
    ((name, argument),) = condition.items()
    if name == "Condition":
        return _holds(declared[argument], declared, refs)
    if name == "Fn::Equals":
        first, second = (refs[side["Ref"]] if isinstance(side, Mapping) else side for side in argument)
        return str(first) == str(second)
    if name not in ("Fn::Not", "Fn::And", "Fn::Or"):
        raise LookupError(f"{name} with {argument} is not supported")
    every = [_holds(part, declared, refs) for part in argument]
    if name == "Fn::Not":
        return not every[0]
    return all(every) if name == "Fn::And" else any(every)


_NO_VALUE = {"Ref": "AWS::NoValue"}


@dataclass(frozen=True)
class Scope:
    """The values of references.

    `refs` by parameter, pseudo parameter or logical id; `attribute(logical_id, name)` returns the value of Fn::GetAtt,
    or raises LookupError.
    """

    refs: Mapping[str, Any]
    attribute: Callable[[str, str], str]
    conditions: Mapping[str, bool] = field(default_factory=dict)

    def resolve(self, node: Any) -> Any:
        """The node with every reference replaced. Raises LookupError with the name that cannot be resolved."""
        if isinstance(node, list):
            items = (self._choose(item) for item in node)
            return [self.resolve(item) for item in items if item != _NO_VALUE]
        if not isinstance(node, Mapping):
            return node
        if "Fn::If" in node:
            return self.resolve(self._choose(node))
        if len(node) == 1:
            (name, argument), *_ = node.items()
            if name == "Ref":
                return self._ref(argument)
            if name == "Fn::GetAtt":
                return self.attribute(*argument)
            if name == "Fn::Sub" and isinstance(argument, str):
                return _SUBSTITUTION.sub(self._substitute, argument)
            if name.startswith("Fn::"):
                raise LookupError(f"{name} with {argument} is not supported")
        chosen = {key: self._choose(value) for key, value in node.items()}
        return {key: self.resolve(value) for key, value in chosen.items() if value != _NO_VALUE}

    def _choose(self, node: Any) -> Any:
        """The branch of an Fn::If that its condition selects; other nodes unchanged."""
        while isinstance(node, Mapping) and "Fn::If" in node:
            condition, if_true, if_false = node["Fn::If"]
            node = if_true if self.conditions[condition] else if_false
        return node

    def _ref(self, name: str) -> Any:
        if name not in self.refs:
            raise LookupError(f"{name} is neither a parameter nor a resource")
        return self.refs[name]

    def _substitute(self, found: re.Match[str]) -> str:
        literal, name = found.groups()
        if literal:
            return f"${{{name}}}"
        logical_id, dot, attribute = name.partition(".")
        return str(self.attribute(logical_id, attribute) if dot else self._ref(name))
