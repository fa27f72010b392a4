"""Fixtures of all tests: a complete Argus on an embedded AWS, its callers, and its workers."""

import functools
import ipaddress
import json
import os
import random
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import hypothesis
import pytest
from _pytest.assertion import rewrite
from botocore.client import BaseClient
from botocore.httpsession import URLLib3Session
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from flask.testing import FlaskClient
from httpx._transports import default as httpx_transports
from hypothesis.internal.conjecture.data import ConjectureData
from jose import jwk, jwt
from jose.backends.base import Key
from moto.moto_server.werkzeug_app import create_backend_app
from pypdf import PageObject, PdfReader
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from argus.app import create_app
from argus.container import Container
from argus.core.background import Background
from argus.core.dynamo import due_shards
from argus.core.settings import Settings
from argus.identity.model import Role, Subject
from infra.embedded import aws as embedded_aws
from infra.embedded.aws import EmbeddedAws, StackOutputs
from services.local.sockets import Sockets
from services.local.sqs_poller import SqsPoller
from services.realtime import main as realtime
from services.scanner import main as scanner
from services.scheduler import main as scheduler
from services.worker import main as worker

# Tests have no deadline, since a busy machine is no failure. CI uses the same examples every time; other runs use new
# ones, and each failure that they find becomes a test of its own.
hypothesis.settings.register_profile(
    "argus",
    deadline=None,
    derandomize=bool(os.environ.get("CI")),
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile("argus")

ISSUER = "https://issuer.example"
CLIENT_ID = "test-client"
ORIGIN = "https://console.example"
LONG_SECONDS = 12 * 3600  # SQS's maximum visibility timeout


# The files with the longest tests run first, so that no worker starts one when the others have nothing left to do.
LONGEST = (
    "journeys/test_toy",
    "infra/deploy/test_steps",
    "journeys/test_laptop",
    "journeys/test_shared_scan",
    "infra/deploy/test_package",
    "scanning/test_life_cycle",
    "scanning/test_engine",
    "scanning/test_runs",
    "scanning/test_findings",
    "imagery/test_service",
    "test_isolation",
    "core/test_background",
    "core/test_timeouts",
    "reports/test_service",
    "imagery/test_unfinished",
    "fuzz/test_in_process",
    "real/test_journey",
    "cli/test_guide",
    "notify/test_service",
    "core/test_http",
    "infra/test_roles",
    "core/test_pdf",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Sort the files by LONGEST."""
    tests = Path(__file__).parent
    position = {tests / f"{name}.py": number for number, name in enumerate(LONGEST)}
    items.sort(key=lambda item: position.get(item.path, len(LONGEST)))


class MovableClock:
    """The real time plus an offset."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead

    def move(self, **by: float) -> None:
        self.ahead += timedelta(**by)

    def start_window(self) -> None:
        """Move to the start of the next minute, where windows of rate limits begin."""
        self.move(seconds=60 - self().timestamp() % 60 + 0.5)


def random_address() -> str:
    """An IPv4 address that no other test counts: the counters of all tests are in the same table."""
    return str(ipaddress.ip_address(random.randrange(0x0A000000, 0x0B000000)))


@dataclass(frozen=True)
class Issuer:
    """A token issuer, made with python-jose: a different implementation from the verifier's."""

    key: Key  # parsing a private key takes longer than signing with it
    jwks: bytes
    key_id: str = "key-1"

    @classmethod
    def make(cls) -> "Issuer":
        private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        public_pem = private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        entry = {**jwk.construct(public_pem.decode(), "RS256").to_dict(), "kid": cls.key_id, "use": "sig"}
        pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
        return cls(jwk.construct(pem, "RS256"), json.dumps({"keys": [entry]}).encode())

    def token(self, subject: str, **claims: Any) -> str:
        now = datetime.now(UTC)
        body = {
            "iss": ISSUER,
            "sub": subject,
            "client_id": CLIENT_ID,
            "token_use": "access",
            "iat": now,
            "exp": now + timedelta(hours=1),
            **claims,
        }
        return jwt.encode(body, self.key, algorithm="RS256", headers={"kid": self.key_id})


@dataclass(frozen=True)
class Person:
    """A client of the API with credentials."""

    http: FlaskClient
    headers: dict[str, str]
    organisation_id: str = ""

    def get(self, path: str, **kwargs: Any) -> TestResponse:
        return self.call("GET", path, **kwargs)

    def post(self, path: str, body: Any = None, **kwargs: Any) -> TestResponse:
        return self.call("POST", path, json=body, **kwargs)

    def delete(self, path: str, **kwargs: Any) -> TestResponse:
        return self.call("DELETE", path, **kwargs)

    def call(self, method: str, path: str, *, headers: dict[str, str] | None = None, **kwargs: Any) -> TestResponse:
        address = path if path.startswith("/api/") else f"/api/v1{path}"
        return self.http.open(address, method=method, headers={**self.headers, **(headers or {})}, **kwargs)


@dataclass
class Receiver:
    """An SQS client that records received messages, so that tests control when failed ones are redelivered."""

    sqs: Any
    received: list[tuple[str, str]] = field(default_factory=list)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.sqs, name)

    def receive_message(self, **arguments: Any) -> Any:
        response = self.sqs.receive_message(**arguments)
        self.received += [(arguments["QueueUrl"], message["ReceiptHandle"]) for message in response.get("Messages", [])]
        return response

    def redeliver(self) -> None:
        """Make every message that was not deleted visible again, as after the queue's visibility timeout."""
        while self.received:
            url, handle = self.received.pop()
            with suppress(self.sqs.exceptions.ReceiptHandleIsInvalid, self.sqs.exceptions.MessageNotInflight):
                self.sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=handle, VisibilityTimeout=0)


@dataclass
class Workers:
    """The functions behind the queues; `work()` runs until no queue has a visible message."""

    pollers: list[SqsPoller]
    sqs: Receiver
    outputs: StackOutputs

    def work(self) -> None:
        while sum(poller.poll(wait_seconds=0) for poller in self.pollers):
            pass

    def work_until_dead(self, queue_url: str, text: str) -> dict[str, Any]:
        """Work and redeliver failed messages, until the message that contains the text is a dead letter."""
        for _ in range(10):
            self.work()
            for message in self.dead(queue_url):
                if text in message["Body"]:
                    return message
            self.sqs.redeliver()
        raise AssertionError("no message is dead after ten rounds")

    def discard(self, text: str, *, queue_url: str = "") -> None:
        """Delete messages of a queue, by default of jobs, up to the one that contains the text."""
        url, body = queue_url or self.outputs.jobs_queue_url, ""
        while text not in body:
            (message,) = self.sqs.receive_message(QueueUrl=url, WaitTimeSeconds=2)["Messages"]
            self.sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
            body = message["Body"]

    def dead(self, queue_url: str) -> list[dict[str, Any]]:
        """Take the dead letters of a queue. Those left in it would be visible again in a later test, after 30 s."""
        return _drain(self.sqs.sqs, queue_url)


def untraced(real: Callable[..., Any]) -> Callable[..., Any]:
    """The same function, without coverage's trace function, which slows every instruction of its thread."""

    @functools.wraps(real)
    def run(*args: Any, **kwargs: Any) -> Any:
        tracer = sys.gettrace()
        sys.settrace(None)
        try:
            return real(*args, **kwargs)
        finally:
            sys.settrace(tracer)

    return run


rewrite.rewrite_asserts = untraced(rewrite.rewrite_asserts)  # in every file of tests, before any fixture


@pytest.fixture(scope="session", autouse=True)
def _untraced_libraries() -> None:
    """Measure no coverage inside boto3, moto, pypdf, werkzeug's routes and hypothesis's strategies."""

    def create(service: Any) -> Any:
        application = create_backend_app(service)
        application.wsgi_app = untraced(application.wsgi_app)  # type: ignore[method-assign]
        return application

    embedded_aws.create_backend_app = create
    for owner, name in [
        (boto3.Session, "__init__"),
        (boto3.Session, "client"),
        (BaseClient, "_make_api_call"),
        (URLLib3Session, "send"),
        (PageObject, "extract_text"),
        (PdfReader, "__init__"),
        (Rule, "compile"),
        (ConjectureData, "draw"),
    ]:
        setattr(owner, name, untraced(getattr(owner, name)))


@pytest.fixture(scope="session", autouse=True)
def _certificates_once() -> None:
    """Each client of httpx loads the trusted certificates anew, which takes 20 ms."""
    httpx_transports.create_ssl_context = functools.cache(httpx_transports.create_ssl_context)


@pytest.fixture(scope="session")
def aws() -> Iterator[EmbeddedAws]:
    with EmbeddedAws.start(stage="test") as embedded, pytest.MonkeyPatch.context() as patch:
        for name, value in embedded.environment.items():
            if name != "AWS_ENDPOINT_URL":  # clients must name the endpoint explicitly
                patch.setenv(name, value)
        yield embedded


@pytest.fixture(scope="session")
def outputs(aws: EmbeddedAws) -> StackOutputs:
    return aws.provision(allowed_origins=[ORIGIN], visibility_timeout_seconds=LONG_SECONDS)


@pytest.fixture(scope="session")
def issuer() -> Issuer:
    return Issuer.make()


@pytest.fixture(scope="session")
def settings(aws: EmbeddedAws, outputs: StackOutputs) -> Settings:
    cognito = {"issuer": outputs.issuer, "jwks_url": outputs.jwks_url, "client_ids": [outputs.client_id]}
    own = {"issuer": ISSUER, "jwks_url": f"{ISSUER}/jwks.json", "client_ids": [CLIENT_ID]}
    return Settings.from_env(
        {
            "ARGUS_STAGE": "test",
            "AWS_REGION": aws.region,
            "ARGUS_ACCOUNT_ID": aws.account_id,
            "ARGUS_AWS_ENDPOINT": aws.endpoint_url,
            "ARGUS_TRUSTED_ISSUERS": json.dumps([own, cognito]),
            "ARGUS_ALLOWED_ORIGINS": ORIGIN,
            "ARGUS_SOCKET_URL": "wss://socket.example/test",
            "ARGUS_RATE_LIMIT": "100000 per minute",
            "ARGUS_IP_RATE_LIMIT": "100000 per minute",
        }
    )


@pytest.fixture(scope="session")
def _session_clock() -> MovableClock:
    return MovableClock()


@pytest.fixture(autouse=True)
def clock(_session_clock: MovableClock) -> MovableClock:
    """Reset for every test. Two minutes ahead if links would change within the next two minutes."""
    window, edge = Settings.from_env({}).link_window_seconds, 120
    is_near = window - datetime.now(UTC).timestamp() % window < edge
    _session_clock.ahead = timedelta(seconds=edge if is_near else 0)
    return _session_clock


@pytest.fixture(scope="session")
def argus(settings: Settings, issuer: Issuer, _session_clock: MovableClock) -> Container:
    def fetch(url: str) -> bytes:
        if url.startswith(ISSUER):
            return issuer.jwks
        from argus.identity.jwks import fetch_keys

        return fetch_keys(url, seconds=100)

    return Container(settings, clock=_session_clock, fetch_keys=fetch)


@pytest.fixture
def nothing_due(argus: Container) -> None:
    """Removes unfinished items of earlier tests from the sweeps."""
    services = [getattr(argus, name) for capability in argus.capabilities for name in capability.services]
    fields = [value for service in services for value in getattr(service, "__dict__", {}).values()]
    for store in [each.store for each in fields if isinstance(each, Background)]:
        for shard in due_shards(store.due_prefix):
            for due in list(store.due(shard, argus.clock() + timedelta(days=30))):
                store.table.update(due["pk"], due["sk"], changes={"checks": 0}, remove=("gsi1pk", "gsi1sk"))


@pytest.fixture
def tick(nothing_due: None, argus: Container, monkeypatch: pytest.MonkeyPatch) -> Callable[[], Any]:
    """Runs one tick of the scheduler."""
    monkeypatch.setattr(scheduler, "container", lambda: argus)
    return lambda: scheduler.handler(scheduler.TICK, None)


@pytest.fixture(scope="session")
def http(argus: Container) -> FlaskClient:
    return create_app(argus).test_client()


@pytest.fixture
def anonymous(http: FlaskClient) -> Person:
    """A client without credentials."""
    return Person(http, {})


@pytest.fixture(scope="session")
def new_owner(http: FlaskClient, issuer: Issuer) -> Callable[[], Person]:
    """Creates a user who owns a new organisation."""

    def make() -> Person:
        headers = {"Authorization": f"Bearer {issuer.token(f'subject-{os.urandom(8).hex()}')}"}
        me = Person(http, headers).get("/me").get_json()
        return Person(http, headers, me["organisation"]["id"])

    return make


@pytest.fixture
def owner(new_owner: Callable[[], Person]) -> Person:
    return new_owner()


@pytest.fixture
def stranger(new_owner: Callable[[], Person]) -> Person:
    """The owner of another organisation."""
    return new_owner()


@pytest.fixture
def viewer(http: FlaskClient, argus: Container, issuer: Issuer, owner: Person) -> Person:
    """A user of the owner's organisation with the role viewer."""
    subject = f"viewer-{os.urandom(8).hex()}"
    argus.identity.add_member(Subject(ISSUER, subject), owner.organisation_id, Role.VIEWER)
    return Person(http, {"Authorization": f"Bearer {issuer.token(subject)}"}, owner.organisation_id)


def _drain(sqs: Any, url: str) -> list[dict[str, Any]]:
    """Receive and delete all messages of a queue; PurgeQueue is allowed only once a minute."""
    drained: list[dict[str, Any]] = []
    while left := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=0).get("Messages"):
        entries = [{"Id": str(n), "ReceiptHandle": entry["ReceiptHandle"]} for n, entry in enumerate(left)]
        sqs.delete_message_batch(QueueUrl=url, Entries=entries)
        drained += left
    return drained


@pytest.fixture(scope="session")
def queue_arns(aws: EmbeddedAws, outputs: StackOutputs) -> dict[str, str]:
    """By the URL of the queue."""
    sqs = aws.client("sqs")
    urls = (outputs.uploads_queue_url, outputs.jobs_queue_url, outputs.scans_queue_url)
    named = {url: sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"]) for url in urls}
    return {url: found["Attributes"]["QueueArn"] for url, found in named.items()}


@pytest.fixture
def workers(
    argus: Container,
    aws: EmbeddedAws,
    outputs: StackOutputs,
    queue_arns: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> Workers:
    for service in (worker, scanner):
        monkeypatch.setattr(service, "container", lambda: argus)
    sqs = Receiver(aws.client("sqs"))
    handlers = {
        outputs.uploads_queue_url: worker.handler,
        outputs.jobs_queue_url: worker.handler,
        outputs.scans_queue_url: scanner.handler,
    }
    # Messages of earlier tests.
    for url in [*handlers, outputs.uploads_dead_queue_url, outputs.jobs_dead_queue_url, outputs.scans_dead_queue_url]:
        _drain(sqs, url)
    pollers = [SqsPoller(sqs, url, queue_arns[url], handler) for url, handler in handlers.items()]
    return Workers(pollers, sqs, outputs)


@pytest.fixture
def sockets() -> Iterator[Sockets]:
    """A WebSocket gateway with its function."""
    with Sockets.start(realtime.handler) as started:
        yield started


@pytest.fixture
def live(argus: Container, sockets: Sockets, workers: Workers, monkeypatch: pytest.MonkeyPatch) -> Container:
    """The Argus of the tests, with WebSocket connections."""
    settings = argus.settings.changed(ARGUS_SOCKET_URL=sockets.url, ARGUS_CONNECTIONS_ENDPOINT=sockets.endpoint)
    container = Container(settings, clock=argus.clock, fetch_keys=argus.fetch_keys)
    for service in (realtime, worker, scanner):
        monkeypatch.setattr(service, "container", lambda: container)
    return container


@pytest.fixture
def racing() -> Iterator[None]:
    """Threads switch a thousand times as often as normally, which provokes race conditions."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(interval / 1000)
    yield
    sys.setswitchinterval(interval)


@pytest.fixture
def redeliver(workers: Workers) -> Callable[[], None]:
    """Make failed messages visible again."""
    return workers.sqs.redeliver
