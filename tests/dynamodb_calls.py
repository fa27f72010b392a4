"""The calls to DynamoDB of a part of a test."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from argus.container import Container


@contextmanager
def dynamodb_calls(argus: Container) -> Iterator[list[str]]:
    """The operations that are called, a query with the name of its index: `Query by state`."""
    calls: list[str] = []

    def record(params: dict[str, Any], model: Any, **_: Any) -> None:
        calls.append(f"{model.name} by {params['IndexName']}" if "IndexName" in params else model.name)

    events = argus.aws.client("dynamodb").meta.events
    events.register("provide-client-params.dynamodb.*", record, unique_id="dynamodb_calls")
    try:
        yield calls
    finally:
        events.unregister("provide-client-params.dynamodb.*", unique_id="dynamodb_calls")
