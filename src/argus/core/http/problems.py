"""Turns errors into responses: problem+json (RFC 9457). No other module does."""

import json
import logging
import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain, islice
from typing import cast
from urllib.parse import quote

from flask import Response, current_app, request
from marshmallow.exceptions import SCHEMA
from werkzeug.exceptions import HTTPException, InternalServerError
from werkzeug.http import HTTP_STATUS_CODES

from argus.core.errors import ArgusError, FieldError, Unauthenticated, Unavailable, UserError
from argus.core.http.language import request_language
from argus.core.http.views import absolute_url
from argus.core.http.wire import UnsupportedContentEncoding
from argus.core.languages import Language, Message, field_errors_of, translate
from argus.core.observability import current_request_id
from argus.core.openapi import NO_CODING

# A body of 1 MiB can contain more errors than fit into a response of a Lambda function.
_MAX_ERRORS, _MAX_NAME = 100, 200
_IN_FRAGMENT = "!$&'()*+,;=:@?~"  # RFC 3986 §3.5; what `quote` never changes is not repeated

_log = logging.getLogger("argus.http")


def _problem(
    status: int,
    message: Message,
    *,
    errors: Iterable[FieldError] = (),
    headers: Mapping[str, str] | None = None,
    extensions: Mapping[str, object] | None = None,
) -> Response:
    language = request_language()
    body: dict[str, object] = {
        **(extensions or {}),
        "type": absolute_url("documents.error", code=message.code),
        "title": message.title(language),
        "status": status,
        "detail": message.sentence(language),
        "code": message.code,
        "request_id": current_request_id(),
    }
    if first := [_wire(error, body["detail"], language) for error in islice(errors, _MAX_ERRORS)]:
        body["errors"] = first
    all_headers = {**(headers or {}), "Content-Language": language}
    return Response(json.dumps(body, default=str), status, all_headers, content_type="application/problem+json")


def _wire(error: FieldError, detail: object, language: Language) -> dict[str, object]:
    place = {"parameter": error.parameter[:_MAX_NAME]} if error.parameter else {"pointer": _pointer(error.path)}
    if not error.sentence:
        return {**place, "detail": detail}
    texts = chain.from_iterable(map(field_errors_of, current_app.extensions["argus.packages"]))
    return {**place, "detail": translate(error.sentence, texts, language)}


def _pointer(path: Iterable[str | int]) -> str:
    """A JSON Pointer (RFC 6901) as a URI fragment, as in the example of RFC 9457 §3."""
    names = (str(name)[:_MAX_NAME].replace("~", "~0").replace("/", "~1") for name in path)
    return "#" + "".join(f"/{quote(name, safe=_IN_FRAGMENT)}" for name in names)


def problem_of(error: ArgusError) -> Response:
    """The response to an error."""
    if error.status >= 500:
        _log.error("%s: %s", error.code, error, exc_info=error)
    headers = {}
    if isinstance(error, Unauthenticated):
        # RFC 6750 §3: no error code where no credentials were sent.
        has_token = "Authorization" in request.headers
        headers["WWW-Authenticate"] = 'Bearer realm="argus"' + (', error="invalid_token"' if has_token else "")
    if error.retry_after_seconds is not None:
        headers["Retry-After"] = str(error.retry_after_seconds)
    if isinstance(error, UnsupportedContentEncoding):
        headers["Accept-Encoding"] = NO_CODING  # RFC 9110 §15.5.16
    errors = error.errors if isinstance(error, UserError) else ()
    return _problem(error.status, error.message, errors=errors, headers=headers, extensions=error.extensions)


def http_problem(error: HTTPException) -> Response:
    """The response to errors of Flask and werkzeug, and to unexpected exceptions."""
    if isinstance(error, InternalServerError) and error.original_exception is not None:
        _log.error("unexpected: %r", error.original_exception, exc_info=error.original_exception)
    if error.response is not None:
        return cast(Response, error.response)
    messages = getattr(error, "data", {}).get("messages", {})  # webargs: {location: {field: [sentence]}}
    errors = (each for location, fields in messages.items() for each in _field_errors(fields, location))
    headers = {name: value for name, value in error.get_headers() if name != "Content-Type"}
    message = Message("argus.core", code_of_http(type(error)))
    return _problem(error.code or 500, message, errors=errors, headers=headers)


def code_of_http(kind: type[HTTPException]) -> str:
    """The code of an error of Flask and werkzeug: its name in snake case."""
    name = HTTP_STATUS_CODES.get(kind.code or 500, "Internal Server Error")
    return re.sub(r"\W+", "_", name.lower())


def aws_problem(error: Exception) -> Response:
    """The response when AWS did not respond, or throttled the call, after all retries."""
    _log.error("aws: %s", error, exc_info=error)
    return _problem(
        Unavailable.status, Unavailable().message, headers={"Retry-After": str(Unavailable.retry_after_seconds)}
    )


def _field_errors(value: object, location: str, *path: str | int) -> Iterator[FieldError]:
    """The sentences of marshmallow at any depth: `{field: {index: {field: [sentence]}}}`."""
    if isinstance(value, Mapping):
        for name, below in value.items():
            yield from _field_errors(below, location, *path, *(() if name == SCHEMA else (name,)))
    elif isinstance(value, list):
        for sentence in value:
            yield from _field_errors(sentence, location, *path)
    elif location == "query":
        yield FieldError(parameter=str(path[0]), sentence=str(value))
    else:
        yield FieldError(path, sentence=str(value))
