"""Errors are sent to Sentry if there is a DSN, with what is needed to fix them and without personal data."""

import gzip
import json
import logging
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from argus.container import Container
from argus.core import sentry
from argus.core.aws import Aws
from argus.core.observability import request_scope
from argus.core.settings import Settings
from infra.embedded.aws import EmbeddedAws
from tests.conftest import Person

SECRET = "hunter2-canary"


class _Relay(BaseHTTPRequestHandler):
    """Accepts envelopes like Sentry's ingestion: "Envelopes", Sentry developer documentation."""

    events: list[dict[str, Any]]
    keys: set[str]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        _envelope, *lines = body.split(b"\n")
        for head, payload in zip(lines[::2], lines[1::2], strict=False):
            if head and json.loads(head)["type"] == "event":
                self.events.append(json.loads(payload))
        self.keys.add(self.headers["X-Sentry-Auth"])
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_: Any) -> None:
        """Quiet."""


@pytest.fixture
def relay() -> Iterator[type[_Relay]]:
    class Relay(_Relay):
        events: list[dict[str, Any]] = []
        keys: set[str] = set()

    server = ThreadingHTTPServer(("127.0.0.1", 0), Relay)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    root = logging.getLogger()
    handlers = root.handlers[:]
    dsn = f"http://publickey@127.0.0.1:{server.server_port}/42"
    sentry.configure(dsn, stage="test", release="1.2.3")
    yield Relay
    root.handlers[:] = handlers
    import sentry_sdk

    sentry_sdk.get_client().close(timeout=1)
    sentry_sdk.init()  # without a DSN
    server.shutdown()
    server.server_close()
    thread.join()


def test_an_unexpected_error_is_sent_with_its_stack_and_request(
    relay: type[_Relay], owner: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any, **__: Any) -> Any:
        local_variable = SECRET
        raise RuntimeError(f"password={local_variable} of jane@canary.example")

    monkeypatch.setattr("argus.identity.service.Identity.organisation", broken)
    assert owner.get("/me", headers={"X-Request-ID": "r-1", "Cookie": f"s={SECRET}"}).status_code == 500
    assert relay.events, "sent before the response: Lambda freezes all threads after it"
    event = relay.events[0]
    (error,) = event["exception"]["values"]
    assert (error["type"], error["value"]) == ("RuntimeError", "password=[secret] of [mail]")
    assert error["stacktrace"]["frames"][-1]["function"] == "broken"
    assert (event["tags"]["request_id"], event["environment"], event["release"]) == ("r-1", "test", "1.2.3")
    assert not {"request", "user", "breadcrumbs", "extra", "server_name"} & set(event)
    text = json.dumps(relay.events)
    assert SECRET not in text
    assert "canary.example" not in text
    assert owner.headers["Authorization"].split(".")[-1] not in text
    assert all("sentry_key=publickey" in key for key in relay.keys)


def test_an_error_without_exception_is_sent_and_a_warning_is_not(relay: type[_Relay]) -> None:
    with request_scope("r-2"):
        logging.getLogger("argus.test").warning("not worth it")
        logging.getLogger("argus.test").error("dead letter of %s", "jane@canary.example")
    (event,) = relay.events
    assert event["message"] == "dead letter of [mail]"
    assert (event["level"], event["tags"]) == ("error", {"request_id": "r-2", "logger": "argus.test"})


def test_an_unreachable_relay_does_not_block(caplog: pytest.LogCaptureFixture) -> None:
    root = logging.getLogger()
    handlers = root.handlers[:]
    sentry.configure("http://publickey@127.0.0.1:9/42", stage="test", release="1")
    try:
        logging.getLogger("argus.test").error("not delivered")
    finally:
        root.handlers[:] = handlers
        import sentry_sdk

        sentry_sdk.get_client().close(timeout=1)
        sentry_sdk.init()


def test_without_a_dsn_no_handler_is_installed(relay: Callable[[], object]) -> None:
    before = logging.getLogger().handlers[:]
    sentry.configure("", stage="test", release="1")
    assert logging.getLogger().handlers == before


def test_an_invalid_dsn_is_ignored_and_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    before = logging.getLogger().handlers[:]
    sentry.configure(SECRET, stage="test", release="1")
    assert logging.getLogger().handlers == before
    (record,) = caplog.records
    assert record.getMessage() == "errors are not sent to Sentry: the DSN is invalid"
    assert SECRET not in caplog.text


@pytest.fixture
def used_dsns(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The DSNs that `configure` receives; restores the log handlers afterwards."""
    root, used = logging.getLogger(), list[str]()
    handlers, level = root.handlers[:], root.level
    monkeypatch.setattr(sentry, "configure", lambda dsn, **_: used.append(dsn))
    yield used
    root.handlers[:] = handlers
    root.setLevel(level)


def test_a_referenced_dsn_is_fetched(aws: EmbeddedAws, settings: Settings, used_dsns: list[str]) -> None:
    aws.client("ssm").put_parameter(Name="/argus/test/dsn", Value="http://k@127.0.0.1/1", Type="String", Overwrite=True)
    Container(replace(settings, sentry_dsn="ssm:/argus/test/dsn")).configure_observability()
    assert used_dsns == ["http://k@127.0.0.1/1"]


@pytest.mark.parametrize("outage", [False, True], ids=["no such parameter", "SSM is away"])
def test_a_dsn_that_cannot_be_fetched_is_logged_and_the_process_starts(
    settings: Settings, used_dsns: list[str], outage: bool, capfd: pytest.CaptureFixture[str]
) -> None:
    with_dsn = replace(settings, sentry_dsn="ssm:/argus/nowhere")
    Container(replace(with_dsn, aws_endpoint="http://127.0.0.1:9") if outage else with_dsn).configure_observability()
    assert used_dsns == [""]
    (line,) = map(json.loads, capfd.readouterr().out.splitlines())
    assert line["level"] == "WARNING"
    assert "errors are not sent to Sentry: no DSN from ssm:/argus/nowhere" in line["message"]


def test_a_dsn_is_fetched_with_a_short_timeout(
    settings: Settings, used_dsns: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    fail_fast_flags: list[bool] = []
    client = Aws.client

    def noted(self: Aws, service: str, *, fail_fast: bool = False) -> Any:
        fail_fast_flags.append(fail_fast)
        return client(self, service, fail_fast=fail_fast)

    monkeypatch.setattr(Aws, "client", noted)
    Container(replace(settings, sentry_dsn="ssm:/argus/nowhere")).configure_observability()
    assert fail_fast_flags == [True]
