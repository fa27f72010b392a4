"""Parses templates as CloudFormation does: YAML with short forms, parameters, and references.

This parser is independent of moto's: `verify` compares its results with the resources that moto created.
"""

import json
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import yaml

from services.local.cloudformation import NotAsDeclared

# ${Name}, ${Name.Attribute} or ${AWS::Name}; ${!Literal} stays.
_SUBSTITUTION = re.compile(r"\$\{(!?)([A-Za-z0-9_.:]+)\}")


class _Loader(yaml.SafeLoader):
    """A safe loader with our constructors; constructors are stored on the class, and PyYAML's own class is shared."""


def _long_form(loader: yaml.SafeLoader, tag: str, node: yaml.Node) -> dict[str, Any]:
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
        loader = _Loader(path.read_text(encoding="utf-8"))
        try:
            return cls(name=path.stem, body=loader.get_single_data())
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

    @property
    def text(self) -> str:
        return json.dumps(self.body)

    def without_types(self, types: Collection[str]) -> "Template":
        """The template without the resources of these types, and without the outputs that reference them."""
        removed = {name for name, resource in self.resources.items() if resource["Type"] in types}
        resources = {
            name: _without_dependencies(removed, resource)
            for name, resource in self.resources.items()
            if name not in removed
        }
        outputs = {
            name: output
            for name, output in (self.body.get("Outputs") or {}).items()
            if not removed.intersection(_referenced_names(output["Value"]))
        }
        return Template(name=self.name, body={**self.body, "Resources": resources, "Outputs": outputs})

    def parameters(self, given: Mapping[str, str]) -> dict[str, str]:
        """Every parameter with its value as text: given or default. Undeclared parameters are ignored."""
        found: dict[str, str] = {}
        for name, declared in (self.body.get("Parameters") or {}).items():
            value = given.get(name, declared.get("Default"))
            if value is None:
                raise NotAsDeclared(self.name, [f"parameter {name} has no value"])
            found[name] = str(value)
        return found

    def values(self, parameters: Mapping[str, str]) -> dict[str, Any]:
        """The value of a Ref to each parameter: text, or a list of texts for list types."""
        declared = self.body.get("Parameters") or {}
        return {
            name: [part.strip() for part in value.split(",")] if "List" in declared[name]["Type"] else value
            for name, value in parameters.items()
        }


def _without_dependencies(removed: Collection[str], resource: Mapping[str, Any]) -> Mapping[str, Any]:
    """The resource without the removed resources in its DependsOn."""
    declared = resource.get("DependsOn", [])
    kept = [name for name in ([declared] if isinstance(declared, str) else declared) if name not in removed]
    others = {key: value for key, value in resource.items() if key != "DependsOn"}
    return {**others, "DependsOn": kept} if kept else others


def _referenced_names(node: Any) -> Iterator[str]:
    """Every name that a Ref, GetAtt or Sub in the node references."""
    if isinstance(node, list):
        for item in node:
            yield from _referenced_names(item)
    elif isinstance(node, Mapping):
        for key, value in node.items():
            if key == "Ref":
                yield str(value)
            elif key == "Fn::GetAtt":
                yield str(value[0])
            elif key == "Fn::Sub":
                yield from (name.partition(".")[0] for _, name in _SUBSTITUTION.findall(str(value)))
            else:
                yield from _referenced_names(value)


def _holds(condition: Any, declared: Mapping[str, Any], refs: Mapping[str, Any]) -> bool:
    ((name, argument),) = condition.items()
    if name == "Condition":
        return _holds(declared[argument], declared, refs)
    if name == "Fn::Equals":
        first, second = (refs[side["Ref"]] if isinstance(side, Mapping) else side for side in argument)
        return str(first) == str(second)
    every = [_holds(part, declared, refs) for part in argument]
    if name == "Fn::Not":
        return not every[0]
    if name == "Fn::And":
        return all(every)
    if name == "Fn::Or":
        return any(every)
    raise LookupError(f"{name} with {argument} is not supported")


_NO_VALUE = {"Ref": "AWS::NoValue"}


@dataclass(frozen=True)
class Scope:
    """The values of references.

    `refs` by parameter, pseudo parameter or logical id; `attributes` by (logical id, attribute).
    """

    refs: Mapping[str, Any]
    attributes: Mapping[tuple[str, str], str]
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
                return self._attribute(*argument)
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

    def _attribute(self, logical_id: str, name: str) -> str:
        if (logical_id, name) not in self.attributes:
            raise LookupError(f"{logical_id} has no attribute {name}")
        return self.attributes[logical_id, name]

    def _substitute(self, found: re.Match[str]) -> str:
        literal, name = found.groups()
        if literal:
            return f"${{{name}}}"
        logical_id, dot, attribute = name.partition(".")
        return str(self._attribute(logical_id, attribute) if dot else self._ref(name))
