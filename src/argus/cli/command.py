"""The command line: the commands of all capabilities, and the exit codes."""

import importlib
import pkgutil
from collections.abc import Iterator

import click

from argus import __version__
from argus.cli import commands
from argus.cli.invocation import CommandLine

_HELP = """Inspect what you are responsible for: upload thermal images, scan them, read the findings.

Global options may be given before or after the command. The URL is --url, else ARGUS_URL, else the one that
`argus login` stored in the profile. The credentials are ARGUS_API_KEY or ARGUS_TOKEN, else the profile's session.
"""

_EPILOG = """\
\b
Exit codes
  0    done
  1    something is incomplete: a file is rejected, a scan failed, the time is over
  2    wrong usage
  3    not signed in, or a wrong configuration
  4    Argus refused the request
  5    Argus does not answer
  130  interrupted

\b
Environment
  ARGUS_URL         the URL of the server
  ARGUS_API_KEY     an API key instead of a session, for programs
  ARGUS_TOKEN       an access token instead of a session
  ARGUS_PROFILE     the profile to use: a URL and a session
  ARGUS_CONFIG_DIR  where profiles are kept, instead of ~/.config/argus
  NO_COLOR          no colours
"""


def command_line() -> CommandLine:
    """`argus` with every command that a module of `argus.cli.commands` exports."""
    group = CommandLine("argus", help=_HELP, epilog=_EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
    for command in _discovered():
        group.add_command(command)
    return click.version_option(__version__, prog_name="argus")(group)


def _discovered() -> Iterator[click.Command]:
    for module in pkgutil.iter_modules(commands.__path__, f"{commands.__name__}."):
        yield from importlib.import_module(module.name).COMMANDS


argus = command_line()
