"""Argus with a WebSocket gateway in front of it, and people who listen."""

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
    """The same person at the front door of the Argus that listens."""
    http = create_app(live).test_client()
    return lambda person: replace(person, http=http)


@pytest.fixture
def hear(sockets: Sockets) -> Iterator[Callable[[Person], Listener]]:
    """Connects people; hangs up in the end."""
    with ExitStack() as connected:
        yield lambda person: connected.enter_context(
            listening(sockets.url, person.headers["Authorization"].removeprefix("Bearer "))
        )
