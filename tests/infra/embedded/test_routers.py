"""moto's routers are built before the first request, not while another thread uses `ast`."""

import ast
import gc
import re
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from moto.core.routing import get_service_router

from infra.embedded import aws as embedded
from infra.embedded.aws import EmbeddedAws
from infra.embedded.clients import Clients
from infra.embedded.routers import DEPLOYMENT, LAPTOP
from tests.ports import free_port

ROOT = Path(__file__).parents[3]

CALLS: dict[str, Callable[[Any], Any]] = {
    "apigateway": lambda client: client.get_rest_apis(),
    "cloudformation": lambda client: client.list_stacks(),
    "cloudfront": lambda client: client.list_distributions(),
    "cognito-idp": lambda client: client.list_user_pools(MaxResults=1),
    "dynamodb": lambda client: client.list_tables(),
    "events": lambda client: client.list_rules(),
    "iam": lambda client: client.list_roles(),
    "kms": lambda client: client.list_keys(),
    "lambda": lambda client: client.list_functions(),
    "logs": lambda client: client.describe_log_groups(),
    "s3": lambda client: client.list_buckets(),
    "secretsmanager": lambda client: client.list_secrets(),
    "sqs": lambda client: client.list_queues(),
    "ssm": lambda client: client.describe_parameters(),
    "sts": lambda client: client.get_caller_identity(),
}
CALLED_BY_ZAPPA = {"events", "logs"}  # besides those that the source calls
# Emulated by the deployment tests and by services.local.sockets.
NOT_IN_MOTO = {"amplify", "apigatewaymanagementapi", "ce", "sesv2"}
ROUNDS = 2  # with routers built by requests, 20 of 20 failed


def fresh_aws(port: int, services: Iterable[str] = DEPLOYMENT) -> EmbeddedAws:
    """An embedded AWS that starts as in a new process."""
    get_service_router.cache_clear()
    embedded._application.cache_clear()
    return EmbeddedAws.start(port, stage="routers", services=services)


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def clients(port: int) -> Iterator[dict[str, Any]]:
    clients = Clients(endpoint_url=f"http://{embedded.HOST}:{port}", region="eu-west-1")
    yield {service: clients(service) for service in CALLS}
    clients.close()


@contextmanager
def another_thread_parsing() -> Iterator[None]:
    """A thread that parses all the time, while Python code runs inside many garbage collections."""
    stop = threading.Event()

    def parse() -> None:
        while not stop.is_set():
            ast.parse("a + b * (c - d)")

    def collected(*_: object) -> None:
        for _ in range(10):
            pass

    thread = threading.Thread(target=parse)
    threshold = gc.get_threshold()
    gc.callbacks.append(collected)
    gc.set_threshold(50, 100, 1000)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
        gc.set_threshold(*threshold)
        gc.callbacks.remove(collected)


@pytest.mark.parametrize(
    ("services", "folders", "also"),
    [
        (LAPTOP, ["src", "services/api", "services/worker", "infra/embedded"], set()),
        (DEPLOYMENT, ["src", "services", "infra"], CALLED_BY_ZAPPA),
    ],
    ids=["laptop", "deployment"],
)
def test_the_services_that_the_source_uses_are_built(services: list[str], folders: list[str], also: set[str]) -> None:
    sources = [path.read_text() for folder in folders for path in (ROOT / folder).rglob("*.py")]
    named = {name for source in sources for name in re.findall(r'\bclients?\(\s*"([a-z0-9-]+)"', source)}
    assert (named | also) - NOT_IN_MOTO == set(services)
    assert set(services) <= set(CALLS)


def test_the_stacks_of_a_laptop_need_no_other_service(port: int) -> None:
    with fresh_aws(port, LAPTOP) as aws:
        aws.provision()
        dispatcher: Any = aws._server.app
        assert set(dispatcher.app_instances) == {name.replace("cognito-idp", "cognitoidp") for name in LAPTOP}


def test_no_request_compiles_a_route(port: int, clients: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    parsed: list[object] = []
    parse = ast.parse

    def record(source: Any, *arguments: Any, **more: Any) -> ast.AST:
        parsed.append(source)
        return parse(source, *arguments, **more)

    with fresh_aws(port):
        monkeypatch.setattr(ast, "parse", record)
        for service, call in CALLS.items():
            call(clients[service])
    assert parsed == []


def test_first_requests_of_many_threads_succeed_while_another_thread_parses(
    port: int, clients: dict[str, Any], racing: None
) -> None:
    for _ in range(ROUNDS):
        with fresh_aws(port), another_thread_parsing(), ThreadPoolExecutor(16) as pool:
            responses = list(pool.map(lambda service: CALLS[service](clients[service]), CALLS))
        assert [response["ResponseMetadata"]["HTTPStatusCode"] for response in responses] == [200] * len(CALLS)
