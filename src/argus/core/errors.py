"""One tree of errors. A class is a kind, its docstring the title, its message what happened to which thing.

Each doorway turns them into answers in one place: `core.http` into problem+json, the worker into batch failures.
"""

import re
from collections.abc import Mapping
from typing import ClassVar


class ArgusError(Exception):
    """Something went wrong in Argus."""

    status: ClassVar[int] = 500

    def __init__(
        self,
        detail: str = "",
        *,
        errors: Mapping[str, object] | None = None,
        extensions: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.errors = errors
        self.extensions = extensions or {}  # members of the problem beside RFC 9457's own

    @property
    def code(self) -> str:
        """The class name in snake case: stable, for machines."""
        return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", type(self).__name__).lower()

    @property
    def title(self) -> str:
        return (type(self).__doc__ or "").strip().splitlines()[0]


class BadRequest(ArgusError):
    """The request cannot be understood."""

    status = 400


class Unauthenticated(ArgusError):
    """The caller is not known."""

    status = 401


class Forbidden(ArgusError):
    """The caller may not do this."""

    status = 403


class NotFound(ArgusError):
    """There is no such thing here."""

    status = 404


class Conflict(ArgusError):
    """The thing is in a state that does not allow this."""

    status = 409


class PreconditionFailed(ArgusError):
    """The thing has changed since it was read."""

    status = 412


class TooLarge(ArgusError):
    """The request is larger than allowed."""

    status = 413


class Invalid(ArgusError):
    """The request is well formed but not acceptable."""

    status = 422


class TooManyRequests(ArgusError):
    """The caller asks more often than allowed."""

    status = 429

    def __init__(self, detail: str = "", *, retry_after_seconds: int = 1) -> None:
        super().__init__(detail)
        self.retry_after_seconds = retry_after_seconds


class Unavailable(ArgusError):
    """A part that Argus depends on does not answer."""

    status = 503
