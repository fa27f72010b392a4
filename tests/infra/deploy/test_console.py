"""The console is published to its host: CloudFront's bucket on the embedded AWS, and Amplify through its API."""

import json
import os
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import boto3
import pytest
import yaml

from infra.deploy import console, steps
from infra.deploy.options import BadOption, Options
from infra.deploy.package import ROOT
from infra.embedded.aws import EmbeddedAws

APP, BUCKET = "d1a2b3c4", "argus-console-test"
OUTPUTS = {
    "ApiUrl": "https://api.argus.example",
    "ClientId": "client",
    "Issuer": "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_pool",
    "SocketUrl": "wss://socket.example/staging",
    "ConsoleBucketName": BUCKET,
    "MediaBucketName": "argus-staging-media-123456789012-eu-west-1",
    "Domain": "",
}
VARIABLES = console.variables("eu-west-1", OUTPUTS)
FILES = {"main.0123456789.js": "go()", "style.0123456789.css": "a{}", "icon.0123456789.svg": "<svg/>"}


# ---------------------------------------------------------------- Amplify


@dataclass
class Amplify:
    """One app with branches, as in the Amplify API reference: GetApp, GetBranch, UpdateBranch, StartJob."""

    branches: dict[str, dict[str, str]] = field(default_factory=dict)
    jobs: list[tuple[str, str]] = field(default_factory=list)
    building: bool = False
    production: str = "main"

    def respond(self, method: str, path: str, request: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        match method, path.strip("/").split("/"):
            case "GET", ["apps", app_id] if app_id == APP:
                production = {"productionBranch": {"branchName": self.production}} if self.production else {}
                return 200, {"app": {"appId": app_id, "defaultDomain": f"{app_id}.amplifyapp.com", **production}}
            case "GET", ["apps", _, "branches"]:
                return 200, {"branches": [{"branchName": name, "displayName": name} for name in self.branches]}
            case "GET", ["apps", _, "branches", name] if name in self.branches:
                return 200, {"branch": {"branchName": name, "environmentVariables": self.branches[name]}}
            case "POST", ["apps", _, "branches", name] if name in self.branches:
                self.branches[name] = request["environmentVariables"]
                return 200, {"branch": {"branchName": name}}
            case "POST", ["apps", _, "branches", name, "jobs"] if self.building:
                return 429, {"code": "LimitExceededException", "message": f"{name} has a running job"}
            case "POST", ["apps", _, "branches", name, "jobs"]:
                self.jobs.append((name, request["jobType"]))
                return 200, {"jobSummary": {"jobId": str(len(self.jobs))}}
        return 404, {"code": "NotFoundException", "message": path}


@pytest.fixture
def amplify() -> Iterator[tuple[Amplify, Any]]:
    """The app, and a boto3 client of it."""
    app = Amplify({"main": {"OTHER": "stays", "ARGUS_REGION": "eu-north-1"}, "staging": {}})

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            status, response = app.respond(self.command, self.path, json.loads(body or b"{}"))
            text = json.dumps(response).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(text)))
            if status != 200:
                self.send_header("x-amzn-ErrorType", response["code"])
            self.end_headers()
            self.wfile.write(text)

        def do_POST(self) -> None:
            self.do_GET()

        def log_message(self, *_: Any) -> None:
            """Requests are not logged."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        client = boto3.client(
            "amplify",
            endpoint_url=f"http://127.0.0.1:{server.server_port}",
            region_name="eu-west-1",
            aws_access_key_id="unused",
            aws_secret_access_key="unused",
        )
        yield app, client
        client.close()
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(("branch", "expected"), [("", "main"), ("staging", "staging")])
def test_publishing_sets_the_variables_of_the_branch_and_builds_it(
    amplify: tuple[Amplify, Any], branch: str, expected: str
) -> None:
    app, client = amplify
    before = app.branches[expected]
    result = console.AmplifyBranch(client, APP, branch).publish(VARIABLES)
    assert result == f"branch {expected}: variables set, build 1 started"
    assert app.jobs == [(expected, "RELEASE")]
    assert app.branches[expected] == {**before, **VARIABLES}


def test_the_media_origin_is_the_domain_as_in_the_settings_of_the_api() -> None:
    assert (VARIABLES["ARGUS_MEDIA_BUCKET"], VARIABLES["ARGUS_MEDIA_ORIGIN"]) == (OUTPUTS["MediaBucketName"], "")
    variables = console.variables("eu-west-1", {**OUTPUTS, "Domain": "argus.example"})
    assert variables["ARGUS_MEDIA_ORIGIN"] == "https://argus.example"


def test_a_branch_with_a_running_build_gets_its_variables_and_the_deployer_a_hint(amplify: tuple[Amplify, Any]) -> None:
    app, client = amplify
    app.building = True
    assert "start another one when it has finished" in console.AmplifyBranch(client, APP, "").publish(VARIABLES)
    assert app.branches["main"]["ARGUS_REGION"] == "eu-west-1"


def test_amplify_builds_the_console_from_the_variables_that_are_set() -> None:
    text = (ROOT / "amplify.yml").read_text()
    written = yaml.safe_load(text)
    (application,) = written["applications"]
    frontend = application["frontend"]
    folder = ROOT / application["appRoot"]
    assert (written["version"], folder) == (1, console.SOURCE)
    assert [frontend["phases"][phase]["commands"] for phase in ("preBuild", "build")] == [
        ["npm ci --omit=dev"],
        ["npm run build"],
    ]
    assert "build" in json.loads((folder / "package.json").read_text())["scripts"]
    assert (folder / "package-lock.json").is_file()
    assert folder / frontend["artifacts"]["baseDirectory"] == console.DIST
    assert frontend["artifacts"]["files"] == ["**/*"]
    read = set(re.findall(r"ARGUS_[A-Z_]+", (folder / "build.mjs").read_text()))
    assert set(re.findall(r"ARGUS_[A-Z_]+", text)) == read == set(VARIABLES)


# ---------------------------------------------------------------- CloudFront


@pytest.fixture
def dist(tmp_path: Path) -> Path:
    """A folder of files as build.mjs writes them."""
    for name, text in {**FILES, "index.html": "<html>", "config.json": "{}"}.items():
        (tmp_path / name).write_text(text)
    return tmp_path


@pytest.fixture
def hosted(aws: EmbeddedAws) -> Iterator[str]:
    """A bucket; returns the id of its distribution."""
    s3, cloudfront = aws.client("s3"), aws.client("cloudfront")
    s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": aws.region})
    origin = {"Id": "o", "DomainName": f"{BUCKET}.s3.amazonaws.com", "S3OriginConfig": {"OriginAccessIdentity": ""}}
    distribution = cloudfront.create_distribution(
        DistributionConfig={
            "CallerReference": os.urandom(8).hex(),
            "Comment": "",
            "Enabled": True,
            "Origins": {"Quantity": 1, "Items": [origin]},
            "DefaultCacheBehavior": {"TargetOriginId": "o", "ViewerProtocolPolicy": "https-only"},
        }
    )["Distribution"]
    yield distribution["Id"]
    for entry in s3.list_objects_v2(Bucket=BUCKET).get("Contents", []):
        s3.delete_object(Bucket=BUCKET, Key=entry["Key"])
    s3.delete_bucket(Bucket=BUCKET)


def test_files_are_immutable_or_revalidated_on_each_request(aws: EmbeddedAws, hosted: str, dist: Path) -> None:
    s3, cloudfront = aws.client("s3"), aws.client("cloudfront")
    assert console.Distribution(s3, cloudfront, BUCKET, hosted).publish(dist) == 5
    found = {name: s3.head_object(Bucket=BUCKET, Key=name) for name in (*FILES, "index.html", "config.json")}
    immutable = "public, max-age=31536000, immutable"
    assert {name: (one["ContentType"], one["CacheControl"]) for name, one in found.items()} == {
        "main.0123456789.js": ("text/javascript; charset=utf-8", immutable),
        "style.0123456789.css": ("text/css; charset=utf-8", immutable),
        "icon.0123456789.svg": ("image/svg+xml", immutable),
        "index.html": ("text/html; charset=utf-8", "no-cache"),
        "config.json": ("application/json", "no-cache"),
    }
    (invalidation,) = cloudfront.list_invalidations(DistributionId=hosted)["InvalidationList"]["Items"]
    found = cloudfront.get_invalidation(DistributionId=hosted, Id=invalidation["Id"])["Invalidation"]
    assert found["InvalidationBatch"]["Paths"]["Items"] == ["/", "/config.json", "/index.html"]


def test_the_page_is_uploaded_after_the_files_that_it_references(dist: Path) -> None:
    put: list[str] = []

    class Recorder:
        def put_object(self, *, Key: str, **_: Any) -> None:
            put.append(Key)

        def create_invalidation(self, **_: Any) -> None:
            put.append("invalidation")

    console.Distribution(Recorder(), Recorder(), BUCKET, "E1").publish(dist)
    assert put[-3:] == ["config.json", "index.html", "invalidation"]


@pytest.mark.parametrize("wrong", ["index.html", "config.json", "notes.txt"])
def test_an_incomplete_build_is_not_published(aws: EmbeddedAws, hosted: str, dist: Path, wrong: str) -> None:
    if wrong == "notes.txt":
        (dist / wrong).write_text("mine")
    else:
        (dist / wrong).unlink()
    with pytest.raises(console.ConsoleNotBuilt, match=wrong):
        console.Distribution(aws.client("s3"), aws.client("cloudfront"), BUCKET, hosted).publish(dist)
    assert "Contents" not in aws.client("s3").list_objects_v2(Bucket=BUCKET)


def test_without_node_the_error_names_the_required_version(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(console.ConsoleNotBuilt, match=r"Node\.js 20"):
        console.build(VARIABLES)


# ---------------------------------------------------------------- the step


@dataclass
class Environment:
    """The environment of the step: its clients."""

    clients: dict[str, Any]
    region: str = "eu-west-1"

    def client(self, service: str) -> Any:
        return self.clients[service]


def publish(environment: Environment, options: Options, **outputs: str) -> list[str]:
    """Run the step; returns the lines that it prints."""
    lines: list[str] = []
    steps.publish_console(steps.Deployment("staging", environment, options, lines.append, {**OUTPUTS, **outputs}))  # type: ignore[arg-type]
    return lines


def test_the_step_publishes_to_every_host(
    aws: EmbeddedAws, amplify: tuple[Amplify, Any], hosted: str, dist: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    built: list[Any] = []
    monkeypatch.setattr(console, "build", lambda variables: built.append(variables) or dist)
    environment = Environment({"amplify": amplify[1], "s3": aws.client("s3"), "cloudfront": aws.client("cloudfront")})
    options = Options(amplify_app_id=APP, domain="argus.example", hosted_zone_id="Z1")
    assert publish(environment, options, DistributionId=hosted) == [
        "Amplify: branch main: variables set, build 1 started",
        "https://argus.example: 5 files uploaded",
    ]
    assert built == [VARIABLES]


def test_without_a_host_the_step_is_skipped() -> None:
    assert publish(Environment({}), Options()) == [
        "console: skipped, the stage has neither a domain nor an Amplify app"
    ]


# ---------------------------------------------------------------- checks before the deployment


@dataclass
class Parameters:
    """SSM, which records the names of parameters."""

    stored: list[str] = field(default_factory=list)

    def put_parameter(self, *, Name: str, **_: Any) -> None:
        self.stored.append(Name)


def save_options(amplify: Any, options: Options) -> tuple[list[str], list[str]]:
    """Run the first step; returns the parameters that it stores and the lines that it prints."""
    parameters, lines = Parameters(), list[str]()
    environment = Environment({"amplify": amplify, "ssm": parameters})
    try:
        steps.save_options(steps.Deployment("staging", environment, options, lines.append, {}))  # type: ignore[arg-type]
    except (BadOption, console.ConsoleNotBuilt) as error:
        lines.append(str(error))
    return parameters.stored, lines


@pytest.mark.parametrize(
    ("app_id", "branch", "reason"),
    [
        (APP, "", f"Amplify app {APP} has no production branch; name a branch with --amplify-branch"),
        (APP, "next", f"Amplify app {APP} has no branch next"),
        ("d9", "main", "Amplify app d9 does not exist in this account and region"),
    ],
    ids=["no production branch", "no such branch", "no such app"],
)
def test_a_branch_that_does_not_exist_stops_the_deployment_before_anything_is_changed(
    amplify: tuple[Amplify, Any], app_id: str, branch: str, reason: str
) -> None:
    app, client = amplify
    app.production = ""
    assert save_options(client, Options(amplify_app_id=app_id, amplify_branch=branch)) == ([], [reason])


def test_a_branch_that_exists_is_stored(amplify: tuple[Amplify, Any]) -> None:
    stored, lines = save_options(amplify[1], Options(amplify_app_id=APP))
    assert stored == ["/argus/staging/options"]
    assert lines[1:] == [f"web origins: https://main.{APP}.amplifyapp.com, https://staging.{APP}.amplifyapp.com"]


def test_without_node_a_deployment_that_builds_the_console_does_not_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert save_options(None, Options(domain="argus.example", hosted_zone_id="Z1")) == (
        [],
        ["npm was not found; install Node.js 20 or newer, with npm"],
    )
    assert save_options(None, Options())[0] == ["/argus/staging/options"]
