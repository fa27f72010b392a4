"""Stacks of the embedded AWS: CloudFormation for our templates, in memory.

It has the methods of `infra.deploy.stacks.Stacks`. A resource is created as soon as all of its references have a value;
those to a no-op have a made-up one. As in CloudFormation, a retained resource that exists is imported if the caller
names its identifier or if its name is literal, and a failed creation is rolled back. Stacks are not updated: a stack
with the same template and parameters does not change, and any other is an error.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from infra.embedded import ACCOUNT_ID
from infra.embedded.clients import Clients
from infra.embedded.resources import NO_OPS, TYPES
from infra.templates import NotAsDeclared, Scope, Template, is_retained

_EXISTS = frozenset({"BucketAlreadyOwnedByYou", "EntityAlreadyExists", "ResourceInUseException"})


@dataclass(frozen=True)
class Resource:
    """A resource of a stack, with its references resolved."""

    type: str
    physical_id: str
    properties: Mapping[str, Any]
    retained: bool

    def delete(self, clients: Clients) -> None:
        if self.type in TYPES:
            TYPES[self.type].delete(clients, self.physical_id, self.properties)


@dataclass(frozen=True)
class Stack:
    """A stack: what it was created from, and the result."""

    template: Template
    parameters: Mapping[str, str]
    resources: Mapping[str, Resource]
    outputs: Mapping[str, str]


@dataclass(frozen=True)
class EmbeddedStacks:
    """The stacks of one embedded AWS."""

    clients: Clients
    stacks: dict[str, Stack] = field(default_factory=dict)

    def deploy(
        self,
        name: str,
        *,
        template: Template,
        parameters: Mapping[str, str],
        tags: Mapping[str, str],
        existing: Callable[[], Mapping[str, Mapping[str, str]]] = dict,
    ) -> bool:
        """Create the stack; returns False if it exists and is the same. Undeclared parameters are ignored.

        Raises NotAsDeclared.
        """
        used = template.parameters(parameters)
        if found := self.stacks.get(name):
            if (found.template.body, found.parameters) != (template.body, used):
                raise NotAsDeclared(f"{name}: the embedded AWS does not update a stack")
            return False
        imported = {logical_id: next(iter(values.values())) for logical_id, values in existing().items()}
        try:
            _Creation(self.clients, name, template.only(imported), used, imported).run()  # an import on its own
            self.stacks[name] = _Creation(self.clients, name, template, used, imported).run()
        except LookupError as error:
            raise NotAsDeclared(f"{name}: {error}") from error
        return True

    def outputs(self, name: str) -> dict[str, str]:
        """The stack's outputs; empty when the stack does not exist."""
        return dict(self.stacks[name].outputs) if name in self.stacks else {}

    def resources(self, name: str) -> dict[str, str]:
        """Physical ids by logical id; empty when the stack does not exist."""
        found = self.stacks[name].resources if name in self.stacks else {}
        return {logical_id: resource.physical_id for logical_id, resource in found.items()}

    def delete(self, name: str) -> bool:
        """Delete the stack and its resources, unless they are retained; returns whether it existed."""
        if name not in self.stacks:
            return False
        for resource in reversed(list(self.stacks[name].resources.values())):
            if not resource.retained:
                resource.delete(self.clients)
        del self.stacks[name]
        return True

    def declared(self, resource_type: str) -> list[Mapping[str, Any]]:
        """The properties of every resource of a type, for the emulators of services."""
        return [
            resource.properties
            for stack in self.stacks.values()
            for resource in stack.resources.values()
            if resource.type == resource_type
        ]


class _Creation:
    """The creation of one stack."""

    def __init__(
        self,
        clients: Clients,
        name: str,
        template: Template,
        parameters: Mapping[str, str],
        imported: Mapping[str, str],
    ) -> None:
        self._clients = clients
        self._imported = dict(imported)  # physical ids by logical id; those found by their names are added
        self._name = name
        self._parameters = parameters
        self._whole = template
        pseudo = {
            "AWS::AccountId": ACCOUNT_ID,
            "AWS::Partition": "aws",
            "AWS::Region": clients.region,
            "AWS::StackName": name,
            "AWS::URLSuffix": "amazonaws.com",
        }
        self._refs: dict[str, Any] = {**pseudo, **template.values(parameters)}
        conditions = template.conditions(self._refs)
        self._template = template.with_conditions(conditions)
        self._scope = Scope(self._refs, self._attribute, conditions)
        self._created: dict[str, Resource] = {}

    def run(self) -> Stack:
        """Create the resources and resolve the outputs, or create nothing. Raises NotAsDeclared and LookupError."""
        try:
            self._create_all()
            outputs = {name: str(self._scope.resolve(value)) for name, value in self._template.outputs.items()}
        except (LookupError, NotAsDeclared):
            self._roll_back()
            raise
        return Stack(self._whole, self._parameters, self._created, outputs)

    def _roll_back(self) -> None:
        for logical_id, resource in reversed(list(self._created.items())):
            if logical_id not in self._imported:
                resource.delete(self._clients)

    def _create_all(self) -> None:
        """Create the resources, each when its references have values. Raises NotAsDeclared and LookupError."""
        waiting = dict(self._template.resources)
        while waiting:
            missing: dict[str, LookupError] = {}
            for logical_id, declared in waiting.items():
                try:
                    properties = self._resolve(declared)
                except LookupError as error:
                    missing[logical_id] = error
                else:
                    self._add(logical_id, declared, properties)
            if len(missing) == len(waiting):
                raise NotAsDeclared(f"{self._name}: " + "; ".join(f"{one}: {why}" for one, why in missing.items()))
            waiting = {logical_id: waiting[logical_id] for logical_id in missing}

    def _resolve(self, declared: Mapping[str, Any]) -> dict[str, Any]:
        """The properties of a resource. Raises LookupError if a value or a resource that it depends on is missing."""
        first = declared.get("DependsOn", [])
        for name in [first] if isinstance(first, str) else first:
            if name in self._template.resources and name not in self._created:
                raise LookupError(f"{name} does not exist")
        properties: dict[str, Any] = self._scope.resolve(declared.get("Properties", {}))
        return properties

    def _add(self, logical_id: str, declared: Mapping[str, Any], properties: dict[str, Any]) -> None:
        if logical_id not in self._imported:
            physical_id = self._create(logical_id, declared, properties)
        else:
            physical_id = self._imported[logical_id]
        self._created[logical_id] = Resource(declared["Type"], physical_id, properties, is_retained(declared))
        self._refs[logical_id] = physical_id

    def _create(self, logical_id: str, declared: Mapping[str, Any], properties: Mapping[str, Any]) -> str:
        """Create one resource, or import it by its name; returns its physical id. Raises NotAsDeclared."""
        where, resource_type = f"{self._name}: {logical_id}", declared["Type"]
        if resource_type in NO_OPS:
            return f"local-{logical_id}"
        if resource_type not in TYPES:
            raise NotAsDeclared(f"{where}: the embedded AWS does not support {resource_type}")
        found = TYPES[resource_type]
        applied = {name: value for name, value in properties.items() if name not in found.unused}
        try:
            physical_id = found.create(self._clients, applied)
        except ClientError as error:
            literal = declared["Properties"].get(found.imported_by)
            if not (error.response["Error"]["Code"] in _EXISTS and is_retained(declared) and isinstance(literal, str)):
                raise NotAsDeclared(f"{where}: {error}") from error
            self._imported[logical_id] = physical_id = literal
        except BotoCoreError as error:
            raise NotAsDeclared(f"{where}: {error}") from error
        except KeyError as error:
            raise NotAsDeclared(f"{where}: the property {error} is required") from error
        else:
            if applied:
                raise NotAsDeclared(f"{where}: the embedded AWS does not apply {', '.join(applied)}")
        return physical_id

    def _attribute(self, logical_id: str, name: str) -> str:
        """The value of Fn::GetAtt. Raises LookupError."""
        if logical_id not in self._created:
            raise LookupError(f"{logical_id} does not exist")
        resource = self._created[logical_id]
        if resource.type in NO_OPS:
            return f"arn:aws:local:{self._clients.region}:{ACCOUNT_ID}:{logical_id}-{name}"  # IAM validates ARNs
        found = TYPES[resource.type].attribute(name, resource.physical_id, self._clients.region)
        if found is None:
            raise LookupError(f"{logical_id} has no attribute {name}")
        return found
