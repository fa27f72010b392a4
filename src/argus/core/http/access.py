"""Who may call: a view states its scope with `@needs("images:read")`, `@public` or `@unlimited`.

The hooks enforce it before the view runs, and an app with a route that states nothing does not start.
"""

from collections.abc import Callable, Mapping
from typing import Any, Protocol, TypeVar, cast

from flask import Flask, g, request
from flask_smorest.utils import deepupdate

from argus.core.caller import Caller
from argus.core.errors import Forbidden, Unauthenticated

View = TypeVar("View", bound=Callable[..., Any])

API_KEY_HEADER = "X-API-Key"


class Limits(Protocol):
    """How often callers, and addresses without a caller, may ask. The verbs raise `TooManyRequests`."""

    def count_address(self) -> None: ...
    def count_caller(self, caller: Caller) -> None: ...
    def headers(self) -> Mapping[str, str]: ...


def current_caller() -> Caller:
    """The caller of this request. Only views with a scope have one."""
    return cast(Caller, g.caller)


def client_address() -> str:
    """Where this request came from, as API Gateway saw it, or the socket where there is no gateway.

    `_seen_by_the_gateway` has put it there: nothing that the client can write decides it.
    """
    return request.remote_addr or ""


class MissingScope(Forbidden):
    """The caller's role or key does not allow this."""


def needs(scope: str) -> Callable[[View], View]:
    """The view is for callers with this scope."""

    def mark(view: View) -> View:
        vars(view)["argus_scope"] = scope
        refusals = {401: "UNAUTHORIZED", 403: "FORBIDDEN", 429: "TOO_MANY_REQUESTS"}
        limited = {"x-ratelimit": "caller"}
        return documented(view, security=[{"bearer": [scope]}, {"key": [scope]}], responses=refusals, **limited)

    return mark


def public(view: View) -> View:
    """The view is for everyone, as often as the limit of an address allows."""
    vars(view)["argus_scope"] = None
    limited = {"x-ratelimit": "address"}
    return documented(view, security=[], responses={429: "TOO_MANY_REQUESTS"}, **limited)


def unlimited(view: View) -> View:
    """The view is for everyone and never counted, so that it depends on nothing."""
    vars(view)["argus_scope"] = None
    vars(view)["argus_unlimited"] = True
    return documented(view, security=[])


def documented(view: View, **manual: Any) -> View:
    """Add to the view's OpenAPI operation, in the attribute where flask-smorest keeps it."""
    described = vars(view).get("_apidoc", {})
    manual["operationId"] = view.__name__
    vars(view)["_apidoc"] = {**described, "manual_doc": deepupdate(described.get("manual_doc", {}), manual)}
    return view


def require_scopes(app: Flask) -> None:
    """Fail at start when a view states neither a scope nor that it is public."""
    silent = [name for name, view in app.view_functions.items() if not hasattr(view, "argus_scope")]
    if silent:
        raise TypeError(f"these views state no scope: {', '.join(sorted(silent))}")


def credentials() -> tuple[str, str]:
    """What the caller shows for itself: its scheme, `bearer` or `key`, and the token or key. Raises Unauthenticated."""
    key = request.headers.get(API_KEY_HEADER)
    if key is not None and "Authorization" in request.headers:
        raise Unauthenticated("both")
    if key is not None:
        return "key", key.strip()
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise Unauthenticated("missing")
    return "bearer", token.strip()
