"""Every resource type that our templates may use, and how the embedded AWS creates it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from services.local.cloudformation import alarms, buckets, events, gateways, keys, queues, roles, tables, users
from services.local.cloudformation.clients import Clients

Properties = dict[str, Any]


@dataclass(frozen=True)
class ResourceType:
    """How one resource type is created, read back and deleted.

    `read(clients, physical_id, declared)` returns the actual resource with the template's property names. A property
    that is missing counts as not applied. `declared` is used only to find the resource (a client is found by its pool).
    `create(clients, properties)` creates a resource and returns its physical id; it replaces moto's model, if any.
    With moto's own model, `prepare(properties)` converts the properties to the form that moto expects, and
    `complete(clients, physical_id, properties)` applies the properties that moto ignores.
    `delete(clients, physical_id, properties)` deletes the resource; without it, the resource outlives its stack.
    `attributes` are the values of Fn::GetAtt: format strings with region, account_id, id and name (the id's last part).
    """

    read: Callable[[Clients, str, Properties], Properties]
    create: Callable[[Clients, Properties], str] | None = None
    prepare: Callable[[Properties], Properties] | None = None
    complete: Callable[[Clients, str, Properties], None] | None = None
    delete: Callable[[Clients, str, Properties], None] | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)

    def attribute_values(self, physical_id: str, *, region: str, account_id: str) -> dict[str, str]:
        name = physical_id.rsplit("/", 1)[-1]  # a queue's physical id is its URL
        return {
            attribute: text.format(id=physical_id, name=name, region=region, account_id=account_id)
            for attribute, text in self.attributes.items()
        }


TYPES: Mapping[str, ResourceType] = {
    "AWS::KMS::Key": ResourceType(
        create=keys.create_key,
        read=keys.read_key,
        attributes={"Arn": "arn:aws:kms:{region}:{account_id}:key/{name}", "KeyId": "{name}"},
    ),
    "AWS::KMS::Alias": ResourceType(create=keys.create_alias, read=keys.read_alias),
    "AWS::DynamoDB::Table": ResourceType(
        prepare=tables.prepare,
        complete=tables.complete,
        read=lambda clients, name, _: tables.read(clients, name),
        attributes={"Arn": "arn:aws:dynamodb:{region}:{account_id}:table/{name}"},
    ),
    "AWS::S3::Bucket": ResourceType(
        complete=buckets.complete,
        read=lambda clients, name, _: buckets.read(clients, name),
        attributes={"Arn": "arn:aws:s3:::{name}"},
    ),
    "AWS::S3::BucketPolicy": ResourceType(
        create=buckets.create_policy,
        read=lambda clients, bucket, _: buckets.read_policy(clients, bucket),
    ),
    "AWS::SQS::Queue": ResourceType(
        prepare=queues.prepare,
        read=lambda clients, url, _: queues.read(clients, url),
        attributes={"Arn": "arn:aws:sqs:{region}:{account_id}:{name}", "QueueName": "{name}"},
    ),
    "AWS::SQS::QueuePolicy": ResourceType(
        create=queues.create_policy,
        read=lambda clients, urls, _: queues.read_policy(clients, urls),
    ),
    "AWS::IAM::Role": ResourceType(
        create=roles.create_role,
        read=roles.read_role,
        delete=roles.delete_role,
        attributes={"Arn": "arn:aws:iam::{account_id}:role/{name}"},
    ),
    "AWS::IAM::RolePolicy": ResourceType(
        create=roles.create_role_policy,
        read=lambda clients, physical_id, _: roles.read_role_policy(clients, physical_id),
        delete=lambda clients, physical_id, _: roles.delete_role_policy(clients, physical_id),
    ),
    "AWS::Logs::LogGroup": ResourceType(
        create=roles.create_log_group,
        read=lambda clients, name, _: roles.read_log_group(clients, name),
        attributes={"Arn": "arn:aws:logs:{region}:{account_id}:log-group:{id}:*"},
    ),
    "AWS::Lambda::EventSourceMapping": ResourceType(create=events.create_mapping, read=events.read_mapping),
    "AWS::Lambda::Permission": ResourceType(create=events.create_permission, read=events.read_permission),
    "AWS::Lambda::EventInvokeConfig": ResourceType(
        create=events.create_invoke_config,
        read=lambda clients, physical_id, _: events.read_invoke_config(clients, physical_id),
    ),
    "AWS::ApiGatewayV2::Api": ResourceType(
        create=gateways.create_api, read=lambda clients, api_id, _: gateways.read_api(clients, api_id)
    ),
    "AWS::ApiGatewayV2::Integration": ResourceType(create=gateways.create_integration, read=gateways.read_integration),
    "AWS::ApiGatewayV2::Route": ResourceType(create=gateways.create_route, read=gateways.read_route),
    "AWS::ApiGatewayV2::RouteResponse": ResourceType(
        create=gateways.create_route_response, read=gateways.read_route_response
    ),
    "AWS::ApiGatewayV2::Stage": ResourceType(create=gateways.create_stage, read=gateways.read_stage),
    "AWS::ApiGateway::Account": ResourceType(
        create=gateways.create_account, read=lambda clients, *_: gateways.read_account(clients)
    ),
    "AWS::Events::Rule": ResourceType(
        create=events.create_rule,
        read=lambda clients, name, _: events.read_rule(clients, name),
        attributes={"Arn": "arn:aws:events:{region}:{account_id}:rule/{name}"},
    ),
    "AWS::CloudWatch::Alarm": ResourceType(create=alarms.create_alarm, read=alarms.read_alarm),
    "AWS::CloudWatch::Dashboard": ResourceType(
        create=alarms.create_dashboard, read=lambda clients, name, _: alarms.read_dashboard(clients, name)
    ),
    "AWS::SNS::Topic": ResourceType(
        create=alarms.create_topic, read=lambda clients, arn, _: alarms.read_topic(clients, arn)
    ),
    "AWS::SNS::TopicPolicy": ResourceType(
        create=alarms.create_topic_policy, read=lambda clients, arns, _: alarms.read_topic_policy(clients, arns)
    ),
    "AWS::SNS::Subscription": ResourceType(
        create=alarms.create_subscription, read=lambda clients, arn, _: alarms.read_subscription(clients, arn)
    ),
    "AWS::Cognito::UserPool": ResourceType(
        create=users.create_pool,
        read=lambda clients, pool_id, _: users.read_pool(clients, pool_id),
        attributes={
            "Arn": "arn:aws:cognito-idp:{region}:{account_id}:userpool/{name}",
            "UserPoolId": "{name}",
            "ProviderName": "cognito-idp.{region}.amazonaws.com/{name}",
            "ProviderURL": "https://cognito-idp.{region}.amazonaws.com/{name}",
        },
    ),
    "AWS::Cognito::UserPoolClient": ResourceType(
        create=users.create_client,
        read=lambda clients, client_id, declared: users.read_client(clients, client_id, pool_id=declared["UserPoolId"]),
        attributes={"ClientId": "{name}"},
    ),
    "AWS::Cognito::UserPoolGroup": ResourceType(
        create=users.create_group,
        read=lambda clients, name, declared: users.read_group(clients, name, pool_id=declared["UserPoolId"]),
    ),
}

# Types that are skipped on a laptop and in a rehearsal, each with the reason why Argus works without it.
_NO_EDGE = "names, certificates and rules in front of the API: a laptop is called at 127.0.0.1"
_NO_BACKUP = "AWS makes a copy once a day, and no code of Argus reads it"
LOCAL_NO_OPS: dict[str, str] = {
    "AWS::ApiGateway::BasePathMapping": _NO_EDGE,
    "AWS::ApiGateway::DomainName": _NO_EDGE,
    "AWS::Backup::BackupPlan": _NO_BACKUP,
    "AWS::Backup::BackupSelection": _NO_BACKUP,
    "AWS::Backup::BackupVault": _NO_BACKUP,
    "AWS::Budgets::Budget": "a laptop costs nothing",
    "AWS::CertificateManager::Certificate": _NO_EDGE,
    "AWS::CloudFront::Distribution": _NO_EDGE,
    "AWS::CloudFront::Function": _NO_EDGE,
    "AWS::CloudFront::OriginAccessControl": _NO_EDGE,
    "AWS::CloudFront::CachePolicy": _NO_EDGE,
    "AWS::CloudFront::ResponseHeadersPolicy": _NO_EDGE,
    "AWS::Route53::RecordSet": _NO_EDGE,
    "AWS::WAFv2::LoggingConfiguration": _NO_EDGE,
    "AWS::WAFv2::WebACL": _NO_EDGE,
    "AWS::WAFv2::WebACLAssociation": _NO_EDGE,
}
