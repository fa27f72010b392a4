"""The embedded AWS limits a role to its policies: each call is allowed with the permission and refused without."""

import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from botocore.exceptions import ClientError

from argus.core.presign import Credentials, Presigner
from infra.embedded.aws import EmbeddedAws, StackOutputs
from infra.embedded.clients import Clients
from infra.embedded.permissions import Permission, is_allowed

TABLE = "arn:aws:dynamodb:eu-west-1:123456789012:table/argus-test-requests"
IMAGES = "arn:aws:dynamodb:eu-west-1:123456789012:table/argus-test-imagery"
BUCKET = "arn:aws:s3:::argus-test-media-123456789012-eu-west-1"
QUEUE = "arn:aws:sqs:eu-west-1:123456789012:argus-test-jobs"
KEY = {"pk": {"S": "enforcer"}, "sk": {"S": "enforcer"}}
OBJECT = {"Bucket": "argus-test-media-123456789012-eu-west-1", "Key": "org_guard/images/one/original"}
ORIGINAL = f"{BUCKET}/{OBJECT['Key']}"


@dataclass(frozen=True)
class Caller:
    """A caller with the credentials of a role."""

    role_arn: str
    clients: Clients

    def __call__(self, service: str) -> Any:
        return self.clients(service)


Role = Callable[..., Caller]


@pytest.fixture
def role(aws: EmbeddedAws, outputs: StackOutputs) -> Iterator[Role]:
    """Creates a role with one permission on one resource, and a caller with its credentials."""
    iam, names = aws.client("iam"), []
    with ExitStack() as stack:

        def create(action: str, arn: str, *, effect: str = "Allow", trusted: str = "nobody") -> Caller:
            name = f"guarded-{os.urandom(6).hex()}"
            trust = {"Effect": "Allow", "Principal": {"AWS": trusted}, "Action": "sts:AssumeRole"}
            role_arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=_policy(trust))["Role"]["Arn"]
            names.append(name)
            statement = {"Effect": effect, "Action": [action], "Resource": arn}
            iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=_policy(statement))
            return Caller(role_arn, stack.enter_context(aws.as_role(role_arn)))

        yield create
    for name in names:
        iam.delete_role_policy(RoleName=name, PolicyName="p")
        iam.delete_role(RoleName=name)
    aws.refusals.clear()


def _policy(statement: Mapping[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


CALLS: dict[str, tuple[str, str, Callable[[Caller], Any]]] = {
    "a get": ("dynamodb:GetItem", TABLE, lambda c: c("dynamodb").get_item(TableName="argus-test-requests", Key=KEY)),
    "a put in a transaction": (
        "dynamodb:PutItem",
        TABLE,
        lambda c: c("dynamodb").transact_write_items(
            TransactItems=[{"Put": {"TableName": "argus-test-requests", "Item": KEY}}]
        ),
    ),
    "a batch": (
        "dynamodb:BatchWriteItem",
        TABLE,
        lambda c: c("dynamodb").batch_write_item(
            RequestItems={"argus-test-requests": [{"DeleteRequest": {"Key": KEY}}]}
        ),
    ),
    "a query of an index": (
        "dynamodb:Query",
        f"{IMAGES}/index/gsi1",
        lambda c: c("dynamodb").query(
            TableName="argus-test-imagery",
            IndexName="gsi1",
            KeyConditionExpression="gsi1pk = :pk",
            ExpressionAttributeValues={":pk": {"S": "enforcer"}},
        ),
    ),
    "a message": (
        "sqs:SendMessage",
        QUEUE,
        lambda c: c("sqs").send_message(
            QueueUrl=f"{c.clients.endpoint_url}/123456789012/argus-test-jobs", MessageBody="{}"
        ),
    ),
    "an object stored": ("s3:PutObject", ORIGINAL, lambda c: c("s3").put_object(**OBJECT, Body=b"x")),
    "an object read": ("s3:GetObject", f"{BUCKET}/org_*/images/*", lambda c: c("s3").get_object(**OBJECT)),
    "an object's headers": ("s3:GetObject", ORIGINAL, lambda c: c("s3").head_object(**OBJECT)),
    "a version deleted": ("s3:DeleteObjectVersion", ORIGINAL, lambda c: c("s3").delete_object(**OBJECT, VersionId="v")),
    "a bucket's headers": ("s3:ListBucket", BUCKET, lambda c: c("s3").head_bucket(Bucket=OBJECT["Bucket"])),
    "versions listed": (
        "s3:ListBucketVersions",
        BUCKET,
        lambda c: c("s3").list_object_versions(Bucket=OBJECT["Bucket"], Prefix="org_guard/"),
    ),
    "versions deleted": (
        "s3:DeleteObjectVersion",
        ORIGINAL,
        lambda c: c("s3").delete_objects(
            Bucket=OBJECT["Bucket"], Delete={"Objects": [{"Key": OBJECT["Key"], "VersionId": "gone"}]}
        ),
    ),
    "a parameter": (
        "ssm:GetParameter",
        "arn:aws:ssm:eu-west-1:123456789012:parameter/argus/enforcer/*",
        lambda c: c("ssm").get_parameter(Name="/argus/enforcer/secret"),
    ),
    "a secret": (
        "secretsmanager:GetSecretValue",
        "arn:aws:secretsmanager:eu-west-1:123456789012:secret:argus/enforcer/*",
        lambda c: c("secretsmanager").get_secret_value(SecretId="argus/enforcer/secret"),
    ),
}


@pytest.fixture
def resources(aws: EmbeddedAws, outputs: StackOutputs) -> Iterator[None]:
    """The resources that the calls above use."""
    aws.client("s3").put_object(**OBJECT, Body=b"hot")
    aws.client("ssm").put_parameter(Name="/argus/enforcer/secret", Value="x", Type="String", Overwrite=True)
    secret = aws.client("secretsmanager").create_secret(Name="argus/enforcer/secret", SecretString="x")
    yield
    aws.client("secretsmanager").delete_secret(SecretId=secret["ARN"], ForceDeleteWithoutRecovery=True)
    aws.client("ssm").delete_parameter(Name="/argus/enforcer/secret")
    for entry in aws.client("s3").list_object_versions(Bucket=OBJECT["Bucket"], Prefix=OBJECT["Key"])["Versions"]:
        aws.client("s3").delete_object(**OBJECT, VersionId=entry["VersionId"])


@pytest.mark.usefixtures("resources")
@pytest.mark.parametrize("name", CALLS)
def test_a_role_has_the_permissions_of_its_policy_and_no_others(aws: EmbeddedAws, role: Role, name: str) -> None:
    action, arn, call = CALLS[name]
    call(role(action, arn))
    assert aws.refusals == []
    others = (
        role(f"{action}s", arn),
        role(action, f"{arn}-of-others"),
        role(action, arn, effect="Deny"),
    )
    for clients in others:
        with pytest.raises(ClientError) as caught:
            call(clients)
        response = caught.value.response
        # The response to HEAD has no body, and therefore no error code.
        assert response["Error"]["Code"] in ("AccessDenied", "AccessDeniedException", "403")
        assert response["Error"]["Code"] == "403" or f"not authorized to perform: {action} on" in str(caught.value)
    assert [refusal.partition(" to perform ")[2].split()[0] for refusal in aws.refusals] == [action] * 3


def _presigner(aws: EmbeddedAws, caller: Caller) -> Presigner:
    environment = caller.clients.environment
    credentials = Credentials(
        environment["AWS_ACCESS_KEY_ID"], environment["AWS_SECRET_ACCESS_KEY"], environment["AWS_SESSION_TOKEN"]
    )
    return Presigner(
        bucket=OBJECT["Bucket"],
        region=aws.region,
        endpoint=aws.endpoint_url,
        credentials=lambda: credentials,
        clock=lambda: datetime.now(UTC),
        window_seconds=900,
        lifetime_seconds=3600,
    )


@pytest.mark.usefixtures("resources")
def test_a_link_has_the_permissions_of_its_signer(aws: EmbeddedAws, role: Role) -> None:
    version = aws.client("s3").head_object(**OBJECT)["VersionId"]

    def follow(action: str, arn: str, version_id: str | None = None) -> int:
        link = _presigner(aws, role(action, arn)).get(OBJECT["Key"], filename="a.jpg", version_id=version_id)
        return httpx.get(link.url, timeout=100).status_code

    assert (follow("s3:GetObject", ORIGINAL), follow("s3:GetObjectVersion", ORIGINAL, version)) == (200, 200)
    assert (follow("s3:GetObject", f"{BUCKET}/org_other/*"), follow("s3:GetObject", ORIGINAL, version)) == (403, 403)


@pytest.mark.usefixtures("resources")
def test_a_form_has_the_permissions_of_its_signer(aws: EmbeddedAws, role: Role) -> None:
    def send(action: str) -> int:
        upload = _presigner(aws, role(action, ORIGINAL)).post(OBJECT["Key"], content_type="image/jpeg", size_bytes=3)
        return httpx.post(
            upload.url, data=dict(upload.fields), files={"file": ("file", b"hot")}, timeout=100
        ).status_code

    assert (send("s3:PutObject"), send("s3:GetObject")) == (204, 403)


def test_assuming_a_role_needs_its_trust_and_the_permission(aws: EmbeddedAws, role: Role) -> None:
    def assume(action: str, *, trusted: bool) -> None:
        caller = role(action, "*")
        target = role(
            "s3:GetObject", "*", trusted=caller.role_arn if trusted else "arn:aws:iam::123456789012:role/other"
        )
        caller("sts").assume_role(RoleArn=target.role_arn, RoleSessionName="assumed")

    assume("sts:AssumeRole", trusted=True)
    for action, trusted in (("sts:AssumeRole", False), ("sts:GetFederationToken", True)):
        with pytest.raises(ClientError, match=r"AccessDenied.*sts:AssumeRole"):
            assume(action, trusted=trusted)


def test_an_operation_that_the_enforcer_does_not_know_is_refused(aws: EmbeddedAws, role: Role) -> None:
    everything = role("*", "*")
    for call in (
        lambda: everything("dynamodb").list_tables(),
        lambda: everything("s3").get_bucket_cors(Bucket=OBJECT["Bucket"]),
        lambda: everything("s3").get_object_tagging(**OBJECT),
        lambda: everything("s3").copy_object(**OBJECT, CopySource={**OBJECT}),
        lambda: everything("sns").list_topics(),
    ):
        with pytest.raises(ClientError, match="unknown to the IAM enforcer"):
            call()


def test_a_deny_statement_overrides_an_allow_statement() -> None:
    allowed = {"Effect": "Allow", "Action": "s3:*", "Resource": ["*"]}
    denied = {"Effect": "Deny", "Action": ["s3:GetObject"], "Resource": ORIGINAL}
    permission = Permission("s3:GetObject", ORIGINAL)
    assert is_allowed([allowed], permission)
    assert not is_allowed([allowed, denied], permission)
    assert not is_allowed([], permission)
