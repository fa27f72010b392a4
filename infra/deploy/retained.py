"""Finds what a destroyed stage retained, where AWS assigned the identifier: key, user pool, dead-letter queues.

A new stack imports them (`stacks.py`): data stays readable, users keep their accounts, dead letters can be replayed.
Tables, buckets, roles and the vault are not listed here, because CloudFormation finds them by their names.
"""

from collections.abc import Callable, Mapping
from typing import Any

from argus.core.errors import ArgusError
from infra.deploy.stacks import Identifiers
from infra.templates import Template, is_retained

Client = Callable[[str], Any]


class CannotBeImported(ArgusError):
    """What the stage retained cannot be used as it is."""


def find(template: Template, *, stage: str, client: Client) -> Identifiers:
    """The identifiers of the template's retained resources that exist. Names must be literal. Raises CannotBeImported.

    `client` returns a boto3 client of the stage's region.
    """
    found: dict[str, Mapping[str, str]] = {}
    for logical_id, declared in template.resources.items():
        finder = _FINDERS.get(declared["Type"])
        if finder and is_retained(declared) and (identifier := finder(client, stage, declared["Properties"])):
            found[logical_id] = identifier
    return found


def keys_of_tables(dynamodb: Any, stage: str) -> dict[str, str]:
    """The ARN of the key of each table of the stage that has one, by the table's name."""
    prefix = f"argus-{stage}-"
    pages = dynamodb.get_paginator("list_tables").paginate()
    names = [name for page in pages for name in page["TableNames"] if name.startswith(prefix)]
    tables = {name: dynamodb.describe_table(TableName=name)["Table"] for name in names}
    found = {name: table.get("SSEDescription", {}).get("KMSMasterKeyArn") for name, table in tables.items()}
    return {name: key for name, key in found.items() if key}


def _key(client: Client, stage: str, _: Mapping[str, Any]) -> Mapping[str, str] | None:
    """The key of the stage's tables: without it, their data cannot be read."""
    tables = keys_of_tables(client("dynamodb"), stage)
    if len(set(tables.values())) > 1:
        listed = ", ".join(f"{table}: {key}" for table, key in tables.items())
        raise CannotBeImported(f"the tables of {stage} have different keys; a stage has one ({listed})")
    if not tables:
        return None
    key = client("kms").describe_key(KeyId=next(iter(tables.values())))["KeyMetadata"]
    if not key["Enabled"]:
        raise CannotBeImported(
            f"the tables of {stage} are encrypted with {key['Arn']}, whose state is {key['KeyState']}: enable it, or "
            "cancel its deletion; without it, their data is lost"
        )
    return {"KeyId": key["KeyId"]}


def _user_pool(client: Client, _: str, properties: Mapping[str, Any]) -> Mapping[str, str] | None:
    pages = client("cognito-idp").get_paginator("list_user_pools").paginate(MaxResults=60)
    pools = [pool["Id"] for page in pages for pool in page["UserPools"] if pool["Name"] == properties["UserPoolName"]]
    if len(pools) > 1:
        raise CannotBeImported(
            f"{len(pools)} user pools have the name {properties['UserPoolName']} ({', '.join(pools)}); members of "
            f"organisations are users of one of them: rename or delete the others"
        )
    return {"UserPoolId": pools[0]} if pools else None


def _queue(client: Client, _: str, properties: Mapping[str, Any]) -> Mapping[str, str] | None:
    sqs = client("sqs")
    try:
        return {"QueueUrl": sqs.get_queue_url(QueueName=properties["QueueName"])["QueueUrl"]}
    except sqs.exceptions.QueueDoesNotExist:
        return None


_FINDERS: Mapping[str, Callable[[Client, str, Mapping[str, Any]], Mapping[str, str] | None]] = {
    "AWS::Cognito::UserPool": _user_pool,
    "AWS::KMS::Key": _key,
    "AWS::SQS::Queue": _queue,
}
FOUND_HERE = frozenset(_FINDERS)
