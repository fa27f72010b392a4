"""The kinds of target that capabilities declare."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import quote

from argus.core.caller import Caller
from argus.core.declarations import TargetKind, load
from argus.core.errors import Invalid, located
from argus.core.runtime import Runtime
from argus.scanning.model import Target

if TYPE_CHECKING:
    from argus.reports.model import Column, TargetSection


class UnknownTarget(Invalid):
    """The kind of target does not exist."""


class AmbiguousTarget(Invalid):
    """The target has both an id and a value, or neither."""


class WrongTargetField(Invalid):
    """The target has an id where its kind requires a value, or the reverse."""


@dataclass(frozen=True)
class RequestedTarget:
    """The target of a request: the `id` of a resource in Argus, or the `value` of an external target."""

    kind: str
    id: str | None = None
    value: str | None = None


@dataclass(frozen=True)
class Targets:
    """The kinds of target that are installed."""

    kinds: Mapping[str, TargetKind]
    function: Callable[[str], Callable[..., Any]]  # resolves the function names of the kinds

    @classmethod
    def of(cls, argus: Runtime) -> Self:
        return cls(argus.target_kinds(), argus.function)

    def resolve(self, caller: Caller, requested: RequestedTarget) -> Target:
        """The target in canonical form, after checking that the caller may scan it.

        Raises UnknownTarget, AmbiguousTarget, WrongTargetField, and the errors of the kind for an invalid target and
        for a target of another organisation.
        """
        with located("target", "kind"):
            kind = self._kind(requested.kind)
        if (requested.id is None) == (requested.value is None):
            with located("target"):
                raise AmbiguousTarget(expected=kind.given_by)
        given_by, text = ("id", requested.id) if requested.id is not None else ("value", requested.value or "")
        with located("target", given_by):
            if given_by != kind.given_by:
                raise WrongTargetField(kind=requested.kind, expected=kind.given_by, given=given_by)
            target = self.canonical(requested.kind, text)
            self.function(kind.authorise)(caller, target.value)
            return target

    def canonical(self, kind: str, text: str) -> Target:
        """The target in the form that fingerprints and filters use. Raises UnknownTarget, and Invalid by its kind."""
        return Target(kind, self.function(self._kind(kind).canonical)(text))

    def label(self, organisation_id: str, target: Target) -> str:
        """Its name for users; its value if it was deleted or has no name."""
        kind = self.kinds.get(target.kind)
        name = self.function(kind.label)(organisation_id, target.value) if kind and kind.label else None
        return name or target.value

    def report_section(self, organisation_id: str, target: Target, *, with_blocks: bool) -> "TargetSection | None":
        """Its section in a report; None if it was deleted or its kind has no section."""
        kind = self.kinds.get(target.kind)
        if kind is None or kind.report_section is None:
            return None
        section: TargetSection | None = self.function(kind.report_section)(
            organisation_id, target.value, with_blocks=with_blocks
        )
        return section

    def report_columns(self, name: str) -> "tuple[Column, ...]":
        """The columns of findings that a kind of target adds to reports. They remain when the target is deleted."""
        kind = self.kinds.get(name)
        columns: tuple[Column, ...] = load(kind.report_columns) if kind and kind.report_columns else ()
        return columns

    def _kind(self, name: str) -> TargetKind:
        if name not in self.kinds:
            raise UnknownTarget(kind=name, kinds=", ".join(sorted(self.kinds)))
        return self.kinds[name]


def link(kinds: Mapping[str, TargetKind], target: Target) -> str | None:
    """The API path of the target; None if its kind has none."""
    kind = kinds.get(target.kind)
    return kind.link.format(value=quote(target.value, safe="")) if kind and kind.link else None
