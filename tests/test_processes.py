"""What tests start can be interrupted, however the tests were started."""

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


def test_a_process_is_interrupted_by_sigint_whatever_the_tests_do_with_it(disposition: Any) -> None:
    answer, _ = start([sys.executable, "-c", ASKS], os.environ).communicate(timeout=100)
    assert answer == "True\n"
    assert signal.getsignal(signal.SIGINT) == disposition
