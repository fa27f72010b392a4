"""The console reaches whoever hosts it: CloudFront's bucket on the embedded AWS, Amplify in its own protocol."""

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

from services.deploy import console, steps
from services.deploy.options import BadOption, Options
from services.deploy.package import ROOT
from services.local.aws import EmbeddedAws

APP, BUCKET = "d1a2b3c4", "argus-console-test"
KNOWN = {
    "ApiUrl": "https://api.argus.example",
    "ClientId": "client",
    "Issuer": "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_pool",
    "SocketUrl": "wss://socket.example/staging",
    "ConsoleBucketName": BUCKET,
    "MediaBucketName": "argus-staging-media-123456789012",
    "Domain": "",
}
TOLD = console.variables("eu-west-1", KNOWN)
FILES = {"main.0123456789.js": "go()", "style.0123456789.css": "a{}", "icon.0123456789.svg": "<svg/>"}


# ---------------------------------------------------------------- Amplify


@dataclass
class Amplify:
    """One app with branches, as the Amplify API reference says it: GetApp, GetBranch, UpdateBranch, StartJob."""

    branches: dict[str, dict[str, str]] = field(default_factory=dict)
    jobs: list[tuple[str, str]] = field(default_factory=list)
    building: bool = False
    production: str = "main"

    def answer(self, method: str, path: str, asked: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        match method, path.strip("/").split("/"):
            case "GET", ["apps", app_id] if app_id == APP:
                production = {"productionBranch": {"branchName": self.production}} if self.production else {}
                return 200, {"app": {"appId": app_id, "defaultDomain": f"{app_id}.amplifyapp.com", **production}}
            case "GET", ["apps", _, "branches"]:
                return 200, {"branches": [{"branchName": name, "displayName": name} for name in self.branches]}
            case "GET", ["apps", _, "branches", name] if name in self.branches:
                return 200, {"branch": {"branchName": name, "environmentVariables": self.branches[name]}}
            case "POST", ["apps", _, "branches", name] if name in self.branches:
                self.branches[name] = asked["environmentVariables"]
                return 200, {"branch": {"branchName": name}}
            case "POST", ["apps", _, "branches", name, "jobs"] if self.building:
                return 429, {"code": "LimitExceededException", "message": f"{name} has a running job"}
            case "POST", ["apps", _, "branches", name, "jobs"]:
                self.jobs.append((name, asked["jobType"]))
                return 200, {"jobSummary": {"jobId": str(len(self.jobs))}}
        return 404, {"code": "NotFoundException", "message": path}


@pytest.fixture
def amplify() -> Iterator[tuple[Amplify, Any]]:
    """The app, and boto3's client of it."""
    app = Amplify({"main": {"THEIRS": "stays", "ARGUS_REGION": "eu-north-1"}, "staging": {}})

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            status, told = app.answer(self.command, self.path, json.loads(body or b"{}"))
            text = json.dumps(told).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(text)))
            if status != 200:
                self.send_header("x-amzn-ErrorType", told["code"])
            self.end_headers()
            self.wfile.write(text)

        def do_POST(self) -> None:
            self.do_GET()

        def log_message(self, *_: Any) -> None:
            """Not worth a line."""

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


@pytest.mark.parametrize(("branch", "meant"), [("", "main"), ("staging", "staging")])
def test_a_branch_is_told_and_built(amplify: tuple[Amplify, Any], branch: str, meant: str) -> None:
    app, client = amplify
    had = app.branches[meant]
    said = console.Hosted(client, APP, branch).publish(TOLD)
    assert said == f"branch {meant} is told; build 1 began"
    assert app.jobs == [(meant, "RELEASE")]
    assert app.branches[meant] == {**had, **TOLD}


def test_the_page_is_told_where_links_to_media_lead() -> None:
    assert (TOLD["ARGUS_MEDIA_BUCKET"], TOLD["ARGUS_MEDIA_ORIGIN"]) == (KNOWN["MediaBucketName"], "")
    told = console.variables("eu-west-1", {**KNOWN, "Domain": "argus.example"})
    assert told["ARGUS_MEDIA_ORIGIN"] == "https://argus.example"  # as the API's own setting says


def test_a_branch_that_is_being_built_is_told_and_so_is_the_deployer(amplify: tuple[Amplify, Any]) -> None:
    app, client = amplify
    app.building = True
    assert "start one more build" in console.Hosted(client, APP, "").publish(TOLD)
    assert app.branches["main"]["ARGUS_REGION"] == "eu-west-1"


def test_amplify_builds_what_is_there_from_what_it_is_told() -> None:
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
    assert set(re.findall(r"ARGUS_[A-Z_]+", text)) == read == set(TOLD)


# ---------------------------------------------------------------- CloudFront


@pytest.fixture
def dist(tmp_path: Path) -> Path:
    """Files as build.mjs names them."""
    for name, text in {**FILES, "index.html": "<html>", "config.json": "{}"}.items():
        (tmp_path / name).write_text(text)
    return tmp_path


@pytest.fixture
def hosted(aws: EmbeddedAws) -> Iterator[str]:
    """A bucket, and the id of a distribution."""
    s3, cloudfront = aws.client("s3"), aws.client("cloudfront")
    s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": aws.region})
    origin = {"Id": "o", "DomainName": f"{BUCKET}.s3.amazonaws.com", "S3OriginConfig": {"OriginAccessIdentity": ""}}
    made = cloudfront.create_distribution(
        DistributionConfig={
            "CallerReference": os.urandom(8).hex(),
            "Comment": "",
            "Enabled": True,
            "Origins": {"Quantity": 1, "Items": [origin]},
            "DefaultCacheBehavior": {"TargetOriginId": "o", "ViewerProtocolPolicy": "https-only"},
        }
    )["Distribution"]
    yield made["Id"]
    for entry in s3.list_objects_v2(Bucket=BUCKET).get("Contents", []):
        s3.delete_object(Bucket=BUCKET, Key=entry["Key"])
    s3.delete_bucket(Bucket=BUCKET)


def test_files_are_kept_for_ever_or_asked_for_each_time(aws: EmbeddedAws, hosted: str, dist: Path) -> None:
    s3, cloudfront = aws.client("s3"), aws.client("cloudfront")
    assert console.Distribution(s3, cloudfront, BUCKET, hosted).publish(dist) == 5
    found = {name: s3.head_object(Bucket=BUCKET, Key=name) for name in (*FILES, "index.html", "config.json")}
    for_ever = "public, max-age=31536000, immutable"
    assert {name: (one["ContentType"], one["CacheControl"]) for name, one in found.items()} == {
        "main.0123456789.js": ("text/javascript; charset=utf-8", for_ever),
        "style.0123456789.css": ("text/css; charset=utf-8", for_ever),
        "icon.0123456789.svg": ("image/svg+xml", for_ever),
        "index.html": ("text/html; charset=utf-8", "no-cache"),
        "config.json": ("application/json", "no-cache"),
    }
    (made,) = cloudfront.list_invalidations(DistributionId=hosted)["InvalidationList"]["Items"]
    batch = cloudfront.get_invalidation(DistributionId=hosted, Id=made["Id"])["Invalidation"]["InvalidationBatch"]
    assert batch["Paths"]["Items"] == ["/", "/config.json", "/index.html"]


def test_the_page_comes_last_when_all_that_it_names_is_there(dist: Path) -> None:
    put: list[str] = []

    class Kept:
        def put_object(self, *, Key: str, **_: Any) -> None:
            put.append(Key)

        def create_invalidation(self, **_: Any) -> None:
            put.append("invalidation")

    console.Distribution(Kept(), Kept(), BUCKET, "E1").publish(dist)
    assert put[-3:] == ["config.json", "index.html", "invalidation"]


@pytest.mark.parametrize("wrong", ["index.html", "config.json", "notes.txt"])
def test_what_was_not_built_whole_is_not_published(aws: EmbeddedAws, hosted: str, dist: Path, wrong: str) -> None:
    if wrong == "notes.txt":
        (dist / wrong).write_text("mine")
    else:
        (dist / wrong).unlink()
    with pytest.raises(console.ConsoleNotBuilt, match=wrong):
        console.Distribution(aws.client("s3"), aws.client("cloudfront"), BUCKET, hosted).publish(dist)
    assert "Contents" not in aws.client("s3").list_objects_v2(Bucket=BUCKET)


def test_without_node_the_deployment_says_what_it_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(console.ConsoleNotBuilt, match="node 20"):
        console.build(TOLD)


# ---------------------------------------------------------------- the step


@dataclass
class Environment:
    """Where the step finds its clients."""

    clients: dict[str, Any]
    region: str = "eu-west-1"

    def client(self, service: str) -> Any:
        return self.clients[service]


def said(environment: Environment, options: Options, **known: str) -> list[str]:
    lines: list[str] = []
    steps.publish_console(steps.Deployment("staging", environment, options, lines.append, {**KNOWN, **known}))  # type: ignore[arg-type]
    return lines


def test_the_step_publishes_to_everybody_who_hosts_the_console(
    aws: EmbeddedAws, amplify: tuple[Amplify, Any], hosted: str, dist: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    built: list[Any] = []
    monkeypatch.setattr(console, "build", lambda told: built.append(told) or dist)
    environment = Environment({"amplify": amplify[1], "s3": aws.client("s3"), "cloudfront": aws.client("cloudfront")})
    options = Options(amplify_app_id=APP, domain="argus.example", hosted_zone_id="Z1")
    assert said(environment, options, DistributionId=hosted) == [
        "Amplify: branch main is told; build 1 began",
        "https://argus.example: 5 files",
    ]
    assert built == [TOLD]


def test_a_stage_whose_console_nobody_hosts_is_told_so() -> None:
    assert said(Environment({}), Options()) == ["nobody hosts it: this stage has neither a domain nor an Amplify app"]


# ---------------------------------------------------------------- foreseen


@dataclass
class Parameters:
    """What is remembered of a stage."""

    kept: list[str] = field(default_factory=list)

    def put_parameter(self, *, Name: str, **_: Any) -> None:
        self.kept.append(Name)


def begun(amplify: Any, options: Options) -> tuple[list[str], list[str]]:
    """What the first step remembers and says."""
    parameters, lines = Parameters(), list[str]()
    environment = Environment({"amplify": amplify, "ssm": parameters})
    try:
        steps.remember_options(steps.Deployment("staging", environment, options, lines.append, {}))  # type: ignore[arg-type]
    except (BadOption, console.ConsoleNotBuilt) as error:
        lines.append(str(error))
    return parameters.kept, lines


@pytest.mark.parametrize(
    ("app_id", "branch", "reason"),
    [
        (APP, "", f"Amplify app {APP} has no production branch: say which one by --amplify-branch"),
        (APP, "next", f"Amplify app {APP} has no branch next"),
        ("d9", "main", "this account and region have no Amplify app d9"),
    ],
    ids=["no production branch", "no such branch", "no such app"],
)
def test_a_branch_that_cannot_be_told_stops_the_deployment_before_anything_is_changed(
    amplify: tuple[Amplify, Any], app_id: str, branch: str, reason: str
) -> None:
    app, client = amplify
    app.production = ""
    assert begun(client, Options(amplify_app_id=app_id, amplify_branch=branch)) == ([], [reason])


def test_a_branch_that_is_there_is_remembered(amplify: tuple[Amplify, Any]) -> None:
    kept, said = begun(amplify[1], Options(amplify_app_id=APP))
    assert kept == ["/argus/staging/options"]
    assert said == [f"web origins: https://main.{APP}.amplifyapp.com, https://staging.{APP}.amplifyapp.com"]


def test_without_node_nothing_is_begun_where_the_console_is_built_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert begun(None, Options(domain="argus.example", hosted_zone_id="Z1")) == (
        [],
        ["it takes node 20 or newer, with npm"],
    )
    assert begun(None, Options())[0] == ["/argus/staging/options"]
