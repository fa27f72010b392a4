"""AWS::S3::Bucket and AWS::S3::BucketPolicy: moto creates the bucket and its tags, and ignores all other properties.

CloudFormation and the S3 API use different names for the same properties; the pairs of functions here convert them.
"""

import json
from typing import Any

from botocore.exceptions import ClientError

from services.local.cloudformation import tagging
from services.local.cloudformation.clients import Clients

_CORS_NAMES = {
    "Id": "ID",
    "AllowedHeaders": "AllowedHeaders",
    "AllowedMethods": "AllowedMethods",
    "AllowedOrigins": "AllowedOrigins",
    "ExposedHeaders": "ExposeHeaders",
    "MaxAge": "MaxAgeSeconds",
}


def complete(clients: Clients, name: str, properties: dict[str, Any]) -> None:
    s3 = clients("s3")
    if "BucketEncryption" in properties:
        rules = properties["BucketEncryption"]["ServerSideEncryptionConfiguration"]
        s3.put_bucket_encryption(
            Bucket=name, ServerSideEncryptionConfiguration={"Rules": [_encryption_to_api(rule) for rule in rules]}
        )
    if "LoggingConfiguration" in properties:
        logging = properties["LoggingConfiguration"]
        s3.put_bucket_logging(
            Bucket=name,
            BucketLoggingStatus={
                "LoggingEnabled": {
                    "TargetBucket": logging["DestinationBucketName"],
                    "TargetPrefix": logging.get("LogFilePrefix", ""),
                }
            },
        )
    if "VersioningConfiguration" in properties:
        s3.put_bucket_versioning(Bucket=name, VersioningConfiguration=properties["VersioningConfiguration"])
    if "PublicAccessBlockConfiguration" in properties:
        s3.put_public_access_block(
            Bucket=name, PublicAccessBlockConfiguration=properties["PublicAccessBlockConfiguration"]
        )
    if "OwnershipControls" in properties:
        s3.put_bucket_ownership_controls(Bucket=name, OwnershipControls=properties["OwnershipControls"])
    if "CorsConfiguration" in properties:
        rules = [_cors_to_api(rule) for rule in properties["CorsConfiguration"]["CorsRules"]]
        s3.put_bucket_cors(Bucket=name, CORSConfiguration={"CORSRules": rules})
    if "LifecycleConfiguration" in properties:
        rules = [_lifecycle_to_api(rule) for rule in properties["LifecycleConfiguration"]["Rules"]]
        s3.put_bucket_lifecycle_configuration(Bucket=name, LifecycleConfiguration={"Rules": rules})
    if "NotificationConfiguration" in properties:
        queues = properties["NotificationConfiguration"].get("QueueConfigurations", [])
        s3.put_bucket_notification_configuration(
            Bucket=name, NotificationConfiguration={"QueueConfigurations": [_notification_to_api(q) for q in queues]}
        )


def read(clients: Clients, name: str) -> dict[str, Any]:
    s3 = clients("s3")
    s3.head_bucket(Bucket=name)
    access = _or_none(s3.get_public_access_block, name, "NoSuchPublicAccessBlockConfiguration")
    ownership = _or_none(s3.get_bucket_ownership_controls, name, "OwnershipControlsNotFoundError")
    encryption = _or_none(s3.get_bucket_encryption, name, "ServerSideEncryptionConfigurationNotFoundError")
    cors = _or_none(s3.get_bucket_cors, name, "NoSuchCORSConfiguration")
    lifecycle = _or_none(s3.get_bucket_lifecycle_configuration, name, "NoSuchLifecycleConfiguration")
    notifications = s3.get_bucket_notification_configuration(Bucket=name)
    logging = s3.get_bucket_logging(Bucket=name).get("LoggingEnabled", {})
    tags = _or_none(s3.get_bucket_tagging, name, "NoSuchTagSet")
    rules = encryption.get("ServerSideEncryptionConfiguration", {}).get("Rules", [])
    return {
        "BucketName": name,
        "VersioningConfiguration": {"Status": s3.get_bucket_versioning(Bucket=name).get("Status")},
        "PublicAccessBlockConfiguration": access.get("PublicAccessBlockConfiguration"),
        "OwnershipControls": ownership.get("OwnershipControls"),
        "BucketEncryption": {"ServerSideEncryptionConfiguration": [_encryption_from_api(rule) for rule in rules]},
        "LoggingConfiguration": {
            "DestinationBucketName": logging.get("TargetBucket"),
            "LogFilePrefix": logging.get("TargetPrefix"),
        },
        "Tags": tagging.from_pairs(tags.get("TagSet", [])),
        "CorsConfiguration": {"CorsRules": [_cors_from_api(rule) for rule in cors.get("CORSRules", [])]},
        "LifecycleConfiguration": {"Rules": [_lifecycle_from_api(rule) for rule in lifecycle.get("Rules", [])]},
        "NotificationConfiguration": {
            "QueueConfigurations": [
                _notification_from_api(queue, event)
                for queue in notifications.get("QueueConfigurations", [])
                for event in queue["Events"]
            ]
        },
    }


def create_policy(clients: Clients, properties: dict[str, Any]) -> str:
    bucket = str(properties["Bucket"])
    clients("s3").put_bucket_policy(Bucket=bucket, Policy=json.dumps(properties["PolicyDocument"]))
    return bucket


def read_policy(clients: Clients, bucket: str) -> dict[str, Any]:
    policy = _or_none(clients("s3").get_bucket_policy, bucket, "NoSuchBucketPolicy")
    return {"Bucket": bucket, "PolicyDocument": json.loads(policy.get("Policy", "null"))}


def _or_none(get: Any, bucket: str, absent: str) -> dict[str, Any]:
    """The response, or an empty one if S3 returns the error that means that nothing is configured."""
    try:
        return dict(get(Bucket=bucket))
    except ClientError as error:
        if error.response["Error"]["Code"] != absent:
            raise
        return {}


def _encryption_to_api(rule: dict[str, Any]) -> dict[str, Any]:
    others = {name: value for name, value in rule.items() if name != "ServerSideEncryptionByDefault"}
    return {"ApplyServerSideEncryptionByDefault": rule["ServerSideEncryptionByDefault"], **others}


def _encryption_from_api(rule: dict[str, Any]) -> dict[str, Any]:
    others = {name: value for name, value in rule.items() if name != "ApplyServerSideEncryptionByDefault"}
    return {"ServerSideEncryptionByDefault": rule["ApplyServerSideEncryptionByDefault"], **others}


def _cors_to_api(rule: dict[str, Any]) -> dict[str, Any]:
    return {_CORS_NAMES.get(name, name): value for name, value in rule.items()}


def _cors_from_api(rule: dict[str, Any]) -> dict[str, Any]:
    return {name: rule[api_name] for name, api_name in _CORS_NAMES.items() if api_name in rule}


def _lifecycle_to_api(rule: dict[str, Any]) -> dict[str, Any]:
    others = {name: value for name, value in rule.items() if name not in ("Id", "Prefix", "ExpirationInDays")}
    identified = {"ID": rule["Id"]} if "Id" in rule else {}
    expiring = {"Expiration": {"Days": rule["ExpirationInDays"]}} if "ExpirationInDays" in rule else {}
    return {**identified, "Filter": {"Prefix": rule.get("Prefix", "")}, **expiring, **others}


def _lifecycle_from_api(rule: dict[str, Any]) -> dict[str, Any]:
    others = {name: value for name, value in rule.items() if name not in ("ID", "Filter", "Expiration")}
    expiring = {"ExpirationInDays": rule["Expiration"]["Days"]} if "Expiration" in rule else {}
    return {"Id": rule.get("ID"), "Prefix": rule.get("Filter", {}).get("Prefix", ""), **expiring, **others}


def _notification_to_api(queue: dict[str, Any]) -> dict[str, Any]:
    configuration = {"QueueArn": queue["Queue"], "Events": [queue["Event"]]}
    if "Filter" in queue:
        configuration["Filter"] = {"Key": {"FilterRules": queue["Filter"]["S3Key"]["Rules"]}}
    return configuration


def _notification_from_api(queue: dict[str, Any], event: str) -> dict[str, Any]:
    rules = queue.get("Filter", {}).get("Key", {}).get("FilterRules", [])
    # S3 returns Suffix and Prefix with a capital letter, and accepts both forms.
    rules = [{"Name": rule["Name"].lower(), "Value": rule["Value"]} for rule in rules]
    return {"Event": event, "Queue": queue["QueueArn"], "Filter": {"S3Key": {"Rules": rules}}}
