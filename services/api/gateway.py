"""Lambda's entry point of the API: it passes HTTP events from API Gateway to Zappa and rejects all others.

Zappa's handler returns null for an unknown event, which its sender takes for success, and it runs the function or code
that an event contains as `command` or `raw_command`. Here all such events are errors.
"""

import logging
from typing import Any

from zappa.handler import lambda_handler

from argus.core.errors import ArgusError
from services.api.main import container

# Needed by every authenticated request, so created at start, when Lambda provides a full processor.
_CREATED_AT_START = (
    container.aws.client("dynamodb"),
    container.aws.client("dynamodb", fail_fast=True),
    container.tokens,
)

# Zappa logs a line per request like ours, but with the IP address and the query, which our log leaves out.
logging.getLogger("zappa.wsgi").setLevel(logging.WARNING)


class UnknownEvent(ArgusError):
    """The event is not an HTTP request from API Gateway."""


def handler(event: Any, context: object) -> dict[str, Any]:
    """Handle one request: payload format 1.0 of REST APIs, or 2.0 of HTTP APIs."""
    if not _is_http(event):
        raise UnknownEvent(f"keys {sorted(event)[:20]}" if isinstance(event, dict) else type(event).__name__)
    response: dict[str, Any] = lambda_handler(event, context)
    return response


def _is_http(event: Any) -> bool:
    if not isinstance(event, dict) or not isinstance(event.get("requestContext"), dict):
        return False
    if event.get("version") == "2.0":
        return isinstance(event["requestContext"].get("http"), dict) and isinstance(event.get("rawPath"), str)
    return isinstance(event.get("httpMethod"), str) and isinstance(event.get("path"), str)
