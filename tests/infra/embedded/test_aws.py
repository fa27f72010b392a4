"""The embedded AWS: provisioned from infra/*.yaml."""

import json
import re
import shutil
import urllib.request
from collections.abc import Iterator
from operator import attrgetter
from pathlib import Path
from typing import Any
from urllib.parse import unquote_plus

import boto3
import pytest
from botocore.exceptions import ClientError

from argus import capabilities
from argus.core.declarations import Table
from infra.embedded.aws import EmbeddedAws, PortInUse, StackOutputs
from infra.templates import INFRA, NotAsDeclared, Template, capability_templates

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


def test_names_are_derived_from_the_stage_and_the_region(aws: EmbeddedAws, outputs: StackOutputs) -> None:
    queues = f"https://sqs.{aws.region}.amazonaws.com/{aws.account_id}"
    assert outputs == StackOutputs(
        media_bucket=f"argus-fidelity-media-{aws.account_id}-{aws.region}",
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
def test_a_table_has_the_index_that_its_capability_declares(aws: EmbeddedAws, declared: Table) -> None:
    table = aws.client("dynamodb").describe_table(TableName=f"argus-fidelity-{declared.name}")["Table"]
    indexes = [index["IndexName"] for index in table.get("GlobalSecondaryIndexes", [])]
    assert indexes[:1] == ([] if declared.index == "none" else ["gsi1"])


@pytest.mark.usefixtures("outputs")
def test_every_capability_with_a_template_has_a_stack(aws: EmbeddedAws) -> None:
    found = {path.stem for path in capability_templates()}
    assert found >= {"identity", "imagery", "scanning", "reports", "notify"}
    provisioned = [name for name in aws.stacks.stacks if name.startswith("argus-fidelity-")]
    assert provisioned == [f"argus-fidelity-{name}" for name in ("data", "roles", *sorted(found))]


@pytest.mark.usefixtures("outputs")
def test_a_role_has_the_permissions_of_a_capabilitys_policy(aws: EmbeddedAws) -> None:
    """The enforcer applies policies that are separate resources, besides those of the role itself."""
    key = {"Key": {"pk": {"S": "nobody"}, "sk": {"S": "nothing"}}}
    with aws.as_role(f"arn:aws:iam::{aws.account_id}:role/argus-fidelity-{aws.region}-worker") as clients:
        assert "Item" not in clients("dynamodb").get_item(TableName="argus-fidelity-reports", **key)
        with pytest.raises(ClientError, match="not authorized to perform: dynamodb:GetItem"):
            clients("dynamodb").get_item(TableName="argus-fidelity-notify", **key)
    aws.refusals.clear()


def test_the_media_bucket_keeps_versions_and_allows_the_given_origins(aws: EmbeddedAws, outputs: StackOutputs) -> None:
    s3, bucket = aws.client("s3"), outputs.media_bucket
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


@pytest.mark.parametrize("queue", ["uploads", "jobs", "scans"])
def test_a_queue_has_the_declared_timeouts_and_dead_letter_queue(
    aws: EmbeddedAws, outputs: StackOutputs, queue: str
) -> None:
    url = getattr(outputs, f"{queue}_queue_url")
    found = aws.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    assert (found["VisibilityTimeout"], found["ReceiveMessageWaitTimeSeconds"]) == ("30", "20")
    assert json.loads(found["RedrivePolicy"]) == {
        "deadLetterTargetArn": f"{found['QueueArn']}-dead",
        "maxReceiveCount": 5,
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


def test_a_message_received_five_times_moves_to_the_dead_letter_queue(aws: EmbeddedAws, outputs: StackOutputs) -> None:
    sqs = aws.client("sqs")
    sqs.send_message(QueueUrl=outputs.jobs_queue_url, MessageBody="poison")
    for _ in range(5):
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


# Stacks


MUTANTS = {
    "unknown type": (
        "data",
        "AWS::SQS::QueuePolicy",
        "AWS::SQS::Policy",
        "the embedded AWS does not support AWS::SQS::Policy",
    ),
    "bucket property": (
        "data",
        "VersioningConfiguration: {Status: Enabled}",
        "VersioningConfiguration: {Status: Enabled}\n      AccelerateConfiguration: {AccelerationStatus: Enabled}",
        "Bucket: the embedded AWS does not apply AccelerateConfiguration",
    ),
    "missing property": (
        "data",
        "BucketName: !Sub argus-${Stage}-media-",
        "Bucket: !Sub argus-${Stage}-media-",
        "MediaBucket: the property 'BucketName' is required",
    ),
    "table property": (
        "data",
        "BillingMode: PAY_PER_REQUEST",
        "Billing: PAY_PER_REQUEST",
        'Unknown parameter in input: "Billing"',
    ),
    "queue property": (
        "data",
        "SqsManagedSseEnabled: true",
        "KmsMasterKeyIdentity: argus",
        "Queue: the embedded AWS does not apply KmsMasterKeyIdentity",
    ),
    "notification property": (
        "data",
        "Event: s3:ObjectCreated:*",
        "Event: s3:ObjectCreated:*\n            Topic: arn",
        "MediaBucket: Parameter validation failed",
    ),
    "condition": (
        "realtime",
        "Resources:\n",
        "Conditions: {Odd: !Contains [!Ref Stage, a]}\nResources:\n",
        "Fn::Contains with",
    ),
    "role property": ("roles", "MaxSessionDuration:", "MaxSession:", 'Unknown parameter in input: "MaxSession"'),
    "client property": ("identity", "EnableTokenRevocation: true", "EnableTokenRevoking: true", "Client: Parameter"),
    "unsupported function": (
        "identity",
        "ClientName: !Sub argus-${Stage}",
        'ClientName: !Join ["-", [argus, client]]',
        "Client: Fn::Join",
    ),
    "unknown reference": ("identity", "Value: !Ref Client", "Value: !Ref Klient", "Klient is neither a parameter nor"),
    "unknown attribute": (
        "identity",
        "Value: !Ref Client",
        "Value: !GetAtt Client.Colour",
        "Client has no attribute Colour",
    ),
}


@pytest.mark.parametrize("mutant", MUTANTS)
def test_a_template_that_the_embedded_aws_does_not_support_is_rejected(
    aws: EmbeddedAws, tmp_path: Path, mutant: str
) -> None:
    name, old, new, message = MUTANTS[mutant]
    text = (INFRA / f"{name}.yaml").read_text()
    assert old in text
    path = tmp_path / f"{mutant.replace(' ', '-')}.yaml"
    path.write_text(text.replace(old, new))
    stage = mutant.replace(" ", "-")
    given = {"Stage": stage, "KeyArn": "arn:aws:kms:eu-west-1:123456789012:key/1234"}
    if name == "identity":  # it adds policies to roles
        aws.create_stack(Path(shutil.copy(INFRA / "roles.yaml", tmp_path / f"roles-{path.name}")), given)
    with pytest.raises(NotAsDeclared, match=f"(?s)argus-fidelity-{stage}: .*{re.escape(message)}"):
        aws.create_stack(path, given)


def test_a_parameter_without_a_value_is_named(aws: EmbeddedAws) -> None:
    with pytest.raises(NotAsDeclared, match="parameter Stage has no value"):
        aws.create_stack(INFRA / "identity.yaml", {})


STACK = """
Parameters: {Name: {Type: String, Default: first}}
Resources:
  Queue:
    Type: AWS::SQS::Queue
    DependsOn: Alarm
    Properties: {QueueName: !Sub "stack-${Dead.QueueName}"}
  Dead: {Type: AWS::SQS::Queue, Properties: {QueueName: !Ref Name}}
  Alarm: {Type: AWS::CloudWatch::Alarm, Properties: {AlarmName: !GetAtt Dead.QueueName}}
Outputs:
  Url: {Value: !Ref Queue}
  Alarm: {Value: !GetAtt Alarm.Arn}
"""


def test_a_stack_is_created_once_in_the_order_of_its_references_and_deleted(aws: EmbeddedAws) -> None:
    def deploy(text: str, **parameters: str) -> bool:
        template = Template.parse(text, name="small")
        return aws.stacks.deploy("small", template=template, parameters=parameters, tags={})

    assert deploy(STACK)
    assert not deploy(STACK)
    assert list(aws.stacks.resources("small")) == ["Dead", "Alarm", "Queue"]
    assert aws.stacks.outputs("small")["Url"].endswith("/stack-first")
    assert aws.stacks.outputs("small")["Alarm"].startswith("arn:aws:local:")
    assert {"AlarmName": "first"} in aws.stacks.declared("AWS::CloudWatch::Alarm")
    with pytest.raises(NotAsDeclared, match="small: the embedded AWS does not update a stack"):
        deploy(STACK, Name="second")
    assert aws.stacks.delete("small")
    assert "QueueUrls" not in aws.client("sqs").list_queues(QueueNamePrefix="stack-")
    assert not aws.stacks.delete("small")
    assert aws.stacks.outputs("small") == {}


def test_resources_that_wait_for_each_other_are_named(aws: EmbeddedAws) -> None:
    circle = STACK.replace("QueueName: !Ref Name", "QueueName: !Sub '${Queue.QueueName}'")
    with pytest.raises(NotAsDeclared, match="Queue: Alarm does not exist; Dead: Queue does not exist; Alarm: Dead"):
        aws.stacks.deploy("circle", template=Template.parse(circle, name="circle"), parameters={}, tags={})


RETAINED = """
Parameters: {Stage: {Type: String, Default: kept}, Broken: {Type: String, Default: sound}}
Resources:
  Table:
    Type: AWS::DynamoDB::Table
    DeletionPolicy: RetainExceptOnCreate
    Properties:
      TableName: !Sub "${Stage}-table"
      BillingMode: PAY_PER_REQUEST
      AttributeDefinitions: [{AttributeName: pk, AttributeType: S}]
      KeySchema: [{AttributeName: pk, KeyType: HASH}]
  Queue:
    Type: AWS::SQS::Queue
    DependsOn: Table
    Properties: {QueueName: !Sub "kept-${Broken}"}
"""


def test_a_failed_creation_leaves_nothing_behind_and_what_a_stack_retained_is_imported_by_a_literal_name(
    aws: EmbeddedAws,
) -> None:
    dynamic = Template.parse(RETAINED, name="kept")

    def deploy(template: Template, **parameters: str) -> bool:
        return aws.stacks.deploy("kept", template=template, parameters=parameters, tags={})

    def tables() -> list[str]:
        return [name for name in aws.client("dynamodb").list_tables()["TableNames"] if name == "kept-table"]

    with pytest.raises(NotAsDeclared, match=r"Queue: .*InvalidParameterValue"):
        deploy(dynamic, Broken="no!")
    assert tables() == []
    deploy(dynamic)
    aws.client("dynamodb").put_item(TableName="kept-table", Item={"pk": {"S": "one"}})
    aws.stacks.delete("kept")
    assert tables() == ["kept-table"]

    literal = dynamic.with_literal_names({"Stage": "kept"})
    with pytest.raises(NotAsDeclared, match=r"Table: .*ResourceInUse"):
        deploy(dynamic)
    with pytest.raises(NotAsDeclared, match=r"Queue: .*InvalidParameterValue"):
        deploy(literal, Broken="no!")
    assert deploy(literal)
    assert aws.client("dynamodb").scan(TableName="kept-table")["Items"] == [{"pk": {"S": "one"}}]


def test_a_capability_template_has_the_name_of_a_capability_folder(tmp_path: Path) -> None:
    for name in ("billing", "admin", "roles"):
        (tmp_path / f"{name}.yaml").touch()
    for name in ("admin", "billing", "roles"):
        (tmp_path / "capabilities" / name).mkdir(parents=True)
    for name in ("admin", "billing"):
        (tmp_path / "capabilities" / name / "capability.py").touch()
    found = capability_templates(tmp_path, tmp_path / "capabilities")
    assert found == (tmp_path / "admin.yaml", tmp_path / "billing.yaml")
