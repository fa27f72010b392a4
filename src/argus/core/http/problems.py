"""Errors become answers here, and only here: problem+json, RFC 9457."""

import json
import logging
import re
from collections.abc import Iterator, Mapping
from typing import cast

from flask import Response, request
from werkzeug.exceptions import HTTPException, InternalServerError

from argus.core.errors import ArgusError, TooManyRequests, Unauthenticated, Unavailable, UserError
from argus.core.http.language import request_language
from argus.core.languages import Message
from argus.core.observability import current_request_id

RETRY_SECONDS = 5  # after which to retry what was unavailable

# A megabyte of body can have more errors than a Lambda function may answer.
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
        body["errors"] = _first(errors, iter(range(_MAX_ERRORS)))
    sent = {**(headers or {}), "Content-Language": language}
    return Response(json.dumps(body, default=str), status, sent, content_type="application/problem+json")


def _first(errors: Mapping[str, object], room: Iterator[int]) -> dict[str, object]:
    """The errors as far as there is room, however deep they are nested."""
    kept: dict[str, object] = {}
    for name, why in errors.items():
        if next(room, None) is None:
            break
        kept[str(name)[:_MAX_NAME]] = _first(why, room) if isinstance(why, Mapping) else why
    return kept


def problem_of(error: ArgusError) -> Response:
    """The answer to an error."""
    if error.status >= 500:
        _log.error("%s: %s", error.code, error, exc_info=error)
    headers = {}
    if isinstance(error, Unauthenticated):
        # RFC 6750 §3: no error code where no credentials were sent.
        sent = "Authorization" in request.headers
        headers["WWW-Authenticate"] = 'Bearer realm="argus"' + (', error="invalid_token"' if sent else "")
    if isinstance(error, TooManyRequests):
        headers["Retry-After"] = str(error.retry_after_seconds)
    if error.status == Unavailable.status:
        headers["Retry-After"] = str(RETRY_SECONDS)
    errors = error.errors if isinstance(error, UserError) else None
    return _problem(error.status, error.message, errors=errors, headers=headers, extensions=error.extensions)


def http_problem(error: HTTPException) -> Response:
    """The answer to what Flask and werkzeug refuse, and to unexpected exceptions."""
    if isinstance(error, InternalServerError) and error.original_exception is not None:
        _log.error("unexpected: %r", error.original_exception, exc_info=error.original_exception)
    if error.response is not None:
        return cast(Response, error.response)
    found = getattr(error, "data", {}).get("messages")  # webargs: {location: {field: [sentence]}}
    errors = {field: why for fields in found.values() for field, why in fields.items()} if found else None
    headers = {name: value for name, value in error.get_headers() if name != "Content-Type"}
    message = Message("argus.core", re.sub(r"\W+", "_", error.name.lower()))
    return _problem(error.code or 500, message, errors=errors, headers=headers)


def aws_problem(error: Exception) -> Response:
    """AWS did not answer, or refused for now, after all retries: not the caller's fault, nor an error of ours."""
    _log.error("aws: %s", error, exc_info=error)
    return _problem(Unavailable.status, Unavailable().message, headers={"Retry-After": str(RETRY_SECONDS)})
