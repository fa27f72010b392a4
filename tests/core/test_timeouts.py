"""AWS hangs: requests end within seconds with 503 or their result, and jobs keep retrying.

Tests of durations call a black hole and measure the time, which no other test does. All other tests raise timeouts
immediately where botocore would, and count the attempts.
"""

import json
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from pathlib import Path
from threading import Barrier
from typing import Any, cast

import pytest
from botocore.awsrequest import AWSResponse
from botocore.exceptions import ReadTimeoutError
from werkzeug.test import TestResponse

from argus.app import create_app
from argus.container import Container
from argus.core.aws import ATTEMPTS, CONNECT_SECONDS, FAIL_FAST_SECONDS, MAX_TIMEOUTS, NotCalled, read_seconds
from argus.core.caller import Caller
from argus.core.dynamo import Put, TransactionConflict
from argus.core.http.hooks import REQUEST_SECONDS
from argus.core.idempotency import LEASE
from argus.core.ids import Ids
from argus.core.observability import request_scope
from argus.core.parallel import AT_ONCE, call_each
from argus.identity import key_text
from argus.identity.jwks import FETCH_SECONDS
from argus.jobs import TICKS
from services.api import openapi
from services.local import events
from services.local.demo.scenes import flir_scene
from services.realtime import main as realtime
from services.scheduler import main as scheduler
from tests import black_hole
from tests.black_hole import BlackHole
from tests.conftest import CLIENT_ID, ISSUER, Issuer, MovableClock, Person, Workers
from tests.imagery.uploads import uploaded
from tests.resources import Call, Resources
from tests.resources import calls as calls_of

ROOT = Path(__file__).parents[2]
SHORT_SECONDS, FUNCTION_SECONDS = 5, 29  # of `/me` and `/sign-in`; of every route
UPLOADS = {"files": [{"name": "a.jpg", "size": 10, "content_type": "image/jpeg"}]}


@pytest.fixture
def hole() -> Iterator[BlackHole]:
    with black_hole.silent() as listening:
        yield listening


@pytest.fixture
def in_aws(argus: Container, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Container]:
    """Creates an Argus with the timeouts of AWS; botocore's own variable sets the endpoint."""

    def make(url: str, **variables: str) -> Container:
        monkeypatch.setenv("AWS_ENDPOINT_URL", url)
        settings = argus.settings.changed(ARGUS_AWS_ENDPOINT="", **variables)
        container = Container(settings, clock=argus.clock, fetch_keys=None if variables else argus.fetch_keys)
        for fail_fast in (False, True):  # the function creates them at start
            container.aws.client("dynamodb", fail_fast=fail_fast)
        return container

    return make


def _timed(call: Callable[[], TestResponse]) -> tuple[TestResponse, float]:
    began = time.perf_counter()
    response = call()
    return response, time.perf_counter() - began


def _is_unavailable(response: TestResponse, code: str = "unavailable") -> None:
    assert (response.status_code, response.content_type) == (503, "application/problem+json"), response.get_data()
    assert (response.get_json()["code"], response.headers["Retry-After"]) == (code, "5")


# ---------------------------------------------------------------- a black hole, and a clock


def _token(issuer: Issuer) -> dict[str, str]:
    return {"Authorization": f"Bearer {issuer.token('someone')}"}


def _key(_: Issuer) -> dict[str, str]:
    return {"X-API-Key": key_text.compose(Ids().new("key"), Ids().new("org"), 5)}


@pytest.mark.parametrize(
    ("kind", "scheme", "attempts"),
    [(black_hole.silent, "http", "dynamodb"), (black_hole.silent, "https", "tls"), (black_hole.full, "http", None)],
    ids=["accepts and is silent", "does not shake hands", "does not accept"],
)
@pytest.mark.parametrize("credentials", [_token, _key], ids=["token", "key"])
def test_me_answers_503_within_five_seconds(
    in_aws: Callable[..., Container],
    issuer: Issuer,
    kind: Callable[[], AbstractContextManager[BlackHole]],
    scheme: str,
    attempts: str | None,
    credentials: Callable[[Issuer], dict[str, str]],
) -> None:
    with kind() as hole:
        person = Person(create_app(in_aws(hole.url.replace("http", scheme))).test_client(), credentials(issuer))
        response, seconds = _timed(lambda: person.get("/me"))
    _is_unavailable(response)
    assert seconds < SHORT_SECONDS
    assert hole.calls == ([attempts] * MAX_TIMEOUTS if attempts else [])


def test_sign_in_answers_when_its_limit_cannot_be_counted(in_aws: Callable[..., Container], hole: BlackHole) -> None:
    person = Person(create_app(in_aws(hole.url)).test_client(), {})
    response, seconds = _timed(lambda: person.get("/sign-in"))
    assert (response.status_code, "RateLimit" in response.headers) == (200, False)
    assert seconds < SHORT_SECONDS
    assert hole.calls == ["dynamodb"], "calls that no response depends on have one attempt"


def test_a_request_without_credentials_is_rejected_when_it_cannot_be_counted(
    in_aws: Callable[..., Container], hole: BlackHole
) -> None:
    response, seconds = _timed(lambda: Person(create_app(in_aws(hole.url)).test_client(), {}).get("/me"))
    assert (response.status_code, hole.calls) == (401, ["dynamodb"])
    assert seconds < SHORT_SECONDS


def test_me_answers_503_within_five_seconds_when_the_issuer_hangs_too(
    in_aws: Callable[..., Container], issuer: Issuer, hole: BlackHole
) -> None:
    trusted = {"issuer": ISSUER, "jwks_url": f"{hole.url}/jwks.json", "client_ids": [CLIENT_ID]}
    container = in_aws(hole.url, ARGUS_TRUSTED_ISSUERS=json.dumps([trusted]))
    response, seconds = _timed(lambda: Person(create_app(container).test_client(), _token(issuer)).get("/me"))
    _is_unavailable(response, "keys_unavailable")
    assert seconds < SHORT_SECONDS


def _example_ids() -> Resources:
    """Example ids, by the names of route parameters."""
    paths = openapi.document()["paths"].values()
    return cast(Resources, {one["name"]: one["example"] for path in paths for one in path.get("parameters", [])})


def test_every_route_ends_with_503_or_its_result_when_all_of_aws_hangs(
    in_aws: Callable[..., Container], hole: BlackHole, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With an authenticated caller: otherwise every route would end at authentication."""
    container = in_aws(hole.url)
    scopes = frozenset(scope.name for one in container.capabilities for scope in one.scopes)
    caller = Caller("usr_01k0n2x3b5d7f9h1k3m5p7r9t1", "org_01k0n2x3a4c6e8g0j2m4p6r8t0", scopes, issuer=ISSUER)
    monkeypatch.setattr("argus.identity.service.Identity.authenticate", lambda _identity, _token: caller)
    app = create_app(container)
    calls = calls_of(app, _example_ids())

    def send(call: Call) -> tuple[TestResponse, float]:
        headers = {"Authorization": "Bearer x", "Idempotency-Key": "hanging"}
        return _timed(lambda: call.by(Person(app.test_client(), headers)))

    with ThreadPoolExecutor(len(calls)) as pool:
        responses = dict(zip([call.name for call in calls], pool.map(send, calls), strict=True))
    for name, (response, seconds) in responses.items():
        assert seconds < FUNCTION_SECONDS, name
        if response.status_code != 200:
            _is_unavailable(response)
    assert responses["GET /plugins"][0].status_code == 200, "it needs AWS only for its rate limit"
    assert responses["POST /uploads"][0].status_code == 503


# ---------------------------------------------------------------- attempts, counted

Hang = Callable[..., list[str]]


@pytest.fixture
def elsewhere(argus: Container) -> Container:
    """An Argus with its own clients."""
    return Container(argus.settings, clock=argus.clock, fetch_keys=argus.fetch_keys)


@pytest.fixture
def hang(elsewhere: Container) -> Hang:
    """Makes an operation time out until `recover`; returns the attempts."""

    def begin(service: str, operation: str, *, fail_fast: bool = False) -> list[str]:
        attempts: list[str] = []

        def time_out(request: Any, event_name: str, **_: Any) -> None:
            if event_name.endswith(f".{operation}"):
                attempts.append(operation)
                raise ReadTimeoutError(endpoint_url=request.url)

        elsewhere.aws.client(service, fail_fast=fail_fast).meta.events.register("before-send", time_out, "hang")
        return attempts

    return begin


@pytest.fixture
def recover(elsewhere: Container) -> Callable[[str], None]:
    return lambda service: elsewhere.aws.client(service).meta.events.unregister("before-send", unique_id="hang")


@pytest.fixture
def door(elsewhere: Container, owner: Person) -> Person:
    return Person(create_app(elsewhere).test_client(), owner.headers, owner.organisation_id)


def test_a_caller_who_cannot_be_counted_is_admitted(door: Person, hang: Hang, caplog: pytest.LogCaptureFixture) -> None:
    attempts = hang("dynamodb", "UpdateItem", fail_fast=True)
    response = door.get("/me")
    assert (response.status_code, "RateLimit" in response.headers, len(attempts)) == (200, False, 1)
    assert "rate limit not counted" in caplog.text


def test_a_request_calls_a_hanging_service_twice_and_a_job_four_times(elsewhere: Container, hang: Hang) -> None:
    attempts = hang("dynamodb", "GetItem")
    with request_scope("request", seconds=REQUEST_SECONDS), pytest.raises(NotCalled, match="timed out 2 times"):
        elsewhere.table("identity").get("a", "b")
    with request_scope("job"), pytest.raises(ReadTimeoutError):
        elsewhere.table("identity").get("a", "b")
    assert len(attempts) == MAX_TIMEOUTS + ATTEMPTS


def test_one_timeout_is_retried_and_the_request_succeeds(elsewhere: Container, door: Person) -> None:
    attempts: list[str] = []

    def time_out_once(request: Any, event_name: str, **_: Any) -> None:
        attempts.append(event_name.rpartition(".")[2])
        if len(attempts) == 1:
            raise ReadTimeoutError(endpoint_url=request.url)

    elsewhere.aws.client("dynamodb").meta.events.register("before-send", time_out_once)
    assert (door.get("/me").status_code, attempts) == (200, ["GetItem"] * 3)


def test_parallel_attempts_that_time_out_together_count_once(elsewhere: Container) -> None:
    """Each of eight parallel calls times out once, and succeeds when it is repeated."""
    together, first = Barrier(AT_ONCE), threading.local()

    def time_out_once(request: Any, **_: Any) -> None:
        if not hasattr(first, "timed_out"):
            first.timed_out = True
            together.wait(100)
            raise ReadTimeoutError(endpoint_url=request.url)

    elsewhere.aws.client("dynamodb").meta.events.register("before-send", time_out_once)
    table = elsewhere.table("identity")
    with request_scope("request", seconds=REQUEST_SECONDS) as work:
        assert call_each(lambda sk: table.get("a", sk), map(str, range(AT_ONCE))) == [None] * AT_ONCE
        assert work.timeouts["dynamodb"] == 1


def test_a_request_does_not_call_a_hanging_service_again(elsewhere: Container, hang: Hang) -> None:
    """The fail-fast client of the same service is not called either."""
    attempts = hang("dynamodb", "GetItem")
    with request_scope("request", seconds=REQUEST_SECONDS):
        for fail_fast in (False, True, False):
            with pytest.raises(NotCalled):
                elsewhere.table("identity", fail_fast=fail_fast).get("a", "b")
        elsewhere.objects.client().list_objects_v2(Bucket=elsewhere.settings.media_bucket)
    assert len(attempts) == MAX_TIMEOUTS


def test_no_attempt_starts_that_could_outlast_the_request(elsewhere: Container, hang: Hang) -> None:
    attempts = hang("dynamodb", "GetItem")
    longest = CONNECT_SECONDS + read_seconds("dynamodb")
    with request_scope("request", seconds=longest - 0.01), pytest.raises(NotCalled, match="too little time left"):
        elsewhere.table("identity").get("a", "b")
    assert attempts == []


def test_retries_of_transactions_end_with_the_time_of_the_request(in_aws: Callable[..., Container]) -> None:
    """Another transaction uses the item each time, and each attempt takes nine seconds."""
    container = in_aws("http://127.0.0.1:1")
    body = {"__type": "TransactionCanceledException", "CancellationReasons": [{"Code": "TransactionConflict"}]}
    attempts: list[str] = []

    class Answer(AWSResponse):
        content = json.dumps(body).encode()

    def refuse(request: Any, **_: Any) -> AWSResponse:
        attempts.append("TransactWriteItems")
        work.started -= 9
        return Answer(request.url, 400, {"content-type": "application/x-amz-json-1.0"}, None)

    container.aws.client("dynamodb").meta.events.register("before-send", refuse)
    table = container.table("identity")
    with request_scope("request", seconds=REQUEST_SECONDS) as work, pytest.raises(TransactionConflict):
        table.transact([Put({"pk": "a", "sk": "b"})])
    assert len(attempts) == 2, "a third attempt could last until the 20th second"


def test_uploads_that_cannot_be_stored_answer_503_and_free_their_key_after_a_minute(
    door: Person, hang: Hang, recover: Callable[[str], None], clock: MovableClock
) -> None:
    """While DynamoDB hangs the key's record cannot be deleted: the request counts as running until its lease ends."""
    attempts, key = hang("dynamodb", "BatchWriteItem"), {"Idempotency-Key": "hanging-upload"}
    _is_unavailable(door.post("/uploads", UPLOADS, headers=key))
    assert len(attempts) == MAX_TIMEOUTS
    recover("dynamodb")
    again = door.post("/uploads", UPLOADS, headers=key)
    assert (again.status_code, again.get_json()["code"]) == (409, "still_running")
    clock.move(seconds=LEASE.total_seconds())
    assert door.post("/uploads", UPLOADS, headers=key).status_code == 201


def test_a_scan_whose_job_cannot_be_queued_is_accepted_and_run_by_the_sweep(
    door: Person,
    owner: Person,
    workers: Workers,
    hang: Hang,
    recover: Callable[[str], None],
    elsewhere: Container,
    clock: MovableClock,
) -> None:
    image = uploaded(owner, workers, flir_scene(seed=3, width=80, height=60)[0])
    wanted = {"target": {"kind": "image", "id": image["id"]}, "plugins": [{"id": "thermal_hotspots"}]}
    attempts = hang("sqs", "SendMessageBatch")
    response = door.post("/scans", wanted)
    assert (response.status_code, len(attempts)) == (202, MAX_TIMEOUTS)
    recover("sqs")
    clock.move(minutes=3)
    elsewhere.scanning.sweep_runs()
    workers.work()
    assert owner.get(response.headers["Location"]).get_json()["state"] == "succeeded"


def test_a_sweep_does_not_wait_for_a_queue_that_hangs_with_each_item(
    elsewhere: Container, owner: Person, hang: Hang, clock: MovableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scheduler, "container", lambda: elsewhere)
    owner.post("/uploads", {"files": [{"name": "a.jpg", "size": 1, "content_type": "image/jpeg"}] * 5})
    clock.move(minutes=3)
    attempts = hang("sqs", "SendMessage")
    with pytest.raises(scheduler.SweepsFailed, match=r"images\.sweep"):
        scheduler.handler(scheduler.TICK, None)
    assert len(attempts) <= MAX_TIMEOUTS * len(TICKS)


def test_deleting_an_image_answers_503_when_s3_hangs(door: Person, hang: Hang) -> None:
    image_id = door.post("/uploads", UPLOADS).get_json()["items"][0]["image_id"]
    attempts = hang("s3", "ListObjectVersions")
    _is_unavailable(door.delete(f"/images/{image_id}"))
    assert len(attempts) == MAX_TIMEOUTS


def test_a_websocket_connect_does_not_call_a_hanging_service_again(
    elsewhere: Container, owner: Person, hang: Hang, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(realtime, "container", lambda: elsewhere)
    attempts = hang("dynamodb", "GetItem")
    with pytest.raises(NotCalled):
        realtime.handler(events.socket("$connect", "c=", headers=owner.headers), None)
    assert len(attempts) == MAX_TIMEOUTS


# ---------------------------------------------------------------- consistent time limits


def test_calls_end_well_before_the_function_does() -> None:
    """After the last attempt botocore may pause for four seconds, or nine if AWS requests it."""
    settings = json.loads((ROOT / "zappa_settings.json").read_text())
    limits = {name: stage["timeout_seconds"] for name, stage in settings.items() if "timeout_seconds" in stage}
    assert limits["dev"] == FUNCTION_SECONDS > REQUEST_SECONDS + 9
    assert limits["dev_realtime"] > realtime.EVENT_SECONDS + 3  # as long as most pauses


def test_stale_keys_an_issuer_and_a_table_that_hang_cost_less_than_five_seconds_together() -> None:
    assert FETCH_SECONDS + MAX_TIMEOUTS * read_seconds("dynamodb") < SHORT_SECONDS
    assert read_seconds("dynamodb") >= FAIL_FAST_SECONDS


def test_every_service_can_be_called_in_the_shortest_request() -> None:
    slowest = max(read_seconds(service) for service in ("dynamodb", "s3", "sqs", "sts", "ssm", "secretsmanager"))
    assert CONNECT_SECONDS + slowest <= realtime.EVENT_SECONDS < REQUEST_SECONDS
