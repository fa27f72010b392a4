"""Calls without a socket have the same results as calls over one."""

import io
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.exceptions import ClientError, EndpointConnectionError
from botocore.httpsession import URLLib3Session
from werkzeug.serving import make_server

from infra.embedded import HOST, transport
from infra.embedded.aws import EmbeddedAws

NAME = "transport"
OBJECT = {"Bucket": NAME, "Key": "a b/ü+%2F.txt"}


@pytest.fixture(scope="module")
def filled(aws: EmbeddedAws) -> Iterator[EmbeddedAws]:
    """The embedded AWS with a bucket, a table and a queue."""
    s3, dynamodb, sqs = (aws.client(name) for name in ("s3", "dynamodb", "sqs"))
    s3.create_bucket(Bucket=NAME, CreateBucketConfiguration={"LocationConstraint": aws.region})
    s3.put_object(**OBJECT, Body=b"0123456789", Metadata={"with_underscore": "1", "a": "2"})
    dynamodb.create_table(
        TableName=NAME,
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    dynamodb.put_item(TableName=NAME, Item={"pk": {"S": "Ω"}})
    queue = sqs.create_queue(QueueName=NAME)["QueueUrl"]
    yield aws
    sqs.delete_queue(QueueUrl=queue)
    dynamodb.delete_table(TableName=NAME)
    for key in (OBJECT["Key"], "stream"):
        s3.delete_object(Bucket=NAME, Key=key)
    s3.delete_bucket(Bucket=NAME)


CALLS: dict[str, Callable[[EmbeddedAws], Any]] = {
    "an object": lambda aws: aws.client("s3").get_object(**OBJECT),
    "a range": lambda aws: aws.client("s3").get_object(**OBJECT, Range="bytes=2-4"),
    "a range outside": lambda aws: aws.client("s3").get_object(**OBJECT, Range="bytes=99-"),
    "headers only": lambda aws: aws.client("s3").head_object(**OBJECT),
    "headers of an object that is missing": lambda aws: aws.client("s3").head_object(Bucket=NAME, Key="none"),
    "an object missing": lambda aws: aws.client("s3").get_object(Bucket=NAME, Key="/none//"),
    "a list": lambda aws: aws.client("s3").list_objects_v2(Bucket=NAME, Prefix="a b/ü+", Delimiter="/"),
    "an object written from a stream": lambda aws: aws.client("s3").put_object(
        **{**OBJECT, "Key": "stream"}, Body=io.BytesIO(b"a" * 100_000)
    ),
    "objects deleted": lambda aws: aws.client("s3").delete_objects(Bucket=NAME, Delete={"Objects": [{"Key": "x"}]}),
    "an item": lambda aws: aws.client("dynamodb").get_item(TableName=NAME, Key={"pk": {"S": "Ω"}}),
    "a table that is missing": lambda aws: aws.client("dynamodb").describe_table(TableName="none"),
    "an empty queue": lambda aws: aws.client("sqs").receive_message(
        QueueUrl=aws.client("sqs").get_queue_url(QueueName=NAME)["QueueUrl"]
    ),
    "an XML list": lambda aws: aws.client("iam").list_roles(PathPrefix="/none/"),
    "a REST list": lambda aws: aws.client("lambda").list_functions(),
    "a user pool that is missing": lambda aws: aws.client("cognito-idp").describe_user_pool(
        UserPoolId="eu-west-1_none"
    ),
}


@pytest.mark.parametrize("name", CALLS)
def test_a_response_is_the_same_as_over_a_socket(
    filled: EmbeddedAws, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    direct = URLLib3Session.send
    over_a_socket: Any = direct.__wrapped__  # type: ignore[attr-defined]
    pairs: list[tuple[str, AWSResponse, AWSResponse]] = []

    def both(session: Any, request: AWSPreparedRequest) -> AWSResponse:
        socket = over_a_socket(session, request)
        request.reset_stream()
        pairs.append((request.method, socket, direct(session, request)))
        return pairs[-1][2]

    monkeypatch.setattr(URLLib3Session, "send", both)
    found: Any = {}
    try:
        found = CALLS[name](filled)
    except ClientError:
        assert name.endswith("missing") or name == "a range outside"
    else:
        content = found["Body"].read() if "Body" in found else b""
        assert content == {"an object": b"0123456789", "a range": b"234"}.get(name, b"")
    assert pairs
    for method, socket, without in pairs:
        assert without.status_code == socket.status_code
        assert headers(method, without) == headers(method, socket)
        if "Body" not in found:
            assert without_ids(without.content) == without_ids(socket.content)


def headers(method: str, response: AWSResponse) -> dict[str, str]:
    """The headers that are the same for every response to a request, over a socket or not.

    Two writes of an object may be in different seconds, so only the name of their time is compared.
    """
    varying = {"date", "server", "connection", "transfer-encoding", "x-amzn-requestid", "x-amz-request-id"}
    found = {name.lower(): value for name, value in response.headers.items() if name.lower() not in varying}
    if method == "PUT" and "last-modified" in found:
        found["last-modified"] = ""
    return found


def without_ids(content: bytes) -> bytes:
    return re.sub(rb"<(RequestId|HostId)>[^<]*", b"", content)


@pytest.mark.parametrize("body", [b"bytes", bytearray(b"more bytes"), "text", io.BytesIO(b"a file"), None])
def test_a_body_of_any_kind_arrives_complete(body: Any) -> None:
    received = []

    def application(environ: Any, start_response: Any) -> list[bytes]:
        received.append(environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0)))
        start_response("204 No Content", [])
        return []

    with serving(application) as url:
        response = URLLib3Session().send(prepared("PUT", url, body))
    assert (response.status_code, response.content) == (204, b"")
    expected = body.getvalue() if isinstance(body, io.BytesIO) else body.encode() if isinstance(body, str) else body
    assert received == [expected or b""]


def test_an_error_of_the_application_is_a_500(capsys: pytest.CaptureFixture[str]) -> None:
    def application(_environ: Any, _start_response: Any) -> list[bytes]:
        raise RuntimeError("broken on purpose")

    with serving(application) as url:
        assert URLLib3Session().send(prepared("GET", url, None)).status_code == 500
    assert "broken on purpose" in capsys.readouterr().err


def test_calls_wait_for_messages_at_the_same_time(filled: EmbeddedAws) -> None:
    """A long poll keeps no other call waiting."""
    sqs = filled.client("sqs")
    queue = sqs.get_queue_url(QueueName=NAME)["QueueUrl"]
    received: list[Any] = []

    def poll() -> None:
        received.append(sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=20)["Messages"])

    polls = [threading.Thread(target=poll) for _ in range(12)]
    for thread in polls:
        thread.start()
    sqs.send_message_batch(QueueUrl=queue, Entries=[{"Id": str(n), "MessageBody": "."} for n in range(10)])
    sqs.send_message_batch(QueueUrl=queue, Entries=[{"Id": str(n), "MessageBody": "."} for n in range(2)])
    for thread in polls:
        thread.join()
    assert len(received) == 12


def test_after_a_server_has_stopped_its_port_is_closed() -> None:
    with EmbeddedAws.start(stage="stopped") as stopped:
        s3 = stopped.client("s3")
        s3.list_buckets()
    with pytest.raises(EndpointConnectionError):
        s3.list_buckets()


def prepared(method: str, url: str, body: Any) -> AWSPreparedRequest:
    return AWSPreparedRequest(method, url, {}, body, stream_output=False)


@contextmanager
def serving(application: Any) -> Iterator[str]:
    """A server whose port is not served: only calls without a socket are answered."""
    server = make_server(HOST, 0, application)
    transport.connect(server)
    try:
        yield f"http://{HOST}:{server.port}/path"
    finally:
        transport.disconnect(server)
        server.server_close()
