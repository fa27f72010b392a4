"""The errors of commands and their exit codes. 2 is click's own, for wrong usage."""

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from argus.core.errors import ArgusError

INTERRUPTED = 130  # 128 + SIGINT, as shells have it


class CliError(ArgusError):
    """The command failed."""

    exit_code: ClassVar[int] = 1

    def as_problem(self) -> dict[str, Any]:
        """The error as RFC 9457 has it, for `--json`."""
        return {"title": self.title, "detail": self.cause, "code": self.code}


class Incomplete(CliError):
    """Something is incomplete."""


class Misconfigured(CliError):
    """The configuration is wrong."""

    exit_code = 3


class NotSignedIn(CliError):
    """Not signed in."""

    exit_code = 3


class Unreachable(CliError):
    """Argus does not answer."""

    exit_code = 5


class Refused(CliError):
    """Argus refused the request."""

    exit_code = 4

    def __init__(self, problem: Mapping[str, Any]) -> None:
        super().__init__(str(problem.get("detail", "")))
        self.problem = problem

    @property
    def title(self) -> str:
        return str(self.problem.get("title") or super().title)

    def as_problem(self) -> dict[str, Any]:
        return dict(self.problem)

    def fields(self) -> Iterator[tuple[str, str]]:
        """The errors, field by field: (dotted path, message)."""
        yield from _flat(self.problem.get("errors"), "")


def _flat(found: object, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(found, Mapping):
        for name, inner in found.items():
            yield from _flat(inner, f"{path}.{name}" if path else str(name))
    elif isinstance(found, list):
        for inner in found:
            yield from _flat(inner, path)
    elif found is not None:
        yield path, str(found)
