"""The runtime that services are built from: settings, clock, ids, AWS, and other services.

`argus.container.Container` is a runtime with the installed capabilities. The factories in a capability's `services`
receive it; tests create their own, with another clock or other settings.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, fields
from datetime import timedelta
from functools import cached_property, partial
from secrets import token_hex
from threading import RLock
from typing import TYPE_CHECKING, Any

from argus.core.aws import Aws
from argus.core.clock import Clock, utc_now
from argus.core.declarations import Build, Capability, TargetKind, Tool, load
from argus.core.dynamo import Table
from argus.core.idempotency import Idempotency
from argus.core.ids import Ids
from argus.core.objects import Objects
from argus.core.paging import Cursors
from argus.core.presign import Credentials, Presigner
from argus.core.queue import JobQueue
from argus.core.sealing import Sealer
from argus.core.secrets import Secrets
from argus.core.settings import BadSetting, Settings
from argus.core.signing import RoleCredentials

if TYPE_CHECKING:
    from argus.core.ratelimit import Limits


@dataclass(frozen=True)
class Runtime:
    """The tools of `core` and the services that capabilities declare, each built once, on first use.

    A service is an attribute: `runtime.<service>`. The clock and the fetching of keys can be replaced.
    """

    settings: Settings
    clock: Clock = utc_now
    fetch_keys: Callable[[str], bytes] | None = None  # how an issuer's JWKS is fetched
    capabilities: tuple[Capability, ...] = ()
    _lock: RLock = field(default_factory=RLock, init=False, repr=False, compare=False)
    _building: list[str] = field(default_factory=list, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Check the declarations at start rather than on first use.

        Raises BadSetting, and TypeError if two services, or a service and a tool, have the same name.
        """
        names = {*dir(type(self)), *(each.name for each in fields(self))}
        for capability in self.capabilities:
            if capability.settings is not None:
                self.settings.of(capability.settings)
            if taken := names & capability.services.keys():
                raise TypeError(f"{capability.name}: another service or tool is called {', '.join(sorted(taken))}")
            names |= capability.services.keys()

    # ------------------------------------------------------------ services

    def __getattr__(self, name: str) -> Any:
        """The service with this name. Python calls this for a missing attribute, and for a property that raised
        AttributeError."""
        if hasattr(type(self), name):
            return object.__getattribute__(self, name)  # raises the property's own error again
        build = next((one.services[name] for one in self.capabilities if name in one.services), None)
        if build is None:
            raise AttributeError(f"no capability declares a service {name!r}")
        with self._lock:
            if name not in self.__dict__:
                self.__dict__[name] = self._build(name, build)
            return self.__dict__[name]

    def _build(self, name: str, build: Build) -> Any:
        if name in self._building:
            raise TypeError(f"these services need each other: {' -> '.join([*self._building, name])}")
        self._building.append(name)
        try:
            return build(self)
        except AttributeError as error:  # otherwise it would look like a missing service
            raise TypeError(f"the service {name} cannot be built: {error}") from error
        finally:
            self._building.pop()

    def method(self, name: str) -> Callable[..., Any]:
        """The method of a service: `service.method`."""
        service, _, method = name.partition(".")
        found: Callable[..., Any] = getattr(getattr(self, service), method)
        return found

    def function(self, name: str) -> Callable[..., Any]:
        """The function with this name: `service.method`, or `module:function`."""
        return load(name) if ":" in name else self.method(name)

    # ------------------------------------------------------------ the declarations of all capabilities

    @cached_property
    def role_scopes(self) -> dict[str, frozenset[str]]:
        """The scopes of each role."""
        scopes = [scope for capability in self.capabilities for scope in capability.scopes]
        roles = {role for scope in scopes for role in scope.roles}
        return {role: frozenset(scope.name for scope in scopes if role in scope.roles) for role in roles}

    @cached_property
    def key_scopes(self) -> frozenset[str]:
        """The scopes that an API key can have."""
        return frozenset(scope.name for one in self.capabilities for scope in one.scopes if scope.for_keys)

    def event_scopes(self) -> dict[str, str]:
        """By kind of resource: the scope that receives its changes."""
        return {kind: scope for one in self.capabilities for kind, scope in one.events.items()}

    def job_functions(self) -> dict[str, tuple[str, ...]]:
        """By job: the functions that may run it."""
        return {name: job.functions for one in self.capabilities for name, job in one.jobs.items()}

    def target_kinds(self) -> dict[str, TargetKind]:
        """By name: the kinds of target that plugins can scan."""
        return {name: kind for one in self.capabilities for name, kind in one.targets.items()}

    def plugin_tools(self) -> dict[str, Tool]:
        """By permission: the tools that plugins can request."""
        return {permission: tool for one in self.capabilities for permission, tool in one.tools.items()}

    def tool_factories(self) -> dict[str, Callable[[str], Any]]:
        """By permission: the factory of an organisation's tool. The tool's module is imported on first use."""
        return {permission: partial(self._create_tool, tool) for permission, tool in self.plugin_tools().items()}

    def _create_tool(self, tool: Tool, organisation_id: str) -> Any:
        return tool.build(self)(organisation_id)

    def authenticators(self) -> dict[str, Callable[[str], Any]]:
        """By credential scheme: the function from the credentials to the caller."""
        return {scheme: self.method(name) for one in self.capabilities for scheme, name in one.authenticators.items()}

    def ready_checks(self) -> dict[str, Callable[[], object]]:
        """By name: the checks of readiness."""
        checks: dict[str, Callable[[], object]] = {}
        for capability in self.capabilities:
            checks |= capability.checks(self) if capability.checks else {}
        return checks

    # ------------------------------------------------------------ tools

    @cached_property
    def aws(self) -> Aws:
        return Aws(self.settings)

    @cached_property
    def secrets(self) -> Secrets:
        return Secrets(self.aws.client)

    @cached_property
    def ids(self) -> Ids:
        return Ids(self.clock)

    @cached_property
    def objects(self) -> Objects:
        return Objects(self.settings.media_bucket, self.aws.lazily("s3"))

    @cached_property
    def jobs(self) -> JobQueue:
        return self.job_queue()

    def job_queue(self, *, fail_fast: bool = False) -> JobQueue:
        """The queues of jobs; `fail_fast` is for jobs that no response depends on."""
        return JobQueue(self.settings.queue_url, self.aws.lazily("sqs", fail_fast=fail_fast), self.job_functions())

    @cached_property
    def link_credentials(self) -> Callable[[], Credentials]:
        role = self.settings.link_role
        return RoleCredentials(role, self.aws.lazily("sts"), self.clock) if role else self.aws.credentials

    @cached_property
    def links(self) -> Presigner:
        return Presigner(
            bucket=self.settings.media_bucket,
            region=self.settings.region,
            endpoint=self.settings.aws_endpoint or None,
            credentials=self.link_credentials,
            clock=self.clock,
            window_seconds=self.settings.link_window_seconds,
            lifetime_seconds=self.settings.link_seconds,
            upload_seconds=self.settings.upload_seconds,
            public_origin=self.settings.media_origin,
        )

    @cached_property
    def sealer(self) -> Sealer:
        secret = self.secrets.reveal(self.settings.cursor_secret)
        if not self.settings.is_local and len(secret) < 32:
            raise BadSetting("ARGUS_CURSOR_SECRET must be a secret of at least 32 characters")
        return Sealer(secret or token_hex())

    @cached_property
    def cursors(self) -> Cursors:
        return Cursors(self.sealer)

    @cached_property
    def idempotency(self) -> Idempotency:
        return Idempotency(self.table("requests"), self.clock)

    @cached_property
    def limits(self) -> "Limits":
        """The rate limits. Only functions that clients call count: the others do not contain `limits`."""
        from argus.core.ratelimit import Limits

        return Limits.make(
            table=self.table("requests", fail_fast=True),
            clock=self.clock,
            per_caller=self.settings.rate_limit,
            per_address=self.settings.ip_rate_limit,
            per_key=self.settings.key_rate_limits,
        )

    def table(self, name: str, *, fail_fast: bool = False) -> Table:
        """A capability's table; `fail_fast` is for calls that no response depends on."""
        return Table(self.settings.table(name), self.aws.lazily("dynamodb", fail_fast=fail_fast))

    @cached_property
    def lease(self) -> timedelta:
        return timedelta(seconds=self.settings.lease_seconds)
