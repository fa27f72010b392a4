"""What every route shares: who may call, problem+json, request ids, paging, ETags, idempotency keys.

A view states its scope with `@needs("images:read")` or `@public`; one hook, installed here, enforces it before the
view runs, and an app with a route that states neither does not start.
"""

import json
import logging
import re
import zlib
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from functools import wraps
from threading import Lock
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, cast

import flask
import flask_smorest
import marshmallow as ma
from botocore.exceptions import BotoCoreError, ClientError
from flask import Flask, Request, Response, g, request
from flask.logging import default_handler
from flask_smorest.utils import deepupdate
from webargs.flaskparser import FlaskParser
from werkzeug.exceptions import HTTPException, InternalServerError, RequestEntityTooLarge, UnsupportedMediaType
from werkzeug.http import quote_etag

from argus.core import metrics, openapi, tracing
from argus.core.clock import rfc3339
from argus.core.errors import (
    ArgusError,
    BadRequest,
    Forbidden,
    PreconditionFailed,
    TooManyRequests,
    Unauthenticated,
    Unavailable,
)
from argus.core.idempotency import Answer, Attempt, Idempotency
from argus.core.ids import Ids
from argus.core.observability import current_request_id, request_scope
from argus.core.paging import Cursors, Listing

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

MAX_BODY_BYTES = 1024 * 1024
MAX_PAGE = 100

_log = logging.getLogger("argus.http")
_NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")  # as JSON writes it; a backslash before it may itself be escaped
_SANE_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")
_SANE_IDEMPOTENCY_KEY = re.compile(r"[\x21-\x7e]{1,255}")
_KEPT_HEADERS = ("Content-Type", "Location", "ETag")

View = TypeVar("View", bound=Callable[..., Any])


class Caller(Protocol):
    """What this module needs to know of whoever calls."""

    @property
    def user_id(self) -> str: ...
    @property
    def organisation_id(self) -> str: ...
    @property
    def scopes(self) -> frozenset[str]: ...


class Limits(Protocol):
    """How often callers, and addresses without a caller, may ask. The verbs raise `TooManyRequests`."""

    def admit(self) -> None: ...
    def count_address(self) -> None: ...
    def count_caller(self, caller: Caller) -> None: ...
    def headers(self) -> Mapping[str, str]: ...


def current_caller() -> Any:
    """Whatever `authenticate` returned for this request."""
    return g.caller


def client_address() -> str:
    """Where this request came from, as API Gateway saw it, or the socket where there is no gateway.

    `_seen_by_the_gateway` has put it there: nothing that the client can write decides it.
    """
    return request.remote_addr or ""


class Unreadable(BadRequest):
    """The request is not what its headers say, or holds characters no text has."""


class MissingScope(Forbidden):
    """The caller's role does not allow this."""


# ---------------------------------------------------------------- who may call


def needs(scope: str) -> Callable[[View], View]:
    """The view is for callers with this scope."""

    def mark(view: View) -> View:
        vars(view)["argus_scope"] = scope
        refusals = {401: "UNAUTHORIZED", 403: "FORBIDDEN", 429: "TOO_MANY_REQUESTS"}
        limited = {"x-ratelimit": "caller"}
        return _documented(view, security=[{"bearer": [scope]}], responses=refusals, **limited)

    return mark


def public(view: View) -> View:
    """The view is for everyone, as often as the limit of an address allows."""
    vars(view)["argus_scope"] = None
    limited = {"x-ratelimit": "address"}
    return _documented(view, security=[], responses={429: "TOO_MANY_REQUESTS"}, **limited)


def unlimited(view: View) -> View:
    """The view is for everyone and never counted, so that it depends on nothing."""
    vars(view)["argus_scope"] = None
    vars(view)["argus_unlimited"] = True
    return _documented(view, security=[])


def _documented(view: View, **manual: Any) -> View:
    """Add to the view's OpenAPI operation, in the attribute where flask-smorest keeps it."""
    described = vars(view).get("_apidoc", {})
    manual["operationId"] = view.__name__
    vars(view)["_apidoc"] = {**described, "manual_doc": deepupdate(described.get("manual_doc", {}), manual)}
    return view


# ---------------------------------------------------------------- what comes in and goes out


class Schema(ma.Schema):
    """A wire shape. Unknown fields are refused; the order of fields is that of the class."""

    class Meta:
        unknown = ma.RAISE


class Timestamp(ma.fields.DateTime):
    """RFC 3339 in UTC."""

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> str | None:
        return None if value is None else rfc3339(value)


def id_field(prefix: str) -> ma.fields.String:
    """An id in an answer."""
    return ma.fields.String(required=True, metadata={"pattern": openapi.id_pattern(prefix)})


def uri_field() -> ma.fields.String:
    """A URL in an answer."""
    return ma.fields.String(required=True, metadata={"format": "uri"})


class PageQuery(Schema):
    """How much of a list, and from where."""

    limit = ma.fields.Integer(
        load_default=50, validate=ma.validate.Range(1, MAX_PAGE), metadata={"description": "1–100 items"}
    )
    cursor = ma.fields.String(
        load_default=None,
        validate=ma.validate.Length(1, 2048),
        metadata={"description": "`next_cursor` of the page before"},
    )


class Problem(Schema):
    """An error, as RFC 9457 has it."""

    type = ma.fields.String(required=True, metadata={"format": "uri"})
    title = ma.fields.String(required=True)
    status = ma.fields.Integer(required=True, validate=ma.validate.Range(400, 599))
    detail = ma.fields.String(required=True)
    code = ma.fields.String(required=True, metadata={"pattern": "^[a-z][a-z0-9_]*$", "description": "For machines"})
    request_id = ma.fields.String(required=True)
    errors = ma.fields.Dict(metadata={"description": "What is wrong, by field"})


class _Parser(FlaskParser):
    """Reads JSON strictly, and refuses unknown query parameters: a misspelt filter must not answer everything."""

    DEFAULT_UNKNOWN_BY_LOCATION = {**FlaskParser.DEFAULT_UNKNOWN_BY_LOCATION, "query": ma.RAISE}

    def load_json(self, req: Request, schema: ma.Schema) -> Any:
        body = req.get_data()
        return strict_json(body) if body else ma.missing


class Blueprint(flask_smorest.Blueprint):
    """A flask-smorest blueprint with our parser."""

    ARGUMENTS_PARSER = _Parser()


class Api(flask_smorest.Api):
    """flask-smorest's registry of blueprints and its OpenAPI document, with our errors.

    The document is made when somebody asks for it: on a cold start that would take as long as the rest of the app.
    """

    ERROR_SCHEMA = Problem

    def __init__(self, app: Flask, **options: Any) -> None:
        self._blueprints: list[flask_smorest.Blueprint] = []
        self._document: dict[str, Any] = {}
        self._making = Lock()
        super().__init__(app, **options)

    def register_blueprint(self, blp: flask_smorest.Blueprint, **options: Any) -> None:
        self._app.extensions["flask-smorest"]["blp_name_to_api"][blp.name] = self
        self._app.register_blueprint(blp, **options)
        self._blueprints.append(blp)

    def document(self) -> dict[str, Any]:
        """The OpenAPI document."""
        with self._making:
            if not self._document:
                self._describe()
                self._document = openapi.completed(_with_limits(self.spec.to_dict()))
        return self._document

    def _describe(self) -> None:
        super()._init_spec(**self._spec_kwargs)
        bearer = {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}
        self.spec.components.security_scheme("bearer", bearer)
        for blp in self._blueprints:
            blp.register_views_in_doc(self, self._app, self.spec, name=blp.name, parameters=None)
            self.spec.tag({"name": blp.name, "description": blp.description})

    def _init_spec(self, **options: Any) -> None:
        """Not yet: `document` does."""

    def _register_responses(self) -> None:
        """The same, of the media type that errors have; flask-smorest knows one for all answers."""
        self.DEFAULT_RESPONSE_CONTENT_TYPE = "application/problem+json"
        super()._register_responses()
        del self.DEFAULT_RESPONSE_CONTENT_TYPE  # the class's own again

    def handle_http_exception(self, error: HTTPException) -> Response:
        return _http_problem(error)


_LIMIT_HEADERS = {
    "RateLimit": {
        "description": "Requests left in this window, and the seconds until the next",
        "schema": {"type": "string"},
        "example": '"caller";r=597;t=42',
    },
    "RateLimit-Policy": {
        "description": "Requests in a window of so many seconds, as draft-ietf-httpapi-ratelimit-headers has it",
        "schema": {"type": "string"},
        "example": '"caller";q=600;w=60',
    },
    "Retry-After": {"description": "Seconds to wait", "schema": {"type": "integer", "minimum": 1}, "example": 42},
}


def _with_limits(document: dict[str, Any]) -> dict[str, Any]:
    """The OpenAPI document with the headers that limited operations answer with."""
    components = document["components"]
    components["headers"] = _LIMIT_HEADERS
    references = {name: {"$ref": f"#/components/headers/{name}"} for name in _LIMIT_HEADERS}
    refused = components["responses"]["TOO_MANY_REQUESTS"]
    refused["headers"] = {**refused.get("headers", {}), **references}
    of_success = {name: where for name, where in references.items() if name != "Retry-After"}
    for path in document["paths"].values():
        for operation in path.values():
            if "x-ratelimit" not in operation:
                continue
            for status, answer in operation["responses"].items():
                if status.startswith(("2", "3")):
                    answer["headers"] = {**answer.get("headers", {}), **of_success}
    return document


def strict_json(body: bytes) -> Any:
    """The value of a JSON text; raise `Unreadable` for whatever could not be stored and answered again."""
    try:
        value = json.loads(body.decode(), parse_constant=_refuse_constant)
        written = json.dumps(value, ensure_ascii=False)
        written.encode()  # a lone surrogate has no UTF-8
        if _NUL.search(written):
            raise Unreadable("a NUL character in the body")
    except (ValueError, RecursionError) as error:  # also endless digits, and nesting without end
        raise Unreadable(f"the body is not JSON as RFC 8259 has it: {error}") from error
    return value


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is not JSON")


# ---------------------------------------------------------------- errors


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
        body["errors"] = errors
    return Response(json.dumps(body, default=str), status, dict(headers or {}), content_type="application/problem+json")


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
    return _problem(error.status, error.code, error.title, detail, error.errors, headers, error.extensions)


def _http_problem(error: HTTPException) -> Response:
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


def _aws_problem(error: Exception) -> Response:
    """AWS did not answer, or refused for now, after all retries: not the caller's fault, nor an error of ours."""
    _log.error("aws: %s", error, exc_info=error)
    kind = Unavailable
    return _problem(kind.status, kind("").code, kind("").title, "try again", headers={"Retry-After": "5"})


# ---------------------------------------------------------------- one request


def install(
    app: Flask,
    *,
    authenticate: Callable[[str], Caller],
    idempotency: Idempotency,
    cursors: Callable[[], Cursors],
    ids: Ids,
    limits: Limits,
) -> None:
    """Give the app its manners. `authenticate` turns a bearer token into a caller; `cursors` are asked for with the
    first page, since their key may have to be fetched."""
    app.logger.removeHandler(default_handler)  # Flask's own: plain text, past the filter for secrets
    app.json.sort_keys = False  # type: ignore[attr-defined]  # answers keep the order of their schema
    # Flask's documented way to wrap the application; its types know no such thing.
    app.wsgi_app = _seen_by_the_gateway(app.wsgi_app)  # type: ignore[assignment, method-assign]
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY_BYTES
    app.extensions["argus.idempotency"] = idempotency
    app.extensions["argus.cursors"] = cursors
    app.register_error_handler(ArgusError, problem_of)
    app.register_error_handler(HTTPException, _http_problem)
    app.register_error_handler(BotoCoreError, _aws_problem)
    app.register_error_handler(ClientError, _aws_problem)

    def begin() -> None:
        asked = request.headers.get("X-Request-ID", "")
        g.scopes = scopes = ExitStack()
        g.work = scopes.enter_context(request_scope(asked if _SANE_REQUEST_ID.fullmatch(asked) else ids.new("req")))
        g.span = scopes.enter_context(tracing.span(_operation()))

    def check() -> None:
        view = app.view_functions.get(request.endpoint or "")
        if view is None or request.method == "OPTIONS":
            return  # 404, 405, redirects and preflights, which Flask answers next
        if "\0" in request.path or "%00" in request.query_string.decode("latin-1"):
            raise Unreadable("a NUL character in the address")
        scope = getattr(view, "argus_scope", None)
        g.caller = identify() if scope else None
        if scope and scope not in g.caller.scopes:
            raise MissingScope(f"this needs the scope {scope}")
        if not scope and not hasattr(view, "argus_unlimited"):
            limits.count_address()
        chunked = request.content_length is None and "Transfer-Encoding" in request.headers
        if (request.content_length or chunked) and not request.is_json:
            raise UnsupportedMediaType("the body must be application/json")
        if chunked and len(request.get_data()) >= MAX_BODY_BYTES:  # werkzeug cuts what does not say its length
            raise RequestEntityTooLarge

    def identify() -> Caller:
        """Who calls; either way the request is counted once."""
        limits.admit()
        try:
            caller = authenticate(_bearer_token())
        except Unauthenticated:
            limits.count_address()
            raise
        g.work.caller_id = caller.user_id
        limits.count_caller(caller)
        return caller

    def finish(response: Response) -> Response:
        response.headers["X-Request-ID"] = current_request_id()
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Referrer-Policy"] = "no-referrer"
        response.headers["Strict-Transport-Security"] = "max-age=63072000; includeSubDomains"
        response.headers.setdefault("X-Frame-Options", "DENY")
        response.headers.setdefault("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
        response.headers.setdefault(
            "Cache-Control", "no-store" if "ETag" not in response.headers else "private, no-cache"
        )
        response.headers.update(limits.headers())
        _tell(response)
        return response

    def leave(_error: BaseException | None) -> None:
        if scopes := g.pop("scopes", None):
            scopes.close()

    app.before_request(begin)
    app.before_request(check)
    app.after_request(finish)
    app.teardown_request(leave)


def _operation() -> str:
    """The method and the route: words of ours, so that they may name a metric."""
    return f"{request.method} {request.url_rule}" if request.url_rule else "unmatched"


def _tell(response: Response) -> None:
    """The finished request in the log, the metrics and the trace."""
    caller, used = g.get("caller"), g.work.used()
    g.span.status(response.status_code)
    _log.info(
        "request",
        extra={
            "method": request.method,
            "route": str(request.url_rule or ""),
            "status": response.status_code,
            **used,
            "caller": caller.user_id if caller else "",
            "organisation": caller.organisation_id if caller else "",
        },
    )
    by = {"route": _operation(), "status": f"{response.status_code // 100}xx"}
    metrics.record({"requests": 1, "request_ms": used["ms"]}, by)


def _seen_by_the_gateway(application: "WSGIApplication") -> "WSGIApplication":
    """Callers' addresses as API Gateway saw them. Zappa reads them from X-Forwarded-For, which callers can write."""

    def called(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        context = environ.get("lambda.event", {}).get("requestContext", {})
        seen = context.get("identity") or context.get("http") or {}  # payload formats 1.0 and 2.0
        if address := seen.get("sourceIp"):
            environ["REMOTE_ADDR"] = address
        return application(environ, start_response)

    return called


def require_scopes(app: Flask) -> None:
    """Fail at start when a view states neither a scope nor that it is public."""
    silent = [name for name, view in app.view_functions.items() if not hasattr(view, "argus_scope")]
    if silent:
        raise TypeError(f"these views state no scope: {', '.join(sorted(silent))}")


def _bearer_token() -> str:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise Unauthenticated("send Authorization: Bearer <token>")
    return token.strip()


# ---------------------------------------------------------------- for views


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


def etagged(view: View) -> View:
    """Answer with an ETag, or 304. The tag names the version, for writes, and the bytes, for readers: links change
    while the version stays. Goes outside the schemas, right under the route."""

    @wraps(view)
    def tagged(*args: Any, **kwargs: Any) -> Response:
        response = cast(Response, view(*args, **kwargs))
        body = response.get_data()
        response.headers["ETag"] = quote_etag(f"{json.loads(body)['version']}-{zlib.crc32(body):08x}")
        return cast(Response, response.make_conditional(request))

    not_modified = {"description": "Unchanged since the ETag in If-None-Match"}
    return cast(View, _documented(tagged, responses={304: not_modified}))


def check_if_match(version: int) -> None:
    """Refuse a write that was decided upon another version, or upon one that cannot be read."""
    tags = request.if_match
    if "If-Match" not in request.headers or tags.star_tag:
        return
    named = {(tag or "").split("-")[0] for tag in tags.as_set()}  # werkzeug reads an empty tag as None
    if str(version) not in named:
        raise PreconditionFailed(f"it is at version {version} now")


def idempotent(view: View) -> View:
    """Honour `Idempotency-Key`. Goes outside the schemas, right under the route."""

    @wraps(view)
    def once(*args: Any, **kwargs: Any) -> Response:
        key = request.headers.get("Idempotency-Key")
        if key is None:
            return cast(Response, view(*args, **kwargs))
        if not _SANE_IDEMPOTENCY_KEY.fullmatch(key):
            raise Unreadable("Idempotency-Key: 1 to 255 printable characters without spaces")
        store: Idempotency = flask.current_app.extensions["argus.idempotency"]
        begun = store.begin(
            organisation_id=g.caller.organisation_id,
            caller_id=g.caller.user_id,
            key=key,
            request=f"{request.method} {request.path}\n".encode() + request.get_data(),
        )
        if isinstance(begun, Answer):
            return Response(begun.body, begun.status, {**begun.headers, "Idempotent-Replayed": "true"})
        return _recorded(store, begun, view, args, kwargs)

    key = {
        "in": "header",
        "name": "Idempotency-Key",
        "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": _SANE_IDEMPOTENCY_KEY.pattern},
        "description": "The same key with the same body is done once, and answered again for a day",
    }
    return cast(View, _documented(once, parameters=[key], responses={409: "CONFLICT"}))


def _recorded(
    store: Idempotency, attempt: Attempt, view: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Response:
    try:
        response = cast(Response, view(*args, **kwargs))
    except Exception:
        store.abandon(attempt)
        raise
    headers = {name: response.headers[name] for name in _KEPT_HEADERS if name in response.headers}
    store.finish(attempt, Answer(response.status_code, headers, response.get_data(as_text=True)))
    return response
