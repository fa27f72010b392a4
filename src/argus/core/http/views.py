"""Helpers of views: pages, ETags and idempotent POSTs."""

import json
import logging
import re
import zlib
from collections.abc import Callable
from functools import wraps
from typing import Any, cast

import flask
from botocore.exceptions import BotoCoreError, ClientError
from flask import Response, g, request
from werkzeug.http import quote_etag

from argus.core.errors import PreconditionFailed, located
from argus.core.http.access import View, documented
from argus.core.http.wire import MalformedRequest
from argus.core.idempotency import Attempt, Idempotency, StoredResponse
from argus.core.paging import Cursors, Listing

_log = logging.getLogger("argus.http")
_VALID_IDEMPOTENCY_KEY = re.compile(r"^[\x21-\x2b\x2d-\x7e]{1,255}$")  # a repeated header arrives as one, with commas
_STORED_HEADERS = ("Content-Type", "Location", "ETag")


def paged(
    fetch: Callable[[int, dict[str, Any] | None], Listing[Any]], query: dict[str, Any]
) -> tuple[dict[str, Any], dict[str, str]]:
    """A page of a listing: `fetch(limit, after)`, with the next cursor in the body and in `Link`."""
    cursors: Cursors = flask.current_app.extensions["argus.cursors"]()
    limit, cursor = query["limit"], query["cursor"]
    filters = {name: value for name, value in query.items() if name not in ("limit", "cursor")}
    bound_to = json.dumps([g.caller.organisation_id, request.path, filters], default=str, sort_keys=True)
    with located(parameter="cursor"):
        after = cursors.open(cursor, bound_to=bound_to) if cursor else None
    listing = fetch(limit, after)
    if listing.last_key is None:
        return {"items": listing.items, "next_cursor": None}, {}
    next_cursor = cursors.seal(listing.last_key, bound_to=bound_to)
    query_string = {**request.args.to_dict(), "cursor": next_cursor}
    address = flask.url_for(request.endpoint or "", **{**(request.view_args or {}), **query_string})
    return {"items": listing.items, "next_cursor": next_cursor}, {"Link": f'<{address}>; rel="next"'}


def location(endpoint: str, **ids: Any) -> dict[str, str]:
    """The Location header of a resource; its path begins with the stage or base path of the request."""
    return {"Location": flask.url_for(endpoint, **ids)}


def absolute_url(endpoint: str, **values: Any) -> str:
    """The URL of a view for clients that do not know the API's address: with host, and the stage or base path.

    Behind API Gateway the host is the one that it reports, see `core.http.hooks`.
    """
    return flask.url_for(endpoint, **values, _external=True)


def with_base_path(path: str) -> str:
    """A path of the API with the stage or base path of the request, as clients must send it."""
    return f"{request.script_root}{path}"


def etagged(view: View) -> View:
    """Add an ETag to the response; respond with 304 for If-None-Match, and 412 for If-Match like writes.

    The tag contains the version, for writes, and a checksum of the body, for reads: links change while the version
    stays. Apply it directly under the route, outside the schemas.
    """

    @wraps(view)
    def tagged(*args: Any, **kwargs: Any) -> Response:
        response = cast(Response, view(*args, **kwargs))
        body = response.get_data()
        version = json.loads(body)["version"]
        check_if_match(version)  # RFC 9110 §13.2.2: before If-None-Match
        tag = f"{version}-{zlib.crc32(body):08x}"
        if request.if_none_match.contains_weak(tag):
            response = Response(status=304)
        response.headers["ETag"] = quote_etag(tag)
        return response

    not_modified = {"description": "Unchanged since the ETag in If-None-Match"}
    return cast(View, documented(tagged, responses={304: not_modified, 412: "PRECONDITION_FAILED"}))


def check_if_match(version: int) -> None:
    """Raise PreconditionFailed if If-Match contains neither this version nor `*`."""
    tags = request.if_match
    if "If-Match" not in request.headers or tags.star_tag:
        return
    versions = {(tag or "").split("-")[0] for tag in tags.as_set()}  # werkzeug reads an empty tag as None
    if str(version) not in versions:
        raise PreconditionFailed(version=version)


def idempotent(view: View, *, withheld: str = "") -> View:
    """Support `Idempotency-Key`. Apply it directly under the route, outside the schemas. The field `withheld`, a secret
    that is shown once, is not stored, and is null in replayed responses."""

    @wraps(view)
    def execute_once(*args: Any, **kwargs: Any) -> Response:
        key = request.headers.get("Idempotency-Key")
        if key is None:
            return cast(Response, view(*args, **kwargs))
        if not _VALID_IDEMPOTENCY_KEY.fullmatch(key):
            raise MalformedRequest("idempotency_key")
        store: Idempotency = flask.current_app.extensions["argus.idempotency"]
        started = store.begin(
            organisation_id=g.caller.organisation_id,
            caller_id=g.caller.id,
            key=key,
            request=f"{request.method} {request.path}\n".encode() + request.get_data(),
        )
        if isinstance(started, StoredResponse):
            return Response(started.body, started.status, {**started.headers, "Idempotent-Replayed": "true"})
        return _recorded(store, started, lambda: view(*args, **kwargs), withheld)

    key = {
        "in": "header",
        "name": "Idempotency-Key",
        "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": _VALID_IDEMPOTENCY_KEY.pattern},
        "description": "A request with the same key and body is executed once; its response is replayed for 24 hours",
    }
    return cast(View, documented(execute_once, parameters=[key], responses={409: "CONFLICT"}))


def _recorded(store: Idempotency, attempt: Attempt, view: Callable[[], Any], withheld: str) -> Response:
    try:
        response = cast(Response, view())
    except Exception:
        _log_failure(lambda: store.abandon(attempt))
        raise
    headers = {name: response.headers[name] for name in _STORED_HEADERS if name in response.headers}
    body = response.get_data(as_text=True)
    if withheld:
        body = json.dumps({**json.loads(body), withheld: None})
    _log_failure(lambda: store.finish(attempt, StoredResponse(response.status_code, headers, body)))
    return response


def _log_failure(record: Callable[[], None]) -> None:
    """Record the outcome. A failure is only logged: the caller needs the response in any case."""
    try:
        record()
    except (BotoCoreError, ClientError) as error:
        _log.error("could not record the outcome of an idempotent request", exc_info=error)
