"""The tools that permissions give to plugins, and where plugins that ask for them run."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from argus.core.declarations import Tool
from argus.core.functions import WORKER


class RunTools(dict[str, Any]):
    """The tools of one run by permission, each made when it is first asked for and shared by the run's plugins."""

    def __init__(self, factories: Mapping[str, Callable[[str], Any]], organisation_id: str) -> None:
        super().__init__()
        self._factories = factories
        self._organisation_id = organisation_id

    def __missing__(self, permission: str) -> Any:
        self[permission] = self._factories[permission](self._organisation_id)
        return self[permission]


def functions_of(permissions: Iterable[str], tools: Mapping[str, Tool]) -> set[str]:
    """The functions that can run a plugin with these permissions: one, if its manifest is right."""
    return {tools[permission].function for permission in permissions} or {WORKER}
