"""Clients for AWS, real or embedded. One session; clients are created on first use and cached.

A call has four attempts. Within a request, calls to a service that hangs fail sooner: docs/decisions/timeouts.md.
"""

import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Any

from botocore.exceptions import BotoCoreError, ConnectTimeoutError, NoCredentialsError, ReadTimeoutError

from argus.core.observability import current_work
from argus.core.presign import Credentials
from argus.core.settings import Settings

ClientFactory = Callable[[], Any]

ATTEMPTS = 4
MAX_TIMEOUTS = 2  # of one service in one request
CONNECT_SECONDS = 1.0
FAIL_FAST_SECONDS = 1.0
_READ_SECONDS = {"dynamodb": 1.5, "s3": 5.0}  # until the next byte; S3 deletes up to 1,000 objects in one call
_DEFAULT_READ_SECONDS = 3.0


class NotCalled(BotoCoreError):
    """An AWS service is not called (again), because the request would take too long."""

    fmt = "{service} is not called: {reason}"


@dataclass(frozen=True)
class Aws:
    """Creates clients: our own for DynamoDB, and boto3's. boto3 is imported for the first of its clients, as this takes
    250 ms."""

    settings: Settings
    _clients: dict[tuple[str, bool, str], Any] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @cached_property
    def session(self) -> Any:
        import boto3

        return boto3.session.Session(region_name=self.settings.region)

    @cached_property
    def _credentials(self) -> Any:
        """botocore looks first at the variables of the environment, where Lambda provides them."""
        from botocore.credentials import EnvProvider

        found = EnvProvider().load() or self.session.get_credentials()
        if found is None:
            raise NoCredentialsError
        return found

    def client(self, service: str, *, fail_fast: bool = False, endpoint: str = "") -> Any:
        """A shared client. Clients, unlike boto3's sessions, are safe to share between threads.

        `fail_fast` makes one attempt with a timeout of one second, for calls whose result no response needs.
        `endpoint` is for services with a separate endpoint for each resource.
        """
        name = (service, fail_fast, endpoint)
        if name not in self._clients:
            with self._lock:
                if name not in self._clients:
                    self._clients[name] = self._create(service, fail_fast=fail_fast, endpoint=endpoint)
        return self._clients[name]

    def _create(self, service: str, *, fail_fast: bool, endpoint: str) -> Any:
        factor, read_timeout = self.settings.timeout_factor, read_seconds(service, fail_fast=fail_fast)
        create = self._dynamodb if service == "dynamodb" else partial(self._boto3, service)
        client = create(
            endpoint or self.settings.aws_endpoint or None,
            timeouts=(CONNECT_SECONDS * factor, read_timeout * factor),
            attempts=1 if fail_fast else ATTEMPTS,
        )
        limit = _TimeLimit(service, CONNECT_SECONDS + read_timeout, factor)
        client.meta.events.register("before-send", limit.before_attempt)
        client.meta.events.register("response-received", limit.after_attempt)
        if service == "dynamodb":
            client.meta.events.register("provide-client-params.dynamodb", _request_capacity)
            client.meta.events.register("after-call.dynamodb", _count_capacity)
        return client

    def _dynamodb(self, endpoint: str | None, *, timeouts: tuple[float, float], attempts: int) -> Any:
        from argus.core.dynamo_client import DynamoClient

        return DynamoClient.connect(
            region=self.settings.region,
            url=endpoint,
            credentials=self.credentials,
            timeouts=timeouts,
            attempts=attempts,
        )

    def _boto3(self, service: str, endpoint: str | None, *, timeouts: tuple[float, float], attempts: int) -> Any:
        from botocore.config import Config

        connect_timeout, read_timeout = timeouts
        config = Config(
            retries={"mode": "standard", "total_max_attempts": attempts},
            connect_timeout=connect_timeout,
            read_timeout=read_timeout,
            max_pool_connections=32,
            s3={"addressing_style": "path" if self.settings.aws_endpoint else "virtual"},
        )
        client = self.session.client(service, endpoint_url=endpoint, config=config)
        _ = client.exceptions  # created now: two threads that need them first would create two sets of classes
        return client

    def lazily(self, service: str, *, fail_fast: bool = False) -> ClientFactory:
        return lambda: self.client(service, fail_fast=fail_fast)

    def credentials(self) -> Credentials:
        """The credentials of this process. botocore knows the expiry of assumed roles, but not of Lambda's own role."""
        found = self._credentials
        frozen = found.get_frozen_credentials()
        return Credentials(frozen.access_key, frozen.secret_key, frozen.token, getattr(found, "_expiry_time", None))


def read_seconds(service: str, *, fail_fast: bool = False) -> float:
    """The read timeout of an attempt: until the first or the next byte of the response."""
    return FAIL_FAST_SECONDS if fail_fast else _READ_SECONDS.get(service, _DEFAULT_READ_SECONDS)


@dataclass(frozen=True)
class _TimeLimit:
    """Limits the time that a request waits for one service. Jobs have no such limit, only the timeout of the function.

    botocore emits `before-send` before each attempt; an exception that it does not retry ends the call.
    """

    service: str
    attempt_seconds: float  # at most
    factor: int
    attempt: threading.local = field(default_factory=threading.local)  # of this thread

    def before_attempt(self, **_: Any) -> None:
        """Raise NotCalled if the service has timed out MAX_TIMEOUTS times in this request, or if the attempt could
        outlast the request."""
        work = current_work()
        if work is None or work.aws_seconds is None:
            return
        if work.timeouts[self.service] >= MAX_TIMEOUTS:
            raise NotCalled(service=self.service, reason=f"it timed out {MAX_TIMEOUTS} times in this request")
        if work.ms / 1000 + self.attempt_seconds * self.factor > work.aws_seconds * self.factor:
            raise NotCalled(service=self.service, reason="the request has too little time left")
        self.attempt.started = time.perf_counter()

    def after_attempt(self, exception: Exception | None, **_: Any) -> None:
        work = current_work()
        if work is not None and isinstance(exception, ConnectTimeoutError | ReadTimeoutError):
            work.count_timeout(self.service, started=getattr(self.attempt, "started", math.inf))


def _request_capacity(params: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Request the consumed capacity from DynamoDB. All operations that Argus uses accept the parameter."""
    return {"ReturnConsumedCapacity": "TOTAL", **params}


def _count_capacity(parsed: dict[str, Any], **_: Any) -> None:
    """Add the consumed capacity of a call to its request or job."""
    work, consumed = current_work(), parsed.get("ConsumedCapacity")
    if work is None or not consumed:
        return
    tables = consumed if isinstance(consumed, list) else [consumed]  # batches and transactions list each table
    work.add_capacity(sum(table.get("CapacityUnits", 0.0) for table in tables))
