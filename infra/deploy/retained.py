"""Finds what a destroyed stage retained, where AWS assigned the identifier: key, user pool, dead-letter queues.

A new stack imports them (`stacks.py`): data stays readable, users keep their accounts, dead letters can be replayed.
Tables, buckets, roles and the vault are not listed here, because CloudFormation finds them by their names.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from http import HTTPStatus
from typing import Any

from botocore.exceptions import ClientError

from argus.core.errors import ArgusError
from infra.deploy.stacks import Identifiers
from infra.templates import Template, is_retained

Client = Callable[[str], Any]


class CannotBeImported(ArgusError):
    """What the stage retained cannot be used as it is."""


def find(template: Template, *, stage: Sequence[Template], client: Client) -> Identifiers:
    """The identifiers of the template's retained resources that exist. Raises CannotBeImported.

    `stage` are all templates of the stage; names in templates must be literal. `client` returns a boto3 client of the
    stage's region.
    """
    found: dict[str, Mapping[str, str]] = {}
    for logical_id, declared in template.resources.items():
        finder = _FINDERS.get(declared["Type"])
        if finder and is_retained(declared) and (identifier := finder(client, stage, declared["Properties"])):
            found[logical_id] = identifier
    return found


def keys_of_data(stage: Sequence[Template], client: Client) -> dict[str, str]:
    """The ARN of the key of each table and bucket that these templates declare and that has one, by its name."""
    dynamodb, s3 = client("dynamodb"), client("s3")
    found: dict[str, str | None] = {}
    for name in _names(stage, "AWS::DynamoDB::Table", "TableName"):
        with suppress(dynamodb.exceptions.ResourceNotFoundException):
            found[name] = (
                dynamodb.describe_table(TableName=name)["Table"].get("SSEDescription", {}).get("KMSMasterKeyArn")
            )
    for name in _names(stage, "AWS::S3::Bucket", "BucketName"):
        try:
            rules = s3.get_bucket_encryption(Bucket=name)["ServerSideEncryptionConfiguration"]["Rules"]
        except ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] != HTTPStatus.NOT_FOUND:
                raise
        else:
            found[name] = rules[0]["ApplyServerSideEncryptionByDefault"].get("KMSMasterKeyID")
    return {name: key for name, key in found.items() if key}


def _names(stage: Sequence[Template], resource_type: str, name: str) -> list[str]:
    resources = (declared for template in stage for declared in template.resources.values())
    return [declared["Properties"][name] for declared in resources if declared["Type"] == resource_type]


def _key(client: Client, stage: Sequence[Template], _: Mapping[str, Any]) -> Mapping[str, str] | None:
    """The key of the stage's tables and buckets: without it, their data cannot be read."""
    found = keys_of_data(stage, client)
    if len(set(found.values())) > 1:
        listed = ", ".join(f"{name}: {key}" for name, key in found.items())
        raise CannotBeImported(f"tables and buckets of a stage have one key, but these have several: {listed}")
    if not found:
        return None
    key = client("kms").describe_key(KeyId=next(iter(found.values())))["KeyMetadata"]
    if not key["Enabled"]:
        raise CannotBeImported(
            f"{', '.join(found)} are encrypted with {key['Arn']}, whose state is {key['KeyState']}: enable it, or "
            "cancel its deletion; without it, their data is lost"
        )
    return {"KeyId": key["KeyId"]}


def _user_pool(client: Client, _: Sequence[Template], properties: Mapping[str, Any]) -> Mapping[str, str] | None:
    pages = client("cognito-idp").get_paginator("list_user_pools").paginate(MaxResults=60)
    pools = [pool["Id"] for page in pages for pool in page["UserPools"] if pool["Name"] == properties["UserPoolName"]]
    if len(pools) > 1:
        raise CannotBeImported(
            f"{len(pools)} user pools have the name {properties['UserPoolName']} ({', '.join(pools)}); members of "
            f"organisations are users of one of them: rename or delete the others"
        )
    return {"UserPoolId": pools[0]} if pools else None


def _queue(client: Client, _: Sequence[Template], properties: Mapping[str, Any]) -> Mapping[str, str] | None:
    sqs = client("sqs")
    try:
        return {"QueueUrl": sqs.get_queue_url(QueueName=properties["QueueName"])["QueueUrl"]}
    except sqs.exceptions.QueueDoesNotExist:
        return None


Finder = Callable[[Client, Sequence[Template], Mapping[str, Any]], Mapping[str, str] | None]
_FINDERS: Mapping[str, Finder] = {
    "AWS::Cognito::UserPool": _user_pool,
    "AWS::KMS::Key": _key,
    "AWS::SQS::Queue": _queue,
}
FOUND_HERE = frozenset(_FINDERS)
