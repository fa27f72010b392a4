"""Plugins whose behaviour is set by the test: the engine's view of a plugin, without an image."""

import signal
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any, cast

from argus.container import Container
from argus.core.declarations import Tool
from argus.core.functions import SCANNER
from argus.scanning.catalogue import Catalogue
from argus.scanning.model import Finding, Severity, Target
from argus.scanning.plugin import RunFunction, Tools

Script = Callable[[Tools], Iterable[Finding]]


def spot(location_key: str, *, severity: Severity | None = None, rule: str = "spot", evidence: Any = None) -> Finding:
    return Finding(rule, {"at": location_key}, evidence or {}, location_key, severity=severity)


def time_runs_out(_tools: Tools) -> Iterable[Finding]:
    """The function times out while the plugin runs."""
    yield spot("partial")
    signal.raise_signal(signal.SIGALRM)


@dataclass
class Scripted:
    """A plugin whose findings are set by the test."""

    id: str
    script: Script = field(default=lambda _tools: ())
    version: str = "1.0.0"
    target_kinds: tuple[str, ...] = ("image",)
    permissions: tuple[str, ...] = ()
    budget: Any = field(default_factory=lambda: SimpleNamespace(seconds=45, requests=0))
    runs: int = 0

    @property
    def rules(self) -> dict[str, Any]:
        rule = SimpleNamespace(
            title="A spot", severity="medium", description="There is a spot.", remediation="Clean it."
        )
        return {"spot": rule}

    def finds(self, *location_keys: str) -> None:
        self.script = lambda _tools: [spot(location_key) for location_key in location_keys]

    def check_options(self, options: Mapping[str, Any]) -> dict[str, Any]:
        return dict(options)

    def as_wire(self) -> dict[str, Any]:
        return {"id": self.id, "version": self.version}

    def sensitivity(self, options: Mapping[str, Any]) -> dict[str, Any]:
        return dict(options)

    def is_as_sensitive(self, options: Mapping[str, Any], *, as_with: Mapping[str, Any]) -> bool:
        """Like a manifest whose only option, `delta`, narrows when raised."""
        return options.get("delta", 0) <= as_with.get("delta", 0)

    def load_run(self) -> RunFunction:
        def run(_target: Target, tools: Tools, _options: Mapping[str, Any]) -> Iterator[Finding]:
            self.runs += 1
            yield from self.script(tools)

        return run


def add_network_plugin(argus: Container) -> Scripted:
    """Install a plugin whose permission belongs to the scanner function."""
    plugin: Any = Scripted("network_probe", permissions=("network",), script=lambda _tools: [spot("443")])
    manifests: Any = argus.catalogue.manifests
    manifests[plugin.id] = plugin
    scanning: Any = argus.scanning
    scanning.tools["network"] = Tool("Calls hosts", lambda _: lambda _organisation_id: None, function=SCANNER)
    scanning.engine.plugin_tools["network"] = lambda _organisation_id: None
    return cast(Scripted, plugin)


def container_with(argus: Container, *plugins: Scripted, **changes: Any) -> Container:
    """A separate container with only these plugins."""
    arguments = {"clock": argus.clock, "fetch_keys": argus.fetch_keys, **changes}
    container = Container(argus.settings, **arguments)
    catalogue: Any = {plugin.id: plugin for plugin in plugins}
    vars(container)["catalogue"] = Catalogue(catalogue)
    return container


def admit_every_image(argus: Container) -> None:
    """Allow scans of images that do not exist."""

    def function(name: str) -> Callable[..., Any]:
        return (lambda _caller, _id: None) if name == "imagery.ready" else argus.function(name)

    object.__setattr__(argus.scanning, "targets", replace(argus.scanning.targets, function=function))
