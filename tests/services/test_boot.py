"""The packages as Lambda runs them: each starts in a clean interpreter and is invoked through AWS's runtime client."""

import base64
import json
import re
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from infra.deploy.functions import declared_settings
from infra.deploy.package import PACKAGES
from infra.embedded.aws import EmbeddedAws, StackOutputs
from services.local import events
from services.local.demo.scenes.flir import flir_scene
from services.local.events import CUSTOM_DOMAIN, EXECUTE_API, Event, http, rest
from services.local.rehearsal.lambda_runtime import RUNTIME_MODULES, Function, Result, packages, runtime
from services.worker.time_limit import START_MS
from tests.conftest import CLIENT_ID, ISSUER, ORIGIN, Issuer
from tests.services import queue_events

CURSOR_PARAMETER = "/argus/test/cursor-secret"
Make = Callable[..., Event]


@dataclass(frozen=True)
class Lambda:
    """Starts functions with the settings in `zappa_settings.json` and the embedded AWS."""

    environment: dict[str, str]
    logs: Path

    def start(self, stage: str, **overrides: str) -> Function:
        configured = declared_settings(stage)
        environment = {**configured["aws_environment_variables"], **self.environment, **overrides}
        service = configured["lambda_handler"].split(".")[1]
        (package,) = (one.name for one in PACKAGES if service in one.services)
        return Function(
            packages() / package,
            configured["lambda_handler"],
            memory_mb=configured["memory_size"],
            environment=environment,
            log=self.logs / f"{stage}-{len(list(self.logs.iterdir()))}.log",
        )


@pytest.fixture(scope="module")
def jwks_url(issuer: Issuer) -> Iterator[str]:
    """The URL of the keys of the tests' issuer."""

    class Keys(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(issuer.jwks)

        def log_message(self, *_: Any) -> None:
            """Requests are not logged."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Keys)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/jwks.json"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")
def cloud(aws: EmbeddedAws, outputs: StackOutputs, jwks_url: str, tmp_path_factory: pytest.TempPathFactory) -> Lambda:
    aws.client("ssm").put_parameter(Name=CURSOR_PARAMETER, Value="s" * 40, Type="SecureString", Overwrite=True)
    trusted = {"issuer": ISSUER, "jwks_url": jwks_url, "client_ids": [CLIENT_ID]}
    environment = {
        **aws.environment,
        "ARGUS_STAGE": "test",
        "ARGUS_ACCOUNT_ID": aws.account_id,
        "ARGUS_AWS_ENDPOINT": aws.endpoint_url,
        "ARGUS_ALLOWED_ORIGINS": ORIGIN,
        "ARGUS_CURSOR_SECRET": f"ssm:{CURSOR_PARAMETER}",
        "ARGUS_TRUSTED_ISSUERS": json.dumps([trusted]),
    }
    return Lambda(environment, tmp_path_factory.mktemp("logs"))


@pytest.fixture(scope="module")
def api(cloud: Lambda) -> Iterator[Function]:
    with cloud.start("dev") as function:
        yield function


@pytest.fixture(scope="module")
def other_api(cloud: Lambda) -> Iterator[Function]:
    """The API behind a base path, with a low rate limit for IP addresses."""
    with cloud.start("dev", ARGUS_BASE_PATH="argus", ARGUS_IP_RATE_LIMIT="2 per day") as function:
        yield function


@pytest.fixture(scope="module")
def worker(cloud: Lambda) -> Iterator[Function]:
    with cloud.start("dev_worker") as function:
        yield function


@pytest.fixture(scope="module")
def scanner(cloud: Lambda) -> Iterator[Function]:
    with cloud.start("dev_scanner") as function:
        yield function


@pytest.fixture(scope="module")
def scheduler(cloud: Lambda) -> Iterator[Function]:
    with cloud.start("dev_scheduler") as function:
        yield function


@pytest.fixture(scope="module")
def realtime(cloud: Lambda) -> Iterator[Function]:
    with cloud.start("dev_realtime") as function:
        yield function


@pytest.fixture(scope="module")
def signed_in(issuer: Issuer) -> dict[str, str]:
    return {"Authorization": f"Bearer {issuer.token('boot')}"}


def body_of(result: Result) -> bytes:
    assert result.error is None, result.error
    body = result.value.get("body") or ""
    return base64.b64decode(body) if result.value.get("isBase64Encoded") else body.encode()


def json_of(result: Result) -> Any:
    return json.loads(body_of(result))


def headers_of(result: Result) -> dict[str, str]:
    return {name.lower(): value for name, value in result.value["headers"].items()}


FORMATS = pytest.mark.parametrize("make", [rest, http], ids=["payload 1.0", "payload 2.0"])
HOSTS = pytest.mark.parametrize("host", [CUSTOM_DOMAIN, EXECUTE_API], ids=["custom domain", "execute-api"])


# ---------------------------------------------------------------- HTTP


@FORMATS
@HOSTS
def test_the_api_answers_behind_every_kind_of_gateway(api: Function, make: Make, host: str) -> None:
    result = api.invoke(make("GET", "/health", host=host))
    assert (result.value["statusCode"], json_of(result)) == (200, {"status": "alive"})
    assert headers_of(result)["x-request-id"].startswith("req_")


@FORMATS
@HOSTS
def test_a_caller_is_authenticated_by_their_token(
    api: Function, make: Make, host: str, signed_in: dict[str, str]
) -> None:
    assert json_of(api.invoke(make("GET", "/api/v1/me", host=host, headers=signed_in)))["role"] == "owner"
    rejected = api.invoke(make("GET", "/api/v1/me", host=host))
    assert (rejected.value["statusCode"], json_of(rejected)["code"]) == (401, "unauthenticated")


@FORMATS
@pytest.mark.parametrize(("host", "prefix"), [(CUSTOM_DOMAIN, ""), (EXECUTE_API, "/test")], ids=["custom", "execute"])
def test_links_are_valid_on_the_same_host_and_cursors_are_signed_with_the_parameter(
    api: Function, make: Make, host: str, prefix: str, signed_in: dict[str, str]
) -> None:
    announce(api, signed_in, files=2)
    page = api.invoke(make("GET", "/api/v1/images?limit=1", host=host, headers=signed_in))
    link = headers_of(page)["link"]
    assert link.startswith(f"<{prefix}/api/v1/images?")
    following = link[1 + len(prefix) :].partition(">")[0]
    assert json_of(api.invoke(make("GET", following, host=host, headers=signed_in)))["items"]


@FORMATS
def test_a_base_path_of_the_domain_is_removed_and_added_to_links(
    other_api: Function, make: Make, signed_in: dict[str, str]
) -> None:
    announce(other_api, signed_in, files=2, path="/argus/api/v1/uploads")
    page = other_api.invoke(make("GET", "/argus/api/v1/images?limit=1", headers=signed_in))
    assert headers_of(page)["link"].startswith("</argus/api/v1/images?")


@FORMATS
def test_binary_responses_are_unchanged(api: Function, make: Make) -> None:
    import flask_swagger_ui

    icon = Path(flask_swagger_ui.__file__).parent / "dist" / "favicon-32x32.png"
    result = api.invoke(make("GET", "/docs/favicon-32x32.png"))
    assert result.value["isBase64Encoded"]
    assert body_of(result) == icon.read_bytes()


@FORMATS
def test_a_body_that_is_not_text_is_rejected_as_a_problem(api: Function, make: Make, signed_in: dict[str, str]) -> None:
    headers = {**signed_in, "Content-Type": "application/json"}
    result = api.invoke(make("POST", "/api/v1/uploads", headers=headers, body=b"\x00\xff\xfe"))
    assert (result.value["statusCode"], json_of(result)["code"]) == (400, "malformed_request")


@FORMATS
@pytest.mark.parametrize(("origin", "allowed"), [(ORIGIN, ORIGIN), ("https://evil.example", None)])
def test_a_preflight_allows_only_the_console(api: Function, make: Make, origin: str, allowed: str | None) -> None:
    headers = {"Origin": origin, "Access-Control-Request-Method": "POST"}
    result = api.invoke(make("OPTIONS", "/api/v1/uploads", headers=headers))
    assert result.value["statusCode"] == 200
    assert headers_of(result).get("access-control-allow-origin") == allowed


@FORMATS
@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/docs",
        "/docs/start.js",
        "/docs/repairs.js",
        "/docs/start.css",
        "/docs/page.css",
        "/docs/errors/not_found",
        "/docs/swagger-ui-bundle.js",
        "/api/v1/openapi.json",
    ],
)
def test_the_documents_are_in_the_package(api: Function, make: Make, path: str) -> None:
    result = api.invoke(make("GET", path))
    assert result.value["statusCode"] == 200
    assert body_of(result)


@FORMATS
def test_ip_addresses_are_taken_from_the_gateway(other_api: Function, make: Make) -> None:
    def status(address: str, forged: str) -> int:
        headers = {"X-Forwarded-For": f"{forged}, {forged}"}
        result = other_api.invoke(make("GET", "/api/v1/sign-in", source_ip=address, headers=headers))
        return int(result.value["statusCode"])

    octet = {rest: 10, http: 20}[make]  # type: ignore[index]  # both cases count in the same table
    assert [status(f"192.0.2.{octet}", f"203.0.113.{last}") for last in range(3)] == [200, 200, 429]
    assert status(f"192.0.2.{octet + 1}", "203.0.113.0") == 200


@pytest.mark.parametrize(
    "event",
    [
        {},
        [],
        "text",
        {"raw_command": "import os; os._exit(0)"},
        {"command": "os.getcwd"},
        {"manage": "migrate"},
        {"httpMethod": "GET"},
        {"version": "2.0", "requestContext": {}},
        {"awslogs": {"data": ""}},
        {"type": "TOKEN"},
        queue_events.tick(),
        queue_events.sqs({"job": "scan.run"}),
        queue_events.s3("uploads/x", size=1),
    ],
    ids=lambda event: ",".join(event)[:40] if isinstance(event, dict) else type(event).__name__,
)
def test_the_api_rejects_events_that_are_not_http(api: Function, event: Any) -> None:
    result = api.invoke(event)
    assert result.error is not None
    assert result.error["errorType"] == "UnknownEvent"


def test_the_api_logs_json_without_ip_addresses_and_queries(api: Function) -> None:
    api.invoke(rest("GET", "/health?token=s3cr3t", source_ip="198.51.100.99"))
    text = api.log.read_text()
    assert "198.51.100.99" not in text
    assert "s3cr3t" not in text
    assert [line for line in api.lines() if line.get("route") == "/health"]


# ---------------------------------------------------------------- queues, uploads, ticks


def announce(
    api: Function, signed_in: dict[str, str], *, files: int, path: str = "/api/v1/uploads", size: int = 9
) -> Any:
    requested = [{"name": f"{number}.jpg", "size": size, "content_type": "image/jpeg"} for number in range(files)]
    headers = {**signed_in, "Content-Type": "application/json"}
    result = api.invoke(rest("POST", path, headers=headers, body=json.dumps({"files": requested}).encode()))
    assert result.value["statusCode"] == 201, result
    return json_of(result)["items"]


def failed(result: Result) -> list[str]:
    assert result.error is None, result.error
    return [failure["itemIdentifier"] for failure in result.value["batchItemFailures"]]


def put(aws: EmbeddedAws, outputs: StackOutputs, item: dict[str, Any], data: bytes) -> str:
    """Store the file under the issued key; returns the key."""
    key = str(item["upload"]["fields"]["key"])
    aws.client("s3").put_object(Bucket=outputs.media_bucket, Key=key, Body=data, ContentType="image/jpeg")
    return key


def test_a_batch_reports_only_the_malformed_message(
    api: Function, worker: Function, aws: EmbeddedAws, outputs: StackOutputs, signed_in: dict[str, str]
) -> None:
    data, _ = flir_scene(seed=3)
    (item,) = announce(api, signed_in, files=1, size=len(data))
    key = put(aws, outputs, item, data)
    test_event = {"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": outputs.media_bucket}
    batch = queue_events.sqs(
        test_event, "no json", queue_events.s3(key, size=len(data)), queue_events.s3("nobody%27s/key", size=1)
    )
    assert failed(worker.invoke(batch)) == ["m1"]
    image = json_of(api.invoke(http("GET", f"/api/v1/images/{item['image_id']}", headers=signed_in)))
    assert image["state"] == "ready"
    with urllib.request.urlopen(image["links"]["cog"]["url"]) as stored:
        assert stored.read(4) == b"II*\0"


@FORMATS
@pytest.mark.parametrize(("host", "prefix"), [(CUSTOM_DOMAIN, ""), (EXECUTE_API, "/test")], ids=["custom", "execute"])
def test_a_link_to_a_picture_leads_through_the_packaged_api_to_its_file(
    api: Function,
    worker: Function,
    aws: EmbeddedAws,
    outputs: StackOutputs,
    signed_in: dict[str, str],
    make: Make,
    host: str,
    prefix: str,
) -> None:
    data, _ = flir_scene(seed=5, width=160, height=120)
    (item,) = announce(api, signed_in, files=1, size=len(data))
    worker.invoke(queue_events.sqs(queue_events.s3(put(aws, outputs, item, data), size=len(data))))
    found = api.invoke(make("GET", f"/api/v1/images/{item['image_id']}", host=host, headers=signed_in))
    address = json_of(found)["links"]["previews"]["rainbow"]["url"]
    base = f"https://{host}{prefix}"
    assert address.startswith(f"{base}/api/v1/pictures?token=")
    redirect = api.invoke(make("GET", address.removeprefix(base), host=host))
    assert redirect.value["statusCode"] == 302, redirect
    with urllib.request.urlopen(headers_of(redirect)["location"]) as stored:
        assert stored.read(4) == b"\x89PNG"


def test_a_scan_runs_from_the_workers_package(
    api: Function, worker: Function, aws: EmbeddedAws, outputs: StackOutputs, signed_in: dict[str, str]
) -> None:
    data, _ = flir_scene(seed=4)
    (item,) = announce(api, signed_in, files=1, size=len(data))
    worker.invoke(queue_events.sqs(queue_events.s3(put(aws, outputs, item, data), size=len(data))))
    request = {"target": {"kind": "image", "id": item["image_id"]}, "plugins": [{"id": "thermal_hotspots"}]}
    headers = {**signed_in, "Content-Type": "application/json"}
    accepted = api.invoke(http("POST", "/api/v1/scans", headers=headers, body=json.dumps(request).encode()))
    assert accepted.value["statusCode"] == 202, accepted
    path = headers_of(accepted)["location"]
    organisation, scan_id = {"organisation_id": me(api, signed_in)}, path.rpartition("/")[2]
    for job, arguments in (("scan.run", {"run_id": f"{scan_id}.00"}), ("scan.finalize", {"scan_id": scan_id})):
        assert failed(worker.invoke(queue_events.sqs({"job": job, "arguments": organisation | arguments}))) == []
    scan = json_of(api.invoke(http("GET", path, headers=signed_in)))
    assert scan["state"] == "succeeded"
    assert sum(scan["counts"].values()) > 0


def test_the_scanner_rejects_jobs_of_the_worker(scanner: Function) -> None:
    body = {"job": "report.build", "arguments": {"organisation_id": "org_x", "report_id": "rpt_x"}}
    assert failed(scanner.invoke(queue_events.sqs({"Event": "s3:TestEvent"}, body))) == ["m1"]
    assert "report.build is not for the scanner" in scanner.log.read_text()


def me(api: Function, signed_in: dict[str, str]) -> str:
    return str(json_of(api.invoke(http("GET", "/api/v1/me", headers=signed_in)))["organisation"]["id"])


def test_without_enough_time_messages_are_reported_as_failed(worker: Function) -> None:
    batch = queue_events.sqs(*[{"Event": "s3:TestEvent"}] * 3)
    assert failed(worker.invoke(batch, remaining_ms=START_MS - 1000)) == ["m0", "m1", "m2"]
    assert failed(worker.invoke(batch, remaining_ms=START_MS + 100_000)) == []


@pytest.mark.parametrize(
    "event",
    [{}, [], {"Records": "x"}, {"Records": [{}]}, {"Records": []}, queue_events.s3("uploads/x", size=1),
     queue_events.tick(), rest("GET", "/health"), {"raw_command": "1"}],
    ids=["empty", "list", "text", "nothing", "no messages", "S3 itself", "tick", "HTTP", "command"],
)  # fmt: skip
def test_the_worker_rejects_events_that_are_not_a_batch(worker: Function, event: Any) -> None:
    result = worker.invoke(event)
    assert result.error is not None
    assert result.error["errorType"] == "UnknownEvent"


def test_a_tick_runs_every_sweep(scheduler: Function) -> None:
    from argus.jobs import TICKS

    assert scheduler.invoke(queue_events.tick()).value == {"outcomes": dict.fromkeys(TICKS, "done")}


@pytest.mark.parametrize("event", [{}, [], queue_events.sqs("x"), http("GET", "/health"), {"source": "aws.s3"}])
def test_the_scheduler_rejects_events_that_are_not_a_tick(scheduler: Function, event: Any) -> None:
    result = scheduler.invoke(event)
    assert result.error is not None
    assert result.error["errorType"] == "UnknownEvent"


# ---------------------------------------------------------------- WebSockets


def test_a_client_connects_sends_a_message_and_disconnects(
    realtime: Function, aws: EmbeddedAws, api: Function, signed_in: dict[str, str]
) -> None:
    organisation = me(api, signed_in)
    offered = {"Sec-WebSocket-Protocol": f"argus.v1, bearer.{signed_in['Authorization'].removeprefix('Bearer ')}"}
    connected = realtime.invoke(events.socket("$connect", "boot=", headers=offered))
    assert connected.value == {"statusCode": 200, "headers": {"Sec-WebSocket-Protocol": "argus.v1"}}
    assert connections(aws, organisation) == ["boot="]
    response = realtime.invoke(events.socket("$default", "boot=", body='{"action": "ping"}'))
    assert json_of(response) == {"type": "pong"}
    assert realtime.invoke(events.socket("$disconnect", "boot=")).value == {"statusCode": 200}
    assert connections(aws, organisation) == []
    assert [line["route"] for line in realtime.lines() if line["message"] == "socket"] == [
        "$connect",
        "$default",
        "$disconnect",
    ]
    assert offered["Sec-WebSocket-Protocol"][10:] not in realtime.log.read_text()


def connections(aws: EmbeddedAws, organisation: str) -> list[str]:
    found = aws.client("dynamodb").query(
        TableName="argus-test-notify",
        KeyConditionExpression="pk = :pk",
        ExpressionAttributeValues={":pk": {"S": f"{organisation}#connections"}},
    )
    return [item["sk"]["S"] for item in found["Items"]]


def test_a_client_without_a_token_is_rejected(realtime: Function) -> None:
    result = realtime.invoke(events.socket("$connect", "nobody="))
    assert (result.value["statusCode"], json_of(result)["code"]) == (401, "no_socket_token")


@pytest.mark.parametrize("event", [{}, [], queue_events.sqs("x"), http("GET", "/health"), rest("GET", "/health")])
def test_the_realtime_function_rejects_events_of_other_functions(realtime: Function, event: Any) -> None:
    result = realtime.invoke(event)
    assert result.error is not None
    assert result.error["errorType"] == "UnknownEvent"


# ---------------------------------------------------------------- the runtime environment


def test_functions_load_nothing_from_outside_their_package_and_the_runtime(
    api: Function, worker: Function, scanner: Function, scheduler: Function, realtime: Function
) -> None:
    import sysconfig

    task, runtime_folder = packages(), runtime()
    standard = Path(sysconfig.get_path("stdlib")).resolve()
    system = [Path("/lib"), Path("/usr/lib"), Path("/lib64"), standard, standard.parent]
    for function in (api, worker, scanner, scheduler, realtime):
        for path in function.shared_objects():
            assert any(path.is_relative_to(folder) for folder in [task, runtime_folder, *system]), path
    assert any(path.is_relative_to(task / "worker") for path in worker.shared_objects())
    for function in (scanner, scheduler):
        assert not any("numpy" in path.name for path in function.shared_objects())
    assert {"boto3", "awslambdaric"} <= set(RUNTIME_MODULES)


def test_nothing_is_written_to_the_code_folder(api: Function, worker: Function, scheduler: Function) -> None:
    import zipfile

    for name in ("api", "worker"):
        with zipfile.ZipFile(packages() / f"{name}.zip") as opened:
            packed = set(opened.namelist())
        folder = packages() / name
        assert {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()} == packed


@pytest.mark.parametrize("name", ["api", "worker", "scanner", "scheduler", "realtime"])
def test_a_function_has_the_memory_of_its_stage_and_no_more(name: str, request: pytest.FixtureRequest) -> None:
    function, stage = request.getfixturevalue(name), "dev" if name == "api" else f"dev_{name}"
    limits = Path(f"/proc/{function.process_id}/limits").read_text()
    assert f"Max data size {declared_settings(stage)['memory_size'] * 1024 * 1024} " in re.sub(r" +", " ", limits)
