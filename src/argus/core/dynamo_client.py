"""DynamoDB's client: the operations of boto3's client that `Table` uses, for an eighth of its instructions.

Arguments, errors and retries are those of boto3's client, and so are results, without their `ResponseMetadata`.
Requests are sent by botocore's HTTP client and retried by its standard mode. Not included: the model of the service,
and with it the validation of arguments and the import of boto3. docs/decisions/dynamodb-client.md says what was
measured, and what else is not included.

Sources: "DynamoDB low-level API" (Amazon DynamoDB Developer Guide); "Create a signed AWS API request" (IAM User Guide).
"""

import hmac
import json
import os
import time
from base64 import b64decode, b64encode
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import count
from types import SimpleNamespace
from typing import Any, ClassVar
from urllib.parse import urlsplit
from uuid import uuid4
from zlib import crc32

from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError
from botocore.hooks import HierarchicalEmitter
from botocore.httpsession import URLLib3Session
from botocore.retries.standard import register_retry_handler
from botocore.utils import get_environ_proxies

from argus.core.origins import DEFAULT_PORTS
from argus.core.presign import ALGORITHM, ENDPOINT, Credentials, Unsignable, aws_domain, signing_key

_CONNECTIONS = 32  # kept open

Response = tuple[AWSResponse, dict[str, Any]]


class UnreadableResponse(HTTPClientError):
    """DynamoDB's response is damaged. botocore would return it as a response without an item."""

    fmt = "DynamoDB's response cannot be read: {reason}"


class ConditionalCheckFailedException(ClientError):
    """The condition of a write does not hold."""


class TransactionCanceledException(ClientError):
    """A transaction is cancelled, for the reasons in the response."""


@dataclass(frozen=True)
class _Operation:
    """An operation, with the attributes of botocore's model that handlers of events use."""

    name: str
    error_shapes: ClassVar = ()
    service_model: ClassVar = SimpleNamespace(
        service_name="dynamodb", service_id=SimpleNamespace(hyphenize=lambda: "dynamodb")
    )


def _operation(name: str) -> Callable[..., dict[str, Any]]:
    operation = _Operation(name)

    def call(client: "DynamoClient", **arguments: Any) -> dict[str, Any]:
        return client.call(operation, arguments)

    return call


@dataclass(frozen=True, eq=False)
class DynamoClient:
    """One endpoint. Threads may share it."""

    url: str
    region: str
    credentials: Callable[[], Credentials]
    http: Any  # botocore's URLLib3Session
    attempts: int
    meta: Any = field(
        default_factory=lambda: SimpleNamespace(events=HierarchicalEmitter(), service_model=_Operation.service_model)
    )
    exceptions = SimpleNamespace(
        ConditionalCheckFailedException=ConditionalCheckFailedException,
        TransactionCanceledException=TransactionCanceledException,
    )

    @classmethod
    def connect(
        cls,
        *,
        region: str,
        url: str | None,
        credentials: Callable[[], Credentials],
        timeouts: tuple[float, float],
        attempts: int,
    ) -> "DynamoClient":
        """A client with the timeouts for connecting and reading, and botocore's variables for endpoints, proxies and
        certificates. Raises Unsignable for an endpoint with a path, or without a scheme."""
        found = (url or _configured_endpoint() or f"https://dynamodb.{region}.{aws_domain(region)}").removesuffix("/")
        if not ENDPOINT.fullmatch(found):
            raise Unsignable(f"{found!r} is not an endpoint such as http://127.0.0.1:5002")
        http = URLLib3Session(
            verify=os.environ.get("AWS_CA_BUNDLE") or os.environ.get("REQUESTS_CA_BUNDLE") or True,
            proxies=get_environ_proxies(found),
            timeout=timeouts,
            max_pool_connections=_CONNECTIONS,
        )
        return cls(found, region, credentials, http, attempts)

    def __post_init__(self) -> None:
        register_retry_handler(self, max_attempts=self.attempts)

    get_item = _operation("GetItem")
    batch_get_item = _operation("BatchGetItem")
    query = _operation("Query")
    put_item = _operation("PutItem")
    update_item = _operation("UpdateItem")
    delete_item = _operation("DeleteItem")
    batch_write_item = _operation("BatchWriteItem")
    _transact_write_items = _operation("TransactWriteItems")

    def transact_write_items(self, **arguments: Any) -> dict[str, Any]:
        """With a token, so that a retry of a transaction whose response was lost changes nothing."""
        return self._transact_write_items(**{"ClientRequestToken": str(uuid4()), **arguments})

    def call(self, operation: _Operation, arguments: dict[str, Any]) -> dict[str, Any]:
        context: dict[str, Any] = {}
        arguments = self._emit("provide-client-params", operation, params=arguments, context=context) or arguments
        http, parsed = self._retried(operation, _encode(arguments).encode(), context)
        self._emit("after-call", operation, http_response=http, parsed=parsed, context=context)
        if _failed(http):
            raise vars(self.exceptions).get(parsed["Error"]["Code"], ClientError)(parsed, operation.name)
        return parsed

    def _retried(self, operation: _Operation, body: bytes, context: dict[str, Any]) -> Response:
        for attempt in count(1):
            outcome = self._attempt(operation, body)
            if isinstance(outcome, BotoCoreError):
                failure = {"response": None, "caught_exception": outcome}
            elif _failed(outcome[0]):
                outcome[1]["ResponseMetadata"]["RetryAttempts"] = attempt - 1
                failure = {"response": outcome, "caught_exception": None}
            else:
                break
            request = {"operation": operation, "attempts": attempt, "request_dict": {"context": context}}
            pause = self._emit("needs-retry", operation, **failure, **request)
            if pause is None or pause is False:
                break
            time.sleep(pause)
        if isinstance(outcome, BotoCoreError):
            raise outcome
        return outcome

    def _attempt(self, operation: _Operation, body: bytes) -> Response | BotoCoreError:
        request, error = self._signed(operation, body), None  # missing credentials are no failure of DynamoDB
        try:
            http = self._emit("before-send", operation, request=request) or self.http.send(request)
            return http, _parsed(http)
        except BotoCoreError as raised:
            error = raised
            return raised
        finally:
            self._emit("response-received", operation, exception=error)

    def _signed(self, operation: _Operation, body: bytes) -> AWSPreparedRequest:
        """The request with a signature of version 4. Headers are in the order of their names, as the signature
        requires; the HTTP client adds `host`."""
        credentials, stamp = self.credentials(), time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
        signed = {"content-type": "application/x-amz-json-1.0", "host": self._host, "x-amz-date": stamp}
        if credentials.token:
            signed["x-amz-security-token"] = credentials.token
        signed["x-amz-target"] = f"DynamoDB_20120810.{operation.name}"
        names, lines = ";".join(signed), "".join(f"{name}:{value}\n" for name, value in signed.items())
        scope = f"{stamp[:8]}/{self.region}/dynamodb/aws4_request"
        canonical = f"POST\n/\n\n{lines}\n{names}\n{sha256(body).hexdigest()}"
        to_sign = f"{ALGORITHM}\n{stamp}\n{scope}\n{sha256(canonical.encode()).hexdigest()}"
        key = signing_key(credentials.secret_key, stamp[:8], self.region, "dynamodb")
        signature = hmac.digest(key, to_sign.encode(), "sha256").hex()
        authorization = f"{ALGORITHM} Credential={credentials.access_key}/{scope}, SignedHeaders={names}, "
        del signed["host"]
        headers = {**signed, "authorization": f"{authorization}Signature={signature}", "user-agent": "argus"}
        return AWSPreparedRequest("POST", f"{self.url}/", headers, body, False)

    @property
    def _host(self) -> str:
        """The header `host` as the HTTP client sends it: without the default port."""
        parts = urlsplit(self.url)
        return parts.netloc.removesuffix(f":{DEFAULT_PORTS[parts.scheme]}")

    def _emit(self, event: str, operation: _Operation, /, **details: Any) -> Any:
        """The first result of the handlers of an event."""
        results = self.meta.events.emit(f"{event}.dynamodb.{operation.name}", model=operation, **details)
        return next((result for _, result in results if result is not None), None)


def _configured_endpoint() -> str | None:
    if os.environ.get("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "").lower() == "true":
        return None
    return os.environ.get("AWS_ENDPOINT_URL_DYNAMODB") or os.environ.get("AWS_ENDPOINT_URL")


def _failed(http: AWSResponse) -> bool:
    status: int = http.status_code
    return status >= 300


def _base64(value: object) -> str:
    if isinstance(value, bytes):
        return b64encode(value).decode()
    raise TypeError(f"an item cannot contain a {type(value).__name__}")


_encode = json.JSONEncoder(default=_base64).encode


def _parsed(http: AWSResponse) -> dict[str, Any]:
    content = http.content
    if http.headers.get("x-amz-crc32", str(crc32(content))) != str(crc32(content)):
        raise UnreadableResponse(reason="its checksum differs")
    try:
        body = json.loads(content.decode(), object_hook=_binary if b'"B"' in content else None)
    except ValueError:
        body = None
    if _failed(http):
        return _error(http, body if isinstance(body, dict) else {"message": content.decode(errors="replace")})
    if not isinstance(body, dict):
        raise UnreadableResponse(reason="it is not a JSON object")
    return body


def _binary(found: dict[str, Any]) -> dict[str, Any]:
    """Decode a binary value. An attribute that is called `B` has an object as its value."""
    value = found.get("B")
    return {"B": b64decode(value)} if isinstance(value, str) else found


def _error(http: AWSResponse, body: dict[str, Any]) -> dict[str, Any]:
    """The response that botocore's errors contain. `__type` is `com.amazonaws.dynamodb.v20120810#Code`."""
    code = str(body.pop("__type", http.status_code)).partition(":")[0].rpartition("#")[2]
    messages = body.pop("message", ""), body.pop("Message", "")
    error = {"Code": code, "Message": messages[0] or messages[1]}
    metadata = {"RequestId": http.headers.get("x-amzn-requestid", ""), "HTTPStatusCode": http.status_code}
    return {**body, "Error": error, "ResponseMetadata": metadata}
