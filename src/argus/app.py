"""The Flask application: blueprints, errors, limits, CORS."""

import re

from flask import Flask
from flask_cors import CORS

from argus import __version__, documents
from argus.container import Container
from argus.core import http
from argus.core.declarations import load
from argus.core.http import Api, RequestLimits
from argus.core.openapi import DESCRIPTION, LICENCE
from argus.identity.capability import sign_in_methods


def create_app(container: Container) -> Flask:
    """The HTTP application of a container."""
    app = Flask("argus", static_folder=None)
    app.url_map.merge_slashes = False  # it would redirect to the host of the Host header, which clients control
    app.config |= {"API_TITLE": "Argus", "API_VERSION": __version__, "OPENAPI_VERSION": "3.1.0"}
    limits = RequestLimits(container.limits)
    limits.install(app)
    packages = ["argus.core", *(f"argus.{capability.name}" for capability in container.capabilities)]
    http.install(
        app,
        authenticate=container.authenticators(),
        idempotency=container.idempotency,
        cursors=lambda: container.cursors,
        ids=container.ids,
        limits=limits,
        packages=packages,
    )
    CORS(
        app,
        origins=[_exactly(origin) for origin in container.settings.allowed_origins],
        allow_headers=["Authorization", "Content-Type", "Idempotency-Key", "If-Match", "If-None-Match", "X-Request-ID"],
        expose_headers=[
            *("ETag", "Idempotent-Replayed", "Link", "Location", "RateLimit", "RateLimit-Policy", "Retry-After"),
            "X-Request-ID",
        ],
        max_age=600,
        vary_header=False,  # the hooks of `core.http` add it to every response
    )
    about = {"description": DESCRIPTION, "license": LICENCE, "x-ratelimit": container.limits.description()}
    api = Api(app, spec_kwargs={"info": about})
    for capability in container.capabilities:
        for factory in capability.blueprints:
            api.register_blueprint(load(factory)(container), url_prefix=capability.prefix)
    app.register_blueprint(documents.blueprint(api, packages, lambda: _origins(container)))
    http.require_scopes(app)
    return app


def _origins(container: Container) -> list[str]:
    """Where users of the explorer sign in, and where they upload."""
    issuers = {method["endpoint"] for method in sign_in_methods(container.settings)}
    return sorted({*issuers, container.links.upload_origin})


def _exactly(origin: str) -> re.Pattern[str]:
    """A pattern that only this origin matches: flask-cors ignores the case of text, and guesses which is a pattern."""
    return re.compile(re.escape(origin) + r"\Z")
