"""What can be scanned: the kinds of target that capabilities declare."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import quote

from argus.core.caller import Caller
from argus.core.declarations import TargetKind
from argus.core.errors import Invalid
from argus.core.runtime import Runtime
from argus.scanning.model import Target

if TYPE_CHECKING:
    from argus.reports.model import TargetSection


class UnknownTarget(Invalid):
    """Nothing can scan this kind of target."""


class AmbiguousTarget(Invalid):
    """A target has either an id or a value."""


class WrongTargetField(Invalid):
    """This kind of target is given by the other of id and value."""


@dataclass(frozen=True)
class WantedTarget:
    """A target as a request names it: `id` of a thing that Argus holds, or `value` of one from outside."""

    kind: str
    id: str | None = None
    value: str | None = None


@dataclass(frozen=True)
class Targets:
    """The kinds of target that are installed."""

    kinds: Mapping[str, TargetKind]
    named: Callable[[str], Callable[..., Any]]  # finds the functions that kinds name

    @classmethod
    def of(cls, argus: Runtime) -> Self:
        return cls(argus.target_kinds(), argus.named)

    def resolve(self, caller: Caller, wanted: WantedTarget) -> Target:
        """The canonical target, which the caller may have scanned.

        Raises UnknownTarget, AmbiguousTarget, WrongTargetField; what the kind raises for a text that names no such
        target, and for a target that is not the caller's.
        """
        if (wanted.id is None) == (wanted.value is None):
            raise AmbiguousTarget
        kind = self._kind(wanted.kind)
        given_by, text = ("id", wanted.id) if wanted.id is not None else ("value", wanted.value or "")
        if given_by != kind.given_by:
            raise WrongTargetField(kind=wanted.kind, expected=kind.given_by, given=given_by)
        target = self.canonical(wanted.kind, text)
        self.named(kind.authorise)(caller, target.value)
        return target

    def canonical(self, kind: str, text: str) -> Target:
        """The target in the one form that fingerprints and filters know. Raises UnknownTarget; Invalid by its kind."""
        return Target(kind, self.named(self._kind(kind).canonical)(text))

    def label(self, organisation_id: str, target: Target) -> str:
        """What people call it; its value when it is gone, or has no other name."""
        kind = self.kinds.get(target.kind)
        name = self.named(kind.label)(organisation_id, target.value) if kind and kind.label else None
        return name or target.value

    def report_section(self, organisation_id: str, target: Target, *, with_picture: bool) -> "TargetSection | None":
        """What a report shows of it; None when it is gone, or its kind shows nothing."""
        kind = self.kinds.get(target.kind)
        if kind is None or kind.report_section is None:
            return None
        section: TargetSection | None = self.named(kind.report_section)(
            organisation_id, target.value, with_picture=with_picture
        )
        return section

    def _kind(self, name: str) -> TargetKind:
        if name not in self.kinds:
            raise UnknownTarget(kind=name, kinds=", ".join(sorted(self.kinds)))
        return self.kinds[name]


def link(kinds: Mapping[str, TargetKind], target: Target) -> str | None:
    """The path of the API where the target is; None when its kind has none."""
    kind = kinds.get(target.kind)
    return kind.link.format(value=quote(target.value, safe="")) if kind and kind.link else None
