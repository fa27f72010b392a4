"""Turns errors into responses: problem+json (RFC 9457). No other module does."""

import json
import logging
import re
from collections.abc import Iterator, Mapping
from itertools import chain
from typing import cast

from flask import Response, current_app, request
from werkzeug.exceptions import HTTPException, InternalServerError

from argus.core.errors import ArgusError, Unauthenticated, Unavailable, UserError
from argus.core.http.language import request_language
from argus.core.http.wire import UnsupportedContentEncoding
from argus.core.languages import Language, Message, field_errors_of, translate
from argus.core.observability import current_request_id
from argus.core.openapi import NO_CODING

# A body of 1 MiB can contain more errors than fit into a response of a Lambda function.
_MAX_ERRORS, _MAX_NAME = 100, 200

_log = logging.getLogger("argus.http")


def _problem(
    status: int,
    message: Message,
    *,
    errors: Mapping[str, object] | None = None,
    headers: Mapping[str, str] | None = None,
    extensions: Mapping[str, object] | None = None,
) -> Response:
    language = request_language()
    body: dict[str, object] = {
        **(extensions or {}),
        "type": f"urn:argus:problem:{message.code}",
        "title": message.title(language),
        "status": status,
        "detail": message.sentence(language),
        "code": message.code,
        "request_id": current_request_id(),
    }
    if errors:
        body["errors"] = _first(errors, iter(range(_MAX_ERRORS)), language)
    all_headers = {**(headers or {}), "Content-Language": language}
    return Response(json.dumps(body, default=str), status, all_headers, content_type="application/problem+json")


def _first(errors: Mapping[str, object], budget: Iterator[int], language: Language) -> dict[str, object]:
    """The first errors, at any depth, until the budget is spent; their sentences in the language."""
    kept: dict[str, object] = {}
    for name, value in errors.items():
        if next(budget, None) is None:
            break
        kept[str(name)[:_MAX_NAME]] = (
            _first(value, budget, language) if isinstance(value, Mapping) else _translated(value, language)
        )
    return kept


def _translated(value: object, language: Language) -> object:
    """The sentences of one field."""
    if isinstance(value, list):
        return [_translated(each, language) for each in value]
    if not isinstance(value, str):
        return value
    texts = chain.from_iterable(map(field_errors_of, current_app.extensions["argus.packages"]))
    return translate(value, texts, language)


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
    errors = error.errors if isinstance(error, UserError) else None
    return _problem(error.status, error.message, errors=errors, headers=headers, extensions=error.extensions)


def http_problem(error: HTTPException) -> Response:
    """The response to errors of Flask and werkzeug, and to unexpected exceptions."""
    if isinstance(error, InternalServerError) and error.original_exception is not None:
        _log.error("unexpected: %r", error.original_exception, exc_info=error.original_exception)
    if error.response is not None:
        return cast(Response, error.response)
    messages = getattr(error, "data", {}).get("messages")  # webargs: {location: {field: [sentence]}}
    errors = {name: value for fields in messages.values() for name, value in fields.items()} if messages else None
    headers = {name: value for name, value in error.get_headers() if name != "Content-Type"}
    message = Message("argus.core", re.sub(r"\W+", "_", error.name.lower()))
    return _problem(error.code or 500, message, errors=errors, headers=headers)


def aws_problem(error: Exception) -> Response:
    """The response when AWS did not respond, or throttled the call, after all retries."""
    _log.error("aws: %s", error, exc_info=error)
    return _problem(
        Unavailable.status, Unavailable().message, headers={"Retry-After": str(Unavailable.retry_after_seconds)}
    )
