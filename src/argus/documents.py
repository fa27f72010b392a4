"""Where to start, the OpenAPI document, its explorer, and a page for each error code.

The explorer is Swagger UI, from an installed package and not from a CDN. The `type` of an error leads to the page of
its code (RFC 9457 §3.1.1).
"""

import gzip
import hashlib
import json
import mimetypes
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, cast

import flask
from flask import Response, render_template, request, url_for

from argus import __version__
from argus.core.declarations import API_PREFIX
from argus.core.errors import NotFound
from argus.core.http import CLOSED, Api, absolute_url, public_document, request_language, unlimited
from argus.core.languages import Entry, Language, Text, messages_of

EXPLORER = Path(__file__).parent / "explorer"
STATUSES = EXPLORER / "errors.json"  # the status of each code that responses have; written by `make docs`
ASSETS = ("page.css", "repairs.js", "start.css", "start.js")
SWAGGER_UI = ("favicon-32x32.png", "swagger-ui-bundle.js", "swagger-ui.css")

# Swagger UI uses inline styles and icons from data URLs.
_POLICY = f"default-src 'self'; object-src 'none'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; {CLOSED}"
_HOUR = "public, max-age=3600"

_TITLE = Text(en="Errors", fr="Erreurs", es="Errores")
_LABELS: Mapping[str, Text] = {
    "code": Text(en="Code", fr="Code", es="Código"),
    "status": Text(en="HTTP status", fr="Statut HTTP", es="Estado HTTP"),
    "title": Text(en="Title", fr="Titre", es="Título"),
    "details": Text(
        en="What the error says; a name in braces is replaced by a value",
        fr="Ce que dit l’erreur ; un nom entre accolades est remplacé par une valeur",
        es="Lo que dice el error; un nombre entre llaves se sustituye por un valor",
    ),
    "what_to_do": Text(en="What to do", fr="Que faire", es="Qué hacer"),
    "all": Text(en="All errors", fr="Toutes les erreurs", es="Todos los errores"),
    "explorer": Text(en="API documentation", fr="Documentation de l’API", es="Documentación de la API"),
}
_ADVICE: Mapping[int, Text] = {
    400: Text(
        en="Correct the request. The same request will be rejected again.",
        fr="Corrigez la requête. La même requête sera de nouveau refusée.",
        es="Corrija la solicitud. La misma solicitud se rechazará de nuevo.",
    ),
    401: Text(
        en="Send a valid token as “Authorization: Bearer <token>”, or a valid API key as “X-API-Key: <key>”. "
        "GET /api/v1/sign-in names the issuers of tokens.",
        fr="Envoyez un jeton valide dans « Authorization: Bearer <jeton> », ou une clé d’API valide dans « X-API-Key: "
        "<clé> ». GET /api/v1/sign-in nomme les émetteurs de jetons.",
        es="Envíe un token válido en «Authorization: Bearer <token>», o una clave de API válida en «X-API-Key: "
        "<clave>». GET /api/v1/sign-in indica los emisores de tokens.",
    ),
    403: Text(
        en="The same request will be rejected again. The error says which scope, origin or link it needs; another "
        "role, or another API key, may have the scope.",
        fr="La même requête sera de nouveau refusée. L’erreur dit quelle portée, quelle origine ou quel lien il lui "
        "faut ; un autre rôle, ou une autre clé d’API, peut avoir la portée.",
        es="La misma solicitud se rechazará de nuevo. El error dice qué alcance, origen o enlace necesita; otro rol, u "
        "otra clave de API, puede tener el alcance.",
    ),
    404: Text(
        en="Check the URL and the ids. Resources of other organisations do not exist for you.",
        fr="Vérifiez l’URL et les identifiants. Les ressources d’autres organisations n’existent pas pour vous.",
        es="Compruebe la URL y los identificadores. Los recursos de otras organizaciones no existen para usted.",
    ),
    409: Text(
        en="Read the resource again. Send the request again once its state allows it.",
        fr="Relisez la ressource. Renvoyez la requête quand son état le permet.",
        es="Lea de nuevo el recurso. Repita la solicitud cuando su estado lo permita.",
    ),
    412: Text(
        en="Read the resource again, and send the request with its new ETag in If-Match.",
        fr="Relisez la ressource, puis renvoyez la requête avec son nouvel ETag dans If-Match.",
        es="Lea de nuevo el recurso y repita la solicitud con su nuevo ETag en If-Match.",
    ),
    429: Text(
        en="Wait for the seconds in Retry-After, then send the request again.",
        fr="Attendez les secondes indiquées dans Retry-After, puis renvoyez la requête.",
        es="Espere los segundos indicados en Retry-After y repita la solicitud.",
    ),
    500: Text(
        en="Report the request_id to the operators. You may send the request again.",
        fr="Communiquez le request_id aux opérateurs. Vous pouvez renvoyer la requête.",
        es="Comunique el request_id a los operadores. Puede repetir la solicitud.",
    ),
}
_SAME_ADVICE = {405: 400, 413: 400, 415: 400, 422: 400, 503: 429}
# Codes whose advice is that of another status.
_ADVICE_OF = {"contended": 429, "keys_being_changed": 429, "still_running": 429, "damaged_picture": 500}
_NO_RESPONSE = Text(
    en="No error has this code. It is the reason why an image was rejected, in its “code”, or why a scan or a report "
    "failed.",
    fr="Aucune erreur n’a ce code. C’est la raison du rejet d’une image, dans son « code », ou de l’échec d’une "
    "analyse ou d’un rapport.",
    es="Ningún error tiene este código. Es la razón por la que se rechazó una imagen, en su «code», o falló un "
    "análisis o un informe.",
)


def blueprint(api: Api, packages: Sequence[str], connects_to: Callable[[], Iterable[str]]) -> flask.Blueprint:
    """The documents of an API whose messages these packages declare.

    `connects_to` contains the origins, besides its own, to which the page of the explorer may connect.
    """
    blp = flask.Blueprint("documents", __name__, template_folder="templates")

    @cache
    def codes() -> Mapping[str, "_Code"]:
        """Every code; read on first use, since a cold start needs none."""
        statuses: Mapping[str, int] = json.loads(STATUSES.read_text())
        entries = {code: entry for package in packages for code, entry in messages_of(package).items()}
        return {code: _Code(code, statuses.get(code), entry) for code, entry in sorted(entries.items())}

    @blp.get("/")
    @unlimited
    def start() -> Response:
        """Lead browsers to the explorer, and programs to every document."""
        if request.accept_mimetypes.best_match(["application/json", "text/html"]) == "text/html":
            response = Response(status=302, headers={"Location": url_for(".explorer")})
        else:
            response = flask.jsonify(
                name="Argus",
                version=__version__,
                explorer=absolute_url(".explorer"),
                openapi=absolute_url(".openapi"),
                errors=absolute_url(".errors"),
                sign_in=absolute_url("sign-in.sign_in"),
                ready=absolute_url("health.ready"),
            )
        response.vary.add("Accept")
        return response

    @cache
    def openapi_json() -> _Content:
        return _Content.of(json.dumps(api.document()).encode(), "application/json")

    @blp.get(f"{API_PREFIX}/openapi.json")
    @public_document
    def openapi() -> Response:
        return openapi_json().response("public, no-cache")

    @blp.get("/openapi.json")
    @unlimited
    def document() -> Response:
        """Where programs look for it first."""
        return Response(status=302, headers={"Location": url_for(".openapi")})

    @blp.get("/docs/")
    @unlimited
    def with_slash() -> Response:
        """The links of the explorer are relative to the path without a slash."""
        return Response(status=302, headers={"Location": url_for(".explorer")})

    @blp.get("/docs")
    @unlimited
    def explorer() -> Response:
        origins = " ".join(("'self'", *connects_to()))
        return _with_policy(_file(EXPLORER / "index.html").response(_HOUR), f"{_POLICY}; connect-src {origins}")

    @blp.get("/docs/<name>")
    @public_document
    def asset(name: str) -> Response:
        if name in ASSETS:
            folder = EXPLORER
        elif name in SWAGGER_UI:
            folder = _swagger_ui()
        else:
            raise NotFound
        return _with_policy(_file(folder / name).response(_HOUR), _POLICY)

    @blp.get("/docs/errors")
    @unlimited
    def errors() -> Response:
        language = request_language()
        rows = [code.shown(language) for code in codes().values()]
        return _page("errors.html", language, title=_TITLE.format(language, {}), rows=rows)

    @blp.get("/docs/errors/<code>")
    @unlimited
    def error(code: str) -> Response:
        if code not in codes():
            raise NotFound
        language = request_language()
        return _page("error.html", language, error=codes()[code].shown(language))

    return blp


@dataclass(frozen=True)
class _Code:
    name: str
    status: int | None  # None if no response has it
    entry: Entry

    def shown(self, language: Language) -> dict[str, Any]:
        """What the pages show of it."""
        status = _ADVICE_OF.get(self.name, self.status)
        advice = _ADVICE[_SAME_ADVICE.get(status, status)] if status else _NO_RESPONSE
        return {
            "code": self.name,
            "status": self.status or "–",
            "title": self.entry.title.format(language, {}),
            "details": [text.template(language) for text in self.entry.texts()],
            "advice": advice.format(language, {}),
        }


def _page(template: str, language: Language, **values: Any) -> Response:
    labels = {name: text.format(language, {}) for name, text in _LABELS.items()}
    response = Response(render_template(template, language=language, labels=labels, **values))
    response.headers["Content-Language"] = language
    response.headers["Cache-Control"] = _HOUR
    return _with_policy(response, f"default-src 'none'; style-src 'self'; {CLOSED}")


@dataclass(frozen=True)
class _Content:
    """A document that does not change while the process runs: compressed once, and not sent to who has it."""

    data: bytes
    gzipped: bytes
    mimetype: str
    etag: str

    @classmethod
    def of(cls, data: bytes, mimetype: str) -> "_Content":
        return cls(data, gzip.compress(data, mtime=0), mimetype, hashlib.sha256(data).hexdigest()[:32])

    def response(self, cache_control: str) -> Response:
        """The response to the current request. Each coding has an ETag of its own (RFC 9110, section 8.8.3.3)."""
        compressed = bool(request.accept_encodings["gzip"]) and len(self.gzipped) < len(self.data)
        response = Response(self.gzipped if compressed else self.data, mimetype=self.mimetype)
        response.headers["Cache-Control"] = cache_control
        response.vary.add("Accept-Encoding")
        response.set_etag(f"{self.etag}-gzip" if compressed else self.etag)
        if compressed:
            response.headers["Content-Encoding"] = "gzip"
        return cast(Response, response.make_conditional(request))


@cache
def _file(path: Path) -> _Content:
    return _Content.of(path.read_bytes(), mimetypes.guess_type(path.name)[0] or "application/octet-stream")


def _swagger_ui() -> Path:
    import flask_swagger_ui

    return Path(flask_swagger_ui.__file__).parent / "dist"


def _with_policy(response: Response, policy: str) -> Response:
    response.headers["Content-Security-Policy"] = policy
    return response
