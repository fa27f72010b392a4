"""Rate limits that hold across Lambdas: flask-limiter, counting in DynamoDB.

Fixed windows, aligned to the epoch: the window's end is part of the key, so that counting is one atomic write and
nothing is ever reset. When DynamoDB does not answer, requests are admitted and a metric says so: a limit protects the
service, and refusing everyone would not.

Every request is counted once, and costs one write: for its caller when there is one, else — a public route, or
credentials that were refused — for the address it came from. The count itself tells whether an address has spent its
quota; each process remembers those that have, and until their window ends refuses them without a write.
"""

import ipaddress
import logging
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from botocore.exceptions import BotoCoreError, ClientError
from flask import Flask, g
from flask_limiter import Limiter
from limits import RateLimitItem, parse
from limits.storage import Storage

from argus.core import metrics
from argus.core.caller import Caller
from argus.core.clock import Clock
from argus.core.dynamo import Table
from argus.core.errors import TooManyRequests
from argus.core.http import client_address

_SECONDS = {"second": 1, "minute": 60, "hour": 3600, "day": 86_400}
_REMEMBERED = 10_000  # addresses; more than spend their quota in one window of one process

_log = logging.getLogger("argus.ratelimit")


class DynamoStorage(Storage):
    """Counters in a table, with the verbs of `limits`; it registers itself for `dynamodb://`.

    `limits` ends every key with the amount, the multiple and the name of the period: `…/600/1/minute`.
    """

    STORAGE_SCHEME = ["dynamodb"]

    def __init__(self, uri: str | None = None, wrap_exceptions: bool = False, **needs: Any) -> None:
        super().__init__(uri, wrap_exceptions=wrap_exceptions)
        self.table: Table = needs["table"]
        self.clock: Clock = needs["clock"]

    @property
    def base_exceptions(self) -> tuple[type[Exception], ...]:
        return (BotoCoreError, ClientError)

    def incr(self, key: str, expiry: float, amount: int = 1) -> int:
        """The count in the present window, after adding `amount`."""
        end = self._window_end(key)
        return self.table.count(self._pk(key, end), "window", by=amount, expires_at=end)

    def get(self, key: str) -> int:
        item = self.table.get(self._pk(key, self._window_end(key)), "window")
        return int(item["count"]) if item else 0

    def get_expiry(self, key: str) -> float:
        return self._window_end(key)

    def check(self) -> bool:
        self.table.get("limit#check", "window")
        return True

    def reset(self) -> int | None:
        return None  # would need a scan, and only tests would ask for it

    def clear(self, key: str) -> None:
        self.table.delete(self._pk(key, self._window_end(key)), "window")

    def _window_end(self, key: str) -> int:
        *_, multiple, period = key.split("/")
        return _window_end(self.clock, int(multiple) * _SECONDS[period])

    @staticmethod
    def _pk(key: str, end: int) -> str:
        return f"limit#{key}#{end}"


def _window_end(clock: Clock, seconds: int) -> int:
    return (int(clock().timestamp()) // seconds + 1) * seconds


@dataclass(frozen=True)
class Policy:
    """So many requests in so many seconds, for each caller or each address."""

    name: str
    limit: RateLimitItem

    @property
    def described(self) -> dict[str, Any]:
        return {"quota": self.limit.amount, "window_seconds": self.limit.get_expiry()}


@dataclass(frozen=True)
class RateLimitStatus:
    """How someone stands with a policy: the count after this request, in the window that ends then."""

    policy: Policy
    count: int
    ends_at: int

    @property
    def spent(self) -> bool:
        return self.count > self.policy.limit.amount


@dataclass(frozen=True)
class Limits:
    """What a person, a key of each tier, and an address without a caller may ask of the API."""

    limiter: Limiter
    clock: Clock
    per_caller: Policy
    per_address: Policy
    per_key: Mapping[str, Policy]  # by tier, the standard one first
    _spent: dict[str, RateLimitStatus] = field(default_factory=dict)

    @classmethod
    def make(
        cls, *, table: Table, clock: Clock, per_caller: str, per_address: str, per_key: Mapping[str, str]
    ) -> "Limits":
        """Limits as flask-limiter spells them, `600 per minute`; those of keys by their tier."""
        limiter = Limiter(
            lambda: _network(client_address()),
            storage_uri="dynamodb://",
            storage_options=cast(dict[str, Any], {"table": table, "clock": clock}),
            strategy="fixed-window",
        )  # no limits of its own: `core.http` counts, before or after it knows who calls
        return cls(
            limiter,
            clock,
            Policy("caller", parse(per_caller)),
            Policy("address", parse(per_address)),
            {tier: Policy(f"key-{tier}", parse(limit)) for tier, limit in per_key.items()},
        )

    def install(self, app: Flask) -> None:
        self.limiter.init_app(app)

    def count_address(self) -> None:
        """Count a request without a caller; raise `TooManyRequests` when that is one too many."""
        address = _network(client_address())
        known = self._spent.get(address)
        if known is not None and known.ends_at > self.clock().timestamp():
            self._judge(known)
        status = self._count(self.per_address, address)
        if status is not None and status.spent:
            self._remember(address, status)
        self._judge(status)

    def count_caller(self, caller: Caller) -> None:
        """Count a request of someone known; raise `TooManyRequests` when that is one too many."""
        policy = self._of_tier(caller.tier) if caller.tier else self.per_caller
        self._judge(self._count(policy, f"{caller.organisation_id}:{caller.id}"))

    def headers(self) -> Mapping[str, str]:
        """What this request's answer says of limits: draft-ietf-httpapi-ratelimit-headers-10."""
        status: RateLimitStatus | None = g.get("rate_limit")
        if status is None:
            return {}
        policy, limit = status.policy, status.policy.limit
        remaining = max(0, limit.amount - status.count)
        return {
            "RateLimit-Policy": f'"{policy.name}";q={limit.amount};w={limit.get_expiry()}',
            "RateLimit": f'"{policy.name}";r={remaining};t={self._seconds_left(status)}',
        }

    def described(self) -> dict[str, Any]:
        """The limits, for the OpenAPI document."""
        return {policy.name: policy.described for policy in (self.per_caller, *self.per_key.values(), self.per_address)}

    def _of_tier(self, tier: str) -> Policy:
        """A tier that the settings no longer name is the standard one."""
        return self.per_key.get(tier) or next(iter(self.per_key.values()))

    def _count(self, policy: Policy, whom: str) -> RateLimitStatus | None:
        """None when nobody can count: then nobody is refused."""
        limit = policy.limit
        key = limit.key_for(policy.name, whom)
        storage = cast(DynamoStorage, self.limiter.storage)
        ends_at = _window_end(self.clock, limit.get_expiry())
        try:
            return RateLimitStatus(policy, storage.incr(key, limit.get_expiry()), ends_at)
        except (BotoCoreError, ClientError, OSError) as error:
            _log.warning("rate limit not counted, request admitted", exc_info=error)
            metrics.record({"rate_limit_unavailable": 1})
            return None

    def _judge(self, status: RateLimitStatus | None) -> None:
        g.rate_limit = status
        if status is not None and status.spent:
            raise TooManyRequests(
                policy=status.policy.name,
                limit=str(status.policy.limit),
                retry_after_seconds=self._seconds_left(status),
            )

    def _remember(self, address: str, status: RateLimitStatus) -> None:
        if len(self._spent) >= _REMEMBERED:
            self._spent.clear()  # they are counted anew, and stand here again with their next request
        self._spent[address] = status

    def _seconds_left(self, status: RateLimitStatus) -> int:
        return max(1, math.ceil(status.ends_at - self.clock().timestamp()))


def _network(address: str) -> str:
    """Whom an address stands for: of IPv6, the /64 that one line or host has to itself."""
    try:
        known = ipaddress.ip_address(address)
    except ValueError:
        return "unknown"
    if known.version == 4:
        return str(known)
    return str(known.ipv4_mapped or ipaddress.ip_network((known, 64), strict=False))
