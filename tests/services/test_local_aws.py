"""The embedded AWS: furnished from infra/*.yaml, and caught when it is not as declared."""

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
from services.local.aws import INFRA, EmbeddedAws, PortInUse, StackOutputs
from services.local.cloudformation import NotAsDeclared
from services.local.cloudformation.discovery import capability_templates
from services.local.cloudformation.types import LOCAL_NO_OPS, TYPES

ORIGIN = "http://console.example"


@pytest.fixture(scope="module")
def aws() -> Iterator[EmbeddedAws]:
    with EmbeddedAws.start(stage="fidelity") as aws:
        yield aws


@pytest.fixture(scope="module")
def outputs(aws: EmbeddedAws) -> StackOutputs:
    return aws.provision(allowed_origins=[ORIGIN, "http://127.0.0.1:5001"], visibility_timeout_seconds=30)


def drain(aws: EmbeddedAws, url: str) -> list[dict[str, Any]]:
    """Every message in the queue, taken out of it."""
    taken: list[dict[str, Any]] = []
    sqs = aws.client("sqs")
    while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=0).get("Messages"):
        for message in messages:
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        taken.extend(messages)
    return taken


# What the templates say


def test_the_templates_are_clean_for_cfn_lint() -> None:
    templates = sorted(str(path) for path in INFRA.glob("*.yaml"))
    lint = [sys.executable, "-c", "from cfnlint.runner.cli import main; main()"]
    answer = subprocess.run([*lint, *templates], capture_output=True, text=True, check=False)
    assert (answer.returncode, answer.stdout) == (0, "")


def test_names_follow_from_the_stage(aws: EmbeddedAws, outputs: StackOutputs) -> None:
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


# What is there


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
def test_every_capability_that_has_a_template_has_its_stack(aws: EmbeddedAws) -> None:
    made = aws.client("cloudformation").list_stacks(StackStatusFilter=["CREATE_COMPLETE"])["StackSummaries"]
    names = {stack["StackName"] for stack in made if stack["StackName"].startswith("argus-fidelity-")}
    found = {path.stem for path in capability_templates()}
    assert found >= {"identity", "imagery", "scanning", "reports", "notify"}
    assert names == {f"argus-fidelity-{name}" for name in {"data", "roles", *found}}


@pytest.mark.usefixtures("outputs")
def test_a_role_may_do_what_the_policy_of_a_capability_says(aws: EmbeddedAws) -> None:
    """The enforcer reads a policy that is a resource of its own, beside those of the role itself."""
    asked = {"Key": {"pk": {"S": "nobody"}, "sk": {"S": "nothing"}}}
    with aws.as_role(f"arn:aws:iam::{aws.account_id}:role/argus-fidelity-worker") as clients:
        assert "Item" not in clients("dynamodb").get_item(TableName="argus-fidelity-reports", **asked)
        with pytest.raises(ClientError, match="not authorized to perform: dynamodb:GetItem"):
            clients("dynamodb").get_item(TableName="argus-fidelity-notify", **asked)
    aws.refusals.clear()


def test_the_media_bucket_is_private_versioned_and_tidy(aws: EmbeddedAws, outputs: StackOutputs) -> None:
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
def test_a_queue_hides_waits_and_buries_as_declared(aws: EmbeddedAws, outputs: StackOutputs, queue: str) -> None:
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


# What it does


def test_an_original_is_announced_once_and_a_product_never(aws: EmbeddedAws, outputs: StackOutputs) -> None:
    drain(aws, outputs.uploads_queue_url)  # S3's own s3:TestEvent
    s3 = aws.client("s3")
    for key in ("org_a/images/img_b/products/temperature.tif", "org_a/images/img_b/original"):
        s3.put_object(Bucket=outputs.media_bucket, Key=key, Body=b"x")
    records = [json.loads(message["Body"])["Records"] for message in drain(aws, outputs.uploads_queue_url)]
    assert [[unquote_plus(record["s3"]["object"]["key"]) for record in found] for found in records] == [
        ["org_a/images/img_b/original"]
    ]


def test_a_message_received_three_times_in_vain_is_dead(aws: EmbeddedAws, outputs: StackOutputs) -> None:
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
def test_the_buckets_own_rules_decide_which_origin_reads(
    aws: EmbeddedAws, outputs: StackOutputs, origin: str, allowed: str | None
) -> None:
    s3 = aws.client("s3")
    place = {"Bucket": outputs.media_bucket, "Key": "org_a/images/img_c/products/preview"}
    s3.put_object(**place, Body=b"x")
    request = urllib.request.Request(s3.generate_presigned_url("get_object", Params=place), headers={"Origin": origin})
    with urllib.request.urlopen(request) as answer:
        assert answer.headers.get("Access-Control-Allow-Origin") == allowed


def test_a_bucket_policy_is_obeyed(aws: EmbeddedAws) -> None:
    s3 = aws.client("s3")
    s3.create_bucket(Bucket="closed", CreateBucketConfiguration={"LocationConstraint": aws.region})
    deny = {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "arn:aws:s3:::closed/*"}
    s3.put_bucket_policy(Bucket="closed", Policy=json.dumps({"Version": "2012-10-17", "Statement": [deny]}))
    with pytest.raises(s3.exceptions.ClientError, match="Forbidden"):
        s3.put_object(Bucket="closed", Key="x", Body=b"x")


def test_a_person_signs_in_by_password(aws: EmbeddedAws, outputs: StackOutputs) -> None:
    cognito = aws.client("cognito-idp")
    person = {"UserPoolId": outputs.user_pool_id, "Username": "owner@north.example"}
    cognito.admin_create_user(
        **person, UserAttributes=[{"Name": "email", "Value": "owner@north.example"}], MessageAction="SUPPRESS"
    )
    cognito.admin_set_user_password(**person, Password="Correct-horse-1", Permanent=True)
    cognito.admin_add_user_to_group(**person, GroupName="platform_admin")
    answer = cognito.initiate_auth(
        ClientId=outputs.client_id,
        AuthFlow="USER_PASSWORD_AUTH",
        AuthParameters={"USERNAME": "owner@north.example", "PASSWORD": "Correct-horse-1"},
    )
    assert answer["AuthenticationResult"]["ExpiresIn"] == 3600
    with urllib.request.urlopen(outputs.jwks_url) as keys:
        assert json.load(keys)["keys"][0]["alg"] == "RS256"


def test_boto3_finds_it_by_the_environment_alone(
    aws: EmbeddedAws, outputs: StackOutputs, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in aws.environment.items():
        monkeypatch.setenv(name, value)
    client = boto3.Session().client("sqs")
    assert client.get_queue_url(QueueName="argus-fidelity-jobs")["QueueUrl"].startswith(aws.endpoint_url)
    client.close()


def test_a_busy_port_is_named(aws: EmbeddedAws) -> None:
    with pytest.raises(PortInUse, match=f"127.0.0.1:{aws.port} is taken"):
        EmbeddedAws.start(port=aws.port, stage="second")


# What is not as declared


def test_what_is_as_declared_is_found_so(aws: EmbeddedAws, outputs: StackOutputs) -> None:
    aws.verify()


@pytest.fixture(scope="module")
def spoilt() -> Iterator[tuple[EmbeddedAws, StackOutputs]]:
    """An embedded AWS to do damage to; the damages add up, each in its own place."""
    with EmbeddedAws.start(stage="spoilt") as aws:
        yield aws, aws.provision()


def _key_id(kms: Any) -> str:
    return str(kms.describe_key(KeyId="alias/argus-spoilt")["KeyMetadata"]["KeyId"])


SPOILT: list[tuple[str, str, Callable[[Any, StackOutputs], object]]] = [
    (
        "Key.EnableKeyRotation",
        "kms",
        lambda kms, made: kms.disable_key_rotation(KeyId=_key_id(kms)),
    ),
    (
        "Key.KeyPolicy",
        "kms",
        lambda kms, made: kms.put_key_policy(KeyId=_key_id(kms), PolicyName="default", Policy="{}"),
    ),
    (
        "KeyAlias.AliasName",
        "kms",
        lambda kms, made: kms.delete_alias(AliasName="alias/argus-spoilt"),
    ),
    (
        "IdentityTable.Tags",
        "dynamodb",
        lambda dynamodb, made: dynamodb.untag_resource(
            ResourceArn=dynamodb.describe_table(TableName="argus-spoilt-identity")["Table"]["TableArn"],
            TagKeys=["stage"],
        ),
    ),
    (
        "ApiRole.Policies",
        "iam",
        lambda iam, made: iam.delete_role_policy(RoleName="argus-spoilt-api", PolicyName="what-it-does"),
    ),
    (
        "WorkerReportsPolicy:",
        "iam",
        lambda iam, made: iam.delete_role_policy(RoleName="argus-spoilt-worker", PolicyName="reports"),
    ),
    (
        "LinksReportsPolicy.PolicyDocument",
        "iam",
        lambda iam, made: iam.put_role_policy(
            RoleName="argus-spoilt-links",
            PolicyName="reports",
            PolicyDocument=json.dumps(
                {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}
            ),
        ),
    ),
    (
        "MediaBucket.Tags",
        "s3",
        lambda s3, made: s3.delete_bucket_tagging(Bucket=made.media_bucket),
    ),
    (
        "MediaBucket.LoggingConfiguration",
        "s3",
        lambda s3, made: s3.put_bucket_logging(Bucket=made.media_bucket, BucketLoggingStatus={}),
    ),
    (
        "JobsQueue.Tags",
        "sqs",
        lambda sqs, made: sqs.untag_queue(QueueUrl=made.jobs_queue_url, TagKeys=["capability"]),
    ),
    (
        "RequestsTable.TimeToLiveSpecification.Enabled",
        "dynamodb",
        lambda dynamodb, made: dynamodb.update_time_to_live(
            TableName="argus-spoilt-requests",
            TimeToLiveSpecification={"Enabled": False, "AttributeName": "expires_at"},
        ),
    ),
    (
        "ImageryTable.PointInTimeRecoverySpecification.PointInTimeRecoveryEnabled",
        "dynamodb",
        lambda dynamodb, made: dynamodb.update_continuous_backups(
            TableName="argus-spoilt-imagery",
            PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": False},
        ),
    ),
    (
        "ScanningTable.GlobalSecondaryIndexes",
        "dynamodb",
        lambda dynamodb, made: dynamodb.update_table(
            TableName="argus-spoilt-scanning", GlobalSecondaryIndexUpdates=[{"Delete": {"IndexName": "gsi1"}}]
        ),
    ),
    (
        "ReportsTable:",
        "dynamodb",
        lambda dynamodb, made: dynamodb.delete_table(TableName="argus-spoilt-reports"),
    ),
    (
        "MediaBucket.PublicAccessBlockConfiguration",
        "s3",
        lambda s3, made: s3.delete_public_access_block(Bucket=made.media_bucket),
    ),
    (
        "MediaBucket.OwnershipControls",
        "s3",
        lambda s3, made: s3.delete_bucket_ownership_controls(Bucket=made.media_bucket),
    ),
    (
        "MediaBucket.BucketEncryption",
        "s3",
        lambda s3, made: s3.delete_bucket_encryption(Bucket=made.media_bucket),
    ),
    (
        "MediaBucket.VersioningConfiguration.Status",
        "s3",
        lambda s3, made: s3.put_bucket_versioning(
            Bucket=made.media_bucket, VersioningConfiguration={"Status": "Suspended"}
        ),
    ),
    (
        "MediaBucket.LifecycleConfiguration.Rules",
        "s3",
        lambda s3, made: s3.delete_bucket_lifecycle(Bucket=made.media_bucket),
    ),
    (
        "MediaBucket.CorsConfiguration.CorsRules",
        "s3",
        lambda s3, made: s3.delete_bucket_cors(Bucket=made.media_bucket),
    ),
    (
        "MediaBucket.NotificationConfiguration.QueueConfigurations",
        "s3",
        lambda s3, made: s3.put_bucket_notification_configuration(
            Bucket=made.media_bucket, NotificationConfiguration={}
        ),
    ),
    (
        "MediaBucketPolicy.PolicyDocument",
        "s3",
        lambda s3, made: s3.delete_bucket_policy(Bucket=made.media_bucket),
    ),
    (
        "UploadsQueuePolicy.PolicyDocument",
        "sqs",
        lambda sqs, made: sqs.set_queue_attributes(QueueUrl=made.uploads_queue_url, Attributes={"Policy": ""}),
    ),
    (
        "JobsQueue.VisibilityTimeout",
        "sqs",
        lambda sqs, made: sqs.set_queue_attributes(QueueUrl=made.jobs_queue_url, Attributes={"VisibilityTimeout": "1"}),
    ),
    (
        "JobsQueue.RedrivePolicy",
        "sqs",
        lambda sqs, made: sqs.set_queue_attributes(QueueUrl=made.jobs_queue_url, Attributes={"RedrivePolicy": ""}),
    ),
    (
        "JobsDeadQueue.RedriveAllowPolicy",
        "sqs",
        lambda sqs, made: sqs.set_queue_attributes(
            QueueUrl=made.jobs_dead_queue_url, Attributes={"RedriveAllowPolicy": '{"redrivePermission": "allowAll"}'}
        ),
    ),
    (
        "UserPool.MfaConfiguration",
        "cognito-idp",
        lambda cognito, made: cognito.set_user_pool_mfa_config(UserPoolId=made.user_pool_id, MfaConfiguration="OFF"),
    ),
    (
        "Client.PreventUserExistenceErrors",
        "cognito-idp",
        lambda cognito, made: cognito.update_user_pool_client(
            UserPoolId=made.user_pool_id, ClientId=made.client_id, PreventUserExistenceErrors="LEGACY"
        ),
    ),
    (
        "PlatformAdminGroup:",
        "cognito-idp",
        lambda cognito, made: cognito.delete_group(UserPoolId=made.user_pool_id, GroupName="platform_admin"),
    ),
]


@pytest.mark.parametrize(("where", "service", "spoil"), SPOILT, ids=[where for where, _, _ in SPOILT])
def test_what_is_no_longer_as_declared_is_named(
    spoilt: tuple[EmbeddedAws, StackOutputs],
    where: str,
    service: str,
    spoil: Callable[[Any, StackOutputs], object],
) -> None:
    aws, made = spoilt
    spoil(aws.client(service), made)
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
    "function not understood": (
        "identity",
        "ClientName: !Sub argus-${Stage}",
        'ClientName: !Join ["-", [argus, client]]',
        "Client: Fn::Join",
    ),
    "output of nothing": ("identity", "Value: !Ref Client", "Value: !Ref Klient", "broke on this template"),
}


@pytest.mark.parametrize("mutant", MUTANTS)
def test_a_template_that_asks_for_what_is_not_made_is_refused(aws: EmbeddedAws, tmp_path: Path, mutant: str) -> None:
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


def test_a_listed_no_op_may_be_missing(aws: EmbeddedAws, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "filtered.yaml"
    path.write_text(
        """
        Resources:
          Dead: {Type: AWS::SQS::Queue, Properties: {QueueName: filtered}}
          Filter: {Type: AWS::Logs::MetricFilter, Properties: {FilterName: dead}}
        """
    )
    with pytest.raises(NotAsDeclared, match="Filter: the embedded AWS cannot make AWS::Logs::MetricFilter"):
        aws.create_stack(path, {})
    monkeypatch.setitem(LOCAL_NO_OPS, "AWS::Logs::MetricFilter", "nobody counts lines on a laptop")
    assert aws.create_stack(path, {}) == {}


def test_a_capability_is_a_folder_that_has_a_template_of_its_name(tmp_path: Path) -> None:
    for name in ("billing", "admin", "roles"):
        (tmp_path / f"{name}.yaml").touch()
    for name in ("admin", "billing", "roles"):
        (tmp_path / "capabilities" / name).mkdir(parents=True)
    for name in ("admin", "billing"):
        (tmp_path / "capabilities" / name / "capability.py").touch()
    found = capability_templates(tmp_path, tmp_path / "capabilities")
    assert found == (tmp_path / "admin.yaml", tmp_path / "billing.yaml")


def test_no_type_is_both_made_and_a_no_op() -> None:
    assert not set(TYPES) & set(LOCAL_NO_OPS)
    assert all(LOCAL_NO_OPS.values())
