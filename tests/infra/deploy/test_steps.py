"""A deployment on the embedded AWS: all steps, a scan by the packaged functions, rollback and deletion."""

import json
import shutil
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from functools import partial
from pathlib import Path
from typing import Any, Self

import boto3
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from botocore.stub import ANY, Stubber

from infra.deploy import main, smoke, steps
from infra.deploy.environment import Account
from infra.deploy.functions import FUNCTIONS, Function, FunctionFailed, Zappa, code_hash
from infra.deploy.options import BadOption, Options, load, save
from infra.deploy.package import ROOT
from infra.deploy.stacks import ChangeSets, StackFailed
from infra.embedded.aws import EmbeddedAws
from infra.templates import NotAsDeclared, Template, capability_templates
from services.local.rehearsal import lambda_runtime
from services.local.rehearsal.main import STAGE, Embedded, NotAllowed, RehearsalFailed, no_function
from services.local.sockets import Sockets

pytestmark = pytest.mark.timeout(1500)  # packages are built, and Zappa starts a dozen times


@dataclass
class Output:
    """The lines that a deployment prints for its operator."""

    lines: list[str] = field(default_factory=list)

    def __call__(self, line: str) -> None:
        self.lines.append(line)

    def steps(self) -> list[str]:
        return [line.removeprefix("— ") for line in self.lines if line.startswith("— ")]


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Embedded]:
    with EmbeddedAws.start(stage=STAGE) as aws, Sockets.start(no_function) as sockets:
        yield Embedded(aws, sockets, logs=tmp_path_factory.mktemp("rehearsal"))


@pytest.fixture(scope="module")
def deployed(environment: Embedded) -> Output:
    """A stage that was deployed, and the output. Every function reads Sentry's DSN when it starts."""
    dsn = {"Name": f"/argus/{STAGE}/sentry-dsn", "Value": "http://nobody@127.0.0.1:9/1", "Type": "SecureString"}
    environment.client("ssm").put_parameter(**dsn)
    output = Output()
    steps.deploy(steps.prepare(STAGE, environment, {"origins": "https://console.example"}, output))
    return output


@pytest.fixture(scope="module")
def next_release(environment: Embedded, deployed: Output, tmp_path_factory: pytest.TempPathFactory) -> Embedded:
    """The same AWS, with packages that differ from those deployed."""

    class NextRelease(Embedded):
        def packages(self) -> dict[str, Path]:
            return found

    folder = tmp_path_factory.mktemp("next")
    found = {name: Path(shutil.copy(path, folder)) for name, path in environment.packages().items()}
    for path in found.values():
        with zipfile.ZipFile(path, "a") as opened:
            opened.writestr("next.txt", "one more file")
    return NextRelease(environment.aws, environment.sockets, logs=environment.logs)


def unconnected(service: str) -> Any:
    """A client to be stubbed, for operations that moto does not support."""
    return boto3.client(service, region_name="eu-west-1", aws_access_key_id="unused", aws_secret_access_key="unused")


def running(environment: Embedded) -> list[str]:
    """The hashes of the code that the functions run, from Lambda."""
    functions = environment.client("lambda")
    return [
        functions.get_function(FunctionName=function.name(STAGE))["Configuration"]["CodeSha256"]
        for function in FUNCTIONS
    ]


def hashes(environment: Embedded) -> list[str]:
    return [code_hash(environment.packages()[function.package].read_bytes()) for function in FUNCTIONS]


# ---------------------------------------------------------------- a whole deployment


def test_a_stage_is_deployed_and_passes_the_smoke_test(environment: Embedded, deployed: Output) -> None:
    assert deployed.steps() == [name for name, _ in steps.STEPS]
    assert list(environment.aws.stacks.stacks) == [plan.name(STAGE) for plan in steps.PLANS if not plan.needs_domain]
    assert running(environment) == hashes(environment)
    text = " ".join(deployed.lines)
    for line in ("GET /health: 200", "GET /ready: 200", "signed in as owner of org_", "image img_", "report with 2"):
        assert line in text
    assert "migrations: none pending" in deployed.lines


def test_functions_have_the_settings_from_the_stacks(environment: Embedded, deployed: Output) -> None:
    functions = environment.client("lambda")
    pool = environment.aws.stacks.outputs(f"argus-{STAGE}-identity")
    for function in FUNCTIONS:
        found = functions.get_function(FunctionName=function.name(STAGE))["Configuration"]
        variables = found["Environment"]["Variables"]
        (trusted,) = json.loads(variables["ARGUS_TRUSTED_ISSUERS"])
        assert (trusted["issuer"], trusted["client_ids"]) == (pool["Issuer"], [pool["ClientId"]])
        assert variables["ARGUS_STAGE"] == STAGE
        assert variables["ARGUS_MEDIA_ORIGIN"] == ""  # links lead to the bucket itself without a domain
        assert variables["ARGUS_ALLOWED_ORIGINS"] == "https://console.example"
        assert variables["ARGUS_CURSOR_SECRET"] == f"ssm:/argus/{STAGE}/cursor-secret"
        assert variables["ARGUS_SENTRY_DSN"] == f"ssm:/argus/{STAGE}/sentry-dsn"
        assert variables["ARGUS_LINK_ROLE"] == f"arn:aws:iam::{environment.account_id}:role/argus-{STAGE}-links"
        assert found["Role"].endswith(f"role/argus-{STAGE}-{'api' if not function.suffix else function.suffix[1:]}")
        assert found["Runtime"] == "python3.11"


def test_the_smoke_test_deletes_its_user_and_image(environment: Embedded, deployed: Output) -> None:
    pool = environment.aws.stacks.outputs(f"argus-{STAGE}-identity")["UserPoolId"]
    assert environment.client("cognito-idp").list_users(UserPoolId=pool)["Users"] == []
    bucket = f"argus-{STAGE}-media-{environment.account_id}"
    keys = [entry["Key"] for entry in environment.client("s3").list_objects_v2(Bucket=bucket)["Contents"]]
    assert [key for key in keys if "/images/" in key] == []


@pytest.mark.parametrize(
    ("lacking", "on"),
    [("sqs:SendMessage", "argus-local-jobs"), ("dynamodb:UpdateItem", "table/argus-local-requests")],
    ids=["the API fails without it", "the API handles the refusal"],
)
def test_a_missing_permission_fails_the_rehearsal_and_is_named(
    environment: Embedded, deployed: Output, lacking: str, on: str
) -> None:
    """Rate limits fail open: only the enforcer knows that a count was refused."""
    role = {"RoleName": f"argus-{STAGE}-api", "PolicyName": "permissions"}
    iam = environment.client("iam")
    policy = iam.get_role_policy(**role)["PolicyDocument"]
    left = [
        {**entry, "Action": kept}
        for entry in policy["Statement"]
        if (kept := [action for action in entry["Action"] if action != lacking])
    ]
    iam.put_role_policy(**role, PolicyDocument=json.dumps({**policy, "Statement": left}))
    deployment = steps.prepare(STAGE, environment, {}, Output())
    for name in ("identity", "realtime"):
        deployment.values |= environment.aws.stacks.outputs(f"argus-{STAGE}-{name}")
    deployment.values["RestApiId"] = deployment.zappa.rest_api_id()
    try:
        with pytest.raises(
            NotAllowed, match=f"argus-{STAGE}-api is not authorized to perform {lacking} on resource: .*{on}"
        ):
            steps.smoke_test(deployment)
    finally:
        iam.put_role_policy(**role, PolicyDocument=json.dumps(policy))


def test_a_function_that_fails_behind_a_queue_fails_the_rehearsal(
    environment: Embedded, deployed: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The queue would only repeat the message, and nobody may wait for its job."""
    invoke = lambda_runtime.Function.invoke

    def failing(self: lambda_runtime.Function, event: dict[str, Any], **more: Any) -> lambda_runtime.Result:
        if "Records" in event:
            return lambda_runtime.Result(None, {"errorMessage": "out of memory"}, 0.0)
        return invoke(self, event, **more)

    monkeypatch.setattr(lambda_runtime.Function, "invoke", failing)
    sqs = environment.client("sqs")
    queue = sqs.get_queue_url(QueueName=f"argus-{STAGE}-scans")["QueueUrl"]
    values = {"RestApiId": steps.prepare(STAGE, environment, {}, Output()).zappa.rest_api_id()}

    def rehearse_one_message() -> None:
        with environment.api_endpoint(STAGE, values):
            sqs.send_message(QueueUrl=queue, MessageBody="{}")
            deadline = time.monotonic() + 60
            while not environment.failures and time.monotonic() < deadline:
                time.sleep(0.05)

    with pytest.raises(RehearsalFailed, match=f"argus-{STAGE}-scanner: .*out of memory"):
        rehearse_one_message()
    sqs.purge_queue(QueueUrl=queue)


@pytest.fixture
def _no_smoke(monkeypatch: pytest.MonkeyPatch) -> None:
    """Skip the smoke test: the first test has run it."""

    @contextmanager
    def closed(*_: Any) -> Iterator[str]:
        yield "http://127.0.0.1:9"

    monkeypatch.setattr(Embedded, "api_endpoint", closed)
    monkeypatch.setattr(smoke, "run", lambda *_: None)


@pytest.mark.usefixtures("_no_smoke")
def test_a_release_that_fails_its_smoke_test_is_rolled_back(
    environment: Embedded, next_release: Embedded, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = hashes(environment), hashes(next_release)
    assert set(first).isdisjoint(second)

    def failing(*_: Any) -> None:
        assert running(environment) == second
        raise smoke.SmokeFailed("no image is ever ready")

    monkeypatch.setattr(smoke, "run", failing)
    output = Output()
    with pytest.raises(smoke.SmokeFailed, match="no image is ever ready"):
        steps.deploy(steps.prepare(STAGE, next_release, {}, output))
    assert f"argus-{STAGE}-data: no changes" in output.lines
    assert running(environment) == first


@pytest.mark.usefixtures("_no_smoke")
@pytest.mark.parametrize(
    "error",
    [
        ClientError({"Error": {"Code": "Busy"}}, "GetFunction"),
        EndpointConnectionError(endpoint_url="x"),
        FunctionFailed("Zappa"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_function_that_cannot_be_restored_is_named_and_does_not_stop_the_others(
    environment: Embedded, next_release: Embedded, error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    deployments: list[tuple[str, str]] = []

    def broken(_: Zappa, function: Function, *, code_hash: str, **__: str) -> None:
        deployments.append((function.suffix, code_hash))
        if len(deployments) > len(FUNCTIONS) and not function.suffix:
            raise error

    def failing(*_: Any) -> None:
        raise smoke.SmokeFailed("no image is ever ready")

    monkeypatch.setattr(Zappa, "deploy", broken)
    monkeypatch.setattr(smoke, "run", failing)
    output = Output()
    with pytest.raises(smoke.SmokeFailed, match="no image is ever ready"):
        steps.deploy(steps.prepare(STAGE, next_release, {}, output))
    before = zip((function.suffix for function in FUNCTIONS), hashes(environment), strict=True)
    assert sorted(deployments[len(FUNCTIONS) :]) == sorted(before)
    api, *others, last = output.lines[-len(FUNCTIONS) - 1 :]
    assert api.startswith(f"argus-{STAGE} could not be deployed from packages/api/")
    assert [line.split()[:2] for line in others] == [[one.name(STAGE), "runs"] for one in FUNCTIONS[1:]]
    assert last == f"not all functions could be restored: {error}"


@pytest.mark.usefixtures("_no_smoke")
def test_a_rollback_deploys_the_previous_release_and_a_second_one_undoes_it(
    environment: Embedded, next_release: Embedded, monkeypatch: pytest.MonkeyPatch
) -> None:
    deployed: list[str] = []
    monkeypatch.setattr(Zappa, "deploy", lambda _, __, *, bucket, key, code_hash: deployed.append(code_hash))

    def rolled_back() -> list[str]:
        deployed.clear()
        steps.rollback(steps.prepare(STAGE, environment, {}, Output()))
        return sorted(deployed)

    with pytest.raises(steps.NothingToRollBackTo):
        rolled_back()
    steps.deploy(steps.prepare(STAGE, next_release, {}, Output()))
    assert rolled_back() == sorted(hashes(environment))
    assert rolled_back() == sorted(hashes(next_release))


def test_a_destroyed_stage_keeps_its_data(environment: Embedded, deployed: Output) -> None:
    retained = steps.destroy(steps.prepare(STAGE, environment, {}, Output()))
    assert environment.aws.stacks.stacks == {}
    # Zappa's own. By status: moto cannot describe stacks that other tests of this process have left broken.
    listed = environment.client("cloudformation").list_stacks(StackStatusFilter=["CREATE_COMPLETE", "UPDATE_COMPLETE"])
    assert [one for one in listed["StackSummaries"] if one["StackName"].startswith(f"argus-{STAGE}")] == []
    found = environment.client("lambda").list_functions()["Functions"]
    assert [one["FunctionName"] for one in found if one["FunctionName"].startswith(f"argus-{STAGE}")] == []
    listed = environment.client("dynamodb").list_tables()["TableNames"]
    tables = {name for name in listed if name.startswith(f"argus-{STAGE}-")}
    expected = {"identity", "imagery", "scanning", "reports", "notify", "requests"}
    assert tables >= {f"argus-{STAGE}-{capability}" for capability in expected}
    assert {f"AWS::DynamoDB::Table {name}" for name in tables} <= set(retained)
    assert f"AWS::S3::Bucket argus-{STAGE}-media-{environment.account_id}" in retained


def test_capabilities_are_deployed_after_the_roles_that_they_extend() -> None:
    order = [plan.template for plan in steps.PLANS]
    capabilities = [path.stem for path in capability_templates()]
    first = order.index("roles") + 1
    assert order[first : first + len(capabilities)] == capabilities


def test_every_template_is_deployed() -> None:
    assert {plan.template for plan in steps.PLANS} == {path.stem for path in (ROOT / "infra").glob("*.yaml")}
    deployed = [step.keywords["plan"] for _, step in steps.STEPS if hasattr(step, "keywords")]
    assert deployed == list(steps.PLANS)


@pytest.mark.parametrize("plan", steps.PLANS, ids=lambda plan: plan.name("dev"))
def test_a_template_is_within_the_size_limit(plan: steps.Plan) -> None:
    assert plan.path.stat().st_size <= 51_200  # TemplateBody of CreateChangeSet


@pytest.mark.parametrize("domain", ["", "argus.example"], ids=["without a domain", "with a domain"])
def test_every_parameter_without_default_has_a_value(monkeypatch: pytest.MonkeyPatch, domain: str) -> None:
    """A domain needs stacks in two regions, which the embedded AWS does not support: here they only return outputs."""
    given: dict[str, dict[str, str]] = {}

    def deploy(_: ChangeSets, name: str, *, template: str, parameters: dict[str, str], tags: dict[str, str]) -> bool:
        given[name.removeprefix("argus-staging-")] = parameters
        return True

    def outputs(_: ChangeSets, name: str) -> dict[str, str]:
        plan = next(plan for plan in steps.PLANS if plan.name("staging") == name)
        return {output: f"{name}/{output}" for output in Template.read(plan.path).outputs}

    monkeypatch.setattr(ChangeSets, "deploy", deploy)
    monkeypatch.setattr(ChangeSets, "outputs", outputs)
    account = Account("eu-west-1")
    monkeypatch.setattr(Account, "client", lambda _, service, region="": (service, region))
    values = {"Stage": "staging", "Domain": domain, "HostedZoneId": domain and "Z1", "RestApiId": "a1"}
    options = Options(domain=domain, hosted_zone_id=domain and "Z1")
    deployment = steps.Deployment("staging", account, options, Output(), values)
    for plan in steps.PLANS:
        steps.deploy_stack(deployment, plan)
    for plan in steps.PLANS:
        if domain or not plan.needs_domain:
            Template.read(plan.path).parameters(given[plan.template + plan.suffix])  # raises for what has no value
    assert ("firewall-cdn" in given) is bool(domain)
    if domain:
        assert given["firewall"] | given["edge"] == {
            "Stage": "staging",
            "Scope": "REGIONAL",
            "Name": "api.argus.example",
            "HostedZoneId": "Z1",
            "RestApiId": "a1",
            "Domain": "argus.example",
            "ApiWebAclArn": "argus-staging-firewall/WebAclArn",
            "ApiCertificateArn": "argus-staging-firewall/CertificateArn",
            "CdnWebAclArn": "argus-staging-firewall-cdn/WebAclArn",
            "CdnCertificateArn": "argus-staging-firewall-cdn/CertificateArn",
        }


# ---------------------------------------------------------------- stacks


def test_a_stack_that_fails_names_the_resource_and_stops_the_deployment(
    environment: Embedded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "broken.yaml").write_text('Resources: {Queue: {Type: AWS::SQS::Queue, Properties: {QueueName: "no!"}}}')
    broken = partial(steps.deploy_stack, plan=steps.Plan("broken", folder=tmp_path))
    monkeypatch.setattr(steps, "STEPS", (("broken", broken), *steps.STEPS))
    output = Output()
    with pytest.raises(NotAsDeclared, match=f"argus-{STAGE}-broken: Queue: .*InvalidParameterValue"):
        steps.deploy(steps.prepare(STAGE, environment, {}, output))
    assert output.steps() == ["broken"]


TOPIC = {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": "argus-broken"}}
BROKEN = {"Resources": {"Topic": TOPIC, "Other": {**TOPIC, "Properties": {"TopicName": "no!"}}}}


def test_a_stack_whose_creation_failed_is_deleted_before_the_next_attempt(environment: Embedded) -> None:
    stacks = ChangeSets(environment.client("cloudformation"))
    parts = {"parameters": {}, "tags": {}}
    with pytest.raises(StackFailed):
        stacks.deploy("argus-broken", template=json.dumps(BROKEN), **parts)
    sound = {"Resources": {"Topic": TOPIC}}
    assert stacks.deploy("argus-broken", template=json.dumps(sound), **parts)
    assert not stacks.deploy("argus-broken", template=json.dumps(sound), **parts)
    assert stacks.delete("argus-broken")
    assert not stacks.delete("argus-broken")


STACK_ID = "arn:aws:cloudformation:eu-west-1:123456789012:stack/argus-staging-data/1"


def described(status: str, **more: Any) -> dict[str, Any]:
    """AWS's response to DescribeStacks."""
    stack = {"StackId": STACK_ID, "StackName": "argus-staging-data", "CreationTime": 0, "StackStatus": status}
    return {"Stacks": [stack | more]}


def test_an_existing_stack_is_updated_with_parameters_and_tags_and_its_values_are_read() -> None:
    """moto loses the outputs of change sets: these are AWS's responses, as in its API reference."""
    client = unconnected("cloudformation")
    stacks = ChangeSets(client, lambda _: None)
    outputs = [{"OutputKey": "KeyArn", "OutputValue": "arn:key"}]
    resource = {
        "LogicalResourceId": "Key",
        "PhysicalResourceId": "k1",
        "ResourceType": "AWS::KMS::Key",
        "LastUpdatedTimestamp": 0,
        "ResourceStatus": "CREATE_COMPLETE",
    }
    expected = {
        "StackName": "argus-staging-data",
        "ChangeSetName": ANY,
        "ChangeSetType": "UPDATE",
        "TemplateBody": "{}",
        "Parameters": [{"ParameterKey": "Stage", "ParameterValue": "staging"}],
        "Tags": [{"Key": "project", "Value": "argus"}],
        "Capabilities": ["CAPABILITY_NAMED_IAM"],
        "ImportExistingResources": True,
    }
    with Stubber(client) as stub:
        stub.add_response("describe_stacks", described("CREATE_COMPLETE"))
        stub.add_response("create_change_set", {"Id": "arn:change-set/1", "StackId": STACK_ID}, expected)
        stub.add_response("describe_change_set", {"Status": "CREATE_COMPLETE"})
        stub.add_response("execute_change_set", {})
        stub.add_response("describe_stacks", described("UPDATE_COMPLETE"))
        assert stacks.deploy(
            "argus-staging-data", template="{}", parameters={"Stage": "staging"}, tags={"project": "argus"}
        )
        stub.add_response("describe_stacks", described("UPDATE_COMPLETE", Outputs=outputs))
        assert stacks.outputs("argus-staging-data") == {"KeyArn": "arn:key"}
        stub.add_response("describe_stacks", described("UPDATE_COMPLETE"))
        stub.add_response("list_stack_resources", {"StackResourceSummaries": [resource]})
        assert stacks.resources("argus-staging-data") == {"Key": "k1"}
        for read in (stacks.outputs, stacks.resources):
            stub.add_client_error("describe_stacks", service_message="Stack with id x does not exist")
            assert read("argus-staging-data") == {}


def test_a_stack_that_rolled_back_reports_the_first_failures_only() -> None:
    """moto never rolls back: these are AWS's responses, as in its API reference."""
    client = unconnected("cloudformation")

    def event(name: str, status: str, reason: str) -> dict[str, Any]:
        return {
            "StackId": STACK_ID,
            "EventId": f"{name}-{status}",
            "StackName": "argus-staging-data",
            "Timestamp": 0,
            "LogicalResourceId": name,
            "ResourceType": "AWS::SQS::Queue",
            "ResourceStatus": status,
            "ResourceStatusReason": reason,
        }

    newest_first = [
        event("Other", "CREATE_FAILED", "Resource creation cancelled"),
        event("JobsQueue", "CREATE_FAILED", "already exists"),
        event("JobsQueue", "CREATE_IN_PROGRESS", ""),
    ]
    with Stubber(client) as stub:
        stub.add_client_error("describe_stacks", service_message="Stack with id x does not exist")
        stub.add_response("create_change_set", {"Id": "arn:change-set/1", "StackId": STACK_ID})
        stub.add_response("describe_change_set", {"Status": "CREATE_PENDING"})
        stub.add_response("describe_change_set", {"Status": "CREATE_COMPLETE"})
        stub.add_response("execute_change_set", {})
        stub.add_response("describe_stacks", described("ROLLBACK_COMPLETE"))
        stub.add_response("describe_stack_events", {"StackEvents": newest_first})
        waits: list[float] = []
        with pytest.raises(StackFailed) as error:
            ChangeSets(client, waits.append).deploy("argus-staging-data", template="{}", parameters={}, tags={})
    assert str(error.value) == "argus-staging-data: JobsQueue (AWS::SQS::Queue): already exists"
    assert len(waits) == 1


# ---------------------------------------------------------------- options


def test_options_are_stored_with_the_stage(environment: Embedded) -> None:
    ssm = environment.client("ssm")
    given = {"domain": "argus.example", "hosted_zone_id": "Z1"}
    save(ssm, "dev", load(ssm, "dev", given))
    assert load(ssm, "dev", {"monthly_budget": "20"}) == Options(**given, monthly_budget="20")


@pytest.mark.parametrize(
    "given",
    [{"domain": "argus.example"}, {"monthly_budget": "a lot"}, {"monthly_budget": "0"}, {"origins": "http://a.example"},
     {"origins": "https://a.example/"}, {"origins": "*"}],
    ids=str,
)  # fmt: skip
def test_invalid_options_are_rejected_before_anything_is_created(environment: Embedded, given: dict[str, str]) -> None:
    with pytest.raises(BadOption):
        steps.prepare("staging", environment, given, Output())


class Amplify:
    """Amplify's responses about one app, as in its API reference (GetApp, ListBranches)."""

    def get_app(self, *, appId: str) -> dict[str, Any]:
        return {"app": {"appId": appId, "defaultDomain": f"{appId}.amplifyapp.com"}}

    def get_paginator(self, operation: str) -> Self:
        assert operation == "list_branches"
        return self

    def paginate(self, *, appId: str) -> Iterator[dict[str, Any]]:
        for name in ("main", "feature/map"):
            yield {"branches": [{"branchName": name, "displayName": name.replace("/", "-")}]}


def test_origins_come_from_the_domain_the_amplify_app_and_the_operator() -> None:
    options = Options(
        domain="argus.example", hosted_zone_id="Z1", amplify_app_id="d1", origins="https://a.example, https://b.example"
    )
    assert options.web_origins({"amplify": Amplify()}.get) == (
        "https://argus.example",
        "https://main.d1.amplifyapp.com",
        "https://feature-map.d1.amplifyapp.com",
        "https://a.example",
        "https://b.example",
    )


def test_the_guide_names_every_option() -> None:
    guide = (ROOT / "docs" / "deployment.md").read_text()
    for option in fields(Options):
        assert f"| `--{option.name.replace('_', '-')}` | {option.metadata['about']} |" in guide


# ---------------------------------------------------------------- an account


def test_the_region_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_REGION", "af-south-1")
    account = Account.of_environment()
    assert (account.region, account.variables["AWS_DEFAULT_REGION"]) == ("af-south-1", "af-south-1")
    assert account.sign_in_url() == "https://cognito-idp.af-south-1.amazonaws.com"


def test_the_endpoint_of_an_account_is_the_output_of_its_stack() -> None:
    account = Account("eu-west-1")
    with account.api_endpoint("dev", {"ApiUrl": "https://api.argus.example"}) as url:
        assert url == "https://api.argus.example"


def test_an_api_that_never_answers_fails_the_smoke_test(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(smoke, "SECONDS", 0.1)
    monkeypatch.setattr(smoke, "_PAUSE_SECONDS", 0.05)
    with pytest.raises(
        smoke.SmokeFailed, match=r"http://127\.0\.0\.1:9/health does not respond with 200 after 0\.1 s: .*refused"
    ):
        smoke.run("http://127.0.0.1:9", smoke.SmokeUsers(None, "", "", ""), Output())


# ---------------------------------------------------------------- the command


@pytest.mark.parametrize(
    ("arguments", "typed", "reason"),
    [
        (["destroy", "production"], "production", "To destroy production, pass --yes-really."),
        (["destroy", "production", "--yes-really"], "staging", "The name that you typed is not that of the stage."),
        (["destroy", "dev"], "", "The name that you typed is not that of the stage."),
        (["rollback", "dev"], "", "There is no earlier release to roll back to. Stage dev keeps its functions."),
    ],
)
def test_the_command_requires_confirmation_and_an_earlier_release(
    environment: Embedded, arguments: list[str], typed: str, reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main.main(arguments, environment=lambda: environment, ask=lambda _: typed) == 1
    assert reason in capsys.readouterr().err


def test_the_command_lists_the_resources_that_it_kept(
    environment: Embedded, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(steps, "destroy", lambda _: ["AWS::DynamoDB::Table argus-dev-imagery"])
    assert main.main(["destroy", "dev"], environment=lambda: environment, ask=lambda _: "dev\n") == 0
    assert "argus-dev-imagery" in capsys.readouterr().out


def test_a_rehearsal_reaches_no_account(environment: Embedded, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "a-developers-own")
    assert "AWS_PROFILE" not in environment.variables
    assert environment.variables["AWS_ENDPOINT_URL"].startswith("http://127.0.0.1:")
