"""Rules for every resource in the templates of infra/."""

import ast
import fnmatch
import json
import re
from collections.abc import Mapping
from itertools import chain, zip_longest
from pathlib import Path
from typing import Any

import pytest

from argus.core.functions import FUNCTIONS as FUNCTIONS_BEHIND_QUEUES
from argus.core.functions import WORKER, Function
from argus.core.metrics import METRICS, series
from infra.alarms import alarm_metrics, metrics_of
from infra.embedded.resources import NO_OPS, TYPES
from infra.templates import INFRA, Scope, Template, capability_templates

Templates = Mapping[str, Template]


def templates_in(folder: Path) -> dict[str, Template]:
    """Every template of a folder by its name: a new one takes part in every test over all."""
    return {path.stem: Template.read(path) for path in sorted(folder.glob("*.yaml"))}


ROOT = Path(__file__).parents[2]
TEMPLATES = templates_in(INFRA)
CAPABILITIES = {path.stem for path in capability_templates()}
ACCOUNT_ID = "123456789012"
REGION = "eu-west-1"
LONGEST_REGION = "ap-southeast-2"  # no name of a public region has more than 14 letters
KEY_ARN = "arn:aws:kms:eu-west-1:123456789012:key/1234"
GIVEN = {
    "KeyArn": KEY_ARN,
    "RestApiId": "abc123",
    "SocketApiId": "def456",
    "ApiWebAclArn": "arn:aws:wafv2:eu-west-1:123456789012:regional/x/y/z",
}
FUNCTIONS = ("", "-worker", "-scanner", "-scheduler", "-realtime")
TOPIC_ARN = "arn:aws:sns:eu-west-1:123456789012:argus-production-alarms"

# Types without tags, or with tags of a different kind.
UNTAGGED = {
    "AWS::ApiGateway::Account",
    "AWS::ApiGateway::BasePathMapping",
    "AWS::ApiGatewayV2::Integration",
    "AWS::ApiGatewayV2::Route",
    "AWS::ApiGatewayV2::RouteResponse",
    "AWS::Backup::BackupSelection",
    "AWS::CloudFront::CachePolicy",
    "AWS::CloudFront::Function",
    "AWS::CloudFront::OriginAccessControl",
    "AWS::CloudFront::ResponseHeadersPolicy",
    "AWS::CloudWatch::Dashboard",
    "AWS::Cognito::UserPoolClient",
    "AWS::Cognito::UserPoolGroup",
    "AWS::IAM::RolePolicy",
    "AWS::KMS::Alias",
    "AWS::Lambda::EventInvokeConfig",
    "AWS::Lambda::Permission",
    "AWS::Route53::RecordSet",
    "AWS::S3::BucketPolicy",
    "AWS::SNS::Subscription",
    "AWS::SNS::TopicPolicy",
    "AWS::SQS::QueuePolicy",
    "AWS::WAFv2::LoggingConfiguration",
    "AWS::WAFv2::WebACLAssociation",
}
# The property with the tags of a type, unless it is `Tags`.
TAG_PLACES = {
    "AWS::Backup::BackupPlan": "BackupPlanTags",
    "AWS::Backup::BackupVault": "BackupVaultTags",
    "AWS::Budgets::Budget": "ResourceTags",
    "AWS::Cognito::UserPool": "UserPoolTags",
}
# Types whose data would be lost if their stack were deleted by mistake.
KEPT = {
    "AWS::DynamoDB::Table",
    "AWS::S3::Bucket",
    "AWS::KMS::Key",
    "AWS::Cognito::UserPool",
    "AWS::Backup::BackupVault",
}


def scope_of(template: Template, stage: str = "production", *, region: str = REGION, **given: str) -> Scope:
    """The values of references in a stage; values that only AWS knows become `<resource>.<attribute>`."""
    parameters = template.parameters({"Stage": stage, "HomeRegion": region, **GIVEN, **given})
    refs = {
        "AWS::AccountId": ACCOUNT_ID,
        "AWS::Partition": "aws",
        "AWS::Region": region,
        "AWS::URLSuffix": "amazonaws.com",
        **{name: name for name in template.resources},
        **template.values(parameters),
    }
    return Scope(refs, lambda resource, name: f"{resource}.{name}", template.conditions(refs))


def resources(*types: str, among: Templates = TEMPLATES) -> list[Any]:
    """Cases for a test over every resource, or every one of these types."""
    return [
        pytest.param(template, name, resource, id=f"{template.name}-{name}")
        for template in among.values()
        for name, resource in template.resources.items()
        if not types or resource["Type"] in types
    ]


def properties(template: Template, resource: Mapping[str, Any], stage: str = "production") -> dict[str, Any]:
    resolved: dict[str, Any] = scope_of(template, stage).resolve(resource["Properties"])
    return resolved


def every(kind: str, among: Templates = TEMPLATES) -> list[dict[str, Any]]:
    """The properties of every resource of this type, in production."""
    return [properties(t, r) for t, _, r in (case.values for case in resources(kind, among=among))]


def tags_of(resource: Mapping[str, Any]) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in resource["Tags"]}


# ---------------------------------------------------------------- every resource


@pytest.mark.parametrize(("template", "name", "resource"), resources())
def test_a_resource_is_tagged_by_project_stage_and_capability(
    template: Template, name: str, resource: dict[str, Any]
) -> None:
    kind = resource["Type"]
    place = TAG_PLACES.get(kind, "Tags")
    if kind in UNTAGGED:
        assert place not in resource["Properties"], f"{kind} supports tags"
        return
    tags = properties(template, resource, "staging")[place]
    tags = tags if isinstance(tags, dict) else {tag["Key"]: tag["Value"] for tag in tags}
    capabilities = {path.parent.name for path in (ROOT / "src" / "argus").glob("*/__init__.py")}
    assert (tags["project"], tags["stage"]) == ("argus", "staging")
    assert tags["capability"] in capabilities


@pytest.mark.parametrize(("template", "name", "resource"), resources())
def test_a_resource_name_contains_the_stage(template: Template, name: str, resource: dict[str, Any]) -> None:
    own = {"AWS::WAFv2::WebACL": "Name", "AWS::Events::Rule": "Name", "AWS::CloudFront::Function": "Name"}
    last = resource["Type"].rsplit("::", 1)[-1]
    expected = {own.get(resource["Type"], f"{last}Name"), f"{last.removeprefix('UserPool')}Name"}
    names = [value for key, value in properties(template, resource, "dev").items() if key in expected]
    for value in names:
        within = {"AWS::Cognito::UserPoolGroup", "AWS::ApiGateway::DomainName", "AWS::ApiGatewayV2::Stage"}
        assert resource["Type"] in within or re.search(r"(^|[-/])argus-dev($|-)", value), value


@pytest.mark.parametrize(("template", "name", "resource"), resources(*KEPT))
def test_a_resource_with_data_is_retained_when_its_stack_is_deleted(
    template: Template, name: str, resource: dict[str, Any]
) -> None:
    made_anew = name == "ConsoleBucket"  # its files are in the repository
    kept = (resource.get("DeletionPolicy"), resource.get("UpdateReplacePolicy"))
    of_other_stages_too = name == "GatewayRole"
    assert made_anew or kept == ("Retain" if of_other_stages_too else "RetainExceptOnCreate", "Retain")


@pytest.mark.parametrize(("template", "name", "resource"), resources())
def test_a_checkov_rule_is_skipped_only_with_a_reason(template: Template, name: str, resource: dict[str, Any]) -> None:
    for skipped in resource.get("Metadata", {}).get("checkov", {}).get("skip", []):
        assert len(skipped["comment"].split()) >= 8, skipped


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_template_and_its_parameters_are_on_the_page(name: str) -> None:
    assert not undocumented(TEMPLATES[name], is_capability=name in CAPABILITIES)


def undocumented(template: Template, *, is_capability: bool) -> list[str]:
    """The parts of a template that infra/README.md does not document.

    Templates of capabilities share a row; their other parameters have a default and a description in the template.
    """
    page = (INFRA / "README.md").read_text().splitlines()
    name = "<capability>" if is_capability else template.name
    missing = [] if any(line.startswith(f"| `{name}.yaml` |") for line in page) else [f"{name}.yaml"]
    for parameter, declared in template.body["Parameters"].items():
        rows = [line for line in page if re.match(rf"\| [^|]*`{parameter}`", line)]
        where = set(re.split(r"[ ,`]+", rows[0].split("|")[2])) if len(rows) == 1 else set()
        says_itself = is_capability and {"Default", "Description"} <= declared.keys()
        if not says_itself and not {name, "all"} & where:
            missing.append(parameter)
    return missing


def test_output_names_are_unique() -> None:
    """A deployment passes all outputs to the following templates as parameters."""
    names = [output for template in TEMPLATES.values() for output in template.outputs]
    assert sorted(names) == sorted(set(names))


def test_the_embedded_aws_creates_every_type_or_states_why_not() -> None:
    used = {resource["Type"] for template in TEMPLATES.values() for resource in template.resources.values()}
    assert used == TYPES.keys() | NO_OPS.keys()
    assert not TYPES.keys() & NO_OPS.keys()


# ---------------------------------------------------------------- buckets, tables, logs


@pytest.mark.parametrize(("template", "name", "resource"), resources("AWS::S3::Bucket"))
def test_a_bucket_is_private_encrypted_versioned_and_has_a_lifecycle(
    template: Template, name: str, resource: dict[str, Any]
) -> None:
    bucket = properties(template, resource)
    assert bucket["PublicAccessBlockConfiguration"] == dict.fromkeys(
        ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets"), True
    )
    assert bucket["OwnershipControls"] == {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
    assert bucket["BucketEncryption"]
    assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}
    rules = bucket["LifecycleConfiguration"]["Rules"]
    assert any("NoncurrentVersionExpiration" in rule for rule in rules)
    assert {rule["Status"] for rule in rules} == {"Enabled"}


def test_media_is_kept_and_its_old_versions_for_thirty_days() -> None:
    data = TEMPLATES["data"]
    assert properties(data, data.resources["MediaBucket"])["LifecycleConfiguration"]["Rules"] == [
        {
            "Id": "abandoned-uploads",
            "Status": "Enabled",
            "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 1},
        },
        {
            "Id": "replaced-and-deleted-versions",
            "Status": "Enabled",
            "NoncurrentVersionExpiration": {"NoncurrentDays": 30},
        },
    ]


@pytest.mark.parametrize(("template", "name", "resource"), resources("AWS::S3::Bucket"))
def test_a_bucket_policy_requires_tls_and_allows_named_services_only(
    template: Template, name: str, resource: dict[str, Any]
) -> None:
    (policy,) = [
        properties(template, other)["PolicyDocument"]
        for other in template.resources.values()
        if other["Type"] == "AWS::S3::BucketPolicy" and other["Properties"]["Bucket"] == {"Ref": name}
    ]
    denied = [statement["Condition"] for statement in policy["Statement"] if statement["Effect"] == "Deny"]
    assert {"Bool": {"aws:SecureTransport": "false"}} in denied
    for statement in policy["Statement"]:
        if statement["Effect"] == "Allow":
            assert set(statement["Principal"]) == {"Service"}
            assert any("aws:SourceArn" in test for test in statement["Condition"].values())


@pytest.mark.parametrize(("template", "name", "resource"), resources("AWS::DynamoDB::Table"))
def test_a_table_has_point_in_time_recovery_and_is_encrypted_with_the_stages_key(
    template: Template, name: str, resource: dict[str, Any]
) -> None:
    table = properties(template, resource)
    assert table["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    key = "Key.Arn" if template.name == "data" else KEY_ARN
    assert table["SSESpecification"] == {"SSEEnabled": True, "SSEType": "KMS", "KMSMasterKeyId": key}
    assert table["TimeToLiveSpecification"] == {"AttributeName": "expires_at", "Enabled": True}


def test_every_function_has_a_log_group_with_a_retention_period() -> None:
    logs = every("AWS::Logs::LogGroup")
    assert {f"/aws/lambda/argus-production{suffix}" for suffix in FUNCTIONS} <= {log["LogGroupName"] for log in logs}
    assert all(int(log["RetentionInDays"]) <= 90 for log in logs)


def test_data_is_backed_up_daily_for_a_week_into_a_locked_vault() -> None:
    backup = TEMPLATES["backup"]
    (rule,) = properties(backup, backup.resources["Plan"])["BackupPlan"]["BackupPlanRule"]
    assert (rule["ScheduleExpression"], rule["Lifecycle"]) == ("cron(0 2 * * ? *)", {"DeleteAfterDays": 7})
    lock = {
        stage: properties(backup, backup.resources["Vault"], stage)["LockConfiguration"]
        for stage in ("staging", "production")
    }
    assert lock["staging"] == {"MinRetentionDays": 7, "MaxRetentionDays": 35}
    assert lock["production"] == {**lock["staging"], "ChangeableForDays": 3}
    tables = {"identity", "imagery", "scanning", "reports"}
    assert {f"argus-production-{name}" for name in tables} | {MEDIA} <= copied()
    assert not {"argus-production-requests", "argus-production-notify"} & copied()
    assert copied(BackUpMedia="no") == copied() - {MEDIA}


MEDIA = "argus-production-media-123456789012-eu-west-1"


def copied(among: Templates = TEMPLATES, **given: str) -> set[str]:
    """The tables and buckets that the backup selects: of one of its kinds, and with all of its tags."""
    backup = among["backup"]
    resource = backup.resources["Selection"]["Properties"]
    selection = scope_of(backup, **given).resolve(resource)["BackupSelection"]
    assert "ListOfTags" not in selection  # it would select resources with any of the tags
    expected = {
        entry["ConditionKey"].removeprefix("aws:ResourceTag/"): entry["ConditionValue"]
        for entry in selection["Conditions"]["StringEquals"]
    }
    assert expected.keys() == {"project", "stage", "backup"}
    arns = {
        f"arn:aws:dynamodb:eu-west-1:123456789012:table/{table['TableName']}": table
        for table in every("AWS::DynamoDB::Table", among)
    } | {f"arn:aws:s3:::{bucket['BucketName']}": bucket for bucket in every("AWS::S3::Bucket", among)}
    return {
        re.split("[:/]", arn)[-1]
        for arn, resource in arns.items()
        if any(fnmatch.fnmatchcase(arn, pattern) for pattern in selection["Resources"])
        and expected.items() <= tags_of(resource).items()
    }


@pytest.mark.parametrize(("template", "name", "resource"), resources("AWS::DynamoDB::Table"))
def test_a_table_is_tagged_with_its_backup(template: Template, name: str, resource: dict[str, Any]) -> None:
    assert tags_of(properties(template, resource))["backup"] in ("daily", "none")


# ---------------------------------------------------------------- queues and alarms


def watched(among: Templates = TEMPLATES) -> set[tuple[str, str, str]]:
    """(namespace, metric, first dimension's value) of everything that an alarm watches by name; "" for no dimension."""
    metrics = [metric for alarm in every("AWS::CloudWatch::Alarm", among) for metric in metrics_of(alarm)]
    return {
        (m["Namespace"], m["MetricName"], m["Dimensions"][0]["Value"] if "Dimensions" in m else "") for m in metrics
    }


def unwatched_queues(among: Templates = TEMPLATES) -> set[str]:
    """Queues without an alarm: on dead letters, or on the age or number of waiting messages."""
    names = {queue["QueueName"] for queue in every("AWS::SQS::Queue", among)}
    number, age = (f"Approximate{what}" for what in ("NumberOfMessagesVisible", "AgeOfOldestMessage"))
    expected = {name: {number} if name.endswith("-dead") else {number, age} for name in names}
    return {name for name in names if not any(("AWS/SQS", metric, name) in watched(among) for metric in expected[name])}


def test_the_shared_queues_are_those_of_uploads_jobs_scans_and_ticks() -> None:
    shared = {name: template for name, template in TEMPLATES.items() if name not in CAPABILITIES}
    names = {queue["QueueName"].removeprefix("argus-production-") for queue in every("AWS::SQS::Queue", shared)}
    assert names == {"uploads", "uploads-dead", "jobs", "jobs-dead", "scans", "scans-dead", "ticks-dead"}


@pytest.mark.parametrize(("template", "name", "resource"), resources("AWS::SQS::Queue"))
def test_a_queue_is_encrypted_and_has_a_dead_letter_queue(
    template: Template, name: str, resource: dict[str, Any]
) -> None:
    queue = properties(template, resource)
    assert queue["SqsManagedSseEnabled"] is True
    if queue["QueueName"].endswith("-dead"):
        assert queue["MessageRetentionPeriod"] == 14 * 24 * 3600
        return
    target, attribute = queue["RedrivePolicy"]["deadLetterTargetArn"].split(".")
    dead = properties(template, template.resources[target])
    assert (dead["QueueName"], attribute) == (f"{queue['QueueName']}-dead", "Arn")


def test_every_queue_and_function_has_its_alarms() -> None:
    assert not unwatched_queues()
    for suffix in FUNCTIONS:
        assert ("AWS/Lambda", "Errors", f"argus-production{suffix}") in watched()
    assert ("AWS/Lambda", "Throttles", "") in watched(), "concurrency is a limit of the account"
    assert ("AWS/ApiGateway", "Latency", "argus-production") in watched()
    assert ("AWS/ApiGateway", "5XXError", "argus-production") in watched()
    assert ("AWS/Backup", "NumberOfBackupJobsFailed", "argus-production") in watched()


@pytest.mark.parametrize(("template", "name", "resource"), resources("AWS::CloudWatch::Alarm"))
def test_an_alarm_over_other_stages_says_so(template: Template, name: str, resource: dict[str, Any]) -> None:
    """Only the alarm on throttled functions has a metric without dimensions."""
    alarm = properties(template, resource)
    if all("Dimensions" in metric for metric in metrics_of(alarm)):
        return
    assert name == "FunctionThrottles"
    assert "every function of the account and region" in " ".join(alarm["AlarmDescription"].split())


def test_alarms_cover_every_table_and_index() -> None:
    """A Metrics Insights query without WHERE, alone in its alarm, and with a period: the metrics have no other."""
    queries_by_text = {}
    for alarm in every("AWS::CloudWatch::Alarm"):
        queries = [metric for metric in alarm.get("Metrics", []) if metric.get("Expression", "").startswith("SELECT")]
        if queries:
            (query,) = alarm["Metrics"]
            assert "every table of the account and region" in alarm["AlarmDescription"]
            queries_by_text[query["Expression"]] = (query["Period"], query["ReturnData"], alarm["Threshold"])
    assert queries_by_text == {
        'SELECT SUM(ReadThrottleEvents) FROM "AWS/DynamoDB"': (300, True, 0),
        'SELECT SUM(WriteThrottleEvents) FROM "AWS/DynamoDB"': (300, True, 0),
    }


@pytest.mark.parametrize(("template", "name", "resource"), resources("AWS::CloudWatch::Alarm"))
def test_an_alarm_over_several_metrics_watches_all_of_them(
    template: Template, name: str, resource: dict[str, Any]
) -> None:
    """METRICS() is every metric of the alarm, of which there may be ten; they need one period."""
    metrics = [entry for entry in resource["Properties"].get("Metrics", []) if "MetricStat" in entry]
    if not metrics:
        return
    (expression,) = [entry for entry in resource["Properties"]["Metrics"] if entry["ReturnData"]]
    assert expression["Expression"] in ("SUM(METRICS())", "MAX(METRICS())")
    assert len(metrics) <= 10
    assert len({entry["MetricStat"]["Period"] for entry in metrics}) == 1


@pytest.mark.parametrize(("template", "name", "resource"), resources("AWS::CloudWatch::Alarm"))
def test_an_alarm_has_a_description_and_notifies_when_it_starts_and_ends(
    template: Template, name: str, resource: dict[str, Any]
) -> None:
    alarm = properties(template, resource)
    topic = ["Topic"] if template.name == "alarms" else [TOPIC_ARN]
    assert (alarm["AlarmActions"], alarm["OKActions"]) == (topic, topic)
    assert alarm["AlarmDescription"].endswith(".")


def test_the_topic_has_the_name_that_other_templates_use() -> None:
    alarms = TEMPLATES["alarms"]
    assert properties(alarms, alarms.resources["Topic"])["TopicName"] == TOPIC_ARN.rpartition(":")[2]


def test_the_budget_notifies_of_actual_and_forecast_spend() -> None:
    spend = TEMPLATES["alarms"].resources["Spend"]["Properties"]
    assert [n["Notification"]["NotificationType"] for n in spend["NotificationsWithSubscribers"]] == [
        "ACTUAL",
        "FORECASTED",
    ]


def _recorded() -> set[str]:
    """Every metric that the source records."""
    names = set()
    for path in [*(ROOT / "src").rglob("*.py"), *(ROOT / "services").rglob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("metrics.record"):
                assert isinstance(node.args[0], ast.Dict), f"{path.name}: metrics are named where they are recorded"
                names |= {key.value for key in node.args[0].keys if isinstance(key, ast.Constant)}
    return {str(name) for name in names}


def _shown() -> set[tuple[str, ...]]:
    """The metrics on the dashboard, with the short forms of the previous metric written out."""
    alarms = TEMPLATES["alarms"]
    body = json.loads(properties(alarms, alarms.resources["Dashboard"])["DashboardBody"])
    shown = set()
    for widget in body["widgets"]:
        previous: list[str] = []
        for metric in widget["properties"].get("metrics", []):
            parts = [part for part in metric if isinstance(part, str)]
            if parts[:1] == ["..."]:
                parts = [*previous[: len(previous) - len(parts) + 1], *parts[1:]]
            previous = [old if part == "." else part for old, part in zip_longest(previous, parts) if part]
            shown.add(tuple(previous))
    return shown


def test_every_metric_is_recorded_and_on_the_dashboard_or_has_an_alarm() -> None:
    assert _recorded() == METRICS.keys()
    for name, by in series():
        path = ("Argus", name, "stage", "production", *chain.from_iterable(by.items()))
        assert path in _shown() or (not by and ("Argus", name, "production") in watched()), path


def test_the_dashboard_shows_no_other_metric_of_argus() -> None:
    declared = {(name, *chain.from_iterable(by.items())) for name, by in series()}
    assert {(path[1], *path[4:]) for path in _shown() if path[:1] == ("Argus",)} <= declared


def test_the_page_on_limits_counts_the_metrics_that_cost_money() -> None:
    page = " ".join((ROOT / "docs" / "decisions" / "limits.md").read_text().split())
    assert f"at most {len(series())} custom metrics and {len(alarm_metrics())} metrics of alarms" in page


# ---------------------------------------------------------------- event sources


def test_event_source_mappings_report_partial_failures_and_limit_concurrency() -> None:
    events = TEMPLATES["events"]
    mappings = [properties(events, r) for r in events.resources.values() if r["Type"].endswith("EventSourceMapping")]
    woken = {
        mapping["EventSourceArn"].rsplit("-", 1)[-1]: mapping["FunctionName"].rsplit("-", 1)[-1] for mapping in mappings
    }
    assert woken == {"uploads": WORKER, **{function.queue: name for name, function in FUNCTIONS_BEHIND_QUEUES.items()}}
    assert len(mappings) == len(woken)
    for mapping in mappings:
        assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
        assert int(mapping["ScalingConfig"]["MaximumConcurrency"]) >= 2


def test_zappa_creates_the_functions_that_the_templates_name() -> None:
    stages = json.loads((ROOT / "zappa_settings.json").read_text())
    names = {f"{stages['dev']['project_name']}-{stage.replace('_', '-')}" for stage in stages}
    assert {f"argus-{stage}{suffix}" for stage in ("dev", "staging", "production") for suffix in FUNCTIONS} <= names
    assert stages["dev"]["manage_roles"] is False


@pytest.mark.parametrize("function", FUNCTIONS_BEHIND_QUEUES.values(), ids=FUNCTIONS_BEHIND_QUEUES)
def test_the_visibility_timeout_is_six_times_the_function_timeout(function: Function) -> None:
    hidden = {queue["QueueName"]: queue.get("VisibilityTimeout") for queue in every("AWS::SQS::Queue")}
    queues = [function.queue, *(["uploads"] if function.name == WORKER else [])]
    assert {int(hidden[f"argus-production-{queue}"]) for queue in queues} == {6 * function.timeout_seconds}


MIN_RECEIVES = 5  # of a queue that invokes a function: Lambda Developer Guide, "Understanding SQS retries"
RETENTION_SECONDS = 4 * 24 * 3600  # of SQS, by default
QUEUES_WITH_DEAD_LETTERS = [queue for queue in every("AWS::SQS::Queue") if "RedrivePolicy" in queue]


@pytest.mark.parametrize("queue", QUEUES_WITH_DEAD_LETTERS, ids=lambda queue: queue["QueueName"])
def test_a_message_has_receives_to_spare_and_time_for_them(queue: dict[str, Any]) -> None:
    """A receive counts even if Lambda has no capacity to run the function."""
    receives = int(queue["RedrivePolicy"]["maxReceiveCount"])
    assert receives >= MIN_RECEIVES
    assert receives * int(queue["VisibilityTimeout"]) < int(queue.get("MessageRetentionPeriod", RETENTION_SECONDS))


FUNCTION = "arn:aws:lambda:eu-west-1:123456789012:function:argus-production"


def test_only_the_media_bucket_and_the_tick_may_send_to_queues() -> None:
    senders = {}
    for policy in every("AWS::SQS::QueuePolicy"):
        (statement,) = policy["PolicyDocument"]["Statement"]
        assert (statement["Effect"], statement["Action"]) == ("Allow", "sqs:SendMessage")
        assert [f"{queue}.Arn" for queue in policy["Queues"]] == [statement["Resource"]]
        senders[statement["Resource"]] = (statement["Principal"], statement["Condition"])
    assert senders == {
        "UploadsQueue.Arn": (
            {"Service": "s3.amazonaws.com"},
            {
                "ArnEquals": {"aws:SourceArn": f"arn:aws:s3:::{MEDIA}"},
                "StringEquals": {"aws:SourceAccount": "123456789012"},
            },
        ),
        "TicksDeadQueue.Arn": (
            {"Service": "events.amazonaws.com"},
            {"ArnEquals": {"aws:SourceArn": "Tick.Arn"}},
        ),
    }


def test_the_tick_and_the_websocket_api_may_invoke_their_functions() -> None:
    (rule,), (retries,) = every("AWS::Events::Rule"), every("AWS::Lambda::EventInvokeConfig")
    assert [target["Arn"] for target in rule["Targets"]] == [f"{FUNCTION}-scheduler"]
    assert (retries["FunctionName"], retries["Qualifier"]) == ("argus-production-scheduler", "$LATEST")
    (integration,) = every("AWS::ApiGatewayV2::Integration")
    assert integration["IntegrationUri"].endswith(f":lambda:path/2015-03-31/functions/{FUNCTION}-realtime/invocations")
    sockets = "arn:aws:execute-api:eu-west-1:123456789012:def456/production/*"
    assert {
        (one["FunctionName"], one["Action"], one["Principal"], one["SourceArn"])
        for one in every("AWS::Lambda::Permission")
    } == {
        ("argus-production-scheduler", "lambda:InvokeFunction", "events.amazonaws.com", "Tick.Arn"),
        ("argus-production-realtime", "lambda:InvokeFunction", "apigateway.amazonaws.com", sockets),
    }


def test_the_websocket_api_passes_every_event_to_its_function_and_logs_no_token() -> None:
    realtime = TEMPLATES["realtime"]
    routes = {route["RouteKey"]: route for route in every("AWS::ApiGatewayV2::Route")}
    assert routes.keys() == {"$connect", "$disconnect", "$default"}
    assert {(route["ApiId"], route["Target"]) for route in routes.values()} == {("SocketApi", "integrations/Function")}
    assert routes["$default"]["RouteResponseSelectionExpression"] == "$default"
    (answer,) = every("AWS::ApiGatewayV2::RouteResponse")
    assert (answer["RouteId"], answer["RouteResponseKey"]) == ("DefaultRoute", "$default")
    stage = properties(realtime, realtime.resources["SocketStage"])
    limits = stage["DefaultRouteSettings"]
    assert (limits["DataTraceEnabled"], limits["LoggingLevel"]) == (False, "OFF")
    assert "querystring" not in stage["AccessLogSettings"]["Format"]
    assert "header" not in stage["AccessLogSettings"]["Format"]


def test_the_websocket_api_limits_messages_which_are_counted_nowhere_else() -> None:
    (stage,) = every("AWS::ApiGatewayV2::Stage")
    limits = stage["DefaultRouteSettings"]
    assert 0 < limits["ThrottlingRateLimit"] <= limits["ThrottlingBurstLimit"] <= 100


def test_the_managed_policies_of_roles_exist_in_aws() -> None:
    from moto.iam.aws_managed_policies import aws_managed_policies_data  # takes half a second

    policies = json.loads(aws_managed_policies_data)
    known = {f"arn:aws:iam::aws:policy{policy['Path']}{name}" for name, policy in policies.items()}
    attached = {arn for role in every("AWS::IAM::Role") for arn in role.get("ManagedPolicyArns", [])}
    assert len(attached) == 3
    assert attached <= known


# ---------------------------------------------------------------- the edge


def test_every_endpoint_requires_tls_12_or_newer() -> None:
    edge = TEMPLATES["edge"].resources
    distribution = edge["Distribution"]["Properties"]["DistributionConfig"]
    behaviours = [distribution["DefaultCacheBehavior"], *distribution["CacheBehaviors"]]
    assert distribution["ViewerCertificate"]["MinimumProtocolVersion"] == "TLSv1.2_2021"
    assert edge["ApiDomain"]["Properties"]["SecurityPolicy"] == "TLS_1_2"
    assert {b["ViewerProtocolPolicy"] for b in behaviours} == {"redirect-to-https", "https-only"}
    media = TEMPLATES["data"].resources["MediaBucketPolicy"]["Properties"]["PolicyDocument"]["Statement"]
    denied = [statement for statement in media if statement["Effect"] == "Deny"]
    assert {"NumericLessThan": {"s3:TlsVersion": "1.2"}} in [statement["Condition"] for statement in denied]
    assert all((one["Principal"], one["Action"]) == ({"AWS": "*"}, "s3:*") for one in denied)


def test_the_firewall_blocks_bad_addresses_bad_inputs_and_floods() -> None:
    rules = TEMPLATES["firewall"].resources["WebAcl"]["Properties"]["Rules"]
    groups = {
        rule["Statement"]["ManagedRuleGroupStatement"]["Name"]
        for rule in rules
        if "ManagedRuleGroupStatement" in rule["Statement"]
    }
    assert groups == {
        "AWSManagedRulesAmazonIpReputationList",
        "AWSManagedRulesKnownBadInputsRuleSet",
        "AWSManagedRulesCommonRuleSet",
    }
    assert [r["Statement"]["RateBasedStatement"]["AggregateKeyType"] for r in rules if "Action" in r] == ["IP"]


def test_without_a_domain_no_resource_is_created_that_needs_one() -> None:
    edge = TEMPLATES["edge"]
    left = edge.with_conditions(scope_of(edge).conditions)
    assert set(left.resources) == {"ApiFirewall"}
    assert scope_of(edge).resolve(left.outputs) == {
        "ApiUrl": "https://abc123.execute-api.eu-west-1.amazonaws.com/production",
    }
    whole = scope_of(edge, Domain="argus.example")
    assert edge.with_conditions(whole.conditions).resources.keys() == edge.resources.keys()
    assert whole.resolve(edge.outputs)["ApiUrl"] == "https://api.argus.example"
