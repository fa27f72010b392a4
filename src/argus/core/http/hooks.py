"""The life of a request: its id, caller, limits, headers and log line."""

import logging
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError
from flask import Flask, Response, g, request
from flask.logging import default_handler
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge

from argus.core import metrics, tracing
from argus.core.caller import Caller
from argus.core.errors import ArgusError, Unauthenticated, Unavailable
from argus.core.http.access import MissingScope, credentials
from argus.core.http.problems import aws_problem, http_problem, problem_of
from argus.core.http.ratelimit import RequestLimits
from argus.core.http.wire import MalformedRequest, check_format, check_query
from argus.core.idempotency import Idempotency
from argus.core.ids import Ids
from argus.core.observability import current_request_id, request_scope
from argus.core.paging import Cursors

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

MAX_BODY_BYTES = 1024 * 1024
# For calls to AWS. The function has 29 s: the rest is for botocore's last pause and the response.
REQUEST_SECONDS = 18.0
# The directives of a Content-Security-Policy that do not follow default-src.
CLOSED = "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

_log = logging.getLogger("argus.http")
_VALID_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")


def install(
    app: Flask,
    *,
    authenticate: Mapping[str, Callable[[str], Caller]],
    idempotency: Idempotency,
    cursors: Callable[[], Cursors],
    ids: Ids,
    limits: RequestLimits,
    packages: Sequence[str],
) -> None:
    """Install the behaviour of all routes. `authenticate` contains, for each scheme (`bearer`, `key`), a function from
    the credentials to the caller. `cursors` is called with the first page, since it may have to fetch its key."""
    app.logger.removeHandler(default_handler)  # Flask's handler writes plain text and does not mask secrets
    app.json.sort_keys = False  # type: ignore[attr-defined]  # keep the order of the schema
    # Flask documents this way to wrap the application, but its type hints do not allow it.
    app.wsgi_app = _behind_gateway(app.wsgi_app)  # type: ignore[assignment, method-assign]
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY_BYTES
    app.extensions["argus.idempotency"] = idempotency
    app.extensions["argus.cursors"] = cursors
    app.extensions["argus.packages"] = packages
    app.register_error_handler(ArgusError, problem_of)
    app.register_error_handler(HTTPException, http_problem)
    app.register_error_handler(BotoCoreError, aws_problem)
    app.register_error_handler(ClientError, aws_problem)

    def begin() -> None:
        sent_id = request.headers.get("X-Request-ID", "")
        g.scopes = scopes = ExitStack()
        request_id = sent_id if _VALID_REQUEST_ID.fullmatch(sent_id) else ids.new("req")
        g.work = scopes.enter_context(request_scope(request_id, seconds=REQUEST_SECONDS))
        g.span = scopes.enter_context(tracing.span(_operation()))

    def check() -> None:
        view = app.view_functions.get(request.endpoint or "")
        if view is None or request.method == "OPTIONS":
            return  # Flask handles 404, 405, redirects and preflights next
        if "\0" in request.path or "%00" in request.query_string.decode("latin-1"):
            raise MalformedRequest("address")
        scope = getattr(view, "argus_scope", None)
        g.caller = identify() if scope else None
        if scope and scope not in g.caller.scopes:
            raise MissingScope(scope=scope)
        if not scope and not hasattr(view, "argus_unlimited"):
            limits.count_address()
        if not hasattr(view, "argus_any_query"):
            check_query(view)
        chunked = request.content_length is None and "Transfer-Encoding" in request.headers
        if request.content_length or chunked:
            check_format()
        if chunked and len(request.get_data()) >= MAX_BODY_BYTES:  # werkzeug truncates a body without a length
            raise RequestEntityTooLarge

    def identify() -> Caller:
        """Authenticate, and count the request once: for the caller if authenticated, else for the client's address."""
        try:
            scheme, secret = credentials()
            caller = authenticate[scheme](secret)
        except (Unauthenticated, Unavailable):  # the latter while the keys of an issuer cannot be fetched
            limits.count_address()
            raise
        g.work.caller_id = caller.id
        limits.count_caller(caller)
        return caller

    def finish(response: Response) -> Response:
        response.headers["X-Request-ID"] = current_request_id()
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Referrer-Policy"] = "no-referrer"
        response.headers["Strict-Transport-Security"] = "max-age=63072000; includeSubDomains"
        response.headers.setdefault("X-Frame-Options", "DENY")
        response.headers.setdefault("Content-Security-Policy", f"default-src 'none'; {CLOSED}")
        response.headers.setdefault(
            "Cache-Control", "no-store" if "ETag" not in response.headers else "private, no-cache"
        )
        response.headers.update(limits.headers())
        response.vary.update(("Accept-Language", "Origin"))
        _record(response)
        return response

    def end_scopes(_error: BaseException | None) -> None:
        if scopes := g.pop("scopes", None):
            scopes.close()

    app.before_request(begin)
    app.before_request(check)
    app.after_request(finish)
    app.teardown_request(end_scopes)


def _operation() -> str:
    """The method and the route, without values of the client, so that they can name a span."""
    return f"{request.method} {request.url_rule}" if request.url_rule else "unmatched"


def _record(response: Response) -> None:
    """Record the finished request in the log, the metrics and the trace."""
    caller, measurements = g.get("caller"), g.work.measurements()
    g.span.set_status(response.status_code)
    _log.info(
        "request",
        extra={
            "method": request.method,
            "route": str(request.url_rule or ""),
            "status": response.status_code,
            **measurements,
            "caller": caller.id if caller else "",
            "organisation": caller.organisation_id if caller else "",
        },
    )
    by = {"function": "api", "status": f"{response.status_code // 100}xx"}
    metrics.record({"requests": 1, "request_ms": measurements["ms"]}, by)


def _behind_gateway(application: "WSGIApplication") -> "WSGIApplication":
    """Set the client's address, and the API's own, from API Gateway's event. Zappa reads headers instead: clients
    control X-Forwarded-For, and in format 2.0 it does not find X-Forwarded-Proto. API Gateway only speaks HTTPS."""

    def called(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        context = environ.get("lambda.event", {}).get("requestContext", {})
        source = context.get("identity") or context.get("http") or {}  # payload formats 1.0 and 2.0
        if address := source.get("sourceIp"):
            environ["REMOTE_ADDR"] = address
        if domain := context.get("domainName"):
            environ |= {"HTTP_HOST": domain, "wsgi.url_scheme": "https"}
        return application(environ, start_response)

    return called
