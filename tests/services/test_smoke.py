"""The smoke test, before an Argus that works and before lines that do not."""

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
from services.deploy import smoke
from services.deploy.smoke import SmokeFailed, SmokeUsers
from services.local.aws import HOST, EmbeddedAws, StackOutputs
from services.local.sockets import Sockets
from tests.cli.conftest import serving
from tests.conftest import Workers


@pytest.fixture
def users(aws: EmbeddedAws, outputs: StackOutputs) -> SmokeUsers:
    return SmokeUsers(aws.client("cognito-idp"), outputs.user_pool_id, outputs.client_id, aws.endpoint_url)


@contextmanager
def _serving(argus: Container, workers: Workers) -> Iterator[str]:
    """Its address. Whatever was asked of the workers is done before the next answer."""
    app = create_app(argus)

    def answer(environ: Any, start_response: Any) -> Iterable[bytes]:
        workers.work()
        return app(environ, start_response)

    with serving(answer) as address:
        yield address


def test_what_was_told_of_the_image_counts_whenever_it_comes(
    live: Container, workers: Workers, users: SmokeUsers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Hints go through a queue of their own: the image's may come behind the report's, and all after the answers."""
    deliver, late = Notify.deliver, list[Mapping[str, Any]]()

    def told(self: Notify, organisation_id: str, event: Mapping[str, Any]) -> None:
        late.append(event)
        if event["type"] == "report.changed":
            for one in reversed(late):
                deliver(self, organisation_id, one)

    monkeypatch.setattr(Notify, "deliver", told)
    said: list[str] = []
    with _serving(live, workers) as url:
        smoke.prove(url, users, said.append)
    assert late[0]["type"] == "image.changed"
    assert said[-2:] == ["report of 2 findings", "told of the image over a WebSocket"]


@pytest.fixture
def silent() -> Iterator[str]:
    """Takes connections, and never says a word."""
    with socket.create_server((HOST, 0)) as listener:
        yield f"ws://{HOST}:{listener.getsockname()[1]}"


@pytest.fixture
def broken() -> Iterator[str]:
    """Lets everybody in and hangs up."""
    with serve(lambda _: None, HOST, 0) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"ws://{HOST}:{server.socket.getsockname()[1]}"
        server.shutdown()
        thread.join()


@pytest.fixture
def refusing(sockets: Sockets) -> str:
    """Its function fails."""
    sockets.handler = lambda _event, _context: {"statusCode": 502}
    return sockets.url


@pytest.fixture
def closed() -> str:
    return f"ws://{HOST}:9"


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("closed", "nobody can listen at ws://127.0.0.1:9: .*refused"),
        ("silent", "nobody can listen at ws://.*timed out"),
        ("refusing", "nobody can listen at ws://.*502"),
        ("broken", "nobody told of img_.* before the WebSocket broke: .*1000"),
    ],
)
def test_a_line_on_which_nobody_hears_anything_fails_with_a_reason(
    live: Container,
    workers: Workers,
    users: SmokeUsers,
    line: str,
    reason: str,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> None:
    monkeypatch.setattr(smoke, "OPEN_SECONDS", 100 if line != "silent" else 0.01)
    elsewhere = Container(
        live.settings.changed(ARGUS_SOCKET_URL=request.getfixturevalue(line)),
        clock=live.clock,
        fetch_keys=live.fetch_keys,
    )
    with _serving(elsewhere, workers) as url, pytest.raises(SmokeFailed, match=reason):
        smoke.prove(url, users, lambda _: None)
