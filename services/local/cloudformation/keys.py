"""AWS::KMS::Key and AWS::KMS::Alias."""

import json
from typing import Any

from services.local.cloudformation import tagging
from services.local.cloudformation.clients import Clients


def create_key(clients: Clients, properties: dict[str, Any]) -> str:
    """`PendingWindowInDays` is not stored with the key: it applies when CloudFormation deletes the key."""
    kms = clients("kms")
    created = kms.create_key(
        Description=properties.get("Description", ""),
        Policy=json.dumps(properties["KeyPolicy"]),
        Tags=[{"TagKey": tag["Key"], "TagValue": tag["Value"]} for tag in properties.get("Tags", [])],
    )
    key_id = str(created["KeyMetadata"]["KeyId"])
    if properties.get("EnableKeyRotation"):
        kms.enable_key_rotation(KeyId=key_id)
    return key_id


def read_key(clients: Clients, key_id: str, declared: dict[str, Any]) -> dict[str, Any]:
    kms = clients("kms")
    pending = {name: value for name, value in declared.items() if name == "PendingWindowInDays"}
    return {
        **pending,
        "Description": kms.describe_key(KeyId=key_id)["KeyMetadata"]["Description"],
        "KeyPolicy": json.loads(kms.get_key_policy(KeyId=key_id, PolicyName="default")["Policy"]),
        "EnableKeyRotation": kms.get_key_rotation_status(KeyId=key_id)["KeyRotationEnabled"],
        "Tags": tagging.from_pairs(
            kms.list_resource_tags(KeyId=key_id).get("Tags", []), key="TagKey", value="TagValue"
        ),
    }


def create_alias(clients: Clients, properties: dict[str, Any]) -> str:
    clients("kms").create_alias(**properties)
    return str(properties["AliasName"])


def read_alias(clients: Clients, name: str, declared: dict[str, Any]) -> dict[str, Any]:
    aliases = clients("kms").list_aliases(KeyId=declared["TargetKeyId"])["Aliases"]
    return next(
        ({"AliasName": name, "TargetKeyId": entry["TargetKeyId"]} for entry in aliases if entry["AliasName"] == name),
        {},
    )
