"""The rehearsal of a deployment: the same steps on the embedded AWS, without an account.

    python -m services.local.rehearsal.main [--twice] [--again]

Zappa deploys the packages, and the deployed configuration (handlers, settings, memory, code, mappings, the tick) is
what runs: each function starts from its zip under AWS's own runtime client (`lambda_runtime`) with the credentials of
its role, its event source mappings and the tick invoke it, and the smoke test calls it through a small API Gateway with
a WebSocket API. A permission that a role lacks fails the rehearsal, even if the function handles the refusal.
With `--twice`, the functions are deployed a second time, as updates; stacks may not change. With `--again`, the stage
is then destroyed and deployed again, and takes over the data that was kept.

The stage is `local`, the only one whose settings accept the embedded AWS's tokens; its other settings are staging's.
Not rehearsed: change sets, and the resource types that the embedded AWS does not create (infra/embedded/resources.py).
"""

import argparse
import base64
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from argus.core.declarations import API_PREFIX
from argus.core.errors import ArgusError
from infra.deploy import plans, steps
from infra.deploy.functions import FUNCTIONS, code_hash
from infra.deploy.main import write_line
from infra.deploy.package import PACKAGES, ROOT
from infra.embedded import HOST
from infra.embedded.aws import EmbeddedAws
from infra.embedded.clients import Clients
from infra.embedded.resources import NO_OPS
from infra.embedded.stacks import EmbeddedStacks
from infra.templates import NotAsDeclared, Template
from services.local import events
from services.local.rehearsal import lambda_runtime
from services.local.rehearsal.lambda_runtime import Function
from services.local.sockets import Handler, Sockets
from services.local.sqs_poller import SqsPoller
from services.scheduler.main import TICK

STAGE = "local"

_API, _WORKER, _SCANNER, _SCHEDULER, _REALTIME = FUNCTIONS


class RehearsalFailed(ArgusError):
    """A function failed; see its log in build/rehearsal."""


class NotAllowed(ArgusError):
    """A role lacks a permission that its function needs."""


class Billing:
    """Cost Explorer of a new account, which moto does not have: AWS knows a tag a day after its first use."""

    def update_cost_allocation_tags_status(self, **request: Any) -> dict[str, Any]:
        return {"Errors": [{**tag, "Message": "Tag keys not found"} for tag in request["CostAllocationTagsStatus"]]}


@dataclass
class Embedded:
    """The embedded AWS as the environment of a deployment."""

    aws: EmbeddedAws
    sockets: Sockets
    logs: Path = ROOT / "build" / "rehearsal"
    failures: list[str] = field(default_factory=list)  # of functions; a queue would only retry

    @property
    def region(self) -> str:
        return self.aws.region

    @property
    def account_id(self) -> str:
        return self.aws.account_id

    @property
    def concurrency(self) -> int:
        return 10  # of a new account

    @property
    def variables(self) -> Mapping[str, str]:
        """This process's variables without the developer's AWS settings: a rehearsal must not reach a real account."""
        others = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "ARGUS_"))}
        return {
            **others,
            **self.aws.environment,
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        }

    @property
    def settings(self) -> Mapping[str, str]:
        return {
            "ARGUS_AWS_ENDPOINT": self.aws.endpoint_url,
            "ARGUS_SOCKET_URL": self.sockets.url,
            "ARGUS_CONNECTIONS_ENDPOINT": self.sockets.endpoint,
        }

    def client(self, service: str, region: str = "") -> Any:
        self._check(region)
        return Billing() if service == "ce" else self.aws.client(service)

    def stacks(self, region: str = "") -> EmbeddedStacks:
        self._check(region)
        return self.aws.stacks

    def _check(self, region: str) -> None:
        if region:
            raise NotAsDeclared(f"a rehearsal does not support the region {region}")

    @cached_property
    def _folder(self) -> Path:
        return lambda_runtime.packages()

    def packages(self) -> Mapping[str, Path]:
        return {one.name: self._folder / f"{one.name}.zip" for one in PACKAGES}

    def keys_url(self, outputs: Mapping[str, str]) -> str:
        return f"{self.aws.endpoint_url}/{outputs['UserPoolId']}/.well-known/jwks.json"

    def sign_in_url(self) -> str:
        return self.aws.endpoint_url

    @contextmanager
    def api_endpoint(self, stage: str, outputs: Mapping[str, str]) -> Iterator[str]:
        """Run everything that was deployed: the functions, their event sources, and a gateway in front of the API."""
        self.logs.mkdir(parents=True, exist_ok=True)
        self.client("apigateway").get_stage(restApiId=outputs["RestApiId"], stageName=stage)
        with self._raise_refusals_and_failures(), ExitStack() as stack:
            api, _ = stack.enter_context(self._running(_API.name(stage)))
            for behind_queues in (_WORKER, _SCANNER):
                function, as_function = stack.enter_context(self._running(behind_queues.name(stage)))
                for poller in self._pollers(behind_queues.name(stage), function, as_function("sqs")):
                    stack.enter_context(_polling(poller))
            scheduler, _ = stack.enter_context(self._running(_SCHEDULER.name(stage)))
            realtime, _ = stack.enter_context(self._running(_REALTIME.name(stage)))
            stack.enter_context(_handling(self.sockets, self._socket_handler(_REALTIME.name(stage), realtime)))
            self._tick(stage, scheduler)
            yield stack.enter_context(_gateway(api, stage, is_refused=lambda: bool(self.aws.refusals)))

    @contextmanager
    def _raise_refusals_and_failures(self) -> Iterator[None]:
        """Raise NotAllowed if a role was refused an action, and RehearsalFailed if a function failed.

        They replace the error that followed from them.
        """
        self.aws.refusals.clear()
        self.failures.clear()
        try:
            yield
        finally:
            if self.aws.refusals:
                raise NotAllowed("; ".join(dict.fromkeys(self.aws.refusals)))
            if self.failures:
                raise RehearsalFailed("; ".join(dict.fromkeys(self.failures)))

    @contextmanager
    def _running(self, name: str) -> Iterator[tuple[Function, Clients]]:
        """Run a function as it is deployed; yields it, and clients with the permissions of its role.

        Raises NotAsDeclared when its code is not one of the packages.
        """
        found = self.client("lambda").get_function(FunctionName=name)["Configuration"]
        zips = {code_hash(path.read_bytes()): path for path in self.packages().values()}
        if found["CodeSha256"] not in zips:
            raise NotAsDeclared(f"{name} runs code with hash {found['CodeSha256']}, which is none of the packages")
        with (
            self.aws.as_role(found["Role"]) as clients,
            Function(
                zips[found["CodeSha256"]].with_suffix(""),
                found["Handler"],
                memory_mb=found["MemorySize"],
                environment={**found["Environment"]["Variables"], **clients.environment},
                log=self.logs / f"{name}.log",
            ) as function,
        ):
            yield function, clients

    def _pollers(self, name: str, function: Function, sqs: Any) -> list[SqsPoller]:
        """A poller for each event source mapping of the function; as in Lambda, it polls with the function's role."""
        declared = self.aws.stacks.declared("AWS::Lambda::EventSourceMapping")
        arns = [mapping["EventSourceArn"] for mapping in declared if mapping["FunctionName"] == name]
        if not arns:
            raise NotAsDeclared(f"{name} has no event source mapping")

        def handle(event: dict[str, Any], _context: None) -> dict[str, Any]:
            return dict(self._invoke(name, function, event))

        return [
            SqsPoller(sqs, self.client("sqs").get_queue_url(QueueName=arn.rpartition(":")[2])["QueueUrl"], arn, handle)
            for arn in arns
        ]

    def _socket_handler(self, name: str, realtime: Function) -> Handler:
        """A handler that invokes the function. Raises NotAsDeclared if the API has another integration."""
        for integration in self.aws.stacks.declared("AWS::ApiGatewayV2::Integration"):
            if not integration["IntegrationUri"].endswith(f":function:{name}/invocations"):
                raise NotAsDeclared(f"the WebSocket API has the integration {integration['IntegrationUri']}")

        def handle(event: dict[str, Any], _context: None) -> Mapping[str, Any]:
            return dict(self._invoke(name, realtime, event))

        return handle

    def _tick(self, stage: str, scheduler: Function) -> None:
        """Invoke the scheduler once with a tick. Raises NotAsDeclared if the rule has another target."""
        name = _SCHEDULER.name(stage)
        rules = {rule["Name"]: rule for rule in self.aws.stacks.declared("AWS::Events::Rule")}
        targets = [target["Arn"].rpartition(":")[2] for target in rules[f"argus-{stage}-tick"]["Targets"]]
        if targets != [name]:
            raise NotAsDeclared(f"the tick has the targets {', '.join(targets)}")
        self._invoke(name, scheduler, TICK)

    def _invoke(self, name: str, function: Function, event: Mapping[str, Any]) -> Any:
        """The function's response. Raises RehearsalFailed, also when the rehearsal ends."""
        response = function.invoke(event)
        if response.error is not None:
            self.failures.append(f"{name}: {response.error}")
            raise RehearsalFailed(self.failures[-1])
        return response.value


@contextmanager
def _handling(sockets: Sockets, handler: Handler) -> Iterator[None]:
    """Use this handler behind the gateway; on exit, wait for the running call and detach the handler."""
    lock, current = threading.Lock(), [handler]

    def handle(event: dict[str, Any], context: None) -> Mapping[str, Any]:
        with lock:
            return current[0](event, context)

    sockets.handler = handle
    try:
        yield
    finally:
        with lock:
            current[0] = no_function


@contextmanager
def _polling(poller: SqsPoller) -> Iterator[None]:
    stop = threading.Event()

    def work() -> None:
        while not stop.is_set():
            poller.poll(wait_seconds=1)

    thread = threading.Thread(target=work, name=f"poller {poller.queue_arn}", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


@contextmanager
def _gateway(api: Function, stage: str, *, is_refused: Callable[[], bool]) -> Iterator[str]:
    """A small API Gateway on 127.0.0.1, which passes requests on as events of a REST API; yields its URL.

    Once a role was refused an action, the API answers 403, which no client retries, so that the smoke test ends: the
    rehearsal has failed.
    """

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        wbufsize = -1

        def do_GET(self) -> None:
            self._forward()

        def do_POST(self) -> None:
            self._forward()

        def do_DELETE(self) -> None:
            self._forward()

        def _forward(self) -> None:
            length = int(self.headers.get("Content-Length", 0))
            result = api.invoke(
                events.rest(
                    self.command,
                    self.path,
                    headers=dict(self.headers.items()),
                    body=self.rfile.read(length) if length else None,
                    stage=stage,
                )
            )
            # API Gateway's response when a function has failed.
            failure: dict[str, Any] = {
                "statusCode": 502,
                "headers": {},
                "body": '{"message": "Internal server error"}',
            }
            refusal: dict[str, Any] = {"statusCode": 403, "headers": {}, "body": '{"message": "Forbidden"}'}
            response = refusal if is_refused() and self.path.startswith(API_PREFIX) else result.value or failure
            text = response.get("body") or ""
            body = base64.b64decode(text) if response.get("isBase64Encoded") else text.encode()
            self.send_response(response["statusCode"])
            for name, value in {**response["headers"], "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)
            self.wfile.flush()

        def log_message(self, *_: Any) -> None:
            """The API logs its requests."""

    server = ThreadingHTTPServer((HOST, 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"http://{HOST}:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def no_function(_event: dict[str, Any], _context: None) -> Mapping[str, Any]:
    """API Gateway's response when the function does not exist; used until the functions run."""
    return {"statusCode": 502}


def rehearse(*, twice: bool, again: bool) -> Embedded:
    """Deploy to a new embedded AWS; returns the environment. Raises the error of the step that fails."""
    with EmbeddedAws.start(stage=STAGE) as aws, Sockets.start(no_function) as sockets:
        environment = Embedded(aws, sockets)
        steps.deploy(steps.prepare(STAGE, environment, {}, write_line))
        if twice:
            steps.deploy(steps.prepare(STAGE, environment, {}, write_line))
        if again:
            for line in steps.destroy(steps.prepare(STAGE, environment, {}, write_line)):
                write_line(f"kept: {line}")
            steps.deploy(steps.prepare(STAGE, environment, {}, write_line))
        return environment


def main() -> int:
    parser = argparse.ArgumentParser(prog="make rehearse", description="Rehearse a deployment on the embedded AWS.")
    parser.add_argument("--twice", action="store_true", help="deploy a second time, as an update")
    parser.add_argument("--again", action="store_true", help="then destroy the stage, and deploy it again")
    options = parser.parse_args()
    started_at = time.monotonic()
    try:
        environment = rehearse(twice=options.twice, again=options.again)
    except ArgusError as error:
        sys.stderr.write(f"{error.title.rstrip('.')}. {error}\n")
        return 1
    write_line(f"stacks: {', '.join(environment.aws.stacks.stacks)}")
    types = {resource["Type"] for plan in plans.PLANS for resource in Template.read(plan.path).resources.values()}
    write_line(f"resource types not created, only an account has them: {', '.join(sorted(types & NO_OPS.keys()))}")
    write_line(f"the rehearsal succeeded in {time.monotonic() - started_at:.0f} s")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
