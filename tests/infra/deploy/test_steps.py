"""A deployment on the embedded AWS: all steps, a scan by the packaged functions, rollback and deletion."""

import json
import shutil
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from moto.core.responses import BaseResponse

from infra.deploy import plans, smoke, steps
from infra.deploy.environment import Account
from infra.deploy.functions import FUNCTIONS, Function, FunctionFailed, Zappa, code_hash
from infra.deploy.options import Options
from infra.deploy.package import ROOT
from infra.deploy.retained import CannotBeImported
from infra.deploy.stacks import ChangeSets
from infra.embedded.clients import DUMMY_CREDENTIAL
from infra.templates import NotAsDeclared, Template, capability_templates
from services.local.rehearsal import lambda_runtime
from services.local.rehearsal.main import STAGE, Embedded, NotAllowed, RehearsalFailed
from tests.infra.deploy.conftest import Output
from tests.infra.deploy.test_policy import action, is_allowed

pytestmark = pytest.mark.timeout(1500)  # packages are built, and Zappa starts a dozen times


@pytest.fixture(scope="module")
def recorded() -> Iterator[set[str]]:
    """The actions of calls with the deployer's credentials, which Zappa makes too."""
    seen: set[str] = set()
    call = BaseResponse.call_action

    def recording(self: BaseResponse) -> Any:
        if f"Credential={DUMMY_CREDENTIAL}/" in str(self.headers.get("Authorization", "")):
            seen.add(action(self.service_name, self._get_action()))
        return call(self)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(BaseResponse, "call_action", recording)
        yield seen


@pytest.fixture(scope="module")
def deployed(environment: Embedded, recorded: set[str]) -> Output:
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
    assert list(environment.aws.stacks.stacks) == [
        plan.name(STAGE, environment.region) for plan in plans.PLANS if not plan.needs_domain
    ]
    assert running(environment) == hashes(environment)
    text = " ".join(deployed.lines)
    for line in ("GET /health: 200", "GET /ready: 200", "signed in as owner of org_", "image img_", "report with 2"):
        assert line in text
    assert "migrations: none pending" in deployed.lines


def test_functions_have_the_settings_from_the_stacks(environment: Embedded, deployed: Output) -> None:
    functions = environment.client("lambda")
    pool = environment.aws.stacks.outputs(f"argus-{STAGE}-identity")
    role = f"arn:aws:iam::{environment.account_id}:role/argus-{STAGE}-{environment.region}"
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
        assert variables["ARGUS_LINK_ROLE"] == f"{role}-links"
        assert found["Role"] == f"{role}-{function.suffix.removeprefix('_') or 'api'}"
        assert found["Runtime"] == "python3.11"


def test_the_api_is_regional_throttled_and_logs_its_requests(environment: Embedded, deployed: Output) -> None:
    """Requests that do not reach the function are visible only in the access log."""
    template = environment.client("cloudformation").get_template(StackName=f"argus-{STAGE}")["TemplateBody"]
    assert template["Resources"]["Api"]["Properties"]["EndpointConfiguration"] == {"Types": ["REGIONAL"]}
    apigateway = environment.client("apigateway")
    (api,) = [one for one in apigateway.get_rest_apis()["items"] if one["name"] == f"argus-{STAGE}"]
    stage = apigateway.get_stage(restApiId=api["id"], stageName=STAGE)
    settings = stage["methodSettings"]["*/*"]
    assert (settings["throttlingRateLimit"], settings["throttlingBurstLimit"]) == (200, 400)
    group = f"arn:aws:logs:eu-west-1:{environment.account_id}:log-group:/aws/apigateway/argus-{STAGE}"
    assert stage["accessLogSettings"]["destinationArn"] == group
    line = json.loads(stage["accessLogSettings"]["format"])
    assert not [value for value in line.values() if "sourceIp" in value or "querystring" in value.lower()]


def test_the_queues_leave_the_api_room_in_a_new_account(environment: Embedded, deployed: Output) -> None:
    mappings = environment.aws.stacks.declared("AWS::Lambda::EventSourceMapping")
    most = [int(mapping["ScalingConfig"]["MaximumConcurrency"]) for mapping in mappings]
    assert (most, environment.concurrency) == ([2, 2, 2], 10)
    assert "of 10 functions at once, queues use at most 6, which leaves 4 to the API" in deployed.lines


def test_a_tag_that_may_not_be_activated_does_not_stop_the_deployment(deployed: Output) -> None:
    """AWS knows a tag a day after its first use."""
    assert any(line.startswith("the budget counts nothing yet") for line in deployed.lines)


def test_without_ses_the_deployment_says_how_many_mails_cognito_sends(deployed: Output) -> None:
    assert any("Cognito, which sends at most 50 a day" in line for line in deployed.lines)


def test_a_table_with_another_key_than_the_functions_may_use_stops_the_deployment(
    environment: Embedded, deployed: Output
) -> None:
    table = f"argus-{STAGE}-imagery"
    key = environment.client("dynamodb").describe_table(TableName=table)["Table"]["SSEDescription"]["KMSMasterKeyArn"]
    deployment = steps.prepare(STAGE, environment, {}, Output())
    deployment.values["KeyArn"] = key
    steps.check_keys(deployment)
    deployment.values["KeyArn"] = "arn:aws:kms:eu-west-1:123456789012:key/other"
    with pytest.raises(CannotBeImported, match=f"could not read .*{table}: {key}"):
        steps.check_keys(deployment)


def test_the_smoke_test_deletes_its_user_and_image(environment: Embedded, deployed: Output) -> None:
    pool = environment.aws.stacks.outputs(f"argus-{STAGE}-identity")["UserPoolId"]
    assert environment.client("cognito-idp").list_users(UserPoolId=pool)["Users"] == []
    bucket = f"argus-{STAGE}-media-{environment.account_id}-{environment.region}"
    keys = [entry["Key"] for entry in environment.client("s3").list_objects_v2(Bucket=bucket)["Contents"]]
    assert [key for key in keys if "/images/" in key] == []


@contextmanager
def without(environment: Embedded, lacking: str) -> Iterator[None]:
    """Without one permission of the API's role."""
    role = {"RoleName": f"argus-{STAGE}-{environment.region}-api", "PolicyName": "permissions"}
    iam = environment.client("iam")
    policy = iam.get_role_policy(**role)["PolicyDocument"]
    left = [
        {**entry, "Action": kept}
        for entry in policy["Statement"]
        if (kept := [action for action in entry["Action"] if action != lacking])
    ]
    iam.put_role_policy(**role, PolicyDocument=json.dumps({**policy, "Statement": left}))
    try:
        yield
    finally:
        iam.put_role_policy(**role, PolicyDocument=json.dumps(policy))


def refused(lacking: str, on: str) -> Any:
    expected = f"argus-{STAGE}-eu-west-1-api is not authorized to perform {lacking} on resource: .*{on}"
    return pytest.raises(NotAllowed, match=expected)


def test_a_missing_permission_fails_the_rehearsal_and_is_named(environment: Embedded, deployed: Output) -> None:
    deployment = steps.prepare(STAGE, environment, {}, Output())
    for name in ("identity", "realtime"):
        deployment.values |= environment.aws.stacks.outputs(f"argus-{STAGE}-{name}")
    deployment.values["RestApiId"] = deployment.zappa.rest_api_id()
    with without(environment, "sqs:SendMessage"), refused("sqs:SendMessage", "argus-local-jobs"):
        steps.smoke_test(deployment)


def test_a_refusal_that_argus_handles_fails_the_rehearsal_too(environment: Embedded, deployed: Output) -> None:
    """Rate limits fail open: only the enforcer knows that a count was refused."""
    values = {"RestApiId": steps.prepare(STAGE, environment, {}, Output()).zappa.rest_api_id()}
    with (
        without(environment, "dynamodb:UpdateItem"),
        refused("dynamodb:UpdateItem", "table/argus-local-requests"),
        environment.api_endpoint(STAGE, values) as url,
    ):
        httpx.get(f"{url}/api/v1/sign-in", timeout=60)


def test_a_function_that_fails_behind_a_queue_fails_the_rehearsal(
    environment: Embedded, deployed: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The queue only delivers the message again, and the smoke test may not depend on its job."""
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


@contextmanager
def closed(*_: Any) -> Iterator[str]:
    yield "http://127.0.0.1:9"


@pytest.fixture
def _no_smoke(monkeypatch: pytest.MonkeyPatch) -> None:
    """Skip the smoke test: the first test has run it."""
    monkeypatch.setattr(Embedded, "api_endpoint", closed)
    monkeypatch.setattr(smoke, "run", lambda *_: None)


@pytest.fixture(scope="module")
def rolled_back(environment: Embedded, next_release: Embedded) -> tuple[Output, list[str], dict[str, Any]]:
    """A release that failed its smoke test: the output, and the hashes and the worker as they were at that test.

    One function of each package, because each start of Zappa costs seconds; a later test names all, without it.
    """
    api, worker, *_ = FUNCTIONS
    functions, output, name = environment.client("lambda"), Output(), {"FunctionName": worker.name(STAGE)}
    variables = functions.get_function_configuration(**name)["Environment"]["Variables"]
    functions.update_function_configuration(**name, Environment={"Variables": {**variables, "ARGUS_DROPPED": "1"}})
    functions.put_function_concurrency(**name, ReservedConcurrentExecutions=7)
    hashes_then: list[str] = []
    worker_then: dict[str, Any] = {}

    def failing(*_: Any) -> None:
        hashes_then.extend(running(environment)[:2])
        worker_then.update(functions.get_function_configuration(**name)["Environment"]["Variables"])
        worker_then.update(functions.get_function_concurrency(**name))
        raise smoke.SmokeFailed("no image is ever ready")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(steps, "FUNCTIONS", (api, worker))
        patch.setattr(Embedded, "api_endpoint", closed)
        patch.setattr(smoke, "run", failing)
        with pytest.raises(smoke.SmokeFailed, match="no image is ever ready"):
            steps.deploy(steps.prepare(STAGE, next_release, {}, output))
    return output, hashes_then, worker_then


def test_a_release_that_fails_its_smoke_test_is_rolled_back(
    environment: Embedded, next_release: Embedded, rolled_back: tuple[Output, list[str], dict[str, Any]]
) -> None:
    output, hashes_then, _ = rolled_back
    assert set(hashes(environment)).isdisjoint(hashes(next_release))
    assert hashes_then == hashes(next_release)[:2]
    assert f"argus-{STAGE}-data: no changes" in output.lines
    assert f"the functions' logs are /aws/lambda/argus-{STAGE}*" in output.lines
    assert running(environment) == hashes(environment)


def test_an_update_removes_variables_that_are_no_longer_declared_and_keeps_reserved_concurrency(
    rolled_back: tuple[Output, list[str], dict[str, Any]],
) -> None:
    """Zappa alone would do the opposite of both."""
    _, _, worker = rolled_back
    assert worker["ARGUS_STAGE"] == STAGE
    assert "ARGUS_DROPPED" not in worker
    assert worker["ReservedConcurrentExecutions"] == 7


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
    output = Output()
    steps.deploy(steps.prepare(STAGE, next_release, {}, output))
    assert output.lines[-1].startswith("`make rollback` returns to ")
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
    assert f"AWS::S3::Bucket argus-{STAGE}-media-{environment.account_id}-{environment.region}" in retained


def test_the_deployers_policy_allows_all_calls_of_deployment_and_deletion(recorded: set[str]) -> None:
    """Also those of Zappa. The tests themselves use the same credentials, for a few more calls."""
    assert {"lambda:UpdateFunctionCode", "apigateway:Patch", "cloudformation:DeleteStack"} <= recorded
    assert {one for one in recorded if not is_allowed(one)} <= {"sts:AssumeRole"}  # of the rehearsal


def test_a_stage_that_is_deployed_again_takes_over_what_was_kept(environment: Embedded, deployed: Output) -> None:
    """After the previous test, without the functions, which need seconds. The roles may use the key of the tables."""
    dynamodb, cognito = environment.client("dynamodb"), environment.client("cognito-idp")
    dynamodb.put_item(TableName=f"argus-{STAGE}-imagery", Item={"pk": {"S": "kept"}, "sk": {"S": "kept"}})
    pools = cognito.list_user_pools(MaxResults=60)["UserPools"]
    (pool,) = [one["Id"] for one in pools if one["Name"] == f"argus-{STAGE}"]
    key = dynamodb.describe_table(TableName=f"argus-{STAGE}-imagery")["Table"]["SSEDescription"]["KMSMasterKeyArn"]

    output = Output()
    deployment = steps.prepare(STAGE, environment, {}, output)
    for name, step in steps.STEPS:
        if name == "migrations":
            break
        step(deployment)
    assert f"argus-{STAGE}-identity: deployed, imported UserPool" in output.lines
    expected = "Key, UploadsDeadQueue, JobsDeadQueue, ScansDeadQueue"
    assert f"argus-{STAGE}-data: deployed, imported {expected}" in output.lines
    assert (deployment.values["UserPoolId"], deployment.values["KeyArn"]) == (pool, key)
    role = {"RoleName": f"argus-{STAGE}-{environment.region}-worker", "PolicyName": "permissions"}
    policy = environment.client("iam").get_role_policy(**role)["PolicyDocument"]
    assert key in [statement["Resource"] for statement in policy["Statement"]]
    found = dynamodb.get_item(TableName=f"argus-{STAGE}-imagery", Key={"pk": {"S": "kept"}, "sk": {"S": "kept"}})
    assert "Item" in found


def test_capabilities_are_deployed_after_the_roles_that_they_extend() -> None:
    order = [plan.template for plan in plans.PLANS]
    capabilities = [path.stem for path in capability_templates()]
    first = order.index("roles") + 1
    assert order[first : first + len(capabilities)] == capabilities


def test_every_template_is_deployed() -> None:
    assert {plan.template for plan in plans.PLANS} == {path.stem for path in (ROOT / "infra").glob("*.yaml")}
    deployed = [step.keywords["plan"] for _, step in steps.STEPS if hasattr(step, "keywords")]
    assert deployed == list(plans.PLANS)


@pytest.mark.parametrize("plan", plans.PLANS, ids=lambda plan: plan.name("dev", "eu-west-1"))
def test_a_template_is_within_the_size_limit(plan: plans.Plan) -> None:
    names = {"Stage": "production", "AWS::AccountId": "123456789012", "AWS::Region": "ap-southeast-1"}
    text = Template.read(plan.path).with_literal_names(names).text()
    assert len(text.encode()) <= 51_200  # TemplateBody of CreateChangeSet


@pytest.mark.parametrize("domain", ["", "argus.example"], ids=["without a domain", "with a domain"])
def test_every_parameter_without_default_has_a_value(monkeypatch: pytest.MonkeyPatch, domain: str) -> None:
    """A domain needs stacks in two regions, which the embedded AWS does not support: here they only return outputs."""
    given: dict[str, dict[str, str]] = {}

    def deploy(_: ChangeSets, name: str, *, parameters: dict[str, str], **__: Any) -> bool:
        given[name.removeprefix("argus-staging-")] = parameters
        return True

    def outputs(_: ChangeSets, name: str) -> dict[str, str]:
        plan = next(plan for plan in plans.PLANS if plan.name("staging", "eu-west-1") == name)
        return {output: f"{name}/{output}" for output in Template.read(plan.path).outputs}

    monkeypatch.setattr(ChangeSets, "deploy", deploy)
    monkeypatch.setattr(ChangeSets, "outputs", outputs)
    monkeypatch.setattr(Account, "account_id", "123456789012")
    account = Account("eu-west-1")
    monkeypatch.setattr(Account, "client", lambda _, service, region="": (service, region))
    options = Options(domain=domain, hosted_zone_id=domain and "Z1")
    values = {"Stage": "staging", "HomeRegion": account.region, "RestApiId": "a1"}
    values |= {"Domain": options.domain, "HostedZoneId": options.hosted_zone_id}
    deployment = steps.Deployment("staging", account, options, Output(), values)
    for plan in plans.PLANS:
        steps.deploy_stack(deployment, plan)
    for plan in plans.PLANS:
        if domain or not plan.needs_domain:
            name = deployment.stack_name(plan).removeprefix("argus-staging-")
            Template.read(plan.path).parameters(given[name])  # raises for what has no value
    assert ("firewall-cdn-eu-west-1" in given) is bool(domain)
    if domain:
        assert given["firewall-cdn-eu-west-1"] == {
            "Stage": "staging",
            "HomeRegion": "eu-west-1",
            "Scope": "CLOUDFRONT",
            "Name": "argus.example",
            "HostedZoneId": "Z1",
        }
        assert given["firewall"] | given["edge"] == {
            "Stage": "staging",
            "HomeRegion": "eu-west-1",
            "Scope": "REGIONAL",
            "Name": "api.argus.example",
            "HostedZoneId": "Z1",
            "RestApiId": "a1",
            "Domain": "argus.example",
            "ApiWebAclArn": "argus-staging-firewall/WebAclArn",
            "ApiCertificateArn": "argus-staging-firewall/CertificateArn",
            "CdnWebAclArn": "argus-staging-firewall-cdn-eu-west-1/WebAclArn",
            "CdnCertificateArn": "argus-staging-firewall-cdn-eu-west-1/CertificateArn",
        }


def test_a_stack_that_fails_names_the_resource_and_stops_the_deployment(
    environment: Embedded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "broken.yaml").write_text('Resources: {Queue: {Type: AWS::SQS::Queue, Properties: {QueueName: "no!"}}}')
    broken = partial(steps.deploy_stack, plan=plans.Plan("broken", folder=tmp_path))
    monkeypatch.setattr(steps, "STEPS", (("broken", broken), *steps.STEPS))
    output = Output()
    with pytest.raises(NotAsDeclared, match=f"argus-{STAGE}-broken: Queue: .*InvalidParameterValue"):
        steps.deploy(steps.prepare(STAGE, environment, {}, output))
    assert output.steps() == ["broken"]
