"""Where to start, and the pages of errors."""

import gzip
import json
import re
from typing import Any
from urllib.parse import urlsplit

import pytest

from argus import __version__
from argus.app import create_app
from argus.container import Container
from argus.core.languages import LANGUAGES
from argus.core.settings import Settings
from argus.documents import ASSETS, EXPLORER, STATUSES
from services.api import reference
from tests.conftest import Person

CODES = re.findall(r"(?m)^\| `(\w+)` \|", reference.errors())


def test_programs_are_led_to_every_document(anonymous: Person) -> None:
    response = anonymous.http.get("/")
    body = response.get_json()
    assert (response.status_code, body.pop("name"), body.pop("version")) == (200, "Argus", __version__)
    assert set(body) == {"explorer", "openapi", "errors", "sign_in", "ready"}
    for url in body.values():
        assert url.startswith("http://localhost/")
        assert anonymous.http.get(url).status_code == 200


@pytest.mark.parametrize(
    ("accept", "status"),
    [("text/html,application/xhtml+xml,*/*;q=0.8", 302), ("*/*", 200), ("application/json", 200), ("image/png", 200)],
)
@pytest.mark.parametrize("base", ["", "/production"])
def test_browsers_are_led_to_the_explorer(anonymous: Person, accept: str, status: int, base: str) -> None:
    response = anonymous.http.get("/", headers={"Accept": accept}, environ_overrides={"SCRIPT_NAME": base})
    assert (response.status_code, response.headers.get("Location")) == (
        status,
        f"{base}/docs" if status == 302 else None,
    )
    assert "Accept" in response.headers["Vary"].split(", ")


@pytest.mark.parametrize(
    ("path", "target"), [("/openapi.json", "/api/v1/openapi.json"), ("/docs/", "/docs")], ids=("document", "slash")
)
def test_paths_that_people_try_first_lead_to_the_documents(anonymous: Person, path: str, target: str) -> None:
    response = anonymous.http.get(path)
    assert (response.status_code, response.headers["Location"]) == (302, target)


def test_pages_of_errors_show_only_the_names_of_parameters(anonymous: Person) -> None:
    text = anonymous.http.get("/docs/errors/unsupported").get_data(as_text=True)
    assert "The conversion was measured from {low} to {high}." in text


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_code_has_a_page_in_every_language(anonymous: Person, language: str) -> None:
    texts = {}
    for code in CODES:
        response = anonymous.http.get(f"/docs/errors/{code}", headers={"Accept-Language": language})
        assert (response.status_code, response.headers["Content-Language"]) == (200, language)
        texts[code] = response.get_data(as_text=True)
        assert f'<html lang="{language}">' in texts[code]
        assert f"<code>{code}</code>" in texts[code]
    index = anonymous.http.get("/docs/errors", headers={"Accept-Language": language}).get_data(as_text=True)
    assert re.findall(r'href="errors/(\w+)"', index) == CODES
    assert all(len(text) > 500 for text in texts.values())


def test_the_page_of_an_error_says_its_status_its_details_and_what_to_do(anonymous: Person) -> None:
    text = anonymous.http.get("/docs/errors/missing_scope").get_data(as_text=True)
    for part in ("Missing scope", "<dd>403</dd>", "This request requires the scope {scope}", "another role"):
        assert part in text
    assert "bearer.&lt;token&gt;" in anonymous.http.get("/docs/errors/no_socket_token").get_data(as_text=True)


def test_a_code_that_no_response_has_says_so(anonymous: Person) -> None:
    statuses = json.loads(STATUSES.read_text())
    for code in ("never_uploaded", "damaged", "wrong_size", "no_temperatures"):
        assert code not in statuses
        assert "No error has this code" in anonymous.http.get(f"/docs/errors/{code}").get_data(as_text=True)


def test_an_unknown_code_has_no_page(anonymous: Person) -> None:
    response = anonymous.http.get("/docs/errors/moon")
    assert (response.status_code, response.get_json()["code"]) == (404, "not_found")


def test_the_type_of_an_error_leads_to_its_page(owner: Person) -> None:
    for base in ("", "/production"):
        response = owner.http.get(
            "/api/v1/images?limit=0", headers=owner.headers, environ_overrides={"SCRIPT_NAME": base}
        )
        problem = response.get_json()
        assert problem["type"] == f"http://localhost{base}/docs/errors/unprocessable_entity"
    page = owner.http.get(problem["type"].replace("/production", ""))
    assert problem["title"] in page.get_data(as_text=True)


def test_pages_allow_only_their_own_style_sheet(anonymous: Person) -> None:
    for path in ("/docs/errors", "/docs/errors/not_found"):
        response = anonymous.http.get(path)
        assert (
            response.headers["Content-Security-Policy"]
            == "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        )
        sheet = re.findall(r'rel="stylesheet" href="([^"]+)"', response.get_data(as_text=True))
        assert len(sheet) == 1
    assert anonymous.http.get("/docs/page.css").content_type.startswith("text/css")


def _connects_to(client: Any) -> list[str]:
    policy = client.get("/docs").headers["Content-Security-Policy"]
    assert policy.startswith(
        "default-src 'self'; object-src 'none'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    )
    return policy.rpartition("; connect-src ")[2].split()


def test_the_explorer_connects_to_where_the_api_says_that_users_sign_in_and_upload(owner: Person) -> None:
    upload = owner.post("/uploads", {"files": [{"name": "a.jpg", "size": 1, "content_type": "image/jpeg"}]})
    urls = [
        upload.get_json()["items"][0]["upload"]["url"],
        *(method["endpoint"] for method in owner.get("/sign-in").get_json()["items"]),
    ]
    assert len(urls) == 2
    origins = {f"{parts.scheme}://{parts.netloc}" for parts in map(urlsplit, urls)}
    assert _connects_to(owner.http) == ["'self'", *sorted(origins)]


@pytest.mark.parametrize(
    ("issuer", "signs_in_at"),
    [
        ("https://cognito-idp.eu-west-1.amazonaws.com/pool", ["https://cognito-idp.eu-west-1.amazonaws.com"]),
        ("https://issuer.example", []),
    ],
    ids=["cognito", "another issuer"],
)
def test_in_aws_the_explorer_connects_to_cognito_and_the_bucket(issuer: str, signs_in_at: list[str]) -> None:
    trusted = {"issuer": issuer, "jwks_url": f"{issuer}/jwks", "client_ids": ["c"]}
    settings = Settings.from_env(
        {
            "ARGUS_STAGE": "production",
            "ARGUS_CURSOR_SECRET": "x" * 32,
            "AWS_REGION": "eu-west-1",
            "ARGUS_TRUSTED_ISSUERS": json.dumps([trusted]),
        }
    )
    bucket = f"https://{settings.media_bucket}.s3.eu-west-1.amazonaws.com"
    assert _connects_to(create_app(Container(settings)).test_client()) == sorted(["'self'", bucket, *signs_in_at])


TYPES = {".css": "text/css", ".js": "text/javascript"}


@pytest.mark.parametrize("name", ASSETS)
def test_every_file_of_the_explorer_is_served(anonymous: Person, name: str) -> None:
    response = anonymous.http.get(f"/docs/{name}")
    assert (response.status_code, response.mimetype) == (200, TYPES["." + name.rpartition(".")[2]])
    assert response.data == (EXPLORER / name).read_bytes()
    assert "connect-src" not in response.headers["Content-Security-Policy"]


def test_the_page_of_the_explorer_loads_only_files_that_are_served(anonymous: Person) -> None:
    page = anonymous.http.get("/docs").get_data(as_text=True)
    names = re.findall(r'(?:src|href)="(docs/[^"]+)"', page)
    assert {"docs/start.js", "docs/start.css"} < set(names)
    assert [name for name in names if anonymous.http.get(f"/{name}").status_code != 200] == []
    assert not re.search(r"<script(?![^>]* src=)|<style| style=| on[a-z]+=", page)


@pytest.mark.parametrize(
    "name",
    [
        "moon.js",
        "index.html",
        "errors.json",
        "oauth2-redirect.html",
        "swagger-ui.js",
        "..",
        "%2e%2e%2fapp.py",
        "..%5capp.py",
    ],
)
def test_no_other_file_is_served(anonymous: Person, name: str) -> None:
    response = anonymous.http.get(f"/docs/{name}")
    assert (response.status_code, response.get_json()["code"]) == (404, "not_found")


def test_nothing_of_the_explorer_is_forgotten() -> None:
    assert {path.name for path in EXPLORER.iterdir()} == {*ASSETS, "index.html", "errors.json"}


@pytest.mark.parametrize("path", ["/docs", "/docs/swagger-ui-bundle.js", "/api/v1/openapi.json"])
def test_documents_are_compressed_and_not_sent_twice(anonymous: Person, path: str) -> None:
    plain = anonymous.http.get(path)
    assert "Content-Encoding" not in plain.headers
    compressed = anonymous.http.get(path, headers={"Accept-Encoding": "gzip, br"})
    assert compressed.headers["Content-Encoding"] == "gzip"
    assert "Accept-Encoding" in compressed.vary
    assert compressed.headers["ETag"] != plain.headers["ETag"]
    assert gzip.decompress(compressed.data) == plain.data
    assert len(compressed.data) < len(plain.data) / 2
    headers = {"Accept-Encoding": "gzip", "If-None-Match": compressed.headers["ETag"]}
    again = anonymous.http.get(path, headers=headers)
    assert (again.status_code, again.data) == (304, b"")


@pytest.mark.parametrize("accepted", ["", "identity", "gzip;q=0", "br"])
def test_a_client_that_does_not_accept_gzip_receives_none(anonymous: Person, accepted: str) -> None:
    response = anonymous.http.get("/api/v1/openapi.json", headers={"Accept-Encoding": accepted})
    assert "Content-Encoding" not in response.headers
    assert response.get_json()["openapi"]


def test_large_documents_count_against_the_address(argus: Container) -> None:
    settings = argus.settings.changed(ARGUS_IP_RATE_LIMIT="2 per minute")
    client = create_app(Container(settings, clock=argus.clock)).test_client()
    paths = ["/docs/swagger-ui-bundle.js", "/api/v1/openapi.json", "/docs/swagger-ui.css", "/docs"]
    assert [client.get(path).status_code for path in paths] == [200, 200, 429, 200]
