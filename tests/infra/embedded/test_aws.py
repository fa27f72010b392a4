"""The embedded AWS: provisioned from infra/*.yaml, and verified against it."""

import json
import shutil
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from operator import attrgetter
from pathlib import Path
from typing import Any
from urllib.parse import unquote_plus

import boto3
import pytest
from botocore.exceptions import ClientError

from argus import capabilities
from argus.core.declarations import Table
from infra.embedded import NotAsDeclared
from infra.embedded.aws import INFRA, EmbeddedAws, PortInUse, StackOutputs
from infra.embedded.resources import LOCAL_NO_OPS, TYPES
from infra.templates import capability_templates

ORIGIN = "http://console.example"


@pytest.fixture(scope="module")
def aws() -> Iterator[EmbeddedAws]:
    with EmbeddedAws.start(stage="fidelity") as aws:
        yield aws


@pytest.fixture(scope="module")
def outputs(aws: EmbeddedAws) -> StackOutputs:
    return aws.provision(allowed_origins=[ORIGIN, "http://127.0.0.1:5001"], visibility_timeout_seconds=30)


def drain(aws: EmbeddedAws, url: str) -> list[dict[str, Any]]:
    """Receive and delete every message in the queue."""
    received: list[dict[str, Any]] = []
    sqs = aws.client("sqs")
    while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=0).get("Messages"):
        for message in messages:
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        received.extend(messages)
    return received


# The templates


def test_the_templates_are_clean_for_cfn_lint() -> None:
    templates = sorted(str(path) for path in INFRA.glob("*.yaml"))
    lint = [sys.executable, "-c", "from cfnlint.runner.cli import main; main()"]
    done = subprocess.run([*lint, *templates], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_names_are_derived_from_the_stage(aws: EmbeddedAws, outputs: StackOutputs) -> None:
    queues = f"https://sqs.{aws.region}.amazonaws.com/{aws.account_id}"
    assert outputs == StackOutputs(
        media_bucket=f"argus-fidelity-media-{aws.account_id}",
        uploads_queue_url=f"{queues}/argus-fidelity-uploads",
        uploads_dead_queue_url=f"{queues}/argus-fidelity-uploads-dead",
        jobs_queue_url=f"{queues}/argus-fidelity-jobs",
        jobs_dead_queue_url=f"{queues}/argus-fidelity-jobs-dead",
        scans_queue_url=f"{queues}/argus-fidelity-scans",
        scans_dead_queue_url=f"{queues}/argus-fidelity-scans-dead",
        user_pool_id=outputs.user_pool_id,
        client_id=outputs.client_id,
        issuer=f"https://cognito-idp.{aws.region}.amazonaws.com/{outputs.user_pool_id}",
        jwks_url=f"{aws.endpoint_url}/{outputs.user_pool_id}/.well-known/jwks.json",
    )


# Resources


@pytest.mark.parametrize("declared", capabilities.tables(), ids=attrgetter("name"))
@pytest.mark.usefixtures("outputs")
def test_a_table_expires_items_and_can_be_restored(aws: EmbeddedAws, declared: Table) -> None:
    dynamodb = aws.client("dynamodb")
    name = f"argus-fidelity-{declared.name}"
    table = dynamodb.describe_table(TableName=name)["Table"]
    backups = dynamodb.describe_continuous_backups(TableName=name)["ContinuousBackupsDescription"]
    assert dynamodb.describe_time_to_live(TableName=name)["TimeToLiveDescription"] == {
        "TimeToLiveStatus": "ENABLED",
        "AttributeName": "expires_at",
    }
    assert backups["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"] == "ENABLED"
    assert (table["SSEDescription"]["Status"], table["SSEDescription"]["SSEType"]) == ("ENABLED", "KMS")
    indexes = [index["IndexName"] for index in table.get("GlobalSecondaryIndexes", [])]
    assert indexes[:1] == ([] if declared.index == "none" else ["gsi1"])


@pytest.mark.usefixtures("outputs")
def test_every_capability_with_a_template_has_a_stack(aws: EmbeddedAws) -> None:
    stacks = aws.client("cloudformation").list_stacks(StackStatusFilter=["CREATE_COMPLETE"])["StackSummaries"]
    names = {stack["StackName"] for stack in stacks if stack["StackName"].startswith("argus-fidelity-")}
    found = {path.stem for path in capability_templates()}
    assert found >= {"identity", "imagery", "scanning", "reports", "notify"}
    assert names == {f"argus-fidelity-{name}" for name in {"data", "roles", *found}}


@pytest.mark.usefixtures("outputs")
def test_a_role_has_the_permissions_of_a_capabilitys_policy(aws: EmbeddedAws) -> None:
    """The enforcer applies policies that are separate resources, besides those of the role itself."""
    key = {"Key": {"pk": {"S": "nobody"}, "sk": {"S": "nothing"}}}
    with aws.as_role(f"arn:aws:iam::{aws.account_id}:role/argus-fidelity-worker") as clients:
        assert "Item" not in clients("dynamodb").get_item(TableName="argus-fidelity-reports", **key)
        with pytest.raises(ClientError, match="not authorized to perform: dynamodb:GetItem"):
            clients("dynamodb").get_item(TableName="argus-fidelity-notify", **key)
    aws.refusals.clear()


def test_the_media_bucket_is_private_versioned_and_expires_old_versions(
    aws: EmbeddedAws, outputs: StackOutputs
) -> None:
    s3 = aws.client("s3")
    bucket = outputs.media_bucket
    assert s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"] == {
        "BlockPublicAcls": True,
        "IgnorePublicAcls": True,
        "BlockPublicPolicy": True,
        "RestrictPublicBuckets": True,
    }
    assert s3.get_bucket_versioning(Bucket=bucket)["Status"] == "Enabled"
    assert s3.get_bucket_cors(Bucket=bucket)["CORSRules"] == [
        {
            "AllowedHeaders": ["*"],
            "AllowedMethods": ["GET", "HEAD", "POST", "PUT"],
            "AllowedOrigins": [ORIGIN, "http://127.0.0.1:5001"],
            "ExposeHeaders": ["ETag", "Content-Range", "Accept-Ranges"],
            "MaxAgeSeconds": 3600,
        }
    ]
    assert s3.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"] == [
        {
            "ID": "abandoned-uploads",
            "Filter": {"Prefix": ""},
            "Status": "Enabled",
            "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 1},
        },
        {
            "ID": "replaced-and-deleted-versions",
            "Filter": {"Prefix": ""},
            "Status": "Enabled",
            "NoncurrentVersionExpiration": {"NoncurrentDays": 30},
        },
    ]
    statements = json.loads(s3.get_bucket_policy(Bucket=bucket)["Policy"])["Statement"]
    assert [(statement["Effect"], statement["Condition"]) for statement in statements] == [
        ("Deny", {"Bool": {"aws:SecureTransport": "false"}}),
        ("Deny", {"NumericLessThan": {"s3:TlsVersion": "1.2"}}),
    ]


@pytest.mark.parametrize("queue", ["uploads", "jobs", "scans"])
def test_a_queue_has_the_declared_timeouts_and_dead_letter_queue(
    aws: EmbeddedAws, outputs: StackOutputs, queue: str
) -> None:
    url = getattr(outputs, f"{queue}_queue_url")
    found = aws.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    assert (found["VisibilityTimeout"], found["ReceiveMessageWaitTimeSeconds"]) == ("30", "20")
    assert json.loads(found["RedrivePolicy"]) == {
        "deadLetterTargetArn": f"{found['QueueArn']}-dead",
        "maxReceiveCount": 3,
    }


def test_only_the_media_bucket_may_send_to_the_uploads_queue(aws: EmbeddedAws, outputs: StackOutputs) -> None:
    attributes = aws.client("sqs").get_queue_attributes(QueueUrl=outputs.uploads_queue_url, AttributeNames=["Policy"])
    (statement,) = json.loads(attributes["Attributes"]["Policy"])["Statement"]
    assert statement["Principal"] == {"Service": "s3.amazonaws.com"}
    assert statement["Condition"] == {
        "ArnEquals": {"aws:SourceArn": f"arn:aws:s3:::{outputs.media_bucket}"},
        "StringEquals": {"aws:SourceAccount": aws.account_id},
    }


# Behaviour


def test_s3_sends_one_message_for_an_original_and_none_for_a_product(aws: EmbeddedAws, outputs: StackOutputs) -> None:
    drain(aws, outputs.uploads_queue_url)  # S3's own s3:TestEvent
    s3 = aws.client("s3")
    for key in ("org_a/images/img_b/products/temperature.tif", "org_a/images/img_b/original"):
        s3.put_object(Bucket=outputs.media_bucket, Key=key, Body=b"x")
    records = [json.loads(message["Body"])["Records"] for message in drain(aws, outputs.uploads_queue_url)]
    assert [[unquote_plus(record["s3"]["object"]["key"]) for record in found] for found in records] == [
        ["org_a/images/img_b/original"]
    ]


def test_a_message_received_three_times_moves_to_the_dead_letter_queue(aws: EmbeddedAws, outputs: StackOutputs) -> None:
    sqs = aws.client("sqs")
    sqs.send_message(QueueUrl=outputs.jobs_queue_url, MessageBody="poison")
    for _ in range(3):
        (message,) = sqs.receive_message(QueueUrl=outputs.jobs_queue_url, WaitTimeSeconds=0)["Messages"]
        sqs.change_message_visibility(
            QueueUrl=outputs.jobs_queue_url, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=0
        )
    assert drain(aws, outputs.jobs_queue_url) == []
    assert [message["Body"] for message in drain(aws, outputs.jobs_dead_queue_url)] == ["poison"]


@pytest.mark.parametrize(("origin", "allowed"), [(ORIGIN, ORIGIN), ("http://elsewhere.example", None)])
def test_the_cors_rules_of_the_bucket_decide_which_origin_may_read(
    aws: EmbeddedAws, outputs: StackOutputs, origin: str, allowed: str | None
) -> None:
    s3 = aws.client("s3")
    item = {"Bucket": outputs.media_bucket, "Key": "org_a/images/img_c/products/preview"}
    s3.put_object(**item, Body=b"x")
    request = urllib.request.Request(s3.generate_presigned_url("get_object", Params=item), headers={"Origin": origin})
    with urllib.request.urlopen(request) as response:
        assert response.headers.get("Access-Control-Allow-Origin") == allowed


def test_a_bucket_policy_is_enforced(aws: EmbeddedAws) -> None:
    s3 = aws.client("s3")
    s3.create_bucket(Bucket="closed", CreateBucketConfiguration={"LocationConstraint": aws.region})
    deny = {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "arn:aws:s3:::closed/*"}
    s3.put_bucket_policy(Bucket="closed", Policy=json.dumps({"Version": "2012-10-17", "Statement": [deny]}))
    with pytest.raises(s3.exceptions.ClientError, match="Forbidden"):
        s3.put_object(Bucket="closed", Key="x", Body=b"x")


def test_a_user_signs_in_with_a_password(aws: EmbeddedAws, outputs: StackOutputs) -> None:
    cognito = aws.client("cognito-idp")
    user = {"UserPoolId": outputs.user_pool_id, "Username": "owner@north.example"}
    cognito.admin_create_user(
        **user, UserAttributes=[{"Name": "email", "Value": "owner@north.example"}], MessageAction="SUPPRESS"
    )
    cognito.admin_set_user_password(**user, Password="Correct-horse-1", Permanent=True)
    cognito.admin_add_user_to_group(**user, GroupName="platform_admin")
    response = cognito.initiate_auth(
        ClientId=outputs.client_id,
        AuthFlow="USER_PASSWORD_AUTH",
        AuthParameters={"USERNAME": "owner@north.example", "PASSWORD": "Correct-horse-1"},
    )
    assert response["AuthenticationResult"]["ExpiresIn"] == 3600
    with urllib.request.urlopen(outputs.jwks_url) as keys:
        assert json.load(keys)["keys"][0]["alg"] == "RS256"


def test_boto3_uses_it_through_environment_variables(
    aws: EmbeddedAws, outputs: StackOutputs, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in aws.environment.items():
        monkeypatch.setenv(name, value)
    client = boto3.Session().client("sqs")
    assert client.get_queue_url(QueueName="argus-fidelity-jobs")["QueueUrl"].startswith(aws.endpoint_url)
    client.close()


def test_a_port_in_use_is_named(aws: EmbeddedAws) -> None:
    with pytest.raises(PortInUse, match=f"127.0.0.1:{aws.port} is in use"):
        EmbeddedAws.start(port=aws.port, stage="second")


# Differences from the templates


def test_a_new_stack_is_as_declared(aws: EmbeddedAws, outputs: StackOutputs) -> None:
    aws.verify()


@pytest.fixture(scope="module")
def modified() -> Iterator[tuple[EmbeddedAws, StackOutputs]]:
    """An embedded AWS to modify; the modifications accumulate, each in another resource or property."""
    with EmbeddedAws.start(stage="modified") as aws:
        yield aws, aws.provision()


def _key_id(kms: Any) -> str:
    return str(kms.describe_key(KeyId="alias/argus-modified")["KeyMetadata"]["KeyId"])


MODIFICATIONS: list[tuple[str, str, Callable[[Any, StackOutputs], object]]] = [
    (
        "Key.EnableKeyRotation",
        "kms",
        lambda kms, outputs: kms.disable_key_rotation(KeyId=_key_id(kms)),
    ),
    (
        "Key.KeyPolicy",
        "kms",
        lambda kms, outputs: kms.put_key_policy(KeyId=_key_id(kms), PolicyName="default", Policy="{}"),
    ),
    (
        "KeyAlias.AliasName",
        "kms",
        lambda kms, outputs: kms.delete_alias(AliasName="alias/argus-modified"),
    ),
    (
        "IdentityTable.Tags",
        "dynamodb",
        lambda dynamodb, outputs: dynamodb.untag_resource(
            ResourceArn=dynamodb.describe_table(TableName="argus-modified-identity")["Table"]["TableArn"],
            TagKeys=["stage"],
        ),
    ),
    (
        "ApiRole.Policies",
        "iam",
        lambda iam, outputs: iam.delete_role_policy(RoleName="argus-modified-api", PolicyName="permissions"),
    ),
    (
        "WorkerReportsPolicy:",
        "iam",
        lambda iam, outputs: iam.delete_role_policy(RoleName="argus-modified-worker", PolicyName="reports"),
    ),
    (
        "LinksReportsPolicy.PolicyDocument",
        "iam",
        lambda iam, outputs: iam.put_role_policy(
            RoleName="argus-modified-links",
            PolicyName="reports",
            PolicyDocument=json.dumps(
                {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}
            ),
        ),
    ),
    (
        "MediaBucket.Tags",
        "s3",
        lambda s3, outputs: s3.delete_bucket_tagging(Bucket=outputs.media_bucket),
    ),
    (
        "MediaBucket.LoggingConfiguration",
        "s3",
        lambda s3, outputs: s3.put_bucket_logging(Bucket=outputs.media_bucket, BucketLoggingStatus={}),
    ),
    (
        "JobsQueue.Tags",
        "sqs",
        lambda sqs, outputs: sqs.untag_queue(QueueUrl=outputs.jobs_queue_url, TagKeys=["capability"]),
    ),
    (
        "RequestsTable.TimeToLiveSpecification.Enabled",
        "dynamodb",
        lambda dynamodb, outputs: dynamodb.update_time_to_live(
            TableName="argus-modified-requests",
            TimeToLiveSpecification={"Enabled": False, "AttributeName": "expires_at"},
        ),
    ),
    (
        "ImageryTable.PointInTimeRecoverySpecification.PointInTimeRecoveryEnabled",
        "dynamodb",
        lambda dynamodb, outputs: dynamodb.update_continuous_backups(
            TableName="argus-modified-imagery",
            PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": False},
        ),
    ),
    (
        "ScanningTable.GlobalSecondaryIndexes",
        "dynamodb",
        lambda dynamodb, outputs: dynamodb.update_table(
            TableName="argus-modified-scanning", GlobalSecondaryIndexUpdates=[{"Delete": {"IndexName": "gsi1"}}]
        ),
    ),
    (
        "ReportsTable:",
        "dynamodb",
        lambda dynamodb, outputs: dynamodb.delete_table(TableName="argus-modified-reports"),
    ),
    (
        "MediaBucket.PublicAccessBlockConfiguration",
        "s3",
        lambda s3, outputs: s3.delete_public_access_block(Bucket=outputs.media_bucket),
    ),
    (
        "MediaBucket.OwnershipControls",
        "s3",
        lambda s3, outputs: s3.delete_bucket_ownership_controls(Bucket=outputs.media_bucket),
    ),
    (
        "MediaBucket.BucketEncryption",
        "s3",
        lambda s3, outputs: s3.delete_bucket_encryption(Bucket=outputs.media_bucket),
    ),
    (
        "MediaBucket.VersioningConfiguration.Status",
        "s3",
        lambda s3, outputs: s3.put_bucket_versioning(
            Bucket=outputs.media_bucket, VersioningConfiguration={"Status": "Suspended"}
        ),
    ),
    (
        "MediaBucket.LifecycleConfiguration.Rules",
        "s3",
        lambda s3, outputs: s3.delete_bucket_lifecycle(Bucket=outputs.media_bucket),
    ),
    (
        "MediaBucket.CorsConfiguration.CorsRules",
        "s3",
        lambda s3, outputs: s3.delete_bucket_cors(Bucket=outputs.media_bucket),
    ),
    (
        "MediaBucket.NotificationConfiguration.QueueConfigurations",
        "s3",
        lambda s3, outputs: s3.put_bucket_notification_configuration(
            Bucket=outputs.media_bucket, NotificationConfiguration={}
        ),
    ),
    (
        "MediaBucketPolicy.PolicyDocument",
        "s3",
        lambda s3, outputs: s3.delete_bucket_policy(Bucket=outputs.media_bucket),
    ),
    (
        "UploadsQueuePolicy.PolicyDocument",
        "sqs",
        lambda sqs, outputs: sqs.set_queue_attributes(QueueUrl=outputs.uploads_queue_url, Attributes={"Policy": ""}),
    ),
    (
        "JobsQueue.VisibilityTimeout",
        "sqs",
        lambda sqs, outputs: sqs.set_queue_attributes(
            QueueUrl=outputs.jobs_queue_url, Attributes={"VisibilityTimeout": "1"}
        ),
    ),
    (
        "JobsQueue.RedrivePolicy",
        "sqs",
        lambda sqs, outputs: sqs.set_queue_attributes(
            QueueUrl=outputs.jobs_queue_url, Attributes={"RedrivePolicy": ""}
        ),
    ),
    (
        "JobsDeadQueue.RedriveAllowPolicy",
        "sqs",
        lambda sqs, outputs: sqs.set_queue_attributes(
            QueueUrl=outputs.jobs_dead_queue_url, Attributes={"RedriveAllowPolicy": '{"redrivePermission": "allowAll"}'}
        ),
    ),
    (
        "UserPool.MfaConfiguration",
        "cognito-idp",
        lambda cognito, outputs: cognito.set_user_pool_mfa_config(
            UserPoolId=outputs.user_pool_id, MfaConfiguration="OFF"
        ),
    ),
    (
        "Client.PreventUserExistenceErrors",
        "cognito-idp",
        lambda cognito, outputs: cognito.update_user_pool_client(
            UserPoolId=outputs.user_pool_id, ClientId=outputs.client_id, PreventUserExistenceErrors="LEGACY"
        ),
    ),
    (
        "PlatformAdminGroup:",
        "cognito-idp",
        lambda cognito, outputs: cognito.delete_group(UserPoolId=outputs.user_pool_id, GroupName="platform_admin"),
    ),
]


@pytest.mark.parametrize(("where", "service", "modify"), MODIFICATIONS, ids=[where for where, _, _ in MODIFICATIONS])
def test_a_difference_from_the_template_is_named(
    modified: tuple[EmbeddedAws, StackOutputs],
    where: str,
    service: str,
    modify: Callable[[Any, StackOutputs], object],
) -> None:
    aws, outputs = modified
    modify(aws.client(service), outputs)
    with pytest.raises(NotAsDeclared) as caught:
        aws.verify()
    assert any(difference.startswith(where) for difference in caught.value.differences)


MUTANTS = {
    "unknown type": ("data", "AWS::SQS::QueuePolicy", "AWS::Logs::MetricFilter", "AWS::Logs::MetricFilter"),
    "bucket property": (
        "data",
        "VersioningConfiguration: {Status: Enabled}",
        "AccelerateConfiguration: {AccelerationStatus: Enabled}",
        "MediaBucket.AccelerateConfiguration: declared",
    ),
    "table property": (
        "data",
        "SSESpecification: {SSEEnabled: true, SSEType: KMS, KMSMasterKeyId: !GetAtt Key.Arn}",
        "ContributorInsightsSpecification: {Enabled: true}",
        "RequestsTable.ContributorInsightsSpecification: declared",
    ),
    "queue property": (
        "data",
        "SqsManagedSseEnabled: true",
        "KmsMasterKeyIdentity: argus",
        "UploadsQueue.KmsMasterKeyIdentity: declared",
    ),
    "client property": ("identity", "EnableTokenRevocation: true", "EnableTokenRevoking: true", "Client: "),
    "unsupported function": (
        "identity",
        "ClientName: !Sub argus-${Stage}",
        'ClientName: !Join ["-", [argus, client]]',
        "Client: Fn::Join",
    ),
    "unknown reference": ("identity", "Value: !Ref Client", "Value: !Ref Klient", "crashed on this template"),
}


@pytest.mark.parametrize("mutant", MUTANTS)
def test_a_template_that_the_embedded_aws_does_not_support_is_rejected(
    aws: EmbeddedAws, tmp_path: Path, mutant: str
) -> None:
    name, old, new, where = MUTANTS[mutant]
    text = (INFRA / f"{name}.yaml").read_text()
    assert old in text
    path = tmp_path / f"{mutant.replace(' ', '-')}.yaml"
    path.write_text(text.replace(old, new))
    given = {"Stage": mutant.replace(" ", "-"), "KeyArn": "arn:aws:kms:eu-west-1:123456789012:key/1234"}
    if name != "data":  # a capability adds policies to roles
        aws.create_stack(Path(shutil.copy(INFRA / "roles.yaml", tmp_path / f"roles-{path.name}")), given)
    with pytest.raises(NotAsDeclared) as caught:
        aws.create_stack(path, given)
    assert any(where in difference for difference in caught.value.differences), caught.value.differences


def test_a_parameter_without_a_value_is_named(aws: EmbeddedAws) -> None:
    with pytest.raises(NotAsDeclared, match="parameter Stage has no value"):
        aws.create_stack(INFRA / "identity.yaml", {})


def test_a_listed_no_op_is_skipped(aws: EmbeddedAws, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "filtered.yaml"
    path.write_text(
        """
        Resources:
          Dead: {Type: AWS::SQS::Queue, Properties: {QueueName: filtered}}
          Filter: {Type: AWS::Logs::MetricFilter, Properties: {FilterName: dead}}
        """
    )
    with pytest.raises(NotAsDeclared, match="Filter: the embedded AWS does not support AWS::Logs::MetricFilter"):
        aws.create_stack(path, {})
    monkeypatch.setitem(LOCAL_NO_OPS, "AWS::Logs::MetricFilter", "metrics of log lines are not used on a laptop")
    assert aws.create_stack(path, {}) == {}


def test_a_capability_template_has_the_name_of_a_capability_folder(tmp_path: Path) -> None:
    for name in ("billing", "admin", "roles"):
        (tmp_path / f"{name}.yaml").touch()
    for name in ("admin", "billing", "roles"):
        (tmp_path / "capabilities" / name).mkdir(parents=True)
    for name in ("admin", "billing"):
        (tmp_path / "capabilities" / name / "capability.py").touch()
    found = capability_templates(tmp_path, tmp_path / "capabilities")
    assert found == (tmp_path / "admin.yaml", tmp_path / "billing.yaml")


def test_no_type_is_both_created_and_a_no_op() -> None:
    assert not set(TYPES) & set(LOCAL_NO_OPS)
    assert all(LOCAL_NO_OPS.values())
