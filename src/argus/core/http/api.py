"""The registry of blueprints, and the OpenAPI document that they make together."""

from threading import Lock
from typing import Any

import flask_smorest
from flask import Flask, Response
from werkzeug.exceptions import HTTPException

from argus.core import openapi
from argus.core.http.access import API_KEY_HEADER
from argus.core.http.problems import http_problem
from argus.core.http.wire import Problem


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
        self.spec.components.security_scheme("key", {"type": "apiKey", "in": "header", "name": API_KEY_HEADER})
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
        return http_problem(error)


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
