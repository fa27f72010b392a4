"""The console on a laptop: its files and headers, and the embedded AWS as called by a browser."""

import http.client
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from infra.embedded.aws import EmbeddedAws, PortInUse, StackOutputs
from services.local.console import SOURCE, Console, config_of

CONFIG = config_of(
    api_url="http://127.0.0.1:5001",
    region="eu-west-1",
    client_id="client",
    issuer="https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_Pool",
    cognito_url="http://127.0.0.1:5002",
    socket_url="ws://127.0.0.1:5003",
)
ORIGIN = "http://127.0.0.1:5004"


@pytest.fixture(scope="module")
def console() -> Iterator[Console]:
    with Console.listening(port=0) as console:
        console.serve(CONFIG)
        yield console


def get(console: Console, path: str) -> tuple[int, bytes]:
    """Request a path unchanged: other clients normalise it."""
    connection = http.client.HTTPConnection(console.url.removeprefix("http://"), timeout=100)
    connection.request("GET", path)
    response = connection.getresponse()
    body = response.read()
    connection.close()
    return response.status, body


def test_config_json_has_the_addresses_of_the_stack(console: Console) -> None:
    response = requests.get(f"{console.url}/config.json", timeout=100)
    assert response.headers["Content-Type"] == "application/json"
    assert response.json() == CONFIG


@pytest.mark.parametrize("path", ["/", "/index.html", "/?from=mail"])
def test_the_content_security_policy_allows_the_stack(console: Console, path: str) -> None:
    response = requests.get(console.url + path, timeout=100)
    assert response.headers["Content-Type"] == "text/html; charset=utf-8"
    policy = response.text.split('content="default-src')[1].split('"')[0]
    assert (
        "script-src 'self'; style-src 'self'; img-src 'self' blob: http://127.0.0.1:5001 http://127.0.0.1:5002;"
        in policy
    )
    assert "connect-src 'self' http://127.0.0.1:5001 http://127.0.0.1:5002 ws://127.0.0.1:5003 " in policy
    assert "_ORIGIN" not in response.text


@pytest.mark.parametrize(
    "path", sorted(path for path in SOURCE.rglob("*.*")), ids=lambda path: str(path.relative_to(SOURCE))
)
def test_every_source_file_is_served_with_its_type_and_the_security_headers(console: Console, path: Path) -> None:
    response = requests.get(f"{console.url}/{path.relative_to(SOURCE)}", timeout=100)
    assert response.status_code == 200
    kind = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml", ".html": "text/html"}[path.suffix]
    assert response.headers["Content-Type"].startswith(kind)
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Content-Security-Policy"] == "frame-ancestors 'none'"
    assert response.headers["Referrer-Policy"] == "no-referrer"
    assert response.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    "path",
    ["/../package.json", "/views/../../build.mjs", "/%2e%2e/package.json", "//etc/passwd", "/views", "/nothing.js"],
)
def test_files_outside_the_source_folder_are_not_served(console: Console, path: str) -> None:
    assert get(console, path) == (404, b"")


def test_a_port_in_use_is_a_clear_message(console: Console) -> None:
    port = int(console.url.rpartition(":")[2])
    with pytest.raises(PortInUse, match=f"127.0.0.1:{port} is in use; set ARGUS_CONSOLE_PORT"), Console.listening(port):
        pass


def test_the_port_is_released_on_exit(console: Console) -> None:
    with Console.listening(port=0) as first:
        first.serve(CONFIG)
        port = int(first.url.rpartition(":")[2])
    with Console.listening(port) as second:
        assert second.url == first.url


# The embedded AWS, called by a page of another origin


@pytest.fixture(scope="module")
def aws() -> Iterator[EmbeddedAws]:
    with EmbeddedAws.start(stage="console") as aws:
        yield aws


@pytest.fixture(scope="module")
def outputs(aws: EmbeddedAws) -> StackOutputs:
    return aws.provision(allowed_origins=[ORIGIN])


def test_a_page_may_call_cognito(aws: EmbeddedAws, outputs: StackOutputs) -> None:
    preflight = requests.options(
        aws.endpoint_url,
        headers={
            "Origin": ORIGIN,
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "content-type,x-amz-target",
        },
        timeout=100,
    )
    assert preflight.status_code == 200
    assert preflight.headers["Access-Control-Allow-Origin"] == "*"
    assert preflight.headers["Access-Control-Allow-Headers"] == "content-type,x-amz-target"
    response = requests.post(
        aws.endpoint_url,
        data=json.dumps(
            {
                "AuthFlow": "USER_PASSWORD_AUTH",
                "ClientId": outputs.client_id,
                "AuthParameters": {"USERNAME": "nobody@north.example", "PASSWORD": "Wrong-horse-9-battery"},
            }
        ),
        headers={
            "Origin": ORIGIN,
            "Content-Type": "application/x-amz-json-1.1",
            "X-Amz-Target": "AWSCognitoIdentityProviderService.InitiateAuth",
        },
        timeout=100,
    )
    assert response.status_code == 400
    assert response.headers["Access-Control-Allow-Origin"] in ("*", ORIGIN)


@pytest.mark.parametrize(("origin", "allowed"), [(ORIGIN, ORIGIN), ("https://elsewhere.example", None)])
def test_a_page_may_read_the_response_to_a_form_if_the_bucket_allows_its_origin(
    aws: EmbeddedAws, outputs: StackOutputs, origin: str, allowed: str | None
) -> None:
    response = requests.post(
        f"{aws.endpoint_url}/{outputs.media_bucket}",
        data={"key": "org_x/file"},
        files={"file": b"bytes"},
        headers={"Origin": origin},
        timeout=100,
    )
    assert response.status_code == 204
    assert response.headers.get("Access-Control-Allow-Origin") == allowed
