"""The registry of blueprints, and their OpenAPI document."""

import inspect
from threading import Lock
from typing import Any

import flask_smorest
from flask import Flask, Response
from werkzeug.exceptions import HTTPException

from argus.core import openapi
from argus.core.http.access import API_KEY_HEADER
from argus.core.http.problems import http_problem
from argus.core.http.wire import Blueprint, Problem


class Api(flask_smorest.Api):
    """flask-smorest's registry of blueprints and its OpenAPI document, with the errors of Argus.

    The document is built on first use: at a cold start it would take as long as the rest of the app.
    """

    ERROR_SCHEMA = Problem

    def __init__(self, app: Flask, **options: Any) -> None:
        self._blueprints: list[Blueprint] = []
        self._document: dict[str, Any] = {}
        self._lock = Lock()
        super().__init__(app, **options)

    def register_blueprint(self, blp: Blueprint, **options: Any) -> None:
        self._app.extensions["flask-smorest"]["blp_name_to_api"][blp.name] = self
        self._app.register_blueprint(blp, **options)
        self._blueprints.append(blp)

    def document(self) -> dict[str, Any]:
        """The OpenAPI document."""
        with self._lock:
            if not self._document:
                self._describe()
                examples = {blp.name: openapi.examples_in(blp.root_path) for blp in self._blueprints}
                self._document = openapi.with_shared_parts(_with_limits(self.spec.to_dict()), examples)
        return self._document

    def _describe(self) -> None:
        super()._init_spec(**self._spec_kwargs)
        bearer = {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "JWT",
            "description": "An access token of a user.",
        }
        key = {"type": "apiKey", "in": "header", "name": API_KEY_HEADER, "description": "An API key of a program."}
        self.spec.components.security_scheme("bearer", bearer)
        self.spec.components.security_scheme("key", key)
        for blp in sorted(self._blueprints, key=lambda blp: blp.chapter):
            blp.register_views_in_doc(self, self._app, self.spec, name=blp.name, parameters=None)
            self.spec.tag({"name": blp.name, "description": blp.description})
        for (schema, *_), name in self.ma_plugin.converter.refs.items():
            self.spec.components.schemas[name].setdefault("description", _first_paragraph(schema))
        del self.spec.components.schemas["PaginationMetadata"]  # flask-smorest's, whose pagination Argus does not use

    def _init_spec(self, **options: Any) -> None:
        """Do nothing: `document` builds the specification on first use."""

    def _register_responses(self) -> None:
        """Register the error responses with their media type; flask-smorest has one media type for all responses."""
        self.DEFAULT_RESPONSE_CONTENT_TYPE = "application/problem+json"
        super()._register_responses()
        del self.DEFAULT_RESPONSE_CONTENT_TYPE  # restores the attribute of the class

    def handle_http_exception(self, error: HTTPException) -> Response:
        return http_problem(error)


def _first_paragraph(documented: type) -> str:
    """The first paragraph of a docstring, on one line."""
    return " ".join(inspect.cleandoc(documented.__doc__ or "").partition("\n\n")[0].split())


_LIMIT_HEADERS = {
    "RateLimit": {
        "description": "Requests left in this window, and seconds until the next window",
        "schema": {"type": "string"},
        "example": '"caller";r=597;t=42',
    },
    "RateLimit-Policy": {
        "description": "Requests per window and its seconds, per draft-ietf-httpapi-ratelimit-headers",
        "schema": {"type": "string"},
        "example": '"caller";q=600;w=60',
    },
    "Retry-After": {"description": "Seconds to wait", "schema": {"type": "integer", "minimum": 1}, "example": 42},
}


def _with_limits(document: dict[str, Any]) -> dict[str, Any]:
    """The OpenAPI document with the headers of rate-limited operations."""
    components = document["components"]
    components["headers"] = _LIMIT_HEADERS
    references = {name: {"$ref": f"#/components/headers/{name}"} for name in _LIMIT_HEADERS}
    rejection = components["responses"]["TOO_MANY_REQUESTS"]
    rejection["headers"] = {**rejection.get("headers", {}), **references}
    on_success = {name: reference for name, reference in references.items() if name != "Retry-After"}
    for path in document["paths"].values():
        for operation in path.values():
            if "x-ratelimit" not in operation:
                continue
            for status, response in operation["responses"].items():
                if status.startswith(("2", "3")):
                    response["headers"] = {**response.get("headers", {}), **on_success}
    return document
