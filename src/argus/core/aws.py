"""Clients for AWS, real or embedded. One session; each client is made on first use and kept."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from argus.core.observability import current_work
from argus.core.presign import Credentials
from argus.core.settings import Settings

ClientFactory = Callable[[], Any]


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

        `fail_fast` asks AWS once and waits a second: for calls whose result is worth no more.
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

        factor = self.settings.timeout_factor
        config = Config(
            retries={"mode": "standard", "total_max_attempts": 1 if fail_fast else 4},
            connect_timeout=(1 if fail_fast else 2) * factor,
            read_timeout=(1 if fail_fast else 25 if service == "sqs" else 10) * factor,  # a long poll waits 20 s
            max_pool_connections=32,
            s3={"addressing_style": "path" if self.settings.aws_endpoint else "virtual"},
        )
        address = endpoint or self.settings.aws_endpoint or None
        made = self.session.client(service, endpoint_url=address, config=config)
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
