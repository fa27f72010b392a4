"""The HTTP behaviour that all routes share."""

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from werkzeug.test import run_wsgi_app
from zappa.wsgi import create_wsgi_request

from argus.app import create_app
from argus.container import Container
from argus.core.dynamo import Overloaded
from argus.core.errors import Unavailable
from argus.core.idempotency import Attempt, Idempotency, StoredResponse
from services.local import events
from tests.conftest import ORIGIN, MovableClock, Person
from tests.core.conftest import FILE
from tests.problems import at_parameters


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nothing", 404, "not_found"),
        ("GET", "//images", 404, "not_found"),
        ("GET", "/images/", 404, "not_found"),
        ("GET", "/api//v1/images", 404, "not_found"),
        ("GET", "/images/img_00000000000000000000000000", 404, "no_such_image"),
        ("GET", "/images/..%2f..%2fetc", 404, "not_found"),
        ("GET", "/images/%00", 400, "malformed_request"),
        ("GET", "/images?cursor=%00", 400, "malformed_request"),
        ("GET", "/images?limit=0", 422, "unprocessable_entity"),
        ("GET", "/images?limit=101", 422, "unprocessable_entity"),
        ("GET", "/images?limit=ten", 422, "unprocessable_entity"),
        ("GET", "/images?limit=1_0", 422, "unprocessable_entity"),
        ("GET", "/images?limit=%EF%BC%91", 422, "unprocessable_entity"),
        ("GET", "/images?limit=%2010", 422, "unprocessable_entity"),
        ("GET", "/images?limit=10%0A", 422, "unprocessable_entity"),
        ("GET", "/images?limit=", 422, "unprocessable_entity"),
        ("GET", "/images?colour=red", 422, "unprocessable_entity"),
        ("GET", "/images?cursor=abc", 422, "bad_cursor"),
        ("GET", "/images?cursor=%C3%A9%F0%9F%98%80", 422, "bad_cursor"),
        ("PATCH", "/images", 405, "method_not_allowed"),
        ("GET", "/scans/" + "x" * 3000, 404, "no_such_scan"),
        ("GET", "/plugins/%F0%9F%98%80", 404, "no_such_plugin"),
    ],
)
def test_an_error_is_a_problem(caller: Person, method: str, path: str, status: int, code: str) -> None:
    response = caller.call(method, path)
    problem = response.get_json()
    assert (response.status_code, response.content_type) == (status, "application/problem+json")
    assert (problem["status"], problem["code"]) == (status, code)
    assert problem["type"] == f"http://localhost/docs/errors/{code}"
    assert problem["request_id"] == response.headers["X-Request-ID"]
    assert problem["title"]
    assert problem["detail"]


# ---------------------------------------------------------------- repeated headers

# werkzeug's server joins them with a comma, Zappa and its test client with a comma and a space.
JOINED = pytest.mark.parametrize("separator", [",", ", "])


@JOINED
@pytest.mark.parametrize("other", ["application/json", "text/plain", "application/problem+json"])
def test_two_content_types_are_rejected(caller: Person, separator: str, other: str) -> None:
    for first in ("application/json", "application/json; charset=utf-8", "application/xml"):
        response = caller.call("POST", "/uploads", data=b"{}", content_type=f"{first}{separator}{other}")
        assert (response.status_code, response.get_json()["code"]) == (415, "unsupported_media_type")


@JOINED
def test_two_idempotency_keys_are_rejected(caller: Person, separator: str) -> None:
    for keys in (f"k1{separator}k2", f"k1{separator}k1"):
        response = caller.post("/uploads", {"files": [FILE]}, headers={"Idempotency-Key": keys})
        assert (response.status_code, response.get_json()["code"]) == (400, "malformed_request")
        assert "one Idempotency-Key" in response.get_json()["detail"]


@JOINED
def test_credentials_that_are_sent_twice_are_rejected(caller: Person, anonymous: Person, separator: str) -> None:
    first = caller.headers["Authorization"]
    for again in (first, "Bearer x"):
        response = anonymous.get("/me", headers={"Authorization": f"{first}{separator}{again}"})
        assert (response.status_code, response.get_json()["code"]) == (401, "unauthenticated")
        assert "once" in response.get_json()["detail"]
    response = anonymous.get("/me", headers={"X-API-Key": f"argus_1{separator}argus_1"})
    assert (response.status_code, response.get_json()["code"]) == (401, "invalid_key")


@JOINED
def test_two_if_match_headers_are_one_list(caller: Person, separator: str) -> None:
    address = f"/images/{caller.post('/uploads', {'files': [FILE]}).get_json()['items'][0]['image_id']}"
    version = f'"{caller.get(address).get_json()["version"]}"'
    assert caller.get(address, headers={"If-Match": f'"0"{separator}{version}'}).status_code == 200
    assert caller.get(address, headers={"If-Match": f'"0"{separator}"00"'}).status_code == 412


def test_zappa_joins_repeated_headers(caller: Person) -> None:
    event = events.rest(
        "POST",
        "/api/v1/uploads",
        headers={**caller.headers, "Content-Type": "application/json", "Idempotency-Key": "k2"},
        body=json.dumps({"files": [FILE]}).encode(),
    )
    event["multiValueHeaders"]["Idempotency-Key"] = ["k1", "k2"]
    _, status, _ = run_wsgi_app(caller.http.application, create_wsgi_request(event))
    assert status.startswith("400 ")


@pytest.mark.parametrize(
    ("sent", "kept"),
    [("abc-123_X.9", True), ("x" * 128, True), ("x" * 129, False), ("", False), ("a b", False), ("ä", False)],
)
def test_a_valid_request_id_is_kept_and_any_other_replaced(anonymous: Person, sent: str, kept: bool) -> None:
    response = anonymous.get("/sign-in", headers={"X-Request-ID": sent})
    assert (response.headers["X-Request-ID"] == sent) is kept
    assert response.headers["X-Request-ID"]


def test_every_response_has_security_headers(anonymous: Person) -> None:
    for response in (anonymous.get("/sign-in"), anonymous.get("/nothing"), anonymous.http.get("/docs")):
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert response.headers["X-Frame-Options"] == "DENY"
        assert "frame-ancestors 'none'" in response.headers["Content-Security-Policy"]
        assert "max-age=" in response.headers["Strict-Transport-Security"]
        assert response.headers["Referrer-Policy"] == "no-referrer"


def test_cors_allows_only_the_configured_origins(anonymous: Person) -> None:
    preflight = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}
    allowed = anonymous.call("OPTIONS", "/uploads", headers={"Origin": ORIGIN, **preflight})
    assert allowed.headers["Access-Control-Allow-Origin"] == ORIGIN
    assert "Authorization".lower() in allowed.headers["Access-Control-Allow-Headers"].lower()
    other = anonymous.call("OPTIONS", "/uploads", headers={"Origin": "https://evil.example", **preflight})
    assert "Access-Control-Allow-Origin" not in other.headers
    assert "Access-Control-Allow-Origin" not in anonymous.get("/sign-in", headers={"Origin": f"{ORIGIN}.evil"}).headers


def test_an_unexpected_error_is_a_500_problem_without_its_message(
    caller: Person, argus: Container, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: Any, **__: Any) -> Any:
        raise RuntimeError("the password is swordfish")

    monkeypatch.setattr(type(argus.imagery), "get", broken)
    response = caller.get("/images/img_00000000000000000000000000")
    assert (response.status_code, response.get_json()["code"]) == (500, "internal_server_error")
    assert "swordfish" not in response.get_data(as_text=True)
    assert "swordfish" in caplog.text


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (EndpointConnectionError(endpoint_url="http://127.0.0.1:1"), "unavailable"),
        (ClientError({"Error": {"Code": "ProvisionedThroughputExceededException"}}, "GetItem"), "unavailable"),
        (Overloaded("127.0.0.1: 1 items were not read after 8 attempts"), "overloaded"),
    ],
    ids=["no response", "throttled", "throttled in a batch"],
)
def test_an_unavailable_aws_is_a_503_with_retry_after(
    caller: Person, argus: Container, monkeypatch: pytest.MonkeyPatch, error: Exception, code: str
) -> None:
    def broken(*_: Any, **__: Any) -> Any:
        raise error

    monkeypatch.setattr(type(argus.imagery), "get", broken)
    response = caller.get("/images/img_00000000000000000000000000")
    assert (response.status_code, response.get_json()["code"]) == (503, code)
    assert response.get_json()["detail"] == Unavailable().message.detail()
    assert response.headers["Retry-After"] == "5"
    assert "127.0.0.1" not in response.get_data(as_text=True)


# ---------------------------------------------------------------- queries


@pytest.mark.parametrize(
    ("path", "names"),
    [
        ("/images?limit=1&limit=2", {"limit"}),
        ("/images?limit=1&limit=1&state=ready", {"limit"}),
        ("/findings?severity=critical&severity=low&plugin=a&plugin=b", {"severity", "plugin"}),
    ],
)
def test_a_repeated_parameter_is_named(caller: Person, path: str, names: set[str]) -> None:
    response = caller.get(path)
    assert (response.status_code, response.get_json()["code"]) == (422, "unprocessable_entity")
    assert at_parameters(response) == dict.fromkeys(names, "Given more than once.")


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        *[("GET", "/me", 200), ("GET", "/sign-in", 200), ("GET", "/plugins", 200), ("POST", "/uploads", 422)],
        *[("GET", "/images/img_00000000000000000000000000", 404), ("DELETE", "/api-keys/key_", 404)],
    ],
)
def test_a_route_without_query_parameters_rejects_them(caller: Person, method: str, path: str, status: int) -> None:
    assert caller.call(method, path).status_code == status
    response = caller.call(method, f"{path}?verbose=1")
    assert (response.status_code, at_parameters(response)) == (422, {"verbose": "Unknown field."})


def test_documents_and_health_accept_any_query(anonymous: Person) -> None:
    for path in ("/health", "/docs", "/docs/start.js", "/api/v1/openapi.json"):
        assert anonymous.http.get(f"{path}?v=1&v=2").status_code == 200


# ---------------------------------------------------------------- idempotency


def test_a_repeated_request_with_the_same_key_is_executed_once(owner: Person) -> None:
    first, again = (owner.post("/uploads", {"files": [FILE]}, headers={"Idempotency-Key": "k1"}) for _ in range(2))
    assert "Idempotent-Replayed" not in first.headers
    assert again.headers["Idempotent-Replayed"] == "true"
    assert (again.status_code, again.get_json()) == (first.status_code, first.get_json())
    assert len(owner.get("/images").get_json()["items"]) == 1


def test_another_request_with_the_same_key_is_rejected(owner: Person) -> None:
    owner.post("/uploads", {"files": [FILE]}, headers={"Idempotency-Key": "k1"})
    response = owner.post("/uploads", {"files": [{**FILE, "size": 11}]}, headers={"Idempotency-Key": "k1"})
    assert (response.status_code, response.get_json()["code"]) == (422, "key_reused")


def test_a_key_belongs_to_one_caller(owner: Person, stranger: Person) -> None:
    first, other = (
        person.post("/uploads", {"files": [FILE]}, headers={"Idempotency-Key": "k1"}) for person in (owner, stranger)
    )
    assert first.get_json() != other.get_json()


def test_a_key_is_a_conflict_while_its_first_request_runs_until_its_lease_ends(
    owner: Person, argus: Container, clock: MovableClock
) -> None:
    caller_id = owner.get("/me").get_json()["user"]["id"]
    body = json.dumps({"files": [FILE]}).encode()
    argus.idempotency.begin(
        organisation_id=owner.organisation_id,
        caller_id=caller_id,
        key="k1",
        request=b"POST /api/v1/uploads\n" + body,
    )
    send = {"data": body, "content_type": "application/json", "headers": {"Idempotency-Key": "k1"}}
    response = owner.call("POST", "/uploads", **send)
    assert (response.status_code, response.get_json()["code"]) == (409, "still_running")
    clock.move(minutes=2)
    assert owner.call("POST", "/uploads", **send).status_code == 201


def test_a_failed_request_can_be_retried_with_its_key(owner: Person) -> None:
    headers = {"Idempotency-Key": "k1"}
    assert owner.post("/uploads", {"files": []}, headers=headers).status_code == 422
    assert owner.post("/uploads", {"files": []}, headers=headers).status_code == 422
    assert owner.post("/uploads", {"files": [FILE]}, headers=headers).status_code == 201


def test_a_key_expires_after_a_day(owner: Person, clock: MovableClock) -> None:
    headers = {"Idempotency-Key": "k1"}
    first = owner.post("/uploads", {"files": [FILE]}, headers=headers).get_json()
    clock.move(hours=25)
    assert owner.post("/uploads", {"files": [FILE]}, headers=headers).get_json() != first


@pytest.mark.parametrize("key", ["", "x" * 256, "a b", "schlüssel", "a,b"])
def test_an_invalid_key_is_rejected(caller: Person, key: str) -> None:
    response = caller.post("/uploads", {"files": [FILE]}, headers={"Idempotency-Key": key})
    assert (response.status_code, response.get_json()["code"]) == (400, "malformed_request")


def test_a_response_is_sent_even_if_it_cannot_be_recorded(owner: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any, **__: Any) -> Any:
        raise EndpointConnectionError(endpoint_url="http://127.0.0.1:1")

    monkeypatch.setattr(Idempotency, "finish", broken)
    monkeypatch.setattr(Idempotency, "abandon", broken)
    key = {"Idempotency-Key": "k1"}
    done = owner.post("/uploads", {"files": [FILE]}, headers=key)
    assert done.status_code == 201
    assert owner.post("/uploads", {"files": [FILE]}, headers=key).status_code == 409, "it may still be running"
    refused = owner.post("/reports", {"scan_id": "scan_00000000000000000000000000", "format": "pdf"}, headers=key)
    assert refused.status_code in {404, 422}


def test_a_request_that_outlived_its_lease_does_not_overwrite_its_successor(
    owner: Person, argus: Container, clock: MovableClock
) -> None:
    request = {
        "organisation_id": "org_1",
        "caller_id": owner.headers["Authorization"][-20:],
        "key": "k",
        "request": b"r",
    }
    late, store = argus.idempotency.begin(**request), argus.idempotency
    clock.move(seconds=61)
    successor = store.begin(**request)
    assert isinstance(late, Attempt)
    assert isinstance(successor, Attempt)
    store.finish(successor, StoredResponse(201, {}, "second"))
    store.finish(late, StoredResponse(201, {}, "first"))
    store.abandon(late)
    assert store.begin(**request) == StoredResponse(201, {}, "second")


@pytest.mark.usefixtures("racing")
def test_of_eight_concurrent_equal_requests_one_is_executed(owner: Person, argus: Container) -> None:
    app = create_app(argus)

    def send(_: int) -> int:
        return (
            Person(app.test_client(), owner.headers)
            .post("/uploads", {"files": [FILE]}, headers={"Idempotency-Key": "k1"})
            .status_code
        )

    with ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(send, range(8)))
    assert set(statuses) <= {201, 409}
    assert len(owner.get("/images").get_json()["items"]) == 1


# ---------------------------------------------------------------- etags and cursors


def test_an_unchanged_resource_is_not_sent_again(caller: Person) -> None:
    image_id = caller.post("/uploads", {"files": [FILE]}).get_json()["items"][0]["image_id"]
    first = caller.get(f"/images/{image_id}")
    again = caller.get(f"/images/{image_id}", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.get_data()) == (304, b"")
    assert caller.get(f"/images/{image_id}", headers={"If-None-Match": '"other"'}).status_code == 200


@pytest.mark.parametrize("tags", ['""', 'W/""', '"a", ""', ",,", "x", '"0-0"', "\x80"])
def test_if_match_without_the_current_version_is_rejected(caller: Person, tags: str) -> None:
    image_id = caller.post("/uploads", {"files": [FILE]}).get_json()["items"][0]["image_id"]
    for method in ("GET", "DELETE"):
        response = caller.call(method, f"/images/{image_id}", headers={"If-Match": tags})
        assert (response.status_code, response.content_type) == (412, "application/problem+json")
        assert response.get_json()["code"] == "precondition_failed"


def test_a_read_accepts_the_same_if_match_as_a_write(caller: Person) -> None:
    address = f"/images/{caller.post('/uploads', {'files': [FILE]}).get_json()['items'][0]['image_id']}"
    first = caller.get(address)
    whole, version = first.headers["ETag"], f'"{first.get_json()["version"]}"'
    for tags in (whole, version, "*", f'"0-0", {version}'):
        assert caller.get(address, headers={"If-Match": tags}).get_json() == first.get_json()
    both = caller.get(address, headers={"If-Match": version, "If-None-Match": whole})
    assert (both.status_code, both.headers["ETag"], both.get_data()) == (304, whole, b"")
    assert caller.get(address, headers={"If-Match": '"0"', "If-None-Match": whole}).status_code == 412


def test_a_cursor_is_valid_only_for_its_listing_and_organisation(owner: Person, stranger: Person) -> None:
    for person in (owner, stranger):
        person.post("/uploads", {"files": [FILE] * 2})
    cursor = owner.get("/images?limit=1").get_json()["next_cursor"]
    assert owner.get(f"/images?limit=2&cursor={cursor}").status_code == 200
    assert owner.get(f"/images?limit=1&state=ready&cursor={cursor}").get_json()["code"] == "bad_cursor"
    assert owner.get(f"/scans?limit=1&cursor={cursor}").get_json()["code"] == "bad_cursor"
    assert stranger.get(f"/images?limit=1&cursor={cursor}").get_json()["code"] == "bad_cursor"
    flipped = cursor[:-1] + ("A" if cursor[-1] != "A" else "B")
    assert owner.get(f"/images?limit=1&cursor={flipped}").get_json()["code"] == "bad_cursor"
