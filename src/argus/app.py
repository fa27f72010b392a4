"""The Flask application: blueprints, errors, limits, CORS, documents."""

import json
import mimetypes
import re
from pathlib import Path

import flask
from flask import Flask, Response
from flask_cors import CORS

from argus import __version__, error_pages
from argus.container import Container
from argus.core import http
from argus.core.declarations import API_PREFIX, load
from argus.core.errors import NotFound
from argus.core.http import Api, RequestLimits, absolute_url, unlimited
from argus.core.openapi import DESCRIPTION, LICENCE

EXPLORER = Path(__file__).parent / "explorer"


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
    app.register_blueprint(_documents(api))
    app.register_blueprint(error_pages.blueprint(packages))
    http.require_scopes(app)
    return app


def _exactly(origin: str) -> re.Pattern[str]:
    """A pattern that only this origin matches: flask-cors ignores the case of text, and guesses which is a pattern."""
    return re.compile(re.escape(origin) + r"\Z")


def _documents(api: Api) -> flask.Blueprint:
    """Where to start, the OpenAPI document, and Swagger UI: it comes from an installed package and not from a CDN."""
    blp = flask.Blueprint("documents", __name__)

    @blp.get("/")
    @unlimited
    def start() -> Response:
        """Lead browsers to the explorer, and programs to every document."""
        if flask.request.accept_mimetypes.best_match(["application/json", "text/html"]) == "text/html":
            response = Response(status=302, headers={"Location": flask.url_for(".docs")})
        else:
            response = flask.jsonify(
                name="Argus",
                version=__version__,
                explorer=absolute_url(".docs"),
                openapi=absolute_url(".openapi"),
                errors=absolute_url("errors.index"),
                sign_in=absolute_url("identity.sign_in"),
                ready=absolute_url("health.ready"),
            )
        response.vary.add("Accept")
        return response

    @blp.get(f"{API_PREFIX}/openapi.json")
    @unlimited
    def openapi() -> Response:
        return Response(json.dumps(api.document()), content_type="application/json")

    @blp.get("/docs")
    @unlimited
    def docs() -> Response:
        return _page(EXPLORER / "index.html")

    @blp.get("/docs/<name>")
    @unlimited
    def asset(name: str) -> Response:
        if name == "start.js":
            return _page(EXPLORER / name)
        import flask_swagger_ui

        dist = Path(flask_swagger_ui.__file__).parent / "dist"
        if name not in {entry.name for entry in dist.iterdir()}:
            raise NotFound
        return _page(dist / name)

    return blp


def _page(path: Path) -> Response:
    response = Response(path.read_bytes(), mimetype=mimetypes.guess_type(path.name)[0])
    # Swagger UI uses inline styles and icons from data URLs.
    response.headers["Content-Security-Policy"] = (
        "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'"
    )
    response.headers["Cache-Control"] = "public, max-age=3600"
    return response
