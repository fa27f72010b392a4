"""Settings from the environment, read once. Those of `core` are here, those of a capability in its `capability.py`.

docs/settings.md lists them all; a test compares.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import Field, dataclass, field, fields
from typing import Any, TypeVar

from argus.core.errors import ArgusError
from argus.core.origins import check_origin
from argus.core.secrets import is_reference

LOCAL_STAGES = frozenset({"local", "test"})


class BadSetting(ArgusError):
    """A setting is missing or invalid."""


Kind = TypeVar("Kind")


def comma_separated(text: str) -> tuple[str, ...]:
    """The values of a list such as `a, b`, without surrounding space."""
    return tuple(value.strip() for value in text.split(",") if value.strip())


def _tiers(text: str) -> dict[str, str]:
    """`standard=1200 per minute,high=…`: the limit of each tier, the lowest tier first."""
    pairs = [entry.split("=") for entry in text.split(",")]
    tiers = {name.strip(): limit.strip() for name, limit in pairs}
    if len(tiers) < len(pairs) or not all(re.fullmatch(r"[a-z]{1,16}", name) for name in tiers):
        raise ValueError(f"{text!r} must contain one limit for each tier, and tiers are words of lower case letters")
    if next(iter(tiers)) != "standard":
        raise ValueError("the first tier must be standard")
    return tiers


def _switch(text: str) -> bool:
    return {"on": True, "off": False}[text]


def _switch_or_unset(text: str) -> bool | None:
    return _switch(text) if text else None


def _check_origins(variable: str, origins: Iterable[str], *, allow_http: bool = False) -> None:
    for origin in origins:
        try:
            check_origin(origin, allow_http=allow_http)
        except ValueError as error:
            raise BadSetting(f"{variable} is invalid: {error}") from error


def _is_argus_variable(variable: str) -> bool:
    return variable.startswith("ARGUS_") or variable == "AWS_REGION"


def setting(name: str, default: str, about: str, read: Callable[[str], Any] = str, *, secret: bool = False) -> Any:
    """A field of a settings dataclass: the variable, its default as text, its description, and its parser."""
    if not _is_argus_variable(name):
        raise TypeError(f"{name} neither begins with ARGUS_ nor is AWS_REGION")
    return field(metadata={"name": name, "default": default, "about": about, "read": read}, repr=not secret)


def declared(kind: type[Any]) -> Iterator[Field[Any]]:
    """The settings of a dataclass, in order."""
    return (each for each in fields(kind) if "name" in each.metadata)


def read(kind: type[Kind], variables: Mapping[str, str], **others: Any) -> Kind:
    """Read the settings of a dataclass from the environment. Raises BadSetting."""
    values = {}
    for each in declared(kind):
        about = each.metadata
        try:
            values[each.name] = about["read"](variables.get(about["name"], about["default"]))
        except (ValueError, TypeError, KeyError) as error:
            raise BadSetting(f"{about['name']} is invalid: {error}") from error
    return kind(**values, **others)


@dataclass(frozen=True)
class Settings:
    """Settings that differ between local, test, staging and production."""

    stage: str = setting("ARGUS_STAGE", "local", "`local`, `test`, `dev`, `staging` or `production`")
    region: str = setting("AWS_REGION", "eu-west-1", "AWS region; part of bucket names and queue URLs")
    account_id: str = setting("ARGUS_ACCOUNT_ID", "123456789012", "AWS account; part of bucket names and queue URLs")
    aws_endpoint: str = setting("ARGUS_AWS_ENDPOINT", "", "endpoint of the embedded AWS; unset, the real AWS")
    allowed_origins: tuple[str, ...] = setting(
        "ARGUS_ALLOWED_ORIGINS",
        "",
        "comma-separated web origins whose pages may use the API and the WebSocket API, exactly as browsers send them "
        "in `Origin`; `http://` only for loopback hosts, and in `local` and `test`",
        comma_separated,
    )
    cursor_secret: str = setting(
        "ARGUS_CURSOR_SECRET",
        "",
        "key that signs page cursors and links to pictures, at least 32 characters except in `local` and `test`; or a "
        "reference: `ssm:PARAMETER` or `secretsmanager:ARN`",
        secret=True,
    )
    log_level: str = setting("ARGUS_LOG_LEVEL", "INFO", "`DEBUG`, `INFO`, `WARNING` or `ERROR`")
    metrics: bool | None = setting(
        "ARGUS_METRICS",
        "",
        "`on` or `off`: CloudWatch metrics on standard output; by default on, except in `local` and `test`",
        _switch_or_unset,
    )
    tracing: bool = setting(
        "ARGUS_TRACING",
        "off",
        "`on` sends X-Ray segments to the daemon; on Lambda also enable active tracing",
        _switch,
    )
    sentry_dsn: str = setting(
        "ARGUS_SENTRY_DSN", "", "DSN of the Sentry project that receives errors, or a reference to it", secret=True
    )
    rate_limit: str = setting(
        "ARGUS_RATE_LIMIT",
        "600 per minute",
        "requests and WebSocket handshakes of a user, in the notation of flask-limiter",
    )
    ip_rate_limit: str = setting(
        "ARGUS_IP_RATE_LIMIT",
        "300 per minute",
        "requests of an address without a caller: to public routes, or with rejected credentials; and rejected "
        "WebSocket handshakes",
    )
    key_rate_limits: Mapping[str, str] = setting(
        "ARGUS_KEY_RATE_LIMITS",
        "standard=1200 per minute,high=6000 per minute",
        "requests of an API key by tier, lowest first; the first tier is `standard`",
        _tiers,
    )
    link_role: str = setting(
        "ARGUS_LINK_ROLE",
        "",
        "ARN of the role that signs links; on Lambda only the credentials of an assumed role have a known expiry",
    )
    link_seconds: int = setting("ARGUS_LINK_SECONDS", "3600", "lifetime of a presigned download link", int)
    link_window_seconds: int = setting(
        "ARGUS_LINK_WINDOW_SECONDS", "900", "how long requests get the same link, so that browsers can cache", int
    )
    media_origin: str = setting(
        "ARGUS_MEDIA_ORIGIN",
        "",
        "`https://` origin of a CloudFront distribution for media links; by default links lead to the bucket",
    )
    lease_seconds: int = setting(
        "ARGUS_LEASE_SECONDS",
        "300",
        "lease of the worker's claims: longer than its timeout, and shorter than the visibility timeout of its queues. "
        "A claim of the scanner lasts at most three minutes longer than the function's timeout",
        int,
    )
    upload_seconds: int = setting("ARGUS_UPLOAD_SECONDS", "3600", "lifetime of a presigned upload", int)

    environ: Mapping[str, str] = field(default_factory=dict, repr=False)  # the variables of capabilities' settings
    _of: dict[type[Any], Any] = field(default_factory=dict, init=False, repr=False, compare=False)

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> "Settings":
        own = {name: value for name, value in environ.items() if _is_argus_variable(name)}
        settings = read(cls, own, environ=own)
        settings.check()
        return settings

    def of(self, kind: type[Kind]) -> Kind:
        """The settings of a capability, a dataclass whose `check` may reject them. Raises BadSetting."""
        if kind not in self._of:
            new = read(kind, self.environ)
            if check := getattr(new, "check", None):
                check(self)
            self._of[kind] = new
        settings: Kind = self._of[kind]
        return settings

    def changed(self, **variables: str) -> "Settings":
        """A copy with other variables: `settings.changed(ARGUS_LOG_LEVEL="DEBUG")`. Raises BadSetting."""
        return self.from_env({**self.environ, **variables})

    def check(self) -> None:
        """Raise BadSetting for dangerous or inconsistent values."""
        if not re.fullmatch(r"[a-z]{2,16}", self.stage):
            raise BadSetting(f"ARGUS_STAGE must be 2-16 lower case letters, not {self.stage!r}")
        if not 0 < self.link_window_seconds < self.link_seconds <= 604_800:
            raise BadSetting(
                "ARGUS_LINK_WINDOW_SECONDS must be shorter than ARGUS_LINK_SECONDS, which is at most 604800 (a week)"
            )
        if not 60 <= self.upload_seconds <= 604_800:
            raise BadSetting("ARGUS_UPLOAD_SECONDS must be between 60 (a minute) and 604800 (a week)")
        if self.media_origin:
            _check_origins("ARGUS_MEDIA_ORIGIN", [self.media_origin])
        _check_origins("ARGUS_ALLOWED_ORIGINS", self.allowed_origins, allow_http=self.is_local)
        if self.is_local:
            return
        if not is_reference(self.cursor_secret) and len(self.cursor_secret) < 32:
            raise BadSetting("ARGUS_CURSOR_SECRET must have at least 32 characters")

    @property
    def is_local(self) -> bool:
        """Whether the stage uses the embedded AWS, whose signing key is public."""
        return self.stage in LOCAL_STAGES

    @property
    def timeout_factor(self) -> int:
        """By how much timeouts are longer than in AWS: the embedded AWS shares the processor with Argus."""
        return 30 if self.aws_endpoint else 1

    @property
    def metrics_on(self) -> bool:
        return not self.is_local if self.metrics is None else self.metrics

    @property
    def media_bucket(self) -> str:
        return f"argus-{self.stage}-media-{self.account_id}-{self.region}"

    def table(self, capability: str) -> str:
        return f"argus-{self.stage}-{capability}"

    def queue_url(self, queue: str) -> str:
        host = self.aws_endpoint or f"https://sqs.{self.region}.amazonaws.com"
        return f"{host}/{self.account_id}/argus-{self.stage}-{queue}"
