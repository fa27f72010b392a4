"""Errors become answers here, and only here: problem+json, RFC 9457."""

import json
import logging
import re
from collections.abc import Iterator, Mapping
from typing import cast

from flask import Response, request
from werkzeug.exceptions import HTTPException, InternalServerError

from argus.core.errors import ArgusError, TooManyRequests, Unauthenticated, Unavailable
from argus.core.observability import current_request_id

RETRY_SECONDS = 5  # after which what was unavailable is worth asking for again

# A megabyte of body can be wrong in more ways than a Lambda may tell.
_MAX_ERRORS, _MAX_NAME = 100, 200

_log = logging.getLogger("argus.http")


def _problem(
    status: int,
    code: str,
    title: str,
    detail: str,
    errors: Mapping[str, object] | None = None,
    headers: Mapping[str, str] | None = None,
    extensions: Mapping[str, object] | None = None,
) -> Response:
    body: dict[str, object] = {
        **(extensions or {}),
        "type": f"urn:argus:problem:{code}",
        "title": title,
        "status": status,
        "detail": detail or title,
        "code": code,
        "request_id": current_request_id(),
    }
    if errors:
        body["errors"] = _first(errors, iter(range(_MAX_ERRORS)))
    return Response(json.dumps(body, default=str), status, dict(headers or {}), content_type="application/problem+json")


def _first(errors: Mapping[str, object], room: Iterator[int]) -> dict[str, object]:
    """The errors as far as there is room, at whatever depth they stand."""
    told: dict[str, object] = {}
    for name, why in errors.items():
        if next(room, None) is None:
            break
        told[str(name)[:_MAX_NAME]] = _first(why, room) if isinstance(why, Mapping) else why
    return told


def problem_of(error: ArgusError) -> Response:
    """The answer an error becomes."""
    if error.status >= 500:
        _log.error("%s: %s", error.code, error, exc_info=error)
        detail = error.title  # what went wrong inside is for the log
    else:
        detail = error.detail
    headers = {}
    if isinstance(error, Unauthenticated):
        # RFC 6750 §3: no error code where no credentials were sent.
        sent = "Authorization" in request.headers
        headers["WWW-Authenticate"] = 'Bearer realm="argus"' + (', error="invalid_token"' if sent else "")
    if isinstance(error, TooManyRequests):
        headers["Retry-After"] = str(error.retry_after_seconds)
    if error.status == Unavailable.status:
        headers["Retry-After"] = str(RETRY_SECONDS)
    return _problem(error.status, error.code, error.title, detail, error.errors, headers, error.extensions)


def http_problem(error: HTTPException) -> Response:
    """The answer to what Flask and werkzeug refuse, and to what nobody expected."""
    if isinstance(error, InternalServerError) and error.original_exception is not None:
        _log.error("unexpected: %r", error.original_exception, exc_info=error.original_exception)
    if error.response is not None:
        return cast(Response, error.response)
    code = re.sub(r"\W+", "_", error.name.lower())
    found = getattr(error, "data", {}).get("messages")  # webargs: {location: {field: [sentence]}}
    errors = {field: why for fields in found.values() for field, why in fields.items()} if found else None
    headers = {name: value for name, value in error.get_headers() if name != "Content-Type"}
    detail = "some fields are not acceptable" if errors else error.description or ""
    return _problem(error.code or 500, code, error.name, detail, errors, headers)


def aws_problem(error: Exception) -> Response:
    """AWS did not answer, or refused for now, after all retries: not the caller's fault, nor an error of ours."""
    _log.error("aws: %s", error, exc_info=error)
    kind, later = Unavailable, {"Retry-After": str(RETRY_SECONDS)}
    return _problem(kind.status, kind("").code, kind("").title, "try again", headers=later)
