"""AWS::SQS::Queue and AWS::SQS::QueuePolicy: moto creates the queue, but never returns its redrive-allow policy."""

import json
from typing import Any

from services.local.cloudformation import tagging
from services.local.cloudformation.clients import Clients

# Attributes whose text is a JSON document.
_DOCUMENTS = ("RedrivePolicy", "RedriveAllowPolicy")


def prepare(properties: dict[str, Any]) -> dict[str, Any]:
    """moto stores this policy unchanged; the API's form is JSON text."""
    if "RedriveAllowPolicy" not in properties:
        return properties
    return {**properties, "RedriveAllowPolicy": json.dumps(properties["RedriveAllowPolicy"])}


def read(clients: Clients, url: str) -> dict[str, Any]:
    sqs = clients("sqs")
    attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    tags = tagging.from_mapping(sqs.list_queue_tags(QueueUrl=url).get("Tags", {}))
    documents = {name: json.loads(attributes[name]) for name in _DOCUMENTS if name in attributes}
    return {"QueueName": attributes["QueueArn"].rsplit(":", 1)[-1], **attributes, **documents, "Tags": tags}


def create_policy(clients: Clients, properties: dict[str, Any]) -> str:
    document = json.dumps(properties["PolicyDocument"])
    for url in properties["Queues"]:
        clients("sqs").set_queue_attributes(QueueUrl=url, Attributes={"Policy": document})
    # A QueuePolicy has no name in the API: its queues are its identity, and all that reading it requires.
    return " ".join(properties["Queues"])


def read_policy(clients: Clients, physical_id: str) -> dict[str, Any]:
    urls = physical_id.split(" ")
    policies = {
        clients("sqs")
        .get_queue_attributes(QueueUrl=url, AttributeNames=["Policy"])
        .get("Attributes", {})
        .get("Policy", "null")
        for url in urls
    }
    # All queues must have the same policy; otherwise the declared policy is not applied to all of them.
    return {"Queues": urls, "PolicyDocument": json.loads(policies.pop()) if len(policies) == 1 else None}
