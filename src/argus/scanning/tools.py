"""The tools that permissions grant to plugins, and the functions that run these plugins."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from argus.core.declarations import Tool
from argus.core.functions import WORKER


class RunTools(dict[str, Any]):
    """The tools of one run by permission, created on first use and shared by the plugins of the run."""

    def __init__(self, factories: Mapping[str, Callable[[str], Any]], organisation_id: str) -> None:
        super().__init__()
        self._factories = factories
        self._organisation_id = organisation_id

    def __missing__(self, permission: str) -> Any:
        self[permission] = self._factories[permission](self._organisation_id)
        return self[permission]


def functions_of(permissions: Iterable[str], tools: Mapping[str, Tool]) -> set[str]:
    """The functions that can run a plugin with these permissions: exactly one for a valid manifest."""
    return {tools[permission].function for permission in permissions} or {WORKER}
