"""Deploy, roll back and destroy a stage: `python -m services.deploy.main deploy staging --domain argus.example.com …`.

`make deploy`, `make rollback` and `make destroy` call it; docs/deployment.md tells what must be there first. Options
that were given once are remembered with the stage.
"""

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import fields

from botocore.exceptions import BotoCoreError, ClientError

from argus.core.errors import ArgusError
from services.deploy import steps
from services.deploy.environment import Account, Environment
from services.deploy.options import Options

STAGES = ("dev", "staging", "production")


class NotConfirmed(ArgusError):
    """Nothing was destroyed."""


def main(
    arguments: Sequence[str],
    *,
    environment: Callable[[], Environment] = Account.of_environment,
    ask: Callable[[str], str] = input,
) -> int:
    """0, or 1 with the reason on standard error."""
    asked = _parser().parse_args(arguments)
    try:
        _run(asked, environment(), ask)
    except ArgusError as error:
        sys.stderr.write(f"{error.title} {error}\n")
    except (BotoCoreError, ClientError) as error:
        sys.stderr.write(f"AWS: {error}\n")
    else:
        return 0
    return 1


def _run(asked: argparse.Namespace, environment: Environment, ask: Callable[[str], str]) -> None:
    given = {option.name: getattr(asked, option.name, None) for option in fields(Options)}
    deployment = steps.begin(
        asked.stage, environment, {name: value for name, value in given.items() if value is not None}, say
    )
    if asked.verb == "deploy":
        steps.deploy(deployment)
        say(f"{asked.stage} is at {deployment.known.get('ApiUrl', 'its front door')}")
    elif asked.verb == "rollback":
        steps.rollback(deployment)
    else:
        _confirm(asked, ask)
        remains = steps.destroy(deployment)
        say("what remains, and costs, until somebody deletes it by hand:")
        for line in [*remains, f"SSM parameters under /argus/{asked.stage}/"]:
            say(f"  {line}")


def _confirm(asked: argparse.Namespace, ask: Callable[[str], str]) -> None:
    """Raises NotConfirmed."""
    if asked.stage == "production" and not asked.yes_really:
        raise NotConfirmed("production is only destroyed with --yes-really")
    if ask(f"Type the stage's name to destroy it: {asked.stage}\n> ").strip() != asked.stage:
        raise NotConfirmed("that was not its name")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="services.deploy.main", description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)
    for verb in ("deploy", "rollback", "destroy"):
        one = verbs.add_parser(verb)
        one.add_argument("stage", choices=STAGES)
        if verb == "deploy":
            for option in fields(Options):
                one.add_argument(f"--{option.name.replace('_', '-')}", help=option.metadata["about"])
        if verb == "destroy":
            one.add_argument("--yes-really", action="store_true", help="production too")
    return parser


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
