"""How the embedded AWS creates the resource types of our templates.

A type is created if code of Argus depends on it. Of the others, moto would only store what it is given: they are listed
as `NO_OPS`, each with the reason why Argus works without it, and single properties as `unused`. The names of properties
are checked; that moto applies their values is not. tests/infra/test_rules.py checks what the templates declare.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from infra.embedded import ACCOUNT_ID
from infra.embedded.clients import Clients

Properties = dict[str, Any]


@dataclass(frozen=True)
class ResourceType:
    """How one resource type is created and deleted.

    `create(clients, properties)` creates a resource and returns its physical id. It removes each property that it
    applies; properties that remain are an error, unless they are `unused`: those have no effect in the embedded AWS.
    `delete(clients, physical_id, declared)` deletes the resource. `imported_by` is the property with which
    CloudFormation finds an existing resource: its name, if that is its identifier. `attributes` are the values of
    Fn::GetAtt: format strings with region, account and name (the id's last part).
    """

    create: Callable[[Clients, Properties], str]
    delete: Callable[[Clients, str, Mapping[str, Any]], object]
    imported_by: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict)
    unused: frozenset[str] = frozenset()

    def attribute(self, name: str, physical_id: str, region: str) -> str | None:
        """The value of an attribute, or None if the type has no such attribute."""
        last = physical_id.rsplit("/", 1)[-1]  # a queue's physical id is its URL
        text = self.attributes.get(name)
        return text.format(name=last, region=region, account=ACCOUNT_ID) if text else None


def _all(properties: Properties) -> Properties:
    """The properties, which botocore will check against the API; none remains."""
    taken = dict(properties)
    properties.clear()
    return taken


# ---------------------------------------------------------------- data


def _create_table(clients: Clients, properties: Properties) -> str:
    name = str(properties["TableName"])
    encryption = properties.pop("SSESpecification", {})
    applied = {"Enabled" if key == "SSEEnabled" else key: value for key, value in encryption.items()}
    clients("dynamodb").create_table(**_all(properties), **({"SSESpecification": applied} if applied else {}))
    return name


def _create_bucket(clients: Clients, properties: Properties) -> str:
    s3, name = clients("s3"), str(properties.pop("BucketName"))
    s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": clients.region})
    s3.put_bucket_versioning(Bucket=name, VersioningConfiguration=properties.pop("VersioningConfiguration"))
    if cors := properties.pop("CorsConfiguration", None):
        s3.put_bucket_cors(
            Bucket=name, CORSConfiguration={"CORSRules": [_cors_rule(rule) for rule in cors["CorsRules"]]}
        )
    if notifications := properties.pop("NotificationConfiguration", None):
        queues = [_notification(queue) for queue in notifications["QueueConfigurations"]]
        s3.put_bucket_notification_configuration(Bucket=name, NotificationConfiguration={"QueueConfigurations": queues})
    return name


def _cors_rule(declared: Properties) -> Properties:
    names = {"Id": "ID", "ExposedHeaders": "ExposeHeaders", "MaxAge": "MaxAgeSeconds"}
    return {names.get(name, name): value for name, value in declared.items()}


def _notification(declared: Properties) -> Properties:
    others = {name: value for name, value in declared.items() if name not in ("Queue", "Event", "Filter")}
    rules = {"Filter": {"Key": {"FilterRules": declared["Filter"]["S3Key"]["Rules"]}}} if "Filter" in declared else {}
    return {"QueueArn": declared["Queue"], "Events": [declared["Event"]], **rules, **others}


def _create_queue(clients: Clients, properties: Properties) -> str:
    name = str(properties.pop("QueueName"))
    known = ("MessageRetentionPeriod", "ReceiveMessageWaitTimeSeconds", "RedrivePolicy", "VisibilityTimeout")
    applied = {attribute: properties.pop(attribute) for attribute in known if attribute in properties}
    texts = {
        attribute: json.dumps(value) if isinstance(value, Mapping) else str(value)
        for attribute, value in applied.items()
    }
    clients("sqs").create_queue(QueueName=name, Attributes=texts)
    return _queue_url(clients, name)


def _queue_url(clients: Clients, name: str) -> str:
    return f"https://sqs.{clients.region}.amazonaws.com/{ACCOUNT_ID}/{name}"


def _create_key(clients: Clients, properties: Properties) -> str:
    policy = json.dumps(properties.pop("KeyPolicy"))
    return str(clients("kms").create_key(Policy=policy, **_all(properties))["KeyMetadata"]["KeyId"])


# ---------------------------------------------------------------- roles


def _create_role(clients: Clients, properties: Properties) -> str:
    iam, name = clients("iam"), str(properties.pop("RoleName"))
    policies = properties.pop("Policies", [])
    trust = json.dumps(properties.pop("AssumeRolePolicyDocument"))
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust, **_all(properties))
    for policy in policies:
        _create_role_policy(clients, {"RoleName": name, **policy})
    return name


def _delete_role(clients: Clients, _: str, declared: Mapping[str, Any]) -> None:
    """Delete the role and the policies that it declares itself. Fails while it has a policy of another resource."""
    iam, role = clients("iam"), {"RoleName": declared["RoleName"]}
    own = {policy["PolicyName"] for policy in declared.get("Policies", [])}
    if own.issuperset(iam.list_role_policies(**role)["PolicyNames"]):
        for name in own:
            iam.delete_role_policy(**role, PolicyName=name)
    iam.delete_role(**role)


def _create_role_policy(clients: Clients, properties: Properties) -> str:
    document = json.dumps(properties.pop("PolicyDocument"))
    role, policy = properties["RoleName"], properties["PolicyName"]
    clients("iam").put_role_policy(PolicyDocument=document, **_all(properties))
    return f"{policy}|{role}"


def _delete_role_policy(clients: Clients, _: str, declared: Mapping[str, Any]) -> None:
    clients("iam").delete_role_policy(RoleName=declared["RoleName"], PolicyName=declared["PolicyName"])


# ---------------------------------------------------------------- users


def _create_user_pool(clients: Clients, properties: Properties) -> str:
    cognito, name = clients("cognito-idp"), properties.pop("UserPoolName")
    factors, required = properties.pop("EnabledMfas"), properties.pop("MfaConfiguration")
    pool_id = cognito.create_user_pool(PoolName=name, **_all(properties))["UserPool"]["Id"]
    cognito.set_user_pool_mfa_config(
        UserPoolId=pool_id,
        MfaConfiguration=required,
        SoftwareTokenMfaConfiguration={"Enabled": "SOFTWARE_TOKEN_MFA" in factors},
    )
    return str(pool_id)


# ---------------------------------------------------------------- types

TYPES: Mapping[str, ResourceType] = {
    "AWS::Cognito::UserPool": ResourceType(
        _create_user_pool,
        delete=lambda clients, pool_id, _: clients("cognito-idp").delete_user_pool(UserPoolId=pool_id),
        attributes={
            "Arn": "arn:aws:cognito-idp:{region}:{account}:userpool/{name}",
            "ProviderURL": "https://cognito-idp.{region}.amazonaws.com/{name}",
        },
    ),
    "AWS::Cognito::UserPoolClient": ResourceType(
        lambda clients, client: clients("cognito-idp").create_user_pool_client(**_all(client))["UserPoolClient"][
            "ClientId"
        ],
        delete=lambda clients, client_id, declared: clients("cognito-idp").delete_user_pool_client(
            UserPoolId=declared["UserPoolId"], ClientId=client_id
        ),
    ),
    "AWS::Cognito::UserPoolGroup": ResourceType(
        lambda clients, group: clients("cognito-idp").create_group(**_all(group))["Group"]["GroupName"],
        delete=lambda clients, name, declared: clients("cognito-idp").delete_group(
            UserPoolId=declared["UserPoolId"], GroupName=name
        ),
    ),
    "AWS::DynamoDB::Table": ResourceType(
        _create_table,
        delete=lambda clients, name, _: clients("dynamodb").delete_table(TableName=name),
        imported_by="TableName",
        attributes={"Arn": "arn:aws:dynamodb:{region}:{account}:table/{name}"},
        # Argus compares expires_at with its own clock; AWS copies and lists tables.
        unused=frozenset({"PointInTimeRecoverySpecification", "Tags", "TimeToLiveSpecification"}),
    ),
    "AWS::IAM::Role": ResourceType(
        _create_role,
        delete=_delete_role,
        imported_by="RoleName",
        attributes={"Arn": "arn:aws:iam::{account}:role/{name}"},
        # AWS's own policies are for its services: backups and the logs of API Gateway.
        unused=frozenset({"ManagedPolicyArns", "Tags"}),
    ),
    "AWS::IAM::RolePolicy": ResourceType(_create_role_policy, delete=_delete_role_policy),
    "AWS::KMS::Key": ResourceType(
        _create_key,
        delete=lambda clients, key_id, _: clients("kms").schedule_key_deletion(KeyId=key_id),
        attributes={"Arn": "arn:aws:kms:{region}:{account}:key/{name}"},
        unused=frozenset({"EnableKeyRotation", "PendingWindowInDays", "Tags"}),  # AWS encrypts with it
    ),
    "AWS::S3::Bucket": ResourceType(
        _create_bucket,
        delete=lambda clients, name, _: clients("s3").delete_bucket(Bucket=name),
        imported_by="BucketName",
        attributes={"Arn": "arn:aws:s3:::{name}"},
        # AWS encrypts, expires and logs; at 127.0.0.1 every caller is this machine.
        unused=frozenset(
            {
                *("BucketEncryption", "LifecycleConfiguration", "LoggingConfiguration", "OwnershipControls"),
                *("PublicAccessBlockConfiguration", "Tags"),
            }
        ),
    ),
    "AWS::SQS::Queue": ResourceType(
        _create_queue,
        delete=lambda clients, url, _: clients("sqs").delete_queue(QueueUrl=url),
        attributes={"Arn": "arn:aws:sqs:{region}:{account}:{name}", "QueueName": "{name}"},
        unused=frozenset({"RedriveAllowPolicy", "SqsManagedSseEnabled", "Tags"}),  # AWS encrypts and lists queues
    ),
}

# By reason: why Argus works without resources of these types on a laptop.
_NO_OPS = {
    "it is in front of the API, and a laptop is called at 127.0.0.1": (
        *("ApiGateway::BasePathMapping", "ApiGateway::DomainName", "CertificateManager::Certificate"),
        *("CloudFront::CachePolicy", "CloudFront::Distribution", "CloudFront::Function"),
        *("CloudFront::OriginAccessControl", "CloudFront::ResponseHeadersPolicy", "Route53::RecordSet"),
        *("WAFv2::LoggingConfiguration", "WAFv2::WebACL", "WAFv2::WebACLAssociation"),
    ),
    "the gateway, the pollers and the loop of services/local do what it declares": (
        *("ApiGatewayV2::Api", "ApiGatewayV2::Integration", "ApiGatewayV2::Route", "ApiGatewayV2::RouteResponse"),
        *("ApiGatewayV2::Stage", "Events::Rule", "Lambda::EventSourceMapping"),
    ),
    "it lets AWS's services call each other, or repeats their calls": (
        *("Lambda::EventInvokeConfig", "Lambda::Permission", "SQS::QueuePolicy"),
    ),
    "no code of Argus reads copies": ("Backup::BackupPlan", "Backup::BackupSelection", "Backup::BackupVault"),
    "no code of Argus reads alarms, the dashboard or the budget": (
        *("Budgets::Budget", "CloudWatch::Alarm", "CloudWatch::Dashboard", "SNS::Subscription", "SNS::Topic"),
        "SNS::TopicPolicy",
    ),
    "no code of Argus finds the key by its alias": ("KMS::Alias",),
    "a process on a laptop writes its log to a file": ("ApiGateway::Account", "Logs::LogGroup"),
    "it requires TLS, which 127.0.0.1 does not use, and lets AWS write access logs": ("S3::BucketPolicy",),
}
NO_OPS: Mapping[str, str] = {f"AWS::{name}": reason for reason, names in _NO_OPS.items() for name in names}
