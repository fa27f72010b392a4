"""The rehearsal of a deployment: the same steps on the embedded AWS, without an account.

    python -m services.deploy.rehearse [--twice]

Stacks are made by the change sets that an account would get, and read back property by property. Zappa deploys the
packages, and what then stands there — handlers, settings, memory, code, mappings, the tick — is what runs: each
function starts from its zip under AWS's own runtime client (tests/services/runtime_api.py) with the credentials of its
role, queues and the tick wake it as their mappings say, and the smoke test goes through a small API Gateway, which
plays its WebSocket API too. What a role is refused fails the rehearsal, even where the function goes on without it.
With `--twice` all of it is deployed again, as an update.

The stage is `local`, whose settings alone believe the embedded AWS's tokens; they are otherwise those of staging.
"""

import argparse
import base64
import os
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from argus.core.errors import ArgusError
from services.deploy import steps
from services.deploy.functions import FUNCTIONS, code_hash
from services.deploy.main import say
from services.deploy.package import PACKAGES, ROOT
from services.deploy.stacks import Stacks
from services.local.aws import HOST, EmbeddedAws
from services.local.cloudformation import NotAsDeclared, verify
from services.local.cloudformation.clients import Clients
from services.local.cloudformation.template import Template
from services.local.cloudformation.types import LOCAL_NO_OPS
from services.local.sockets import Handler, Sockets
from services.local.sqs_poller import SqsPoller
from services.scheduler.main import TICK
from tests.services import events, runtime_api

STAGE = "local"
# What comes of types that the embedded AWS cannot have (LOCAL_NO_OPS), and other stacks ask for.
PLACEHOLDERS = {"ApiWebAclArn": f"arn:aws:wafv2:eu-west-1:{verify.ACCOUNT_ID}:regional/webacl/argus-{STAGE}/rehearsed"}

_API, _WORKER, _SCANNER, _SCHEDULER, _REALTIME = FUNCTIONS


class RehearsalFailed(ArgusError):
    """A function behind a queue failed; its log says why."""


class NotAllowed(ArgusError):
    """A function wants what its role does not allow."""


@dataclass
class Embedded:
    """The embedded AWS, as a deployment sees an account."""

    aws: EmbeddedAws
    sockets: Sockets
    logs: Path = ROOT / "build" / "rehearsal"
    verified: list[str] = field(default_factory=list)  # stacks that were read back
    omitted: set[str] = field(default_factory=set)  # types of theirs that were not made

    @property
    def region(self) -> str:
        return self.aws.region

    @property
    def account_id(self) -> str:
        return self.aws.account_id

    @property
    def variables(self) -> Mapping[str, str]:
        """Ours, but for a developer's own AWS: nothing here may reach a real account."""
        ours = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "ARGUS_"))}
        return {
            **ours,
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

    @property
    def placeholders(self) -> Mapping[str, str]:
        return PLACEHOLDERS

    def client(self, service: str, region: str = "") -> Any:
        if region:
            raise NotAsDeclared(service, [f"a rehearsal has no {region}"])
        return self.aws.client(service)

    @cached_property
    def _folder(self) -> Path:
        return runtime_api.packages()

    def packages(self) -> Mapping[str, Path]:
        return {one.name: self._folder / f"{one.name}.zip" for one in PACKAGES}

    def template(self, path: Path) -> str:
        template = Template.read(path)
        self.omitted |= {resource["Type"] for resource in template.resources.values()} & LOCAL_NO_OPS.keys()
        return template.without_types(LOCAL_NO_OPS).text

    def verify_stack(self, name: str, path: Path, parameters: Mapping[str, str]) -> None:
        template = Template.read(path)
        found = list(
            verify.differences(
                self.aws.client,
                stack=name,
                template=template,
                parameters=template.parameters(parameters),
                outputs=Stacks(self.client("cloudformation")).outputs(name),
            )
        )
        if found:
            raise NotAsDeclared(name, found)
        self.verified.append(name)

    def keys_url(self, outputs: Mapping[str, str]) -> str:
        return f"{self.aws.endpoint_url}/{outputs['UserPoolId']}/.well-known/jwks.json"

    def sign_in_url(self) -> str:
        return self.aws.endpoint_url

    @contextmanager
    def api_endpoint(self, stage: str, outputs: Mapping[str, str]) -> Iterator[str]:
        """Everything that was deployed, running: functions, what wakes them, and a gateway in front of the API."""
        self.logs.mkdir(parents=True, exist_ok=True)
        self.client("apigateway").get_stage(restApiId=outputs["RestApiId"], stageName=stage)
        with self._minding_roles(), ExitStack() as stack:
            api, _ = stack.enter_context(self._started(_API.name(stage)))
            for behind_queues in (_WORKER, _SCANNER):
                function, as_function = stack.enter_context(self._started(behind_queues.name(stage)))
                for poller in self._pollers(behind_queues.name(stage), function, as_function("sqs")):
                    stack.enter_context(_polling(poller))
            scheduler, _ = stack.enter_context(self._started(_SCHEDULER.name(stage)))
            realtime, _ = stack.enter_context(self._started(_REALTIME.name(stage)))
            stack.enter_context(
                _answering(self.sockets, self._behind_sockets(_REALTIME.name(stage), realtime, outputs))
            )
            self._tick(stage, scheduler)
            yield stack.enter_context(_gateway(api, stage))

    @contextmanager
    def _minding_roles(self) -> Iterator[None]:
        """Raises NotAllowed when a role was refused something; that is told rather than what came of it."""
        self.aws.refusals.clear()
        try:
            yield
        finally:
            if self.aws.refusals:
                raise NotAllowed("; ".join(dict.fromkeys(map(str, self.aws.refusals))))

    @contextmanager
    def _started(self, name: str) -> Iterator[tuple[runtime_api.Function, Clients]]:
        """The function as it stands in the embedded AWS, and clients that may do what it may.

        Raises NotAsDeclared when its code is none of our zips.
        """
        found = self.client("lambda").get_function(FunctionName=name)["Configuration"]
        zips = {code_hash(path.read_bytes()): path for path in self.packages().values()}
        if found["CodeSha256"] not in zips:
            raise NotAsDeclared(name, [f"runs {found['CodeSha256']}, which is no package of ours"])
        with (
            self.aws.as_role(found["Role"]) as clients,
            runtime_api.Function(
                zips[found["CodeSha256"]].with_suffix(""),
                found["Handler"],
                memory_mb=found["MemorySize"],
                environment={**found["Environment"]["Variables"], **clients.environment},
                log=self.logs / f"{name}.log",
            ) as function,
        ):
            yield function, clients

    def _pollers(self, name: str, function: runtime_api.Function, sqs: Any) -> list[SqsPoller]:
        """A poller for each queue that a mapping ties to the function; Lambda polls as the function's role."""

        def handle(event: dict[str, Any], _context: None) -> dict[str, Any]:
            answer = function.invoke(event)
            if answer.error is not None:
                raise RehearsalFailed(f"{name}: {answer.error}")
            return dict(answer.value)

        mappings = self.client("lambda").list_event_source_mappings(FunctionName=name)["EventSourceMappings"]
        if not mappings:
            raise NotAsDeclared(name, ["no queue wakes it"])
        return [
            SqsPoller(
                sqs,
                self.client("sqs").get_queue_url(QueueName=mapping["EventSourceArn"].rpartition(":")[2])["QueueUrl"],
                mapping["EventSourceArn"],
                handle,
            )
            for mapping in mappings
        ]

    def _behind_sockets(self, name: str, realtime: runtime_api.Function, outputs: Mapping[str, str]) -> Handler:
        """The function, if that is what every route of the WebSocket API leads to."""
        gateway, api = self.client("apigatewayv2"), {"ApiId": outputs["SocketApiId"]}
        for route in gateway.get_routes(**api)["Items"]:
            _, _, integration_id = route["Target"].partition("/")
            found = gateway.get_integration(**api, IntegrationId=integration_id)
            if not found["IntegrationUri"].endswith(f":function:{name}/invocations"):
                raise NotAsDeclared(name, [f"{route['RouteKey']} leads to {found['IntegrationUri']}"])

        def handle(event: dict[str, Any], _context: None) -> Mapping[str, Any]:
            answer = realtime.invoke(event)
            if answer.error is not None:
                raise RehearsalFailed(f"{name}: {answer.error}")
            return dict(answer.value)

        return handle

    def _tick(self, stage: str, scheduler: runtime_api.Function) -> None:
        """One tick, if the rule would send it there."""
        name = f"argus-{stage}-tick"
        (target,) = self.client("events").list_targets_by_rule(Rule=name)["Targets"]
        if target["Arn"].rpartition(":")[2] != _SCHEDULER.name(stage):
            raise NotAsDeclared(name, [f"wakes {target['Arn']}"])
        answer = scheduler.invoke(TICK)
        if answer.error is not None:
            raise RehearsalFailed(f"{name}: {answer.error}")


@contextmanager
def _answering(sockets: Sockets, handler: Handler) -> Iterator[None]:
    """The handler is behind the gateway as long as this lasts; a call that has begun is waited for in the end."""
    one_call, answering = threading.Lock(), [handler]

    def answer(event: dict[str, Any], context: None) -> Mapping[str, Any]:
        with one_call:
            return answering[0](event, context)

    sockets.handler = answer
    try:
        yield
    finally:
        with one_call:
            answering[0] = nobody


@contextmanager
def _polling(poller: SqsPoller) -> Iterator[None]:
    over = threading.Event()

    def work() -> None:
        while not over.is_set():
            poller.turn(wait_seconds=1)

    thread = threading.Thread(target=work, name=f"poller {poller.queue_arn}", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


@contextmanager
def _gateway(api: runtime_api.Function, stage: str) -> Iterator[str]:
    """API Gateway, small: requests of 127.0.0.1 as events of a REST API; the address under which they come."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        wbufsize = -1

        def do_GET(self) -> None:
            self._pass_on()

        def do_POST(self) -> None:
            self._pass_on()

        def do_DELETE(self) -> None:
            self._pass_on()

        def _pass_on(self) -> None:
            length = int(self.headers.get("Content-Length", 0))
            answer = api.invoke(
                events.rest(
                    self.command,
                    self.path,
                    headers=dict(self.headers.items()),
                    body=self.rfile.read(length) if length else None,
                    stage=stage,
                )
            )
            # API Gateway's own words for a function that failed.
            told = answer.value or {"statusCode": 502, "headers": {}, "body": '{"message": "Internal server error"}'}
            text = told.get("body") or ""
            body = base64.b64decode(text) if told.get("isBase64Encoded") else text.encode()
            self.send_response(told["statusCode"])
            for name, value in {**told["headers"], "Content-Length": str(len(body))}.items():
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


def nobody(_event: dict[str, Any], _context: None) -> Mapping[str, Any]:
    """Until functions run, nobody is behind the WebSocket API: as API Gateway says of a function that is not there."""
    return {"statusCode": 502}


def rehearse(*, twice: bool) -> Embedded:
    """Deploy on an embedded AWS of its own; what was seen of it. Raises whatever goes wrong."""
    with EmbeddedAws.start(stage=STAGE) as aws, Sockets.start(nobody) as sockets:
        environment = Embedded(aws, sockets)
        steps.deploy(steps.begin(STAGE, environment, {}, say))
        if twice:
            steps.deploy(steps.begin(STAGE, environment, {}, say))
        return environment


def main() -> int:
    parser = argparse.ArgumentParser(prog="make rehearse", description="Deploy on the embedded AWS.")
    parser.add_argument("--twice", action="store_true", help="deploy a second time, as an update")
    began = time.monotonic()
    try:
        environment = rehearse(twice=parser.parse_args().twice)
    except ArgusError as error:
        sys.stderr.write(f"{error.title} {error}\n")
        return 1
    say(f"read back as declared: {', '.join(dict.fromkeys(environment.verified))}")
    say(f"only an account has: {', '.join(sorted(environment.omitted))}")
    say(f"{time.monotonic() - began:.0f} s")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
