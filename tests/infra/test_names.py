"""Names in the templates: a stage may be in two regions of one account."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from argus.core.settings import Settings
from infra.deploy.options import Options
from infra.deploy.plans import PLANS
from infra.templates import Template
from tests.infra.test_rules import ACCOUNT_ID, LONGEST_REGION, TEMPLATES, every, properties, resources, scope_of

# Types whose names are unique in an account, or, of a bucket, in the world: the property with the name, and the maximum
# length of the name.
GLOBAL_NAMES = {
    "AWS::Budgets::Budget": ("Budget.BudgetName", 100),
    "AWS::CloudFront::CachePolicy": ("CachePolicyConfig.Name", 128),
    "AWS::CloudFront::Function": ("Name", 64),
    "AWS::CloudFront::OriginAccessControl": ("OriginAccessControlConfig.Name", 64),
    "AWS::CloudFront::ResponseHeadersPolicy": ("ResponseHeadersPolicyConfig.Name", 128),
    "AWS::CloudWatch::Dashboard": ("DashboardName", 255),
    "AWS::IAM::Role": ("RoleName", 64),
    "AWS::IAM::RolePolicy": ("RoleName", 64),
    "AWS::S3::Bucket": ("BucketName", 63),
}
# Types whose names come from the stage's domain, which a stage shares with none in another region.
NAMED_BY_DOMAIN = {
    "AWS::ApiGateway::DomainName",
    "AWS::CertificateManager::Certificate",
    "AWS::CloudFront::Distribution",
    "AWS::Route53::RecordSet",
}
# Types whose names are unique in one region or within another resource, or that have none.
REGIONAL_NAMES = {
    "AWS::ApiGateway::Account",
    "AWS::ApiGateway::BasePathMapping",
    "AWS::ApiGatewayV2::Api",
    "AWS::ApiGatewayV2::Integration",
    "AWS::ApiGatewayV2::Route",
    "AWS::ApiGatewayV2::RouteResponse",
    "AWS::ApiGatewayV2::Stage",
    "AWS::Backup::BackupPlan",
    "AWS::Backup::BackupSelection",
    "AWS::Backup::BackupVault",
    "AWS::CloudWatch::Alarm",
    "AWS::Cognito::UserPool",
    "AWS::Cognito::UserPoolClient",
    "AWS::Cognito::UserPoolGroup",
    "AWS::DynamoDB::Table",
    "AWS::Events::Rule",
    "AWS::KMS::Alias",
    "AWS::KMS::Key",
    "AWS::Lambda::EventInvokeConfig",
    "AWS::Lambda::EventSourceMapping",
    "AWS::Lambda::Permission",
    "AWS::Logs::LogGroup",
    "AWS::S3::BucketPolicy",
    "AWS::SNS::Subscription",
    "AWS::SNS::Topic",
    "AWS::SNS::TopicPolicy",
    "AWS::SQS::Queue",
    "AWS::SQS::QueuePolicy",
    "AWS::WAFv2::LoggingConfiguration",
    "AWS::WAFv2::WebACL",
    "AWS::WAFv2::WebACLAssociation",
}


def global_name(template: Template, resource: Mapping[str, Any], region: str) -> str:
    """The name of a resource in production, where the name is longest."""
    found: Any = scope_of(template, region=region).resolve(resource["Properties"])
    place, _ = GLOBAL_NAMES[resource["Type"]]
    for key in place.split("."):
        found = found[key]
    return str(found)


def test_every_type_is_listed_by_where_its_name_is_unique() -> None:
    listed = [*GLOBAL_NAMES, *NAMED_BY_DOMAIN, *REGIONAL_NAMES]
    assert sorted({case.values[2]["Type"] for case in resources()}) == sorted(listed)


@pytest.mark.parametrize(("template", "name", "resource"), resources(*GLOBAL_NAMES))
def test_a_global_name_contains_the_region_and_has_at_most_the_maximum_length(
    template: Template, name: str, resource: dict[str, Any]
) -> None:
    _, maximum_length = GLOBAL_NAMES[resource["Type"]]
    found = global_name(template, resource, LONGEST_REGION)
    assert LONGEST_REGION in found
    assert len(found) <= maximum_length


@pytest.mark.parametrize(("template", "name", "resource"), resources(*NAMED_BY_DOMAIN))
def test_a_public_name_contains_the_stages_domain(template: Template, name: str, resource: dict[str, Any]) -> None:
    scope = scope_of(template, Domain="argus.example", Name="argus.example")
    assert any(text.endswith("argus.example") for text in texts(scope.resolve(resource["Properties"])))


def test_the_stack_in_another_region_and_its_names_contain_the_stages_region() -> None:
    (plan,) = [plan for plan in PLANS if plan.region]
    template = TEMPLATES[plan.template]
    given = plan.parameters(Options(domain="argus.example"))
    scope = scope_of(template, region=plan.region, **given, HomeRegion=LONGEST_REGION)
    declared = [scope.resolve(resource["Properties"]) for resource in template.resources.values()]
    names = {value for one in declared for key, value in one.items() if key.endswith("Name") and key != "DomainName"}
    assert {plan.name("production", LONGEST_REGION), *names} == {
        f"argus-production-firewall-cdn-{LONGEST_REGION}",
        f"argus-production-{LONGEST_REGION}-CLOUDFRONT",
        f"aws-waf-logs-argus-production-{LONGEST_REGION}-CLOUDFRONT",
    }


def texts(node: Any) -> Iterator[str]:
    """Every text of a template's part."""
    if isinstance(node, str):
        yield node
    elif isinstance(node, Mapping | list):
        for part in node.values() if isinstance(node, Mapping) else node:
            yield from texts(part)


def test_templates_refer_to_buckets_roles_and_logs_by_their_declared_names() -> None:
    declared = {bucket["BucketName"] for bucket in every("AWS::S3::Bucket")}
    declared |= {f"role/{role['RoleName']}" for role in every("AWS::IAM::Role")}
    declared |= {f"log-group:{log['LogGroupName']}" for log in every("AWS::Logs::LogGroup")}
    referred = {f"role/{policy['RoleName']}" for policy in every("AWS::IAM::RolePolicy")}
    for case in resources():
        template, _, resource = case.values
        for text in texts(properties(template, resource)):
            referred |= set(re.findall(rf"argus-[a-z-]+-{ACCOUNT_ID}[a-z0-9-]*", text))
            referred |= set(re.findall(r"role/argus-[\w-]+|log-group:[\w/-]+$", text))
    assert referred
    assert referred <= declared


def test_the_settings_derive_the_name_of_the_media_bucket_from_stage_account_and_region() -> None:
    data = TEMPLATES["data"]
    settings = Settings.from_env(
        {
            "ARGUS_STAGE": "production",
            "ARGUS_ACCOUNT_ID": ACCOUNT_ID,
            "AWS_REGION": LONGEST_REGION,
            "ARGUS_CURSOR_SECRET": "ssm:/argus/production/cursor-secret",
        }
    )
    assert settings.media_bucket == global_name(data, data.resources["MediaBucket"], LONGEST_REGION)
