"""Argus behind a WebSocket gateway, and connected clients."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace

import pytest

from argus.app import create_app
from argus.container import Container
from services.local.sockets import Sockets
from tests.conftest import Person
from tests.notify.listening import Listener, listening


@pytest.fixture
def at(live: Container) -> Callable[[Person], Person]:
    """The same person, as a client of the Argus with a WebSocket."""
    http = create_app(live).test_client()
    return lambda person: replace(person, http=http)


@pytest.fixture
def connect(sockets: Sockets) -> Iterator[Callable[[Person], Listener]]:
    """Opens connections, and closes them after the test."""
    with ExitStack() as connected:
        yield lambda person: connected.enter_context(
            listening(sockets.url, person.headers["Authorization"].removeprefix("Bearer "))
        )
