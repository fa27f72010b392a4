"""Sending again what was not answered, or was answered with `later`."""

import random
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from argus.cli.errors import Unreachable

if TYPE_CHECKING:
    import httpx

ATTEMPTS = 5
FIRST_PAUSE_SECONDS = 0.2
LONGEST_WAIT_SECONDS = 90.0  # what a server may ask for by Retry-After: its windows are a minute

_random = random.SystemRandom()


def persistently(send: Callable[[], "httpx.Response"], *, where: str) -> "httpx.Response":
    """The answer to `send`, which may be called several times and so must be safe to repeat.

    Lost connections, 429, 5xx and a first try that still runs are tried again, later and later. The last answer is
    returned whatever it is; raises Unreachable when there was none.
    """
    import httpx

    for attempt in range(1, ATTEMPTS + 1):
        pause = FIRST_PAUSE_SECONDS * 2 ** (attempt - 1) * _random.uniform(0.5, 1.5)
        try:
            response = send()
        except httpx.TransportError as error:
            if attempt == ATTEMPTS:
                raise Unreachable(f"{where}: {error or type(error).__name__}") from error
        else:
            asked = _retry_after_seconds(response)
            if attempt == ATTEMPTS or not _worth_another_try(response) or asked > LONGEST_WAIT_SECONDS:
                return response
            pause = max(pause, asked)
        time.sleep(pause)
    raise AssertionError("the last attempt returns or raises")


def _worth_another_try(response: "httpx.Response") -> bool:
    if response.status_code == 409:
        return b'"still_running"' in response.content  # the first try under this Idempotency-Key
    return response.status_code == 429 or response.status_code >= 500


def _retry_after_seconds(response: "httpx.Response") -> float:
    """Argus and S3 give seconds; a date, which HTTP allows too, is left to our own pauses."""
    text = response.headers.get("Retry-After", "")
    return float(text) if text.isdecimal() else 0.0
