"""The parts of the OpenAPI document that operations share: errors, headers, formats of ids.

Views declare their own schemas, and errors like 404 and 409; examples are in `examples.json` beside their schemas. The
rest follows from the properties of an operation and is added here: one with a body can respond with 415, and one with
an `Idempotency-Key` can replay a response.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from http import HTTPStatus
from itertools import chain
from pathlib import Path
from typing import Any

from argus.core.languages import LANGUAGES, Message

OpenApi = dict[str, Any]

DESCRIPTION = """\
Argus inspects what you are responsible for. The tags are in the order of work, from signing in to reports: each
describes one part, and how to start.

- **Authentication**: users send `Authorization: Bearer <token>`, programs send `X-API-Key: <key>`. Do not send both.
- **Rate limits**: `RateLimit` contains the remaining requests, and `RateLimit-Policy` the name of the limit: `caller`,
  `address`, or `key-` with the tier of the key. `x-ratelimit` below lists the quotas. WebSocket handshakes count too.
- **Errors** are `application/problem+json` (RFC 9457) with a stable `code` for programs, a page about it in `type`, and
  in `errors` a JSON Pointer or a query parameter for each invalid value.
- **Languages**: `Accept-Language` selects English, French or Spanish for the texts of errors and for reasons;
  `Content-Language` names the language of an error.
- **Lists** are paginated: `next_cursor` and `Link: <…>; rel="next"` lead to the next page. Filters accept several
  values, separated by commas.
- **Long-running work** responds with `202` and `Location`; poll that URL until `state` is final.
- **Idempotency-Key** on a POST that has this header: a request with the same key and body is executed once, and its
  response is replayed for 24 hours.
- **ETag**: with `If-None-Match`, unchanged resources are not sent again; with `If-Match`, changes of other clients are
  not overwritten.
- **Unknown fields** and query parameters are rejected; clients must ignore unknown fields of responses.
"""
LICENCE = {"name": "Apache 2.0", "identifier": "Apache-2.0"}
SERVERS = [{"url": "/", "description": "The server of this document"}]

_EXAMPLE_SERVER = "https://api.argus.example"

NO_CODING = "identity"  # RFC 9110 §12.5.3: the name of a content coding that changes nothing

_ULID = "[0-9a-hjkmnp-tv-z]{26}"  # the format of `core.ids`


def id_pattern(prefix: str) -> str:
    """The JSON Schema pattern of ids with this prefix."""
    return f"^{prefix}_{_ULID}$"


def path_id(name: str, description: str, *, pattern: str) -> OpenApi:
    """The parameter of an id in a path."""
    schema = {"type": "string", "pattern": pattern}
    return {"in": "path", "name": name, "required": True, "description": description, "schema": schema}


def link(operation_id: str, *, parameters: dict[str, str] | None = None, body: object = None) -> OpenApi:
    """A link from a response to an operation: `parameters` contains the positions of its parameters in the response."""
    optional = {"parameters": parameters, "requestBody": body}
    return {"operationId": operation_id, **{name: value for name, value in optional.items() if value is not None}}


# ---------------------------------------------------------------- examples


def examples_in(folder: str) -> OpenApi:
    """The examples of a capability, from its folder.

    Each has the name of the schema of a body or of a parameter, or `<name>.<operation>` for one operation. The example
    of a page is not stored: it contains that of an item.
    """
    file = Path(folder, "examples.json")
    examples: OpenApi = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    return examples


class _NoExample(LookupError):
    """A part of an operation has no example."""

    def __init__(self, name: str, part: str, operation_id: str) -> None:
        super().__init__(f"{name}, a {part} of {operation_id}, has no example")


def _add_examples(operation: OpenApi, parameters: list[OpenApi], examples: OpenApi, schemas: OpenApi) -> None:
    operation_id = operation["operationId"]
    for index, parameter in enumerate(parameters):
        own = f"{parameter['name']}.{operation_id}"
        if own in examples:
            parameters[index] = _overridden(operation, parameter, examples[own])
        elif parameter["name"] in examples:
            parameter["example"] = examples[parameter["name"]]
        elif parameter["in"] == "path":
            raise _NoExample(parameter["name"], "parameter", operation_id)
    bodies = [operation.get("requestBody", {}), *operation["responses"].values()]
    for media_type, media in chain.from_iterable(body.get("content", {}).items() for body in bodies):
        if not _is_binary(media):
            name = _schema_name(media["schema"])
            if name is None:
                raise _NoExample(media_type, "body", operation_id)
            media["example"] = _example(name, operation_id, examples, schemas)


def _overridden(operation: OpenApi, parameter: OpenApi, example: Any) -> OpenApi:
    """The parameter with an example for this operation only: its path may share it with others."""
    own = {**parameter, "example": example}
    others = [each for each in operation.get("parameters", []) if each is not parameter]
    operation["parameters"] = [*others, own]
    return own


def _example(schema: str, operation_id: str, examples: OpenApi, schemas: OpenApi) -> Any:
    for name in (f"{schema}.{operation_id}", schema):
        if name in examples:
            return examples[name]
    properties = schemas[schema].get("properties", {})
    item = _schema_name(properties["items"].get("items", {})) if set(properties) == {"items", "next_cursor"} else None
    if item is None:
        raise _NoExample(schema, "schema", operation_id)
    return {"items": [_example(item, operation_id, examples, schemas)], "next_cursor": None}


def _is_binary(media: OpenApi) -> bool:
    """A file, which no example in JSON can represent."""
    return media.get("schema", {}).get("format") == "binary" or "schema" not in media


def _schema_name(schema: OpenApi) -> str | None:
    """The name of the schema that a reference refers to; None for a schema without a name."""
    return str(schema["$ref"]).removeprefix("#/components/schemas/") if "$ref" in schema else None


# ---------------------------------------------------------------- errors


@dataclass(frozen=True)
class _ErrorStatus:
    """An error status: its shared response, and one error as the example."""

    response: str
    description: str
    message: Message


_ERROR_STATUSES = {
    400: _ErrorStatus(
        response="BAD_REQUEST",
        description="The request is malformed",
        message=Message("argus.core", "malformed_request", "json_at", {"line": 1, "column": 18}),
    ),
    401: _ErrorStatus(
        response="UNAUTHORIZED",
        description="The token or key is missing or invalid",
        message=Message("argus.core", "unauthenticated", "missing"),
    ),
    403: _ErrorStatus(
        response="FORBIDDEN",
        description="The caller's role or key does not have the scope",
        message=Message("argus.core", "missing_scope"),
    ),
    404: _ErrorStatus(
        response="NOT_FOUND",
        description="The resource does not exist in the caller's organisation",
        message=Message("argus.core", "not_found"),
    ),
    409: _ErrorStatus(
        response="CONFLICT",
        description="The resource is in a state that does not allow this, or the first request with this "
        "Idempotency-Key is still running",
        message=Message("argus.core", "still_running", parameters={"key": "8c5f1e0a"}),
    ),
    412: _ErrorStatus(
        response="PRECONDITION_FAILED",
        description="The resource has changed since the version in If-Match",
        message=Message("argus.core", "precondition_failed", parameters={"version": 4}),
    ),
    413: _ErrorStatus(
        response="REQUEST_ENTITY_TOO_LARGE",
        description="The body is larger than 1 MiB",
        message=Message("argus.core", "request_entity_too_large"),
    ),
    415: _ErrorStatus(
        response="UNSUPPORTED_MEDIA_TYPE",
        description="The body is not application/json in UTF-8, or is compressed",
        message=Message("argus.core", "unsupported_media_type"),
    ),
    422: _ErrorStatus(
        response="UNPROCESSABLE_ENTITY",
        description="Well formed but invalid; `errors` contains the errors of each field",
        message=Message("argus.core", "unprocessable_entity"),
    ),
    429: _ErrorStatus(
        response="TOO_MANY_REQUESTS",
        description="The caller or the address exceeds a rate limit",
        message=Message(
            "argus.core", "too_many_requests", parameters={"policy": "caller", "requests": 600, "seconds": 60}
        ),
    ),
    503: _ErrorStatus(
        response="SERVICE_UNAVAILABLE",
        description="A service that Argus depends on does not respond",
        message=Message("argus.core", "unavailable"),
    ),
}
_LIMIT = {"parameter": "limit", "detail": "Must be greater than or equal to 1 and less than or equal to 100."}
_FIELD_ERRORS = {422: [_LIMIT]}


def _problem(status: int, *, scope: str) -> OpenApi:
    """A shared response. `scope` is the example of a scope."""
    error = _ERROR_STATUSES[status]
    message = replace(error.message, parameters={"scope": scope, **error.message.parameters})
    example = {
        "type": f"{_EXAMPLE_SERVER}/docs/errors/{message.code}",
        "title": message.title(),
        "status": status,
        "detail": message.sentence(),
        "code": message.code,
        "request_id": "req_01k0n2xz0q4m8s6w2e9r5t7y3a",
        **({"errors": _FIELD_ERRORS[status]} if status in _FIELD_ERRORS else {}),
    }
    content = {"schema": {"$ref": "#/components/schemas/Problem"}, "example": example}
    return {
        "description": error.description,
        "content": {"application/problem+json": content},
        "headers": {name: _header(name) for name in _error_headers(status)},
    }


def _error_headers(status: int) -> Iterator[str]:
    yield from ("Content-Language", "X-Request-ID")
    if status == 401:
        yield "WWW-Authenticate"
    if status == 415:
        yield "Accept-Encoding"
    if status in (409, 429, 503):
        yield "Retry-After"
    if status == 429:
        yield from ("RateLimit", "RateLimit-Policy")


# ---------------------------------------------------------------- headers

_ETAG = '"3-08d1081e"'
_HEADERS: OpenApi = {
    "Accept-Encoding": {
        "description": "The content codings that a body may have, if that is the error",
        "schema": {"type": "string", "enum": [NO_CODING]},
        "example": NO_CODING,
    },
    "Content-Language": {
        "description": "The language of the texts, selected by Accept-Language",
        "required": True,
        "schema": {"type": "string", "enum": list(LANGUAGES)},
        "example": "en",
    },
    "ETag": {
        "description": "Identifies this version, for If-None-Match and If-Match",
        "schema": {"type": "string"},
        "example": _ETAG,
    },
    "Idempotent-Replayed": {
        "description": "The response was stored for the same Idempotency-Key",
        "schema": {"type": "string", "enum": ["true"]},
        "example": "true",
    },
    "WWW-Authenticate": {
        "description": "RFC 6750",
        "required": True,
        "schema": {"type": "string"},
        "example": 'Bearer realm="argus", error="invalid_token"',
    },
    "X-Request-ID": {
        "description": "The id that the request sent, if valid, else a new one: include it in support requests",
        "required": True,
        "schema": {"type": "string", "minLength": 1, "maxLength": 128},
        "example": "req_01k0n2xz0q4m8s6w2e9r5t7y3a",
    },
}
# Headers whose examples contain the path of the operation.
_LINK: OpenApi = {
    "description": 'The next page, as rel="next"; absent on the last page',
    "schema": {"type": "string"},
}
_LOCATION: OpenApi = {
    "description": "The resource to poll",
    "required": True,
    "schema": {"type": "string", "format": "uri-reference"},
}
# The conditional request header, by the status that it can cause. Without examples, which explorers would send.
_CONDITIONS: dict[str, OpenApi] = {
    "304": {
        "in": "header",
        "name": "If-None-Match",
        "description": "ETags of cached responses: 304 if one is current",
        "schema": {"type": "string"},
    },
    "412": {
        "in": "header",
        "name": "If-Match",
        "description": "ETags of versions: 412 if none is current. Only the version before the hyphen is compared",
        "schema": {"type": "string"},
    },
}


def _header(name: str) -> OpenApi:
    return {"$ref": f"#/components/headers/{name}"}


# ---------------------------------------------------------------- the document


def with_shared_parts(document: OpenApi, examples: Mapping[str, OpenApi]) -> OpenApi:
    """The document with examples, which are given by tag, and the parts that operations share."""
    document["servers"] = SERVERS
    components = document["components"]
    paths = {operation["operationId"]: path for path, operation, _ in _operations(document)}
    for path, operation, parameters in _operations(document):
        (tag,) = operation["tags"]
        _add_examples(operation, parameters, examples[tag], components["schemas"])
        _complete(path, operation, parameters, paths)
        _describe(operation["responses"], components["schemas"])
    scope = next((scope for scope in _scopes(document) if scope.endswith(":write")), "")
    components["headers"] = {**components.get("headers", {}), **_HEADERS}
    components["responses"] = {
        error.response: _problem(status, scope=scope) for status, error in _ERROR_STATUSES.items()
    }
    return document


def _operations(document: OpenApi) -> Iterator[tuple[str, OpenApi, list[OpenApi]]]:
    """Each operation with its path, and the parameters of both."""
    for path, operations in document["paths"].items():
        shared = operations.get("parameters", [])
        for method, operation in operations.items():
            if method != "parameters":
                yield path, operation, [*shared, *operation.get("parameters", [])]


def _scopes(document: OpenApi) -> Iterator[str]:
    for _, operation, _ in _operations(document):
        for schemes in operation["security"]:
            yield from chain.from_iterable(schemes.values())


def _complete(path: str, operation: OpenApi, parameters: list[OpenApi], paths: Mapping[str, str]) -> None:
    responses = operation["responses"]
    responses.pop("default", None)  # it would allow every status
    for status in _error_statuses(operation, parameters):
        responses.setdefault(str(status), {"$ref": f"#/components/responses/{_ERROR_STATUSES[status].response}"})
    for parameter in parameters:
        if parameter["in"] == "query":
            _without_null(parameter["schema"])
    conditions = [condition for status, condition in _CONDITIONS.items() if status in responses]
    if conditions:
        operation["parameters"] = [*operation.get("parameters", []), *conditions]
    for status, response in responses.items():
        if "$ref" not in response:
            headers = _headers(path, operation, parameters, status, paths)
            response["headers"] = {**response.get("headers", {}), **headers}
    operation["responses"] = dict(sorted(responses.items()))


def _describe(responses: OpenApi, schemas: OpenApi) -> None:
    """Replace the phrase of a status as the description of a response by what its body is."""
    for status, response in responses.items():
        if response.get("description") == HTTPStatus(int(status)).phrase:
            for media in response.get("content", {}).values():
                name = _schema_name(media.get("schema", {}))
                response["description"] = schemas[name]["description"] if name else response["description"]


def _without_null(schema: OpenApi) -> None:
    """Remove null from the schema of a query parameter: queries cannot contain null."""
    if schema.get("default", ...) is None:
        del schema["default"]
    if isinstance(schema.get("type"), list):
        (schema["type"],) = [name for name in schema["type"] if name != "null"]
    if "enum" in schema:
        schema["enum"] = [value for value in schema["enum"] if value is not None]


def _error_statuses(operation: OpenApi, parameters: list[OpenApi]) -> Iterator[int]:
    """The error statuses that follow from properties of the operation."""
    if operation.get("x-ratelimit"):
        yield from (400, 422, 429)
    if operation.get("security"):
        yield from (401, 403, 503)
    if any(parameter["in"] == "path" for parameter in parameters):
        yield 404
    if "requestBody" in operation:
        yield from (413, 415)


def _headers(
    path: str, operation: OpenApi, parameters: list[OpenApi], status: str, paths: Mapping[str, str]
) -> OpenApi:
    names = {parameter["name"] for parameter in parameters}
    headers = {"X-Request-ID": _header("X-Request-ID")}
    if status == "202":
        headers["Location"] = {**_LOCATION, "example": _location(path, operation, _ids(parameters), paths)}
    if status == "304" or (status == "200" and "304" in operation["responses"]):
        headers["ETag"] = _header("ETag")
    if status == "200" and "cursor" in names:
        headers["Link"] = {**_LINK, "example": f'<{path.format(**_ids(parameters))}?cursor=q1w2e3>; rel="next"'}
    if status.startswith("2") and "Idempotency-Key" in names:
        headers["Idempotent-Replayed"] = _header("Idempotent-Replayed")
    return headers


def _ids(parameters: list[OpenApi]) -> dict[str, Any]:
    """The examples of parameters in a path."""
    return {each["name"]: each["example"] for each in parameters if each["in"] == "path"}


def _location(path: str, operation: OpenApi, ids: dict[str, Any], paths: Mapping[str, str]) -> str:
    """The path of the resource that a 202 response is about: that of its link to a `get_…` operation, if it has one, or
    that of its id in the collection."""
    response = operation["responses"]["202"]
    body: Any = next((media.get("example") for media in response.get("content", {}).values()), None)
    try:
        for target in (each for each in response.get("links", {}).values() if each["operationId"].startswith("get_")):
            found = {name: _resolved(value, ids, body) for name, value in target.get("parameters", {}).items()}
            return paths[target["operationId"]].format(**{**ids, **found})
        return f"{path.format(**ids)}/{body['id']}"
    except (KeyError, TypeError, IndexError) as error:
        raise _NoExample("Location", "header", operation["operationId"]) from error


def _resolved(expression: str, ids: dict[str, Any], body: Any) -> Any:
    """The value of a runtime expression of a link: https://spec.openapis.org/oas/v3.1.0#runtime-expressions."""
    if expression.startswith("$request.path."):
        return ids[expression.removeprefix("$request.path.")]
    value = body
    for part in expression.removeprefix("$response.body#/").split("/"):
        value = value[int(part) if isinstance(value, list) else part]
    return value
