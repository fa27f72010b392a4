"""The `argus` command with the commands of all capabilities, and its help."""

import importlib
import pkgutil
from collections.abc import Iterator

import click

from argus import __version__
from argus.cli import commands
from argus.cli.invocation import CommandLine

_HELP = """Upload thermal images, scan them, and read the findings.

Global options work before and after the command. The URL is --url, else ARGUS_URL, else the URL that `argus login`
stored in the profile. The credentials are ARGUS_API_KEY or ARGUS_TOKEN, else the session of the profile.
"""

_EPILOG = """\
\b
Exit codes
  0    success
  1    incomplete: a file was rejected, a scan failed, or the timeout passed
  2    usage error
  3    not signed in, or configuration error
  4    Argus rejected the request
  5    no response from Argus
  130  interrupted

\b
Environment
  ARGUS_URL         the URL of the server
  ARGUS_API_KEY     an API key instead of a session, for programs
  ARGUS_TOKEN       an access token instead of a session
  ARGUS_PROFILE     the profile to use: a URL and a session
  ARGUS_CONFIG_DIR  the folder of the profiles, instead of ~/.config/argus
  NO_COLOR          no colours
"""


def command_line() -> CommandLine:
    """`argus` with every command that a module of `argus.cli.commands` exports."""
    group = CommandLine("argus", help=_HELP, epilog=_EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
    for command in _discover_commands():
        group.add_command(command)
    return click.version_option(__version__, prog_name="argus")(group)


def _discover_commands() -> Iterator[click.Command]:
    for module in pkgutil.iter_modules(commands.__path__, f"{commands.__name__}."):
        yield from importlib.import_module(module.name).COMMANDS


argus = command_line()
