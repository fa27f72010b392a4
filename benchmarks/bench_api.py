"""One authenticated GET through Lambda's entry point: CPU and instructions of Argus with Zappa, and of plain Flask.

Ours is the complete path except the network: an event of API Gateway (payload 1.0) → `services.api.gateway.handler` →
Zappa → Flask → token → caller, limit, organisation → response. DynamoDB is stubbed above the HTTP client
(`before-send`): requests are built and signed, responses parsed, and only the network is left out; otherwise the
embedded AWS's own work would take most of the time. The peer is a route of plain Flask that returns the same JSON
behind the same Zappa, so that the ratio shows the overhead of Argus. The peer does not authenticate, read tables or
log.
"""

import io
import json
import logging
import math
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from datetime import UTC, datetime, timedelta
from functools import partial
from types import ModuleType
from typing import Any
from unittest.mock import patch

import flask
import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key

from argus.core.masking import mask
from benchmarks import instructions
from benchmarks.harness import Row, alternate, measure

NAME, PEER = "authenticated GET /me through the Lambda handler", "plain Flask route, same Zappa"
ISSUER, CLIENT_ID, KEY_ID = "https://issuer.example", "bench", "key-1"
ORGANISATION, USER = "org_01jb8z3k9q2m4n6p8r0s2t4v6w", "usr_01jb8z3k9q2m4n6p8r0s2t4v6x"
ENVIRONMENT = {
    "ARGUS_STAGE": "production",
    "ARGUS_CURSOR_SECRET": "benchmarks-need-no-secret-worth-the-name",
    "ARGUS_TRUSTED_ISSUERS": json.dumps(
        [{"issuer": ISSUER, "jwks_url": f"{ISSUER}/jwks.json", "client_ids": [CLIENT_ID]}]
    ),
    "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
    "AWS_SECRET_ACCESS_KEY": "secret",
    "AWS_REGION": "eu-west-1",
    "ARGUS_RATE_LIMIT": "1000000 per minute",
}
ITEMS = {
    "membership": {"user_id": USER, "organisation_id": ORGANISATION, "role": "owner"},
    "organisation": {"id": ORGANISATION, "name": "Personal", "created_at": "2026-01-31T09:05:00.000Z"},
}


def run() -> list[Row]:
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    with _on_lambda() as lines:
        ours, plain = _sides(private)

        def request() -> None:
            lines.seek(0)
            lines.truncate()
            ours()

        timing = alternate(request, plain, rounds=41)
        tables = measure(_table_calls(), rounds=41)
    return [
        timing.row(NAME, peer_name=PEER, goal=""),
        Row("of it, its three DynamoDB calls", tables * 1e3, "", 0, "ms", "", 0),
        _instructions(private),
    ]


def _instructions(private: rsa.RSAPrivateKey) -> Row:
    """Instructions of both sides, each in its own processes."""
    name, goal = f"instructions of an {NAME}", "≤ 6 M"
    if not instructions.can_count():
        return Row(f"{name} (without valgrind)", math.nan, "", 0, "M", "", 0)
    pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    module = "benchmarks.bench_api"
    ours, plain = (instructions.per_call(module, side, sent=pem) / 1e6 for side in ("argus", "plain"))
    return Row(name, ours, PEER, plain, "M", goal, plain / ours)


def main(side: str, calls: str) -> None:
    """Only the calls of one side, for counting instructions. The signing key comes from the standard input: to make
    one takes a different number of instructions each time."""
    private = load_pem_private_key(sys.stdin.buffer.read(), None)
    assert isinstance(private, rsa.RSAPrivateKey)
    mask("password=x")  # compiles the masks for which a random request id may have a sign
    with _on_lambda():
        ours, plain = _sides(private)
        for _ in range(int(calls)):
            (ours if side == "argus" else plain)()


@contextmanager
def _on_lambda() -> Iterator[io.StringIO]:
    """The environment of the function, and what it prints."""
    with patch.dict(os.environ, ENVIRONMENT), redirect_stdout(io.StringIO()) as lines:
        logging_before = logging.getLogger().handlers[:]
        try:
            yield lines
        finally:
            logging.getLogger().handlers[:] = logging_before


def _sides(private: rsa.RSAPrivateKey) -> tuple[Callable[[], Any], Callable[[], Any]]:
    """A request to Argus, and one to plain Flask that returns the same JSON."""
    ours = partial(_argus(private), _event("/api/v1/me", {"Authorization": f"Bearer {_token(private)}"}))
    response = ours()
    assert response["statusCode"] == 200, response
    plain = partial(_plain(json.loads(response["body"])), _event("/api/v1/me", {}))
    assert plain()["statusCode"] == 200
    return ours, plain


def _argus(private: rsa.RSAPrivateKey) -> Any:
    """Argus's handler, with stubbed tables and the issuer's keys in memory."""
    from argus.app import create_app
    from argus.container import Container
    from services.api import gateway, main  # the gateway disables Zappa's own log line per request

    assert gateway
    container = Container.from_env(os.environ)
    jwk = jwt.algorithms.RSAAlgorithm.to_jwk(private.public_key(), as_dict=True)
    keys = json.dumps({"keys": [{**jwk, "kid": KEY_ID, "use": "sig"}]}).encode()
    container = Container(container.settings, fetch_keys=lambda _url: keys)
    for fail_fast in (False, True):
        _stub(container.aws.client("dynamodb", fail_fast=fail_fast))
    main.app = create_app(container)
    return _handler(main)


def _table_calls() -> Any:
    """Only the three DynamoDB calls of the request."""
    from argus.container import Container

    container = Container.from_env(os.environ)
    _stub(container.aws.client("dynamodb"))
    identity, requests = container.table("identity"), container.table("requests")

    def calls() -> None:
        identity.get("subject#" + "0" * 64, "membership")
        requests.increment(f"limit#{ORGANISATION}", "window", by=1, expires_at=1_800_000_000)
        identity.get(f"{ORGANISATION}#organisation", "organisation")

    return calls


def _plain(body: dict[str, Any]) -> Any:
    module = ModuleType("plain")
    app = flask.Flask("plain")
    app.add_url_rule("/api/v1/me", view_func=lambda: flask.jsonify(body), endpoint="me")
    module.app = app  # type: ignore[attr-defined]
    return _handler(module)


def _handler(module: ModuleType) -> Any:
    """Zappa's handler as it is on Lambda, for the app of a module."""
    from zappa.handler import LambdaHandler

    settings = ModuleType("zappa_settings")
    vars(settings).update(
        APP_MODULE=module.__name__,
        APP_FUNCTION="app",
        APP_TYPE="wsgi",
        API_STAGE="production",
        BINARY_SUPPORT=True,
        CONTEXT_HEADER_MAPPINGS={},
        DEBUG=False,
        DJANGO_SETTINGS=None,
        DOMAIN=None,
        ENVIRONMENT_VARIABLES={},
        ASYNC_RESPONSE_TABLE="",
        AUTHORIZER_FUNCTION=None,
        AWS_BOT_EVENT_MAPPING={},
        AWS_EVENT_MAPPING={},
        BASE_PATH=None,
        COGNITO_TRIGGER_MAPPING={},
        EXCEPTION_HANDLER=None,
        LOG_LEVEL="INFO",
        PROJECT_NAME="argus",
        PROMPT_TOKEN=None,
        REMOTE_ENV=None,
        SLIM_HANDLER=False,
    )

    class OwnHandler(LambdaHandler):  # type: ignore[misc]
        """Zappa has one handler per process; here each side needs its own."""

        def __new__(cls, *_: object) -> Any:
            return object.__new__(cls)

    with patch.dict(sys.modules, {"zappa_settings": settings, module.__name__: module}):
        handler = OwnHandler("zappa_settings")
    return lambda event: handler.handler(event, None)


def _stub(client: Any) -> None:
    """Return responses of DynamoDB where the client would send the requests."""
    from botocore.awsrequest import AWSResponse

    class Body(io.BytesIO):
        def stream(self, **_: Any) -> Iterator[bytes]:
            yield self.read()

    def send(request: Any, **_: Any) -> Any:
        parameters = json.loads(request.body)
        if "UpdateExpression" in parameters:
            response: dict[str, Any] = {"Attributes": {"count": {"N": "7"}}}
        else:
            item = ITEMS[parameters["Key"]["sk"]["S"]]
            response = {"Item": {name: {"S": text} for name, text in item.items()}}
        if "ReturnConsumedCapacity" in parameters:
            response["ConsumedCapacity"] = {"TableName": parameters["TableName"], "CapacityUnits": 1.0}
        headers = {"content-type": "application/x-amz-json-1.0", "x-amzn-requestid": "0" * 52}
        return AWSResponse(request.url, 200, headers, Body(json.dumps(response).encode()))

    client.meta.events.register("before-send.dynamodb", send)


def _token(private: rsa.RSAPrivateKey) -> str:
    now = datetime.now(UTC)
    claims = {
        "iss": ISSUER,
        "sub": "subject",
        "client_id": CLIENT_ID,
        "token_use": "access",
        "iat": now,
        "exp": now + timedelta(hours=1),
    }
    return jwt.encode(claims, private, algorithm="RS256", headers={"kid": KEY_ID})


def _event(path: str, headers: dict[str, str]) -> dict[str, Any]:
    """The event of a GET from API Gateway's REST API."""
    sent = {
        "Host": "api.argus.example",
        "Accept": "application/json",
        "User-Agent": "bench",
        "X-Forwarded-For": "203.0.113.7, 130.176.0.1",
        "X-Forwarded-Port": "443",
        "X-Forwarded-Proto": "https",
        "X-Amzn-Trace-Id": "Root=1-67891233-abcdef012345678912345678",
        **headers,
    }
    return {
        "resource": "/{proxy+}",
        "path": path,
        "httpMethod": "GET",
        "headers": sent,
        "multiValueHeaders": {name: [value] for name, value in sent.items()},
        "queryStringParameters": None,
        "multiValueQueryStringParameters": None,
        "pathParameters": {"proxy": path[1:]},
        "stageVariables": None,
        "requestContext": {
            "resourcePath": "/{proxy+}",
            "httpMethod": "GET",
            "path": path,
            "stage": "production",
            "domainName": "api.argus.example",
            "identity": {"sourceIp": "203.0.113.7", "userAgent": "bench"},
        },
        "body": None,
        "isBase64Encoded": False,
    }


if __name__ == "__main__":
    main(*sys.argv[1:])
