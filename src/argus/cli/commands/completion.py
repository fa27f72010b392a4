"""The command for shell completion."""

import click
from click.shell_completion import BashComplete, FishComplete, ZshComplete

from argus.cli.invocation import Command, Invocation

SHELLS = {"bash": BashComplete, "zsh": ZshComplete, "fish": FishComplete}


@click.command(cls=Command)
@click.argument("shell", type=click.Choice(SHELLS))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print the completion script for a shell.

    \b
    bash  echo 'eval "$(argus completion bash)"' >> ~/.bashrc
    zsh   echo 'eval "$(argus completion zsh)"' >> ~/.zshrc
    fish  argus completion fish > ~/.config/fish/completions/argus.fish
    """
    argus: Invocation = context.obj
    script = SHELLS[shell](context.find_root().command, {}, "argus", "_ARGUS_COMPLETE").source()
    argus.screen.show({"shell": shell, "script": script})
    if not argus.screen.json:
        click.echo(script)


COMMANDS = (completion,)
