"""Processes of tests can be interrupted, however the tests were started."""

import os
import signal
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from tests.processes import start

ASKS = "import signal; print(signal.getsignal(signal.SIGINT) is signal.default_int_handler)"


@pytest.fixture(
    params=[signal.SIG_IGN, signal.SIG_DFL, signal.default_int_handler], ids=["ignored", "default", "python"]
)
def disposition(request: pytest.FixtureRequest) -> Iterator[Any]:
    before = signal.signal(signal.SIGINT, request.param)
    yield request.param
    signal.signal(signal.SIGINT, before)


def test_sigint_interrupts_a_process_whatever_the_handler_of_the_tests(disposition: Any) -> None:
    response, _ = start([sys.executable, "-c", ASKS], os.environ).communicate(timeout=100)
    assert response == "True\n"
    assert signal.getsignal(signal.SIGINT) == disposition
