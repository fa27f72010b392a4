"""What a capability declares about itself, in the `capability.py` of its folder.

The application, the container, the workers, the settings, the documents and the tests read these declarations; there is
no other list of capabilities. Only its texts for users are elsewhere: in `messages.py` of its folder. Whatever is slow
to import is named rather than imported: `module:name` for an object, `service.method` for a method of a service that
some capability declares.
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

    Its resource is in the capability's template. `shared` are the prefixes of partition keys that do not begin with
    an organisation, each with the reason: what lies there belongs to no tenant.
    """

    name: str
    partition_key: str
    sort_key: str
    index: str = "none"
    shared: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Scope:
    """A permission that routes ask for, and the roles that hold it."""

    name: str  # `images:read`
    about: str
    roles: tuple[str, ...]
    for_keys: bool = True  # whether an API key may carry it


@dataclass(frozen=True)
class JobHandler:
    """A job: the method that runs it, the method that reports that its last attempt failed, and the functions that may
    run it. It can be sent to no other function, and no other runs it."""

    run: str
    give_up: str
    functions: tuple[str, ...] = (WORKER,)


@dataclass(frozen=True)
class TargetKind:
    """A kind of thing that plugins scan. The functions are named: `service.method`, or `module:function`."""

    about: str
    given_by: Literal["id", "value"]  # the id of a thing that Argus holds, or a name from outside
    canonical: str  # text -> canonical text; raises Invalid for text that cannot name such a target
    authorise: str  # caller, value -> anything; raises unless the caller may have it scanned
    label: str | None = None  # organisation, value -> what people call it, None when it is gone; left out: the value
    link: str | None = None  # path of the API: `/api/v1/images/{value}`
    # organisation, value, with_picture=... -> `reports.model.TargetSection`, None when the target is gone
    report_section: str | None = None


Build = Callable[["Runtime"], Any]


@dataclass(frozen=True)
class Tool:
    """What a permission gives a plugin."""

    about: str
    build: Build  # runtime -> factory; a factory makes the tool of an organisation, one for each run
    function: str = WORKER  # the Lambda function that runs plugins with this permission


@dataclass(frozen=True)
class Capability:
    """One capability. Every field but the name and its description may be left out."""

    name: str  # of its folder and of its template
    about: str
    tables: tuple[Table, ...] = ()
    scopes: tuple[Scope, ...] = ()
    settings: type[Any] | None = None  # a dataclass of `core.settings.setting`s; its `check(settings)` may refuse them
    services: Mapping[str, Build] = field(default_factory=dict)  # by the name under which others find them
    blueprints: tuple[str, ...] = ()  # `module:factory`; a factory takes the runtime
    prefix: str = API_PREFIX
    authenticators: Mapping[str, str] = field(default_factory=dict)  # scheme of credentials -> method: text -> caller
    checks: Callable[["Runtime"], Mapping[str, Callable[[], object]]] | None = None  # what `/ready` asks, by name
    jobs: Mapping[str, JobHandler] = field(default_factory=dict)
    objects: Mapping[str, str] = field(default_factory=dict)  # folder in an organisation's bucket -> job of an upload
    ticks: Mapping[str, str] = field(default_factory=dict)  # sweep -> method that every tick of the scheduler calls
    targets: Mapping[str, TargetKind] = field(default_factory=dict)  # by the name of the kind
    tools: Mapping[str, Tool] = field(default_factory=dict)  # by the permission that plugins ask for
    events: Mapping[str, str] = field(default_factory=dict)  # kind of thing -> scope that receives its changes
    migrations: Mapping[str, str] = field(default_factory=dict)  # name -> `module:function`, oldest first


def load(name: str) -> Any:
    """The object that `module:name` names."""
    module, _, attribute = name.partition(":")
    return getattr(import_module(module), attribute)
