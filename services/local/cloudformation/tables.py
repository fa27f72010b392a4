"""AWS::DynamoDB::Table: moto misreads its encryption, and ignores time to live and point-in-time recovery."""

from typing import Any

from services.local.cloudformation import tagging
from services.local.cloudformation.clients import Clients


def prepare(properties: dict[str, Any]) -> dict[str, Any]:
    """moto passes the specification to the API's model, where SSEEnabled is called Enabled."""
    if "SSESpecification" not in properties:
        return properties
    encryption = dict(properties["SSESpecification"])
    encryption["Enabled"] = encryption.pop("SSEEnabled")
    return {**properties, "SSESpecification": encryption}


def complete(clients: Clients, name: str, properties: dict[str, Any]) -> None:
    dynamodb = clients("dynamodb")
    if "TimeToLiveSpecification" in properties:
        dynamodb.update_time_to_live(TableName=name, TimeToLiveSpecification=properties["TimeToLiveSpecification"])
    if "PointInTimeRecoverySpecification" in properties:
        dynamodb.update_continuous_backups(
            TableName=name, PointInTimeRecoverySpecification=properties["PointInTimeRecoverySpecification"]
        )


def read(clients: Clients, name: str) -> dict[str, Any]:
    dynamodb = clients("dynamodb")
    table = dynamodb.describe_table(TableName=name)["Table"]
    ttl = dynamodb.describe_time_to_live(TableName=name)["TimeToLiveDescription"]
    backups = dynamodb.describe_continuous_backups(TableName=name)["ContinuousBackupsDescription"]
    recovery = backups["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"]
    encryption = table.get("SSEDescription", {})
    return {
        "TableName": table["TableName"],
        "BillingMode": table.get("BillingModeSummary", {}).get("BillingMode", "PROVISIONED"),
        "AttributeDefinitions": table["AttributeDefinitions"],
        "KeySchema": table["KeySchema"],
        "GlobalSecondaryIndexes": table.get("GlobalSecondaryIndexes", []),
        "TimeToLiveSpecification": {
            "AttributeName": ttl.get("AttributeName"),
            "Enabled": ttl["TimeToLiveStatus"] == "ENABLED",
        },
        "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": recovery == "ENABLED"},
        "SSESpecification": {
            "SSEEnabled": encryption.get("Status") == "ENABLED",
            "SSEType": encryption.get("SSEType"),
            "KMSMasterKeyId": encryption.get("KMSMasterKeyArn"),
        },
        "DeletionProtectionEnabled": table.get("DeletionProtectionEnabled", False),
        "Tags": tagging.from_pairs(dynamodb.list_tags_of_resource(ResourceArn=table["TableArn"])["Tags"]),
    }
