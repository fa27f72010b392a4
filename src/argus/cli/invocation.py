"""The base of all commands: global options, accepted before and after the command, and errors as exit codes."""

import contextlib
import math
import os
import re
import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import click

from argus.cli.api import Api
from argus.cli.errors import INTERRUPTED, CliError, Misconfigured, Unreachable
from argus.cli.formatting import clean
from argus.cli.profiles import DEFAULT_PROFILE, Profiles
from argus.cli.query import Query
from argus.cli.screen import Screen
from argus.cli.waiting import Deadline

DEFAULT_URL = "http://127.0.0.1:5001"
DEFAULT_TIMEOUT_SECONDS = 600.0
_META = "argus.cli."
_PACKAGE = Path(__file__).parent

# Errors from reading a document with an unexpected shape: missing fields, null for a list, an invalid time, too many
# nested brackets.
_SHAPE_ERRORS = (LookupError, TypeError, ValueError, AttributeError, RecursionError)


@dataclass(frozen=True)
class Invocation:
    """One run of a command: its global options, the API client and the output."""

    profile: str
    explicit_url: str  # empty without --url and ARGUS_URL
    timeout_seconds: float
    screen: Screen

    @classmethod
    def of(cls, meta: Mapping[str, Any]) -> "Invocation":
        """From the global options in click's `Context.meta`."""
        return cls(
            profile=meta.get(f"{_META}profile") or DEFAULT_PROFILE,
            explicit_url=meta.get(f"{_META}url", ""),
            timeout_seconds=meta.get(f"{_META}timeout", DEFAULT_TIMEOUT_SECONDS),
            screen=Screen(
                json=meta.get(f"{_META}json", False) or f"{_META}query" in meta,
                quiet=meta.get(f"{_META}quiet", False),
                query=meta.get(f"{_META}query"),
            ),
        )

    @cached_property
    def url(self) -> str:
        """The explicit URL, else the profile's. Raises Misconfigured if the profile does not exist."""
        if self.explicit_url:
            return self.explicit_url
        profile = Profiles.of(os.environ).get(self.profile)
        if profile is None and self.profile != DEFAULT_PROFILE:
            name = self.profile
            raise Misconfigured(
                f"The profile {name} does not exist. Create it with `argus login --profile {name} --url URL`."
            )
        return profile.url if profile else DEFAULT_URL

    @cached_property
    def api(self) -> Api:
        return Api.of(self.url, profile=self.profile)

    @property
    def received_response(self) -> bool:
        """Whether a response of the server was read."""
        return "api" in vars(self) and self.api.responded.is_set()

    def close(self) -> None:
        if "api" in vars(self):
            self.api.close()

    def deadline(self) -> Deadline:
        """The deadline for background work: `--timeout` from now."""
        return Deadline.after(self.timeout_seconds)


def _store(context: click.Context, option: click.Parameter, value: object) -> None:
    if value is not None and value is not False:
        context.meta[f"{_META}{option.name}"] = value


def _store_profile(context: click.Context, option: click.Parameter, name: str | None) -> None:
    if name and not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", name):
        raise click.BadParameter("A name has 1 to 64 letters, digits, dots, hyphens or underscores.")
    _store(context, option, name)


def _store_query(context: click.Context, _: click.Parameter, expression: str | None) -> None:
    if expression is not None:
        context.meta[f"{_META}query"] = Query.parse(expression)


def _global_options(*, repeated: bool) -> list[click.Parameter]:
    """Documented on `argus`, which also reads the environment; hidden on groups and commands, which accept them too."""
    shared: dict[str, Any] = {"expose_value": False, "callback": _store, "hidden": repeated}
    return [
        click.Option(
            ["--url"],
            envvar=None if repeated else "ARGUS_URL",
            help=f"The URL of the server.  [env: ARGUS_URL; default: the profile's, else {DEFAULT_URL}]",
            **shared,
        ),
        click.Option(
            ["--profile"],
            envvar=None if repeated else "ARGUS_PROFILE",
            metavar="NAME",
            help=f"The URL and session to use.  [env: ARGUS_PROFILE; default: {DEFAULT_PROFILE}]",
            **{**shared, "callback": _store_profile},
        ),
        click.Option(["--json"], is_flag=True, help="Print one JSON document.", **shared),
        click.Option(
            ["--query"],
            metavar="EXPRESSION",
            help="Apply a JMESPath expression to the JSON document; implies --json.",
            **{**shared, "callback": _store_query},
        ),
        click.Option(["--quiet", "-q"], is_flag=True, help="Print results and errors only.", **shared),
        click.Option(
            ["--timeout"],
            type=click.FloatRange(0, max_open=True, max=math.inf),
            metavar="SECONDS",
            help=f"The maximum time to wait for background work.  [default: {DEFAULT_TIMEOUT_SECONDS:.0f}]",
            **shared,
        ),
    ]


class Command(click.Command):
    """A command with the global options."""

    def __init__(self, *arguments: Any, **keywords: Any) -> None:
        super().__init__(*arguments, **keywords)
        self.params += _global_options(repeated=True)

    def invoke(self, context: click.Context) -> Any:
        argus = context.obj = Invocation.of(context.meta)
        context.call_on_close(argus.close)
        try:
            return super().invoke(context)
        except UnicodeEncodeError as error:
            if error.encoding == "utf-8":  # the shell passes any bytes on as arguments
                raise click.UsageError(f"{clean(error.object)} is not valid UTF-8.") from error
            raise Misconfigured(
                f"The output is in {error.encoding}, which lacks some of its characters: set PYTHONIOENCODING=utf-8."
            ) from error
        except _SHAPE_ERRORS as error:
            if not argus.received_response:
                raise  # no response was read, so the cause is a bug in this program
            raise Unreachable(f"{argus.url} does not respond like an Argus server ({_location(error)}).") from error


def _location(error: Exception) -> str:
    """The error and the line that raised it: `KeyError: 'items' at api.py:72`."""
    frames = traceback.extract_tb(error.__traceback__)
    frame = next((each for each in reversed(frames) if Path(each.filename).is_relative_to(_PACKAGE)), frames[-1])
    return f"{type(error).__name__}: {str(error)[:100]} at {Path(frame.filename).name}:{frame.lineno}"


class Group(click.Group):
    """The commands for one kind of resource, as in `argus image list`."""

    command_class = Command

    def __init__(self, *arguments: Any, **keywords: Any) -> None:
        super().__init__(*arguments, **keywords)
        self.params += _global_options(repeated=True)


class CommandLine(click.Group):
    """`argus` itself: turns errors into messages and exit codes."""

    command_class = Command

    def __init__(self, *arguments: Any, **keywords: Any) -> None:
        super().__init__(*arguments, **keywords)
        self.params += _global_options(repeated=False)

    def invoke(self, context: click.Context) -> Any:
        try:
            return super().invoke(context)
        except CliError as error:
            Invocation.of(context.meta).screen.error(error)
            code = error.exit_code
        except (KeyboardInterrupt, click.Abort):
            with contextlib.suppress(KeyboardInterrupt):
                click.echo("argus: interrupted", err=True)
            code = INTERRUPTED
        context.exit(code)
        return None
