"""The smoke test, against an Argus that works and with WebSockets that do not."""

import socket
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest
from websockets.sync.server import serve

from argus.app import create_app
from argus.container import Container
from argus.notify.service import Notify
from infra.deploy import smoke
from infra.deploy.smoke import SmokeFailed, SmokeUsers
from infra.embedded import HOST
from infra.embedded.aws import EmbeddedAws, StackOutputs
from services.local.sockets import Sockets
from tests.cli.conftest import serving
from tests.conftest import Workers


@pytest.fixture
def users(aws: EmbeddedAws, outputs: StackOutputs) -> SmokeUsers:
    return SmokeUsers(aws.client("cognito-idp"), outputs.user_pool_id, outputs.client_id, aws.endpoint_url)


@contextmanager
def _serving(argus: Container, workers: Workers) -> Iterator[str]:
    """Serve the API; yields its address. The workers finish all queued jobs before each response."""
    app = create_app(argus)

    def respond(environ: Any, start_response: Any) -> Iterable[bytes]:
        workers.work()
        return app(environ, start_response)

    with serving(respond) as address:
        yield address


def test_the_notification_of_the_image_may_arrive_at_any_time(
    live: Container, workers: Workers, users: SmokeUsers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Notifications have their own queue: the image's may arrive after the report's, and all after the responses."""
    deliver, late = Notify.deliver, list[Mapping[str, Any]]()

    def deliver_late(self: Notify, organisation_id: str, event: Mapping[str, Any]) -> None:
        late.append(event)
        if event["type"] == "report.changed":
            for one in reversed(late):
                deliver(self, organisation_id, one)

    monkeypatch.setattr(Notify, "deliver", deliver_late)
    lines: list[str] = []
    with _serving(live, workers) as url:
        smoke.run(url, users, lines.append)
    assert late[0]["type"] == "image.changed"
    assert lines[-2:] == ["report with 2 findings", "image notification received over the WebSocket"]


@pytest.fixture
def silent() -> Iterator[str]:
    """A server that accepts connections and never answers."""
    with socket.create_server((HOST, 0)) as listener:
        yield f"ws://{HOST}:{listener.getsockname()[1]}"


@pytest.fixture
def broken() -> Iterator[str]:
    """A server that accepts every WebSocket and closes it."""
    with serve(lambda _: None, HOST, 0) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"ws://{HOST}:{server.socket.getsockname()[1]}"
        server.shutdown()
        thread.join()


@pytest.fixture
def refusing(sockets: Sockets) -> str:
    """A gateway whose function fails."""
    sockets.handler = lambda _event, _context: {"statusCode": 502}
    return sockets.url


@pytest.fixture
def closed() -> str:
    return f"ws://{HOST}:9"


@pytest.mark.parametrize(
    ("server", "reason"),
    [
        ("closed", "the WebSocket ws://127.0.0.1:9 cannot be opened: .*refused"),
        ("silent", "the WebSocket ws://.* cannot be opened: .*timed out"),
        ("refusing", "the WebSocket ws://.* cannot be opened: .*502"),
        ("broken", "the WebSocket was closed before a message about img_.*: .*1000"),
    ],
)
def test_a_websocket_that_does_not_work_fails_with_a_reason(
    live: Container,
    workers: Workers,
    users: SmokeUsers,
    server: str,
    reason: str,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> None:
    monkeypatch.setattr(smoke, "OPEN_SECONDS", 100 if server != "silent" else 0.01)
    elsewhere = Container(
        live.settings.changed(ARGUS_SOCKET_URL=request.getfixturevalue(server)),
        clock=live.clock,
        fetch_keys=live.fetch_keys,
    )
    with _serving(elsewhere, workers) as url, pytest.raises(SmokeFailed, match=reason):
        smoke.run(url, users, lambda _: None)


def test_an_api_that_never_answers_fails_the_smoke_test(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(smoke, "SECONDS", 0.1)
    monkeypatch.setattr(smoke, "_PAUSE_SECONDS", 0.05)
    with pytest.raises(
        SmokeFailed, match=r"http://127\.0\.0\.1:9/health does not respond with 200 after 0\.1 s: .*refused"
    ):
        smoke.run("http://127.0.0.1:9", SmokeUsers(None, "", "", ""), print)
