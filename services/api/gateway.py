"""Lambda's entry for the API: HTTP events from API Gateway, and nothing else, go on to Zappa.

Zappa's handler answers an event it does not know with null, so that whoever sent it counts it as done, and runs what
an event names as its `command` or `raw_command`. Here all of these are errors.
"""

import logging
from typing import Any

from zappa.handler import lambda_handler

from argus.core.errors import ArgusError
from services.api.main import container

# What every request of a known caller needs: it takes a hundred milliseconds to make, or several times that in a
# request. While a function starts, Lambda lends it a whole processor.
_MADE_EARLY = (
    container.aws.client("dynamodb"),
    container.aws.client("dynamodb", fail_fast=True),
    container.tokens,
)

# Zappa's line per request repeats ours, with the address and the query that ours keeps to itself.
logging.getLogger("zappa.wsgi").setLevel(logging.WARNING)


class UnknownEvent(ArgusError):
    """The event is not an HTTP request from API Gateway."""


def handler(event: Any, context: object) -> dict[str, Any]:
    """One request: payload format 1.0 of REST APIs, or 2.0 of HTTP APIs."""
    if not _is_http(event):
        raise UnknownEvent(f"keys {sorted(event)[:20]}" if isinstance(event, dict) else type(event).__name__)
    answer: dict[str, Any] = lambda_handler(event, context)
    return answer


def _is_http(event: Any) -> bool:
    if not isinstance(event, dict) or not isinstance(event.get("requestContext"), dict):
        return False
    if event.get("version") == "2.0":
        return isinstance(event["requestContext"].get("http"), dict) and isinstance(event.get("rawPath"), str)
    return isinstance(event.get("httpMethod"), str) and isinstance(event.get("path"), str)
