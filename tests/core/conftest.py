"""What tests of HTTP share."""

from collections.abc import Callable

import pytest

from tests.conftest import Person

FILE = {"name": "a.jpg", "size": 10, "content_type": "image/jpeg"}


@pytest.fixture(scope="module")
def caller(new_owner: Callable[[], Person]) -> Person:
    """An owner for tests in which other data of the organisation does not matter."""
    return new_owner()
