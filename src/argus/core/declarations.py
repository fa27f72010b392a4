"""What a capability declares about itself, in the `capability.py` of its folder.

The application, the container, the workers, the settings, the documents and the tests read these declarations; there is
no other list of capabilities. Texts for users are in `messages.py` of the folder. Modules that are slow to import are
named, not imported: `module:name` is an object, and `service.method` is a method of a service that any capability
declares.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Any, Literal

from argus.core.functions import WORKER

if TYPE_CHECKING:
    from argus.core.runtime import Runtime

API_PREFIX = "/api/v1"


@dataclass(frozen=True)
class Table:
    """The DynamoDB table `argus-<stage>-<name>` and its keys, as docs/data.md shows them.

    Its resource is in the capability's template. `prefixes_without_organisation` contains the prefixes of partition
    keys that do not begin with an organisation, each with the reason: their items belong to no tenant.
    """

    name: str
    partition_key: str
    sort_key: str
    index: str = "none"
    prefixes_without_organisation: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Scope:
    """A permission that routes require, and the roles that have it."""

    name: str  # `<resources>:read` or `<resources>:write`
    about: str
    roles: tuple[str, ...]
    for_keys: bool = True  # whether an API key can have it


@dataclass(frozen=True)
class JobHandler:
    """A job: the method that runs it, the method that handles its last failure, and the functions that may run it. It
    cannot be sent to any other function."""

    run: str
    give_up: str
    functions: tuple[str, ...] = (WORKER,)


@dataclass(frozen=True)
class TargetKind:
    """A kind of target that plugins scan. Functions are named: `service.method` or `module:function`."""

    about: str
    given_by: Literal["id", "value"]  # the id of a resource of Argus, or an external name
    canonical: str  # text -> canonical text; raises Invalid for an invalid target
    authorise: str  # caller, value -> ignored; raises unless the caller may scan the target
    label: str | None = None  # organisation, value -> display name, None if deleted; default: the value
    link: str | None = None  # path of the API, with `{value}`
    # organisation, value, with_blocks=... -> the target's section of a report, None if the target is deleted;
    # `with_blocks` is true if the format of the report renders the blocks of the section
    report_section: str | None = None
    report_columns: str | None = None  # `module:name` of a tuple: the columns of its findings in reports


Build = Callable[["Runtime"], Any]


@dataclass(frozen=True)
class Tool:
    """The tool that a permission gives to a plugin."""

    about: str
    build: Build  # runtime -> factory; the factory creates the tool of an organisation, one per run
    function: str = WORKER  # the Lambda function that runs plugins with this permission


@dataclass(frozen=True)
class Capability:
    """One capability. Every field except the name and the description is optional."""

    name: str  # of its folder and of its template
    about: str
    tables: tuple[Table, ...] = ()
    scopes: tuple[Scope, ...] = ()
    settings: type[Any] | None = None  # a dataclass of `core.settings.setting`s; `check(settings)` may reject them
    services: Mapping[str, Build] = field(default_factory=dict)  # name -> how it is built, on first use
    blueprints: tuple[str, ...] = ()  # `module:factory`; a factory takes the runtime
    prefix: str = API_PREFIX
    authenticators: Mapping[str, str] = field(default_factory=dict)  # credential scheme -> method: text -> caller
    checks: Callable[["Runtime"], Mapping[str, Callable[[], object]]] | None = None  # of readiness, by name
    jobs: Mapping[str, JobHandler] = field(default_factory=dict)
    objects: Mapping[str, str] = field(default_factory=dict)  # folder, below the organisation's -> job of an upload
    ticks: Mapping[str, str] = field(default_factory=dict)  # sweep -> method that every tick of the scheduler calls
    targets: Mapping[str, TargetKind] = field(default_factory=dict)  # by name
    tools: Mapping[str, Tool] = field(default_factory=dict)  # by permission
    events: Mapping[str, str] = field(default_factory=dict)  # kind of resource -> scope that receives its changes
    migrations: Mapping[str, str] = field(default_factory=dict)  # name -> `module:function`, oldest first


def load(name: str) -> Any:
    """The object that `module:name` names."""
    module, _, attribute = name.partition(":")
    return getattr(import_module(module), attribute)
