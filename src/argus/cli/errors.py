"""The errors of commands and their exit codes. click uses 2 for usage errors."""

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar
from urllib.parse import unquote

from argus.core.errors import ArgusError

INTERRUPTED = 130  # 128 + SIGINT, as in shells


class CliError(ArgusError):
    """Command failed."""

    exit_code: ClassVar[int] = 1

    @property
    def title(self) -> str:
        """The kind of error, without a full stop."""
        return super().title.rstrip(".")

    def as_problem(self) -> dict[str, Any]:
        """The error as a problem document (RFC 9457), for `--json`."""
        return {"title": self.title, "detail": self.cause, "code": self.code}


class Incomplete(CliError):
    """Incomplete."""


class Misconfigured(CliError):
    """Configuration error."""

    exit_code = 3


class NotSignedIn(CliError):
    """Not signed in."""

    exit_code = 3


class Unreachable(CliError):
    """No response from Argus."""

    exit_code = 5


class RequestRejected(CliError):
    """Request rejected."""

    exit_code = 4

    def __init__(self, problem: Mapping[str, Any]) -> None:
        super().__init__(str(problem.get("detail", "")))
        self.problem = problem

    @property
    def title(self) -> str:
        return str(self.problem.get("title") or super().title).rstrip(".")

    def as_problem(self) -> dict[str, Any]:
        return dict(self.problem)

    def fields(self) -> Iterator[tuple[str, str]]:
        """What is wrong with which values: (JSON Pointer without `#/`, or query parameter; sentence)."""
        errors = self.problem.get("errors")
        for error in errors if isinstance(errors, list) else []:
            if isinstance(error, Mapping):
                place = error.get("parameter") or unquote(str(error.get("pointer", ""))).removeprefix("#").lstrip("/")
                yield str(place), str(error.get("detail", ""))
