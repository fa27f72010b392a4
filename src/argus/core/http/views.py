"""What views share: pages, ETags, and POSTs that are done once."""

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

from argus.core.errors import PreconditionFailed
from argus.core.http.access import View, documented
from argus.core.http.wire import MalformedRequest
from argus.core.idempotency import Answer, Attempt, Idempotency
from argus.core.paging import Cursors, Listing

_log = logging.getLogger("argus.http")
_SANE_IDEMPOTENCY_KEY = re.compile(r"[\x21-\x7e]{1,255}")
_KEPT_HEADERS = ("Content-Type", "Location", "ETag")


def paged(
    fetch: Callable[[int, dict[str, Any] | None], Listing[Any]], query: dict[str, Any]
) -> tuple[dict[str, Any], dict[str, str]]:
    """A page of a listing: `fetch(limit, after)`, with the next cursor in the body and in `Link`."""
    cursors: Cursors = flask.current_app.extensions["argus.cursors"]()
    limit, cursor = query["limit"], query["cursor"]
    filters = {name: value for name, value in query.items() if name not in ("limit", "cursor")}
    bound_to = json.dumps([g.caller.organisation_id, request.path, filters], default=str, sort_keys=True)
    listing = fetch(limit, cursors.open(cursor, bound_to=bound_to) if cursor else None)
    if listing.last_key is None:
        return {"items": listing.items, "next_cursor": None}, {}
    next_cursor = cursors.seal(listing.last_key, bound_to=bound_to)
    given = {**request.args.to_dict(), "cursor": next_cursor}
    address = flask.url_for(request.endpoint or "", **{**(request.view_args or {}), **given})
    return {"items": listing.items, "next_cursor": next_cursor}, {"Link": f'<{address}>; rel="next"'}


def location(endpoint: str, **ids: Any) -> dict[str, str]:
    """The header that says where to find something; the path begins as the request's did, with its stage or base."""
    return {"Location": flask.url_for(endpoint, **ids)}


def reached(path: str) -> str:
    """A path of the API as a client of this request reaches it, with the stage or base of the request's own."""
    return f"{request.script_root}{path}"


def etagged(view: View) -> View:
    """Answer with an ETag, or 304, or 412 as a write would. The tag names the version, for writes, and the bytes, for
    readers: links change while the version stays. Goes outside the schemas, right under the route."""

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
    """Refuse what was decided upon another version, or upon one that cannot be read."""
    tags = request.if_match
    if "If-Match" not in request.headers or tags.star_tag:
        return
    named = {(tag or "").split("-")[0] for tag in tags.as_set()}  # werkzeug reads an empty tag as None
    if str(version) not in named:
        raise PreconditionFailed(version=version)


def idempotent(view: View, *, withheld: str = "") -> View:
    """Honour `Idempotency-Key`. Goes outside the schemas, right under the route. The field that is `withheld`, a
    secret shown once, is null when the answer is given again: it is not recorded."""

    @wraps(view)
    def once(*args: Any, **kwargs: Any) -> Response:
        key = request.headers.get("Idempotency-Key")
        if key is None:
            return cast(Response, view(*args, **kwargs))
        if not _SANE_IDEMPOTENCY_KEY.fullmatch(key):
            raise MalformedRequest("idempotency_key")
        store: Idempotency = flask.current_app.extensions["argus.idempotency"]
        begun = store.begin(
            organisation_id=g.caller.organisation_id,
            caller_id=g.caller.id,
            key=key,
            request=f"{request.method} {request.path}\n".encode() + request.get_data(),
        )
        if isinstance(begun, Answer):
            return Response(begun.body, begun.status, {**begun.headers, "Idempotent-Replayed": "true"})
        return _recorded(store, begun, lambda: view(*args, **kwargs), withheld)

    key = {
        "in": "header",
        "name": "Idempotency-Key",
        "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": _SANE_IDEMPOTENCY_KEY.pattern},
        "description": "The same key with the same body is done once, and answered again for a day",
    }
    return cast(View, documented(once, parameters=[key], responses={409: "CONFLICT"}))


def _recorded(store: Idempotency, attempt: Attempt, view: Callable[[], Any], withheld: str) -> Response:
    try:
        response = cast(Response, view())
    except Exception:
        _as_far_as_possible(lambda: store.abandon(attempt))
        raise
    headers = {name: response.headers[name] for name in _KEPT_HEADERS if name in response.headers}
    body = response.get_data(as_text=True)
    if withheld:
        body = json.dumps({**json.loads(body), withheld: None})
    _as_far_as_possible(lambda: store.finish(attempt, Answer(response.status_code, headers, body)))
    return response


def _as_far_as_possible(record: Callable[[], None]) -> None:
    """The work is done, or has failed, and that is what the caller must hear, whether it could be recorded or not."""
    try:
        record()
    except (BotoCoreError, ClientError) as error:
        _log.error("how an idempotent request went is not recorded", exc_info=error)
