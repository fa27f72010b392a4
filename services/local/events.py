"""Events as API Gateway sends them; formats from its developer guide and that of Lambda."""

import base64
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

CUSTOM_DOMAIN = "api.argus.example"
EXECUTE_API = "a1b2c3d4e5.execute-api.eu-west-1.amazonaws.com"
SOURCE_IP = "198.51.100.7"

Event = dict[str, Any]


def rest(
    method: str,
    path: str,
    *,
    headers: dict[str, str] | None = None,
    body: bytes | None = None,
    host: str = CUSTOM_DOMAIN,
    source_ip: str = SOURCE_IP,
    stage: str = "test",
) -> Event:
    """A REST API's proxy event, payload format 1.0. `path` is without the stage, as AWS sends it."""
    parts = urlsplit(path)
    query = parse_qsl(parts.query, keep_blank_values=True)
    sent = {"Host": host, "X-Forwarded-For": source_ip, "X-Forwarded-Port": "443", "X-Forwarded-Proto": "https"}
    sent |= headers or {}
    return {
        "resource": "/{proxy+}",
        "path": parts.path,
        "httpMethod": method,
        "headers": sent,
        "multiValueHeaders": {name: [value] for name, value in sent.items()},
        "queryStringParameters": dict(query) or None,
        "multiValueQueryStringParameters": _multiple(query) or None,
        "pathParameters": {"proxy": parts.path.lstrip("/")},
        "stageVariables": None,
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "a1b2c3d4e5",
            "domainName": host,
            "httpMethod": method,
            "identity": {"sourceIp": source_ip, "userAgent": "Argus", "userArn": None},
            "path": f"/{stage}{parts.path}" if host == EXECUTE_API else parts.path,
            "protocol": "HTTP/1.1",
            "requestId": "c6af9ac6-7b61-11e6-9a41-93e8deadbeef",
            "resourcePath": "/{proxy+}",
            "stage": stage,
        },
        **_body(body),
    }


def http(
    method: str,
    path: str,
    *,
    headers: dict[str, str] | None = None,
    body: bytes | None = None,
    host: str = CUSTOM_DOMAIN,
    source_ip: str = SOURCE_IP,
    stage: str = "test",
) -> Event:
    """An HTTP API's event, payload format 2.0. Its `rawPath` begins with the stage, except for custom domains."""
    parts = urlsplit(path)
    sent = {"host": host, "x-forwarded-for": source_ip, "x-forwarded-port": "443", "x-forwarded-proto": "https"}
    sent |= {name.lower(): value for name, value in (headers or {}).items()}
    raw_path = f"/{stage}{parts.path}" if host == EXECUTE_API else parts.path
    return {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": unquote(raw_path),
        "rawQueryString": parts.query,
        "headers": sent,
        "queryStringParameters": dict(parse_qsl(parts.query)),
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "a1b2c3d4e5",
            "domainName": host,
            "http": {
                "method": method,
                "path": raw_path,
                "protocol": "HTTP/1.1",
                "sourceIp": source_ip,
                "userAgent": "Argus",
            },
            "requestId": "c6af9ac6-7b61-11e6-9a41-93e8deadbeef",
            "routeKey": "$default",
            "stage": stage,
            "time": "12/Mar/2026:19:03:58 +0000",
            "timeEpoch": 1773342238000,
        },
        **_body(body),
    }


def _multiple(query: list[tuple[str, str]]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, value in query:
        found.setdefault(name, []).append(value)
    return found


def _body(body: bytes | None) -> Event:
    """With the binary media type `*/*`, which Zappa sets, every body is in base64."""
    if body is None:
        return {"body": None, "isBase64Encoded": False}
    return {"body": base64.b64encode(body).decode(), "isBase64Encoded": True}


def socket(
    route: str,
    connection_id: str,
    *,
    headers: Mapping[str, str | list[str]] | None = None,
    body: str | bytes | None = None,
    source_ip: str = SOURCE_IP,
    stage: str = "test",
) -> Event:
    """A WebSocket API's event: `$connect`, `$default` with the client's message, or `$disconnect`. A header may have
    several values."""
    sent = {
        "Host": [EXECUTE_API],
        "X-Forwarded-For": [source_ip],
        "X-Forwarded-Port": ["443"],
        "X-Forwarded-Proto": ["https"],
    }
    for name, values in (headers or {}).items():
        sent[name] = [values] if isinstance(values, str) else values
    kinds = {"$connect": "CONNECT", "$disconnect": "DISCONNECT"}
    event: Event = {
        "requestContext": {
            "routeKey": route,
            "eventType": kinds.get(route, "MESSAGE"),
            "extendedRequestId": "L0SM_HOUDoEF8vg=",
            "requestTime": "12/Mar/2026:19:03:58 +0000",
            "messageDirection": "IN",
            "stage": stage,
            "connectedAt": 1773342238000,
            "requestTimeEpoch": 1773342238001,
            "identity": {"sourceIp": source_ip, "userAgent": "Argus"},
            "requestId": "L0SM_HOUDoEF8vg=",
            "domainName": EXECUTE_API,
            "connectionId": connection_id,
            "apiId": "a1b2c3d4e5",
        },
        "isBase64Encoded": isinstance(body, bytes),
    }
    if route in kinds:
        event |= {"headers": {name: values[-1] for name, values in sent.items()}, "multiValueHeaders": sent}
    if route == "$disconnect":
        event["requestContext"] |= {"disconnectStatusCode": 1001, "disconnectReason": ""}
    if body is not None:
        event["body"] = base64.b64encode(body).decode() if isinstance(body, bytes) else body
    return event
