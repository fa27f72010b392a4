"""AWS::CloudWatch::Alarm and Dashboard, AWS::SNS::Topic, TopicPolicy and Subscription."""

import json
from typing import Any

from services.local.cloudformation import first, tagging
from services.local.cloudformation.clients import Clients


def _numbers(properties: dict[str, Any]) -> dict[str, Any]:
    """Convert numbers that are text because they come from parameters; the API requires numbers."""
    whole = {"Period", "EvaluationPeriods", "DatapointsToAlarm"}
    return {
        name: int(value) if name in whole else float(value) if name == "Threshold" else value
        for name, value in properties.items()
    }


def create_alarm(clients: Clients, properties: dict[str, Any]) -> str:
    metrics = [
        {**_numbers(metric), **({"MetricStat": _numbers(metric["MetricStat"])} if "MetricStat" in metric else {})}
        for metric in properties.get("Metrics", [])
    ]
    given = {**_numbers(properties), **({"Metrics": metrics} if metrics else {})}
    clients("cloudwatch").put_metric_alarm(**given)
    return str(properties["AlarmName"])


def read_alarm(clients: Clients, name: str, declared: dict[str, Any]) -> dict[str, Any]:
    cloudwatch = clients("cloudwatch")
    alarm = first(cloudwatch.describe_alarms(AlarmNames=[name])["MetricAlarms"], name)
    tags = cloudwatch.list_tags_for_resource(ResourceARN=alarm["AlarmArn"])["Tags"]
    # The template has an integer or a decimal; the API returns a float.
    same = float(alarm["Threshold"]) == float(declared["Threshold"])
    threshold = declared["Threshold"] if same else alarm["Threshold"]
    return {**alarm, "Threshold": threshold, "Tags": tagging.from_pairs(tags)}


def create_dashboard(clients: Clients, properties: dict[str, Any]) -> str:
    clients("cloudwatch").put_dashboard(**properties)
    return str(properties["DashboardName"])


def read_dashboard(clients: Clients, name: str) -> dict[str, Any]:
    found = clients("cloudwatch").get_dashboard(DashboardName=name)
    json.loads(found["DashboardBody"])  # moto accepts any text; CloudWatch requires JSON
    return {"DashboardName": found["DashboardName"], "DashboardBody": found["DashboardBody"]}


def create_topic(clients: Clients, properties: dict[str, Any]) -> str:
    key = {"KmsMasterKeyId": properties["KmsMasterKeyId"]} if "KmsMasterKeyId" in properties else {}
    created = clients("sns").create_topic(Name=properties["TopicName"], Attributes=key, Tags=properties.get("Tags", []))
    return str(created["TopicArn"])


def read_topic(clients: Clients, arn: str) -> dict[str, Any]:
    sns = clients("sns")
    return {
        "TopicName": arn.rsplit(":", 1)[-1],
        "KmsMasterKeyId": sns.get_topic_attributes(TopicArn=arn)["Attributes"].get("KmsMasterKeyId"),
        "Tags": tagging.from_pairs(sns.list_tags_for_resource(ResourceArn=arn)["Tags"]),
    }


def create_topic_policy(clients: Clients, properties: dict[str, Any]) -> str:
    document = json.dumps(properties["PolicyDocument"])
    for arn in properties["Topics"]:
        clients("sns").set_topic_attributes(TopicArn=arn, AttributeName="Policy", AttributeValue=document)
    return " ".join(properties["Topics"])  # as with a queue policy, the topics are its identity


def read_topic_policy(clients: Clients, physical_id: str) -> dict[str, Any]:
    arns = physical_id.split(" ")
    policies = {clients("sns").get_topic_attributes(TopicArn=arn)["Attributes"].get("Policy") for arn in arns}
    return {"Topics": arns, "PolicyDocument": json.loads(policies.pop()) if len(policies) == 1 else None}


def create_subscription(clients: Clients, properties: dict[str, Any]) -> str:
    return str(clients("sns").subscribe(**properties, ReturnSubscriptionArn=True)["SubscriptionArn"])


def read_subscription(clients: Clients, arn: str) -> dict[str, Any]:
    return dict(clients("sns").get_subscription_attributes(SubscriptionArn=arn)["Attributes"])
