"""What a plugin may touch: its tools. A plugin is `run(target, tools, options)` yielding `Finding`s."""

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


class MarkNotTested(Protocol):
    """Says that a rule was not tested, or not to the end: at one place, or anywhere. What is missing is not fixed."""

    def __call__(self, rule: str, location_key: str | None = None, /) -> None: ...


@dataclass(frozen=True)
class Tools:
    """All that a plugin may touch. What its manifest does not ask for under `permissions` is refused."""

    now: Callable[[], datetime]
    log: logging.Logger
    progress: Callable[[float], None]  # 0..1; also where a cancelled scan stops
    positions: Callable[[str], PositionMatcher]  # by rule: where it was broken before
    mark_not_tested: MarkNotTested
    granted: Mapping[str, Any] = field(default_factory=dict)  # a tool for each permission of the manifest

    def tool(self, permission: str) -> Any:
        """The tool of a permission; the capability that brings it has a typed accessor for it."""
        if permission not in self.granted:
            raise PermissionNotDeclared(permission=permission)
        return self.granted[permission]


def check_mark(rules: Collection[str], rule: str, location_key: str | None) -> None:
    """Refuse to mark as not tested what is no rule or no place, as that would cover nothing.

    Raises UndeclaredRule, TypeError.
    """
    if rule not in rules:
        raise UndeclaredRule(rule=rule)
    if not isinstance(location_key, str | None):
        raise TypeError(f"a location key is text, not {type(location_key).__name__}")
