"""Rate limits that hold across Lambdas: counters in DynamoDB, with the rules and the storage interface of `limits`.

Windows are fixed and aligned to the epoch. The end of the window is part of the key, so that counting is one atomic
write and nothing is ever reset. If DynamoDB does not respond, requests are admitted and a metric records it: a limit
protects the service, and rejecting every request would not.

A request or a WebSocket handshake is counted at most once, with one write: for its caller, or for the client's
address if it has no caller (public routes and rejected credentials). Each process caches the addresses that have
exceeded their quota, and rejects them without a write until their window ends. This module does not know how requests
arrive: `core.http` and the realtime function count them.
"""

import ipaddress
import logging
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from limits import RateLimitItem, parse
from limits.storage import Storage

from argus.core import metrics
from argus.core.caller import Caller
from argus.core.clock import Clock
from argus.core.dynamo import Table
from argus.core.errors import TooManyRequests

_SECONDS = {"second": 1, "minute": 60, "hour": 3600, "day": 86_400}
_MAX_CACHED = 10_000  # addresses; more than exceed their quota in one window of one process

_log = logging.getLogger("argus.ratelimit")


class DynamoStorage(Storage):
    """Counters in a table, with the interface of `limits`; registers itself for `dynamodb://`.

    `limits` ends every key with the amount, the multiple and the name of the period: `…/600/1/minute`.
    """

    STORAGE_SCHEME = ["dynamodb"]

    def __init__(self, uri: str | None = None, wrap_exceptions: bool = False, **options: Any) -> None:
        super().__init__(uri, wrap_exceptions=wrap_exceptions)
        self.table: Table = options["table"]
        self.clock: Clock = options["clock"]

    @property
    def base_exceptions(self) -> tuple[type[Exception], ...]:
        return (BotoCoreError, ClientError)

    def incr(self, key: str, expiry: float, amount: int = 1) -> int:
        """Add `amount` to the count of the current window, and return it."""
        end = self._window_end(key)
        return self.table.increment(self._pk(key, end), "window", by=amount, expires_at=end)

    def get(self, key: str) -> int:
        item = self.table.get(self._pk(key, self._window_end(key)), "window")
        return int(item["count"]) if item else 0

    def get_expiry(self, key: str) -> float:
        return self._window_end(key)

    def check(self) -> bool:
        self.table.get("limit#check", "window")
        return True

    def reset(self) -> int | None:
        return None  # would need a scan, and only tests would use it

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
    """A number of requests per window, for each caller or each address."""

    name: str
    limit: RateLimitItem

    @property
    def description(self) -> dict[str, Any]:
        return {"quota": self.limit.amount, "window_seconds": self.limit.get_expiry()}


@dataclass(frozen=True)
class RateLimitStatus:
    """The state of a limit: the count with this request, and the end of the window."""

    policy: Policy
    count: int
    ends_at: int

    @property
    def exceeded(self) -> bool:
        return self.count > self.policy.limit.amount


@dataclass(frozen=True)
class Limits:
    """The limits of users, of API keys by tier, and of addresses without a caller."""

    storage: DynamoStorage
    clock: Clock
    per_caller: Policy
    per_address: Policy
    per_key: Mapping[str, Policy]  # by tier, the standard one first
    _exceeded: dict[str, RateLimitStatus] = field(default_factory=dict)

    @classmethod
    def make(
        cls, *, table: Table, clock: Clock, per_caller: str, per_address: str, per_key: Mapping[str, str]
    ) -> "Limits":
        """Limits in the notation of `limits`, `600 per minute`; those of keys by tier. Raises ValueError."""
        return cls(
            DynamoStorage(table=table, clock=clock),
            clock,
            Policy("caller", parse(per_caller)),
            Policy("address", parse(per_address)),
            {tier: Policy(f"key-{tier}", parse(limit)) for tier, limit in per_key.items()},
        )

    def count_address(self, address: str) -> RateLimitStatus | None:
        """Count a request without a caller. None if DynamoDB does not respond, which admits the request."""
        network = network_of(address)
        cached = self._exceeded.get(network)
        if cached is not None and cached.ends_at > self.clock().timestamp():
            return cached
        status = self._count(self.per_address, network)
        if status is not None and status.exceeded:
            self._cache(network, status)
        return status

    def count_caller(self, caller: Caller) -> RateLimitStatus | None:
        """Count a request of an authenticated caller. None if DynamoDB does not respond, which admits the request."""
        policy = self._policy_of_tier(caller.tier) if caller.tier else self.per_caller
        return self._count(policy, f"{caller.organisation_id}:{caller.id}")

    def enforce(self, status: RateLimitStatus | None) -> None:
        """Raise TooManyRequests if the limit is exceeded."""
        if status is not None and status.exceeded:
            raise TooManyRequests(
                policy=status.policy.name,
                requests=status.policy.limit.amount,
                seconds=status.policy.limit.get_expiry(),
                retry_after_seconds=self.seconds_left(status),
            )

    def seconds_left(self, status: RateLimitStatus) -> int:
        """Until the window ends, at least 1."""
        return max(1, math.ceil(status.ends_at - self.clock().timestamp()))

    def description(self) -> dict[str, Any]:
        """The limits, for the OpenAPI document."""
        return {
            policy.name: policy.description for policy in (self.per_caller, *self.per_key.values(), self.per_address)
        }

    def _policy_of_tier(self, tier: str) -> Policy:
        """The policy of a tier; the standard one if the settings no longer contain the tier."""
        return self.per_key.get(tier) or next(iter(self.per_key.values()))

    def _count(self, policy: Policy, key: str) -> RateLimitStatus | None:
        limit = policy.limit
        storage_key = limit.key_for(policy.name, key)
        ends_at = _window_end(self.clock, limit.get_expiry())
        try:
            return RateLimitStatus(policy, self.storage.incr(storage_key, limit.get_expiry()), ends_at)
        except (BotoCoreError, ClientError, OSError) as error:
            _log.warning("rate limit not counted, request admitted", exc_info=error)
            metrics.record({"rate_limit_unavailable": 1})
            return None

    def _cache(self, network: str, status: RateLimitStatus) -> None:
        if len(self._exceeded) >= _MAX_CACHED:
            self._exceeded.clear()  # their next request is counted, rejected and cached again
        self._exceeded[network] = status


def network_of(address: str) -> str:
    """The network that is limited as one client: an IPv4 address, or the /64 network of an IPv6 address."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return "unknown"
    if parsed.version == 4:
        return str(parsed)
    return str(parsed.ipv4_mapped or ipaddress.ip_network((parsed, 64), strict=False))
