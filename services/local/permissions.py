"""What IAM is asked for when AWS is called, and what a role's statements answer.

The actions and resources are those of the "Service Authorization Reference"; conditions are not evaluated. The IAM
enforcer of the embedded AWS (`services.local.iam_enforcer`) and tests/test_roles.py use them.
"""

import fnmatch
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from services.local.cloudformation.verify import ACCOUNT_ID

Statement = Mapping[str, Any]


class UnknownCall(LookupError):
    """Nobody has said yet what IAM asks for this call: it belongs into `uses`."""


@dataclass(frozen=True)
class Use:
    """One thing done to one resource."""

    action: str
    arn: str


def uses(service: str, operation: str, asked: Mapping[str, Any], *, region: str = "eu-west-1") -> Iterator[Use]:
    """What IAM is asked for one call, in boto3's names. Raises UnknownCall."""
    here = f"{region}:{ACCOUNT_ID}"
    table = f"arn:aws:dynamodb:{here}:table/"
    match service, operation:
        case "dynamodb", "TransactWriteItems":  # no action of its own ("IAM and transactions", DynamoDB's guide)
            for entry in asked["TransactItems"]:
                ((verb, write),) = entry.items()
                yield Use(f"dynamodb:{verb}Item", table + write["TableName"])
        case "dynamodb", "BatchWriteItem" | "BatchGetItem":
            yield from (Use(f"dynamodb:{operation}", table + name) for name in asked["RequestItems"])
        case "dynamodb", _ if "TableName" in asked:
            index = f"/index/{asked['IndexName']}" if "IndexName" in asked else ""
            yield Use(f"dynamodb:{operation}", f"{table}{asked['TableName']}{index}")
        case "s3", _:
            yield from _uses_of_s3(operation, asked)
        case "sqs", _ if "QueueUrl" in asked:
            name = asked["QueueUrl"].rsplit("/", 1)[-1]
            yield Use(f"sqs:{operation.removesuffix('Batch')}", f"arn:aws:sqs:{here}:{name}")
        case "ssm", "GetParameter":
            yield Use("ssm:GetParameter", f"arn:aws:ssm:{here}:parameter/{asked['Name'].removeprefix('/')}")
        case "secretsmanager", "GetSecretValue":
            yield Use("secretsmanager:GetSecretValue", f"arn:aws:secretsmanager:{here}:secret:{asked['SecretId']}")
        case "apigatewaymanagementapi", "PostToConnection":  # the API and its stage stand in the client's endpoint
            place = f"{asked['Api']}/POST/@connections/{asked['ConnectionId']}"
            yield Use("execute-api:ManageConnections", f"arn:aws:execute-api:{here}:{place}")
        case "sts", "AssumeRole":
            yield Use("sts:AssumeRole", asked["RoleArn"])
        case _:
            raise UnknownCall(f"{service}:{operation}")


def _uses_of_s3(operation: str, asked: Mapping[str, Any]) -> Iterator[Use]:
    bucket = f"arn:aws:s3:::{asked['Bucket']}"
    match operation:
        case "HeadBucket" | "ListObjectsV2":
            yield Use("s3:ListBucket", bucket)
        case "ListObjectVersions":
            yield Use("s3:ListBucketVersions", bucket)
        case "DeleteObjects":
            for entry in asked["Delete"]["Objects"]:
                version = "Version" if entry.get("VersionId") else ""
                yield Use(f"s3:DeleteObject{version}", f"{bucket}/{entry['Key']}")
        case "GetObject" | "HeadObject" | "DeleteObject":  # HEAD asks what GET asks
            version = "Version" if "VersionId" in asked else ""
            yield Use(f"s3:{operation.replace('Head', 'Get')}{version}", f"{bucket}/{asked['Key']}")
        case "PutObject":
            yield Use("s3:PutObject", f"{bucket}/{asked['Key']}")
        case _:
            raise UnknownCall(f"s3:{operation}")


def concerns(statement: Statement, use: Use) -> bool:
    """Whether a statement of a policy speaks of this."""
    return any(fnmatch.fnmatchcase(use.action, action) for action in _listed(statement["Action"])) and any(
        fnmatch.fnmatchcase(use.arn, arn) for arn in _listed(statement["Resource"])
    )


def may(statements: Iterable[Statement], use: Use) -> bool:
    """Allowed by one, denied by none."""
    return {statement["Effect"] for statement in statements if concerns(statement, use)} == {"Allow"}


def trusts(trust: Iterable[Statement], role_arn: str) -> bool:
    """Whether a role that says whom it trusts may be taken by this other one."""
    return any(
        statement["Effect"] == "Allow" and role_arn in _listed(statement["Principal"].get("AWS", []))
        for statement in trust
    )


def _listed(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else list(value)
