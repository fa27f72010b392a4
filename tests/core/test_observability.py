"""Logs: enough to trace a request, and no secrets."""

import io
import json
import logging
import re
import secrets
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from argus.container import Container
from argus.core import observability
from argus.core.ids import Ids
from argus.core.observability import configure_logging, request_scope
from argus.identity import key_text
from argus.jobs import TICKS
from services.local.demo.scenes import flir_scene
from services.scheduler import main as scheduler
from services.worker import main as worker
from services.worker.batch import MAX_RECEIVES
from tests.conftest import Issuer, Person, Workers
from tests.core.test_masking import AWS_SECRET
from tests.imagery.uploads import uploaded
from tests.infra.test_rules import FUNCTIONS, TEMPLATES, scope_of

Lines = Callable[[], list[dict[str, Any]]]


@pytest.fixture
def output(capfd: pytest.CaptureFixture[str]) -> Iterator[Callable[[], str]]:
    """Logs as in production; returns all output since the last call."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    configure_logging("INFO")  # below that level the embedded AWS in this process logs too
    stream = io.StringIO()
    (handler,) = root.handlers
    assert isinstance(handler, logging.StreamHandler)
    handler.setStream(stream)  # pytest changes standard output between setup and call

    def written() -> str:
        captured = capfd.readouterr()
        text = stream.getvalue() + captured.out + captured.err
        stream.seek(0)
        stream.truncate()
        return text

    yield written
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.fixture
def lines(output: Callable[[], str]) -> Lines:
    return lambda: [json.loads(line) for line in output().splitlines()]


def test_a_request_is_one_log_line_with_caller_route_and_usage(owner: Person, lines: Lines) -> None:
    lines()
    owner.get("/images/img_01jb8z3k9q2m4n6p8r0s2t4v6w", headers={"X-Request-ID": "mine-1"})
    me = owner.get("/me").get_json()
    first, second = lines()
    assert list(second) == [
        *("at", "level", "logger", "message", "request_id", "caller", "method", "route", "status"),
        *("ms", "capacity_units", "cold", "organisation"),
    ]
    assert (first["request_id"], first["status"], first["message"]) == ("mine-1", 404, "request")
    assert (second["caller"], second["organisation"]) == (me["user"]["id"], owner.organisation_id)
    assert (second["method"], second["route"], second["status"]) == ("GET", "/api/v1/me", 200)
    assert 0 < second["ms"] < 60_000


def test_capacity_units_of_a_request_are_the_sum_of_its_calls(owner: Person, lines: Lines, argus: Container) -> None:
    clients = [argus.aws.client("dynamodb", fail_fast=fail_fast) for fail_fast in (False, True)]
    capacity_modes: list[str] = []

    def record_mode(request: Any, **_: Any) -> None:
        capacity_modes.append(json.loads(request.body)["ReturnConsumedCapacity"])

    def set_capacity(parsed: dict[str, Any], **_: Any) -> None:
        parsed["ConsumedCapacity"] = {"TableName": "t", "CapacityUnits": 0.5}

    for client in clients:
        client.meta.events.register("before-send.dynamodb", record_mode)
        client.meta.events.register_first("after-call.dynamodb", set_capacity)
    lines()
    owner.get("/me")
    (line,) = lines()
    for client in clients:
        client.meta.events.unregister("before-send.dynamodb", record_mode)
        client.meta.events.unregister("after-call.dynamodb", set_capacity)
    assert (line["capacity_units"], capacity_modes) == (1.5, ["TOTAL"] * 3)


def test_only_the_first_work_of_a_process_is_cold(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(observability, "_cold", iter([True]))
    with request_scope("a") as first, request_scope("b") as second:
        assert [first.measurements()["cold"], second.measurements()["cold"]] == [True, False]


def test_a_job_is_one_log_line_with_its_request_and_caller(owner: Person, workers: Workers, lines: Lines) -> None:
    me = owner.get("/me").get_json()["user"]["id"]
    image = uploaded(owner, workers, flir_scene(seed=9, width=160, height=120)[0])
    lines()
    body = {"target": {"kind": "image", "id": image["id"]}, "plugins": [{"id": "thermal_hotspots"}]}
    owner.post("/scans", body, headers={"X-Request-ID": "scan-this"})
    workers.work()
    jobs = [line for line in lines() if line["logger"] == "argus.jobs"]
    assert [job["job"] for job in jobs] == ["scan.run", "scan.finalize"]
    for job in jobs:
        assert (job["message"], job["function"], job["outcome"]) == ("job", "worker", "done")
        assert (job["request_id"], job["caller"]) == ("scan-this", me)
        assert {"ms", "capacity_units", "cold"} <= set(job)


def test_each_sweep_of_a_tick_is_one_log_line_with_the_ticks_id(
    argus: Container, monkeypatch: pytest.MonkeyPatch, lines: Lines
) -> None:
    monkeypatch.setattr(scheduler, "container", lambda: argus)
    lines()
    scheduler.handler({**scheduler.TICK, "id": "tick-1"}, None)
    jobs = [line for line in lines() if line["message"] == "job"]
    assert sorted((line["job"], line["outcome"]) for line in jobs) == [(sweep, "done") for sweep in sorted(TICKS)]
    assert {line["request_id"] for line in jobs} == {"tick-1"}


# ---------------------------------------------------------------- queries of the dashboard

_TEXT = re.compile(r'"[^"]*"')
_WORDS_OF_THE_LANGUAGE = {"filter", "and", "stats", "count", "pct", "avg", "as", "by", "sort", "desc", "limit"}


def _queries() -> list[Any]:
    scope = scope_of(TEMPLATES["alarms"])
    body = json.loads(scope.resolve(TEMPLATES["alarms"].resources["Dashboard"]["Properties"]["DashboardBody"]))
    widgets = [widget["properties"] for widget in body["widgets"] if widget["type"] == "log"]
    return [pytest.param(widget["query"], id=widget["title"]) for widget in widgets]


def _fields(query: str) -> set[str]:
    """The fields that a query of CloudWatch Logs Insights reads: every word that is not its own."""
    commands = " | ".join(part for part in query.split(" | ") if not part.startswith("SOURCE"))
    words = set(re.findall(r"[a-z_]\w*", _TEXT.sub("", commands)))
    return words - _WORDS_OF_THE_LANGUAGE - set(re.findall(r" as (\w+)", commands))


@pytest.mark.parametrize("query", _queries())
def test_log_lines_have_the_fields_that_the_dashboard_queries(
    query: str, every_kind_of_work: Callable[[], None], lines: Lines
) -> None:
    lines()
    every_kind_of_work()
    (message,) = re.findall(r'message = "(\w+)"', query)
    found = [line for line in lines() if line["message"] == message]
    assert found
    assert [_fields(query) - line.keys() for line in found] == [set()] * len(found)


def test_the_dashboard_queries_the_logs_of_every_function() -> None:
    sources = {source for case in _queries() for source in re.findall(r"SOURCE '([^']+)'", case.values[0])}
    assert sources == {f"/aws/lambda/argus-production{suffix}" for suffix in FUNCTIONS}


def test_a_query_names_routes_jobs_durations_and_capacity() -> None:
    fields = set().union(*(_fields(case.values[0]) for case in _queries()))
    assert fields == {"message", "method", "route", "status", "function", "job", "outcome", "ms", "capacity_units"}


# ---------------------------------------------------------------- canaries


@pytest.fixture(scope="module")
def canaries(issuer: Issuer) -> dict[str, str]:
    """A unique secret of every kind."""
    word = secrets.token_hex(6)
    return {
        "token": issuer.token(f"canary-{word}", iss="https://elsewhere.example"),
        "password": f"hunter2-{word}",
        "access_key": "AKIA" + secrets.token_hex(8).upper(),
        "secret_key": f"{word[:8]}Xy9/{AWS_SECRET[12:]}",
        "mail": f"jane.{word}@canary.example",
        "phone": f"+4479{secrets.randbelow(10**8):08}",
        "signature": secrets.token_hex(32),
        "api_key": key_text.compose(Ids().new("key"), Ids().new("org"), secrets.randbits(key_text.SECRET_BITS)),
    }


def _sentence(canaries: dict[str, str]) -> str:
    """An error message that contains every secret."""
    link = f"https://b.s3.amazonaws.com/k?X-Amz-Credential={canaries['access_key']}&X-Amz-Signature={canaries['signature']}"
    return (
        f"{canaries['mail']} ({canaries['phone']}) with {json.dumps({'password': canaries['password']})} "
        f"and Bearer {canaries['token']}, key {canaries['secret_key']} or {canaries['api_key']}: {link}"
    )


def _contains_none(canaries: dict[str, str], written: str) -> None:
    for kind, canary in canaries.items():
        for part in canary.split(".") if kind == "token" else [canary]:
            assert part not in written, kind


def test_secrets_sent_to_every_route_appear_in_no_log_line(
    owner: Person, canaries: dict[str, str], output: Callable[[], str]
) -> None:
    app = owner.http.application
    sent = {
        "Cookie": f"session={canaries['password']}",
        "Idempotency-Key": canaries["password"],
        "User-Agent": _sentence(canaries),
        "Referer": _sentence(canaries),
    }
    key = owner.post("/api-keys", {"name": "n", "scopes": ["profile:read"]}).get_json()["key"]
    output()
    header_sets = [
        owner.headers,
        {"X-API-Key": key, "X-Request-ID": key},
        {"X-API-Key": canaries["api_key"], "X-Request-ID": canaries["api_key"]},
        {"X-API-Key": canaries["password"]},
        {**owner.headers, "X-API-Key": canaries["api_key"]},
        {"Authorization": f"Bearer {canaries['token']}", "X-Request-ID": canaries["token"][:128]},
        {"Authorization": f"Basic {canaries['password']}", "X-Request-ID": canaries["access_key"]},
    ]
    body = {**canaries, "name": _sentence(canaries), "files": [{"name": _sentence(canaries)}]}
    capacity_modes = 0
    for rule in app.url_map.iter_rules():
        if rule.endpoint == "health.ready":
            continue  # takes a second
        path = app.url_map.bind("localhost").build(rule.endpoint, dict.fromkeys(rule.arguments, canaries["mail"]))
        for method in rule.methods or ():
            for headers in header_sets:
                kept = {"query_string": canaries, "json": body} if method == "POST" else {"query_string": canaries}
                owner.http.open(path, method=method, headers={**headers, **sent}, **kept)
                capacity_modes += 1
    written = output()
    assert sum('"message": "request"' in line for line in written.splitlines()) == capacity_modes
    _contains_none({**canaries, "key that opens": key}, written)


def test_secrets_in_an_unexpected_error_appear_in_no_log_line(
    owner: Person, canaries: dict[str, str], output: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any, **__: Any) -> Any:
        try:
            raise KeyError(_sentence(canaries))
        except KeyError as error:
            raise RuntimeError(_sentence(canaries)) from error

    monkeypatch.setattr("argus.identity.service.Identity.organisation", broken)
    output()
    assert owner.get("/me").status_code == 500
    written = output()
    assert "RuntimeError" in written, "the error is logged, without the secrets"
    _contains_none(canaries, written)


def test_secrets_in_messages_and_failing_jobs_appear_in_no_log_line(
    argus: Container, canaries: dict[str, str], output: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any, **__: Any) -> Any:
        raise ValueError(_sentence(canaries))

    monkeypatch.setattr(worker, "container", lambda: argus)
    monkeypatch.setattr("argus.scanning.service.Scanning.run", broken)
    monkeypatch.setattr("argus.scanning.service.Scanning.give_up", broken)
    bodies = [
        json.dumps({"job": "scan.run", "arguments": {"scan_id": canaries["mail"]}, "request_id": canaries["token"]}),
        json.dumps({"job": _sentence(canaries)[:90], "arguments": canaries}),
        json.dumps(canaries),
        _sentence(canaries),
    ]
    records = [
        {"messageId": str(number), "body": body, "attributes": {"ApproximateReceiveCount": str(MAX_RECEIVES)}}
        for number, body in enumerate(bodies)
    ]
    output()
    failed = worker.handler({"Records": records}, None)["batchItemFailures"]
    written = output()
    assert [entry["itemIdentifier"] for entry in failed] == ["0", "1", "2", "3"]
    assert "ValueError" in written
    _contains_none(canaries, written)
