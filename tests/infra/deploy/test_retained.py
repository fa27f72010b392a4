"""What a destroyed stage retained is found by what the stage really has."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cfnlint
import pytest

from infra.deploy import plans, retained
from infra.embedded.aws import EmbeddedAws
from infra.templates import Template, is_retained

STAGE = "left"
NAMES = {"Stage": STAGE, "AWS::AccountId": "123456789012", "AWS::Region": "eu-west-1"}
# With reasons: a new stack takes these over without an import.
CREATED_AGAIN = {"AWS::ApiGateway::Account": "a setting of the region, which CloudFormation overwrites"}


def identifier_of(resource_type: str) -> tuple[str, ...]:
    """The properties that identify a resource of this type, from AWS's schema of it; empty if AWS assigns them."""
    folder = Path(cfnlint.__file__).parent / "data" / "schemas" / "resources"
    schemas = (json.loads(path.read_text()) for path in folder.glob("*.json"))
    schema = next(one for one in schemas if one.get("typeName") == resource_type)
    if set(schema["primaryIdentifier"]) & set(schema.get("readOnlyProperties", [])):
        return ()
    return tuple(path.removeprefix("/properties/") for path in schema["primaryIdentifier"])


def test_every_retained_resource_can_be_imported() -> None:
    """By its literal name if that identifies it, or by an identifier that retained.py finds."""
    types: dict[str, tuple[str, ...]] = {}
    for plan in plans.PLANS:
        template = Template.read(plan.path).with_literal_names(NAMES)
        for logical_id, declared in template.resources.items():
            kind = declared["Type"]
            if not is_retained(declared) or kind in CREATED_AGAIN:
                continue
            if kind not in types:
                types[kind] = identifier_of(kind)
            if types[kind]:
                assert all(isinstance(declared["Properties"][name], str) for name in types[kind]), logical_id
            else:
                assert kind in retained.FOUND_HERE, f"{plan.template}: {logical_id}"
    assert {"AWS::DynamoDB::Table", "AWS::S3::Bucket", "AWS::KMS::Key", "AWS::SQS::Queue"} <= types.keys()


def test_a_template_of_what_is_found_refers_to_nothing_else() -> None:
    """An import contains only the imported resources."""
    for plan in plans.PLANS:
        template = Template.read(plan.path)
        found = [
            logical_id
            for logical_id, declared in template.resources.items()
            if declared["Type"] in retained.FOUND_HERE and is_retained(declared)
        ]
        text = template.only(found).text()
        assert [one for one in template.resources if one not in found and f'"{one}"' in text] == []
        conditions = re.findall(r'"Fn::If":\["(\w+)"', text)
        assert set(conditions) <= (template.only(found).body.get("Conditions") or {}).keys()


@pytest.fixture
def left(aws: EmbeddedAws) -> Iterator[Template]:
    """A key, a table, a dead-letter queue and a user pool of a stage, and the template that declares them."""
    key = aws.client("kms").create_key()["KeyMetadata"]
    create_table(aws, "imagery", key["Arn"])
    aws.client("sqs").create_queue(QueueName=f"argus-{STAGE}-jobs-dead")
    pool = aws.client("cognito-idp").create_user_pool(PoolName=f"argus-{STAGE}")["UserPool"]["Id"]
    data = Template.read(plans.DATA.path).with_literal_names(NAMES).resources
    identity = Template.read(plans.DATA.path.with_name("identity.yaml")).with_literal_names(NAMES).resources
    yield Template("left", {"Resources": {**data, **identity}})
    for name in keys(aws):
        aws.client("dynamodb").delete_table(TableName=name)
    aws.client("cognito-idp").delete_user_pool(UserPoolId=pool)


def create_table(aws: EmbeddedAws, name: str, key: str) -> None:
    aws.client("dynamodb").create_table(
        TableName=f"argus-{STAGE}-{name}",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        SSESpecification={"Enabled": True, "SSEType": "KMS", "KMSMasterKeyId": key},
    )


TEMPLATES = [Template.read(plan.path).with_literal_names(NAMES) for plan in plans.PLANS]


def keys(aws: EmbeddedAws) -> dict[str, str]:
    return retained.keys_of_data(TEMPLATES, aws.client)


def find(aws: EmbeddedAws, template: Template) -> dict[str, Any]:
    return dict(retained.find(template, stage=TEMPLATES, client=aws.client))


def test_the_key_of_the_tables_the_queues_and_the_user_pool_are_found(aws: EmbeddedAws, left: Template) -> None:
    found = find(aws, left)
    (key,) = keys(aws).values()
    (pool,) = found.pop("UserPool").values()
    assert pool.startswith("eu-west-1_")
    assert found == {
        "Key": {"KeyId": key.rpartition("/")[2]},
        "JobsDeadQueue": {"QueueUrl": f"{aws.endpoint_url}/123456789012/argus-{STAGE}-jobs-dead"},
    }


def test_nothing_is_found_for_a_new_stage(aws: EmbeddedAws) -> None:
    fresh = [Template.read(plan.path).with_literal_names({**NAMES, "Stage": "fresh"}) for plan in plans.PLANS]
    assert [retained.find(template, stage=fresh, client=aws.client) for template in fresh] == [{}] * len(fresh)


def test_a_table_that_an_operator_has_restored_under_another_name_is_not_of_the_stage(
    aws: EmbeddedAws, left: Template
) -> None:
    create_table(aws, "imagery-restored", aws.client("kms").create_key()["KeyMetadata"]["Arn"])
    assert keys(aws).keys() == {f"argus-{STAGE}-imagery"}
    aws.client("dynamodb").delete_table(TableName=f"argus-{STAGE}-imagery-restored")


def test_the_key_of_the_media_bucket_is_found_too(aws: EmbeddedAws) -> None:
    s3, bucket = aws.client("s3"), f"argus-{STAGE}-media-123456789012-eu-west-1"
    key = aws.client("kms").create_key()["KeyMetadata"]["Arn"]
    s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": aws.region})
    rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}}
    s3.put_bucket_encryption(Bucket=bucket, ServerSideEncryptionConfiguration={"Rules": [rule]})
    assert keys(aws) == {bucket: key}
    s3.delete_bucket(Bucket=bucket)


def test_tables_with_different_keys_are_refused(aws: EmbeddedAws, left: Template) -> None:
    create_table(aws, "reports", aws.client("kms").create_key()["KeyMetadata"]["Arn"])
    with pytest.raises(retained.CannotBeImported, match=r"have several: .*argus-left-imagery: arn.*argus-left-reports"):
        find(aws, left)


def test_a_key_that_will_be_deleted_is_refused(aws: EmbeddedAws, left: Template) -> None:
    (key,) = keys(aws).values()
    aws.client("kms").schedule_key_deletion(KeyId=key.rpartition("/")[2])
    with pytest.raises(retained.CannotBeImported, match=f"{key}, whose state is PendingDeletion"):
        find(aws, left)


def test_user_pools_with_the_same_name_are_refused(aws: EmbeddedAws, left: Template) -> None:
    pool = aws.client("cognito-idp").create_user_pool(PoolName=f"argus-{STAGE}")["UserPool"]["Id"]
    with pytest.raises(retained.CannotBeImported, match=f"2 user pools have the name argus-left .*{pool}"):
        find(aws, left)
    aws.client("cognito-idp").delete_user_pool(UserPoolId=pool)
