"""Our client of DynamoDB: the same results, errors, attempts and signatures as boto3's client."""

import json
import random
import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from zlib import crc32

import boto3
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials as BotocoreCredentials
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, ReadTimeoutError

from argus.container import Container
from argus.core.aws import ATTEMPTS, Aws
from argus.core.dynamo_client import DynamoClient, UnreadableResponse
from argus.core.ids import Ids
from argus.core.presign import Credentials, Unsignable
from argus.core.settings import Settings
from infra.embedded.aws import EmbeddedAws

REGION = "eu-west-1"
TEMPORARY = Credentials("ASIAEXAMPLE", "secret", "a+token/of=many characters")
LASTING = Credentials("AKIAEXAMPLE", "secret")
KEYS = {"aws_access_key_id": "AKIAEXAMPLE", "aws_secret_access_key": "secret"}
TIMEOUTS = (30.0, 30.0)
KEY = {"pk": {"S": "a"}, "sk": {"S": "b"}}
GET = {"TableName": "t", "Key": KEY}


def _client(url: str | None, *, region: str = REGION, credentials: Callable[[], Credentials] | None = None) -> Any:
    return DynamoClient.connect(
        region=region, url=url, credentials=credentials or (lambda: TEMPORARY), timeouts=TIMEOUTS, attempts=ATTEMPTS
    )


def _boto3(url: str, **keys: str) -> Any:
    retries = {"mode": "standard", "total_max_attempts": ATTEMPTS}
    connect_timeout, read_timeout = TIMEOUTS
    config = Config(retries=retries, connect_timeout=connect_timeout, read_timeout=read_timeout)
    return boto3.session.Session(region_name=REGION, **keys).client("dynamodb", endpoint_url=url, config=config)


def _outcome(client: Any, operation: str, arguments: dict[str, Any]) -> Any:
    """The response, or the error with its response; without the headers of HTTP, and messages only once."""
    left_out = {"ResponseMetadata", "message", "Message"}
    try:
        response = getattr(client, operation)(**arguments)
    except ClientError as error:
        rest = {name: value for name, value in error.response.items() if name not in left_out}
        kind = type(error).__name__
        return kind if hasattr(DynamoClient.exceptions, kind) else "ClientError", str(error), rest
    return {name: value for name, value in response.items() if name not in left_out}


# ---------------------------------------------------------------- the embedded AWS


def _calls(table: str, pk: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every operation, with each outcome that `Table` distinguishes."""
    key = {"pk": {"S": pk}, "sk": {"S": "a"}}
    values = {
        "text": {"S": 'é \ud83d\ude00 \u2028 "B"'},
        "number": {"N": "-1.5E-7"},
        "yes": {"BOOL": True},
        "nothing": {"NULL": True},
        "deflated": {"B": b"\x00\xff" * 20},
        "list": {"L": [{"B": b""}, {"M": {}}]},
        "B": {"S": "called B"},
        "map": {"M": {"B": {"B": b"B"}, "S": {"M": {"B": {"S": "B"}}}}},
    }
    exists = {"ConditionExpression": "attribute_exists(pk)", "ReturnValuesOnConditionCheckFailure": "ALL_OLD"}
    missing = {**exists, "ConditionExpression": "attribute_not_exists(pk)"}
    one = {"TableName": table, "ReturnConsumedCapacity": "TOTAL"}
    several = {"ReturnConsumedCapacity": "TOTAL"}
    added = {
        "UpdateExpression": "ADD #count :by",
        "ExpressionAttributeNames": {"#count": "count"},
        "ExpressionAttributeValues": {":by": {"N": "2"}},
        "ReturnValues": "ALL_NEW",
    }
    partition = {"KeyConditionExpression": "pk = :pk", "ExpressionAttributeValues": {":pk": {"S": pk}}}
    yield "get_item", {**one, "Key": key, "ConsistentRead": True}
    yield "update_item", {**one, "Key": key, **added, **exists}
    yield "put_item", {**one, "Item": {**key, **values}, **missing}
    yield "put_item", {**one, "Item": {**key, **values}, **missing}
    yield "get_item", {**one, "Key": key, "ConsistentRead": True}
    yield "update_item", {**one, "Key": key, **added, **exists}
    writes = [{"PutRequest": {"Item": {"pk": {"S": pk}, "sk": {"S": name}}}} for name in "bcd"]
    yield "batch_write_item", {**several, "RequestItems": {table: writes}}
    keys = [{"pk": {"S": pk}, "sk": {"S": name}} for name in "abx"]
    yield "batch_get_item", {**several, "RequestItems": {table: {"Keys": keys, "ConsistentRead": True}}}
    yield "query", {**one, **partition, "Limit": 2, "ConsistentRead": True}
    yield "query", {**one, **partition, "ExclusiveStartKey": keys[1], "ScanIndexForward": False}
    free = {"Put": {"TableName": table, "Item": {"pk": {"S": pk}, "sk": {"S": "e"}}}}
    taken = {"Put": {"TableName": table, "Item": key, "ConditionExpression": "attribute_not_exists(pk)"}}
    yield "transact_write_items", {**several, "TransactItems": [free, taken]}
    yield "transact_write_items", {**several, "TransactItems": [free]}
    yield "delete_item", {**one, "Key": key, "ConditionExpression": "attribute_not_exists(pk)"}
    yield "delete_item", {**one, "Key": key}
    yield "put_item", {**one, "Item": {"pk": {"S": ""}, "sk": {"S": "a"}}}
    yield "get_item", {**GET, "TableName": "argus-test-none"}


def test_every_operation_has_the_same_outcome_as_with_boto3(argus: Container, aws: EmbeddedAws) -> None:
    table, pk = argus.settings.table("imagery"), f"{Ids().new('org')}#client"
    outcomes = []
    for client in (_boto3(aws.endpoint_url), argus.aws.client("dynamodb")):
        outcomes.append([(operation, _outcome(client, operation, call)) for operation, call in _calls(table, pk)])
        for name in "abcde":
            client.delete_item(TableName=table, Key={"pk": {"S": pk}, "sk": {"S": name}})
    theirs, ours = outcomes
    for (operation, expected), (_, found) in zip(theirs, ours, strict=True):
        assert found == expected, operation
    kinds = {outcome[0] for _, outcome in ours if isinstance(outcome, tuple)}
    assert kinds == {"ConditionalCheckFailedException", "TransactionCanceledException", "ClientError"}


# ---------------------------------------------------------------- requests


@pytest.mark.parametrize("url", ("http://127.0.0.1:5000/prefix", "localhost:8000", "https://user:word@db.example", ""))
def test_an_endpoint_that_is_not_scheme_host_and_port_is_refused(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", url or "?")
    with pytest.raises(Unsignable, match="is not an endpoint"):
        _client(None)


def test_configured_endpoints_are_ignored_on_request(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:5000")
    monkeypatch.setenv("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true")
    assert _client(None).url == f"https://dynamodb.{REGION}.amazonaws.com"


def test_credentials_that_cannot_be_fetched_are_no_failure_of_dynamodb() -> None:
    events: list[str] = []

    def fetch() -> Credentials:
        events.append("fetched")
        raise ReadTimeoutError(endpoint_url="https://sts.example")

    client = _client("http://127.0.0.1:1", credentials=fetch)
    client.meta.events.register("response-received", lambda **_: events.append("attempted"))
    with pytest.raises(ReadTimeoutError):
        client.get_item(**GET)
    assert events == ["fetched"]


@pytest.mark.parametrize("credentials", [LASTING, TEMPORARY], ids=["lasting", "temporary"])
@pytest.mark.parametrize("url", [None, "http://127.0.0.1:5000", "https://vpce.example:443"])
def test_the_signature_is_botocores(credentials: Credentials, url: str | None) -> None:
    client = _client(url, credentials=lambda: credentials)
    sent: list[Any] = []

    def respond(request: Any, **_: Any) -> Any:
        sent.append(request)
        return SimpleNamespace(status_code=200, headers={}, content=b"{}")

    client.meta.events.register("before-send", respond)
    client.put_item(TableName="t", Item={**KEY, "name": {"S": "é"}})
    (request,) = sent
    headers = dict(request.headers)
    authorization = headers.pop("authorization")
    theirs = AWSRequest(request.method, request.url, headers, request.body)
    theirs.context["timestamp"] = headers["x-amz-date"]
    keys = BotocoreCredentials(credentials.access_key, credentials.secret_key, credentials.token)
    signer = SigV4Auth(keys, "dynamodb", REGION)
    signature = signer.signature(signer.string_to_sign(theirs, signer.canonical_request(theirs)), theirs)
    signed = signer.signed_headers(signer.headers_to_sign(theirs))
    assert authorization == (
        f"AWS4-HMAC-SHA256 Credential={signer.scope(theirs)}, SignedHeaders={signed}, Signature={signature}"
    )
    age = datetime.now(UTC) - datetime.strptime(headers["x-amz-date"], "%Y%m%dT%H%M%S%z")
    assert 0 <= age.total_seconds() < 3600


@pytest.mark.parametrize("region", ["eu-west-1", "us-gov-west-1", "cn-north-1", "eusc-de-east-1"])
def test_the_endpoint_of_a_region_is_boto3s(region: str) -> None:
    theirs = boto3.session.Session(**KEYS).client("dynamodb", region).meta.endpoint_url
    assert _client(None, region=region).url == theirs


@pytest.mark.parametrize("variable", ["AWS_ENDPOINT_URL_DYNAMODB", "AWS_ENDPOINT_URL"])
def test_a_variable_sets_the_endpoint(variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(variable, "http://127.0.0.1:1")
    assert _client(None).url == "http://127.0.0.1:1"
    assert _client("http://127.0.0.1:2").url == "http://127.0.0.1:2"


def test_unsupported_values_are_rejected() -> None:
    with pytest.raises(TypeError, match="cannot contain a datetime"):
        _client(None).put_item(TableName="t", Item={**KEY, "at": {"S": datetime.now(UTC)}})


# ---------------------------------------------------------------- credentials


def test_each_request_uses_the_current_credentials() -> None:
    current, tokens = ["first", "second"], []

    def respond(request: Any, **_: Any) -> Any:
        tokens.append(request.headers["x-amz-security-token"])
        return SimpleNamespace(status_code=200, headers={}, content=b"{}")

    client = _client(None, credentials=lambda: Credentials("ASIAEXAMPLE", "secret", current.pop(0)))
    client.meta.events.register("before-send", respond)
    client.get_item(**GET)
    client.get_item(**GET)
    assert tokens == ["first", "second"]


@pytest.fixture
def no_credentials(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An environment without credentials; returns the path where a file of them may be."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    return tmp_path / "credentials"


def test_credentials_come_from_the_environment_first(no_credentials: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    no_credentials.write_text("[default]\naws_access_key_id = file\naws_secret_access_key = secret\n")
    settings = Settings.from_env({})
    assert Aws(settings).credentials() == Credentials("file", "secret")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "variable")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "token")
    assert Aws(settings).credentials() == Credentials("variable", "secret", "token")


@pytest.mark.usefixtures("no_credentials")
def test_without_credentials_no_request_is_sent() -> None:
    with pytest.raises(NoCredentialsError):
        Aws(Settings.from_env({})).client("dynamodb").get_item(**GET)


# ---------------------------------------------------------------- a server with faults


def _answer(status: int, content: bytes, **headers: str) -> bytes:
    lines = {"content-type": "application/x-amz-json-1.0", "content-length": str(len(content)), **headers}
    head = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in lines.items())
    return f"HTTP/1.1 {status} Status\r\n{head}\r\n".encode() + content


def _error(status: int, code: str, **members: Any) -> bytes:
    return _answer(status, json.dumps({"__type": f"com.amazonaws.dynamodb.v20120810#{code}", **members}).encode())


ITEM = json.dumps({"Item": {"pk": {"S": "a"}}}).encode()
SUCCESS = _answer(200, ITEM, x_amz_crc32=str(crc32(ITEM)), x_amzn_requestid="R")
THEN_CLOSE = b"close"  # after the answer that precedes it


@dataclass
class Server:
    """Sends the answers in turn, the last one again and again; an empty one closes the connection."""

    url: str
    answers: list[bytes] = field(default_factory=lambda: [SUCCESS])
    targets: list[str] = field(default_factory=list)
    bodies: list[dict[str, Any]] = field(default_factory=list)
    connections: int = 0

    def next(self) -> bytes:
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


@pytest.fixture
def server() -> Iterator[Server]:
    class Listening(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            known.connections += 1
            with suppress(ConnectionError):
                while line := self.rfile.readline():
                    known.targets.append(line.split()[1].decode())
                    size = 0
                    while (header := self.rfile.readline().lower()) != b"\r\n":
                        name, _, value = header.partition(b":")
                        size = int(value) if name == b"content-length" else size
                    known.bodies.append(json.loads(self.rfile.read(size)))
                    answer = known.next()
                    self.wfile.write(answer.removesuffix(THEN_CLOSE))
                    if not answer or answer.endswith(THEN_CLOSE):
                        return

    class Listener(socketserver.ThreadingTCPServer):
        daemon_threads = True

    with Listener(("127.0.0.1", 0), Listening) as listener:
        known = Server(f"http://127.0.0.1:{listener.server_address[1]}")
        threading.Thread(target=listener.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        yield known
        listener.shutdown()


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses between attempts, which take no time."""
    taken: list[float] = []
    monkeypatch.setattr("time.sleep", taken.append)
    return taken


FAULTS = {
    "throttled": _error(400, "ProvisionedThroughputExceededException", message="The level is exceeded"),
    "throttled by the account": _error(400, "ThrottlingException", Message="Rate exceeded"),
    "too many requests": _answer(429, b""),
    "asks for a pause": _answer(503, b"later", x_amz_retry_after="3000"),
    "internal error": _error(500, "InternalServerError", message="The request failed"),
    "unavailable, as text": _answer(503, b"upstream connect error"),
    "bad gateway": _answer(502, b"no upstream"),
    "closes without an answer": b"",
    "does not speak HTTP": b"garbage\r\n\r\n" + THEN_CLOSE,
    "not retried: invalid": _error(400, "ValidationException", message="Invalid key"),
    "not retried: with an address": _error(400, "ValidationException:http://dynamodb.example/#x", message="Invalid"),
    "not retried: no access": _error(400, "AccessDeniedException", Message="not authorized"),
    "not retried: expired token": _error(400, "ExpiredTokenException", message="The token is expired"),
    "not retried: condition": _error(
        400, "ConditionalCheckFailedException", message="failed", Item={"a": {"B": "AA=="}}
    ),
    "not retried: forbidden, as a page": _answer(403, b"<html>"),
    "not retried: redirected": _answer(301, b"", location="http://127.0.0.1:1"),
}


def _attempts(server: Server, client: Any, answers: list[bytes]) -> tuple[Any, int]:
    """The outcome of a call, and how many requests it took."""
    server.answers, server.bodies = list(answers), []
    try:
        outcome = _outcome(client, "get_item", GET)
    except BotoCoreError as error:
        outcome = type(error).__name__
    return outcome, len(server.bodies)


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
@pytest.mark.parametrize("times", [1, 3, ATTEMPTS], ids=["once", "three times", "always"])
def test_a_fault_has_the_same_attempts_pauses_and_outcome_as_with_boto3(
    server: Server, pauses: list[float], fault: bytes, times: int
) -> None:
    answers = [fault] * times + [SUCCESS] * (times < ATTEMPTS)
    results = []
    for client in (_boto3(server.url, **KEYS), _client(server.url)):
        pauses.clear()
        random.seed(1)  # of the jitter
        results.append((_attempts(server, client, answers), pauses[:]))
    theirs, ours = results
    assert ours == theirs


@pytest.mark.usefixtures("pauses")
def test_retries_end_when_many_calls_fail_and_resume_after_successes_as_with_boto3(server: Server) -> None:
    answers = [*[[FAULTS["internal error"]]] * 20, *[[SUCCESS]] * 20, [FAULTS["internal error"]]]
    theirs, ours = (
        [_attempts(server, client, answer)[1] for answer in answers]
        for client in (_boto3(server.url, **KEYS), _client(server.url))
    )
    assert ours == theirs
    assert {1, ATTEMPTS} <= set(ours)


DAMAGED = {
    "garbage": _answer(200, b"\xff\xfe garbage"),
    "not an object": _answer(200, b"[]"),
    "empty": _answer(200, b""),
    "cut": _answer(200, ITEM[:-5]),
    "closes within the head": b"HTTP/1.1 200 OK\r\ncontent-le" + THEN_CLOSE,
    "closes within the body": SUCCESS[:-5] + THEN_CLOSE,
    "another checksum": _answer(200, ITEM, x_amz_crc32="1"),
    "a binary value that is not base64": _answer(200, b'{"Item": {"a": {"B": "A"}}}'),
}


@pytest.mark.usefixtures("pauses")
@pytest.mark.parametrize("damaged", DAMAGED.values(), ids=DAMAGED)
def test_a_damaged_response_is_requested_again_and_never_an_empty_one(server: Server, damaged: bytes) -> None:
    assert _attempts(server, _client(server.url), [damaged, SUCCESS]) == ({"Item": {"pk": {"S": "a"}}}, 2)
    assert _attempts(server, _client(server.url), [damaged]) == (UnreadableResponse.__name__, ATTEMPTS)


def test_connections_are_kept_and_a_closed_one_is_replaced(server: Server, pauses: list[float]) -> None:
    client = _client(server.url)
    server.answers = [SUCCESS, SUCCESS, SUCCESS + THEN_CLOSE, SUCCESS]
    assert [client.get_item(**GET)["Item"] for _ in range(4)] == [{"pk": {"S": "a"}}] * 4
    assert server.connections == 2


def test_a_retried_transaction_keeps_its_token(server: Server, pauses: list[float]) -> None:
    client = _client(server.url)
    server.answers = [b"", SUCCESS]
    client.transact_write_items(TransactItems=[])
    client.transact_write_items(TransactItems=[])
    first, again, other = (body["ClientRequestToken"] for body in server.bodies)
    assert first == again != other


def test_requests_go_through_the_proxy_of_the_environment(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", server.url)
    monkeypatch.setenv("NO_PROXY", "")
    assert "Item" in _client("http://dynamodb.example").get_item(**GET)
    assert server.targets == ["http://dynamodb.example/"]


def test_an_endpoint_that_is_not_there_is_called_four_times(pauses: list[float]) -> None:
    with pytest.raises(BotoCoreError, match="Could not connect"):
        _client("http://127.0.0.1:1").get_item(**GET)
    assert len(pauses) == ATTEMPTS - 1
