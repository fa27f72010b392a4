"""Verifies that resources are as the template declares, by reading them back through the ordinary AWS APIs."""

from collections.abc import Iterator, Mapping
from typing import Any

from botocore.exceptions import ClientError

from services.local.cloudformation.clients import Clients
from services.local.cloudformation.template import Scope, Template
from services.local.cloudformation.types import LOCAL_NO_OPS, TYPES

ACCOUNT_ID = "123456789012"  # moto's default account


def unknown_types(template: Template) -> Iterator[str]:
    """A message for each resource whose type the embedded AWS would silently skip."""
    for logical_id, resource in template.resources.items():
        if resource["Type"] not in TYPES and resource["Type"] not in LOCAL_NO_OPS:
            yield f"{logical_id}: the embedded AWS does not support {resource['Type']}"


def differences(
    clients: Clients,
    *,
    stack: str,
    template: Template,
    parameters: Mapping[str, str],
    outputs: Mapping[str, str],
) -> Iterator[str]:
    """A message for each resource, property or output that is not as declared."""
    found = clients("cloudformation").describe_stack_resources(StackName=stack)["StackResources"]
    physical_ids = {
        resource["LogicalResourceId"]: resource.get("PhysicalResourceId")
        for resource in found
        if "LogicalResourceId" in resource  # moto lists resources whose condition is false, without a name
    }
    conditions = template.conditions({**_pseudo(clients, stack), **template.values(parameters)})
    template = template.with_conditions(conditions).without_types(LOCAL_NO_OPS)
    scope = _scope(
        clients,
        stack=stack,
        template=template,
        parameters=parameters,
        physical_ids=physical_ids,
        conditions=conditions,
    )
    for logical_id, resource in template.resources.items():
        physical_id = physical_ids.get(logical_id)
        if not physical_id:
            yield f"{logical_id}: {resource['Type']} was not created"
            continue
        try:
            declared = scope.resolve(resource.get("Properties", {}))
            actual = TYPES[resource["Type"]].read(clients, physical_id, declared)
        except (ClientError, LookupError) as error:
            yield f"{logical_id}: {error}"
            continue
        yield from _value_differences(declared, actual, where=logical_id)
    for name, value in template.outputs.items():
        try:
            yield from _value_differences(scope.resolve(value), outputs.get(name), where=f"output {name}")
        except LookupError as error:
            yield f"output {name}: {error}"


def _scope(
    clients: Clients,
    *,
    stack: str,
    template: Template,
    parameters: Mapping[str, str],
    physical_ids: Mapping[str, str],
    conditions: Mapping[str, bool],
) -> Scope:
    attributes = {
        (logical_id, name): value
        for logical_id, resource in template.resources.items()
        if resource["Type"] in TYPES and physical_ids.get(logical_id)
        for name, value in TYPES[resource["Type"]]
        .attribute_values(physical_ids[logical_id], region=clients.region, account_id=ACCOUNT_ID)
        .items()
    }
    return Scope(
        refs={**_pseudo(clients, stack), **template.values(parameters), **physical_ids},
        attributes=attributes,
        conditions=conditions,
    )


def _pseudo(clients: Clients, stack: str) -> dict[str, str]:
    return {
        "AWS::AccountId": ACCOUNT_ID,
        "AWS::Partition": "aws",
        "AWS::Region": clients.region,
        "AWS::StackName": stack,
        "AWS::URLSuffix": "amazonaws.com",
    }


def _value_differences(declared: Any, actual: Any, *, where: str) -> Iterator[str]:
    """A message for each declared value that the actual one lacks. Other values are allowed: AWS adds defaults."""
    if isinstance(declared, Mapping) and isinstance(actual, Mapping):
        for name, value in declared.items():
            if name in actual:
                yield from _value_differences(value, actual[name], where=f"{where}.{name}")
            else:
                yield f"{where}.{name}: declared {value!r}, not applied"
    elif isinstance(declared, list) and isinstance(actual, list):
        if not _all_matched(declared, actual):
            yield f"{where}: declared {declared!r}, found {actual!r}"
    elif isinstance(declared, Mapping | list) or _text(declared) != _text(actual):
        yield f"{where}: declared {declared!r}, found {actual!r}"


def _all_matched(declared: list[Any], actual: list[Any]) -> bool:
    """Whether each declared item matches exactly one actual item, in any order, with no actual item left over."""
    unmatched = list(actual)
    for item in declared:
        match = next((other for other in unmatched if not any(_value_differences(item, other, where=""))), None)
        if match is None:
            return False
        unmatched.remove(match)
    return not unmatched


def _text(value: Any) -> str:
    """A scalar as CloudFormation compares it: 360 equals "360", true equals "true"."""
    return str(value).lower() if isinstance(value, bool) else str(value)
