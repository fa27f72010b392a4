"""Access control: a view declares its scope with `@needs(scope)`, or is `@public` or `@unlimited`.

The hooks enforce it before the view runs. An app with an undeclared route does not start.
"""

from collections.abc import Callable
from typing import Any, TypeVar, cast

from flask import Flask, g, request
from flask_smorest.utils import deepupdate

from argus.core.caller import Caller
from argus.core.errors import Forbidden, Unauthenticated

View = TypeVar("View", bound=Callable[..., Any])

API_KEY_HEADER = "X-API-Key"


def current_caller() -> Caller:
    """The caller of this request, in views with a scope."""
    return cast(Caller, g.caller)


def client_address() -> str:
    """The client's address as API Gateway reports it, or that of the socket if there is no gateway.

    Headers of the client cannot change it: see `_behind_gateway` in `core.http.hooks`.
    """
    return request.remote_addr or ""


class MissingScope(Forbidden):
    """The caller's role or key does not have the required scope."""


def needs(scope: str, *, for_keys: bool = True) -> Callable[[View], View]:
    """The view requires this scope; `for_keys` is whether API keys may have it, as the capability declares."""
    keys = [{"key": [scope]}] if for_keys else []

    def mark(view: View) -> View:
        vars(view)["argus_scope"] = scope
        errors = {401: "UNAUTHORIZED", 403: "FORBIDDEN", 429: "TOO_MANY_REQUESTS"}
        limited = {"x-ratelimit": "caller"}
        return documented(view, security=[{"bearer": [scope]}, *keys], responses=errors, **limited)

    return mark


def public(view: View) -> View:
    """The view needs no caller, and counts against the limit of the client's address."""
    vars(view)["argus_scope"] = None
    limited = {"x-ratelimit": "address"}
    return documented(view, security=[], responses={429: "TOO_MANY_REQUESTS"}, **limited)


def public_document(view: View) -> View:
    """The view is public, and ignores its query: browsers and caches add their own."""
    vars(view)["argus_any_query"] = True
    return public(view)


def unlimited(view: View) -> View:
    """The view needs no caller, ignores its query, and has no limit, so that it does not depend on AWS."""
    vars(view)["argus_scope"] = None
    vars(view)["argus_unlimited"] = vars(view)["argus_any_query"] = True
    return documented(view, security=[])


def documented(view: View, **manual: Any) -> View:
    """Add to the view's OpenAPI operation, in flask-smorest's attribute."""
    apidoc = vars(view).get("_apidoc", {})
    manual["operationId"] = view.__name__
    vars(view)["_apidoc"] = {**apidoc, "manual_doc": deepupdate(apidoc.get("manual_doc", {}), manual)}
    return view


def require_scopes(app: Flask) -> None:
    """Fail at start if a view has neither a scope nor is public."""
    undeclared = [name for name, view in app.view_functions.items() if not hasattr(view, "argus_scope")]
    if undeclared:
        raise TypeError(f"these views declare no scope: {', '.join(sorted(undeclared))}")


_SPACE = " \t"  # RFC 9110, section 5.6.3


def credentials() -> tuple[str, str]:
    """The scheme, `bearer` or `key`, and the token or key of the request. Raises Unauthenticated."""
    key = request.headers.get(API_KEY_HEADER)
    if key is not None and "Authorization" in request.headers:
        raise Unauthenticated("both")
    if key is not None:
        return "key", key.strip(_SPACE)
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    token = token.strip(_SPACE)
    if scheme.lower() != "bearer" or not token:
        raise Unauthenticated("missing")
    if "," in token:  # no token contains one: servers and gateways join repeated headers with it
        raise Unauthenticated("repeated")
    return "bearer", token
