"""Clients for AWS, real or embedded. One session; each client is made on first use and kept.

A call is tried four times. Inside a request a service that hangs is given up sooner: docs/decisions/timeouts.md.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from botocore.exceptions import BotoCoreError, ConnectTimeoutError, ReadTimeoutError

from argus.core.observability import current_work
from argus.core.presign import Credentials
from argus.core.settings import Settings

ClientFactory = Callable[[], Any]

ATTEMPTS = 4
MAX_TIMEOUTS = 2  # of one service, in one request
CONNECT_SECONDS = 1.0
FAIL_FAST_SECONDS = 1.0
_READ_SECONDS = {"dynamodb": 1.5, "s3": 5.0}  # until the next byte: S3 deletes a thousand objects in one call
_OTHERS_READ_SECONDS = 3.0


class NotCalled(BotoCoreError):
    """A request does not call a service of AWS, or not again: it would take too long."""

    fmt = "{service} is not called: {reason}"


@dataclass(frozen=True)
class Aws:
    """Where boto3 is met. Importing it takes a quarter of a second, so it happens with the first client."""

    settings: Settings
    _clients: dict[tuple[str, bool, str], Any] = field(default_factory=dict)
    _making: threading.Lock = field(default_factory=threading.Lock)

    @cached_property
    def session(self) -> Any:
        import boto3

        return boto3.session.Session(region_name=self.settings.region)

    def client(self, service: str, *, fail_fast: bool = False, endpoint: str = "") -> Any:
        """A shared client. boto3's clients, unlike its sessions, are safe to share between threads.

        `fail_fast` asks AWS once and waits a second: for calls that no answer depends on.
        `endpoint` is for services that have an address of their own for each of our resources.
        """
        name = (service, fail_fast, endpoint)
        if name not in self._clients:
            with self._making:
                if name not in self._clients:
                    self._clients[name] = self._make(service, fail_fast=fail_fast, endpoint=endpoint)
        return self._clients[name]

    def _make(self, service: str, *, fail_fast: bool, endpoint: str) -> Any:
        from botocore.config import Config

        factor, reading = self.settings.timeout_factor, read_seconds(service, fail_fast=fail_fast)
        config = Config(
            retries={"mode": "standard", "total_max_attempts": 1 if fail_fast else ATTEMPTS},
            connect_timeout=CONNECT_SECONDS * factor,
            read_timeout=reading * factor,
            max_pool_connections=32,
            s3={"addressing_style": "path" if self.settings.aws_endpoint else "virtual"},
        )
        address = endpoint or self.settings.aws_endpoint or None
        made = self.session.client(service, endpoint_url=address, config=config)
        limit = _TimeLimit(service, CONNECT_SECONDS + reading, factor)
        made.meta.events.register("before-send", limit.before_attempt)
        made.meta.events.register("response-received", limit.after_attempt)
        if service == "dynamodb":
            made.meta.events.register("provide-client-params.dynamodb", _ask_capacity)
            made.meta.events.register("after-call.dynamodb", _count_capacity)
        return made

    def lazily(self, service: str, *, fail_fast: bool = False) -> ClientFactory:
        return lambda: self.client(service, fail_fast=fail_fast)

    def credentials(self) -> Credentials:
        """What signs links, and until when: botocore knows that of assumed roles, not of Lambda's own."""
        found = self.session.get_credentials()
        frozen = found.get_frozen_credentials()
        return Credentials(frozen.access_key, frozen.secret_key, frozen.token, getattr(found, "_expiry_time", None))


def read_seconds(service: str, *, fail_fast: bool = False) -> float:
    """How long an attempt waits for an answer, or for more of it."""
    return FAIL_FAST_SECONDS if fail_fast else _READ_SECONDS.get(service, _OTHERS_READ_SECONDS)


@dataclass(frozen=True)
class _TimeLimit:
    """Keeps a request from waiting for one service. A job waits: its function has a limit of its own.

    botocore emits `before-send` before each attempt, and an exception that it does not retry ends the call.
    """

    service: str
    attempt_seconds: float  # at most
    factor: int

    def before_attempt(self, **_: Any) -> None:
        """Raise `NotCalled` when the service has hung in this request, or the attempt could outlast the request."""
        work = current_work()
        if work is None or work.seconds is None:
            return
        if work.timeouts[self.service] >= MAX_TIMEOUTS:
            raise NotCalled(service=self.service, reason=f"it timed out {MAX_TIMEOUTS} times in this request")
        if work.ms / 1000 + self.attempt_seconds * self.factor > work.seconds * self.factor:
            raise NotCalled(service=self.service, reason="the request has too little time left")

    def after_attempt(self, exception: Exception | None, **_: Any) -> None:
        work = current_work()
        if work is not None and isinstance(exception, ConnectTimeoutError | ReadTimeoutError):
            work.timeouts[self.service] += 1


def _ask_capacity(params: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Have DynamoDB say what each call costs; all operations that we use know the parameter."""
    return {"ReturnConsumedCapacity": "TOTAL", **params}


def _count_capacity(parsed: dict[str, Any], **_: Any) -> None:
    """Add what a call has cost to the request or job that made it."""
    work, told = current_work(), parsed.get("ConsumedCapacity")
    if work is None or not told:
        return
    tables = told if isinstance(told, list) else [told]  # batches and transactions tell of each table
    work.capacity_units += sum(table.get("CapacityUnits", 0.0) for table in tables)
