"""Settings, read once from the environment: those of `core` here, those of a capability in its `capability.py`.

docs/settings.md lists them all; a test compares.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import Field, dataclass, field, fields
from typing import Any, TypeVar

from argus.core.errors import ArgusError
from argus.core.secrets import is_reference

LOCAL_STAGES = frozenset({"local", "test"})


class BadSetting(ArgusError):
    """A setting is missing or wrong."""


Kind = TypeVar("Kind")


def names(text: str) -> tuple[str, ...]:
    """`a, b`: each without the space around it."""
    return tuple(name.strip() for name in text.split(",") if name.strip())


def _tiers(text: str) -> dict[str, str]:
    """`standard=1200 per minute,high=…`: the limit of each tier, the lowest tier first."""
    pairs = [entry.split("=") for entry in text.split(",")]
    tiers = {name.strip(): limit.strip() for name, limit in pairs}
    if len(tiers) < len(pairs) or not all(re.fullmatch(r"[a-z]{1,16}", name) for name in tiers):
        raise ValueError(f"{text!r} does not give each tier, a word of small letters, one limit")
    if next(iter(tiers)) != "standard":
        raise ValueError("the first tier is not standard")
    return tiers


def _switch(text: str) -> bool:
    return {"on": True, "off": False}[text]


def _switch_or_unset(text: str) -> bool | None:
    return _switch(text) if text else None


def _is_ours(variable: str) -> bool:
    return variable.startswith("ARGUS_") or variable == "AWS_REGION"


def setting(name: str, default: str, about: str, read: Callable[[str], Any] = str, *, secret: bool = False) -> Any:
    """A field of a dataclass of settings: the variable, its text when unset, what it is, and how it is read."""
    if not _is_ours(name):
        raise TypeError(f"{name} does not begin with ARGUS_")
    return field(metadata={"name": name, "default": default, "about": about, "read": read}, repr=not secret)


def declared(kind: type[Any]) -> Iterator[Field[Any]]:
    """The settings of a dataclass, in their order."""
    return (each for each in fields(kind) if "name" in each.metadata)


def read(kind: type[Kind], variables: Mapping[str, str], **others: Any) -> Kind:
    """The settings of a dataclass, from the environment. Raises BadSetting."""
    values = {}
    for each in declared(kind):
        about = each.metadata
        try:
            values[each.name] = about["read"](variables.get(about["name"], about["default"]))
        except (ValueError, TypeError, KeyError) as error:
            raise BadSetting(f"{about['name']} cannot be read: {error}") from error
    return kind(**values, **others)


@dataclass(frozen=True)
class Settings:
    """What differs between a laptop, a test, staging and production."""

    stage: str = setting("ARGUS_STAGE", "local", "`local`, `test`, `dev`, `staging` or `production`")
    region: str = setting("AWS_REGION", "eu-west-1", "AWS region")
    account_id: str = setting("ARGUS_ACCOUNT_ID", "123456789012", "AWS account; part of bucket names and queue URLs")
    aws_endpoint: str = setting("ARGUS_AWS_ENDPOINT", "", "embedded AWS to use instead of the real one")
    allowed_origins: tuple[str, ...] = setting(
        "ARGUS_ALLOWED_ORIGINS", "", "comma-separated web origins that CORS admits", names
    )
    cursor_secret: str = setting(
        "ARGUS_CURSOR_SECRET",
        "",
        "key that signs page cursors, 32 characters or more outside `local`; or where it is kept: "
        "`ssm:PARAMETER`, `secretsmanager:ARN`",
        secret=True,
    )
    log_level: str = setting("ARGUS_LOG_LEVEL", "INFO", "`DEBUG`, `INFO`, `WARNING` or `ERROR`")
    metrics: bool | None = setting(
        "ARGUS_METRICS",
        "",
        "`on` or `off`: metrics for CloudWatch on standard output; unset, on outside `local`",
        _switch_or_unset,
    )
    tracing: bool = setting(
        "ARGUS_TRACING",
        "off",
        "`on` sends X-Ray segments to the daemon; on Lambda its active tracing must be on",
        _switch,
    )
    sentry_dsn: str = setting(
        "ARGUS_SENTRY_DSN", "", "Sentry project that errors are sent to, or where the DSN is kept", secret=True
    )
    rate_limit: str = setting(
        "ARGUS_RATE_LIMIT", "600 per minute", "requests a user may make, as flask-limiter says it"
    )
    ip_rate_limit: str = setting(
        "ARGUS_IP_RATE_LIMIT",
        "300 per minute",
        "requests an address may make without a caller: to public routes, or with credentials that are refused",
    )
    key_rate_limits: Mapping[str, str] = setting(
        "ARGUS_KEY_RATE_LIMITS",
        "standard=1200 per minute,high=6000 per minute",
        "requests an API key may make, by its tier: the lowest tier first, and that is `standard`",
        _tiers,
    )
    link_role: str = setting(
        "ARGUS_LINK_ROLE", "", "ARN of a role that signs links; on Lambda only such credentials tell when they end"
    )
    link_seconds: int = setting("ARGUS_LINK_SECONDS", "3600", "how long a presigned download lives", int)
    link_window_seconds: int = setting(
        "ARGUS_LINK_WINDOW_SECONDS", "900", "how long the same link is handed out, so that browsers cache it", int
    )
    media_origin: str = setting(
        "ARGUS_MEDIA_ORIGIN",
        "",
        "where links to media lead instead of the bucket: the `https://` origin of a CloudFront that passes them on",
    )
    lease_seconds: int = setting(
        "ARGUS_LEASE_SECONDS",
        "300",
        "how long the worker holds a work item without renewing its claim: longer than it may run, and shorter than "
        "the visibility timeout of its queues. The scanner's claims last as long as it may run, and three minutes",
        int,
    )
    upload_seconds: int = setting("ARGUS_UPLOAD_SECONDS", "3600", "how long a presigned upload is open", int)

    environ: Mapping[str, str] = field(default_factory=dict, repr=False)  # what capabilities read theirs from
    _of: dict[type[Any], Any] = field(default_factory=dict, init=False, repr=False, compare=False)

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> "Settings":
        ours = {name: value for name, value in environ.items() if _is_ours(name)}
        settings = read(cls, ours, environ=ours)
        settings.check()
        return settings

    def of(self, kind: type[Kind]) -> Kind:
        """A capability's settings, a dataclass whose `check` may refuse them. Raises BadSetting."""
        if kind not in self._of:
            found = read(kind, self.environ)
            if check := getattr(found, "check", None):
                check(self)
            self._of[kind] = found
        settings: Kind = self._of[kind]
        return settings

    def changed(self, **variables: str) -> "Settings":
        """The same but for some variables: `settings.changed(ARGUS_LOG_LEVEL="DEBUG")`. Raises BadSetting."""
        return self.from_env({**self.environ, **variables})

    def check(self) -> None:
        """Refuse what would be dangerous, before the first request."""
        if not re.fullmatch(r"[a-z]{2,16}", self.stage):
            raise BadSetting(f"ARGUS_STAGE is {self.stage!r}, not 2-16 small letters")
        if not 0 < self.link_window_seconds < self.link_seconds <= 604_800:
            raise BadSetting(
                "ARGUS_LINK_WINDOW_SECONDS must be shorter than ARGUS_LINK_SECONDS, and that a week at most"
            )
        if not 60 <= self.upload_seconds <= 604_800:
            raise BadSetting("ARGUS_UPLOAD_SECONDS is between a minute and a week")
        if not re.fullmatch(r"(https://[a-z0-9.-]+)?", self.media_origin):
            raise BadSetting("ARGUS_MEDIA_ORIGIN is an origin such as https://argus.example.com, or empty")
        if "*" in self.allowed_origins:
            raise BadSetting("ARGUS_ALLOWED_ORIGINS names origins; * would admit every site")
        if self.is_local:
            return
        if not is_reference(self.cursor_secret) and len(self.cursor_secret) < 32:
            raise BadSetting("ARGUS_CURSOR_SECRET has fewer than 32 characters")

    @property
    def is_local(self) -> bool:
        """On the embedded AWS, whose signing key is public knowledge."""
        return self.stage in LOCAL_STAGES

    @property
    def timeout_factor(self) -> int:
        """How many times longer a call may take than in AWS: the embedded one shares our processor."""
        return 30 if self.aws_endpoint else 1

    @property
    def metrics_on(self) -> bool:
        return not self.is_local if self.metrics is None else self.metrics

    @property
    def media_bucket(self) -> str:
        return f"argus-{self.stage}-media-{self.account_id}"

    def table(self, capability: str) -> str:
        return f"argus-{self.stage}-{capability}"

    def queue_url(self, queue: str) -> str:
        host = self.aws_endpoint or f"https://sqs.{self.region}.amazonaws.com"
        return f"{host}/{self.account_id}/argus-{self.stage}-{queue}"
