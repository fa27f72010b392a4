"""The command line: its commands, and what it promises about exit codes."""

import click

from argus import __version__
from argus.cli.commands import account, images, keys, reports, scans, watch
from argus.cli.invocation import Group

_EPILOG = """\
\b
Exit codes
  0    done
  1    something is incomplete: a file rejected, a scan failed, the time over
  2    wrong usage
  3    not signed in, or not set up
  4    Argus refused the request
  5    Argus does not answer
  130  interrupted

\b
Environment
  ARGUS_URL         where Argus answers
  ARGUS_API_KEY     an API key to use instead of signing in, for programs
  ARGUS_TOKEN       an access token to use instead of the stored session
  ARGUS_CONFIG_DIR  where the session is kept, instead of ~/.config/argus
  NO_COLOR          no colours
"""


@click.group(cls=Group, epilog=_EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="argus")
def argus() -> None:
    """Inspect what you are responsible for: upload thermal images, scan them, read what was found.

    Global options stand before or after the command's name.
    """


for command in (
    account.login,
    account.logout,
    account.token,
    account.whoami,
    images.upload,
    images.images,
    images.image,
    images.delete,
    scans.scan,
    scans.scans,
    scans.findings,
    scans.plugins,
    reports.report,
    keys.keys,
    watch.watch,
):
    argus.add_command(command)
