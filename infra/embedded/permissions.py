"""The IAM permissions that calls to AWS require, and whether a role's statements grant them.

The actions and resources are those of the "Service Authorization Reference"; conditions are not evaluated. The IAM
enforcer of the embedded AWS (`infra.embedded.iam_enforcer`) and tests/infra/test_roles.py use them.
"""

import fnmatch
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from infra.embedded import ACCOUNT_ID

Statement = Mapping[str, Any]


class UnknownOperation(LookupError):
    """The permissions of this operation are not known yet; add them to `required_permissions`."""


@dataclass(frozen=True)
class Permission:
    """An action on a resource."""

    action: str
    arn: str


def required_permissions(
    service: str, operation: str, parameters: Mapping[str, Any], *, region: str = "eu-west-1"
) -> Iterator[Permission]:
    """The permissions that a call requires, with boto3's names and parameters. Raises UnknownOperation."""
    here = f"{region}:{ACCOUNT_ID}"
    table = f"arn:aws:dynamodb:{here}:table/"
    match service, operation:
        case "dynamodb", "TransactWriteItems":  # checked per item (DynamoDB developer guide, "IAM and transactions")
            for entry in parameters["TransactItems"]:
                ((verb, write),) = entry.items()
                yield Permission(f"dynamodb:{verb}Item", table + write["TableName"])
        case "dynamodb", "BatchWriteItem" | "BatchGetItem":
            yield from (Permission(f"dynamodb:{operation}", table + name) for name in parameters["RequestItems"])
        case "dynamodb", _ if "TableName" in parameters:
            index = f"/index/{parameters['IndexName']}" if "IndexName" in parameters else ""
            yield Permission(f"dynamodb:{operation}", f"{table}{parameters['TableName']}{index}")
        case "s3", _:
            yield from _s3_permissions(operation, parameters)
        case "sqs", _ if "QueueUrl" in parameters:
            name = parameters["QueueUrl"].rsplit("/", 1)[-1]
            yield Permission(f"sqs:{operation.removesuffix('Batch')}", f"arn:aws:sqs:{here}:{name}")
        case "ssm", "GetParameter":
            yield Permission("ssm:GetParameter", f"arn:aws:ssm:{here}:parameter/{parameters['Name'].removeprefix('/')}")
        case "secretsmanager", "GetSecretValue":
            yield Permission(
                "secretsmanager:GetSecretValue", f"arn:aws:secretsmanager:{here}:secret:{parameters['SecretId']}"
            )
        case "apigatewaymanagementapi", "PostToConnection":  # the client's endpoint contains the API and its stage
            connection = f"{parameters['Api']}/POST/@connections/{parameters['ConnectionId']}"
            yield Permission("execute-api:ManageConnections", f"arn:aws:execute-api:{here}:{connection}")
        case "sts", "AssumeRole":
            yield Permission("sts:AssumeRole", parameters["RoleArn"])
        case _:
            raise UnknownOperation(f"{service}:{operation}")


def _s3_permissions(operation: str, parameters: Mapping[str, Any]) -> Iterator[Permission]:
    bucket = f"arn:aws:s3:::{parameters['Bucket']}"
    match operation:
        case "HeadBucket" | "ListObjectsV2":
            yield Permission("s3:ListBucket", bucket)
        case "ListObjectVersions":
            yield Permission("s3:ListBucketVersions", bucket)
        case "DeleteObjects":
            for entry in parameters["Delete"]["Objects"]:
                version = "Version" if entry.get("VersionId") else ""
                yield Permission(f"s3:DeleteObject{version}", f"{bucket}/{entry['Key']}")
        case "GetObject" | "HeadObject" | "DeleteObject":  # HEAD requires the same permission as GET
            version = "Version" if "VersionId" in parameters else ""
            yield Permission(f"s3:{operation.replace('Head', 'Get')}{version}", f"{bucket}/{parameters['Key']}")
        case "PutObject":
            yield Permission("s3:PutObject", f"{bucket}/{parameters['Key']}")
        case _:
            raise UnknownOperation(f"s3:{operation}")


def applies_to(statement: Statement, permission: Permission) -> bool:
    """Whether a statement of a policy matches this permission."""
    return any(fnmatch.fnmatchcase(permission.action, action) for action in _listed(statement["Action"])) and any(
        fnmatch.fnmatchcase(permission.arn, arn) for arn in _listed(statement["Resource"])
    )


def is_allowed(statements: Iterable[Statement], permission: Permission) -> bool:
    """Whether a statement allows the permission and none denies it."""
    return {statement["Effect"] for statement in statements if applies_to(statement, permission)} == {"Allow"}


def is_trusted(trust: Iterable[Statement], role_arn: str) -> bool:
    """Whether a trust policy lets this role assume the role that it belongs to."""
    return any(
        statement["Effect"] == "Allow" and role_arn in _listed(statement["Principal"].get("AWS", []))
        for statement in trust
    )


def _listed(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else list(value)
