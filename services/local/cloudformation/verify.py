"""Is what the template declares really there? Read back through the ordinary AWS APIs, property by property."""

from collections.abc import Iterator, Mapping
from typing import Any

from botocore.exceptions import ClientError

from services.local.cloudformation.clients import Clients
from services.local.cloudformation.template import Scope, Template
from services.local.cloudformation.types import LOCAL_NO_OPS, TYPES

ACCOUNT_ID = "123456789012"  # moto's, for whoever does not say another


def unknown_types(template: Template) -> Iterator[str]:
    """A sentence for each resource whose type the embedded AWS would silently skip."""
    for logical_id, resource in template.resources.items():
        if resource["Type"] not in TYPES and resource["Type"] not in LOCAL_NO_OPS:
            yield f"{logical_id}: the embedded AWS cannot make {resource['Type']}"


def differences(
    clients: Clients,
    *,
    stack: str,
    template: Template,
    parameters: Mapping[str, str],
    outputs: Mapping[str, str],
) -> Iterator[str]:
    """A sentence for each resource, property or output that is not as declared; none when all is well."""
    found = clients("cloudformation").describe_stack_resources(StackName=stack)["StackResources"]
    physical_ids = {
        resource["LogicalResourceId"]: resource.get("PhysicalResourceId")
        for resource in found
        if "LogicalResourceId" in resource  # moto lists what a condition leaves out, without a name
    }
    conditions = template.conditions({**_pseudo(clients, stack), **template.values(parameters)})
    template = template.under(conditions).without_types(LOCAL_NO_OPS)
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
            yield f"{logical_id}: {resource['Type']} was not made"
            continue
        try:
            declared = scope.resolve(resource.get("Properties", {}))
            actual = TYPES[resource["Type"]].read(clients, physical_id, declared)
        except (ClientError, LookupError) as error:
            yield f"{logical_id}: {error}"
            continue
        yield from _unlike(declared, actual, where=logical_id)
    for name, value in template.outputs.items():
        try:
            yield from _unlike(scope.resolve(value), outputs.get(name), where=f"output {name}")
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


def _unlike(declared: Any, actual: Any, *, where: str) -> Iterator[str]:
    """Where the actual value lacks something declared. It may have more: AWS adds defaults of its own."""
    if isinstance(declared, Mapping) and isinstance(actual, Mapping):
        for name, value in declared.items():
            if name in actual:
                yield from _unlike(value, actual[name], where=f"{where}.{name}")
            else:
                yield f"{where}.{name}: declared {value!r}, not applied"
    elif isinstance(declared, list) and isinstance(actual, list):
        if not _all_matched(declared, actual):
            yield f"{where}: declared {declared!r}, found {actual!r}"
    elif isinstance(declared, Mapping | list) or _text(declared) != _text(actual):
        yield f"{where}: declared {declared!r}, found {actual!r}"


def _all_matched(declared: list[Any], actual: list[Any]) -> bool:
    """Whether each declared item has an item of its own among the actual ones, in any order, with none left over."""
    left = list(actual)
    for item in declared:
        match = next((other for other in left if not any(_unlike(item, other, where=""))), None)
        if match is None:
            return False
        left.remove(match)
    return not left


def _text(value: Any) -> str:
    """Scalars as CloudFormation compares them: 360 is "360", true is "true"."""
    return str(value).lower() if isinstance(value, bool) else str(value)
