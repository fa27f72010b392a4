"""Counts the current request, and describes its limit in the headers of the response."""

from collections.abc import Mapping
from dataclasses import dataclass

from flask import Flask, g
from flask_limiter import Limiter

from argus.core.caller import Caller
from argus.core.http.access import client_address
from argus.core.ratelimit import Limits, RateLimitStatus, network_of


@dataclass(frozen=True)
class RequestLimits:
    """The limits, applied to the current request of Flask."""

    limits: Limits

    def install(self, app: Flask) -> None:
        """Install flask-limiter with the same table. It has no limits of its own: the hooks count every request."""
        options = {"table": self.limits.storage.table, "clock": self.limits.clock}
        Limiter(
            lambda: network_of(client_address()),
            storage_uri="dynamodb://",
            storage_options=options,  # type: ignore[arg-type]  # the type hints allow only text
            strategy="fixed-window",
        ).init_app(app)

    def count_address(self) -> None:
        """Count a request without a caller. Raises TooManyRequests."""
        self._enforce(self.limits.count_address(client_address()))

    def count_caller(self, caller: Caller) -> None:
        """Count a request of an authenticated caller. Raises TooManyRequests."""
        self._enforce(self.limits.count_caller(caller))

    def headers(self) -> Mapping[str, str]:
        """The rate limit headers of this response: draft-ietf-httpapi-ratelimit-headers-10."""
        status: RateLimitStatus | None = g.get("rate_limit")
        if status is None:
            return {}
        policy, limit = status.policy, status.policy.limit
        remaining = max(0, limit.amount - status.count)
        return {
            "RateLimit-Policy": f'"{policy.name}";q={limit.amount};w={limit.get_expiry()}',
            "RateLimit": f'"{policy.name}";r={remaining};t={self.limits.seconds_left(status)}',
        }

    def _enforce(self, status: RateLimitStatus | None) -> None:
        g.rate_limit = status
        self.limits.enforce(status)
