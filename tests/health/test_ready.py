"""Liveness and readiness, for load balancers and operators."""

import json
import socket
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from argus.app import create_app
from argus.container import Container
from argus.core.settings import BadSetting, Settings
from argus.health.service import CACHE_SECONDS, Check, Health, Outcome
from tests.conftest import ISSUER, MovableClock, Person


def _outcomes(body: dict[str, Any]) -> dict[str, str]:
    return {check["name"]: check["outcome"] for check in body["checks"]}


@pytest.fixture
def broken(argus: Container, clock: MovableClock) -> Callable[..., Person]:
    """Creates an anonymous client of an Argus with other settings."""

    def make(fetch: Any = None, seconds: float | None = None, **settings: Any) -> Person:
        container = Container(replace(argus.settings, **settings), clock=clock, fetch_keys=fetch or argus.fetch_keys)
        if seconds is not None:
            vars(container)["health"] = replace(container.health, seconds=seconds)
        return Person(create_app(container).test_client(), {})

    return make


def test_health_responds_while_every_dependency_is_down() -> None:
    app = create_app(Container(Settings.from_env({"ARGUS_AWS_ENDPOINT": "http://127.0.0.1:1"})))
    response = app.test_client().get("/health")
    assert (response.status_code, response.get_json()) == (200, {"status": "alive"})


def test_ready_when_everything_answers(anonymous: Person, argus: Container) -> None:
    response = anonymous.http.get("/ready")
    assert (response.status_code, response.headers["Cache-Control"]) == (200, "no-store")
    keys = {f"keys of {trusted.issuer}" for trusted in argus.tokens.issuers}
    assert _outcomes(response.get_json()) == dict.fromkeys({"dynamodb", "s3", "sqs"} | keys, "ok")


def test_without_its_stack_ready_names_the_failed_checks(broken: Callable[..., Person]) -> None:
    response = broken(stage="elsewhere", environ={}).http.get("/ready")
    body = response.get_json()
    assert (response.status_code, response.content_type) == (503, "application/problem+json")
    assert body["code"] == "dependency_unavailable"
    assert {name for name, outcome in _outcomes(body).items() if outcome == "failed"} == {"dynamodb", "s3", "sqs"}
    assert "argus-elsewhere" not in json.dumps(body), "names of tables are internal"


def test_an_issuer_without_keys_is_named(broken: Callable[..., Person], argus: Container) -> None:
    def fetch(url: str) -> bytes:
        return b'{"keys": []}' if url.startswith(ISSUER) else argus.fetch_keys(url)  # type: ignore[misc]

    found = _outcomes(broken(fetch).http.get("/ready").get_json())
    assert [name for name, outcome in found.items() if outcome != "ok"] == [f"keys of {ISSUER}"]


def test_a_service_that_never_answers_is_a_timeout(broken: Callable[..., Person]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        person = broken(aws_endpoint=f"http://127.0.0.1:{silent.getsockname()[1]}", seconds=0.1)
        found = _outcomes(person.http.get("/ready").get_json())
    assert {found[name] for name in ("dynamodb", "s3", "sqs")} == {"timeout"}


def test_processes_are_checked_in_local_stages_only() -> None:
    files = {"ARGUS_PID_FILES": "worker.pid", "ARGUS_CURSOR_SECRET": "s" * 32}
    assert Container(Settings.from_env({**files, "ARGUS_STAGE": "local"}))
    with pytest.raises(BadSetting, match="ARGUS_PID_FILES"):
        Container(Settings.from_env({**files, "ARGUS_STAGE": "staging"}))


def test_names_of_checks_are_unique(argus: Container) -> None:
    names = [name for one in argus.capabilities if one.checks for name in one.checks(argus)]
    assert len(names) == len(set(names))


def test_checks_run_in_parallel() -> None:
    meeting = threading.Barrier(2, timeout=100)  # a check that runs alone would time out
    found = Health(lambda: {"one": meeting.wait, "other": meeting.wait}, seconds=100).ready()
    assert [(check.name, check.outcome) for check in found] == [("one", Outcome.OK), ("other", Outcome.OK)]


def test_a_hanging_check_ends_at_the_time_limit() -> None:
    over = threading.Event()
    found = Health(lambda: {"hangs": over.wait}, seconds=0.1).ready()
    over.set()
    assert [(check.name, check.outcome) for check in found] == [("hangs", Outcome.TIMEOUT)]


@pytest.mark.usefixtures("racing")
def test_a_result_is_cached_for_a_few_seconds_and_checks_run_once_at_a_time() -> None:
    asked, now = [], [0.0]
    health = Health(lambda: {"one": lambda: asked.append(1)}, seconds=100, monotonic=lambda: now[0])
    with ThreadPoolExecutor(8) as pool:
        first, *others = pool.map(lambda _: health.ready(), range(16))
    assert (others, len(asked)) == ([first] * 15, 1)
    now[0] = CACHE_SECONDS - 0.1
    assert (health.ready(), len(asked)) == (first, 1)
    now[0] = CACHE_SECONDS
    health.ready()
    assert len(asked) == 2


def test_health_and_ready_are_not_rate_limited(broken: Callable[..., Person]) -> None:
    person = broken(ip_rate_limit="1 per day")
    for path in ("/health", "/ready") * 3:
        response = person.http.get(path)
        assert (response.status_code, "RateLimit" in response.headers) == (200, False)


def test_a_check_measures_its_duration() -> None:
    (check,) = Health(lambda: {"one": lambda: time.sleep(0.02)}).ready()
    assert check == Check("one", Outcome.OK, check.ms)
    assert check.ms >= 20
