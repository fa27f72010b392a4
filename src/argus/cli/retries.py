"""Retrying requests that got no answer, or an answer that may change soon."""

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


def with_retries(send: Callable[[], "httpx.Response"], *, host: str) -> "httpx.Response":
    """The answer to `send`, which may be called several times and so must be safe to repeat.

    Lost connections, 429, 5xx and a first attempt that still runs are retried with growing pauses. The last answer is
    returned whatever it is; raises Unreachable when there is none.
    """
    import httpx

    for attempt in range(1, ATTEMPTS + 1):
        pause = FIRST_PAUSE_SECONDS * 2 ** (attempt - 1) * _random.uniform(0.5, 1.5)
        try:
            response = send()
        except httpx.TransportError as error:
            if attempt == ATTEMPTS:
                raise Unreachable(f"{host}: {error or type(error).__name__}") from error
        else:
            retry_after = _retry_after_seconds(response)
            if attempt == ATTEMPTS or not _is_retryable(response) or retry_after > LONGEST_WAIT_SECONDS:
                return response
            pause = max(pause, retry_after)
        time.sleep(pause)
    raise AssertionError("the last attempt returns or raises")


def _is_retryable(response: "httpx.Response") -> bool:
    if response.status_code == 409:
        return b'"still_running"' in response.content  # the first attempt under this Idempotency-Key
    return response.status_code == 429 or response.status_code >= 500


def _retry_after_seconds(response: "httpx.Response") -> float:
    """Argus and S3 send seconds. HTTP allows a date too; then our own pauses apply."""
    text = response.headers.get("Retry-After", "")
    return float(text) if text.isdecimal() else 0.0
