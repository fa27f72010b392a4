"""The interface of plugins. A plugin is a function `run(target, tools, options)` that yields `Finding`s."""

import logging
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from argus.core.errors import Forbidden, UserError
from argus.scanning.model import Finding, Target
from argus.scanning.positions import PositionMatcher

RunFunction = Callable[[Target, "Tools", Mapping[str, Any]], Iterator[Finding]]


class BudgetSpent(UserError):
    """The plugin ran longer than its manifest allows."""


class UndeclaredRule(UserError):
    """The plugin used a rule that its manifest does not declare."""


class PermissionNotDeclared(Forbidden):
    """The plugin used a tool whose permission its manifest does not declare."""

    in_responses = False


class MarkNotTested(Protocol):
    """Marks a rule as not fully tested, at one location or anywhere: missing findings do not count as fixed."""

    def __call__(self, rule: str, location_key: str | None = None, /) -> None: ...


@dataclass(frozen=True)
class Tools:
    """Everything that a plugin may use. Tools are granted by the `permissions` of its manifest."""

    now: Callable[[], datetime]
    log: logging.Logger
    progress: Callable[[float], None]  # a share from 0 to 1; stops the plugin if the scan was cancelled
    positions: Callable[[str], PositionMatcher]  # by rule, one for the whole step: the positions of earlier findings
    mark_not_tested: MarkNotTested
    granted: Mapping[str, Any] = field(default_factory=dict)  # a tool per permission of the manifest

    def tool(self, permission: str) -> Any:
        """The tool of a permission. The capability that provides the tool has a typed accessor."""
        if permission not in self.granted:
            raise PermissionNotDeclared(permission=permission)
        return self.granted[permission]


def validate_mark(rules: Collection[str], rule: str, location_key: str | None) -> None:
    """Validate a mark: a wrong rule or location key would not cover any finding.

    Raises UndeclaredRule, TypeError.
    """
    if rule not in rules:
        raise UndeclaredRule(rule=rule)
    if not isinstance(location_key, str | None):
        raise TypeError(f"a location key is a string, not {type(location_key).__name__}")
