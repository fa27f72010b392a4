"""One authenticated GET through Lambda's entry point: CPU of Argus with Zappa and botocore, and of plain Flask.

Ours is the complete path except the network: an event of API Gateway (payload 1.0) → `services.api.gateway.handler` →
Zappa → Flask → token → caller, limit, organisation → response. DynamoDB is stubbed at botocore's HTTP layer
(`before-send`): requests are built and signed, responses parsed, and only the network is left out; otherwise the
embedded AWS's own work would take most of the time. The peer is a route of plain Flask that returns the same JSON
behind the same Zappa, so that the ratio shows the overhead of Argus. The peer does not authenticate, read tables or
log.
"""

import io
import json
import logging
import os
import sys
from collections.abc import Iterator
from contextlib import redirect_stdout
from datetime import UTC, datetime, timedelta
from types import ModuleType
from typing import Any
from unittest.mock import patch

import flask
import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

from benchmarks.harness import Row, alternate, measure

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
    with patch.dict(os.environ, ENVIRONMENT), redirect_stdout(io.StringIO()) as lines:
        logging_before = logging.getLogger().handlers[:]
        try:
            return _measured(lines)
        finally:
            logging.getLogger().handlers[:] = logging_before


def _measured(lines: io.StringIO) -> list[Row]:
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    ours = _argus(private)
    event = _event("/api/v1/me", {"Authorization": f"Bearer {_token(private)}"})
    response = ours(event)
    assert response["statusCode"] == 200, response
    plain = _plain(json.loads(response["body"]))
    plain_event = _event("/api/v1/me", {})
    assert plain(plain_event)["statusCode"] == 200

    def request() -> None:
        lines.seek(0)
        lines.truncate()
        ours(event)

    timing = alternate(request, lambda: plain(plain_event), rounds=41)
    tables = measure(_table_calls(), rounds=41)
    return [
        timing.row(
            "authenticated GET /me through the Lambda handler", peer_name="plain Flask route, same Zappa", goal=""
        ),
        Row("of it, botocore for its three DynamoDB calls", tables * 1e3, "", 0, "ms", "", 0),
    ]


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
    """Return responses of DynamoDB where botocore would send the requests."""
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
