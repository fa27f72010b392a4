"""Event source mappings, the rule of the tick, and Lambda's retries of asynchronous invocations."""

import json
from typing import Any

from services.local.cloudformation import first, tagging
from services.local.cloudformation.clients import Clients


def create_mapping(clients: Clients, properties: dict[str, Any]) -> str:
    others = {name: value for name, value in properties.items() if name != "Tags"}
    created = clients("lambda").create_event_source_mapping(
        **{
            **others,
            "BatchSize": int(properties["BatchSize"]),
            "ScalingConfig": {"MaximumConcurrency": int(properties["ScalingConfig"]["MaximumConcurrency"])},
        },
        Tags=tagging.to_mapping(properties.get("Tags", [])),
    )
    return str(created["UUID"])


def read_mapping(clients: Clients, uuid: str, declared: dict[str, Any]) -> dict[str, Any]:
    """The API names the function by its ARN; moto does not return a mapping's tags, so they count as declared."""
    found = clients("lambda").get_event_source_mapping(UUID=uuid)
    name = str(found["FunctionArn"]).rsplit(":", 1)[-1]
    return {**found, "FunctionName": name, "Tags": declared["Tags"]}


def create_rule(clients: Clients, properties: dict[str, Any]) -> str:
    events = clients("events")
    name = str(properties["Name"])
    others = {key: value for key, value in properties.items() if key != "Targets"}
    events.put_rule(**others)
    events.put_targets(Rule=name, Targets=[_with_numbers(target) for target in properties.get("Targets", [])])
    return name


def _with_numbers(target: dict[str, Any]) -> dict[str, Any]:
    declared: dict[str, Any] = target.get("RetryPolicy", {})
    return {**target, "RetryPolicy": {name: int(value) for name, value in declared.items()}} if declared else target


def read_rule(clients: Clients, name: str) -> dict[str, Any]:
    events = clients("events")
    rule = events.describe_rule(Name=name)
    return {
        **rule,
        "Targets": events.list_targets_by_rule(Rule=name)["Targets"],
        "Tags": tagging.from_pairs(events.list_tags_for_resource(ResourceARN=rule["Arn"])["Tags"]),
    }


def create_permission(clients: Clients, properties: dict[str, Any]) -> str:
    """A permission has no name in CloudFormation; this statement id identifies it."""
    statement_id = "from-" + str(properties["Principal"]).split(".", 1)[0]
    clients("lambda").add_permission(StatementId=statement_id, **properties)
    return statement_id


def read_permission(clients: Clients, statement_id: str, declared: dict[str, Any]) -> dict[str, Any]:
    policy = json.loads(clients("lambda").get_policy(FunctionName=declared["FunctionName"])["Policy"])
    statement = first((entry for entry in policy["Statement"] if entry["Sid"] == statement_id), statement_id)
    return {
        "FunctionName": str(statement["Resource"]).rsplit(":", 1)[-1],
        "Action": statement["Action"],
        "Principal": statement["Principal"]["Service"],
        "SourceArn": statement["Condition"]["ArnLike"]["AWS:SourceArn"],
    }


def create_invoke_config(clients: Clients, properties: dict[str, Any]) -> str:
    numbers: dict[str, Any] = {
        name: int(properties[name])
        for name in ("MaximumRetryAttempts", "MaximumEventAgeInSeconds")
        if name in properties
    }
    given: dict[str, Any] = {**properties, **numbers}
    clients("lambda").put_function_event_invoke_config(**given)
    return f"{properties['FunctionName']}|{properties['Qualifier']}"


def read_invoke_config(clients: Clients, physical_id: str) -> dict[str, Any]:
    name, qualifier = physical_id.split("|")
    found = clients("lambda").get_function_event_invoke_config(FunctionName=name, Qualifier=qualifier)
    return {**found, "FunctionName": name, "Qualifier": qualifier}
