"""What the OpenAPI document says of every operation alike: errors, headers, names of ids.

Views state what is their own: schemas, examples, errors like 404 and 409. The rest follows from what they are — one
with a body can be sent a bad one, one with an `Idempotency-Key` can replay — and is added here, in one place.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from argus.core.languages import Message

OpenApi = dict[str, Any]

DESCRIPTION = """\
Argus inspects what you are responsible for: upload thermal images, scan them with plugins, follow each finding through
its life, and fetch reports.

- **Who calls**: people send `Authorization: Bearer <token>`, and `GET /api/v1/sign-in` says where tokens come from;
  programs send `X-API-Key: <key>`, made by `POST /api/v1/api-keys`. Never both.
- **Limits**: `RateLimit` says what is left, `RateLimit-Policy` of which limit: `caller`, `address`, or `key-` and the
  tier of the key. What each allows stands below as `x-ratelimit`.
- **Errors** are `application/problem+json` (RFC 9457) with a stable `code` for machines.
- **Lists** are pages: `next_cursor` and `Link: <…>; rel="next"` lead to the next one.
- **Long work** answers `202` with `Location`; ask there until `state` is final.
- **Idempotency-Key** on a POST: the same key with the same body is done once, and answered again for a day.
- **ETag** with `If-None-Match` saves reading what has not changed; with `If-Match` it saves what somebody else changed.
- **Unknown fields** and query parameters are refused; clients must ignore fields of answers they do not know.
"""
LICENCE = {"name": "Apache 2.0", "identifier": "Apache-2.0"}
SERVERS = [{"url": "/", "description": "Where this document came from"}]

_ULID = "[0-9a-hjkmnp-tv-z]{26}"  # as `core.ids` makes them


def id_pattern(prefix: str) -> str:
    """The JSON Schema pattern of ids with this prefix."""
    return f"^{prefix}_{_ULID}$"


def path_id(name: str, *, pattern: str, example: str) -> OpenApi:
    """The description of an id in a path."""
    schema = {"type": "string", "pattern": pattern}
    return {"in": "path", "name": name, "required": True, "schema": schema, "example": example}


def link(operation_id: str, *, parameters: dict[str, str] | None = None, body: object = None) -> OpenApi:
    """Where an answer leads: the operation, and which of its parameters are where in the answer."""
    given = {"parameters": parameters, "requestBody": body}
    return {"operationId": operation_id, **{name: value for name, value in given.items() if value is not None}}


# ---------------------------------------------------------------- errors


@dataclass(frozen=True)
class _Kind:
    """A status that errors have: its shared response, and one error of the kind as the example."""

    response: str
    description: str
    message: Message


_KINDS = {
    400: _Kind(
        response="BAD_REQUEST",
        description="The request is malformed",
        message=Message("argus.core", "malformed_request", "json_at", {"line": 1, "column": 18}),
    ),
    401: _Kind(
        response="UNAUTHORIZED",
        description="No token or key, or one that is not valid",
        message=Message("argus.core", "unauthenticated", "missing"),
    ),
    403: _Kind(
        response="FORBIDDEN",
        description="The caller's role or key does not allow this",
        message=Message("argus.core", "missing_scope", parameters={"scope": "images:write"}),
    ),
    404: _Kind(
        response="NOT_FOUND",
        description="The resource does not exist in the caller's organisation",
        message=Message("argus.core", "not_found"),
    ),
    409: _Kind(
        response="CONFLICT",
        description="The resource is in a state that does not allow this, or the first request with this "
        "Idempotency-Key is still running",
        message=Message("argus.core", "still_running", parameters={"key": "8c5f1e0a"}),
    ),
    412: _Kind(
        response="PRECONDITION_FAILED",
        description="The resource has changed since the version in If-Match",
        message=Message("argus.core", "precondition_failed", parameters={"version": 4}),
    ),
    413: _Kind(
        response="REQUEST_ENTITY_TOO_LARGE",
        description="The body is larger than 1 MiB",
        message=Message("argus.core", "request_entity_too_large"),
    ),
    415: _Kind(
        response="UNSUPPORTED_MEDIA_TYPE",
        description="The body is not application/json",
        message=Message("argus.core", "unsupported_media_type"),
    ),
    422: _Kind(
        response="UNPROCESSABLE_ENTITY",
        description="Well formed, but not acceptable; `errors` lists invalid fields and why",
        message=Message("argus.core", "unprocessable_entity"),
    ),
    429: _Kind(
        response="TOO_MANY_REQUESTS",
        description="More requests than the limit allows",
        message=Message(
            "argus.core", "too_many_requests", parameters={"policy": "caller", "limit": "600 per 1 minute"}
        ),
    ),
    503: _Kind(
        response="SERVICE_UNAVAILABLE",
        description="A service that Argus depends on does not answer",
        message=Message("argus.core", "unavailable"),
    ),
}
_FIELD_ERRORS = {422: {"files": {"0": {"size": ["Must be greater than or equal to 1."]}}}}


def _problem(status: int) -> OpenApi:
    """A shared response."""
    kind = _KINDS[status]
    example = {
        "type": f"urn:argus:problem:{kind.message.code}",
        "title": kind.message.title(),
        "status": status,
        "detail": kind.message.sentence(),
        "code": kind.message.code,
        "request_id": "req_01k0n2xz0q4m8s6w2e9r5t7y3a",
        **({"errors": _FIELD_ERRORS[status]} if status in _FIELD_ERRORS else {}),
    }
    content = {"schema": {"$ref": "#/components/schemas/Problem"}, "example": example}
    return {
        "description": kind.description,
        "content": {"application/problem+json": content},
        "headers": {name: _header(name) for name in _error_headers(status)},
    }


def _error_headers(status: int) -> Iterator[str]:
    yield "X-Request-ID"
    if status == 401:
        yield "WWW-Authenticate"
    if status in (429, 503):
        yield "Retry-After"
    if status == 429:
        yield from ("RateLimit", "RateLimit-Policy")


# ---------------------------------------------------------------- headers

_ETAG = '"3-08d1081e"'
_HEADERS: OpenApi = {
    "ETag": {
        "description": "This version, for If-None-Match and If-Match",
        "schema": {"type": "string"},
        "example": _ETAG,
    },
    "Idempotent-Replayed": {
        "description": "The answer is the one given before to the same Idempotency-Key",
        "schema": {"type": "string", "enum": ["true"]},
        "example": "true",
    },
    "Link": {
        "description": 'The next page, as rel="next"; absent on the last',
        "schema": {"type": "string"},
        "example": '</api/v1/scans?cursor=q1w2e3>; rel="next"',
    },
    "Location": {
        "description": "Where to ask how it goes",
        "required": True,
        "schema": {"type": "string", "format": "uri-reference"},
        "example": "/api/v1/scans/scan_01k0n2y6d3f7h1k5n9q2s4v8x0",
    },
    "WWW-Authenticate": {
        "description": "RFC 6750",
        "required": True,
        "schema": {"type": "string"},
        "example": 'Bearer realm="argus", error="invalid_token"',
    },
    "X-Request-ID": {
        "description": "The request's own, if it sent a sane one, or ours: quote it when asking for help",
        "required": True,
        "schema": {"type": "string", "minLength": 1, "maxLength": 128},
        "example": "req_01k0n2xz0q4m8s6w2e9r5t7y3a",
    },
}
# The header a request may send, by the answer that it leads to.
_CONDITIONS: dict[str, OpenApi] = {
    "304": {
        "in": "header",
        "name": "If-None-Match",
        "description": "ETags that the caller has: 304 when one is still right",
        "schema": {"type": "string"},
        "example": _ETAG,
    },
    "412": {
        "in": "header",
        "name": "If-Match",
        "description": "ETags of versions that the caller knows: 412 when none is still right",
        "schema": {"type": "string"},
        "example": _ETAG,
    },
}


def _header(name: str) -> OpenApi:
    return {"$ref": f"#/components/headers/{name}"}


# ---------------------------------------------------------------- the document


def completed(document: OpenApi) -> OpenApi:
    """The document with what holds for every operation alike."""
    document["servers"] = SERVERS
    for path in document["paths"].values():
        shared = path.get("parameters", [])
        for method, operation in path.items():
            if method != "parameters":
                _complete(operation, [*shared, *operation.get("parameters", [])])
    components = document["components"]
    components["headers"] = {**components.get("headers", {}), **_HEADERS}
    components["responses"] = {kind.response: _problem(status) for status, kind in _KINDS.items()}
    return document


def _complete(operation: OpenApi, parameters: list[OpenApi]) -> None:
    given = operation["responses"]
    given.pop("default", None)  # it would allow everything
    for status in _likely(operation, parameters):
        given.setdefault(str(status), {"$ref": f"#/components/responses/{_KINDS[status].response}"})
    for parameter in parameters:
        if parameter["in"] == "query":
            _without_null(parameter["schema"])
    conditions = [condition for status, condition in _CONDITIONS.items() if status in given]
    if conditions:
        operation["parameters"] = [*operation.get("parameters", []), *conditions]
    for status, answer in given.items():
        if "$ref" not in answer:
            answer["headers"] = {**answer.get("headers", {}), **_headers(operation, parameters, status)}
    operation["responses"] = dict(sorted(given.items()))


def _without_null(schema: OpenApi) -> None:
    """Fields that default to None accept it in JSON; a query cannot say it."""
    if schema.get("default", ...) is None:
        del schema["default"]
    if isinstance(schema.get("type"), list):
        (schema["type"],) = [name for name in schema["type"] if name != "null"]
    if "enum" in schema:
        schema["enum"] = [value for value in schema["enum"] if value is not None]


def _likely(operation: OpenApi, parameters: list[OpenApi]) -> Iterator[int]:
    """Errors that follow from what the operation is."""
    if operation.get("x-ratelimit"):
        yield from (400, 422, 429)
    if operation.get("security"):
        yield from (401, 403, 503)
    if any(parameter["in"] == "path" for parameter in parameters):
        yield 404
    if "requestBody" in operation:
        yield from (413, 415)


def _headers(operation: OpenApi, parameters: list[OpenApi], status: str) -> OpenApi:
    names = ["X-Request-ID"]
    asked = {parameter["name"] for parameter in parameters}
    if status == "202":
        names.append("Location")
    if status == "304" or (status == "200" and "304" in operation["responses"]):
        names.append("ETag")
    if status == "200" and "cursor" in asked:
        names.append("Link")
    if status.startswith("2") and "Idempotency-Key" in asked:
        names.append("Idempotent-Replayed")
    return {name: _header(name) for name in names}
