"""The errors of Argus. Each class has its own code; its texts are in the `messages` module of its package.

    raise PreconditionFailed(version=version)
    raise MalformedRequest("json_at", line=line, column=column)  # a class with several details selects one by key

Each entry point handles errors in one place: `core.http` returns problem+json, the worker batch failures.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import ClassVar

from argus.core.languages import Message, Parameter, messages_of

MAX_PARAMETER = 500  # characters of a text parameter
_MAX_NUMBER = 10.0**38  # DynamoDB stores 38 digits


class ArgusError(Exception):
    """An operation failed. The cause is for the log and not for users."""

    status: ClassVar[int] = 500
    in_responses: ClassVar[bool] = True  # false for the reasons of work that failed, which no response has as its code
    retry_after_seconds: int | None = None  # when a client may send the request again

    def __init__(self, cause: str = "", *, extensions: Mapping[str, object] | None = None) -> None:
        super().__init__(cause)
        self.cause = cause
        self.extensions = extensions or {}  # additional members of the problem (RFC 9457)
        self.message = _message(type(self), "", {})

    @property
    def code(self) -> str:
        """The class name in snake case; stable, for programs."""
        return code_of(type(self))

    @property
    def title(self) -> str:
        """The first line of the class's docstring, for operators."""
        return (type(self).__doc__ or "").strip().splitlines()[0]


@dataclass(frozen=True)
class FieldError:
    """What is wrong with one value of a request: at a path into its body, or in a parameter of its query."""

    path: tuple[str | int, ...] = ()
    parameter: str = ""
    sentence: str = ""  # in English; empty: the message of the error that contains this one


class UserError(ArgusError):
    """An error with a message for the user."""

    def __init__(self, key: str = "", /, *, errors: tuple[FieldError, ...] = (), **parameters: Parameter) -> None:
        super().__init__()
        self.errors = errors
        self.message = _message(type(self), key, parameters)

    def __str__(self) -> str:
        return self.message.sentence()


class BadRequest(UserError):
    """The request is malformed."""

    status = 400


class Unauthenticated(UserError):
    """The caller is not authenticated."""

    status = 401


class Forbidden(UserError):
    """The caller is not allowed to do this."""

    status = 403


class NotFound(UserError):
    """The resource does not exist in the caller's organisation."""

    status = 404


class Conflict(UserError):
    """The resource is in a state that does not allow this."""

    status = 409


class PreconditionFailed(UserError):
    """The resource has changed since the client read it."""

    status = 412


class TooLarge(UserError):
    """The request is larger than allowed."""

    status = 413


class UnsupportedMediaType(UserError):
    """The body is in a format that Argus does not read."""

    status = 415


class Invalid(UserError):
    """The request is well formed but invalid."""

    status = 422


class TooManyRequests(UserError):
    """The caller exceeds a rate limit."""

    status = 429

    def __init__(self, key: str = "", /, *, retry_after_seconds: int = 1, **parameters: Parameter) -> None:
        super().__init__(key, errors=(), **parameters)
        self.retry_after_seconds = retry_after_seconds


class Unavailable(ArgusError):
    """A service that Argus depends on does not respond."""

    status = 503
    retry_after_seconds = 5


@contextmanager
def located(*path: str | int, parameter: str = "") -> Iterator[None]:
    """Add to an error from this block where its cause is in the request: at a path into the body, or in a parameter.

    with located("files", index):
        ...  # an error has the pointer #/files/<index>; one with errors of fields has theirs below it
    """
    try:
        yield
    except UserError as error:
        below = error.errors or (FieldError(),)
        error.errors = tuple(replace(each, path=(*path, *each.path), parameter=parameter) for each in below)
        raise


def code_of(kind: type[ArgusError]) -> str:
    """The code of an error class."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", kind.__name__).lower()


def _message(kind: type[ArgusError], key: str, parameters: Mapping[str, Parameter]) -> Message:
    """The message of an error. A class without texts has those of its base class."""
    for base in kind.__mro__:
        package = ".".join(base.__module__.split(".")[:2])
        if issubclass(base, ArgusError) and code_of(base) in messages_of(package):
            return Message(package, code_of(base), key, {name: _storable(value) for name, value in parameters.items()})
    return Message("argus.core", "internal_server_error")


def _storable(value: Parameter) -> Parameter:
    """Short text, and numbers that DynamoDB can store; other numbers become text."""
    if isinstance(value, str):
        return value[:MAX_PARAMETER]
    return value if abs(value) < _MAX_NUMBER else str(value)[:MAX_PARAMETER]
