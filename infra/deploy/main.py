"""Deploy, roll back and destroy a stage: `python -m infra.deploy.main deploy staging --domain argus.example.com …`.

`make deploy`, `make rollback` and `make destroy` call it; docs/deployment.md lists the prerequisites. Options are
stored with the stage, so that later deployments need not repeat them. `make tier` sets the highest rate limit tier that
API keys of an organisation may have; no route of the API can. Tiers and tables are those that the API function uses.
"""

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import fields

from botocore.exceptions import BotoCoreError, ClientError

from argus.container import Container
from argus.core.errors import ArgusError
from argus.core.settings import Settings
from infra.deploy import steps
from infra.deploy.environment import Account, Environment
from infra.deploy.functions import API
from infra.deploy.options import Options

STAGES = ("dev", "staging", "production")


class NotConfirmed(ArgusError):
    """Nothing was destroyed."""


def main(
    arguments: Sequence[str],
    *,
    environment: Callable[[], Environment] = Account.of_environment,
    ask: Callable[[str], str] = input,
) -> int:
    """Run the command; returns 0, or 1 with the reason on standard error."""
    options = _parser().parse_args(arguments)
    try:
        _run(options, environment(), ask)
    except ArgusError as error:
        sys.stderr.write(f"{error.title.rstrip('.')}. {error}\n")
    except (BotoCoreError, ClientError) as error:
        sys.stderr.write(f"AWS: {error}\n")
    else:
        return 0
    return 1


def _run(options: argparse.Namespace, environment: Environment, ask: Callable[[str], str]) -> None:
    where = f"{options.stage} in account {environment.account_id}, region {environment.region}"
    write_line(f"{options.verb}: {where}")
    if options.verb == "tier":
        _set_tier(options, environment)
        return
    given = {option.name: getattr(options, option.name, None) for option in fields(Options)}
    deployment = steps.prepare(
        options.stage, environment, {name: value for name, value in given.items() if value is not None}, write_line
    )
    if options.verb == "deploy":
        steps.deploy(deployment)
        write_line(f"{options.stage} is deployed at {deployment.values['ApiUrl']}")
    elif options.verb == "rollback":
        steps.rollback(deployment)
    else:
        _confirm(options, ask, where)
        retained = steps.destroy(deployment)
        write_line("these resources were kept, and are billed until you delete them:")
        for line in [*retained, f"SSM parameters under /argus/{options.stage}/"]:
            write_line(f"  {line}")


def _set_tier(options: argparse.Namespace, environment: Environment) -> None:
    running = environment.client("lambda").get_function_configuration(FunctionName=API.name(options.stage))
    variables = {**running["Environment"]["Variables"], "AWS_REGION": environment.region}
    argus = Container(Settings.from_env(variables))
    organisation = argus.identity.organisation(options.organisation)
    argus.keys.allow(organisation.id, options.tier)
    write_line(f"API keys of {organisation.name} ({organisation.id}) may now have the tier {options.tier}")


def _confirm(options: argparse.Namespace, ask: Callable[[str], str], where: str) -> None:
    """Ask for the stage's name. Raises NotConfirmed."""
    if options.stage == "production" and not options.yes_really:
        raise NotConfirmed("To destroy production, pass --yes-really.")
    if ask(f"Type the stage's name to destroy {where}: {options.stage}\n> ").strip() != options.stage:
        raise NotConfirmed("The name that you typed is not that of the stage.")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="infra.deploy.main", description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)
    for verb in ("deploy", "rollback", "destroy", "tier"):
        one = verbs.add_parser(verb)
        one.add_argument("stage", choices=STAGES)
        if verb == "deploy":
            for option in fields(Options):
                one.add_argument(f"--{option.name.replace('_', '-')}", help=option.metadata["about"])
        if verb == "destroy":
            one.add_argument("--yes-really", action="store_true", help="required to destroy production")
        if verb == "tier":
            one.add_argument("--organisation", required=True, help="the organisation's id")
            one.add_argument("--tier", required=True, help="a tier of ARGUS_KEY_RATE_LIMITS")
    return parser


def write_line(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
