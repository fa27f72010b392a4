"""The embedded AWS lets a role do what its policies say: each call allowed once, refused once."""

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
from services.local.aws import EmbeddedAws, StackOutputs
from services.local.cloudformation.clients import Clients
from services.local.permissions import Use, may

TABLE = "arn:aws:dynamodb:eu-west-1:123456789012:table/argus-test-requests"
IMAGES = "arn:aws:dynamodb:eu-west-1:123456789012:table/argus-test-imagery"
BUCKET = "arn:aws:s3:::argus-test-media-123456789012"
QUEUE = "arn:aws:sqs:eu-west-1:123456789012:argus-test-jobs"
KEY = {"pk": {"S": "enforcer"}, "sk": {"S": "enforcer"}}
OBJECT = {"Bucket": "argus-test-media-123456789012", "Key": "org_guard/images/one/original"}
ORIGINAL = f"{BUCKET}/{OBJECT['Key']}"


@dataclass(frozen=True)
class Caller:
    """Who calls as a role."""

    role_arn: str
    clients: Clients

    def __call__(self, service: str) -> Any:
        return self.clients(service)


Role = Callable[..., Caller]


@pytest.fixture
def role(aws: EmbeddedAws, outputs: StackOutputs) -> Iterator[Role]:
    """Makes a role that may do one thing to one resource, and somebody who calls as it."""
    iam, names = aws.client("iam"), []
    with ExitStack() as stack:

        def make(action: str, arn: str, *, effect: str = "Allow", trusted: str = "nobody") -> Caller:
            name = f"guarded-{os.urandom(6).hex()}"
            trust = {"Effect": "Allow", "Principal": {"AWS": trusted}, "Action": "sts:AssumeRole"}
            made = iam.create_role(RoleName=name, AssumeRolePolicyDocument=_policy(trust))["Role"]["Arn"]
            names.append(name)
            statement = {"Effect": effect, "Action": [action], "Resource": arn}
            iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=_policy(statement))
            return Caller(made, stack.enter_context(aws.as_role(made)))

        yield make
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
    "an object looked at": ("s3:GetObject", ORIGINAL, lambda c: c("s3").head_object(**OBJECT)),
    "a version removed": ("s3:DeleteObjectVersion", ORIGINAL, lambda c: c("s3").delete_object(**OBJECT, VersionId="v")),
    "a bucket looked at": ("s3:ListBucket", BUCKET, lambda c: c("s3").head_bucket(Bucket=OBJECT["Bucket"])),
    "versions listed": (
        "s3:ListBucketVersions",
        BUCKET,
        lambda c: c("s3").list_object_versions(Bucket=OBJECT["Bucket"], Prefix="org_guard/"),
    ),
    "versions removed": (
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
def things(aws: EmbeddedAws, outputs: StackOutputs) -> Iterator[None]:
    """What the calls above ask for."""
    aws.client("s3").put_object(**OBJECT, Body=b"hot")
    aws.client("ssm").put_parameter(Name="/argus/enforcer/secret", Value="x", Type="String", Overwrite=True)
    made = aws.client("secretsmanager").create_secret(Name="argus/enforcer/secret", SecretString="x")
    yield
    aws.client("secretsmanager").delete_secret(SecretId=made["ARN"], ForceDeleteWithoutRecovery=True)
    aws.client("ssm").delete_parameter(Name="/argus/enforcer/secret")
    for entry in aws.client("s3").list_object_versions(Bucket=OBJECT["Bucket"], Prefix=OBJECT["Key"])["Versions"]:
        aws.client("s3").delete_object(**OBJECT, VersionId=entry["VersionId"])


@pytest.mark.usefixtures("things")
@pytest.mark.parametrize("what", CALLS)
def test_a_role_may_do_what_its_policy_says_and_nothing_else(aws: EmbeddedAws, role: Role, what: str) -> None:
    action, arn, call = CALLS[what]
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
        answer = caught.value.response
        # An answer to HEAD has no body in which a code could stand.
        assert answer["Error"]["Code"] in ("AccessDenied", "AccessDeniedException", "403")
        assert answer["Error"]["Code"] == "403" or f"not authorized to perform: {action} on" in str(caught.value)
    assert [refusal.wanted.split()[0] for refusal in aws.refusals] == [action] * 3


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


@pytest.mark.usefixtures("things")
def test_a_link_can_do_what_its_signer_may(aws: EmbeddedAws, role: Role) -> None:
    version = aws.client("s3").head_object(**OBJECT)["VersionId"]

    def follow(action: str, arn: str, version_id: str | None = None) -> int:
        link = _presigner(aws, role(action, arn)).get(OBJECT["Key"], filename="a.jpg", version_id=version_id)
        return httpx.get(link.url, timeout=100).status_code

    assert (follow("s3:GetObject", ORIGINAL), follow("s3:GetObjectVersion", ORIGINAL, version)) == (200, 200)
    assert (follow("s3:GetObject", f"{BUCKET}/org_other/*"), follow("s3:GetObject", ORIGINAL, version)) == (403, 403)


@pytest.mark.usefixtures("things")
def test_a_form_can_do_what_its_signer_may(aws: EmbeddedAws, role: Role) -> None:
    def send(action: str) -> int:
        upload = _presigner(aws, role(action, ORIGINAL)).post(OBJECT["Key"], content_type="image/jpeg", size_bytes=3)
        return httpx.post(
            upload.url, data=dict(upload.fields), files={"file": ("file", b"hot")}, timeout=100
        ).status_code

    assert (send("s3:PutObject"), send("s3:GetObject")) == (204, 403)


def test_a_role_is_taken_by_whom_it_trusts_and_who_may(aws: EmbeddedAws, role: Role) -> None:
    def take(action: str, *, trusted: bool) -> None:
        caller = role(action, "*")
        taken = role(
            "s3:GetObject", "*", trusted=caller.role_arn if trusted else "arn:aws:iam::123456789012:role/other"
        )
        caller("sts").assume_role(RoleArn=taken.role_arn, RoleSessionName="taken")

    take("sts:AssumeRole", trusted=True)
    for action, trusted in (("sts:AssumeRole", False), ("sts:GetFederationToken", True)):
        with pytest.raises(ClientError, match=r"AccessDenied.*sts:AssumeRole"):
            take(action, trusted=trusted)


def test_what_nobody_has_taught_the_guard_is_refused(aws: EmbeddedAws, role: Role) -> None:
    everything = role("*", "*")
    for call in (
        lambda: everything("dynamodb").list_tables(),
        lambda: everything("s3").get_bucket_cors(Bucket=OBJECT["Bucket"]),
        lambda: everything("s3").get_object_tagging(**OBJECT),
        lambda: everything("s3").copy_object(**OBJECT, CopySource={**OBJECT}),
        lambda: everything("sns").list_topics(),
    ):
        with pytest.raises(ClientError, match="the IAM enforcer does not know"):
            call()


def test_a_denial_outweighs_what_is_allowed() -> None:
    allowed = {"Effect": "Allow", "Action": "s3:*", "Resource": ["*"]}
    denied = {"Effect": "Deny", "Action": ["s3:GetObject"], "Resource": ORIGINAL}
    use = Use("s3:GetObject", ORIGINAL)
    assert may([allowed], use)
    assert not may([allowed, denied], use)
    assert not may([], use)
