"""Every resource type that our templates may use, and how the embedded AWS comes to have it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from services.local.cloudformation import alarms, buckets, events, gateways, keys, queues, roles, tables, users
from services.local.cloudformation.clients import Clients

Properties = dict[str, Any]


@dataclass(frozen=True)
class ResourceType:
    """How one type is read back, and what moto has to be taught about it.

    `read(clients, physical_id, declared)` answers what is really there, in the template's words: a property that it
    does not answer counts as not applied. `declared` helps only to find the thing (a client is found by its pool).
    `make(clients, properties)` makes a resource and returns its physical id, whether moto has a model for it or not;
    where we keep moto's own, `prepare(properties)` puts them in the words that it expects, and
    `complete(clients, physical_id, properties)` applies what it ignores.
    `remove(clients, physical_id, properties)` takes away what `make` made; without it the resource outlives its stack.
    `attributes` are the values of Fn::GetAtt, as formats of region, account_id, physical id and name (its last part).
    """

    read: Callable[[Clients, str, Properties], Properties]
    make: Callable[[Clients, Properties], str] | None = None
    prepare: Callable[[Properties], Properties] | None = None
    complete: Callable[[Clients, str, Properties], None] | None = None
    remove: Callable[[Clients, str, Properties], None] | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)

    def attribute_values(self, physical_id: str, *, region: str, account_id: str) -> dict[str, str]:
        name = physical_id.rsplit("/", 1)[-1]  # a queue's physical id is its URL
        return {
            attribute: text.format(id=physical_id, name=name, region=region, account_id=account_id)
            for attribute, text in self.attributes.items()
        }


TYPES: Mapping[str, ResourceType] = {
    "AWS::KMS::Key": ResourceType(
        make=keys.make_key,
        read=keys.read_key,
        attributes={"Arn": "arn:aws:kms:{region}:{account_id}:key/{name}", "KeyId": "{name}"},
    ),
    "AWS::KMS::Alias": ResourceType(make=keys.make_alias, read=keys.read_alias),
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
        make=buckets.make_policy,
        read=lambda clients, bucket, _: buckets.read_policy(clients, bucket),
    ),
    "AWS::SQS::Queue": ResourceType(
        prepare=queues.prepare,
        read=lambda clients, url, _: queues.read(clients, url),
        attributes={"Arn": "arn:aws:sqs:{region}:{account_id}:{name}", "QueueName": "{name}"},
    ),
    "AWS::SQS::QueuePolicy": ResourceType(
        make=queues.make_policy,
        read=lambda clients, urls, _: queues.read_policy(clients, urls),
    ),
    "AWS::IAM::Role": ResourceType(
        make=roles.make_role,
        read=roles.read_role,
        remove=roles.remove_role,
        attributes={"Arn": "arn:aws:iam::{account_id}:role/{name}"},
    ),
    "AWS::IAM::RolePolicy": ResourceType(
        make=roles.make_role_policy,
        read=lambda clients, physical_id, _: roles.read_role_policy(clients, physical_id),
        remove=lambda clients, physical_id, _: roles.remove_role_policy(clients, physical_id),
    ),
    "AWS::Logs::LogGroup": ResourceType(
        make=roles.make_log_group,
        read=lambda clients, name, _: roles.read_log_group(clients, name),
        attributes={"Arn": "arn:aws:logs:{region}:{account_id}:log-group:{id}:*"},
    ),
    "AWS::Lambda::EventSourceMapping": ResourceType(make=events.make_mapping, read=events.read_mapping),
    "AWS::Lambda::Permission": ResourceType(make=events.make_permission, read=events.read_permission),
    "AWS::Lambda::EventInvokeConfig": ResourceType(
        make=events.make_retries, read=lambda clients, physical_id, _: events.read_retries(clients, physical_id)
    ),
    "AWS::ApiGatewayV2::Api": ResourceType(
        make=gateways.make_api, read=lambda clients, api_id, _: gateways.read_api(clients, api_id)
    ),
    "AWS::ApiGatewayV2::Integration": ResourceType(make=gateways.make_integration, read=gateways.read_integration),
    "AWS::ApiGatewayV2::Route": ResourceType(make=gateways.make_route, read=gateways.read_route),
    "AWS::ApiGatewayV2::RouteResponse": ResourceType(
        make=gateways.make_route_response, read=gateways.read_route_response
    ),
    "AWS::ApiGatewayV2::Stage": ResourceType(make=gateways.make_stage, read=gateways.read_stage),
    "AWS::ApiGateway::Account": ResourceType(
        make=gateways.make_account, read=lambda clients, *_: gateways.read_account(clients)
    ),
    "AWS::Events::Rule": ResourceType(
        make=events.make_rule,
        read=lambda clients, name, _: events.read_rule(clients, name),
        attributes={"Arn": "arn:aws:events:{region}:{account_id}:rule/{name}"},
    ),
    "AWS::CloudWatch::Alarm": ResourceType(make=alarms.make_alarm, read=alarms.read_alarm),
    "AWS::CloudWatch::Dashboard": ResourceType(
        make=alarms.make_dashboard, read=lambda clients, name, _: alarms.read_dashboard(clients, name)
    ),
    "AWS::SNS::Topic": ResourceType(
        make=alarms.make_topic, read=lambda clients, arn, _: alarms.read_topic(clients, arn)
    ),
    "AWS::SNS::TopicPolicy": ResourceType(
        make=alarms.make_topic_policy, read=lambda clients, arns, _: alarms.read_topic_policy(clients, arns)
    ),
    "AWS::SNS::Subscription": ResourceType(
        make=alarms.make_subscription, read=lambda clients, arn, _: alarms.read_subscription(clients, arn)
    ),
    "AWS::Cognito::UserPool": ResourceType(
        make=users.make_pool,
        read=lambda clients, pool_id, _: users.read_pool(clients, pool_id),
        attributes={
            "Arn": "arn:aws:cognito-idp:{region}:{account_id}:userpool/{name}",
            "UserPoolId": "{name}",
            "ProviderName": "cognito-idp.{region}.amazonaws.com/{name}",
            "ProviderURL": "https://cognito-idp.{region}.amazonaws.com/{name}",
        },
    ),
    "AWS::Cognito::UserPoolClient": ResourceType(
        make=users.make_client,
        read=lambda clients, client_id, declared: users.read_client(clients, client_id, pool_id=declared["UserPoolId"]),
        attributes={"ClientId": "{name}"},
    ),
    "AWS::Cognito::UserPoolGroup": ResourceType(
        make=users.make_group,
        read=lambda clients, name, declared: users.read_group(clients, name, pool_id=declared["UserPoolId"]),
    ),
}

# Types that may be missing on a laptop and in a rehearsal, each with the reason why nothing of Argus would notice.
_NO_EDGE = "names, certificates and rules in front of the API: callers of a laptop come by 127.0.0.1"
_NO_BACKUP = "copies are made by AWS once a day, and no code of ours reads them"
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
