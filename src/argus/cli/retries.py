"""Retries of requests after connection errors and transient responses."""

import random
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from argus.cli.errors import Unreachable

if TYPE_CHECKING:
    import httpx

ATTEMPTS = 5
FIRST_PAUSE_SECONDS = 0.2
LONGEST_WAIT_SECONDS = 90.0  # the longest Retry-After to respect: rate limits have windows of a minute

_random = random.SystemRandom()


def with_retries(send: Callable[[], "httpx.Response"], *, host: str) -> "httpx.Response":
    """The response to `send`, which must be idempotent: it may be called several times.

    Retries connection errors, 429, 5xx, and 409 while the first attempt is still running, with increasing pauses.
    Returns the last response, even if it is an error. Raises Unreachable if there is no response.
    """
    import httpx

    for attempt in range(1, ATTEMPTS + 1):
        pause = FIRST_PAUSE_SECONDS * 2 ** (attempt - 1) * _random.uniform(0.5, 1.5)
        try:
            response = send()
        except httpx.TransportError as error:
            if attempt == ATTEMPTS:
                raise Unreachable(f"{host} does not respond ({str(error) or type(error).__name__}).") from error
        else:
            retry_after = _retry_after_seconds(response)
            if attempt == ATTEMPTS or not _is_retryable(response) or retry_after > LONGEST_WAIT_SECONDS:
                return response
            pause = max(pause, retry_after)
        time.sleep(pause)
    raise AssertionError("the last attempt returns or raises")


def _is_retryable(response: "httpx.Response") -> bool:
    if response.status_code == 409:
        return b'"still_running"' in response.content  # the first attempt with this Idempotency-Key
    return response.status_code == 429 or response.status_code >= 500


def _retry_after_seconds(response: "httpx.Response") -> float:
    """Argus and S3 send seconds. HTTP also allows a date, which is ignored."""
    text = response.headers.get("Retry-After", "")
    return float(text) if text.isdecimal() else 0.0
