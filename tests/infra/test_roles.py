"""Roles allow exactly the calls of their functions: read from the source, and observed in a journey."""

import ast
import importlib
import itertools
import json
import os
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import boto3
import pytest
from botocore import xform_name
from botocore.exceptions import ClientError

from argus.app import create_app
from argus.container import Container
from argus.core import signing
from argus.core.background import MAX_CHECKS
from argus.core.secrets import Secrets, SecretUnavailable
from argus.core.settings import Settings
from argus.imagery.model import ImageState
from infra.embedded.aws import EmbeddedAws, StackOutputs
from infra.embedded.clients import Clients
from infra.embedded.permissions import Permission, applies_to, is_allowed, required_permissions
from infra.templates import INFRA, Template, capability_templates
from services.local import events
from services.local.demo.scenes import flir_scene
from services.local.sockets import Sockets
from services.local.sqs_poller import Handler
from services.realtime import main as realtime
from services.scanner import main as scanner
from services.scheduler import main as scheduler
from services.worker import main as worker
from tests.conftest import Issuer, MovableClock, Person, Workers
from tests.imagery.uploads import announce, send
from tests.infra.test_rules import ACCOUNT_ID, LONGEST_REGION, REGION, TEMPLATES, Templates, properties, resources
from tests.resources import CONFLICTS, Resources, calls
from tests.scanning.scripted import add_network_plugin

TEMPLATE = TEMPLATES["roles"]
FUNCTIONS = ("api", "worker", "scanner", "scheduler", "realtime")
ROLES = (*FUNCTIONS, "links")
SOCKET_STAGE = "SocketApi/test"  # a reference to the WebSocket API of realtime.yaml
TESTS = Path(__file__).parents[1]
SRC = TESTS.parent / "src" / "argus"
INLINE_CHARACTERS = 10_240  # of all inline policies of a role, without white space ("IAM and STS quotas")

# The IAM actions of each boto3 method that the source calls. A transaction needs the actions of its writes (DynamoDB
# developer guide, "IAM and transactions"); HEAD needs the same as GET, and for a bucket ListBucket.
VERBS = {
    "get_item": {"dynamodb:GetItem"},
    "batch_get_item": {"dynamodb:BatchGetItem"},
    "put_item": {"dynamodb:PutItem"},
    "update_item": {"dynamodb:UpdateItem"},
    "delete_item": {"dynamodb:DeleteItem"},
    "query": {"dynamodb:Query"},
    "batch_write_item": {"dynamodb:BatchWriteItem"},
    "transact_write_items": {"dynamodb:PutItem", "dynamodb:UpdateItem"},
    "get_object": {"s3:GetObject", "s3:GetObjectVersion"},
    "head_object": {"s3:GetObject"},
    "head_bucket": {"s3:ListBucket"},
    "put_object": {"s3:PutObject"},
    "list_object_versions": {"s3:ListBucketVersions"},
    "delete_objects": {"s3:DeleteObjectVersion"},
    "send_message": {"sqs:SendMessage"},
    "send_message_batch": {"sqs:SendMessage"},
    "get_queue_attributes": {"sqs:GetQueueAttributes"},
    "get_parameter": {"ssm:GetParameter"},
    "get_secret_value": {"secretsmanager:GetSecretValue"},
    "assume_role": {"sts:AssumeRole"},
    "post_to_connection": {"execute-api:ManageConnections"},
}

# Actions of AWS in the role, without a call of Argus.
DONE_BY_AWS = {
    "kms:Decrypt": "tables and bucket are under the stage's key",
    "kms:GenerateDataKey": "tables and bucket are under the stage's key",
    "lambda:InvokeFunction": "API Gateway calls the function as the role that Zappa gives it",
    "logs:CreateLogStream": "Lambda writes the log",
    "logs:PutLogEvents": "Lambda writes the log",
    "sqs:ReceiveMessage": "Lambda polls the queues",
    "sqs:DeleteMessage": "Lambda polls the queues",
    "xray:GetSamplingRules": "the X-Ray daemon beside the function",
    "xray:GetSamplingTargets": "the X-Ray daemon beside the function",
    "xray:PutTelemetryRecords": "the X-Ray daemon beside the function",
    "xray:PutTraceSegments": "the X-Ray daemon beside the function",
}


@dataclass
class Watch:
    """The permissions that each role used."""

    seen: dict[str, set[Permission]] = field(default_factory=lambda: {name: set() for name in ROLES})
    who: str = "api"

    def note(self, use: Permission) -> None:
        self.seen[self.who].add(use)

    def note_link(self, use: Permission) -> None:
        """A link has the permissions of its signer."""
        self.seen["links"].add(use)


@dataclass(frozen=True)
class Policy:
    """An inline policy of a role, and the template that adds it.

    The template's metadata gives the reasons of statements that need one: `EveryResource` for a resource `*`,
    `NotUsedInJourney` for statements that the journey below does not need.
    """

    template: str
    name: str
    document: Mapping[str, Any]
    metadata: Mapping[str, Mapping[str, str]]

    @property
    def statements(self) -> list[dict[str, Any]]:
        return [
            {**entry, "Resource": [entry["Resource"]] if isinstance(entry["Resource"], str) else entry["Resource"]}
            for entry in self.document["Statement"]
        ]

    def reasons(self, kind: str) -> Mapping[str, str]:
        return self.metadata.get(kind, {})


def policies(role_name: str, among: Templates = TEMPLATES, stage: str = "test") -> list[Policy]:
    """The role's own policy, and one of each template that adds to the role."""
    own = among["roles"].resources[f"{role_name.capitalize()}Role"]
    found = [
        Policy("roles", policy["PolicyName"], policy["PolicyDocument"], own.get("Metadata", {}))
        for policy in properties(among["roles"], own, stage)["Policies"]
    ]
    for template, _, resource in (case.values for case in resources("AWS::IAM::RolePolicy", among=among)):
        added = properties(template, resource, stage)
        if added["RoleName"] == f"argus-{stage}-{REGION}-{role_name}":
            document, metadata = added["PolicyDocument"], resource.get("Metadata", {})
            found.append(Policy(template.name, added["PolicyName"], document, metadata))
    return found


def statements(role_name: str, among: Templates = TEMPLATES) -> list[dict[str, Any]]:
    """The statements of a role in the stage of the tests."""
    return [entry for policy in policies(role_name, among) for entry in policy.statements]


# ---------------------------------------------------------------- templates


@pytest.mark.parametrize("name", ROLES)
def test_a_role_names_actions_and_resources_or_states_why_not(name: str) -> None:
    for policy in policies(name):
        everything = set()
        for statement in policy.statements:
            assert statement["Effect"] == "Allow"
            assert not [action for action in statement["Action"] if "*" in action], statement["Sid"]
            if "*" in statement["Resource"]:
                everything.add(statement["Sid"])
                continue
            for arn in statement["Resource"]:
                own_log = f"{name.capitalize()}Log.Arn"
                ours = ("argus-test", "/argus/test/", "argus/test/", own_log, ":key/", SOCKET_STAGE)
                assert any(part in arn for part in ours), arn
        assert everything == set(policy.reasons("EveryResource"))
        assert all(len(reason.split()) >= 5 for reason in policy.reasons("EveryResource").values())


@pytest.mark.parametrize("name", ROLES)
def test_statements_outside_the_journey_state_who_needs_them(name: str) -> None:
    for policy in policies(name):
        reasons = policy.reasons("NotUsedInJourney")
        assert reasons.keys() <= {entry["Sid"] for entry in policy.statements}
        assert all(len(reason.split()) >= 5 for reason in reasons.values())


@pytest.mark.parametrize(("template", "name", "resource"), resources("AWS::IAM::RolePolicy"))
def test_a_policy_is_named_after_its_template_and_belongs_to_a_declared_role(
    template: Template, name: str, resource: dict[str, Any]
) -> None:
    """Policies with the same name would replace each other, and these tests would miss one of an unknown role."""
    added = properties(template, resource, "test")
    assert added["PolicyName"] == template.name
    role_name = added["RoleName"].removeprefix(f"argus-test-{REGION}-")
    assert role_name in ROLES
    of_this_role = [one.name for one in policies(role_name)]
    assert of_this_role.count(template.name) == 1


def characters(role_name: str, among: Templates = TEMPLATES) -> int:
    """The size of a role's inline policies for IAM, with the longest names: `production` in a region of 14 letters."""
    text = json.dumps([policy.document for policy in policies(role_name, among, "production")])
    for placeholder, real in {
        REGION: LONGEST_REGION,
        "key/1234": "key/" + 36 * "0",
        "SocketApi": 10 * "a",
        "Log.Arn": 80 * "a",
    }.items():
        text = text.replace(placeholder, real)
    return len(re.sub(r"\s", "", text))


@pytest.mark.parametrize("name", ROLES)
def test_the_inline_policies_of_a_role_are_within_iams_limit(name: str) -> None:
    assert characters(name) < INLINE_CHARACTERS


@pytest.mark.parametrize("function", FUNCTIONS)
def test_only_lambda_and_for_the_api_the_gateway_can_assume_a_role(function: str) -> None:
    gateway = ["lambda.amazonaws.com", "apigateway.amazonaws.com"]
    assert _trusted(function) == {"Service": gateway if function == "api" else "lambda.amazonaws.com"}


def test_only_the_api_signs_links_in_sessions_of_the_maximum_duration() -> None:
    assert _trusted("links") == {"AWS": "ApiRole.Arn"}
    role = properties(TEMPLATE, TEMPLATE.resources["LinksRole"])
    assert timedelta(seconds=int(role["MaxSessionDuration"])) == signing.SESSION_DURATION


def _trusted(name: str) -> dict[str, Any]:
    role = properties(TEMPLATE, TEMPLATE.resources[f"{name.capitalize()}Role"])
    (trust,) = role["AssumeRolePolicyDocument"]["Statement"]
    principal: dict[str, Any] = trust["Principal"]
    return principal


def _methods() -> set[str]:
    """Every method of the clients that the source may create."""
    session = boto3.Session(aws_access_key_id="none", aws_secret_access_key="none", region_name="eu-west-1")
    clients = (
        session.client(name)
        for name in (
            "dynamodb",
            "s3",
            "sqs",
            "sts",
            "ssm",
            "secretsmanager",
            "sns",
            "kms",
            "lambda",
            "apigatewaymanagementapi",
        )
    )
    return {xform_name(operation) for client in clients for operation in client.meta.service_model.operation_names}


def _verbs_in(path: Path, methods: set[str]) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            continue
        first = node.args[0] if node.args else None
        if node.func.attr in {"get_paginator", "_conditional"} and isinstance(first, ast.Constant):
            yield first.value
        elif node.func.attr in methods and re.search(r"client|dynamodb|s3|sqs|sts", ast.unparse(node.func.value)):
            yield node.func.attr


def test_the_roles_allow_exactly_the_calls_of_the_source() -> None:
    methods = _methods()
    modules = [path for path in SRC.rglob("*.py") if "cli" not in path.parts]
    assert {verb for path in modules for verb in _verbs_in(path, methods)} == set(VERBS)
    called = set().union(*VERBS.values())
    allowed = {action for name in ROLES for entry in statements(name) for action in entry["Action"]}
    assert allowed == called | set(DONE_BY_AWS)


def _comments(path: Path) -> dict[str, str]:
    """The comments of a template beside the names of statements."""
    return dict(re.findall(r"- Sid: (\w+)  # (.+)", path.read_text()))


def _shown(arn: str) -> str:
    """A resource as the page shows it: the end of its ARN, without common parts."""
    if arn.startswith("arn:aws:kms"):
        return "the stage's key"
    if arn.endswith("Log.Arn"):
        return "its own log"
    short = re.sub(r"argus([-/])test", r"argus\1<stage>", arn.split(":", 5)[-1])
    short = short.replace(ACCOUNT_ID, "<account>").replace(REGION, "<region>")
    return f"`{short.replace(SOCKET_STAGE, '<api>/<stage>')}`"


def rows(folder: Path = INFRA, among: Templates = TEMPLATES) -> Iterator[str]:
    """The page's table of roles: actions, resources, reasons and templates."""
    for name in ROLES:
        for policy in policies(name, among):
            comments = _comments(folder / f"{policy.template}.yaml")
            for entry in policy.statements:
                words = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", entry["Sid"]).capitalize()
                why = f"{words}: {comments[entry['Sid']]}" if entry["Sid"] in comments else words
                (service,) = {action.split(":")[0] for action in entry["Action"]}
                actions = ", ".join(action.split(":")[1] for action in entry["Action"])
                on = ", ".join(_shown(arn) for arn in entry["Resource"])
                yield f"| {name} | {service}: {actions} | {on} | {why} | {policy.template} |"


def test_the_page_shows_the_current_roles() -> None:
    page = INFRA / "README.md"
    table = "\n".join(["| role | actions | resources | purpose | template |", "|---|---|---|---|---|", *rows()])
    text = page.read_text()
    written = re.sub(r"(?s)(<!-- roles -->\n).*(<!-- /roles -->)", rf"\g<1>{table}\n\g<2>", text)
    if os.environ.get("ARGUS_WRITE_DOCS"):
        page.write_text(written)
        return
    assert text == written, "run `make docs` and review the difference"


# ---------------------------------------------------------------- on the embedded AWS


@pytest.fixture(scope="module")
def made(aws: EmbeddedAws, outputs: StackOutputs) -> Mapping[str, str]:
    """The ARNs of the roles, created with the capabilities."""
    iam = aws.client("iam")
    return {name: iam.get_role(RoleName=f"argus-{aws.stage}-{aws.region}-{name}")["Role"]["Arn"] for name in ROLES}


@pytest.mark.parametrize("name", ROLES)
def test_a_role_has_exactly_the_policies_of_the_templates(aws: EmbeddedAws, made: Mapping[str, str], name: str) -> None:
    """A role has policies of several stacks."""
    found = aws.client("iam").list_role_policies(RoleName=made[name].rpartition("/")[2])["PolicyNames"]
    stacks = {"roles", *(path.stem for path in capability_templates())}
    assert sorted(found) == sorted(policy.name for policy in policies(name) if policy.template in stacks)


def test_the_scanner_may_use_no_bucket_and_only_the_table_of_scans() -> None:
    allowed = statements("scanner")
    assert not [action for entry in allowed for action in entry["Action"] if action.startswith("s3:")]
    tables = {arn.rpartition(":")[2] for entry in allowed for arn in entry["Resource"] if ":dynamodb:" in arn}
    assert tables == {"table/argus-test-scanning"}


IMAGE_READS: dict[str, Callable[[Clients, dict[str, str]], Any]] = {
    "its object": lambda clients, location: clients("s3").get_object(**location),
    "whether there is one": lambda clients, location: clients("s3").head_bucket(Bucket=location["Bucket"]),
    "its item": lambda clients, _: clients("dynamodb").get_item(
        TableName="argus-test-imagery", Key={"pk": {"S": "org_x#images"}, "sk": {"S": "img_x"}}
    ),
}


@pytest.fixture
def image_location(aws: EmbeddedAws, outputs: StackOutputs) -> Iterator[dict[str, str]]:
    """An original in the bucket, so that a refusal is not caused by a missing object."""
    location = {"Bucket": outputs.media_bucket, "Key": "org_x/images/img_x/original"}
    aws.client("s3").put_object(**location, Body=b"an image")
    yield location
    aws.client("s3").delete_object(**location)
    aws.refusals.clear()


@pytest.mark.parametrize("read", IMAGE_READS.values(), ids=IMAGE_READS)
def test_the_scanner_cannot_read_an_image_that_the_worker_can(
    aws: EmbeddedAws,
    made: Mapping[str, str],
    image_location: dict[str, str],
    read: Callable[[Clients, dict[str, str]], Any],
) -> None:
    with aws.as_role(made["worker"]) as worker_clients:
        read(worker_clients, image_location)
    with aws.as_role(made["scanner"]) as clients, pytest.raises(ClientError) as refused:
        read(clients, image_location)
    assert refused.value.response["Error"]["Code"] in {"AccessDenied", "AccessDeniedException", "403"}


@pytest.fixture(scope="module")
def link_role(made: Mapping[str, str]) -> str:
    """The role that signs links: on the embedded AWS a link has the permissions of its role."""
    return made["links"]


@pytest.fixture
def endpoint() -> Iterator[str]:
    """A gateway without connections: every recorded connection is gone."""
    with Sockets.start(realtime.handler) as sockets:
        yield sockets.endpoint


@pytest.fixture
def watched(
    settings: Settings, issuer: Issuer, clock: MovableClock, link_role: str, endpoint: str
) -> tuple[Watch, Container]:
    """An Argus whose calls to AWS are recorded."""
    own_settings = settings.changed(ARGUS_LINK_ROLE=link_role, ARGUS_CONNECTIONS_ENDPOINT=endpoint)
    container = Container(own_settings, clock=clock, fetch_keys=lambda _: issuer.jwks)
    watch = Watch()

    def note(params: Mapping[str, Any], model: Any, **_: Any) -> None:
        for use in required_permissions(model.service_model.service_name, model.name, {**params, "Api": SOCKET_STAGE}):
            watch.note(use)

    ours = [container.aws.client("dynamodb", fail_fast=fail_fast).meta for fail_fast in (False, True)]
    for each in (container.aws.session, *ours):
        each.events.register("provide-client-params", note)
    return watch, container


def _note_link(watch: Watch, url: str) -> None:
    parts = urlsplit(url)
    action = "s3:GetObjectVersion" if "versionId" in parse_qs(parts.query) else "s3:GetObject"
    watch.note_link(Permission(action, f"arn:aws:s3:::{unquote(parts.path.removeprefix('/'))}"))


def _note_links(watch: Watch, http: Person, links: Any) -> None:
    """Follow links to the API, and note all others."""
    if isinstance(links, Mapping):
        if "/api/v1/pictures" in links.get("url", ""):
            _note_link(watch, http.http.get(links["url"]).headers["Location"])
        elif "url" in links:
            _note_link(watch, links["url"])
        for value in links.values():
            _note_links(watch, http, value)


def _come_and_go(known: str, newcomer: str) -> None:
    """A known user connects and vanishes; a new user connects and disconnects."""
    for token, connection in ((known, "vanished="), (newcomer, "left=")):
        event = events.socket("$connect", connection, headers={"Authorization": token})
        assert realtime.handler(event, None)["statusCode"] == 200
    realtime.handler(events.socket("$disconnect", "left="), None)


def _travels() -> Iterator[Callable[[Person, Callable[[], None]], None]]:
    """The parts of capabilities in the journey: `travel(http, work)` in tests/<capability>/journey.py."""
    for path in sorted(TESTS.glob("*/journey.py")):
        yield importlib.import_module(f"tests.{path.parent.name}.journey").travel


def _drive(watch: Watch, argus: Container, http: Person, newcomer: str, workers: Workers, clock: MovableClock) -> None:
    """Everything that users, queues and the clock can cause, once."""
    work = workers.work
    assert http.get("/api/v1/me").status_code == 200
    argus.health.ready()
    watch.who = "realtime"
    _come_and_go(http.headers["Authorization"], newcomer)
    watch.who = "api"
    clock.move(minutes=1)  # a new connection is not deleted as gone yet
    data, _ = flir_scene(seed=9, width=160, height=120, leaks=2)
    item = announce(http, data)
    bucket = argus.settings.media_bucket
    watch.note_link(Permission("s3:PutObject", f"arn:aws:s3:::{bucket}/{item['upload']['fields']['key']}"))
    send(item, data)
    work()
    image = f"/images/{item['image_id']}"
    _note_links(watch, http, http.get(image).get_json()["links"])
    for path in ("/images", "/images?state=ready", f"{image}/temperature?x=1&y=1"):
        assert http.get(path).status_code == 200
    scan_body = {
        "target": {"kind": "image", "id": item["image_id"]},
        "plugins": [{"id": "thermal_hotspots", "options": {"delta_celsius": 5}}],
    }
    scan = http.post("/scans", scan_body, headers={"Idempotency-Key": "once"}).get_json()["id"]
    assert http.post("/scans", {**scan_body, "plugins": []}, headers={"Idempotency-Key": "bad"}).status_code == 422
    probed = {**scan_body, "plugins": [{"id": add_network_plugin(argus).id}]}
    assert http.post("/scans", probed).status_code == 202
    nobody = {**scan_body, "target": {"kind": "image", "id": "img_" + 26 * "0"}}
    assert http.post("/scans", nobody, headers={"Idempotency-Key": "worse"}).status_code == 404
    work()
    for path in ("/scans", f"/scans/{scan}", f"/scans/{scan}/findings", "/findings", "/findings/counts"):
        assert http.get(path).status_code == 200
    assert http.post(f"/scans/{http.post('/scans', scan_body).get_json()['id']}/cancel").status_code == 200
    for chosen in ("json", "pdf"):
        report = http.post("/reports", {"scan_id": scan, "format": chosen}).get_json()["id"]
        work()
        _note_links(watch, http, http.get(f"/reports/{report}").get_json())
    assert http.get("/reports").status_code == 200
    for travel in _travels():
        travel(http, work)
    for call in calls(http.http.application, Resources(http, workers)):
        assert call.by(http).status_code < 300 or call.rule.endpoint in CONFLICTS, call.name
    work()

    # Unfinished items: an upload that never arrives, a half-deleted image, an image and a run whose workers died three
    # times, and the items of POSTs that no worker claims.
    left = announce(http, data)
    half = announce(http, data)
    send(half, data)
    work()
    found = argus.imagery.store.get(http.organisation_id, half["image_id"])
    assert found is not None
    assert argus.imagery.store.save(found.deleting(next_check_at=clock() - timedelta(minutes=1))) is not None
    vanished = argus.imagery.store.get(http.organisation_id, announce(http, data)["image_id"])
    assert vanished is not None
    assert argus.imagery.store.save(replace(vanished, state=ImageState.PROCESSING, attempts=3)) is not None
    lost = argus.scanning.run_store.get(http.organisation_id, f"{http.post('/scans', scan_body).get_json()['id']}.00")
    assert lost is not None
    assert argus.scanning.run_store.save(replace(lost, attempts=3)) is not None
    for call in calls(http.http.application, Resources(http, workers)):
        if call.method == "POST":
            call.by(http)
    assert http.post("/scans", probed).status_code == 202
    clock.move(hours=3)
    watch.who = "scheduler"
    for _ in range(MAX_CHECKS + 1):
        scheduler.handler(scheduler.TICK, None)
        clock.move(hours=4)
    clock.move(hours=-4 * (MAX_CHECKS + 1))
    watch.who = "api"
    work()
    clock.move(hours=-3)
    assert http.get(f"/images/{left['image_id']}").get_json()["state"] == "rejected"
    assert http.get(f"/images/{half['image_id']}").status_code == 404
    assert http.delete(image).status_code == 204


@pytest.fixture
def seen(
    watched: tuple[Watch, Container],
    issuer: Issuer,
    aws: EmbeddedAws,
    outputs: StackOutputs,
    workers: Workers,
    clock: MovableClock,
    monkeypatch: pytest.MonkeyPatch,
    nothing_due: None,
) -> Watch:
    watch, argus = watched
    for service in (worker, scanner, scheduler, realtime):
        monkeypatch.setattr(service, "container", lambda: argus)

    def watched_by(name: str, handler: Handler) -> Handler:
        def handle(event: Any, context: None) -> Any:
            watch.who = name
            try:
                return handler(event, context)
            finally:
                watch.who = "api"

        return handle

    names = {worker.handler: "worker", scanner.handler: "scanner"}
    pollers = [replace(poller, handler=watched_by(names[poller.handler], poller.handler)) for poller in workers.pollers]
    headers = {"Authorization": f"Bearer {issuer.token(os.urandom(8).hex())}"}
    http = create_app(argus).test_client()
    organisation = Person(http, headers).get("/me").get_json()["organisation"]["id"]
    newcomer = f"Bearer {issuer.token(os.urandom(8).hex())}"
    _drive(watch, argus, Person(http, headers, organisation), newcomer, replace(workers, pollers=pollers), clock)
    return watch


def test_a_journey_uses_exactly_the_permissions_of_its_roles(seen: Watch) -> None:
    refused = {(name, use) for name, uses in seen.seen.items() for use in uses if not is_allowed(statements(name), use)}
    assert not refused
    idle = {
        (name, policy.template, entry["Sid"], action, arn.rsplit(":", 1)[-1])
        for name in ROLES
        for policy in policies(name)
        for entry in policy.statements
        if entry["Sid"] not in policy.reasons("NotUsedInJourney")
        for action, arn in itertools.product(set(entry["Action"]) - DONE_BY_AWS.keys(), entry["Resource"])
        if not any(applies_to({**entry, "Action": [action], "Resource": [arn]}, use) for use in seen.seen[name])
    }
    assert not idle


@pytest.fixture
def kept(aws: EmbeddedAws) -> Iterator[None]:
    """A DSN and the cursor secret, in both services that store secrets."""
    ssm, manager = aws.client("ssm"), aws.client("secretsmanager")
    names = ("argus/test/sentry-dsn", "argus/test/cursor-secret")
    for name in names:
        ssm.put_parameter(Name=f"/{name}", Value=f"of {name}", Type="SecureString", Overwrite=True)
        manager.create_secret(Name=name, SecretString=f"of {name}")
    yield
    for name in names:
        ssm.delete_parameter(Name=f"/{name}")
        manager.delete_secret(SecretId=name, ForceDeleteWithoutRecovery=True)
    aws.refusals.clear()


@pytest.mark.usefixtures("kept")
@pytest.mark.parametrize("location", ["ssm:/", "secretsmanager:"])
@pytest.mark.parametrize("function", FUNCTIONS)
def test_every_function_can_read_the_sentry_dsn_and_only_the_api_the_cursor_secret(
    aws: EmbeddedAws, made: Mapping[str, str], function: str, location: str
) -> None:
    with aws.as_role(made[function]) as clients:
        secrets = Secrets(clients)
        assert secrets.reveal(f"{location}argus/test/sentry-dsn") == "of argus/test/sentry-dsn"
        if function == "api":
            assert secrets.reveal(f"{location}argus/test/cursor-secret") == "of argus/test/cursor-secret"
        else:
            with pytest.raises(SecretUnavailable, match="AccessDenied"):
                secrets.reveal(f"{location}argus/test/cursor-secret")
