"""The policy of the deployer allows every action that a deployment needs."""

import ast
import fnmatch
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import cfnlint
import pytest

from infra.deploy import plans
from infra.deploy.package import ROOT
from infra.templates import Template

POLICY = json.loads((ROOT / "infra" / "deploy" / "policy.json").read_text())
ZAPPAS_STACK = {"AWS::ApiGateway::RestApi", "AWS::ApiGateway::Resource", "AWS::ApiGateway::Method"}
# Services in AWS's schemas that our resources do not use, though others of their type may.
OF_OTHERS = {
    *("acm-pca", "amplify", "apprunner", "appsync", "bedrock-agentcore", "billing", "ec2", "elasticloadbalancing"),
    *("firehose", "kinesis", "payments", "s3tables"),
}
NO_ACTION = {"iam:DescribeOrganization"}  # in a schema, but not in IAM


def is_allowed(action: str) -> bool:
    """Whether a statement allows the action on some resource. Conditions may not hold when a resource is created."""
    conditional = action == "iam:CreateServiceLinkedRole"  # by the service's name
    patterns = [entry["Action"] for entry in POLICY["Statement"] if conditional or "Condition" not in entry]
    listed = [pattern for entry in patterns for pattern in ([entry] if isinstance(entry, str) else entry)]
    return any(fnmatch.fnmatchcase(action.lower(), pattern.lower()) for pattern in listed)


def action(service: str, operation: str) -> str:
    """The IAM action of an operation, with moto's or boto3's name of the service."""
    if service == "apigateway":  # its actions are the verbs of HTTP
        return f"apigateway:{re.sub('^Create', 'Post', re.sub('^Update', 'Patch', operation))[:5]}"
    return f"{ {'awslambda': 'lambda', 'sesv2': 'ses'}.get(service, service) }:{operation}"


def schemas() -> Iterator[dict[str, Any]]:
    """AWS's schema of each resource type of our templates and of Zappa's stack."""
    templates = [Template.read(plan.path) for plan in plans.PLANS]
    types = {one["Type"] for template in templates for one in template.resources.values()} | ZAPPAS_STACK
    folder = Path(cfnlint.__file__).parent / "data" / "schemas" / "resources"
    found = [json.loads(path.read_text()) for path in folder.glob("*.json")]
    yield from (schema for schema in found if schema.get("typeName") in types)
    assert types <= {schema.get("typeName") for schema in found}


def test_cloudformation_may_create_change_and_delete_every_resource_type() -> None:
    """CloudFormation uses the deployer's permissions; AWS's schemas list what each type needs."""
    missing = {
        needed
        for schema in schemas()
        for verb, handler in schema["handlers"].items()
        for needed in handler.get("permissions", [])
        if verb != "list" and needed.split(":")[0] not in OF_OTHERS and needed not in NO_ACTION
        if not is_allowed(needed)
    }
    assert missing == set()


def called() -> set[str]:
    """The names of all methods that the deployment calls, and of all pages and waiters that it gets."""
    trees = [ast.parse(path.read_text()) for path in (ROOT / "infra" / "deploy").glob("*.py")]
    calls = [node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Call)]
    methods = {node.func.attr for node in calls if isinstance(node.func, ast.Attribute)}
    texts = {node.args[0].value for node in calls if node.args and isinstance(node.args[0], ast.Constant)}
    return methods | {text for text in texts if isinstance(text, str)}


SERVICES = (
    *("amplify", "apigateway", "ce", "cloudformation", "cloudfront", "cognito-idp", "dynamodb", "kms", "lambda", "s3"),
    *("sesv2", "sqs", "ssm", "sts"),
)
# Operations with another name than their action, and names of Python that are operations of some service too.
RENAMED = {
    "s3:HeadObject": "s3:GetObject",
    "s3:DeleteObjects": "s3:DeleteObjectVersion",
    "s3:ListObjectVersions": "s3:ListBucketVersions",
}


@pytest.mark.parametrize("service", SERVICES)
def test_the_deployment_may_make_its_own_calls(service: str) -> None:
    client = boto3.client(service, region_name="eu-west-1", aws_access_key_id="unused", aws_secret_access_key="unused")
    operations = client.meta.method_to_api_mapping
    needed = {action(service, operations[name]) for name in called() & operations.keys()}
    assert needed
    assert {one for one in needed if not is_allowed(RENAMED.get(one, one))} == set()


def test_every_service_that_the_deployment_uses_is_listed() -> None:
    sources = [path.read_text() for path in (ROOT / "infra" / "deploy").glob("*.py")]
    named = {name for source in sources for name in re.findall(r'\bclient\(\s*"([a-z0-9-]+)"', source)}
    assert named <= set(SERVICES)


def test_the_policy_fits_into_a_managed_policy() -> None:
    assert len(json.dumps(POLICY, separators=(",", ":"))) <= 6144  # characters without white space
